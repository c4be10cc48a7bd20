//! The `routing` section as it is written.
//!
//! Reading refuses only what has the wrong type or an unknown name. Everything else, and what is
//! missing, is found when the plan is made, so that all of it is reported together.

use serde::Serialize;
use weir_cookie::CookieSpec;
use weir_core::Load;
use weir_core::http_match::HttpMatch;
use weir_core::{Named, SourceSpec};

/// `routing`: where requests go.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Config {
    /// The rules in order; the first that matches decides.
    pub rules: Vec<Rule>,
    /// What happens when no rule matches; without it the request is left alone, but for the owned
    /// headers, which are removed.
    pub default: Option<Target>,
    /// The request header that `cluster` writes, for an Envoy route with `cluster_header`;
    /// `x-weir-cluster` when absent.
    pub cluster_header: Option<String>,
    /// What responses tell about the decision.
    pub response: Response,
}

/// What is done with requests that match. Exactly one of a target (`setHeaders`, `cluster`,
/// `rewrite`, together if you like) and a `split` is given.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rule {
    /// The rule's name, unique: letters, digits, `-`, `_` and `.`.
    pub name: String,
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
    /// Variants that the request must have been given: the key of an experiment, and its variant or a list of
    /// variants. Without a section `experiments` it is what an earlier plugin left in filter state.
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub variant: Named<AnyVariant>,
    /// Request headers to set, for the route table to match.
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub set_headers: Named<String>,
    /// The cluster to send to, by the header that a `cluster_header` route reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// A new host or path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<Rewrite>,
    /// Several targets by weight, always the same one for the same key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
}

/// One variant of an experiment, or a list of which one will do.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AnyVariant(
    #[load(one_or_many)]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<String>"))]
    pub Vec<String>,
);

/// Where a request goes.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Target {
    /// Request headers to set, for the route table to match.
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub set_headers: Named<String>,
    /// The cluster to send to, by the header that a `cluster_header` route reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// A new host or path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<Rewrite>,
}

/// Istio's HTTPRewrite.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rewrite {
    /// The new path. When the rule matched by `uri.prefix`, only that prefix is replaced; else the
    /// whole path. The query stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// The new host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
}

/// A weighted split that keeps each key on its side.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Split {
    /// The salt of the hash. Splits with the same salt put the same key at the same place, splits with
    /// different salts are independent of each other. Default: the rule's name and `/split`. (Modules before
    /// this default took the name alone: `seed: NAME` keeps their draw.)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
    /// What identifies a user: the first source that the request has, and that is not empty, counts.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<SourceSpec>"))]
    pub sticky_by: Vec<SourceSpec>,
    /// A cookie that gives an identity to who has none: a random id of 128 bits, read last, set by the
    /// response. The id counts on the very request that has none yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mint_cookie: Option<CookieSpec>,
    /// What happens to a request without any of the keys; `first` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_key: Option<WithoutKey>,
    /// The targets. The first one is the base: weight that others gain or lose comes from it.
    pub targets: Vec<SplitTarget>,
}

/// A request that has none of the keys.
#[derive(Clone, Copy, Debug, Default, Load, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum WithoutKey {
    /// Goes to the first target, always.
    #[default]
    First,
    /// Goes to a random target by weight, each request anew.
    Random,
}

/// One side of a split.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SplitTarget {
    /// The target's name, unique in its split: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Its weight, relative to the sum of all; 0 is exactly nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// Request headers to set, for the route table to match.
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub set_headers: Named<String>,
    /// The cluster to send to, by the header that a `cluster_header` route reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// A new host or path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<Rewrite>,
}

/// What responses tell about the decision. Each costs one more callback a request.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Response {
    /// A response header with the name of the rule that matched, `rule/target` for a split, or
    /// `default`. It shows clients how traffic is split, so it is off unless named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debug_header: Option<String>,
    /// Whether a `vary` header names the request headers that decide where requests go, which variants they
    /// have and whose tokens they carry, so that caches do not give one user's answer to another. What only
    /// faults and metrics read is not named; what CEL expressions read is not known.
    pub vary: bool,
}
