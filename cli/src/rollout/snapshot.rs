//! What is found where a rollout's target and its state are, and what came of storing there.

use super::error::EvaluationError;
use super::object::Object;
use super::record::Record;
use weir_rollout::Content;

/// What is there, at one time.
pub(super) struct Snapshot {
    /// The state; `None` where no rollout has begun.
    pub(super) record: Option<Record>,
    /// The configuration, or why it cannot be read.
    pub(super) text: anyhow::Result<String>,
    /// The resource.
    pub(super) object: Option<Object>,
}

impl Snapshot {
    /// Which version the target holds.
    pub(super) fn content(&self, record: &Record) -> Content {
        match &self.text {
            Err(_) => Content::Unreadable,
            Ok(text) => {
                let version = record.versions.iter().position(|version| version.text == *text);
                version.map_or(Content::Foreign, Content::Version)
            }
        }
    }
}

/// What came of storing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    /// It is stored.
    Done,
    /// Something else was quicker; nothing is stored.
    Conflict,
    /// The state is stored, and the version is not written.
    Rejected(EvaluationError),
}
