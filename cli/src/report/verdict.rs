//! What a report says in words.

use super::goals::{Comparison, Difference, GoalReport, Method};
use super::guardrails::{Guarded, Guardrail, Kind};
use super::split::{Arm, Srm};
use crate::output::percent;
use weir_statistics::guardrail::Verdict;
use weir_statistics::lift::Interval;

/// One sentence or two for each thing that is known, the most important first.
pub(super) fn in_words(
    alpha: f64,
    arms: &[Arm],
    srm: &Srm,
    guardrails: &[Guardrail],
    goals: &[GoalReport],
) -> Vec<String> {
    let mut words = vec![split(arms, srm)];
    for guardrail in guardrails {
        words.extend(guardrail.comparisons.iter().map(|compared| guarded(guardrail, compared)));
    }
    for goal in goals {
        words.extend(compared(alpha, goal));
    }
    if srm.mismatch {
        words.push("Because of the mismatch none of the comparisons can be believed.".to_owned());
    }
    words
}

fn split(arms: &[Arm], srm: &Srm) -> String {
    let total: u64 = arms.iter().map(|arm| arm.units).sum();
    match srm.sequential_p_value {
        _ if total == 0 => "No unit was exposed in this time.".to_owned(),
        None => "Only one variant has units, so there is nothing to compare.".to_owned(),
        Some(p) if srm.mismatch => {
            let worst = arms.iter().max_by(|one, other| off(one).total_cmp(&off(other)));
            let worst = worst.map(|arm| {
                format!("{} has {} units where {:.0} are expected", arm.key, arm.units, arm.expected)
            });
            format!(
                "Sample ratio mismatch: {} (p = {}). Units are lost on one side: stop reading and look for the cause.",
                worst.unwrap_or_default(),
                p_value(p)
            )
        }
        Some(p) => format!("The split is as configured (p = {} at any time).", p_value(p)),
    }
}

fn off(arm: &Arm) -> f64 {
    (arm.units as f64 - arm.expected).abs()
}

fn guarded(guardrail: &Guardrail, compared: &Guarded) -> String {
    let Guardrail { kind, tolerance, .. } = guardrail;
    let (name, points) = (kind.name(), *kind == Kind::Errors);
    let tolerated = if points { points_of(*tolerance) } else { percent(*tolerance) };
    let values = match (guardrail.control, compared.value) {
        (Some(control), Some(value)) if points => format!(" ({} after {})", percent(value), percent(control)),
        (Some(control), Some(value)) => format!(" ({value:.1} ms after {control:.1} ms)"),
        _ => String::new(),
    };
    match compared.verdict {
        Verdict::Fails => {
            format!("Guardrail {name} fails: {} is worse by more than {tolerated}{values}.", compared.arm)
        }
        Verdict::Holds => {
            format!("Guardrail {name} holds: {} is worse by at most {tolerated}{values}.", compared.arm)
        }
        Verdict::Unknown => format!("Guardrail {name} of {}: not known yet{values}.", compared.arm),
    }
}

fn points_of(part: f64) -> String {
    percent(part).replace('%', "points")
}

fn compared(alpha: f64, goal: &GoalReport) -> Vec<String> {
    let metric = &goal.metric;
    let one = |comparison: &Comparison| {
        let arm = &comparison.arm;
        let Some(result) = &comparison.result else {
            let why = comparison.undefined.map(|it| it.to_string()).unwrap_or_default();
            return match goal.method {
                Method::Unknown => {
                    format!("{metric}: a sum of values needs a label with a subBucket to say what is chance.")
                }
                _ => format!("{metric}, {arm}: no comparison ({why})."),
            };
        };
        let range = range(result);
        let level = percent(1.0 - alpha);
        match (result.significant, result.difference > 0.0) {
            (true, true) => {
                format!("{metric}: {arm} has more than the control, {range} ({level}, at any time).")
            }
            (true, false) => {
                format!("{metric}: {arm} has less than the control, {range} ({level}, at any time).")
            }
            _ => format!("{metric}: no difference of {arm} is shown yet, {range} ({level}, at any time)."),
        }
    };
    goal.comparisons.iter().map(one).collect()
}

/// `+12.3 %, between +2 % and +22 %`, or the difference where there is no lift.
fn range(result: &Difference) -> String {
    match result.lift {
        Some(lift) => {
            format!("{}, between {}", signed_percent(lift.value), ends(lift.sequence, signed_percent))
        }
        None => format!("{}, between {}", signed(result.difference), ends(result.sequence, signed)),
    }
}

fn ends(interval: Interval, form: fn(f64) -> String) -> String {
    format!("{} and {}", form(interval.low), form(interval.high))
}

/// `+12.3 %`
pub(super) fn signed_percent(part: f64) -> String {
    format!("{:+.1} %", part * 100.0)
}

fn signed(value: f64) -> String {
    let digits = crate::design::digits(value);
    if value > 0.0 { format!("+{digits}") } else { digits }
}

/// A p-value with as many digits as it needs.
pub(super) fn p_value(p: f64) -> String {
    if p >= 0.001 {
        format!("{p:.3}")
    } else if p > 1e-12 {
        format!("{p:.0e}")
    } else {
        "below 1e-12".to_owned()
    }
}
