//! The payload of GrowthBook's SDKs, as far as it is read.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Feature {
    pub(super) default_value: Value,
    #[serde(deserialize_with = "nullable")]
    pub(super) rules: Vec<Rule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Rule {
    pub(super) key: Option<String>,
    pub(super) name: Option<String>,
    pub(super) seed: Option<String>,
    pub(super) condition: Option<Value>,
    #[serde(deserialize_with = "nullable")]
    pub(super) parent_conditions: Vec<Parent>,
    /// Null is a value like others; absent is none.
    #[serde(deserialize_with = "present")]
    pub(super) force: Option<Value>,
    #[serde(deserialize_with = "nullable")]
    pub(super) variations: Vec<Value>,
    #[serde(deserialize_with = "nullable")]
    pub(super) weights: Vec<f64>,
    /// Null is not the same as none.
    #[serde(deserialize_with = "present")]
    pub(super) coverage: Option<Option<f64>>,
    pub(super) range: Option<[f64; 2]>,
    /// An empty list is one that nobody is in.
    pub(super) ranges: Option<Vec<[f64; 2]>>,
    pub(super) namespace: Option<(String, f64, f64)>,
    /// With an empty list the namespace is not looked at.
    pub(super) filters: Option<Vec<RuleFilter>>,
    pub(super) hash_attribute: Option<String>,
    pub(super) fallback_attribute: Option<String>,
    pub(super) hash_version: Option<u32>,
    pub(super) min_bucket_version: Option<u32>,
    #[serde(deserialize_with = "nullable")]
    pub(super) meta: Vec<Meta>,
    pub(super) contextual_bandit_ref: Option<Value>,
    pub(super) contextual_variations: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Parent {
    pub(super) id: String,
    pub(super) condition: Value,
    #[serde(deserialize_with = "nullable")]
    pub(super) gate: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RuleFilter {
    pub(super) seed: String,
    pub(super) ranges: Vec<[f64; 2]>,
    pub(super) hash_version: Option<u32>,
    pub(super) attribute: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Meta {
    pub(super) key: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub(super) passthrough: bool,
}

fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}
