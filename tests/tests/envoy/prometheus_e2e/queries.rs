//! Everything that people are given to ask: rules, the dashboard, the page on reading experiments.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use regex::Regex;
use serde_json::Value;
use weir_tests::envoy::Envoy;

use super::server::Prometheus;
use super::shipped;

const PAGE: &str = "docs/reading-experiments.md";
const REFERENCE: &str = "docs/metrics-reference.md";
const DASHBOARD: &str = "monitoring/grafana/weir.json";
const RULES: [&str; 2] =
    ["monitoring/prometheus/recording.rules.yaml", "monitoring/prometheus/alerting.rules.yaml"];
const PATIENCE: Duration = weir_tests::PATIENCE;

/// Parts of queries that have no data after the traffic of this test: nobody leaves, nothing is forgotten, and
/// the configuration has no baggage, no overrides and no split, and Envoy's listeners and filters are in its file.
const EMPTY: [&str; 7] = [
    "_config_fail",
    "envoy_listener_manager_lds_update_rejected",
    r#"code_class="none""#,
    "weir_responses_forgotten_total",
    "weir_baggage_dropped_total",
    "weir_overrides_refused_total",
    "weir_routing_without_key_total",
];

/// The PromQL of the page: queries are apart by empty lines.
fn page_queries() -> Vec<String> {
    let page = shipped(PAGE);
    let blocks = page.split("```promql\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let queries = blocks.flat_map(|block| block.split("\n\n")).map(str::trim);
    queries.filter(|query| !query.is_empty()).map(str::to_owned).collect()
}

/// `part:error_ratio`, which the page defines as one of its own queries.
pub(crate) fn recorded_by_the_page() -> String {
    let query = page_queries().into_iter().find(|query| query.contains("by (variant, bucket)")).unwrap();
    let lines: Vec<String> = query.lines().map(|line| format!("      {line}")).collect();
    format!(
        "groups:\n- name: page\n  rules:\n  - record: part:error_ratio\n    expr: |\n{}\n",
        lines.join("\n")
    )
}

/// Asks until there is an answer with data.
fn answered(prometheus: &Prometheus, query: &str) -> bool {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = prometheus.query(query).unwrap();
        if !found.is_empty() {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Every query is understood, and has data but for those that cannot.
fn all_work(prometheus: &Prometheus, queries: &[String], what: &str) {
    let mut without = Vec::new();
    for query in queries {
        if EMPTY.iter().any(|part| query.contains(part)) {
            prometheus.query(query).unwrap();
        } else if !answered(prometheus, query) {
            without.push(query.as_str());
        }
    }
    assert!(without.is_empty(), "{what}: no data for\n{}", without.join("\n"));
    println!("{what}: {} queries", queries.len());
    assert!(queries.len() > 5, "{what}");
}

pub(crate) fn rules_work(prometheus: &Prometheus) {
    let rules = prometheus.rules();
    let recorded = rules.iter().filter(|rule| rule["type"] == "recording");
    let names: BTreeSet<String> = recorded.map(|rule| rule["name"].as_str().unwrap().to_owned()).collect();
    all_work(prometheus, &names.into_iter().collect::<Vec<_>>(), "recording rules");
    for rule in prometheus.rules() {
        assert_eq!(rule["health"], "ok", "{rule}");
        if rule["type"] == "alerting" {
            prometheus.query(rule["query"].as_str().unwrap()).unwrap();
        }
    }
}

pub(crate) fn dashboard_works(prometheus: &Prometheus) {
    let dashboard: Value = serde_json::from_str(&shipped(DASHBOARD)).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let query = |target: &Value| {
        let text = target["expr"].as_str().unwrap();
        // As Grafana does.
        let text = text.replace("$__rate_interval", "1m").replace("$__range", "1h");
        let choices = ["$experiment", "$route", "$cluster", "$namespace", "$job"];
        choices.iter().fold(text, |text, choice| text.replace(choice, ".*"))
    };
    all_work(prometheus, &targets.map(query).collect::<Vec<_>>(), DASHBOARD);
}

pub(crate) fn pages_work(prometheus: &Prometheus) {
    all_work(prometheus, &page_queries(), PAGE);
}

/// Metrics of Weir's own with their labels.
fn reference() -> BTreeMap<String, Vec<String>> {
    let row = Regex::new(r"(?m)^\| `(weir_\w+)` \| (\w+) \| (.*?) \|").unwrap();
    let mut reference = BTreeMap::new();
    for found in row.captures_iter(&shipped(REFERENCE)) {
        let labels: Vec<String> =
            found[3].split(", ").filter(|it| !it.is_empty()).map(|it| it.replace('`', "")).collect();
        let ends: &[&str] = if &found[2] == "histogram" { &["_bucket", "_count", "_sum"] } else { &[""] };
        for end in ends {
            let mut labels = labels.clone();
            labels.extend((*end == "_bucket").then(|| "le".to_owned()));
            reference.insert(format!("{}{end}", &found[1]), labels);
        }
    }
    reference
}

/// What Envoy shows of ours is in the reference, with these labels; so is what rules and dashboard ask for.
pub(crate) fn names_are_in_the_reference(envoy: &Envoy) {
    let reference = reference();
    let page = envoy.prometheus().unwrap();
    let series = Regex::new(r"(?m)^(weir_\w+)\{(.*)\} ").unwrap();
    let label = Regex::new(r#"(\w+)=""#).unwrap();
    let mut shown = BTreeSet::new();
    for found in series.captures_iter(&page) {
        let labels: Vec<&str> =
            label.captures_iter(&found[2]).map(|it| it.get(1).unwrap().as_str()).collect();
        let labels: BTreeSet<&str> = labels.into_iter().collect();
        let expected =
            reference.get(&found[1]).unwrap_or_else(|| panic!("{} is not in {REFERENCE}", &found[1]));
        assert_eq!(labels, expected.iter().map(String::as_str).collect(), "{}", &found[1]);
        shown.insert(found[1].to_owned());
    }
    println!("{} of {} metrics of the reference are on Envoy's page", shown.len(), reference.len());
    assert!(shown.len() >= 20, "{shown:?}");
    let name = Regex::new(r"(^|[^:\w$])(weir_\w+)").unwrap();
    let given = ["weir_experiment_weight", "weir_experiment_srm_critical"];
    for file in RULES.iter().chain([&DASHBOARD, &PAGE]) {
        for found in name.captures_iter(&shipped(file)) {
            let name = &found[2];
            assert!(
                reference.contains_key(name) || given.contains(&name),
                "{file}: there is no metric {name}"
            );
        }
    }
}
