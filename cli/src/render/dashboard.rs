//! `weir render dashboard`: a dashboard for Grafana.

mod panels;

use super::form::Form;
use super::labels::Labels;
use crate::output::{Failure, Outcome};
use panels::{Panel, ROWS};
use serde_json::{Value, json};
use std::io::Write;

/// Prints a Grafana dashboard: requests, experiments, faults, tokens, and Weir's own health.
///
/// It queries the metrics of `metrics: {red: {}}` and Weir's built-in metrics. Sample ratios and conversions
/// need the rules of `weir render alerts` and those of `weir render rules`. Each of the labels becomes a choice at
/// the top.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Example:
  weir render dashboard > weir.json      then in Grafana: Dashboards, New, Import

Exit codes: 0 success; 2 a label is invalid.")]
pub(crate) struct Args {
    #[command(flatten)]
    labels: Labels,
}

/// Writes the dashboard.
///
/// # Errors
/// When `out` cannot be written to.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    Form { json: true }.write(&[], &dashboard(&args.labels), out)?;
    Ok(Outcome::Fine)
}

/// Grafana's grid is 24 wide.
const WIDTH: usize = 8;
const HEIGHT: usize = 8;

fn dashboard(labels: &Labels) -> Value {
    let mut all = Vec::new();
    let mut y = 0;
    for (title, panels) in ROWS {
        all.push(json!({
            "type": "row", "title": title, "id": all.len() + 1, "collapsed": false, "panels": [],
            "gridPos": {"x": 0, "y": y, "w": 24, "h": 1},
        }));
        y += 1;
        for (position, panel) in panels.iter().enumerate() {
            let place = json!({
                "x": position % 3 * WIDTH, "y": y + position / 3 * HEIGHT, "w": WIDTH, "h": HEIGHT,
            });
            all.push(of_panel(panel, labels, all.len() + 1, place));
        }
        y += panels.len().div_ceil(3) * HEIGHT;
    }
    json!({
        "uid": "weir",
        "title": "Weir",
        "tags": ["weir", "envoy", "experiments"],
        "schemaVersion": 39,
        "version": 1,
        "editable": true,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": variables(labels)},
        "panels": all,
    })
}

fn of_panel(panel: &Panel, labels: &Labels, id: usize, place: Value) -> Value {
    let targets = panel.queries.iter().zip('A'..).map(|((expr, legend), letter)| {
        let expr = expr.replace("@by", &labels.list()).replace("@in", &chosen(labels.names()));
        let legend = format!("{}: {legend}", labels.legend());
        json!({"refId": letter.to_string(), "expr": expr, "legendFormat": legend, "datasource": source()})
    });
    json!({
        "type": "timeseries",
        "title": panel.title,
        "description": panel.description,
        "id": id,
        "datasource": source(),
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": targets.collect::<Vec<_>>(),
    })
}

/// The data source that the reader chooses.
fn source() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

fn data_source() -> Value {
    json!({"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"})
}

/// The choices at the top: each of the labels among what those before it leave, then experiments and routes.
fn variables(labels: &Labels) -> Vec<Value> {
    let mut all = vec![data_source()];
    for (index, label) in labels.names().iter().enumerate() {
        let before = chosen(labels.names().get(..index).unwrap_or_default());
        all.push(variable(label, &format!("weir_config_hash{{{before}}}")));
    }
    let within = chosen(labels.names());
    all.push(variable("experiment", &format!("weir_experiment_requests_total{{{within}}}")));
    all.push(variable("route", &format!("weir_requests_total{{{within}}}")));
    all
}

/// Matchers for the values that the reader chose.
fn chosen(labels: &[String]) -> String {
    let matchers: Vec<String> = labels.iter().map(|label| format!("{label}=~\"${label}\"")).collect();
    matchers.join(",")
}

/// A choice among the values of the label that has its name.
fn variable(label: &str, metric: &str) -> Value {
    json!({
        "name": label, "type": "query", "datasource": source(), "refresh": 2, "sort": 1,
        "query": {"query": format!("label_values({metric}, {label})"), "refId": label},
        "multi": true, "includeAll": true, "allValue": ".*", "current": {"text": "All", "value": "$__all"},
    })
}
