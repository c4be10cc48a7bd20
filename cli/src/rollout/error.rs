//! Why an evaluation came to nothing.

use crate::output::{Failure, in_words};
use anyhow::anyhow;

/// Why an evaluation came to nothing, as a sentence: threads share it, and what was said is not said again. What was there
/// before is there still, and the next one does what this one could not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum EvaluationError {
    /// Something must be done about it.
    Permanent(String),
    /// It may pass by itself: the API server is away, or has too much to do.
    Transient(String),
}

impl From<anyhow::Error> for EvaluationError {
    fn from(error: anyhow::Error) -> Self {
        Self::of(&error)
    }
}

impl EvaluationError {
    /// An error about which something must be done.
    pub(super) fn of(error: &anyhow::Error) -> Self {
        Self::Permanent(in_words(error))
    }

    /// In words.
    pub(super) fn message(&self) -> &str {
        match self {
            Self::Permanent(message) | Self::Transient(message) => message,
        }
    }
}

impl From<EvaluationError> for Failure {
    fn from(error: EvaluationError) -> Self {
        Self::Error(anyhow!(error.message().to_owned()))
    }
}
