//! `weir render alerts`: the rules that hold for every configuration.

use super::form::Form;
use super::labels::Labels;
use super::rules;
use crate::output::{Failure, Outcome};
use serde_json::{Value, json};
use std::io::Write;
use weir_workbench::yaml;

/// The shipped files, which have the default labels.
const FILES: [&str; 2] = [
    include_str!("../../../monitoring/prometheus/recording.rules.yaml"),
    include_str!("../../../monitoring/prometheus/alerting.rules.yaml"),
];
/// How the files list the labels in PromQL, and in annotations.
const LIST: &str = "cluster, namespace, job";
const ANNOTATION: &str = "{{ $labels.cluster }} {{ $labels.namespace }} {{ $labels.job }}";

/// Prints the recording and alerting rules of monitoring/prometheus, with the labels of your choice.
///
/// Each rule is computed for each combination of the labels, so that a small team's outage does not disappear among
/// the requests of a large one.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir render alerts > weir.alerts.yaml
  weir render alerts --kubernetes weir --labels cluster,namespace,pod_owner | kubectl apply -f -

Exit codes: 0 success; 2 a label is invalid.")]
pub(crate) struct Args {
    #[command(flatten)]
    labels: Labels,
    /// Write a PrometheusRule of this name, for the Prometheus Operator.
    #[arg(long, value_name = "NAME")]
    kubernetes: Option<String>,
    #[command(flatten)]
    form: Form,
}

/// Writes the rules.
///
/// # Errors
/// When `out` cannot be written to.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let mut groups = Vec::new();
    for file in FILES {
        let text = file.replace(ANNOTATION, &args.labels.annotation()).replace(LIST, &args.labels.list());
        let (documents, _) = yaml::read(&text);
        let documents = documents.iter().map(yaml::Node::to_json);
        groups.extend(
            documents.flat_map(|document| document["groups"].as_array().cloned().unwrap_or_default()),
        );
    }
    let comment = format!("Rules and alerts for each {}, from `weir render alerts`.", args.labels.list());
    let groups: Value = json!({ "groups": groups });
    args.form.write(&[comment], &rules::wrapped(args.kubernetes.as_deref(), groups), out)?;
    Ok(Outcome::Fine)
}
