//! What becomes of many made-up units.

pub mod ids;
mod report;

pub use report::{Bar, Report};

use crate::document::Loaded;
use crate::error::Error;
use crate::population::{End, Population};
use crate::subject::{Origin, Subject};
use report::Counts;

/// Assigns the units with these ids and compares the shares with the configured ones. `name` is what the report calls
/// the ids, and `progress` takes the number of units that are done, from time to time.
///
/// # Errors
/// A configuration whose units cannot be simulated; a message for people.
pub fn run(
    loaded: &Loaded,
    subject: &Subject,
    ids: impl Iterator<Item = Vec<u8>>,
    name: &str,
    mut progress: impl FnMut(u64),
) -> Result<Report, Error> {
    let mut counts = Counts::new(subject.ranges.variants.len());
    let mut whole = match &subject.origin {
        _ if !subject.depends => None,
        Origin::Experiment(..) => Some(Population::new(loaded, None)?),
        Origin::Split(rule) => Some(Population::new(loaded, Some(rule))?),
    };
    for (done, id) in (1_u64..).zip(ids) {
        let end = match (&mut whole, &subject.origin) {
            (Some(whole), Origin::Experiment(index, _)) => {
                whole.decide(&id).experiments.get(*index).cloned().flatten()
            }
            (Some(whole), Origin::Split(_)) => whole.decide(&id).split.map(End::Variant),
            (None, _) => subject.assign_index(&id).map(End::Variant),
        };
        counts.add(end);
        if done % STEP == 0 {
            progress(done);
        }
    }
    Ok(Report::new(&loaded.document, subject, &counts, name))
}

/// Units between two calls of `progress`.
pub const STEP: u64 = 10_000;
