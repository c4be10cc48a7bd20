//! `weir render rules` and `weir render dashboard`. That Prometheus takes them is `prometheus_e2e`'s to show.

use crate::support::{Run, weir, weir_with};
use serde_json::{Value, json};

const CONFIG: &str = "
experiments:
  unit: header:x-user-id
  secret: {value: for-tests-only-a-secret}
  assignmentCookie: {name: seen}
  list:
  - {key: check.out, coverage: 50%, variants: [{key: a, weight: 1}, {key: b.1, weight: 2}, {key: c, weight: 1}]}
  - {key: later, status: draft, variants: [{key: a, weight: 1}, {key: b, weight: 1}]}
metrics:
  list:
  - {name: orders_total, experiments: '*'}
  - {name: ms, type: histogram, experiments: '*', value: {duration: milliseconds}}
";

fn rules(options: &[&str], configuration: &str) -> Run {
    let arguments: Vec<&str> =
        ["render", "rules"].into_iter().chain(options.iter().copied()).chain(["-"]).collect();
    weir_with(&arguments, configuration)
}

#[test]
fn weights_are_parts_of_those_who_have_a_variant() {
    let run = rules(&["--json"], CONFIG);
    assert_eq!(run.code, 0, "{run:?}");
    let all = run.json()["groups"][0]["rules"].as_array().unwrap().clone();
    let weight = |variant, expr| {
        json!({"record": "weir_experiment_weight", "expr": expr,
               "labels": {"experiment": "check_out", "variant": variant}})
    };
    assert_eq!(
        all[..3],
        [weight("a", "vector(0.25)"), weight("b_1", "vector(0.5)"), weight("c", "vector(0.25)")]
    );
    assert_eq!(all[3]["expr"], "vector(18.421)", "two degrees of freedom");
    assert_eq!(all[4]["labels"]["goal"], "orders_total");
    assert_eq!(all.len(), 5, "nothing of the draft, no goal of the histogram");
}

#[test]
fn the_operator_of_prometheus_gets_its_own_kind() {
    let run = rules(&["--json", "--kubernetes", "shop"], CONFIG);
    let rule = run.json();
    assert_eq!((&rule["kind"], &rule["metadata"]["name"]), (&json!("PrometheusRule"), &json!("shop")));
    assert_eq!(rule["spec"], rules(&["--json"], CONFIG).json());
}

#[test]
fn without_units_there_is_nothing_to_compare() {
    let without =
        CONFIG.replace("  secret: {value: for-tests-only-a-secret}\n  assignmentCookie: {name: seen}\n", "");
    let run = rules(&[], &without);
    assert_eq!((run.code, run.err.contains("set experiments.assignmentCookie")), (2, true), "{run:?}");
    let run = rules(&[], &CONFIG.replace("coverage: 50%", "status: paused"));
    assert_eq!((run.code, run.out.as_str()), (2, ""), "{run:?}");
}

#[test]
fn the_dashboard_is_one_that_grafana_takes() {
    let dashboard = weir(&["render", "dashboard"]).json();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids: Vec<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    ids.dedup();
    assert_eq!(ids.len(), panels.len(), "ids are unique");
    for (i, panel) in panels.iter().enumerate() {
        for other in &panels[..i] {
            assert!(
                !overlap(&panel["gridPos"], &other["gridPos"]),
                "{} and {}",
                panel["title"],
                other["title"]
            );
        }
        let has_queries = panel["targets"].as_array().is_some_and(|targets| !targets.is_empty());
        assert_eq!(has_queries, panel["type"] != "row", "{}", panel["title"]);
    }
}

fn overlap(a: &Value, b: &Value) -> bool {
    let side = |it: &Value, at: &str, long: &str| {
        let at = it[at].as_u64().unwrap();
        at..at + it[long].as_u64().unwrap()
    };
    let meet = |a: std::ops::Range<u64>, b: std::ops::Range<u64>| a.start < b.end && b.start < a.end;
    meet(side(a, "x", "w"), side(b, "x", "w")) && meet(side(a, "y", "h"), side(b, "y", "h"))
}
