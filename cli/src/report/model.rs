//! The report: what the counts say. Pure; text, JSON and HTML are made of it.

use super::goals::{self, GoalReport};
use super::guardrails::{self, Guardrail};
use super::measure::{Measured, until};
use super::time;
use serde::Serialize;
use weir_statistics::Undefined;
use weir_statistics::guardrail::Verdict;
use weir_statistics::lift::Interval;
use weir_statistics::srm::{CONCENTRATION, ChiSquaredTest, Sequential, chi_squared};

/// Below this the sequential p-value is a mismatch.
pub(crate) const MISMATCH: f64 = 0.001;
/// The most periods of a plot.
const MAX_PERIODS: usize = 60;
const DAY: u64 = 86_400;

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) experiment: String,
    /// Keys and weights, in the configuration's order.
    pub(crate) arms: Vec<(String, f64)>,
    /// The arm that the others are compared with.
    pub(crate) control: usize,
    pub(crate) alpha: f64,
    pub(crate) tuning: f64,
    /// How much more of the requests may end with 5xx, as a part of all of them.
    pub(crate) tolerated_errors: f64,
    /// How much longer requests may take, as a part of the control's mean.
    pub(crate) tolerated_latency: f64,
}

impl Question {
    /// The arms that are compared with the control.
    pub(crate) fn treatments(&self) -> impl Iterator<Item = usize> {
        let arms = self.arms.iter().enumerate();
        arms.filter(|(arm, (_, weight))| *arm != self.control && *weight > 0.0).map(|(arm, _)| arm)
    }
}

/// Everything.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) experiment: String,
    pub(crate) since: String,
    pub(crate) until: String,
    pub(crate) proxies: usize,
    pub(crate) alpha: f64,
    pub(crate) tuning: f64,
    pub(crate) arms: Vec<Arm>,
    pub(crate) srm: Srm,
    pub(crate) goals: Vec<GoalReport>,
    pub(crate) guardrails: Vec<Guardrail>,
    /// What was known at the end of each day (or of a part of it, in short experiments).
    pub(crate) periods: Vec<Period>,
    /// In words.
    pub(crate) verdict: Vec<String>,
    /// No mismatch, and no guardrail failed.
    pub(crate) ok: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct Arm {
    pub(crate) key: String,
    /// The weight, as a part of all.
    pub(crate) weight: f64,
    /// Units that were exposed, …
    pub(crate) units: u64,
    /// … and how many there should be.
    pub(crate) expected: f64,
    /// Null where requests are not counted by variant.
    pub(crate) requests: Option<u64>,
}

/// Sample ratio mismatch.
#[derive(Debug, Serialize)]
pub(crate) struct Srm {
    /// Pearson's test, for one look; null where there is nothing to compare.
    pub(crate) pearson: Option<ChiSquaredTest>,
    /// The p-value of the sequential test, at any time: its running minimum.
    pub(crate) sequential_p_value: Option<f64>,
    pub(crate) mismatch: bool,
}

/// The end of a period.
#[derive(Debug, Serialize)]
pub(crate) struct Period {
    pub(crate) end: String,
    #[serde(skip)]
    pub(crate) time: u64,
    /// New units of each arm in it.
    pub(crate) units: Vec<f64>,
    pub(crate) srm_p_value: Option<f64>,
    /// By goal, then by treatment: the relative lift and its sequence since the start; null where it is undefined.
    pub(crate) lifts: Vec<Vec<Option<Point>>>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Point {
    pub(crate) lift: f64,
    pub(crate) sequence: Interval,
}

impl Report {
    /// Judges what was measured.
    pub(crate) fn new(question: &Question, measured: &Measured) -> Self {
        let ends = period_ends(measured);
        let (srm, running) = srm(question, measured);
        let goals = goals::compare(question, measured);
        let guardrails = guardrails::judge(question, measured);
        let period = |(before, end): (usize, usize)| Period {
            end: time::rfc3339(measured.span.end_of(end - 1)),
            time: measured.span.end_of(end - 1),
            units: measured.exposures.iter().map(|arm| until(arm, end) - until(arm, before)).collect(),
            srm_p_value: running.get(end - 1).copied(),
            lifts: goals::at(question, measured, end),
        };
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let total: f64 = units(measured, measured.span.windows).iter().map(|count| *count as f64).sum();
        let sum: f64 = question.arms.iter().map(|(_, weight)| weight).sum();
        let arms = question.arms.iter().enumerate().map(|(arm, (key, weight))| Arm {
            key: key.clone(),
            weight: weight / sum,
            units: count(&measured.exposures[arm], measured.span.windows),
            expected: total * weight / sum,
            requests: measured
                .requests
                .get(arm)
                .map(|windows| count(windows, windows.len()))
                .filter(|it| *it > 0),
        });
        let mut report = Self {
            experiment: question.experiment.clone(),
            since: time::rfc3339(measured.span.start),
            until: time::rfc3339(measured.span.end()),
            proxies: measured.proxies,
            alpha: question.alpha,
            tuning: question.tuning,
            arms: arms.collect(),
            goals,
            periods: starts.zip(ends.iter().copied()).map(period).collect(),
            ok: !srm.mismatch && guardrails.iter().all(|it| it.verdict() != Verdict::Fails),
            srm,
            guardrails,
            verdict: Vec::new(),
        };
        report.verdict = super::verdict::in_words(&report);
        report
    }
}

/// The windows after which a period ends.
fn period_ends(measured: &Measured) -> Vec<usize> {
    let span = measured.span;
    let length = span.step * span.windows as u64;
    let wanted = if length > 3 * DAY { DAY } else { length.div_ceil(24).max(span.step) };
    let mut each = usize::try_from(wanted / span.step).unwrap_or(1).max(1);
    while span.windows.div_ceil(each) > MAX_PERIODS {
        each *= 2;
    }
    let mut ends: Vec<usize> = (1..=span.windows / each).map(|period| period * each).collect();
    if ends.last() != Some(&span.windows) {
        ends.push(span.windows);
    }
    ends
}

/// A sum of the first windows as a whole number.
pub(crate) fn count(windows: &[f64], end: usize) -> u64 {
    until(windows, end).round() as u64
}

/// The units of each arm at the end of a window.
pub(crate) fn units(measured: &Measured, end: usize) -> Vec<u64> {
    measured.exposures.iter().map(|arm| count(arm, end)).collect()
}

/// The test, and its p-value at the end of each window.
pub(crate) fn srm(question: &Question, measured: &Measured) -> (Srm, Vec<f64>) {
    let weights: Vec<f64> = question.arms.iter().map(|(_, weight)| *weight).collect();
    let running = running(&weights, measured).unwrap_or_default();
    let sequential = running.last().copied();
    let pearson = chi_squared(&units(measured, measured.span.windows), &weights).ok();
    let mismatch = sequential.is_some_and(|p| p < MISMATCH);
    (Srm { pearson, sequential_p_value: sequential, mismatch }, running)
}

fn running(weights: &[f64], measured: &Measured) -> Result<Vec<f64>, Undefined> {
    let mut test = Sequential::new(weights, CONCENTRATION)?;
    let mut sums = vec![0.0; weights.len()];
    (0..measured.span.windows)
        .map(|window| {
            for (sum, arm) in sums.iter_mut().zip(&measured.exposures) {
                *sum += arm[window];
            }
            let units: Vec<u64> = sums.iter().map(|sum: &f64| sum.round() as u64).collect();
            test.observe(&units)
        })
        .collect()
}
