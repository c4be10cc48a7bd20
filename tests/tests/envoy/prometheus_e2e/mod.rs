//! All five filters in the real Envoy, scraped by the real Prometheus: counts with their labels, every rule,
//! every query of the dashboard and of the pages.

mod queries;
pub(crate) mod server;
mod teams;
mod traffic;

use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use server::Prometheus;
use traffic::{Seen, VARIANTS};
use weir_tests::envoy::{Bootstrap, Cluster, Envoy, Listener, Plugin};
use weir_tests::jwks_server::JwksServer;
use weir_tests::paths;
use weir_tests::program::{self, render};

fn config() -> Value {
    let keys = json!({"cluster": "keys", "uri": "http://id.example.com/jwks"});
    let label =
        json!({"bucket": {"subBucket": {"unit": ["header:x-user-id"], "buckets": 20}}, "cls": "codeClass"});
    json!({
        "jwt": {"providers": {"corp": {"jwks": {"remote": keys}}}},
        "experiments": {
            "unit": "header:x-user-id",
            "secret": {"value": "for-tests-only-a-secret"},
            "assignmentCookie": {"name": "seen"},
            "overrides": {"header": "x-force", "secret": {"value": traffic::TESTERS}},
            "list": [{"key": "checkout", "variants": [
                {"key": VARIANTS[0], "weight": 50}, {"key": VARIANTS[1], "weight": 50}]}],
        },
        "routing": {"rules": [
            {"name": "one-page", "variant": {"checkout": VARIANTS[1]}, "setHeaders": {"x-weir-route": "v2"}}]},
        "faults": [
            {"name": "slow", "match": {"uri": {"prefix": "/slow"}},
             "delay": {"fixedDelay": "20ms", "percentage": "100%"}},
            {"name": "broken", "match": {"uri": {"prefix": "/broken"}},
             "abort": {"httpStatus": 503, "percentage": "100%"}},
        ],
        "metrics": {"red": {"buckets": [5, 50, 500]}, "goals": [
            {"name": "order", "response": {"status": "2xx"}, "value": {"responseHeader": "x-total", "scale": 100},
             "match": {"method": {"exact": "POST"}, "uri": {"exact": "/orders"}}},
        ], "list": [
            {"name": "orders_total", "experiments": "*", "response": {"status": "2xx"},
             "match": {"method": {"exact": "POST"}, "uri": {"exact": "/orders"}}},
            {"name": "plans_total", "labels": {"plan": {"source": "header:x-plan", "values": ["gold"]}},
             "match": {"uri": {"exact": "/orders"}}},
            {"name": "shop_requests_total", "experiments": "checkout", "labels": label},
        ]},
    })
}

fn shipped(path: &str) -> String {
    std::fs::read_to_string(paths::root().join(path)).unwrap()
}

#[test]
fn prometheus_sees_what_happened() {
    let config = config();
    let stats: Value = serde_json::from_str(&render(&["bootstrap", "--json"], &config.to_string())).unwrap();
    let keys = JwksServer::start(&traffic::key_set()).unwrap();
    let bootstrap = Bootstrap::default()
        .stats_config(stats["stats_config"].clone())
        .cluster(Cluster::new("keys", keys.address()))
        .listener(Listener::new().plugin(Plugin::new("weir").unwrap().config(&config)));
    let envoy = Envoy::start(bootstrap).unwrap();
    let rules = [
        ("recording.rules.yaml", shipped("monitoring/prometheus/recording.rules.yaml")),
        ("alerting.rules.yaml", shipped("monitoring/prometheus/alerting.rules.yaml")),
        ("weir.rules.yaml", render(&["rules"], &config.to_string())),
        ("page.rules.yaml", queries::recorded_by_the_page()),
    ];
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let prometheus = Prometheus::start(envoy.admin_address(), &rules);
    // Counters must be seen at 0: what they begin with is no increase. The first scrape comes after seconds.
    prometheus.expect("max(up)", "", &[("", 1.0)]);
    let mut seen = Seen::default();
    seen.round(&envoy);
    // Rates need two samples of each series.
    std::thread::sleep(Duration::from_secs(4));
    seen.round(&envoy);
    exact_counts(&prometheus, &seen, keys.requests());
    report_works(&prometheus, &seen, &config, since);
    queries::rules_work(&prometheus);
    queries::dashboard_works(&prometheus);
    queries::pages_work(&prometheus);
    queries::names_are_in_the_reference(&envoy);
}

/// `weir report` finds the units, the orders and the aborted requests in what Envoy has told Prometheus.
fn report_works(prometheus: &Prometheus, seen: &Seen, config: &Value, since: u64) {
    let work = tempfile::tempdir().unwrap();
    let file = work.path().join("weir.yaml");
    std::fs::write(&file, config.to_string()).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let (url, ago) = (format!("http://{}", prometheus.address()), format!("{}s", now - since));
    let output = Command::new(program::path())
        .args(["report", file.to_str().unwrap(), "--prometheus", &url, "--experiment", "checkout"])
        .args(["--since", &ago, "--output", "json"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let report: Value = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}: {text} {}", String::from_utf8_lossy(&output.stderr)));
    let goal = |metric: &str| {
        let goals = report["goals"].as_array().unwrap();
        goals.iter().find(|goal| goal["metric"] == metric).unwrap().clone()
    };
    for (arm, variant) in VARIANTS.into_iter().enumerate() {
        assert_eq!(report["arms"][arm]["units"], seen.units[variant], "{report}");
        // What a series had counted when it was scraped first is not an increase, as in Prometheus.
        let within = |found: &Value, all: usize| {
            let found = found.as_f64().unwrap();
            assert!(0.0 < found && found <= all as f64, "{found} of {all}: {report}");
        };
        within(&goal("orders_total")["arms"][arm]["total"], seen.orders[variant]);
        within(
            &goal("weir_conversions_total{goal=\"order\"}")["arms"][arm]["total"],
            seen.converted[variant].len(),
        );
        let failed = if seen.first == variant { seen.aborted } else { 0 };
        within(&report["arms"][arm]["requests"], seen.answered[variant] + failed);
    }
    assert_eq!(goal("shop_requests_total")["method"], "batch_means");
    assert_eq!(goal("weir_conversions_total{goal=\"order\"}")["method"], "units");
    assert_eq!((report["srm"]["mismatch"].as_bool(), report["proxies"].as_u64()), (Some(false), Some(1)));
}

fn exact_counts(prometheus: &Prometheus, seen: &Seen, fetches: usize) {
    let of = |counts: &std::collections::BTreeMap<String, usize>, variant: &str| counts[variant] as f64;
    let both = |counts| VARIANTS.map(|variant| (variant, of(counts, variant)));
    let variant =
        |expression: &str, expected: &[(&str, f64)]| prometheus.expect(expression, "variant", expected);
    variant(r#"weir_exposures_total{experiment="checkout"}"#, &both(&seen.units));
    variant(r#"orders_total{experiment="checkout"}"#, &both(&seen.orders));
    let converted = VARIANTS.map(|variant| (variant, seen.converted[variant].len() as f64));
    variant(r#"weir_conversions_total{experiment="checkout",goal="order"}"#, &converted);
    let times = |value: f64| converted.map(|(variant, units)| (variant, units * value));
    variant(r#"weir_conversion_value_total{goal="order"}"#, &times(1250.0));
    variant(r#"weir_conversion_value_squares_total{goal="order"}"#, &times(1_562_500.0));
    variant(
        r#"weir_experiment_requests_total{experiment="checkout",code_class="2xx"}"#,
        &both(&seen.answered),
    );
    variant(
        r#"weir_experiment_requests_total{experiment="checkout",code_class="5xx"}"#,
        &[(&seen.first, seen.aborted as f64)],
    );
    let failed = |variant: &str| if seen.first == variant { seen.aborted as f64 } else { 0.0 };
    let all = VARIANTS.map(|variant| (variant, of(&seen.answered, variant) + failed(variant)));
    variant(r#"weir_experiment_request_duration_milliseconds_count{experiment="checkout"}"#, &all);
    // The route is that of the variant: v2 is one-page's.
    let all = |variant: &str| {
        of(&seen.answered, variant) + seen.uncounted.get(variant).map_or(0.0, |testers| *testers as f64)
    };
    let routes = [("default", all(VARIANTS[0])), ("v2", all(VARIANTS[1]))];
    prometheus.expect(r#"weir_requests_total{code_class="2xx"}"#, "route", &routes);
    let class = "sum by (code_class) (weir_requests_total)";
    let answered = seen.answered.values().chain(seen.uncounted.values()).sum::<usize>() as f64;
    let classes = [("2xx", answered), ("4xx", seen.refused as f64), ("5xx", seen.aborted as f64)];
    prometheus.expect(class, "code_class", &classes);
    let fault = |metric: &str, expected: &[(&str, f64)]| prometheus.expect(metric, "fault", expected);
    fault("weir_fault_delays_total", &[("broken", 0.0), ("slow", seen.delayed as f64)]);
    fault("weir_fault_aborts_total", &[("broken", seen.aborted as f64), ("slow", 0.0)]);
    fault("weir_faults_active", &[("broken", 0.0), ("slow", 0.0)]);
    prometheus.expect("sum(weir_jwt_allowed_total)", "", &[("", seen.allowed as f64)]);
    prometheus.expect(r#"weir_jwt_allowed_total{token="verified"}"#, "token", &[("verified", 1.0)]);
    prometheus.expect("weir_jwt_denied_total > 0", "reason", &[("missing", seen.refused as f64)]);
    prometheus.expect(
        r#"weir_jwt_jwks_fetches_total{provider="corp"}"#,
        "result",
        &[("failed", 0.0), ("ok", fetches as f64)],
    );
    prometheus.expect(
        r#"weir_metrics_overflow_total{metric="plans_total"}"#,
        "label",
        &[("plan", seen.strange as f64)],
    );
}
