//! The report: what the counts say. Pure; text, JSON and HTML are made of it.

use super::goals::{self, GoalReport, Point};
use super::guardrails::{self, Guardrail};
use super::measure::{Measured, until};
use super::question::Question;
use super::split::{self, Arm, Srm};
use super::{time, verdict};
use serde::Serialize;
use weir_statistics::guardrail::Verdict;

/// The most periods of a plot.
const MAX_PERIODS: usize = 60;
const DAY: u64 = 86_400;

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

impl Report {
    /// Judges what was measured.
    pub(crate) fn new(question: &Question, measured: &Measured) -> Self {
        let ends = period_ends(measured);
        let (srm, running) = split::srm(question, measured);
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
        let arms = split::arms(question, measured);
        let verdict = verdict::in_words(question.alpha, &arms, &srm, &guardrails, &goals);
        Self {
            experiment: question.experiment.clone(),
            since: time::rfc3339(measured.span.start),
            until: time::rfc3339(measured.span.end()),
            proxies: measured.proxies,
            alpha: question.alpha,
            tuning: question.tuning,
            arms,
            goals,
            periods: starts.zip(ends.iter().copied()).map(period).collect(),
            ok: !srm.mismatch && guardrails.iter().all(|it| it.verdict() != Verdict::Fails),
            srm,
            guardrails,
            verdict,
        }
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
