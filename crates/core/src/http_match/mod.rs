//! Istio's `HTTPMatchRequest`, word for word, and what Weir adds to it.

use crate::compile::Compiler;
use crate::predicate::Predicate;
use crate::problem::At;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One entry of a `match` list: all that it names must hold.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HttpMatch {
    /// Request headers.
    pub headers: BTreeMap<String, StringMatch>,
}

/// How a text is tested.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StringMatch {
    /// The whole text.
    pub exact: Option<String>,
}

impl HttpMatch {
    /// The prefix of the path that it matches by.
    pub fn uri_prefix(&self) -> Option<&str> {
        None
    }

    /// The predicate that this entry means.
    pub fn compile(&self, compiler: &mut Compiler<'_>, at: &At) -> Predicate {
        let mut all = Vec::new();
        for (name, matcher) in &self.headers {
            let at = at.field("headers").field(name);
            if let Some(attribute) = compiler.header(name, &at) {
                let test = TextTest(matcher.exact.clone().unwrap_or_default().into_bytes());
                all.push(Predicate::Text { attribute, test, absent_is_empty: false });
            }
        }
        Predicate::all(all)
    }
}

/// A compiled test of a text.
#[derive(Debug)]
pub struct TextTest(Vec<u8>);

impl TextTest {
    /// Whether `text` passes.
    pub fn passes(&self, text: &[u8]) -> bool {
        text == self.0
    }
}

/// A set of IP networks.
#[derive(Debug)]
pub struct Networks;

impl Networks {
    /// Whether the address in `text` is in one of them.
    pub fn contain(&self, _text: &[u8]) -> bool {
        false
    }
}
