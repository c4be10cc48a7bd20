//! The payload of GrowthBook's SDKs, as far as it is read.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Payload {
    pub(super) features: BTreeMap<String, Feature>,
    pub(super) experiments: Vec<Value>,
    pub(super) saved_groups: BTreeMap<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Feature {
    pub(super) default_value: Value,
    pub(super) rules: Vec<Rule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Rule {
    pub(super) key: Option<String>,
    pub(super) name: Option<String>,
    pub(super) seed: Option<String>,
    pub(super) condition: Option<Value>,
    pub(super) parent_conditions: Vec<Parent>,
    pub(super) force: Option<Value>,
    pub(super) variations: Vec<Value>,
    pub(super) weights: Vec<f64>,
    pub(super) coverage: Option<f64>,
    pub(super) range: Option<[f64; 2]>,
    pub(super) ranges: Vec<[f64; 2]>,
    pub(super) namespace: Option<(String, f64, f64)>,
    pub(super) filters: Vec<RuleFilter>,
    pub(super) hash_attribute: Option<String>,
    pub(super) fallback_attribute: Option<String>,
    pub(super) hash_version: Option<u32>,
    pub(super) min_bucket_version: Option<u32>,
    pub(super) meta: Vec<Meta>,
    pub(super) contextual_bandit_ref: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Parent {
    pub(super) id: String,
    pub(super) condition: Value,
    pub(super) gate: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
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
    pub(super) passthrough: bool,
}
