//! How commands end: what they show of a rollout, and the exit codes.

use super::record::Record;
use super::specification::Specification;
use super::view;
use crate::output::{Failure, Format, Outcome};
use std::io::Write;
use weir_rollout::Phase;

/// The exit code of a rollout that is not over.
pub(super) const GOES_ON: u8 = 3;
/// The exit code of a rollout that needs a person.
const HELD: u8 = 4;

/// The API server is away, or has too much to do.
pub(super) fn ask_again(message: &str) -> Outcome {
    crate::output::complain(message);
    Outcome::Exit(GOES_ON)
}

/// Writes where a rollout is.
///
/// # Errors
/// It cannot be written.
pub(super) fn show(
    specification: &Specification,
    record: &Record,
    format: Format,
    out: &mut impl Write,
) -> Result<(), Failure> {
    if format.is_json() {
        crate::output::json(out, &view::Status::new(specification, record))?;
    } else {
        view::write(specification, record, out)?;
    }
    Ok(())
}

/// What the program exits with for a rollout.
pub(super) fn outcome(record: &Record) -> Outcome {
    let needs_a_person = record.state.held.is_some_and(weir_rollout::Held::needs_a_person);
    match &record.state.phase {
        Phase::Completed => Outcome::Fine,
        Phase::RolledBack { .. } => Outcome::Problems,
        _ if needs_a_person => Outcome::Exit(HELD),
        Phase::Restoring { .. } | Phase::ConfirmingRestore { .. } => Outcome::Problems,
        Phase::Waiting { .. } if !record.state.approved => Outcome::Exit(HELD),
        _ => Outcome::Exit(GOES_ON),
    }
}
