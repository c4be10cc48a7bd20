//! Sampling of requests and units, as written.

use serde::{Serialize, Serializer};
use weir_core::load::{Json, Node};
use weir_core::{Load, Problems, SourceSpec};

/// Which requests are hit: `random`, or `{sticky: {unit: …}}`.
#[derive(Clone, Debug, PartialEq)]
pub enum Sampling {
    /// Each request is drawn separately.
    Random,
    /// Units are drawn; the result for a unit never changes.
    Sticky(Sticky),
}

/// The same units are hit on every proxy, and after every restart.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "StickySampling"))]
pub struct Sticky {
    /// Sources of the unit; the first non-empty source wins. Requests without a unit are never hit.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<SourceSpec>"))]
    pub unit: Vec<SourceSpec>,
    /// Hash salt. Another seed hits other units; faults with the same seed hit the same units. Default: the
    /// fault's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
}

/// How the kinds of a fault (delay, abort, rate limit, response) depend on each other.
#[derive(Clone, Copy, Debug, Default, Load, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Rolls {
    /// Each kind is drawn independently, as in Envoy: delayed requests are aborted as often as all others.
    #[default]
    Independent,
    /// One draw decides about all kinds: the kind with the lower percentage only hits requests that the other
    /// hits too.
    Joint,
    /// One draw decides about all kinds, and no request is hit by two. The sum of the percentages is at most
    /// 100.
    Exclusive,
}

/// The long form, as an object.
#[derive(Default, Load)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Object {
    sticky: Option<Sticky>,
}

impl Load for Sampling {
    fn load(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match node.value {
            Json::Object(_) => {
                let Object { sticky } = Object::load(node, problems)?;
                Some(Self::Sticky(sticky.unwrap_or_default()))
            }
            Json::Text(text) if text == "random" => Some(Self::Random),
            // Without units; the plan says what is missing.
            Json::Text(text) if text == "sticky" => Some(Self::Sticky(Sticky::default())),
            _ => {
                node.refuse(
                    problems,
                    "`random`, or an object such as {sticky: {unit: \"header:x-user-id\"}}",
                );
                None
            }
        }
    }
}

impl Serialize for Sampling {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Random => serializer.serialize_str("random"),
            Self::Sticky(sticky) => serializer.collect_map([("sticky", sticky)]),
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Sampling {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Sampling".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let sticky = generator.subschema_for::<Sticky>();
        schemars::json_schema!({
            "anyOf": [
                {"type": "string", "enum": ["random"]},
                {"type": "object", "properties": {"sticky": sticky}, "required": ["sticky"],
                 "additionalProperties": false}
            ]
        })
    }
}
