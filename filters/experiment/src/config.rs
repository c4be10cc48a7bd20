//! The `experiments` section as it is written.
//!
//! Reading refuses only what has the wrong type or an unknown name. Everything else, and what is
//! missing, is found when the plan is made, so that all of it is reported together.

use crate::fraction::FractionSpec;
use serde::Serialize;
use weir_cookie::{CookieSpec, SecretSpec};
use weir_core::Load;
use weir_core::targeting::Targeting;
use weir_core::{OrderedMap, SourceSpec, StepsSpec};

/// `experiments`: assign variants to units.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Experiments"))]
pub struct Config {
    /// The experiments, in any order. Default: none.
    pub list: Vec<Experiment>,
    /// Sources of the unit, for experiments without their own `unit`; the first non-empty source wins.
    /// Default: none.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<SourceSpec>"))]
    pub unit: Vec<SourceSpec>,
    /// Cookie that assigns an anonymous ID to clients without a unit: 128 random bits, set by the response.
    /// The cookie is the last source, and its ID already decides the first request. With a `secret` it is
    /// signed, and unsigned values are rejected. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mint_cookie: Option<CookieSpec>,
    /// Cookie that stores the assignments of a browser. It is signed and needs a `secret`. It enables
    /// `sticky`, and counting each unit once. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignment_cookie: Option<CookieSpec>,
    /// The source of the visitor's consent, without which no cookie of this section is set or read. Default:
    /// cookies are allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// Whether requests that are nobody's visit are left out: CORS preflights, prefetching and prerendering, health
    /// checks, redirects to https. They get no anonymous ID, and are no exposure and no goal. Default: `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visits_only: Option<bool>,
    /// Secrets that sign cookies. The first one signs, signatures by all are accepted. Default: none.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<SecretSpec>"))]
    pub secret: Vec<SecretSpec>,
    /// Shares of all units that are excluded from the experiments that name them. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holdouts: Vec<Holdout>,
    /// Forced variants for testers. Default: disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overrides: Option<Overrides>,
    /// Peers whose copies of this section's headers are trusted: their decisions are kept, count as they say, and
    /// so are names of Weir's namespace. Copies from all other clients are removed. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust: Option<Targeting>,
    /// How variants are passed to services, logs and clients.
    pub output: Output,
}

/// One experiment.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Experiment {
    /// The experiment's unique key: letters, digits, `-`, `_` and `.`.
    pub key: String,
    /// The flag that this experiment is a rule of. Experiments of one flag are tried in the order of the
    /// list: the first that assigns a variant wins, the others are skipped. They share the headers of the
    /// flag's name, and prerequisites and routes can name the flag. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flag: Option<String>,
    /// Its status. Default: `running`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Start time in RFC 3339 format (`2026-03-01T00:00:00Z`); before it the experiment is a draft. Default:
    /// none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// End time in RFC 3339 format; from then on the experiment has ended. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// Sources of the unit; the first non-empty source wins. Default: the section's `unit`.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<SourceSpec>"))]
    pub unit: Vec<SourceSpec>,
    /// Whether the section's `mintCookie` identifies clients without a unit. Default: `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anonymous: Option<bool>,
    /// Which requests take part.
    #[serde(flatten)]
    pub targeting: Targeting,
    /// Its ranges in layers. Experiments in different ranges of a layer never share a unit. Default: none.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<Layer>"))]
    pub layer: Vec<Layer>,
    /// Holdouts whose units do not take part. Default: none.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<String>"))]
    pub holdout: Vec<String>,
    /// Variants of other experiments that units must have. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prerequisites: Vec<Prerequisite>,
    /// The fraction of all units that takes part. Raising it moves no unit between variants. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<FractionSpec>,
    /// Raises the coverage to `coverage` in steps of time. Default: `coverage` is in force at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ramp: Option<Box<Ramp>>,
    /// The variants; do not change their order.
    pub variants: Vec<Variant>,
    /// The hash algorithm: `weir-1`, or that of an SDK, such as `growthbook-2`. Default: `weir-1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// Hash salt. Default: depends on `hash`; for most, the experiment's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
    /// Salt of the hash for coverage, for SDKs that hash twice. Default: depends on `hash`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage_seed: Option<String>,
    /// The version of sticky assignments. With a new version, units are assigned again.
    pub bucket_version: u32,
    /// Units with a sticky assignment of an older version do not take part.
    pub min_bucket_version: u32,
    /// Whether units keep the variant stored in `assignmentCookie`.
    pub sticky: bool,
    /// The variant that all units get after the end. Default: none; no unit gets a variant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub winner: Option<String>,
    /// The request header with the variant's key. Default: `x-weir-experiment-` followed by the flag's name
    /// or the experiment's key; with `output.combinedHeader`, no header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The request header with the variant's payload. Default: `x-weir-payload-` followed by the flag's name
    /// or the experiment's key.
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

/// A coverage that rises with time, without a change of the configuration. No unit loses its variant or gets another
/// one.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "CoverageRamp"))]
pub struct Ramp {
    /// The coverage until the first step. Default: 0 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<FractionSpec>,
    /// When the steps are taken.
    #[serde(flatten)]
    pub when: StepsSpec,
}

impl Experiment {
    /// The coverage after so many steps of its ramp, from 0 to 1.
    #[must_use]
    pub fn coverage_after(&self, taken: u32) -> f64 {
        let last = self.coverage.unwrap_or(FractionSpec::ALL).0;
        let Some(ramp) = self.ramp.as_ref().filter(|ramp| taken < ramp.when.number()) else { return last };
        let first = ramp.from.unwrap_or_default().0;
        let part = first + (last - first) * f64::from(taken) / f64::from(ramp.when.number());
        // The double that is written 0.3, not one beside it: algorithms of some SDKs tell them apart.
        (part * 1e6).round() / 1e6
    }
}

impl Prerequisite {
    /// It, or those of which one will do.
    #[must_use]
    pub fn choices(&self) -> &[Self] {
        if self.any_of.is_empty() { std::slice::from_ref(self) } else { &self.any_of }
    }
}

/// The status of an experiment.
#[derive(Clone, Copy, Debug, Default, Load, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Status {
    /// The experiment has no effect yet.
    Draft,
    /// Units are assigned.
    #[default]
    Running,
    /// Units with a sticky assignment keep it; no other units are assigned.
    Paused,
    /// All units get the winner.
    Ended,
}

/// A variant.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Variant {
    /// The variant's key, unique in its experiment: letters, digits, `-`, `_` and `.`.
    pub key: String,
    /// Its weight, relative to the sum of all weights; 0 gets no unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// Instead of weights: its half-open ranges `[start, end)` of all units; an empty list gets no unit.
    /// Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ranges: Option<Vec<[FractionSpec; 2]>>,
    /// Request headers to set for its units. Default: none.
    #[serde(skip_serializing_if = "OrderedMap::is_empty")]
    pub headers: OrderedMap<String>,
    /// Any JSON, forwarded to services in a request header. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<Box<serde_json::Value>>,
}

/// Ranges in a layer.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Layer {
    /// The layer's name. It salts the layer's hash.
    pub name: String,
    /// The half-open ranges `[start, end)` of the layer's units that belong to this experiment.
    pub ranges: Vec<[FractionSpec; 2]>,
    /// Sources of the unit in the layer. Default: the experiment's `unit`.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<SourceSpec>"))]
    pub unit: Vec<SourceSpec>,
    /// The algorithm of the layer's hash: `weir-1`, or that of an SDK. Default: `weir-1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// Salt of the layer's hash. Default: the layer's name and `/layer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
}

/// A share of all units that is excluded from experiments, to measure their joint effect.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Holdout {
    /// The holdout's unique name. It salts the hash.
    pub name: String,
    /// The fraction of all units that is held out. Raising it only adds units.
    pub share: FractionSpec,
}

/// A variant of another experiment that a unit must have.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Prerequisite {
    /// The key of the other experiment, or the name of a flag.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub experiment: String,
    /// The accepted variants. Default: any.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<String>"))]
    pub variants: Vec<String>,
    /// Instead of `experiment`: prerequisites of which one is sufficient. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub any_of: Vec<Prerequisite>,
    /// Negates the requirement.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub not: bool,
}

/// The source of a visitor's consent.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Consent {
    /// The source of the visitor's decision, such as `cookie:consent`.
    pub source: SourceSpec,
    /// The values that mean consent. Default: any non-empty value.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<String>"))]
    pub equals: Vec<String>,
}

/// Forced variants for testers: `checkout=b` or `checkout=b,search=a`, in a header, query parameter or
/// cookie. They need a secret (`checkout=b~SECRET`), or an allowed peer.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Overrides {
    /// The request header with the override, read first. It is removed before the request is forwarded.
    /// Default: none.
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
    /// Requests that need no secret, such as those of a peer with a certificate. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Targeting>,
}

/// How variants are passed to services, logs and clients.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Output {
    /// One request header for all experiments, `checkout=b,search=a`, instead of one for each. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub combined_header: Option<String>,
    /// Whether the W3C header `baggage` gets a member `weir.KEY=VARIANT` for each experiment, which
    /// instrumented services propagate.
    pub baggage: bool,
    /// Whether the filter state `wasm.weir.KEY` is set, for access logs, metrics tags and later filters: the variant,
    /// or `VARIANT;REASON` for a request that does not count (`override`, `winner` or `uncounted`).
    pub filter_state: bool,
    /// Whether each exposure sets filter state for [access logs](exposures.md):
    /// `wasm.weir.exposure.KEY` is the variant, `wasm.weir.exposure-unit.KEY` the unit, and
    /// `wasm.weir.exposure-source.KEY` the source that identified it.
    pub exposures: bool,
    /// Whether assignments are counted. Default: `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counters: Option<bool>,
    /// A response header with the variants, `checkout=b,search=a`, visible to clients. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_header: Option<String>,
    /// A cookie with the variants for scripts in the page, `checkout:b/search:a`. Weir never reads it; its
    /// `httpOnly` is `false` by default. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_cookie: Option<CookieSpec>,
}
