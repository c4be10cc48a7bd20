//! How units are split among the arms, and whether that is as the weights say.

use super::measure::{Measured, count, units};
use super::question::Question;
use serde::Serialize;
use weir_statistics::Undefined;
use weir_statistics::srm::{CONCENTRATION, ChiSquaredTest, Sequential, chi_squared};

/// Below this the sequential p-value is a mismatch.
pub(crate) const MISMATCH: f64 = 0.001;

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

/// The arms with their units and requests.
pub(crate) fn arms(question: &Question, measured: &Measured) -> Vec<Arm> {
    let all = measured.span.windows;
    let total: f64 = units(measured, all).iter().map(|count| *count as f64).sum();
    let sum: f64 = question.arms.iter().map(|(_, weight)| weight).sum();
    let arm = |(arm, (key, weight)): (usize, &(String, f64))| Arm {
        key: key.clone(),
        weight: weight / sum,
        units: count(&measured.exposures[arm], all),
        expected: total * weight / sum,
        requests: measured
            .requests
            .get(arm)
            .map(|windows| count(windows, windows.len()))
            .filter(|it| *it > 0),
    };
    question.arms.iter().enumerate().map(arm).collect()
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
