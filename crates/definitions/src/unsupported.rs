//! What has no equivalent.

use std::fmt;

/// Why definitions, or a part of them, cannot become a configuration: in words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported(String);

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unsupported {}

impl From<String> for Unsupported {
    fn from(reason: String) -> Self {
        Self(reason)
    }
}

impl From<&str> for Unsupported {
    fn from(reason: &str) -> Self {
        Self(reason.to_owned())
    }
}

impl From<Unsupported> for String {
    fn from(unsupported: Unsupported) -> Self {
        unsupported.0
    }
}
