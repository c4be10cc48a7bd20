//! The schema of a CustomResourceDefinition, as far as ours use the language of such schemas.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::collections::BTreeMap;

/// A kind of resource.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Definition {
    /// Group and version.
    pub(super) api_version: String,
    pub(super) schema: Schema,
}

/// What a value must be. A keyword that is not here fails the test that reads the definitions.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Schema {
    /// OpenAPI's types, and protobuf's `uint32`, `duration` and `bytes`. Empty where anything goes.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub(super) kind: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) properties: BTreeMap<String, Schema>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) additional_properties: Option<Box<Schema>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) required: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) items: Option<Box<Schema>>,
    #[serde(rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub(super) words: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pattern: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min_length: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_length: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_items: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_properties: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) minimum: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) maximum: Option<f64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) nullable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) default: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) all_of: Vec<Schema>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) any_of: Vec<Schema>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) one_of: Vec<Schema>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) not: Option<Box<Schema>>,
    /// Whether an object may have other members.
    #[serde(rename = "x-kubernetes-preserve-unknown-fields", skip_serializing_if = "std::ops::Not::not")]
    pub(super) open: bool,
    /// What a list is in merges; `map` and `set` have no two equal elements.
    #[serde(rename = "x-kubernetes-list-type", skip_serializing_if = "String::is_empty")]
    pub(super) list_type: String,
    #[serde(rename = "x-kubernetes-list-map-keys", skip_serializing_if = "Vec::is_empty")]
    pub(super) list_keys: Vec<String>,
    /// Rules in CEL.
    #[serde(rename = "x-kubernetes-validations", skip_serializing_if = "Vec::is_empty")]
    pub(super) rules: Vec<Rule>,
    #[serde(rename = "description", skip_serializing)]
    pub(super) _description: Option<IgnoredAny>,
    /// How objects are merged.
    #[serde(rename = "x-kubernetes-map-type", skip_serializing)]
    pub(super) _map_type: Option<IgnoredAny>,
}

/// A rule in CEL.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) rule: String,
    #[serde(rename = "message", skip_serializing, default)]
    pub(super) _message: Option<IgnoredAny>,
}

impl Rule {
    /// The rule as it is compared: definitions break its lines where they like.
    pub(super) fn text(&self) -> String {
        self.rule.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}
