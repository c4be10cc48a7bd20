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
    let each = "group by (cluster, namespace, job) (weir_exposures_total{experiment=\"check_out\"})";
    let weight = |variant, share| {
        json!({"record": "weir_experiment_weight", "expr": format!("{share} * {each}"),
               "labels": {"experiment": "check_out", "variant": variant}})
    };
    assert_eq!(all[..3], [weight("a", "0.25"), weight("b_1", "0.5"), weight("c", "0.25")]);
    assert_eq!(all[3]["expr"], format!("18.421 * {each}"), "two degrees of freedom");
    assert_eq!(all[4]["labels"]["goal"], "orders_total");
    assert_eq!(all.len(), 5, "nothing of the draft, no goal of the histogram");
}

#[test]
fn teams_are_kept_apart_by_labels_of_their_choice() {
    let run = rules(&["--json", "--labels", "team", "--matcher", "namespace=\"shop\""], CONFIG);
    let all = run.json()["groups"][0]["rules"].as_array().unwrap().clone();
    let of_shop = "group by (team) (weir_exposures_total{experiment=\"check_out\",namespace=\"shop\"})";
    assert_eq!(all[0]["expr"], format!("0.25 * {of_shop}"));
    let by = "sum by (team, experiment, variant)";
    let expected = format!(
        "{by} (increase(orders_total{{namespace=\"shop\"}}[1d])) / \
         ({by} (increase(weir_exposures_total{{namespace=\"shop\"}}[1d])) > 0)"
    );
    assert_eq!(all[4]["expr"], expected);
    let refused = |labels| weir(&["render", "alerts", "--labels", labels]);
    for (labels, reason) in [
        ("", "invalid label"),
        ("team,a-b", "invalid label \"a-b\""),
        ("team,experiment", "label of Weir's own metrics"),
        ("team,team", "duplicate label"),
    ] {
        let run = refused(labels);
        assert_eq!((run.code, run.err.contains(reason)), (2, true), "{labels}: {run:?}");
    }
}

#[test]
fn alerts_are_the_shipped_ones() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../monitoring/prometheus");
    let shipped = ["recording", "alerting"]
        .map(|name| std::fs::read_to_string(format!("{folder}/{name}.rules.yaml")).unwrap())
        .concat();
    let all = weir(&["render", "alerts", "--json"]).json();
    let groups = all["groups"].as_array().unwrap();
    let rules: Vec<&Value> = groups.iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
    assert_eq!(rules.len(), shipped.matches("- record: ").count() + shipped.matches("- alert: ").count());
    let texts = rules.iter().flat_map(|rule| [&rule["expr"], &rule["annotations"]["summary"]]);
    for line in texts.filter_map(Value::as_str).flat_map(str::lines) {
        assert!(shipped.contains(line.trim()), "{line}");
    }
    let text = weir(&["render", "alerts", "--labels", "team"]).out;
    for default in ["cluster", "namespace", "job"] {
        assert!(
            !text.contains(&format!("by ({default}")) && !text.contains(&format!("labels.{default}")),
            "{text}"
        );
    }
    assert!(text.contains("{{ $labels.team }}: "), "{text}");
    let rule = weir(&["render", "alerts", "--json", "--kubernetes", "weir"]).json();
    assert_eq!((&rule["kind"], &rule["spec"]), (&json!("PrometheusRule"), &all));
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

/// A panel that adds up what it should keep apart hides a small team behind a large one.
#[test]
fn every_panel_keeps_teams_apart() {
    for (options, names) in
        [(vec![], vec!["cluster", "namespace", "job"]), (vec!["--labels", "team"], vec!["team"])]
    {
        let dashboard = weir(&[vec!["render", "dashboard"], options].concat()).json();
        let chosen: Vec<String> = names.iter().map(|name| format!("{name}=~\"${name}\"")).collect();
        let (chosen, by) = (chosen.join(","), names.join(", "));
        let targets = dashboard["panels"].as_array().unwrap().iter().flat_map(|it| it["targets"].as_array());
        for target in targets.flatten() {
            let query = target["expr"].as_str().unwrap();
            assert!(!query.contains('@'), "{query}");
            assert_eq!(query.matches('{').count(), query.matches(&chosen).count(), "{query}");
            assert_eq!(
                query.matches("sum").count(),
                query.matches(&format!("sum by ({by}")).count(),
                "{query}"
            );
            assert!(
                target["legendFormat"].as_str().unwrap().starts_with(&format!("{{{{{}}}}}", names[0])),
                "{target}"
            );
        }
        let variables = dashboard["templating"]["list"].as_array().unwrap();
        let variables: Vec<&str> = variables.iter().map(|it| it["name"].as_str().unwrap()).collect();
        assert_eq!(variables[1..=names.len()], names[..]);
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
