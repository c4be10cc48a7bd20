//! Conversions: by arm, and compared with the control.

use super::measure::{GoalCounts, Measured, count, units, until};
use super::question::Question;
use serde::Serialize;
use weir_statistics::Undefined;
use weir_statistics::lift::{Estimate, Interval};
use weir_statistics::multiple::holm;
use weir_statistics::sample::Sample;

/// One goal.
#[derive(Debug, Serialize)]
pub(crate) struct GoalReport {
    pub(crate) metric: String,
    pub(crate) method: Method,
    pub(crate) arms: Vec<GoalArm>,
    pub(crate) comparisons: Vec<Comparison>,
}

/// How large chance is taken to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Method {
    /// Units were counted, each once.
    Units,
    /// Each request that was counted is taken for a unit of its own, because Prometheus has counts of requests.
    OneRequestAUnit,
    /// By the spread among parts of all units (`subBucket`).
    BatchMeans,
    /// Not at all: a sum of values without parts has no error that could be known.
    Unknown,
}

#[derive(Debug, Serialize)]
pub(crate) struct GoalArm {
    pub(crate) key: String,
    /// Requests, or the sum of their values.
    pub(crate) total: f64,
    /// For each unit; null without units.
    pub(crate) per_unit: Option<f64>,
}

/// A treatment compared with the control.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    pub(crate) arm: String,
    #[serde(flatten)]
    pub(crate) result: Option<Difference>,
    /// Why there is no result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) undefined: Option<Undefined>,
}

/// What is known of a difference.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Difference {
    /// Treatment less control, for each unit.
    pub(crate) difference: f64,
    pub(crate) interval: Interval,
    pub(crate) sequence: Interval,
    /// For one look, chosen beforehand.
    pub(crate) p_value: f64,
    /// At any time, …
    pub(crate) sequential_p_value: f64,
    /// … adjusted by Holm for all arms and goals.
    pub(crate) adjusted_p_value: f64,
    /// Whether the adjusted p-value is at most alpha.
    pub(crate) significant: bool,
    /// The relative lift; null where the control has none.
    pub(crate) lift: Option<Lift>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Lift {
    pub(crate) value: f64,
    pub(crate) interval: Interval,
    pub(crate) sequence: Interval,
}

/// A lift and its sequence at some time.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Point {
    pub(crate) lift: f64,
    pub(crate) sequence: Interval,
}

/// All goals, compared.
pub(crate) fn compare(question: &Question, measured: &Measured) -> Vec<GoalReport> {
    let end = measured.span.windows;
    let report = |goal: &GoalCounts| {
        let arm = |(arm, (key, _)): (usize, &(String, f64))| {
            let (total, units) = (until(&goal.all[arm], end), until(&measured.exposures[arm], end));
            GoalArm { key: key.clone(), total, per_unit: (units > 0.0).then(|| total / units) }
        };
        let comparison = |treatment: usize| {
            let result = difference(question, measured, goal, treatment);
            let undefined = result.as_ref().err().copied();
            Comparison { arm: question.arms[treatment].0.clone(), result: result.ok(), undefined }
        };
        GoalReport {
            metric: goal.goal.title(),
            method: method(goal),
            arms: question.arms.iter().enumerate().map(arm).collect(),
            comparisons: question.treatments().map(comparison).collect(),
        }
    };
    let mut reports: Vec<GoalReport> = measured.goals.iter().map(report).collect();
    adjust(question.alpha, &mut reports);
    reports
}

fn adjust(alpha: f64, reports: &mut [GoalReport]) {
    let results = || reports.iter().flat_map(|goal| &goal.comparisons).filter_map(|it| it.result.as_ref());
    let adjusted = holm(&results().map(|it| it.sequential_p_value).collect::<Vec<_>>()).unwrap_or_default();
    let results =
        reports.iter_mut().flat_map(|goal| &mut goal.comparisons).filter_map(|it| it.result.as_mut());
    for (result, adjusted) in results.zip(adjusted) {
        result.adjusted_p_value = adjusted;
        result.significant = adjusted <= alpha;
    }
}

fn method(goal: &GoalCounts) -> Method {
    match (&goal.goal.parts, goal.goal.counts) {
        _ if goal.goal.of_units.is_some() => Method::Units,
        (Some(_), _) => Method::BatchMeans,
        (None, true) => Method::OneRequestAUnit,
        (None, false) => Method::Unknown,
    }
}

fn difference(
    question: &Question,
    measured: &Measured,
    goal: &GoalCounts,
    treatment: usize,
) -> Result<Difference, Undefined> {
    let (alpha, tuning) = (question.alpha, question.tuning);
    let [control, treated] = samples(question, measured, goal, treatment, measured.span.windows)?;
    let observed = |estimate| of_units(estimate, question, measured, goal, treatment, measured.span.windows);
    let estimate = observed(Estimate::difference(&control, &treated)?)?;
    let lift = Estimate::relative(&control, &treated).and_then(observed).and_then(|lift| {
        Ok(Lift {
            value: lift.value,
            interval: lift.confidence_interval(alpha)?,
            sequence: lift.confidence_sequence(alpha, tuning)?,
        })
    });
    let sequential_p_value = estimate.sequential_p_value(alpha, tuning)?;
    Ok(Difference {
        difference: estimate.value,
        interval: estimate.confidence_interval(alpha)?,
        sequence: estimate.confidence_sequence(alpha, tuning)?,
        p_value: estimate.p_value(),
        sequential_p_value,
        adjusted_p_value: sequential_p_value,
        significant: false,
        lift: lift.ok(),
    })
}

/// The control's sample and the treatment's, at the end of a window.
fn samples(
    question: &Question,
    measured: &Measured,
    goal: &GoalCounts,
    treatment: usize,
    end: usize,
) -> Result<[Sample; 2], Undefined> {
    let units = units(measured, end);
    let sample = |arm: usize| match method(goal) {
        Method::Units | Method::OneRequestAUnit => Sample::proportion(count(&goal.all[arm], end), units[arm]),
        // A part has its part of the units. How many it really has is not counted; that they vary by chance makes the
        // spread among parts a little larger.
        Method::BatchMeans => {
            let each = units[arm] as f64 / goal.parts[arm].len() as f64;
            let parts: Vec<(f64, f64)> =
                goal.parts[arm].iter().map(|part| (until(part, end), each)).collect();
            Sample::ratio_of_batches(&parts)
        }
        Method::Unknown => Err(Undefined::NoVariance),
    };
    Ok([sample(question.control)?, sample(treatment)?])
}

/// The estimate with the units as its time, where it is made of batches.
fn of_units(
    estimate: Estimate,
    question: &Question,
    measured: &Measured,
    goal: &GoalCounts,
    treatment: usize,
    end: usize,
) -> Result<Estimate, Undefined> {
    if method(goal) != Method::BatchMeans {
        return Ok(estimate);
    }
    let units = units(measured, end);
    estimate.of_batches(units[question.control] as f64 + units[treatment] as f64)
}

/// The lifts of all goals and treatments at the end of a window.
pub(crate) fn at(question: &Question, measured: &Measured, end: usize) -> Vec<Vec<Option<Point>>> {
    let point = |goal: &GoalCounts, treatment: usize| {
        let [control, treated] = samples(question, measured, goal, treatment, end)?;
        let lift = Estimate::relative(&control, &treated)?;
        let lift = of_units(lift, question, measured, goal, treatment, end)?;
        let sequence = lift.confidence_sequence(question.alpha, question.tuning)?;
        Ok::<Point, Undefined>(Point { lift: lift.value, sequence })
    };
    let of_goal = |goal: &GoalCounts| question.treatments().map(|arm| point(goal, arm).ok()).collect();
    measured.goals.iter().map(of_goal).collect()
}
