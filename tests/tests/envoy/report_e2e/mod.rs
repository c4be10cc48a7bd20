//! `weir report` asks the real Prometheus, whose past is a made-up shop: what it reports is what happened there, through
//! restarts, missing scrapes and several proxies. (What it reports of the real Envoy is `prometheus_e2e`'s to show.)

#[path = "../../../../cli/tests/it/support/shop.rs"]
mod shop;

use std::fmt::Write as _;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::prometheus_e2e::server::Prometheus;
use serde_json::Value;
use shop::{Arm, CONFIG, Shop, Truth};
use weir_tests::program;

/// A full hour three days ago.
fn start() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    (now - 3 * 86_400) / 3600 * 3600
}

/// OpenMetrics as `promtool` reads it.
fn openmetrics(shop: &Shop) -> (String, Truth) {
    let (stored, truth) = shop.scraped();
    let mut text = String::new();
    for series in stored {
        let labels: Vec<String> =
            series.labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        for (time, value) in series.samples {
            writeln!(text, "{}{{{}}} {value} {time}", series.name, labels.join(",")).unwrap();
        }
    }
    text.push_str("# EOF\n");
    (text, truth)
}

/// The report in both forms, with the exit code.
fn report(shop: &Shop) -> (Value, String, i32, Truth) {
    let (text, truth) = openmetrics(shop);
    let prometheus = Prometheus::with_past(&text);
    let work = tempfile::tempdir().unwrap();
    let config = work.path().join("shop.yaml");
    std::fs::write(&config, CONFIG).unwrap();
    let run = |more: &[&str]| {
        let url = format!("http://{}", prometheus.address());
        let since = rfc3339(shop.start);
        let until = rfc3339(shop.end());
        let output = Command::new(program::path())
            .args(["report", config.to_str().unwrap(), "--prometheus", &url, "--experiment", "check.out"])
            .args(["--since", &since, "--until", &until])
            .args(more)
            .output()
            .unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
    };
    let (json, code) = run(&["--output", "json"]);
    let (text, _) = run(&[]);
    println!("{text}");
    (serde_json::from_str(&json).unwrap(), text, code, truth)
}

/// `weir report` takes RFC 3339; an offset of seconds from 1970 is not one, so it is made with `date`.
fn rfc3339(seconds: u64) -> String {
    let output =
        Command::new("date").args(["-u", "-d", &format!("@{seconds}"), "+%Y-%m-%dT%H:%M:%SZ"]).output();
    String::from_utf8(output.unwrap().stdout).unwrap().trim().to_owned()
}

/// What was reported is what happened.
fn same(report: &Value, truth: &Truth) {
    for arm in 0..2 {
        assert_eq!(report["arms"][arm]["units"], truth.units[arm]);
        assert_eq!(report["arms"][arm]["requests"], truth.requests[arm]);
        for goal in report["goals"].as_array().unwrap() {
            let total = if goal["metric"] == "clicks_total" { truth.clicks } else { truth.orders };
            assert_eq!(goal["arms"][arm]["total"].as_f64(), Some(total[arm] as f64), "{goal}");
        }
    }
}

#[test]
fn a_healthy_shop_is_reported_as_it_was() {
    let (report, _, code, truth) = report(&Shop::healthy(start()));
    same(&report, &truth);
    assert_eq!((code, &report["srm"]["mismatch"]), (0, &Value::Bool(false)));
}

#[test]
fn restarts_missing_scrapes_and_several_proxies_change_nothing() {
    let shop = Shop { proxies: 3, restart: true, late: true, ..Shop::healthy(start()) };
    let (report, _, code, truth) = report(&shop);
    same(&report, &truth);
    assert_eq!((code, &report["proxies"]), (0, &Value::from(3)));
}

#[test]
fn a_better_variant_a_mismatch_and_a_bad_release_are_found() {
    let mut better = Shop { proxies: 2, ..Shop::healthy(start()) };
    better.arms[1].orders = 0.07;
    let (found, text, code, truth) = report(&better);
    same(&found, &truth);
    assert_eq!(code, 0);
    assert!(text.contains("orders_total: one-page has more than the control"), "{text}");

    let (found, text, code, truth) = report(&Shop { control: 0.48, ..Shop::healthy(start()) });
    same(&found, &truth);
    assert!(code == 1 && text.contains("Sample ratio mismatch"), "{text}");

    let mut bad = Shop::healthy(start());
    bad.arms[1] = Arm { errors: 0.03, ..bad.arms[1] };
    let (_, text, code, _) = report(&bad);
    assert!(code == 1 && text.contains("Guardrail 5xx fails: one-page"), "{text}");
}
