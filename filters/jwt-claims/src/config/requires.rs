//! Which token a request needs, as it is written.

use serde::{Serialize, Serializer};
use weir_core::load::{Node, short_or_long};
use weir_core::{Load, Problems};

/// A provider's name, `none`, or an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Requires {
    /// A provider by its name; `none` requires no token.
    Name(String),
    /// All other requirements.
    Object(Box<Requirement>),
}

/// A requirement: specify exactly one member.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Requirement {
    /// A token of this provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// With `provider`: audiences instead of the provider's own. Default: the provider's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<String>,
    /// One of these; the first that is met wins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub any: Option<Vec<Requires>>,
    /// All of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all: Option<Vec<Requires>>,
    /// As given, but requests without a token pass too. Requests with an invalid token do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optional: Option<Requires>,
    /// As given, but requests without a token, or with an invalid one, pass too, as requests without a token.
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
