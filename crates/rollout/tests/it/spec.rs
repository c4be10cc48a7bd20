//! Specifications: what is right, and what is wrong with everything that is not.

use crate::support::spec;
use weir_rollout::{Check, Kind, OnDeadline, Place, Resource, Share, Subject};

#[test]
fn a_specification_is_read() {
    let text = r#"{
        "target": {"file": "weir.yaml", "experiment": "shop", "plugin": "weir", "proxies": 3},
        "steps": [
            {"coverage": "4%", "hold": "10m", "minUnits": 1000},
            {"coverage": 0.2},
            {"coverage": 1, "weights": {"old": 0, "new": 100}, "approval": true}
        ],
        "gates": [
            {"check": "srm"}, {"check": "errors", "tolerance": "0.5%"}, {"check": "latency"},
            {"check": "goal", "metric": "orders_total", "tolerance": 0.02},
            {"check": "query", "name": "queue", "query": "max(queue)", "max": 10}
        ],
        "confidence": "99%", "deadline": "6h", "onDeadline": "rollback", "interval": "5s",
        "metrics": {"matchers": ["namespace=\"shop\""]}, "webhook": "https://example.com/hook"
    }"#;
    let mut plan = spec(text).unwrap();
    assert_eq!(plan.subject, Subject::Experiment("shop".to_owned()));
    assert_eq!((plan.proxies, plan.interval, plan.deadline), (3, 5000, Some(21_600_000)));
    assert_eq!(plan.on_deadline, OnDeadline::Rollback);
    assert!(
        (plan.alpha - 0.01 / 4.0).abs() < 1e-12,
        "a quarter of 1 %: three steps, and one more look: {}",
        plan.alpha
    );
    let names: Vec<&str> = plan.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["coverage 4 %", "coverage 20 %", "coverage 100 %, weights new 100, old 0"]);
    assert_eq!((plan.steps[0].hold, plan.steps[0].min_units), (600_000, 1000));
    assert_eq!(plan.steps[0].share, Share { coverage: Some(0.04), weights: None });
    let gates: Vec<&str> = plan.gates.iter().map(|gate| gate.name.as_str()).collect();
    assert_eq!(gates, ["srm", "errors", "latency", "goal orders_total", "queue"]);
    assert_eq!(plan.gates[1].check, Check::Errors { tolerance: 0.005 });
    plan.resolve(&["old".to_owned(), "new".to_owned()]).unwrap();
    assert_eq!((plan.baseline.as_str(), plan.variant.as_str()), ("old", "new"));
    // With weights no mismatch can be seen, and with one version nothing can be compared.
    assert_eq!([1, 2, 3].map(|step| plan.gates_of(step)), [5, 5, 1]);
}

#[test]
fn gates_by_default_are_those_that_fit() {
    let names = |text: &str| {
        let plan = spec(text).unwrap();
        plan.gates.iter().map(|gate| gate.name.clone()).collect::<Vec<_>>()
    };
    let with = |target: &str, step: &str| {
        format!(r#"{{"target": {{"file": "a", {target}}}, "steps": [{{{step}}}]}}"#)
    };
    assert_eq!(names(&with(r#""experiment": "e""#, r#""coverage": "5%""#)), ["srm", "errors", "latency"]);
    let weights = r#""weights": {"a": 1, "b": 1}"#;
    assert_eq!(names(&with(r#""experiment": "e""#, weights)), ["errors", "latency"]);
    assert_eq!(names(&with(r#""split": "e""#, weights)), [""; 0]);
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let text = r#"{
        "target": {"experiment": "e", "split": "s", "proxies": 0},
        "steps": [
            {"coverage": "110%", "approval": true}, {"coverage": "5%", "weights": {}}, {}, {"hold": "soon"},
            {"weights": {"a": -1}}, {"weights": {"a": 0}}, {"covrage": "5%"}, {"coverage": "-1%"}
        ],
        "gates": [
            {}, {"check": "goal"}, {"check": "query", "tolerance": 1}, {"check": "query", "query": "x"},
            {"check": "srm", "metric": "m"}, {"check": "error"}, {"check": "srm"}
        ],
        "confidence": 1, "deadline": "0s", "interval": "5", "webhook": "ftp://x",
        "metrics": {"matchers": ["a"]}, "extra": 1
    }"#;
    let found = spec(text).unwrap_err().to_string();
    for expected in [
        "target.file: missing",
        "target.split: expected either `experiment` or `split`",
        "target.proxies: 0",
        "steps[0].coverage: 1.1: expected a part",
        "steps[0].approval: true",
        "steps[1].weights: expected a weight above 0",
        "steps[2]: missing: expected `coverage` or `weights`",
        "steps[3].hold: \"soon\" is not a duration",
        "steps[4].weights.a: -1: expected a weight of 0 or more",
        "steps[5].weights: expected a weight above 0",
        "steps[6].covrage: unknown field `covrage`, did you mean `coverage`?",
        "steps[7].coverage: \"-1%\" is not a part",
        "gates[0].check: missing: expected one of srm, errors, latency, goal, query",
        "gates[1].metric: missing",
        "gates[2].tolerance: does not belong to this check",
        "gates[2].query: missing",
        "gates[3]: missing: expected `max` or `min`",
        "gates[4].metric: does not belong to this check",
        "gates[5].check: unknown word `error`, did you mean `errors`?",
        "gates[6].name: \"srm\": another gate has this name",
        "confidence: 1: expected a part between 0 and 1",
        "deadline: \"0s\": expected a duration of at least 1ms",
        "interval: \"5\" is not a duration",
        "webhook: invalid URL",
        "metrics.matchers[0]: invalid matcher \"a\"",
        "extra: unknown field `extra`",
    ] {
        assert!(found.contains(expected), "{expected}\nnot in\n{found}");
    }
    let nothing = spec("{}").unwrap_err().to_string();
    assert!(nothing.contains("target") && nothing.contains("steps: missing"), "{nothing}");
    let split = spec(
        r#"{"target": {"file": "a", "split": "s"}, "steps": [{"coverage": "5%", "minUnits": 3}],
            "gates": [{"check": "errors"}]}"#,
    )
    .unwrap_err()
    .to_string();
    for expected in ["steps[0].coverage: 0.05: a split", "steps[0].minUnits", "gates[0].check: only `query`"]
    {
        assert!(split.contains(expected), "{expected}\nnot in\n{split}");
    }
}

#[test]
fn names_are_those_of_the_configuration() {
    let text = r#"{"target": {"file": "a", "experiment": "e", "baseline": "olt"},
                   "steps": [{"weights": {"old": 1, "nw": 1}}]}"#;
    let mut plan = spec(text).unwrap();
    let found = plan.resolve(&["old".to_owned(), "new".to_owned()]).unwrap_err().to_string();
    for expected in [
        "target.baseline: unknown variant \"olt\", did you mean `old`?",
        "steps[0].weights.nw: unknown variant \"nw\", did you mean `new`?",
    ] {
        assert!(found.contains(expected), "{expected}\nnot in\n{found}");
    }
    let mut plan =
        spec(r#"{"target": {"file": "a", "experiment": "e"}, "steps": [{"coverage": 1}]}"#).unwrap();
    assert!(plan.clone().resolve(&["only".to_owned()]).unwrap_err().to_string().contains("fewer than two"));
    plan.baseline = "b".to_owned();
    let found = plan.resolve(&["a".to_owned(), "b".to_owned()]).unwrap_err().to_string();
    assert!(found.contains("expected another variant than the baseline"), "{found}");
}

#[test]
fn a_resource_is_a_target_in_place_of_a_file() {
    let with = |target: &str| {
        spec(&format!(r#"{{"target": {{{target}, "experiment": "e"}}, "steps": [{{"coverage": 1}}]}}"#))
    };
    let found =
        with(r#""kubernetes": {"kind": "EnvoyExtensionPolicy", "name": "weir", "wasm": "a"}"#).unwrap();
    let resource = Resource {
        kind: Kind::EnvoyExtensionPolicy,
        namespace: None,
        name: "weir".to_owned(),
        wasm: Some("a".to_owned()),
    };
    assert_eq!(found.place.to_string(), "EnvoyExtensionPolicy weir");
    assert_eq!(found.place, Place::Resource(resource));
    let found = with(r#""kubernetes": {"kind": "TrafficExtension", "namespace": "shop", "name": "weir"}"#);
    assert_eq!(found.unwrap().place.to_string(), "TrafficExtension shop/weir");
    for (target, expected) in [
        (r#""file": "a", "kubernetes": {}"#, "target.kubernetes: expected either `file` or `kubernetes`"),
        (r#""kubernetes": {}"#, "target.kubernetes.kind: missing"),
        (r#""kubernetes": {}"#, "target.kubernetes.name: missing"),
        (r#""kubernetes": {"kind": "wasmPlugin"}"#, "did you mean `WasmPlugin`?"),
        (r#""kubernetes": {"kind": "WasmPlugin", "name": "a/b"}"#, "target.kubernetes.name: invalid name"),
        (
            r#""kubernetes": {"kind": "WasmPlugin", "name": "a", "namespace": "-"}"#,
            "target.kubernetes.namespace: invalid name",
        ),
        (
            r#""kubernetes": {"kind": "WasmPlugin", "name": "a", "wasm": "b"}"#,
            "target.kubernetes.wasm: expected only for an EnvoyExtensionPolicy",
        ),
    ] {
        let found = with(target).unwrap_err().to_string();
        assert!(found.contains(expected), "{expected}\nnot in\n{found}");
    }
}
