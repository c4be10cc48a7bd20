//! Labels as they are written.

use serde::Serialize;
use weir_core::attribute::PathSpec;
use weir_core::http_match::StringMatch;
use weir_core::load::{Node, short_or_long};
use weir_core::{Load, Problems, SourceSpec};

/// A label: the short form, or an object with one source and its bound.
#[derive(Clone, Debug, PartialEq)]
pub enum LabelSpec {
    /// `method`, `route`, `code`, `codeClass`, `grpcStatus`, a source such as `header:x-plan`, or the name
    /// of an attribute.
    Short(String),
    /// An object with exactly one source and its bound.
    Long(Box<Label>),
}

/// The source of a label's values, and their bound. Specify exactly one source and at most one bound. Default
/// bound: the first ten values.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Label {
    /// The short form: `method`, `route`, `code`, `codeClass`, `grpcStatus`, a source or an attribute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceSpec>,
    /// The variant of the experiment with this key; `none` for requests without a variant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// A constant text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constant: Option<String>,
    /// The value that this configuration writes to a request header, such as `x-weir-route`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_header: Option<String>,
    /// A response header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_header: Option<String>,
    /// An Envoy attribute, read at the end of the request, such as `response.code_details` or
    /// `upstream.address`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_property: Option<PathSpec>,
    /// The number of a part of all units, starting at `0`; independent of all experiments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_bucket: Option<SubBucket>,

    /// Bound: the allowed values; all others become `other`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// Bound: path templates such as `/users/{id}`, in which `{…}` is one segment, or a part of one
    /// (`/items/{item}:archive`, `/files/{name}.json`), and a last `**` the rest. The first that fits is the value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub templates: Vec<String>,
    /// Bound: classes of values. The value is the first class that matches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<Class>,
    /// Bound: maximum number of distinct values per worker, 1 to 1000; later values become `other`. Default:
    /// 10, and 50 for `route` and `code`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<u32>,
}

/// A class of values.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Class {
    /// The label's value.
    pub class: String,
    /// The values that belong to the class, such as `{prefix: Mozilla}`.
    #[serde(rename = "match")]
    pub text: StringMatch,
}

/// Parts of all units.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SubBucket {
    /// Sources of the unit; the first non-empty source wins.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<SourceSpec>"))]
    pub unit: Vec<SourceSpec>,
    /// Number of parts, 2 to 100. Default: 20.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buckets: Option<u32>,
    /// Hash salt. Metrics that are divided by each other need the same salt. Default: `weir`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
}

impl Default for LabelSpec {
    fn default() -> Self {
        Self::Short(String::new())
    }
}

impl Load for LabelSpec {
    fn load(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let expected = "a label such as \"codeClass\", or an object such as {source: header:x-plan}";
        short_or_long(node, problems, expected, Self::Short, Self::Long)
    }
}

impl Serialize for LabelSpec {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Short(text) => serializer.serialize_str(text),
            Self::Long(label) => label.serialize(serializer),
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for LabelSpec {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MetricLabel".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let long = generator.subschema_for::<Label>();
        schemars::json_schema!({
            "description": "A label: the short form, or an object with one source and its bound.",
            "anyOf": [
                {"type": "string", "examples": ["codeClass", "method", "route", "header:x-plan"]},
                long
            ]
        })
    }
}
