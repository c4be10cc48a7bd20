//! Attributes: names for things in the request, as they are written in a configuration.

use crate::claims::ClaimName;
use crate::load::{Json, Load, Node, short_or_long};
use crate::value::Kind;
use crate::{OrderedMap, Problems};
use serde::Serialize;
use std::fmt;

/// An attribute that a plan reads; counted in the order of [`crate::access_plan::AccessPlan::attributes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttrId(pub(crate) u16);

impl AttrId {
    /// The position in [`crate::access_plan::AccessPlan::attributes`].
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// The `attributes` block: a name for each source.
pub type AttributeMap = OrderedMap<SourceSpec>;

/// The source of a value: the short form (`header:x-user-id`) or the long one.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceSpec {
    /// `header:NAME`, `cookie:NAME`, `query:NAME`, `claim:NAME`, `property:PATH`, `env:NAME`,
    /// `path`, `method`, `host`, `scheme`, `isBot`, or the name of an attribute.
    Short(String),
    /// An object with exactly one source and its options.
    Long(Box<AttributeSpec>),
}

/// A typed source of a value. Specify exactly one source.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AttributeSpec {
    /// A request header by name. Several lines of it are joined with `,`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// A cookie by name, any that browsers send (`prefs[theme]`); the first one of that name counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cookie: Option<String>,
    /// A query parameter by name, percent-decoded; the first one of that name wins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// A claim of a token that the section `jwt` has verified or, without that section, Envoy's `jwt_authn`
    /// or Istio's RequestAuthentication. Its name, or the list of names that leads to it. A name with dots is
    /// ambiguous and rejected: write it in brackets (`[kubernetes.io][namespace]`) or as a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<ClaimName>,
    /// With `claim`: the provider of the token. Without a section `jwt`, the name of the verified payload in
    /// the dynamic metadata of `jwt_authn` (its `payload_in_metadata`). Default: any provider; without a
    /// section `jwt`, `payload`, which Istio uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// An Envoy attribute, such as `connection.uri_san_peer_certificate` or `source.address`; a list if a
    /// segment contains a dot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub property: Option<PathSpec>,
    /// A value of the selected route's metadata: filter name first, then the keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_metadata: Option<PathSpec>,
    /// An environment variable of the VM (`vmConfig.env`), read once at start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// A constant text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constant: Option<String>,
    /// A part of the request line, `path` (without the query), `method`, `host` or `scheme`; or `isBot`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestPart>,
    /// The type of the value. Default: `string`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<KindSpec>,
    /// With type `list`: the separator of items, one ASCII character. Default: `,`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    /// The value if the request has none. Default: none; the value stays absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Whether ASCII letters are converted to lower case first.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub lower: bool,
}

/// A path, as text with dots between its segments, or as the list of its segments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PathSpec(pub Vec<String>);

/// A part of the request line, or what the whole request shows.
#[derive(Clone, Copy, Debug, Load, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum RequestPart {
    /// The path without the query.
    Path,
    /// The method, such as `GET`.
    Method,
    /// The host (`:authority`) in lower case, with its port if the client sent one.
    Host,
    /// `http` or `https`.
    Scheme,
    /// Whether the `user-agent` is that of a program that says what it is: a crawler, a monitor, a fetcher of
    /// previews, a library, a browser without a screen. Of type `boolean`; absent without a `user-agent`.
    IsBot,
}

/// The type of an attribute.
#[derive(Clone, Copy, Debug, Default, Load, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum KindSpec {
    /// Text.
    #[default]
    String,
    /// A decimal number.
    Number,
    /// `true`/`false` or `1`/`0`.
    Boolean,
    /// Texts, separated by a separator.
    List,
    /// A version such as `1.12.0-beta`; the same as `string`, but documents the intent.
    Version,
    /// A JSON document; conditions can test its parts (`user.plan`).
    Json,
}

/// A separator that an attribute cannot have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidSeparator {
    /// The attribute is not a list.
    NotAList,
    /// It is not one ASCII character.
    NotOneCharacter(Box<str>),
}

impl fmt::Display for InvalidSeparator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAList => f.write_str("`separator` is only valid with type `list`"),
            Self::NotOneCharacter(text) => write!(f, "{text:?} is not one ASCII character"),
        }
    }
}

impl std::error::Error for InvalidSeparator {}

impl SourceSpec {
    /// How people call the source: the short form, also of a source that is written as an object.
    pub fn name(&self) -> String {
        match self {
            Self::Short(text) => text.clone(),
            Self::Long(spec) => spec.name(),
        }
    }
}

impl AttributeSpec {
    /// The short form, without options.
    fn name(&self) -> String {
        let path = |path: &PathSpec| path.0.join(".");
        let claim = |claim: &ClaimName| match claim {
            ClaimName::Text(text) => text.clone(),
            ClaimName::Path(names) => names.join("."),
        };
        let named = [
            ("header:", self.header.clone()),
            ("cookie:", self.cookie.clone()),
            ("query:", self.query.clone()),
            ("claim:", self.claim.as_ref().map(claim)),
            ("property:", self.property.as_ref().map(path)),
            ("routeMetadata:", self.route_metadata.as_ref().map(path)),
            ("env:", self.env.clone()),
            ("constant:", self.constant.clone()),
        ];
        let named = named.into_iter().find_map(|(kind, name)| Some([kind, &name?].concat()));
        let part = || {
            let part = match self.request? {
                RequestPart::Path => "path",
                RequestPart::Method => "method",
                RequestPart::Host => "host",
                RequestPart::Scheme => "scheme",
                RequestPart::IsBot => "isBot",
            };
            Some(part.to_owned())
        };
        named.or_else(part).unwrap_or_default()
    }

    /// The type with its separator.
    ///
    /// # Errors
    /// When the separator does not fit the type or is not one ASCII character.
    pub fn kind(&self) -> Result<Kind, InvalidSeparator> {
        let separator = match (&self.separator, self.kind) {
            (None, _) => b',',
            (Some(_), kind) if kind != Some(KindSpec::List) => {
                return Err(InvalidSeparator::NotAList);
            }
            (Some(text), _) => match text.as_bytes() {
                [one] if one.is_ascii() => *one,
                _ => return Err(InvalidSeparator::NotOneCharacter(text.as_str().into())),
            },
        };
        Ok(match self.kind.unwrap_or_default() {
            KindSpec::String | KindSpec::Version => Kind::Text,
            KindSpec::Number => Kind::Number,
            KindSpec::Boolean => Kind::Boolean,
            KindSpec::List => Kind::List { separator },
            KindSpec::Json => Kind::Json,
        })
    }

    /// The long form of a short one, or `None` if the text is not a source (and may be the name of an
    /// attribute).
    pub fn of_short(text: &str) -> Option<Self> {
        let mut spec = Self::default();
        let Some((source, rest)) = text.split_once(':') else {
            spec.request = Some(match text {
                "path" => RequestPart::Path,
                "method" => RequestPart::Method,
                "host" => RequestPart::Host,
                "scheme" => RequestPart::Scheme,
                "isBot" => RequestPart::IsBot,
                _ => return None,
            });
            return Some(spec);
        };
        let name = match source {
            "header" => &mut spec.header,
            "cookie" => &mut spec.cookie,
            "query" => &mut spec.query,
            "env" => &mut spec.env,
            _ => {
                let (path, segments) = match source {
                    "claim" => {
                        spec.claim = Some(ClaimName::Text(rest.to_owned()));
                        return Some(spec);
                    }
                    "property" => (&mut spec.property, PathSpec::dotted(rest)),
                    "routeMetadata" => (&mut spec.route_metadata, PathSpec::dotted(rest)),
                    _ => return None,
                };
                *path = Some(segments);
                return Some(spec);
            }
        };
        *name = Some(rest.to_owned());
        Some(spec)
    }
}

impl PathSpec {
    fn dotted(text: &str) -> Self {
        Self(text.split('.').map(str::to_owned).collect())
    }
}

impl Default for SourceSpec {
    fn default() -> Self {
        Self::Short(String::new())
    }
}

impl Load for SourceSpec {
    fn load(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let expected = "a source such as \"header:x-user-id\", or an object such as {header: x-user-id}";
        short_or_long(node, problems, expected, Self::Short, Self::Long)
    }
}

impl Serialize for SourceSpec {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Short(text) => serializer.serialize_str(text),
            Self::Long(spec) => spec.serialize(serializer),
        }
    }
}

impl Load for PathSpec {
    fn load(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match node.value {
            Json::Text(text) => Some(Self::dotted(text)),
            Json::List(_) => Load::load(node, problems).map(Self),
            _ => {
                node.refuse(problems, "a path such as \"connection.id\", or the list of its segments");
                None
            }
        }
    }
}

impl Serialize for PathSpec {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

#[cfg(feature = "schema")]
mod schema {
    use super::{AttributeSpec, PathSpec, SourceSpec};
    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
    use std::borrow::Cow;

    impl JsonSchema for SourceSpec {
        fn schema_name() -> Cow<'static, str> {
            "Source".into()
        }
        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            let long = generator.subschema_for::<AttributeSpec>();
            json_schema!({
                "description": "Where a value comes from: the short form or an object with one source and its options.",
                "anyOf": [
                    {"type": "string", "examples": ["header:x-user-id", "cookie:uid", "query:plan", "claim:sub", "path"]},
                    long
                ]
            })
        }
    }

    impl JsonSchema for PathSpec {
        fn schema_name() -> Cow<'static, str> {
            "Path".into()
        }
        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({
                "description": "A path with dots between its segments, or the list of its segments.",
                "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]
            })
        }
    }
}
