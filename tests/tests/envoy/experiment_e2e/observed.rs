//! What access logs and Prometheus say.

use std::time::Duration;

use weir_tests::envoy::metric_tags;

use super::*;

const PATIENCE: Duration = weir_tests::PATIENCE;
const UNITS: usize = 1_000;
const HALVES: &[(&str, f64)] = &[("a", 50.0), ("b", 50.0)];

#[test]
fn access_logs_show_the_variant_of_each_request() {
    let section = json!({
        "unit": "header:x-user-id",
        "output": {"filterState": true},
        "list": [
            {"key": "checkout", "coverage": "50%", "variants": variants(HALVES)},
            {"key": "search", "variants": variants(HALVES)},
        ],
    });
    let format =
        "%REQ(x-user-id)% %FILTER_STATE(wasm.weir.checkout:PLAIN)% %FILTER_STATE(wasm.weir.search:PLAIN)%";
    let listener = Listener::new().plugin(plugin(&section)).access_log(format);
    let envoy = Envoy::start(Bootstrap::default().concurrency(2).listener(listener)).unwrap();
    let users: Vec<String> = (0..200).map(user).collect();
    ask(&envoy, 0, users.iter().map(by).collect());
    let laws = [Law::new("checkout", 50.0, HALVES), Law::new("search", 100.0, HALVES)];
    let line = |user: &String| {
        let [checkout, search] = [0, 1].map(|law: usize| laws[law].variant(user).unwrap_or("-"));
        format!("{user} {checkout} {search}")
    };
    let mut expected: Vec<String> = users.iter().map(line).collect();
    expected.sort_unstable();
    let logged = |envoy: &Envoy| {
        let mut lines: Vec<String> = envoy.output().lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    envoy.wait_for(PATIENCE, |envoy| logged(envoy).len() >= expected.len());
    assert_eq!(logged(&envoy), expected);
    println!("{} lines such as {:?}", expected.len(), expected[0]);
}

#[test]
fn prometheus_counts_each_unit_once() {
    let section = json!({
        "unit": "header:x-user-id",
        "secret": {"value": SECRET},
        "assignmentCookie": {"name": "seen"},
        "list": [{"key": "checkout", "variants": variants(HALVES)}],
    });
    let listener = Listener::new().plugin(plugin(&section));
    let bootstrap = Bootstrap::default().concurrency(2).stats_config(metric_tags()).listener(listener);
    let envoy = Envoy::start(bootstrap).unwrap();
    let mut cookies: Vec<Option<String>> = vec![None; UNITS];
    for _ in 0..3 {
        let request = |(number, cookie): (usize, &Option<String>)| match cookie {
            Some(cookie) => by(user(number)).header("cookie", cookie),
            None => by(user(number)),
        };
        let answers = ask(&envoy, 0, cookies.iter().enumerate().map(request).collect());
        for (cookie, answer) in cookies.iter_mut().zip(&answers) {
            *cookie = set_cookie(answer, "seen").or(cookie.take());
        }
    }
    let law = Law::new("checkout", 100.0, HALVES);
    let mut total = 0;
    for variant in ["a", "b"] {
        let samples = envoy.samples("weir_exposures_total").unwrap();
        let labelled =
            samples.iter().find(|s| s.labels["variant"] == variant && s.labels["experiment"] == "checkout");
        let units = (0..UNITS).filter(|number| law.variant(user(*number)) == Some(variant)).count();
        assert_eq!(labelled.map(|sample| sample.value), Some(units as f64), "{samples:?}");
        total += units;
    }
    println!("{UNITS} units, three requests each: {total} exposures");
    assert_eq!(total, UNITS);
    let uncounted = envoy.samples("weir_assignments_total").unwrap();
    assert!(uncounted.iter().all(|sample| sample.value == 0.0), "{uncounted:?}");
}
