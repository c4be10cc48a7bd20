//! Why an evaluation came to nothing.

use crate::output::{Failure, in_words};
use anyhow::anyhow;

/// Why an evaluation came to nothing, as a sentence: threads share it, and what was said is not said again. What was there
/// before is there still, and the next one does what this one could not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Something must be done about it.
    Wrong(String),
    /// It may pass by itself: the API server is away, or has too much to do.
    Passing(String),
}

impl From<anyhow::Error> for Trouble {
    fn from(error: anyhow::Error) -> Self {
        Self::of(&error)
    }
}

impl Trouble {
    /// An error about which something must be done.
    pub(super) fn of(error: &anyhow::Error) -> Self {
        Self::Wrong(in_words(error))
    }

    /// In words.
    pub(super) fn message(&self) -> &str {
        match self {
            Self::Wrong(message) | Self::Passing(message) => message,
        }
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self::Error(anyhow!(trouble.message().to_owned()))
    }
}
