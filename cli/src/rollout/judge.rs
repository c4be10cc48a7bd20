//! From counts to verdicts. Pure.

use crate::output::percent;
use crate::report::goals::{self, Comparison};
use crate::report::guardrails::{self, Guardrail, Kind};
use crate::report::measure::{Measured, units};
use crate::report::question::Question;
use crate::report::split::srm;
use weir_rollout::{Check, Gate, GateResult, Plan, Verdict};
use weir_statistics::guardrail::{Verdict as Judged, Worse, judge as judge_interval};
use weir_statistics::lift::Interval;

/// The number of requests or units of both versions at which confidence sequences are narrowest: releases are judged by
/// fewer than experiments.
pub(super) const TUNING: f64 = 1000.0;

/// What was measured; `None` where too little time has passed.
#[derive(Debug, Default)]
pub(super) struct Measurements {
    /// Units and goals since the rollout began.
    pub(super) units: Option<Measured>,
    /// Requests since the step began.
    pub(super) requests: Option<Measured>,
    /// The values of the queries, in the order of the gates.
    pub(super) queries: Vec<Option<f64>>,
}

/// The units of the version that has fewer.
pub(super) fn fewest(measured: &Measured) -> u64 {
    units(measured, measured.span.windows).into_iter().min().unwrap_or_default()
}

/// A verdict for each gate, in their order. `weights` are those of all variants, by name.
pub(super) fn judge(
    plan: &Plan,
    gates: &[&Gate],
    weights: &[(String, f64)],
    measured: &Measurements,
) -> Vec<GateResult> {
    let mut queries = measured.queries.iter();
    let result = |gate: &&Gate| {
        let (verdict, detail) = match &gate.check {
            Check::Srm => mismatch(plan, weights, measured),
            Check::Errors { tolerance } => guardrail(plan, Kind::Errors, *tolerance, measured),
            Check::Latency { tolerance } => guardrail(plan, Kind::Latency, *tolerance, measured),
            Check::Goal { metric, lower_is_worse, tolerance } => {
                let worse = if *lower_is_worse { Worse::Lower } else { Worse::Higher };
                goal(plan, metric, worse, *tolerance, measured)
            }
            Check::Query { max, min, .. } => {
                query(queries.next().copied().flatten(), max.as_ref(), min.as_ref())
            }
        };
        GateResult { name: gate.name.clone(), verdict, detail }
    };
    gates.iter().map(result).collect()
}

/// The old version is the control, the new one the treatment.
fn question(plan: &Plan, weights: [f64; 2], tolerance: f64) -> Question {
    let [old, new] = weights;
    Question {
        experiment: String::new(),
        arms: vec![(plan.baseline.clone(), old), (plan.variant.clone(), new)],
        control: 0,
        alpha: plan.alpha,
        tuning: TUNING,
        tolerated_errors: tolerance,
        tolerated_latency: tolerance,
    }
}

fn mismatch(plan: &Plan, weights: &[(String, f64)], measured: &Measurements) -> (Verdict, String) {
    let Some(measured) = &measured.units else { return unknown("no units yet") };
    let weight =
        |name: &String| weights.iter().find(|(known, _)| known == name).map_or(0.0, |(_, weight)| *weight);
    let weights = [weight(&plan.baseline), weight(&plan.variant)];
    let counted = units(measured, measured.span.windows);
    let text = format!(
        "{} units of {}, {} of {}",
        counted.first().copied().unwrap_or_default(),
        plan.baseline,
        counted.get(1).copied().unwrap_or_default(),
        plan.variant
    );
    if counted.iter().sum::<u64>() == 0 {
        return unknown("no units yet");
    }
    match srm(&question(plan, weights, 0.0), measured).0 {
        found if found.mismatch => (Verdict::Fail, format!("sample ratio mismatch: {text}")),
        found if found.sequential_p_value.is_some() => (Verdict::Pass, text),
        _ => (Verdict::Unknown, text),
    }
}

fn guardrail(plan: &Plan, kind: Kind, tolerance: f64, measured: &Measurements) -> (Verdict, String) {
    let Some(measured) = &measured.requests else { return unknown("no requests yet") };
    let found = guardrails::judge(&question(plan, [1.0, 1.0], tolerance), measured);
    let Some(found) = found.into_iter().find(|guardrail| guardrail.kind == kind) else {
        return unknown("no requests yet");
    };
    (verdict(found.verdict()), in_words(plan, &found))
}

fn in_words(plan: &Plan, found: &Guardrail) -> String {
    let errors = found.kind == Kind::Errors;
    let value = |value: Option<f64>| match value {
        None => "nothing".to_owned(),
        Some(value) if errors => percent(value),
        Some(value) => format!("{value:.1} ms"),
    };
    let compared = found.comparisons.first();
    let mut text = format!(
        "{} {}, {} {}",
        plan.variant,
        value(compared.and_then(|it| it.value)),
        plan.baseline,
        value(found.control)
    );
    if let Some(Interval { low, high }) = compared.and_then(|it| it.sequence) {
        text.push_str(&match errors {
            true => format!("; difference {:.2} to {:.2} points", low * 100.0, high * 100.0),
            false => format!("; difference {low:.1} to {high:.1} ms"),
        });
    }
    text.push_str(&match errors {
        true => format!(", tolerated {}", percent(found.tolerance).replace('%', "points")),
        false => format!(", tolerated {} of {}", percent(found.tolerance), plan.baseline),
    });
    text
}

fn goal(
    plan: &Plan,
    metric: &str,
    worse: Worse,
    tolerance: f64,
    measured: &Measurements,
) -> (Verdict, String) {
    let Some(measured) = &measured.units else { return unknown("no units yet") };
    let reports = goals::compare(&question(plan, [1.0, 1.0], tolerance), measured);
    let mut of_goals = measured.goals.iter().zip(reports);
    let Some((_, report)) = of_goals.find(|(counts, _)| counts.goal.name() == metric) else {
        return unknown("not counted yet");
    };
    match report.comparisons.first() {
        Some(Comparison { result: Some(found), .. }) => {
            let Some(lift) = found.lift else { return unknown("the old version has none yet") };
            let Interval { low, high } = lift.sequence;
            let judged = judge_interval(lift.sequence, worse, tolerance).unwrap_or(Judged::Unknown);
            let text =
                format!("lift {} to {}, tolerated {}", percent(low), percent(high), percent(tolerance));
            (verdict(judged), text)
        }
        Some(Comparison { undefined: Some(why), .. }) => (Verdict::Unknown, why.to_string()),
        _ => unknown("not counted yet"),
    }
}

fn query(value: Option<f64>, max: Option<&f64>, min: Option<&f64>) -> (Verdict, String) {
    let Some(value) = value else { return unknown("the query has no number, or several") };
    if let Some(max) = max.filter(|max| value > **max) {
        return (Verdict::Fail, format!("{value} is above {max}"));
    }
    if let Some(min) = min.filter(|min| value < **min) {
        return (Verdict::Fail, format!("{value} is below {min}"));
    }
    (Verdict::Pass, value.to_string())
}

fn unknown(why: &str) -> (Verdict, String) {
    (Verdict::Unknown, why.to_owned())
}

fn verdict(judged: Judged) -> Verdict {
    match judged {
        Judged::Holds => Verdict::Pass,
        Judged::Fails => Verdict::Fail,
        Judged::Unknown => Verdict::Unknown,
    }
}
