//! What an API server or Envoy refuses.

use crate::yaml::Mark;
use weir_core::At;

/// What an API server or Envoy refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Where.
    pub(crate) mark: Mark,
    /// The path in the resource: `spec.phase`.
    pub(crate) at: At,
    /// What is wrong, and what was expected.
    pub(crate) message: String,
}
