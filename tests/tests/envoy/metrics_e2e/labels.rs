//! Labels in the three places where users meet them: plain Envoy, Istio with `extraStatTags`, and a sidecar
//! that nobody may configure.

use super::*;

/// The labels that the section below has, those of Weir's own counters included.
const LABELS: [&str; 10] =
    ["code_class", "experiment", "label", "method", "metric", "path", "plan", "plugin", "route", "variant"];

/// The bootstrap of an unmodified sidecar.
fn sidecar() -> Value {
    let path = weir_tests::paths::root().join("tests/vectors/istio/stats-config.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The same with `extraStatTags`.
fn sidecar_with(labels: &[&str]) -> Value {
    let mut config = sidecar();
    config["stats_tags"].as_array_mut().unwrap().extend(tags(labels));
    config
}

fn experiments() -> Value {
    let variants = json!([{"key": "a.1", "weight": 50}, {"key": "b", "weight": 50}]);
    json!({"unit": "header:x-user-id", "list": [{"key": "check.out", "variants": variants}]})
}

fn start(stats_config: Value, metrics: &Value) -> Envoy {
    let config = json!({"experiments": experiments(), "metrics": metrics});
    let plugin = Plugin::new("weir").unwrap().config(&config);
    let bootstrap = Bootstrap::default().stats_config(stats_config);
    Envoy::start(bootstrap.listener(Listener::new().plugin(plugin))).unwrap()
}

/// Ten users of either variant order; then some requests with odd values.
fn traffic(envoy: &Envoy) {
    let law = &Law::new("check.out", &[50.0, 50.0]);
    let users = |variant| (0..).map(user).filter(move |user| law.variant(user) == variant).take(10);
    let mut requests: Vec<Request> = Vec::new();
    for user in users(0).chain(users(1)) {
        requests.push(post("/orders").header("x-user-id", user).header("x-plan", "gold"));
    }
    for plan in ["say \"no\"", "a\\b", "x;.;variant=.=b;.;y", "my.cache.example.com", "é"] {
        requests.push(Request::get("/users/7").header("x-plan", plan).header("x-weir-route", "v2"));
    }
    assert!(ask(envoy, requests).iter().all(|answer| answer.status == 200));
}

fn tagged() -> Value {
    json!({
        "red": {},
        "list": [
            {"name": "orders_total", "experiments": "*", "match": {"method": {"exact": "POST"}, "uri": {"exact": "/orders"}}, "response": {"status": "2xx"}},
            {"name": "hits_total", "labels": {
                "method": "method",
                "path": {"source": "path", "templates": ["/users/{id}"]},
                "plan": {"source": "header:x-plan", "atMost": 100},
            }},
            {"name": "answer_bytes", "type": "histogram", "value": {"size": "response"}, "labels": {"path": {"source": "path", "templates": ["/users/{id}"]}}},
            {"name": "requests_active", "type": "gauge", "labels": {"method": "method"}},
        ],
    })
}

/// What Prometheus must read of `tagged()` after the traffic.
fn check_tagged(envoy: &Envoy) {
    let page =
        page_with(envoy, |page| page.value("answer_bytes_count", &[("path", "/users/{id}")]) == Some(5.0));
    let value = |name: &str, labels: &[(&str, &str)]| page.value(name, labels);
    for variant in ["a_1", "b"] {
        let labels = [("experiment", "check_out"), ("variant", variant)];
        assert_eq!(
            value("orders_total", &labels),
            Some(10.0),
            "{:?}",
            page.of("orders_total").collect::<Vec<_>>()
        );
        let with_class = [("code_class", "2xx"), labels[0], labels[1]];
        assert_eq!(value("weir_experiment_requests_total", &with_class), Some(10.0));
        assert_eq!(value("weir_experiment_request_duration_milliseconds_count", &labels), Some(10.0));
    }
    assert_eq!(value("weir_requests_total", &[("code_class", "2xx"), ("route", "default")]), Some(20.0));
    assert_eq!(value("weir_requests_total", &[("code_class", "2xx"), ("route", "v2")]), Some(5.0));
    assert_eq!(value("weir_request_duration_milliseconds_count", &[("route", "v2")]), Some(5.0));
    let hits =
        |method, path, plan| value("hits_total", &[("method", method), ("path", path), ("plan", plan)]);
    assert_eq!(hits("POST", "other", "gold"), Some(20.0));
    for plan in ["say \"no\"", "a\\b", "x_._variant_._b_._y", "my.cache_example.com", "é"] {
        assert_eq!(
            hits("GET", "/users/{id}", plan),
            Some(1.0),
            "{plan}: {:?}",
            page.of("hits_total").collect::<Vec<_>>()
        );
    }
    assert_eq!(page.sum("hits_total", &[]), 25.0);
    assert_eq!(value("answer_bytes_count", &[("path", "/users/{id}")]), Some(5.0));
    assert_eq!(value("requests_active", &[("method", "POST")]), Some(0.0));
    let overflow = [("label", "path"), ("metric", "hits_total")];
    assert_eq!(value("weir_metrics_overflow_total", &overflow), Some(20.0));
    let kind = |family: &str| page.types.get(family).map(String::as_str);
    assert_eq!(kind("orders_total"), Some("counter"));
    assert_eq!(kind("answer_bytes"), Some("histogram"));
    assert_eq!(kind("requests_active"), Some("gauge"));
    for sample in &page.samples {
        assert!(!sample.name.contains("___"), "a label that is still in a name: {sample:?}");
    }
    assert_quiet(envoy);
}

#[test]
fn plain_envoy_has_labels_by_stats_tags() {
    let mut stats_config = stats_tags(&LABELS);
    stats_config["histogram_bucket_settings"] = json!([
        {"match": {"safe_regex": {"regex": r"^wasmcustom\.(.*;\.;)?answer_bytes$"}}, "buckets": [100, 1000, 10000]},
    ]);
    let envoy = start(stats_config, &tagged());
    traffic(&envoy);
    check_tagged(&envoy);
    let bounds: Vec<String> = page(&envoy)
        .of("answer_bytes_bucket")
        .filter(|sample| sample.labels["path"] == "other")
        .map(|sample| sample.labels["le"].clone())
        .collect();
    assert_eq!(bounds, ["100", "1000", "10000", "+Inf"]);
}

#[test]
fn istio_has_labels_by_extra_stat_tags() {
    let envoy = start(sidecar_with(&LABELS), &tagged());
    traffic(&envoy);
    check_tagged(&envoy);
}

#[test]
fn an_unmodified_sidecar_has_labels_by_the_style_istio() {
    let metrics = json!({
        "style": "istio",
        "red": {},
        "list": [
            {"name": "orders_total", "experiments": "*", "match": {"method": {"exact": "POST"}}, "labels": {"wasm_filter": {"constant": "weir"}}},
            {"name": "plans_total", "labels": {"tag": {"source": "header:x-plan", "atMost": 100}, "code": "code"}},
            {"name": "answer_bytes", "type": "histogram", "value": {"size": "response"}, "labels": {"component": "method"}},
            {"name": "paths_total", "labels": {"cache": {"source": "path", "templates": ["/users/{id}"]}}},
            {"name": "requests_active", "type": "gauge", "labels": {"component": "method"}},
        ],
    });
    let envoy = start(sidecar(), &metrics);
    traffic(&envoy);
    let page =
        page_with(&envoy, |page| page.value("answer_bytes_count", &[("component", "GET")]) == Some(5.0));
    let value = |name: &str, labels: &[(&str, &str)]| page.value(name, labels);
    let shown = || page.samples.iter().filter(|s| !s.name.starts_with("envoy_")).collect::<Vec<_>>();
    for variant in ["a_1", "b"] {
        let labels = [("component", "check_out"), ("tag", variant)];
        let orders = [labels[0], labels[1], ("wasm_filter", "weir")];
        assert_eq!(value("orders_total", &orders), Some(10.0), "{:#?}", shown());
        let with_class = [labels[0], labels[1], ("response_code_class", "2xx")];
        assert_eq!(value("weir_experiment_requests_total_rq", &with_class), Some(10.0), "{:#?}", shown());
        assert_eq!(value("weir_experiment_request_duration_milliseconds_count", &labels), Some(10.0));
    }
    let requests =
        |route| value("weir_requests_total_rq", &[("cache", route), ("response_code_class", "2xx")]);
    assert_eq!((requests("default"), requests("v2")), (Some(20.0), Some(5.0)), "{:#?}", shown());
    let plans = |plan| value("plans_total_rq", &[("response_code", "200"), ("tag", plan)]);
    assert_eq!(plans("gold"), Some(20.0), "{:#?}", shown());
    for plan in ["say \"no\"", "a\\b", "x_._variant_._b_._y", "my.cache_example.com", "é"] {
        assert_eq!(plans(plan), Some(1.0), "{plan}: {:#?}", shown());
    }
    assert_eq!(value("paths_total", &[("cache", "_users__id_")]), Some(5.0), "{:#?}", shown());
    assert_eq!(value("requests_active", &[("component", "POST")]), Some(0.0));
    let overflow = [("component", "paths_total"), ("tag", "cache")];
    assert_eq!(value("weir_metrics_overflow_total", &overflow), Some(20.0), "{:#?}", shown());
    assert_quiet(&envoy);
}
