//! `weir simulate` and `weir plan` for a page.

use crate::answer::{Error, FILE};
use serde::{Deserialize, Serialize};
use weir_workbench::change::plan::{self, Change};
use weir_workbench::document;
use weir_workbench::simulate;
use weir_workbench::simulate::ids::Shape;
use weir_workbench::subject::Which;
use weir_workbench::variables::Variables;

/// A page waits for it.
const MAX_UNITS: u32 = 5_000_000;

/// Units to simulate.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Simulation {
    /// YAML or JSON: a configuration, or a manifest with one.
    text: String,
    /// What divides the units: an experiment, by its key,
    #[serde(default)]
    experiment: Option<String>,
    /// or a split, by its rule's name.
    #[serde(default)]
    split: Option<String>,
    /// How many, from 1 to 5,000,000.
    units: u32,
    /// The shape of IDs: `sequential`, `numeric`, `uuid`, `email` or `hex`.
    ids: String,
    /// The time at which ramps are simulated, in milliseconds since the Unix epoch, as `Date.now()` has it; …
    now: f64,
    /// … or RFC 3339, in the place of `now`.
    #[serde(default)]
    at: Option<String>,
}

/// An experiment by its key, or a split by its rule's name.
fn which(experiment: Option<String>, split: Option<String>) -> Result<Which, Error> {
    match (experiment, split) {
        (Some(key), None) => Ok(Which::Experiment(key)),
        (None, Some(rule)) => Ok(Which::Split(rule)),
        _ => Err(Error::NoSubject),
    }
}

/// The shares.
#[derive(Serialize)]
pub(crate) struct Simulated {
    /// As `weir simulate --output json` prints it.
    report: simulate::Report,
    /// Whether the shares are not as configured.
    wrong: bool,
    /// Whether they change with time: they are those of the question's time.
    ramps: bool,
}

/// Simulates.
///
/// # Errors
/// A text without the subject, or numbers out of range.
pub(crate) fn simulate(question: Simulation) -> Result<Simulated, Error> {
    let shape = Shape::from_name(&question.ids).ok_or_else(|| {
        let names = Shape::ALL.map(Shape::name).join(", ");
        Error::Field("ids", format!("unknown shape {:?}: expected one of {names}", question.ids))
    })?;
    if !(1..=MAX_UNITS).contains(&question.units) {
        let message = format!("{} is not a number from 1 to {MAX_UNITS}", question.units);
        return Err(Error::Field("units", message));
    }
    let which = which(question.experiment, question.split)?;
    let variables = Variables::default();
    let loaded = document::find(FILE, &question.text, &variables, |loaded| which.find(loaded).is_ok())?;
    let now = match &question.at {
        Some(text) => {
            weir_core::timestamp::parse(text).map_err(|error| Error::Field("time", error.to_string()))?
        }
        // A number that is none, or out of range, becomes the nearest.
        None => (question.now * 1e6) as u64,
    };
    let ramps = loaded.has_ramps();
    let loaded = if ramps { loaded.at(now)? } else { loaded };
    let subject = which.find(&loaded)?;
    let units = usize::try_from(question.units).unwrap_or(usize::MAX);
    let report = simulate::run(&loaded, &subject, shape.ids().take(units), shape.name(), |_| {})?;
    Ok(Simulated { wrong: report.is_wrong(), report, ramps })
}

/// New weights.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Planning {
    /// YAML or JSON: a configuration, or a manifest with one.
    text: String,
    /// What divides the units: an experiment, by its key,
    #[serde(default)]
    experiment: Option<String>,
    /// or a split, by its rule's name.
    #[serde(default)]
    split: Option<String>,
    /// `VARIANT=WEIGHT`, for all variants; the current ones where there are none.
    #[serde(default)]
    weights: Vec<String>,
    /// New variants.
    #[serde(default)]
    add: Vec<String>,
    /// The fraction of all units that takes part: `0.5` or `50%`; the current one where there is none.
    #[serde(default)]
    coverage: Option<String>,
}

/// A plan.
#[derive(Serialize)]
pub(crate) struct Planned {
    /// As `weir plan --output json` prints it.
    report: plan::Report,
    /// The text with the plan in it.
    text: Option<String>,
    /// Why the plan cannot be written into the text.
    by_hand: Option<String>,
}

/// Plans.
///
/// # Errors
/// A text without the subject, weights that cannot be had.
pub(crate) fn plan(question: Planning) -> Result<Planned, Error> {
    let change = Change {
        which: &which(question.experiment, question.split)?,
        weights: &question.weights,
        add: &question.add,
        coverage: question.coverage.as_deref(),
        variables: &Variables::default(),
    };
    let report = change.planned(FILE, &question.text)?;
    let (text, by_hand) = match change.applied(FILE, &question.text) {
        Ok(text) => (Some(text), None),
        Err(why) => (None, Some(why.to_string())),
    };
    Ok(Planned { report, text, by_hand })
}
