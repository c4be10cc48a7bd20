//! The report as one HTML file: no script, nothing from elsewhere, readable on light and dark screens.

use super::goals::GoalReport;
use super::model::{Period, Report};
use super::plot::{Line, Plot, Point, escape};
use super::split::{Arm, MISMATCH};
use super::text::{amount, lift, method, state, surprise};
use super::verdict::{p_value, signed_percent};
use crate::design::digits;
use crate::output::percent;
use std::fmt::Write as _;
use weir_statistics::guardrail::Verdict;

const STYLE: &str = "
:root { color-scheme: light dark; --text: #1d2330; --soft: #5b6475; --back: #fff; --line: #d9dde5; --bad: #b3261e;
  --good: #1b6e3c; --c0: #2f6fb5; --c1: #c4541d; --c2: #3a8443; --c3: #8b4fa8; --c4: #9a7400; --c5: #0f8088; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e9ef; --soft: #a3acbd; --back: #14171d; --line: #363c48;
  --bad: #ff8a80; --good: #7fd39b; --c0: #79b2f2; --c1: #f59a68; --c2: #86cf8e; --c3: #cf9de6; --c4: #e0bd55; --c5: #68ccd2; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .3rem; }
p.soft, td.soft { color: var(--soft); } p.soft { margin: .2rem 0; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } th { font-weight: 600; color: var(--soft); }
.bad { color: var(--bad); font-weight: 600; } .good { color: var(--good); font-weight: 600; }
ul.verdict { padding-left: 1.2rem; } figure { margin: 1rem 0; } svg { width: 100%; height: auto; display: block; }
figcaption { font-size: .9rem; } .key::before { content: '\\25A0'; color: currentColor; margin-right: .3rem; }
.key { margin-right: 1rem; } .mark, .limit-name { font-size: 12px; fill: var(--soft); }
.grid { stroke: var(--line); } .limit { stroke: var(--bad); stroke-dasharray: 6 4; }
.line { fill: none; stroke-width: 2; } .band { opacity: .18; stroke: none; }
";

/// The page.
pub(super) fn page(report: &Report) -> String {
    let mut style = STYLE.to_owned();
    for colour in 0..super::plot::COLOURS {
        let _ = writeln!(
            style,
            ".line.c{colour} {{ stroke: var(--c{colour}); }} circle.c{colour}, .band.c{colour} {{ fill: var(--c{colour}); }} \
             .key.c{colour} {{ color: var(--c{colour}); }}"
        );
    }
    let name = escape(&report.experiment);
    let (sign, class) = if report.ok { ("as it should be", "good") } else { ("needs attention", "bad") };
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>Experiment {name}</title>\n<style>{style}</style></head>\n<body>\n\
         <h1>Experiment {name} <span id=\"state\" class=\"{class}\">{sign}</span></h1>\n\
         <p class=\"soft\">{} to {}</p>\n<ul class=\"verdict\" id=\"verdict\">\n",
        report.since, report.until
    );
    for sentence in &report.verdict {
        let _ = writeln!(page, "<li>{}</li>", escape(sentence));
    }
    page.push_str("</ul>\n");
    split(report, &mut page);
    for (index, goal) in report.goals.iter().enumerate() {
        self::goal(report, index, goal, &mut page);
    }
    guardrails(report, &mut page);
    page.push_str("</body></html>\n");
    page
}

fn split(report: &Report, page: &mut String) {
    page.push_str("<h2>Exposures</h2>\n");
    let rows = report.arms.iter().map(|arm| {
        let requests = arm.requests.map_or_else(|| "-".to_owned(), |it| it.to_string());
        let expected = format!("{:.0}", arm.expected);
        (vec![arm.key.clone(), percent(arm.weight), arm.units.to_string(), expected, requests], false)
    });
    table("exposures", &["variant", "weight", "units", "expected", "requests"], rows, page);
    let line = |(index, arm): (usize, &Arm)| {
        let point = |it: &Period| Point { time: it.time, value: it.units[index], band: None };
        Line { name: arm.key.clone(), colour: index, points: report.periods.iter().map(point).collect() }
    };
    let form = |value: f64| digits(value.round());
    let plot = Plot {
        id: "plot-exposures".to_owned(),
        title: "New units of each variant over time".to_owned(),
        lines: report.arms.iter().enumerate().map(line).collect(),
        limit: None,
        from_zero: true,
        form: &form,
    };
    page.push_str(&plot.svg());
    let Some(p) = report.srm.sequential_p_value else { return };
    let once = report
        .srm
        .pearson
        .map(|test| format!(" Pearson's test, for one look: p = {}.", p_value(test.p_value)));
    let _ = writeln!(
        page,
        "<h2>Sample ratio</h2>\n<p id=\"srm\">p = {} at any time; below {MISMATCH} it is a mismatch.{}</p>",
        p_value(p),
        once.unwrap_or_default()
    );
    let point = |it: &Period| it.srm_p_value.map(|p| Point { time: it.time, value: surprise(p), band: None });
    let points = report.periods.iter().filter_map(point).collect();
    let form = |value: f64| if value <= 0.0 { "1".to_owned() } else { p_value(10_f64.powf(-value)) };
    let plot = Plot {
        id: "plot-srm".to_owned(),
        title: "The p-value of the split over time, at any time; upwards is smaller".to_owned(),
        lines: vec![Line { name: "p-value of the split (upwards is smaller)".to_owned(), colour: 0, points }],
        limit: Some((surprise(MISMATCH), "mismatch above this line")),
        from_zero: true,
        form: &form,
    };
    page.push_str(&plot.svg());
}

fn goal(report: &Report, index: usize, goal: &GoalReport, page: &mut String) {
    let metric = escape(&goal.metric);
    let _ = writeln!(page, "<h2>{metric}</h2>\n<p class=\"soft\">{}</p>", method(goal.method));
    let level = percent(1.0 - report.alpha);
    let (once, any) = (format!("{level}, one look"), format!("{level}, at any time"));
    let rows = goal.arms.iter().map(|arm| {
        let each = arm.per_unit.map_or_else(|| "-".to_owned(), digits);
        let mut row = vec![arm.key.clone(), digits(arm.total), each];
        let compared = goal.comparisons.iter().find(|it| it.arm == arm.key);
        match compared.map(|it| (it.result.as_ref(), it.undefined)) {
            Some((Some(result), _)) => {
                row.extend(lift(result));
                row.push(p_value(result.adjusted_p_value));
            }
            Some((None, why)) => {
                let why = why.map(|it| it.to_string()).unwrap_or_default();
                row.extend([why, String::new(), String::new(), String::new()]);
            }
            None => row.extend(std::iter::repeat_n(String::new(), 4)),
        }
        (row, false)
    });
    let header = ["variant", "total", "a unit", "lift", &once, &any, "p (any time, Holm)"];
    table(&format!("goal-{index}"), &header, rows, page);
    let line = |(place, comparison): (usize, &super::goals::Comparison)| {
        let points = report.periods.iter().filter_map(|period| {
            let point = period.lifts.get(index)?.get(place).copied().flatten()?;
            let band = Some((point.sequence.low, point.sequence.high));
            Some(Point { time: period.time, value: point.lift, band })
        });
        let arm = report.arms.iter().position(|arm| arm.key == comparison.arm).unwrap_or_default();
        Line { name: format!("lift of {}, {any}", comparison.arm), colour: arm, points: points.collect() }
    };
    let plot = Plot {
        id: format!("plot-lift-{index}"),
        title: format!("Lift of {} over time, with the interval that holds at any time", goal.metric),
        lines: goal.comparisons.iter().enumerate().map(line).collect(),
        limit: Some((0.0, "no difference")),
        from_zero: false,
        form: &signed_percent,
    };
    page.push_str(&plot.svg());
}

fn guardrails(report: &Report, page: &mut String) {
    if report.guardrails.is_empty() {
        return;
    }
    page.push_str("<h2>Guardrails</h2>\n<p class=\"soft\">Requests, compared in windows of time.</p>\n");
    let rows = report.guardrails.iter().flat_map(|guardrail| {
        let control = guardrail.control.map_or_else(|| "-".to_owned(), |value| amount(guardrail, value));
        guardrail.comparisons.iter().map(move |compared| {
            let value = compared.value.map_or_else(|| "-".to_owned(), |value| amount(guardrail, value));
            let known = compared
                .sequence
                .map(|it| format!("[{}, {}]", amount(guardrail, it.low), amount(guardrail, it.high)));
            let name = guardrail.kind.name().to_owned();
            let verdict = state(compared.verdict).to_owned();
            let row =
                vec![name, compared.arm.clone(), control.clone(), value, known.unwrap_or_default(), verdict];
            (row, compared.verdict == Verdict::Fails)
        })
    });
    let header = ["guardrail", "variant", "control", "value", "difference, at any time", "verdict"];
    table("guardrails", &header, rows, page);
}

/// Rows with whether their last cell is bad news.
fn table(id: &str, header: &[&str], rows: impl Iterator<Item = (Vec<String>, bool)>, page: &mut String) {
    let _ = write!(page, "<div class=\"wide\"><table id=\"{id}\"><thead><tr>");
    for name in header {
        let _ = write!(page, "<th>{}</th>", escape(name));
    }
    page.push_str("</tr></thead><tbody>\n");
    for (row, is_bad) in rows {
        page.push_str("<tr>");
        for (index, cell) in row.iter().enumerate() {
            let class = if is_bad && index + 1 == row.len() { " class=\"bad\"" } else { "" };
            let _ = write!(page, "<td{class}>{}</td>", escape(cell));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table></div>\n");
}
