//! Two Envoys of different teams, scraped as the shipped configuration says: what one does is not hidden by the other.

use serde_json::{Value, json};
use weir_tests::client::{Client, Request};
use weir_tests::envoy::{Bootstrap, Envoy, Listener, Plugin};
use weir_tests::program::render;

use super::server::Prometheus;
use super::shipped;

/// An Envoy that aborts this part of its requests.
fn team(aborted: &str) -> Envoy {
    let config = json!({
        "faults": [{"name": "outage", "abort": {"httpStatus": 503, "percentage": aborted}}],
        "metrics": {"red": {"route": false}},
    });
    let stats: Value = serde_json::from_str(&render(&["bootstrap", "--json"], &config.to_string())).unwrap();
    let listener = Listener::new().plugin(Plugin::new("weir").unwrap().config(&config));
    Envoy::start(Bootstrap::default().stats_config(stats["stats_config"].clone()).listener(listener)).unwrap()
}

/// The shipped configuration with these Envoys in the place of its own.
fn scraping(teams: &[(&str, &Envoy)]) -> String {
    let text = shipped("monitoring/prometheus/prometheus.yaml");
    let (before, target) = text.split_once("  - targets: [\"127.0.0.1:9901\"]").unwrap();
    let target = |(namespace, envoy): &(&str, &Envoy)| {
        let target = target.replace("namespace: shop", &format!("namespace: {namespace}"));
        format!("  - targets: [\"{}\"]{target}", envoy.admin_address())
    };
    let targets: String = teams.iter().map(target).collect();
    (before.to_owned() + &targets)
        .replace("scrape_interval: 15s", "scrape_interval: 1s\n  evaluation_interval: 1s")
}

#[test]
fn a_small_team_is_not_hidden_by_a_large_one() {
    let (big, small) = (team("0%"), team("100%"));
    let rules = ["recording", "alerting"].map(|name| format!("{name}.rules.yaml"));
    let rules =
        rules.each_ref().map(|name| (name.as_str(), shipped(&format!("monitoring/prometheus/{name}"))));
    let prometheus = Prometheus::configured(&scraping(&[("big", &big), ("small", &small)]), &rules);
    prometheus.expect("min by (namespace) (up)", "namespace", &[("big", 1.0), ("small", 1.0)]);
    let send = |envoy: &Envoy, requests: usize| {
        let client = Client::http1();
        (0..requests).for_each(|_| drop(client.send(envoy.listener(0), &Request::get("/")).unwrap()));
    };
    // Counters with labels from traffic begin with their first request: the next is an increase.
    send(&big, 1);
    send(&small, 1);
    let requests = |counts: &[(&str, f64)]| {
        prometheus.expect("sum by (namespace) (weir_requests_total)", "namespace", counts)
    };
    requests(&[("big", 1.0), ("small", 1.0)]);
    send(&big, 500);
    send(&small, 5);
    requests(&[("big", 501.0), ("small", 6.0)]);
    prometheus.expect("route:weir_errors:ratio5m", "namespace", &[("big", 0.0), ("small", 1.0)]);
    // Other faults, so other configurations; each team's proxies agree.
    let differing =
        "count by (namespace) (count_values by (cluster, namespace, job) (\"hash\", weir_config_hash))";
    prometheus.expect(differing, "namespace", &[("big", 1.0), ("small", 1.0)]);
}
