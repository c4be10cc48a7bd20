//! `weir render access-log` as a user runs it. That Envoy takes it, and what it logs, is
//! `tests/tests/envoy/exposures_e2e`'s to show.

use crate::support::{Run, weir_with};
use serde_json::{Value, json};

const CONFIG: &str = "
experiments:
  unit: header:x-user-id
  output: {exposures: true}
  list:
  - {key: search, variants: [{key: a, weight: 50}, {key: b, weight: 50}]}
  - {key: check.out, variants: [{key: a, weight: 50}, {key: b, weight: 50}]}
";

fn render(options: &[&str], configuration: &str) -> Run {
    weir_with(&[&["render", "access-log", "-"], options].concat(), configuration)
}

fn json(options: &[&str]) -> Value {
    let run = render(&[options, &["--json"]].concat(), CONFIG);
    assert_eq!(run.code, 0, "{run:?}");
    run.json()
}

#[test]
fn each_experiment_has_a_logger_with_five_columns() {
    let rendered = json(&["--path", "/logs/exposures.json"]);
    let loggers = rendered["access_log"].as_array().unwrap();
    assert_eq!(loggers.len(), 2);
    let first = &loggers[0];
    assert_eq!(
        first["filter"]["extension_filter"]["typed_config"]["expression"],
        "'wasm.weir.exposure.check.out' in filter_state"
    );
    let config = &first["typed_config"];
    assert_eq!(config["path"], "/logs/exposures.json");
    assert_eq!(
        config["log_format"]["json_format"],
        json!({
            "timestamp": "%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%",
            "unit_id": "%FILTER_STATE(wasm.weir.exposure-unit.check.out:PLAIN)%",
            "unit_type": "%FILTER_STATE(wasm.weir.exposure-source.check.out:PLAIN)%",
            "experiment_id": "check.out",
            "variation_id": "%FILTER_STATE(wasm.weir.exposure.check.out:PLAIN)%",
        })
    );
}

#[test]
fn istio_gets_providers_and_a_resource_that_names_them() {
    let mesh = json(&["--istio=mesh"]);
    let providers = mesh["meshConfig"]["extensionProviders"].as_array().unwrap();
    let names: Vec<&Value> = providers.iter().map(|provider| &provider["name"]).collect();
    assert_eq!(names, ["weir-exposures-check.out", "weir-exposures-search"]);
    assert_eq!(providers[0]["envoyFileAccessLog"]["path"], "/dev/stdout");
    let telemetry = json(&["--istio", "--namespace", "shop"]);
    assert_eq!(telemetry["metadata"]["namespace"], "shop");
    let logs = telemetry["spec"]["accessLogging"].as_array().unwrap();
    let used: Vec<&Value> = logs.iter().map(|log| &log["providers"][0]["name"]).collect();
    assert_eq!(used, names);

    let kept = json(&["--istio", "--provider", "envoy", "--label", "app=web"]);
    let logs = kept["spec"]["accessLogging"].as_array().unwrap();
    assert_eq!(
        (logs.len(), &logs[0]),
        (3, &json!({"providers": [{"name": "envoy"}]})),
        "the ordinary log stays"
    );
    assert_eq!(kept["spec"]["selector"]["matchLabels"]["app"], "web");

    let otlp = json(&["--istio=mesh", "--otlp", "otel.monitoring.svc:4317"]);
    let service = &otlp["meshConfig"]["extensionProviders"][0]["envoyOtelAls"];
    assert_eq!((&service["service"], &service["port"]), (&json!("otel.monitoring.svc"), &json!(4317)));
    let refused = render(&["--istio=mesh", "--otlp", "otel"], CONFIG);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("\"otel\" is not HOST:PORT"), "{refused:?}");
}

#[test]
fn a_configuration_that_logs_no_exposures_is_refused() {
    let run = render(&[], &CONFIG.replace("exposures: true", "filterState: true"));
    assert_eq!(run.code, 2);
    assert!(run.err.contains("set `experiments.output.exposures: true`"), "{run:?}");
}
