//! `weir check` for a page.

use crate::answer::{Error, FILE};
use serde::{Deserialize, Serialize};
use weir_workbench::check::{self, Checked, Settings, page};
use weir_workbench::document;
use weir_workbench::manifest::Whose;
use weir_workbench::subject::{Origin, subjects};
use weir_workbench::variables::Variables;

/// A text to check.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Question {
    /// YAML or JSON: a configuration, or a manifest with one.
    text: String,
}

/// What was found.
#[derive(Serialize)]
pub(crate) struct Answer {
    /// As `weir check --output json` prints it.
    report: Checked,
    /// The same in order: each with its level, place and text.
    findings: Vec<Finding>,
    /// What divides units.
    subjects: Vec<Subject>,
    /// What there is to say where there is no problem.
    summary: String,
}

#[derive(Serialize)]
struct Finding {
    /// The warning's code; none for problems.
    code: Option<&'static str>,
    /// The section of the documentation about the warning.
    page: Option<String>,
    line: usize,
    column: usize,
    text: String,
}

/// An experiment or a split.
#[derive(Serialize)]
struct Subject {
    kind: &'static str,
    name: String,
    variants: Vec<String>,
    /// The configured shares, from 0 to 1.
    shares: Vec<f64>,
    /// Whether they are those at the end of a ramp.
    ramp: bool,
}

/// Checks the text.
///
/// # Errors
/// Never: what is wrong with the text is the answer.
pub(crate) fn answer(question: Question) -> Result<Answer, Error> {
    let variables = Variables::default();
    let settings = Settings { whose: Whose::Recognised, variables: &variables, allow_none: false };
    let report = Checked::new(vec![check::of_text(FILE.to_owned(), &question.text, &settings)], false);
    let mut findings = Vec::new();
    report.each(|_, level, finding| {
        let Some(finding) = finding else { return };
        let code = match level {
            check::Level::Problem => None,
            check::Level::Warning(code) => Some(code),
        };
        findings.push(Finding {
            code,
            page: code.map(page),
            line: finding.at.line,
            column: finding.at.column,
            text: finding.text(),
        });
    });
    let mut lines = Vec::new();
    // Writing to memory does not fail.
    let _ = report.write_text(&mut lines);
    let lines = String::from_utf8_lossy(&lines);
    let summary = lines.lines().last().unwrap_or_default();
    let summary = summary.strip_prefix(FILE).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(summary);
    let summary = summary.to_owned();
    Ok(Answer { findings, subjects: found(&question.text, &variables), summary, report })
}

/// What divides units, as far as the text can be read.
fn found(text: &str, variables: &Variables) -> Vec<Subject> {
    let loaded = document::find_all(FILE, text, variables).unwrap_or_default();
    let all = loaded.iter().flat_map(subjects);
    all.map(|subject| {
        let (kind, name) = match &subject.origin {
            Origin::Experiment(_, experiment) => ("experiment", experiment.key.clone()),
            Origin::Split(rule) => ("split", rule.clone()),
        };
        let ranges = &subject.ranges;
        let shares = (0..ranges.variants.len()).map(|variant| ranges.share_of(variant)).collect();
        Subject { kind, name, variants: ranges.variants.clone(), shares, ramp: subject.has_ramp }
    })
    .collect()
}
