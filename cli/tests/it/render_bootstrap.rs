//! `weir render bootstrap` as a user runs it. That proxies take what it prints, and labels come of it, is
//! `tests/tests/prometheus_e2e`'s to show.

use crate::support::{Run, weir_with};

const CONFIG: &str = "
experiments:
  unit: header:x-user-id
  list: [{key: checkout, variants: [{key: a, weight: 1}, {key: b, weight: 1}]}]
metrics:
  red: {buckets: [5, 50, 500]}
  list:
  - {name: orders_total, experiments: '*', labels: {plan: {source: 'header:x-plan', values: [free, gold]}}}
";

fn render(options: &[&str], configuration: &str) -> Run {
    let arguments: Vec<&str> =
        ["render", "bootstrap"].into_iter().chain(options.iter().copied()).chain(["-"]).collect();
    weir_with(&arguments, configuration)
}

fn json(options: &[&str], configuration: &str) -> serde_json::Value {
    let run = render(&[options, &["--json"]].concat(), configuration);
    assert_eq!(run.code, 0, "{run:?}");
    run.json()
}

/// The labels for which Envoy gets expressions.
fn labels(configuration: &str) -> Vec<String> {
    let stats = json(&[], configuration);
    let tags = stats["stats_config"]["stats_tags"].as_array().unwrap();
    tags.iter().map(|tag| tag["tag_name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn envoy_gets_an_expression_for_each_label_and_the_buckets() {
    assert_eq!(
        labels(CONFIG),
        ["code_class", "experiment", "label", "metric", "plan", "plugin", "route", "variant"]
    );
    let stats = &json(&[], CONFIG)["stats_config"];
    assert_eq!(stats["stats_tags"][1]["regex"], r"(experiment=\.=(.*?);\.;)");
    let buckets = stats["histogram_bucket_settings"].as_array().unwrap();
    assert_eq!(buckets.len(), 2);
    assert_eq!(buckets[0]["buckets"], serde_json::json!([5.0, 50.0, 500.0]));
}

#[test]
fn yaml_is_the_same_with_a_comment() {
    let run = render(&[], CONFIG);
    let expected = "# Merge into Envoy's bootstrap.\nstats_config:\n  histogram_bucket_settings:\n  - buckets: [5, 50, 500]\n";
    assert!(run.out.starts_with(expected), "{}", run.out);
    assert!(
        run.out.contains("\n  - regex: \"(plan=\\\\.=(.*?);\\\\.;)\"\n    tag_name: plan\n"),
        "{}",
        run.out
    );
    assert_eq!(run.code, 0);
}

#[test]
fn labels_of_other_filters_are_there_too() {
    let faults = "faults: [{name: slow, delay: {fixedDelay: 1s, percentage: 1%}}]";
    assert_eq!(labels(faults), ["experiment", "fault", "label", "metric", "plugin", "variant"]);
}

#[test]
fn istio_takes_annotations_mesh_configuration_or_a_filter() {
    let names = "code_class,experiment,label,metric,plan,plugin,route,variant";
    let pod = json(&["--istio"], CONFIG);
    let annotations = &pod["spec"]["template"]["metadata"]["annotations"];
    assert_eq!(annotations["sidecar.istio.io/extraStatTags"], names);
    let buckets = annotations["sidecar.istio.io/statsHistogramBuckets"].as_str().unwrap();
    assert_eq!(
        buckets,
        r#"{"wasmcustom.experiment=.=":[5.0,50.0,500.0],"wasmcustom.route=.=":[5.0,50.0,500.0]}"#
    );
    let filter = json(&["--istio=filter"], CONFIG);
    let value = &filter["spec"]["configPatches"][0]["patch"]["value"];
    assert_eq!(value, &json(&[], CONFIG));
    let mesh = render(&["--istio=mesh", "--json"], CONFIG);
    assert_eq!(mesh.json()["meshConfig"]["defaultConfig"]["extraStatTags"].as_array().unwrap().len(), 8);
    assert_eq!((mesh.code, mesh.err.contains("--istio=filter")), (1, true), "buckets have no place there");
}

#[test]
fn buckets_that_the_annotation_cannot_tell_apart_are_named() {
    let two = "metrics: {red: {buckets: [1, 2]}, list: [{name: ms, type: histogram, experiments: checkout, \
               value: {duration: milliseconds}}]}";
    let run = render(&["--istio"], two);
    assert_eq!(run.code, 1);
    assert!(run.err.contains("begin like others") && !run.out.contains("statsHistogramBuckets"), "{run:?}");
    assert_eq!(render(&["--istio=filter"], two).code, 0);
}

#[test]
fn the_style_istio_needs_tags_for_the_counters_of_other_filters_only() {
    let run = json(
        &["--istio"],
        &CONFIG
            .replace("red:", "style: istio\n  red:")
            .replace("plan:", "tag:")
            .replace("experiments: '*', ", ""),
    );
    let tags = &run["spec"]["template"]["metadata"]["annotations"]["sidecar.istio.io/extraStatTags"];
    assert_eq!(tags, "experiment,label,metric,plugin,variant");
}

#[test]
fn what_cannot_be_used_is_an_error() {
    for wrong in ["x: 1", "metrics: {red: {buckets: [2, 1]}}"] {
        let run = render(&[], wrong);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{wrong}: {run:?}");
    }
}
