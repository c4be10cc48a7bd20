//! The state of a rollout as it is stored.

use super::specification::Specification;
use anyhow::bail;
use serde::{Deserialize, Serialize};
use weir_rollout::{Event, State};

/// The form of the file. Another one is not read.
const FORMAT: u32 = 1;
/// The most events that are kept.
const MAX_EVENTS: usize = 200;

/// What is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Record {
    format: u32,
    /// How often it was stored: an evaluation of an older one is not carried out.
    pub(super) revision: u64,
    /// The specification's text that the rollout began with.
    pub(super) specification: String,
    /// What was there before, and what each step makes of it.
    pub(super) versions: Vec<Version>,
    /// Where it is.
    pub(super) state: State,
    /// What happened, the last first to be forgotten.
    pub(super) events: Vec<Event>,
    /// Events that the webhook does not have yet.
    pub(super) unsent: Vec<Event>,
}

impl Record {
    /// A rollout that begins.
    pub(super) fn new(specification: &Specification, versions: Vec<Version>, now: u64) -> Self {
        Self::begun(specification.text.clone(), versions, now)
    }

    /// The same with the specification's text.
    pub(super) fn begun(specification: String, versions: Vec<Version>, now: u64) -> Self {
        Self {
            format: FORMAT,
            revision: 0,
            specification,
            versions,
            state: State::new(now),
            events: Vec::new(),
            unsent: Vec::new(),
        }
    }

    /// Reads what was stored.
    ///
    /// # Errors
    /// It is not a record, or one of another version of this program.
    pub(super) fn read(json: &[u8]) -> anyhow::Result<Self> {
        let record: Self = serde_json::from_slice(json)?;
        if record.format != FORMAT {
            bail!("format {}: this weir reads format {FORMAT}", record.format);
        }
        Ok(record)
    }

    /// Adds events; the oldest ones are forgotten.
    pub(super) fn note(&mut self, events: &[Event], has_webhook: bool) {
        let lists = [Some(&mut self.events), has_webhook.then_some(&mut self.unsent)];
        for list in lists.into_iter().flatten() {
            list.extend_from_slice(events);
            let over = list.len().saturating_sub(MAX_EVENTS);
            list.drain(..over);
        }
    }
}

/// What a step makes of the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Version {
    /// The file, byte for byte; of a resource the configuration, as JSON.
    pub(super) text: String,
    /// What proxies report of it.
    pub(super) hash: u64,
}
