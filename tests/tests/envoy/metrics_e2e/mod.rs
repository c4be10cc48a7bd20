//! Metrics in the real Envoy: as Prometheus reads them, with labels on plain Envoy and on Istio, exact under
//! concurrency and updates, and bounded whatever clients send.

mod aborts;
mod concurrent;
mod conversions;
mod hostile;
mod labels;
mod together;
mod update;

use std::time::Duration;

use serde_json::{Value, json};
use weir_allocation::{Allocation, Fraction, Salt, Weights, contiguous};
use weir_tests::client::{Client, Request, Response};
use weir_tests::envoy::{Bootstrap, Envoy, Listener, Plugin};
use weir_tests::exposition::Page;

/// How long a test waits for what must come.
const PATIENCE: Duration = weir_tests::PATIENCE;

/// Several of the intervals in which the test's Envoy flushes statistics.
const FLUSHES: Duration = Duration::from_millis(500);

/// Requests under way at any time: as many connections, on all workers.
const AT_ONCE: usize = 32;

/// `dist/metrics.wasm` with this section.
fn plugin(metrics: &Value) -> Plugin {
    Plugin::new("metrics").unwrap().config(&json!({ "metrics": metrics }))
}

/// Expressions for these labels, as `extraStatTags` and `weir render bootstrap` make them.
fn tags(labels: &[&str]) -> Vec<Value> {
    let tag = |name: &&str| json!({"tag_name": name, "regex": format!(r"({name}=\.=(.*?);\.;)")});
    labels.iter().map(tag).collect()
}

/// The `stats_config` of plain Envoy with these labels.
fn stats_tags(labels: &[&str]) -> Value {
    json!({ "stats_tags": tags(labels) })
}

/// The page that Prometheus would scrape, which must be one that it accepts.
fn page(envoy: &Envoy) -> Page {
    let text = envoy.prometheus().unwrap();
    Page::parse(&text).unwrap_or_else(|error| panic!("{error}"))
}

/// The page once it is as a test wants it, or as it is in the end. Envoy shows counters at once, but samples of
/// histograms only after a flush, and one histogram after the other: so there are some flushes more.
fn page_with(envoy: &Envoy, wanted: impl Fn(&Page) -> bool) -> Page {
    envoy.wait_for(PATIENCE, |envoy| wanted(&page(envoy)));
    std::thread::sleep(FLUSHES);
    page(envoy)
}

/// Sends requests over new connections, which any worker may get; none may stay without an answer.
fn ask(envoy: &Envoy, requests: Vec<Request>) -> Vec<Response> {
    let answers = Client::http1().send_all(envoy.listener(0), requests, AT_ONCE);
    answers.into_iter().map(|answer| answer.unwrap_or_else(|e| panic!("{e}\n{}", envoy.log()))).collect()
}

fn post(path: &str) -> Request {
    Request { method: "POST".to_owned(), ..Request::get(path) }
}

fn user(number: usize) -> String {
    format!("user-{number}")
}

/// What an experiment of these weights gives a unit, by the library and without any proxy.
struct Law {
    salt: Salt,
    allocation: Allocation,
}

impl Law {
    fn new(key: &str, weights: &[f64]) -> Self {
        let allocation = contiguous(&Weights::from_relative(weights).unwrap(), Fraction::ALL).unwrap();
        Self { salt: Salt::new(key), allocation }
    }

    /// The position of the unit's variant.
    fn variant(&self, unit: &str) -> usize {
        self.allocation.pick(self.salt.bucket(unit.as_bytes())).unwrap()
    }
}

/// No trap, no refusal: the VM lives and has nothing to complain about.
fn assert_quiet(envoy: &Envoy) {
    let log = envoy.log();
    assert!(!log.contains("[error]") && !log.contains("[critical]"), "{log}");
}
