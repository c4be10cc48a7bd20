//! Claims of a token that this configuration verifies itself, and how claims are named.
//!
//! The attributes `claim:…` of a document with a section `jwt` are read from the token that its filter has
//! verified; of one without, from what Envoy's own `jwt_authn` left in dynamic metadata.

use crate::load::{Json, Load, Node};
use crate::problem::Problems;
use crate::value::{Kind, Value};
use serde::Serialize;
use std::fmt;

/// A claim's name in the configuration: as text, or as the list of names that leads to it.
///
/// Claims are called `https://example.com/plan`, `kubernetes.io`, or `web.client-1` inside `resource_access`;
/// so a dot says nothing about where one name ends and the next begins. A text names one claim, `[a][b]`
/// names `b` inside `a`, and a text with dots is refused: see [`ClaimName::path`].
#[derive(Clone, Debug, PartialEq)]
pub enum ClaimName {
    /// `sub`, `[realm_access][roles]`.
    Text(String),
    /// The names, outermost first.
    Path(Vec<String>),
}

impl ClaimName {
    /// The names that lead to the claim, outermost first.
    ///
    /// # Errors
    /// If there is none, one is empty, or their ends are ambiguous.
    pub fn path(&self) -> Result<Vec<String>, InvalidClaim> {
        let path = match self {
            Self::Text(text) => read(text)?,
            Self::Path(path) => path.clone(),
        };
        if path.is_empty() {
            return Err(InvalidClaim::Missing);
        }
        if path.iter().any(|name| name.is_empty() || name.as_bytes().contains(&b'\0')) {
            return Err(InvalidClaim::Part);
        }
        Ok(path)
    }
}

/// A claim's name that leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidClaim {
    /// There is none.
    Missing,
    /// A part is empty, or has a zero byte.
    Part,
    /// The ends of its parts are ambiguous.
    Ambiguous {
        /// What was written.
        text: Box<str>,
        /// The same with a bracket for each dot.
        path: Box<str>,
    },
}

impl fmt::Display for InvalidClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("expected a claim, such as sub, or [realm_access, roles]"),
            Self::Part => f.write_str("a part of the claim's name is empty, or has a zero byte"),
            Self::Ambiguous { text, path } => write!(
                f,
                "{text:?} can be read in more than one way: write \"[{path}]\" for a claim inside of another (dots \
                 that belong to a name stay in its brackets), or \"[{text}]\" for one claim of this name"
            ),
        }
    }
}

impl std::error::Error for InvalidClaim {}

/// The names in a text.
fn read(text: &str) -> Result<Vec<String>, InvalidClaim> {
    if let Some(inside) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Ok(bracketed(inside));
    }
    // The dots of a host are in no doubt: `https://example.com/plan`.
    let (host, name) = match text.as_bytes().iter().rposition(|b| *b == b'/') {
        Some(slash) => text.split_at_checked(slash + 1).unwrap_or_default(),
        None => ("", text),
    };
    if !name.as_bytes().contains(&b'.') {
        return Ok(vec![text.to_owned()]);
    }
    let mut path = String::from(host);
    for c in name.chars() {
        if c == '.' {
            path.push_str("][");
        } else {
            path.push(c);
        }
    }
    Err(InvalidClaim::Ambiguous { text: text.into(), path: path.into() })
}

/// Splits at `][`. To search a text for a text, the standard library has 3 kB of code.
pub(crate) fn bracketed(path: &str) -> Vec<String> {
    let mut segments: Vec<String> = Vec::new();
    for piece in path.split(']') {
        match (segments.last_mut(), piece.strip_prefix('[')) {
            (Some(_), Some(next)) => segments.push(next.to_owned()),
            (Some(open), None) => {
                open.push(']');
                open.push_str(piece);
            }
            (None, _) => segments.push(piece.to_owned()),
        }
    }
    segments
}

impl Default for ClaimName {
    fn default() -> Self {
        Self::Path(Vec::new())
    }
}

impl Load for ClaimName {
    fn load(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match node.value {
            Json::Text(text) => Some(Self::Text(text.clone().into_owned())),
            Json::List(_) => Load::load(node, problems).map(Self::Path),
            _ => {
                node.refuse(problems, "a claim's name such as sub, or a list such as [realm_access, roles]");
                None
            }
        }
    }
}

impl Serialize for ClaimName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Path(path) => path.serialize(serializer),
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for ClaimName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ClaimName".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A claim's name, or the list of names that leads to it. As text, write the list as `[realm_access][roles]`; write a name with dots in brackets or as a list.",
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]
        })
    }
}

/// A claim that attributes read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClaimSource {
    /// The names that lead to it; a number is the position in an array.
    pub path: Vec<String>,
    /// The provider whose token it is of; `None`: the first verified token that has it.
    pub provider: Option<String>,
    /// As what it is read.
    pub kind: Kind,
}

/// The claims of a verified token, in the order of [`crate::AccessPlan::claims`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claims(pub Vec<Option<Claim>>);

/// A claim that the token has.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// It can be read.
    Read {
        /// Its text: of a string its characters, of a number its digits as the issuer wrote them, of an array
        /// that is read as a list its items with the separator between them, of anything else its JSON.
        text: Box<[u8]>,
        /// The claim as it is in the token.
        json: serde_json::Value,
    },
    /// A name leads into something that has no parts, such as a text: what is meant is there, but in another
    /// form than the configuration expects.
    Unreadable,
}

impl Claims {
    /// A claim, by its position.
    pub fn get(&self, index: u16) -> Option<&Claim> {
        self.0.get(usize::from(index))?.as_ref()
    }
}

impl Claim {
    /// Its text, if it can be read.
    pub fn text(&self) -> Option<&[u8]> {
        match self {
            Self::Read { text, .. } => Some(text),
            Self::Unreadable => None,
        }
    }

    /// The claim as the attribute's type reads it. An array or object stays one, so that conditions can look
    /// into it.
    pub fn value(&self, kind: Kind) -> Value<'_> {
        match self {
            Self::Unreadable => Value::Unreadable,
            Self::Read {
                json: json @ (serde_json::Value::Array(_) | serde_json::Value::Object(_)), ..
            } => Value::Json(json),
            Self::Read { json, .. } if kind == Kind::Json => Value::Json(json),
            Self::Read { json: serde_json::Value::Null, .. } => Value::Null,
            Self::Read { text, .. } => kind.read(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ClaimName;

    fn path(text: &str) -> Result<Vec<String>, super::InvalidClaim> {
        ClaimName::Text(text.to_owned()).path()
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn a_name_is_one_claim_or_a_list() {
        for (text, expected) in [
            ("sub", &["sub"][..]),
            ("email_verified", &["email_verified"]),
            ("https://example.com/plan", &["https://example.com/plan"]),
            ("urn:x:plan", &["urn:x:plan"]),
            ("[realm_access][roles]", &["realm_access", "roles"]),
            ("[kubernetes.io][namespace]", &["kubernetes.io", "namespace"]),
            ("[acme.io]", &["acme.io"]),
            (
                "[https://example.test/app_metadata][blocked]",
                &["https://example.test/app_metadata", "blocked"],
            ),
            ("[a]b][c]", &["a]b", "c"]),
        ] {
            assert_eq!(path(text).unwrap(), expected, "{text}");
        }
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn an_ambiguous_name_is_refused_with_both_spellings() {
        for (text, spellings) in [
            ("realm_access.roles", ["\"[realm_access][roles]\"", "\"[realm_access.roles]\""]),
            ("acme.io.suspended", ["\"[acme][io][suspended]\"", "\"[acme.io.suspended]\""]),
            (
                "https://example.test/app_metadata.blocked",
                [
                    "\"[https://example.test/app_metadata][blocked]\"",
                    "\"[https://example.test/app_metadata.blocked]\"",
                ],
            ),
        ] {
            let message = path(text).unwrap_err().to_string();
            for spelling in spellings {
                assert!(message.contains(spelling), "{message}");
                assert!(path(spelling.trim_matches('"')).is_ok(), "{spelling}");
            }
        }
        for empty in ["", "[]", "[a][]", "[][a]", "a\0b"] {
            assert!(path(empty).is_err(), "{empty:?}");
        }
    }
}
