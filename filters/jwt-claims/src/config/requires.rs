//! Which token a request needs, as it is written.

use serde::{Serialize, Serializer};
use weir_core::load::{Node, short_or_long};
use weir_core::{Load, Problems};

/// A provider's name, `none`, or an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Requires {
    /// A provider by its name; `none` asks for nothing.
    Name(String),
    /// Everything else.
    Object(Box<Requirement>),
}

/// What is needed: exactly one of these.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Requirement {
    /// A token of this provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// With `provider`: audiences that take the place of the provider's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<String>,
    /// One of these; the first that is met counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub any: Option<Vec<Requires>>,
    /// All of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all: Option<Vec<Requires>>,
    /// This, but a request without a token passes too. One with a wrong token does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optional: Option<Requires>,
    /// This, but a request without a token, or with a wrong one, passes too: as one that has no token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optional_or_failed: Option<Requires>,
}

impl Load for Requires {
    fn load(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let expected = "a provider's name, \"none\", or an object such as {any: [one, other]}";
        short_or_long(node, problems, expected, Self::Name, Self::Object)
    }
}

impl Serialize for Requires {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Requires::Name(name) => serializer.serialize_str(name),
            Requires::Object(requirement) => requirement.serialize(serializer),
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Requires {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Requires".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let object = generator.subschema_for::<Requirement>();
        schemars::json_schema!({
            "description": "A provider's name, `none`, or an object.",
            "anyOf": [{"type": "string"}, object]
        })
    }
}
