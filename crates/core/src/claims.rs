//! Claims of a token that this configuration verifies itself.
//!
//! The attributes `claim:…` of a document with a section `jwt` are read from the token that its filter has
//! verified; of one without, from what Envoy's own `jwt_authn` left in dynamic metadata.

use crate::value::{Kind, Value};

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

/// The claims of a verified token, in the order of [`crate::Shape::claims`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claims(pub Vec<Option<Claim>>);

/// A claim that the token has.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Its text: of a string its characters, of a number its digits as the issuer wrote them, of an array
    /// that is read as a list its items with the separator between them, of anything else its JSON.
    pub text: Box<[u8]>,
    /// The claim as it stands in the token.
    pub json: serde_json::Value,
}

impl Claims {
    /// A claim, by its position.
    pub fn get(&self, index: u16) -> Option<&Claim> {
        self.0.get(usize::from(index))?.as_ref()
    }
}

impl Claim {
    /// The claim as the attribute's type reads it. An array or object stays one, so that conditions can look
    /// into it.
    pub fn value(&self, kind: Kind) -> Value<'_> {
        match &self.json {
            serde_json::Value::Array(_) | serde_json::Value::Object(_) => Value::Json(&self.json),
            _ if kind == Kind::Json => Value::Json(&self.json),
            serde_json::Value::Null => Value::Null,
            _ => kind.read(&self.text),
        }
    }
}
