//! What the files promise of metrics and logs.

use weir_tests::envoy::Envoy;
use weir_tests::exposition::Page;

/// What the access log of `experiment.yaml` must say of its requests with a user.
const LOGGED: &[&str] = &[
    "200 user=ada button=blue delivery=-",
    "200 user=dieter button=green delivery=-",
    "200 user=bea button=- delivery=free",
    "200 user=carla button=- delivery=-",
];

/// Prometheus gets labels of Weir's metrics, whatever a file is for: at least which plugin runs what.
pub(super) fn labelled(name: &str, envoy: &Envoy) {
    let page = || Page::parse(&envoy.prometheus().unwrap()).unwrap();
    let runs = |_: &Envoy| page().of("weir_config_hash").any(|sample| sample.labels.contains_key("plugin"));
    assert!(envoy.wait_for(weir_tests::PATIENCE, runs), "{name}: {}", envoy.prometheus().unwrap());
    let page = page();
    // Envoy's own names may have it; Weir's have a label in the name.
    let degenerate = |name: &str| name.contains("___") && !name.starts_with("envoy_");
    let wrong: Vec<_> = page.samples.iter().filter(|sample| degenerate(&sample.name)).collect();
    assert!(wrong.is_empty(), "{name}: labels in names: {wrong:?}");
}

/// What `all-filters.yaml` counts of its requests: labels are labels, and each filter is seen.
pub(super) fn counted(envoy: &Envoy) {
    let page = || Page::parse(&envoy.prometheus().unwrap()).unwrap();
    let by_variant = |class, variant| {
        let labels = [("code_class", class), ("experiment", "checkout"), ("variant", variant)];
        page().value("weir_experiment_requests_total", &labels)
    };
    assert!(envoy.wait_for(weir_tests::PATIENCE, |_| by_variant("5xx", "fast") == Some(1.0)));
    assert_eq!((by_variant("2xx", "fast"), by_variant("2xx", "safe")), (Some(1.0), Some(3.0)));
    let value = |name, labels: &[(&str, &str)]| page().value(name, labels);
    for variant in ["fast", "safe"] {
        assert_eq!(value("checkouts_total", &[("experiment", "checkout"), ("variant", variant)]), Some(1.0));
    }
    assert_eq!(value("weir_requests_total", &[("code_class", "4xx")]), Some(1.0));
    assert_eq!(value("weir_fault_aborts_total", &[("fault", "slow-checkout")]), Some(1.0));
    assert_eq!(page().sum("weir_jwt_denied_total", &[]), 1.0);
}

/// The lines that a file says that Prometheus has: this many, and each is there.
pub(super) fn promised(envoy: &Envoy, text: &str, number: usize) {
    let lines =
        text.lines().filter_map(|line| line.strip_prefix("#   ")).filter(|line| line.contains("_total{"));
    let promised: Vec<&str> = lines.collect();
    assert_eq!(promised.len(), number);
    let missing = || {
        let page = envoy.prometheus().unwrap();
        promised.iter().filter(|line| !page.lines().any(|known| known == **line)).count()
    };
    assert!(envoy.wait_for(weir_tests::PATIENCE, |_| missing() == 0), "{}", envoy.prometheus().unwrap());
}

/// What `metrics.yaml` says that Prometheus has, line by line, its buckets and its log.
pub(super) fn measured(envoy: &Envoy, text: &str) {
    let page = || Page::parse(&envoy.prometheus().unwrap()).unwrap();
    promised(envoy, text, 5);
    let bounds = |family: &str, label: (&str, &str)| {
        let page = page();
        let buckets =
            page.of(family).filter(|sample| sample.labels.get(label.0).is_some_and(|v| v == label.1));
        buckets.map(|sample| sample.labels["le"].clone()).collect::<Vec<_>>().join(" ")
    };
    let seen = |_: &Envoy| !bounds("response_bytes_bucket", ("path", "/users/{id}")).is_empty();
    assert!(envoy.wait_for(weir_tests::PATIENCE, seen));
    assert_eq!(bounds("response_bytes_bucket", ("path", "/users/{id}")), "100 1000 10000 100000 +Inf");
    assert_eq!(
        bounds("weir_request_duration_milliseconds_bucket", ("route", "shop")),
        "5 10 25 50 100 250 500 1000 2500 5000 +Inf"
    );
    assert_eq!(page().value("requests_active", &[]), Some(0.0));
    let log = envoy.log();
    assert!(
        log.contains(r#""path":"/users/{id}","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","unit":""#),
        "{log}"
    );
    assert!(!log.contains("ada") && !log.contains("wp-admin"), "{log}");
}

/// What the comments of `experiment.yaml` say about logs and metrics.
pub(super) fn observed(envoy: &Envoy) {
    let missing = |envoy: &Envoy| {
        let output = envoy.output();
        LOGGED.iter().filter(|line| !output.lines().any(|known| known == **line)).count()
    };
    assert!(envoy.wait_for(weir_tests::PATIENCE, |envoy| missing(envoy) == 0), "{}", envoy.output());
    let exposures = envoy.samples("weir_exposures_total").unwrap();
    let count = |variant: &str| {
        let labelled =
            exposures.iter().find(|sample| sample.labels.get("variant").is_some_and(|v| v == variant));
        labelled.map_or(0.0, |sample| sample.value)
    };
    // ada, dieter and bea once each, and the two visitors wherever they belong; the tester nowhere.
    let all = ["blue", "green", "standard", "free"].map(count);
    assert!(
        all[0] >= 1.0 && all[1] >= 1.0 && all[3] >= 1.0 && all.iter().sum::<f64>() <= 5.0,
        "{exposures:?}"
    );
}
