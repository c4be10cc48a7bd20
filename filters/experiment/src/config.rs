//! The `experiments` section as it is written.
//!
//! Reading refuses only what has the wrong type or an unknown name. Everything else, and what is
//! missing, is found when the plan is made, so that all of it is reported together.

use crate::part::Part;
use serde::Serialize;
use weir_cookie::{CookieSpec, SecretSpec};
use weir_core::Load;
use weir_core::http_match::HttpMatch;
use weir_core::{Named, SourceSpec};

/// `experiments`: who gets which variant.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Experiments"))]
pub struct Config {
    /// The experiments, in any order.
    pub list: Vec<Experiment>,
    /// What identifies a unit in experiments that do not say it themselves: the first source that the
    /// request has, and that is not empty, counts.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<SourceSpec>"))]
    pub unit: Vec<SourceSpec>,
    /// A cookie that gives an identity to who has none: a random id of 128 bits, read last, set by the
    /// response. The id counts on the very request that has none yet. With a `secret` it is signed, and
    /// others are not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mint_cookie: Option<CookieSpec>,
    /// The cookie that remembers which variants a browser was given: signed, so it needs a `secret`. It
    /// makes `sticky` possible, and lets each unit be counted once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignment_cookie: Option<CookieSpec>,
    /// What must say that cookies are welcome, before any of this section is set or read. When absent, they
    /// are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// What signs cookies. Of several the first signs, and signatures by all are accepted.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<SecretSpec>"))]
    pub secret: Vec<SecretSpec>,
    /// Shares of all units that are kept out of the experiments that name them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holdouts: Vec<Holdout>,
    /// How testers choose their variants; nobody can without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overrides: Option<Overrides>,
    /// Peers whose copies of the headers of this section are believed: what they have decided stays, and so
    /// do names of Weir's namespace. Everybody else's copies are removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust: Option<Requests>,
    /// How services, logs and clients learn of the variants.
    pub output: Output,
}

/// One experiment.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Experiment {
    /// The experiment's key, unique: letters, digits, `-`, `_` and `.`.
    pub key: String,
    /// The flag that it is a rule of. Experiments of one flag are tried in the order of the list: the first
    /// that gives a variant decides, the others are passed over. They share the headers of the flag's name,
    /// and prerequisites and routes can name the flag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flag: Option<String>,
    /// Where it is in its life; `running` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// When it begins, as RFC 3339 has it (`2026-03-01T00:00:00Z`). Before that it is a draft.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// When it is over, as RFC 3339 has it. From then on it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// What identifies a unit: the first source that the request has, and that is not empty, counts. The
    /// section's `unit` when absent.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<SourceSpec>"))]
    pub unit: Vec<SourceSpec>,
    /// Whether the section's `mintCookie` identifies who has no other identity; true when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anonymous: Option<bool>,
    /// Who takes part: Istio's HTTPMatchRequest, or a list of them of which one must match.
    #[load(one_or_many)]
    #[serde(rename = "match", skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<HttpMatch>"))]
    pub http_match: Vec<HttpMatch>,
    /// Who takes part: a GrowthBook condition over attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<serde_json::Value>,
    /// Who takes part: a CEL expression over Envoy's attributes, which the proxy evaluates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cel: Option<String>,
    /// Its place in layers. Experiments in different ranges of a layer never share a unit.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<Layer>"))]
    pub layer: Vec<Layer>,
    /// Holdouts whose units do not take part.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<String>"))]
    pub holdout: Vec<String>,
    /// What units must have been given in other experiments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prerequisites: Vec<Prerequisite>,
    /// The part of all units that takes part; everybody when absent. Raising it moves nobody between
    /// variants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Part>,
    /// The variants, in an order that must not change.
    pub variants: Vec<Variant>,
    /// How units become variants: `weir-1` when absent, or the name of an SDK's algorithm, such as
    /// `growthbook-2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// What the hash is salted with; what it is when absent depends on `hash`, and is the key for most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
    /// What the hash that decides about coverage is salted with, for SDKs that hash twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage_seed: Option<String>,
    /// The version under which assignments are remembered. With a new one, units are assigned anew.
    pub bucket_version: u32,
    /// Units with an assignment of an older version take no part any more.
    pub min_bucket_version: u32,
    /// Whether units keep the variant that `assignmentCookie` remembers.
    pub sticky: bool,
    /// What everybody gets once it has ended; nobody gets anything when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub winner: Option<String>,
    /// The request header with the variant's key; `x-weir-experiment-` and the flag's name, or else the
    /// experiment's key, when absent, and no header when absent beside `output.combinedHeader`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The request header with the variant's payload; `x-weir-payload-` and the flag's name, or else the
    /// experiment's key, when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_header: Option<String>,
}

impl Experiment {
    /// What its headers, and the other places where its variant is told, name: its flag, or itself.
    #[must_use]
    pub fn name(&self) -> &str {
        self.flag.as_deref().unwrap_or(&self.key)
    }
}

impl Prerequisite {
    /// It, or those of which one will do.
    #[must_use]
    pub fn choices(&self) -> &[Self] {
        if self.any_of.is_empty() { std::slice::from_ref(self) } else { &self.any_of }
    }
}

/// Where an experiment is in its life.
#[derive(Clone, Copy, Debug, Default, Load, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Status {
    /// It does nothing yet.
    Draft,
    /// Units are assigned.
    #[default]
    Running,
    /// Only units that have a remembered variant keep it; nobody new is assigned.
    Paused,
    /// Everybody gets the winner.
    Ended,
}

/// What a unit can be given.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Variant {
    /// The variant's key, unique in its experiment: letters, digits, `-`, `_` and `.`.
    pub key: String,
    /// Its weight, relative to the sum of all; 0 is exactly nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// In place of weights: the ranges of units that it has, each from its start up to, but without, its
    /// end; an empty list is exactly nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ranges: Option<Vec<[Part; 2]>>,
    /// Request headers to set for its units.
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub headers: Named<String>,
    /// Any JSON, for services to read from a request header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<serde_json::Value>,
}

/// A place in a layer.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Layer {
    /// The layer's name. It salts the layer's hash.
    pub name: String,
    /// The ranges of the layer's units that this experiment may have, each from its start up to, but
    /// without, its end.
    pub ranges: Vec<[Part; 2]>,
    /// What identifies a unit in the layer, where this differs from the experiment's `unit`.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<SourceSpec>"))]
    pub unit: Vec<SourceSpec>,
    /// An SDK's algorithm for the layer's hash; `weir-1` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// What the layer's hash is salted with; made from the name when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
}

/// A share of all units that experiments leave alone, so that their joint effect can be seen.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Holdout {
    /// The holdout's name, unique. It salts the hash.
    pub name: String,
    /// The part of all units that is held out. Raising it only adds units.
    pub share: Part,
}

/// What a unit must have been given before.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Prerequisite {
    /// The key of the other experiment, or the name of a flag.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub experiment: String,
    /// The variants that will do; all of them when absent.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<String>"))]
    pub variants: Vec<String>,
    /// In place of `experiment`: prerequisites of which one will do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub any_of: Vec<Prerequisite>,
    /// Turns it round: the unit must have none of them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub not: bool,
}

/// What says that cookies are welcome.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Consent {
    /// Where it is said, such as `cookie:consent`.
    pub source: SourceSpec,
    /// What it says then, one of these; anything that is not empty when absent.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<String>"))]
    pub equals: Vec<String>,
}

/// How testers choose their variants: `checkout=b` or `checkout=b,search=a`, in one of three places. It
/// counts only with a secret behind it (`checkout=b~SECRET`), or for allowed peers.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Overrides {
    /// The request header that is read first. It is removed before the request goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The query parameter that is read next, as links have it. It is removed before the request goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The cookie that is read after these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cookie: Option<String>,
    /// The cookie that a signed choice in `query` sets, so that later requests of the browser have its variants
    /// too. It is signed, ends with the link at the latest, and is read last. Default: none, a link is good for
    /// the requests that carry it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<CookieSpec>,
    /// The response header that reports what became of a choice: `applied`, `inactive`, `unknown`, `expired`,
    /// `refused` or `ended`. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_header: Option<String>,
    /// What must follow the choice after a `~`: one of these, or a signature by one of these, as `weir link`
    /// makes it.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<SecretSpec>"))]
    pub secret: Vec<SecretSpec>,
    /// Requests that need no secret, such as those of a peer with a certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Requests>,
}

/// Which requests: those for which all that is given holds.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Requests {
    /// Istio's HTTPMatchRequest, or a list of them of which one must match.
    #[load(one_or_many)]
    #[serde(rename = "match", skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<HttpMatch>"))]
    pub http_match: Vec<HttpMatch>,
    /// A GrowthBook condition over attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<serde_json::Value>,
    /// A CEL expression over Envoy's attributes, which the proxy evaluates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cel: Option<String>,
}

/// How services, logs and clients learn of the variants.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Output {
    /// One request header for all experiments, `checkout=b,search=a`, in place of one for each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub combined_header: Option<String>,
    /// Whether the W3C header `baggage` gets a member `weir.KEY=VARIANT` for each experiment, which
    /// instrumented services carry on.
    pub baggage: bool,
    /// Whether the filter state `wasm.weir.KEY` is set, for access logs, metrics tags and later filters.
    pub filter_state: bool,
    /// Whether assignments are counted; true when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counters: Option<bool>,
    /// A response header with the variants, `checkout=b,search=a`. It shows clients what they were given,
    /// so it is off unless named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_header: Option<String>,
    /// A cookie with the variants for scripts in the page, `checkout:b/search:a`. Nothing believes it, and
    /// scripts can read it: its `httpOnly` is `false` by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_cookie: Option<CookieSpec>,
}
