//! Where a rollout is, for people and for programs.

use super::record::Record;
use super::specification::Specification;
use crate::report::time::rfc3339;
use serde::Serialize;
use std::io::{self, Write};
use weir_core::escape::escape;
use weir_rollout::{Event, Phase, State, Subject};

/// Events that are shown.
const SHOWN: usize = 10;

/// The JSON form.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status<'a> {
    rollout: &'a str,
    target: &'a str,
    /// How many steps there are.
    steps: usize,
    #[serde(flatten)]
    state: &'a State,
    /// In words.
    summary: String,
    /// What proxies report for each version; the first is what was there before.
    hashes: Vec<u64>,
    events: &'a [Event],
}

impl<'a> Status<'a> {
    pub(super) fn new(specification: &'a Specification, record: &'a Record) -> Self {
        Self {
            rollout: &specification.name,
            target: &specification.title,
            steps: specification.plan.steps.len(),
            state: &record.state,
            summary: summary(specification, record),
            hashes: record.versions.iter().map(|version| version.hash).collect(),
            events: &record.events,
        }
    }
}

/// What a version is called.
pub(super) fn version(specification: &Specification, version: usize) -> String {
    match version.checked_sub(1).and_then(|index| specification.plan.steps.get(index)) {
        Some(step) => format!("step {version} ({})", step.name),
        None => "what was there before".to_owned(),
    }
}

fn summary(specification: &Specification, record: &Record) -> String {
    let of = |step: &usize| version(specification, *step);
    let doing = match &record.state.phase {
        Phase::Writing { step } => format!("{} is being written", of(step)),
        Phase::Confirming { step } => format!("{} waits for the proxies to report it", of(step)),
        Phase::Watching { step } => format!("{} is watched", of(step)),
        Phase::Waiting { step } if record.state.approved => format!("{} is approved", of(&(step + 1))),
        Phase::Waiting { step } => format!("{} waits for approval (weir rollout approve)", of(&(step + 1))),
        Phase::Restoring { reason, .. } => format!("rolling back: {reason}"),
        Phase::ConfirmingRestore { reason } => {
            format!("put back in the target, waits for the proxies to report it: {reason}")
        }
        Phase::Completed => "complete".to_owned(),
        Phase::RolledBack { reason } => format!("rolled back: {reason}"),
    };
    match record.state.held {
        Some(held) => format!("{doing}; nothing goes on: {held}"),
        None => doing,
    }
}

/// Where it is, in a line.
pub(super) fn line(specification: &Specification, record: &Record) -> String {
    let steps = specification.plan.steps.len();
    let step = record.state.phase.step().map(|step| format!("{step}/{steps}: ")).unwrap_or_default();
    format!("{step}{}", summary(specification, record))
}

/// Writes what a person wants to see.
///
/// # Errors
/// When `out` cannot be written to.
pub(super) fn write(specification: &Specification, record: &Record, out: &mut impl Write) -> io::Result<()> {
    let subject = match &specification.plan.subject {
        Subject::Experiment(key) => format!("experiment {key}"),
        Subject::Split(rule) => format!("split {rule}"),
    };
    let file = &specification.title;
    writeln!(out, "{subject} in {file}: {}", escape(&summary(specification, record)))?;
    let state = &record.state;
    let now = state.phase.step();
    for (index, step) in specification.plan.steps.iter().enumerate() {
        let number = index + 1;
        let mark = match now {
            _ if state.phase == Phase::Completed => '✓',
            _ if state.phase.is_rollback() => '✗',
            Some(now) if number < now => '✓',
            Some(now) if number == now => '▶',
            _ => ' ',
        };
        let since = if now == Some(number) {
            format!("  since {}", rfc3339(state.since / 1000))
        } else {
            String::new()
        };
        writeln!(out, "  {mark} {number}  {}{since}", escape(&step.name))?;
    }
    let first = record.events.len().saturating_sub(SHOWN);
    for event in record.events.iter().skip(first) {
        super::events::write(event, specification, out)?;
    }
    Ok(())
}
