//! Where a rollout is.

use serde::{Deserialize, Serialize};
use std::fmt;

/// All that is kept between two evaluations. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct State {
    /// When the rollout began.
    pub started: u64,
    /// What is being done.
    pub phase: Phase,
    /// Since when.
    pub since: u64,
    /// From when on gates that compare the versions measure: since the proxies report the step; `None` before anything
    /// was written.
    pub measured_since: Option<u64>,
    /// Whether a person has paused it.
    pub paused: bool,
    /// Whether a person has approved the step that waits for it.
    pub approved: bool,
    /// What keeps it from going on that a person should know.
    pub held: Option<Held>,
}

/// What is being done. Steps are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Phase {
    /// The step is about to be written, or has just been.
    Writing {
        /// The step.
        step: usize,
    },
    /// The step is written; proxies do not all report it yet.
    Confirming {
        /// The step.
        step: usize,
    },
    /// All proxies run the step, and its gates are watched.
    Watching {
        /// The step.
        step: usize,
    },
    /// As before, but the step is over, and the next one needs a person's approval.
    Waiting {
        /// The step that runs.
        step: usize,
    },
    /// What was there before the rollout is about to be put back, or has just been.
    Restoring {
        /// The highest step that may be written.
        from: usize,
        /// Why.
        reason: Reason,
    },
    /// It has been put back; proxies do not all report it yet.
    ConfirmingRestore {
        /// Why.
        reason: Reason,
    },
    /// The last step is over.
    Completed,
    /// All proxies report what was there before.
    RolledBack {
        /// Why.
        reason: Reason,
    },
}

impl Phase {
    /// Whether nothing is left to do.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Completed | Self::RolledBack { .. })
    }

    /// Whether it goes back to what was before, or has gone.
    #[must_use]
    pub fn is_rollback(&self) -> bool {
        matches!(self, Self::Restoring { .. } | Self::ConfirmingRestore { .. } | Self::RolledBack { .. })
    }

    /// The step that is written or about to be.
    #[must_use]
    pub fn step(&self) -> Option<usize> {
        match self {
            Self::Writing { step }
            | Self::Confirming { step }
            | Self::Watching { step }
            | Self::Waiting { step } => Some(*step),
            _ => None,
        }
    }
}

/// Why a rollout is rolled back.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "camelCase")]
pub enum Reason {
    /// A gate failed.
    Gate {
        /// The gate.
        name: String,
        /// What was measured, in words.
        detail: String,
    },
    /// The deadline passed.
    Deadline,
    /// A person aborted it.
    Aborted,
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gate { name, detail } if detail.is_empty() => write!(out, "the gate {name} failed"),
            Self::Gate { name, detail } => write!(out, "the gate {name} failed: {detail}"),
            Self::Deadline => out.write_str("the deadline passed"),
            Self::Aborted => out.write_str("it was aborted"),
        }
    }
}

/// What keeps a rollout from going on.
///
/// ```
/// use weir_rollout::Held;
///
/// assert!(Held::Foreign.needs_a_person(), "a change by something else");
/// assert!(!Held::NoData.needs_a_person(), "it goes on with the first measurement");
/// assert_eq!(Held::NoData.to_string(), "there are no measurements");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Held {
    /// The target was changed by something else; it is not overwritten.
    Foreign,
    /// The target cannot be read.
    Unreadable,
    /// The deadline passed.
    Deadline,
    /// A person paused it.
    Paused,
    /// There are no measurements.
    NoData,
}

impl Held {
    /// Whether a person must do something before it can go on.
    #[must_use]
    pub fn needs_a_person(self) -> bool {
        self != Self::NoData
    }
}

impl fmt::Display for Held {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Foreign => "the target was changed by something else, and is not overwritten",
            Self::Unreadable => "the target cannot be read",
            Self::Deadline => "the deadline passed",
            Self::Paused => "it is paused",
            Self::NoData => "there are no measurements",
        })
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// What.
    pub event: EventKind,
    /// The step that it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub step: Option<usize>,
    /// In words.
    pub message: String,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EventKind {
    /// The rollout began.
    Started,
    /// A step is written.
    Advancing,
    /// All proxies report the step.
    Running,
    /// The next step waits for approval.
    Waiting,
    /// A person approved the next step.
    Approved,
    /// A person paused it.
    Paused,
    /// A person resumed it.
    Resumed,
    /// Something keeps it from going on.
    Held,
    /// That is over.
    Released,
    /// It is rolled back.
    RollingBack,
    /// All proxies report what was there before.
    RolledBack,
    /// The last step is over.
    Completed,
}
