//! Headers that a configuration gives to responses.

use std::rc::Rc;

/// A header for the response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHeader {
    /// The name, in lower case.
    pub name: Rc<str>,
    /// The value, already known to be safe.
    pub value: Rc<[u8]>,
    /// Whether it takes the place of what the upstream sent under this name.
    pub replace: bool,
}
