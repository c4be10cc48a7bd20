//! `weir render rules`: what Prometheus has to know of a configuration to judge its experiments.

use super::form::Form;
use super::labels::Labels;
use crate::document::{self, Loaded};
use crate::output::{Failure, Outcome};
use crate::subject::{self, Origin, Subject};
use anyhow::{Context as _, anyhow};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use weir_experiment::{Config, Experiment, Status};
use weir_metrics::{Metric, MetricType};
use weir_statistics::srm;

/// How seldom chance alone may bring an alarm. An alarm looks every minute, so it is stricter than a person.
const FALSE_ALARMS: f64 = 0.0001;

/// Prints recording rules with a configuration's weights, and with conversions per unit.
///
/// The alert WeirSampleRatioMismatch compares the observed units of each variant with the expected number. It
/// needs the weights of each running experiment, and the critical value for its number of variants. Render
/// the rules again when weights change. The weights hold for each combination of the labels in which the experiment
/// has units; `--matcher` restricts them, for teams with experiments of the same key. Counters with `experiments` become conversions per unit:
/// `variant:weir_conversions:per_unit1d`, with the counter's name as `goal`.
///
/// Counting units needs `assignmentCookie`. Without it there is nothing to compare.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir render rules weir.yaml > weir.rules.yaml
  weir render rules --kubernetes shop weir.yaml | kubectl apply -f -
  weir render rules --matcher 'namespace=\"shop\"' weir.yaml > shop.rules.yaml

Exit codes: 0 success; 2 the file is invalid, or has no running experiment with assignmentCookie.")]
pub(crate) struct Args {
    /// The configuration; `-` is standard input.
    config: PathBuf,
    /// Write a PrometheusRule of this name, for the Prometheus Operator.
    #[arg(long, value_name = "NAME")]
    kubernetes: Option<String>,
    #[command(flatten)]
    labels: Labels,
    /// A matcher of labels for the series that the configuration applies to, as PromQL writes it, such as
    /// `namespace="shop"`.
    #[arg(long = "matcher", value_name = "MATCHER")]
    matchers: Vec<String>,
    #[command(flatten)]
    form: Form,
}

/// Finds and writes.
///
/// # Errors
/// A file that cannot be used.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let loaded = document::load(&args.config, |loaded| units_are_counted(loaded).is_some())?;
    let section = units_are_counted(&loaded).context(
        "no experiment counts its units, so there is nothing to compare: set experiments.assignmentCookie",
    )?;
    let subjects = subject::subjects(&loaded);
    let mut rules: Vec<Value> = Vec::new();
    for experiment in section.list.iter().filter(|it| it.status.unwrap_or_default() == Status::Running) {
        let is_of = |subject: &&Subject| match &subject.origin {
            Origin::Experiment(_, of) => of.key == experiment.key,
            Origin::Split(_) => false,
        };
        let subject = subjects.iter().find(is_of);
        rules.extend(subject.into_iter().flat_map(|subject| of_experiment(experiment, subject, args)));
    }
    if rules.is_empty() {
        return Err(anyhow!("no running experiment has two variants").into());
    }
    rules.extend(goals(&loaded, args));
    let groups = json!({"groups": [{"name": "weir-configuration", "interval": "1m", "rules": rules}]});
    let comment = "The weights and goals of a configuration, from `weir render rules`: render it again when they change.";
    args.form.write(&[comment.to_owned()], &wrapped(args.kubernetes.as_deref(), groups), out)?;
    Ok(Outcome::Fine)
}

/// The experiments, where exposures are units.
fn units_are_counted(loaded: &Loaded) -> Option<&Config> {
    loaded.document.experiments.as_ref().filter(|section| section.assignment_cookie.is_some())
}

/// The weights as parts of those who have a variant, and the critical value.
fn of_experiment(experiment: &Experiment, subject: &Subject, args: &Args) -> Vec<Value> {
    let ranges = &subject.ranges;
    let shares = ranges.variants.iter().enumerate().map(|(index, key)| (key, ranges.share_of(index)));
    let shares: Vec<(&String, f64)> = shares.filter(|(_, share)| *share > 0.0).collect();
    let all: f64 = shares.iter().map(|(_, share)| share).sum();
    let Some(critical) = critical(shares.len()) else { return Vec::new() };
    let key = label(&experiment.key);
    // 1 for each combination of the labels that has the experiment.
    let own = std::iter::once(format!("experiment=\"{key}\"")).chain(args.matchers.iter().cloned());
    let own: Vec<String> = own.collect();
    let each = format!("group by ({}) (weir_exposures_total{{{}}})", args.labels.list(), own.join(","));
    let weight = |(variant, share): &(&String, f64)| {
        let labels = json!({"experiment": key, "variant": label(variant)});
        json!({"record": "weir_experiment_weight", "labels": labels, "expr": format!("{} * {each}", share / all)})
    };
    let mut rules: Vec<Value> = shares.iter().map(weight).collect();
    rules.push(json!({
        "record": "weir_experiment_srm_critical",
        "labels": {"experiment": key},
        "expr": format!("{critical:.3} * {each}"),
    }));
    rules
}

/// Above what Pearson's chi-squared is no chance, with one degree of freedom less than variants. `None` for
/// fewer than two, which cannot differ.
fn critical(variants: usize) -> Option<f64> {
    srm::critical(variants, FALSE_ALARMS).ok()
}

/// Counters of the configuration that are distinguished by variant.
fn goals(loaded: &Loaded, args: &Args) -> Vec<Value> {
    let list = loaded.document.metrics.iter().flat_map(|metrics| &metrics.list);
    let is_goal = |metric: &&Metric| metric.kind == MetricType::Counter && !metric.experiments.is_empty();
    let names: BTreeSet<&str> = list.filter(is_goal).map(|metric| metric.name.as_str()).collect();
    let by = format!("sum by ({}, experiment, variant)", args.labels.list());
    let own =
        if args.matchers.is_empty() { String::new() } else { format!("{{{}}}", args.matchers.join(",")) };
    let rule = |name: &str| {
        let expr = format!(
            "{by} (increase({name}{own}[1d])) / ({by} (increase(weir_exposures_total{own}[1d])) > 0)"
        );
        json!({"record": "variant:weir_conversions:per_unit1d", "labels": {"goal": name}, "expr": expr})
    };
    names.into_iter().map(rule).collect()
}

/// A key as labels have it.
fn label(key: &str) -> String {
    key.replace('.', "_")
}

/// The groups as the Prometheus Operator reads them, where there is a name for it.
pub(super) fn wrapped(name: Option<&str>, groups: Value) -> Value {
    let Some(name) = name else { return groups };
    json!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": name},
        "spec": groups,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn critical_values_are_those_of_the_tables() {
        let rounded = |variants| critical(variants).map(|it| (it * 1000.0).round() / 1000.0);
        assert_eq!([1, 2, 3, 5].map(rounded), [None, Some(15.137), Some(18.421), Some(23.513)]);
    }
}
