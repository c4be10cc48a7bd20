//! The report as text.

use super::goals::{Comparison, Difference, GoalReport, Method};
use super::guardrails::{Guardrail, Kind};
use super::model::Report;
use super::split::MISMATCH;
use super::verdict::{p_value, signed_percent};
use crate::design::digits;
use crate::output::percent;
use std::io::{self, Write};
use weir_statistics::guardrail::Verdict;
use weir_statistics::lift::Interval;

/// Writes it.
///
/// # Errors
/// When `out` cannot be written to.
pub(super) fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let proxies =
        if report.proxies == 1 { "1 proxy".to_owned() } else { format!("{} proxies", report.proxies) };
    writeln!(out, "experiment {}: {} to {}, {proxies}\n", report.experiment, report.since, report.until)?;
    split(report, out)?;
    for (index, goal) in report.goals.iter().enumerate() {
        self::goal(report, index, goal, out)?;
    }
    guardrails(report, out)?;
    writeln!(out, "\nverdict")?;
    for sentence in &report.verdict {
        writeln!(out, "  {sentence}")?;
    }
    Ok(())
}

/// Wide enough for the longest key.
fn width(report: &Report) -> usize {
    report.arms.iter().map(|arm| arm.key.chars().count()).max().unwrap_or(0).max(8)
}

fn split(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let width = width(report);
    let header = ["units", "expected", "requests"];
    writeln!(out, "  {:width$} {:>11} {:>11} {:>11}  new units", "variant", header[0], header[1], header[2])?;
    for (index, arm) in report.arms.iter().enumerate() {
        let requests = arm.requests.map_or_else(|| "-".to_owned(), |it| it.to_string());
        let days: Vec<f64> = report.periods.iter().map(|period| period.units[index]).collect();
        let expected = format!("{:.0}", arm.expected);
        writeln!(
            out,
            "  {:width$} {:>11} {expected:>11} {requests:>11}  {}",
            arm.key,
            arm.units,
            spark(&days)
        )?;
    }
    let Some(p) = report.srm.sequential_p_value else { return Ok(()) };
    let once =
        report.srm.pearson.map(|test| format!("; Pearson, for one look: p = {}", p_value(test.p_value)));
    let over_time: Vec<f64> = report.periods.iter().filter_map(|it| it.srm_p_value).map(surprise).collect();
    writeln!(
        out,
        "  split: p = {} at any time (a mismatch below {MISMATCH}){}  {}",
        p_value(p),
        once.unwrap_or_default(),
        spark(&over_time)
    )
}

/// How surprising a p-value is, in digits.
pub(super) fn surprise(p: f64) -> f64 {
    -p.max(1e-12).log10()
}

fn goal(report: &Report, index: usize, goal: &GoalReport, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\n{} ({})", goal.metric, method(goal.method))?;
    let width = width(report);
    let level = percent(1.0 - report.alpha);
    writeln!(
        out,
        "  {:width$} {:>11} {:>9} {:>9}  {:20} {:20} {:>9}  over time",
        "variant",
        "total",
        "a unit",
        "lift",
        format!("{level}, one look"),
        format!("{level}, any time"),
        "p"
    )?;
    for arm in &goal.arms {
        let total = digits(arm.total);
        let each = arm.per_unit.map_or_else(|| "-".to_owned(), digits);
        write!(out, "  {:width$} {total:>11} {each:>9}", arm.key)?;
        let compared = goal.comparisons.iter().enumerate().find(|(_, it)| it.arm == arm.key);
        if let Some((place, comparison)) = compared {
            let lifts =
                report.periods.iter().filter_map(|it| it.lifts.get(index)?.get(place).copied().flatten());
            let lifts: Vec<f64> = lifts.map(|point| point.lift).collect();
            write!(out, " {}  {}", columns(comparison), spark(&lifts))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

pub(super) fn method(method: Method) -> &'static str {
    match method {
        Method::Units => "units, each counted once, at its first conversion",
        Method::OneRequestAUnit => {
            "requests for each unit; right if a unit makes at most one of them, else count with a subBucket"
        }
        Method::BatchMeans => "requests for each unit; chance by batch means over parts of all units",
        Method::Unknown => "sums of values; without a subBucket nothing says how large chance is",
    }
}

fn columns(comparison: &Comparison) -> String {
    let Some(result) = &comparison.result else {
        let why = comparison.undefined.map(|it| it.to_string()).unwrap_or_default();
        return format!("{:>9}  {why}", "-");
    };
    let [lift, once, any] = lift(result);
    format!("{lift:>9}  {once:20} {any:20} {:>9}", p_value(result.adjusted_p_value))
}

/// The lift and its intervals, or the difference where there is no lift.
pub(super) fn lift(result: &Difference) -> [String; 3] {
    match result.lift {
        Some(lift) => {
            let ends = |it: Interval| range(&signed_percent(it.low), &signed_percent(it.high));
            [signed_percent(lift.value), ends(lift.interval), ends(lift.sequence)]
        }
        None => {
            let ends = |it: Interval| range(&digits(it.low), &digits(it.high));
            [digits(result.difference), ends(result.interval), ends(result.sequence)]
        }
    }
}

fn range(low: &str, high: &str) -> String {
    format!("[{low}, {high}]")
}

fn guardrails(report: &Report, out: &mut impl Write) -> io::Result<()> {
    if report.guardrails.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nguardrails (requests, compared in windows of time; intervals hold at any time)")?;
    let width = width(report);
    for guardrail in &report.guardrails {
        let control = guardrail.control.map_or_else(|| "-".to_owned(), |value| amount(guardrail, value));
        for compared in &guardrail.comparisons {
            let value = compared.value.map_or_else(|| "-".to_owned(), |value| amount(guardrail, value));
            let known =
                compared.sequence.map(|it| range(&amount(guardrail, it.low), &amount(guardrail, it.high)));
            let why = || compared.undefined.map(|it| it.to_string()).unwrap_or_default();
            writeln!(
                out,
                "  {:8} {:width$} {value:>10} (control {control})  difference {}  {}",
                guardrail.kind.name(),
                compared.arm,
                known.unwrap_or_else(why),
                state(compared.verdict)
            )?;
        }
    }
    Ok(())
}

/// A value of a guardrail with its unit.
pub(super) fn amount(guardrail: &Guardrail, value: f64) -> String {
    match guardrail.kind {
        Kind::Errors => format!("{:.3} %", value * 100.0),
        Kind::Latency => format!("{value:.1} ms"),
    }
}

pub(super) fn state(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Fails => "FAILS",
        Verdict::Unknown => "not known yet",
    }
}

/// Values as blocks of eight heights. One value, or the same ones, are of middle height.
fn spark(values: &[f64]) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let block = |value: &f64| {
        let part = if high > low { (value - low) / (high - low) } else { 0.5 };
        BLOCKS[((part * 7.0).round() as usize).min(7)]
    };
    values.iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparks_go_from_the_lowest_to_the_highest() {
        assert_eq!(spark(&[0.0, 3.5, 7.0]), "▁▅█");
        assert_eq!(spark(&[2.0, 2.0]), "▅▅");
        assert_eq!(spark(&[]), "");
    }
}
