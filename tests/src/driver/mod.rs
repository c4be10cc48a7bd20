//! The drivers: each runs a case and says what differed.

mod callouts;
pub mod envoy;
pub mod minihost;
pub mod refusals;

use crate::case::{Case, CaseFile, Driver, Expect, Located, Observed, Step};
use crate::envoy::{Plugin, Shell};

/// A case that one driver runs, with the name of its test.
pub struct Planned<'a> {
    /// `ab-routing/headers :: name of the case`.
    pub name: String,
    /// The file of the case.
    pub file: &'a CaseFile,
    /// The case.
    pub case: &'a Case,
}

/// All cases of `files` that `driver` can run.
pub fn plan(files: &[Located], driver: Driver) -> Vec<Planned<'_>> {
    let mut planned = Vec::new();
    for Located { id, file } in files {
        let runnable = file.cases.iter().filter(|case| file.runs_in(case, driver));
        planned.extend(runnable.map(|case| Planned { name: format!("{id} :: {}", case.name), file, case }));
    }
    planned
}

/// The module of a case file, with a configuration.
fn plugin(file: &CaseFile, config: serde_json::Value, shell: Shell) -> Result<Plugin, String> {
    let plugin = match shell {
        Shell::Wasm => Plugin::new(&file.module)?.env(file.env.clone()),
        Shell::Native => Plugin::native()?,
    };
    Ok(plugin.config(&config))
}

/// What a failed test prints: the differences, then what produced them.
fn report(config: &serde_json::Value, step: Option<(usize, &Step)>, problems: &[String]) -> String {
    let mut text = String::new();
    if let Some((index, _)) = step {
        text.push_str(&format!("exchange {}:\n", index + 1));
    }
    for problem in problems {
        text.push_str(&format!("  - {problem}\n"));
    }
    if let Some((_, step)) = step {
        text.push_str(&format!("request: {:?}\n", step.request));
    }
    let config = serde_json::to_string_pretty(config).unwrap_or_default();
    text.push_str(&format!("configuration: {config}\n"));
    text
}

/// Compares, and reports if there is a difference.
fn verdict(
    config: &serde_json::Value,
    index: usize,
    step: &Step,
    seen: &Observed,
    driver: Driver,
) -> Result<(), String> {
    let expect: &Expect = &step.expect;
    let problems = expect.check(seen, driver);
    if problems.is_empty() { Ok(()) } else { Err(report(config, Some((index, step)), &problems)) }
}
