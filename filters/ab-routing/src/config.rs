//! The `routing` section as it is written.
//!
//! Reading refuses only what has the wrong type or an unknown name. Everything else, and what is
//! missing, is found when the plan is made, so that all of it is reported together.

use serde::Serialize;
use weir_cookie::CookieSpec;
use weir_core::Load;
use weir_core::targeting::{AnyVariant, Targeting};
use weir_core::{OrderedMap, SourceSpec, StepsSpec};

/// `routing`: rules and weighted splits.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Config {
    /// The rules in order; the first matching rule decides. Default: none.
    pub rules: Vec<Rule>,
    /// Target of requests that match no rule. Default: none; the request passes unchanged, except for owned
    /// headers, which are removed.
    pub default: Option<Target>,
    /// The request header that `cluster` writes, for an Envoy route with `cluster_header`. Default:
    /// `x-weir-cluster`.
    pub cluster_header: Option<String>,
    /// Response headers that describe the decision. Default: none.
    pub response: Response,
}

/// What happens to matching requests. Specify either a target (any of `setHeaders`, `cluster` and `rewrite`)
/// or a `split`.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rule {
    /// The rule's unique name: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Which requests.
    #[serde(flatten)]
    pub targeting: Targeting,
    /// Variants that the request must have: the key of an experiment, and its variant or a list of variants.
    /// Without a section `experiments`, they are read from the filter state that an earlier plugin set.
    /// Default: none.
    #[serde(skip_serializing_if = "OrderedMap::is_empty")]
    pub variant: OrderedMap<AnyVariant>,
    /// The target.
    #[serde(flatten)]
    pub target: Target,
    /// Several targets by weight; the same key always gets the same target. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<Box<Split>>,
}

/// Where a request goes.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Target {
    /// Request headers to set, for the route table to match. Default: none.
    #[serde(skip_serializing_if = "OrderedMap::is_empty")]
    pub set_headers: OrderedMap<String>,
    /// The target cluster; written to the header that a `cluster_header` route reads. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// A new host or path. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<Box<Rewrite>>,
}

impl Target {
    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.set_headers.is_empty() && self.cluster.is_none() && self.rewrite.is_none()
    }
}

/// Istio's HTTPRewrite.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rewrite {
    /// The new path. If the rule matched by `uri.prefix`, only that prefix is replaced, otherwise the whole
    /// path. The query stays. Default: unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// The new host. Default: unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
}

/// A sticky weighted split.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Split {
    /// Hash salt. Splits with the same salt give the same key the same bucket; splits with different salts
    /// are independent. Default: the rule's name and `/split`. (Older modules used the name alone: `seed:
    /// NAME` keeps their draw.)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
    /// Sources of the key that identifies a user; the first non-empty source wins.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<SourceSpec>"))]
    pub sticky_by: Vec<SourceSpec>,
    /// Cookie that assigns an anonymous ID to clients without a key: 128 random bits, set by the response.
    /// The cookie is the last source, and its ID already decides the first request. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mint_cookie: Option<CookieSpec>,
    /// Target of requests without a key. Default: `first`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_key: Option<WithoutKey>,
    /// The targets. The first target is the base: others gain weight from it, and lose weight to it.
    pub targets: Vec<SplitTarget>,
    /// Raises the weights of all targets but the first from 0 to `weight` in steps of time; the first has the rest.
    /// No key that has another target loses it. Default: the weights are in force at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ramp: Option<StepsSpec>,
}

impl Split {
    /// The weights after so many steps of its ramp; 1 for those that are missing.
    #[must_use]
    pub fn weights_after(&self, taken: u32) -> Vec<f64> {
        let mut weights: Vec<f64> = self.targets.iter().map(|target| target.weight.unwrap_or(1.0)).collect();
        let ramp = self.ramp.as_ref().filter(|ramp| taken < ramp.number());
        if let (Some(ramp), Some((base, others))) = (ramp, weights.split_first_mut()) {
            for weight in others {
                let part = *weight * f64::from(taken) / f64::from(ramp.number());
                *base += *weight - part;
                *weight = part;
            }
        }
        weights
    }
}

/// A request without a key.
#[derive(Clone, Copy, Debug, Default, Load, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum WithoutKey {
    /// Always goes to the first target.
    #[default]
    First,
    /// Goes to a random target by weight, drawn again for each request.
    Random,
}

/// One side of a split.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SplitTarget {
    /// The target's name, unique in its split: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Its weight, relative to the sum of all weights; 0 gets no unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// The target.
    #[serde(flatten)]
    pub target: Target,
}

/// Response headers that describe the decision. Each costs one more callback per request.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Response {
    /// A response header with the name of the matching rule, `rule/target` for a split, or `default`. It
    /// shows clients how traffic is split. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debug_header: Option<String>,
    /// Whether a `vary` header names the request headers that influence routing, variants and tokens, so that
    /// caches do not serve one user's response to another. Headers that only faults and metrics read are not
    /// included; headers that CEL expressions read are unknown.
    pub vary: bool,
}
