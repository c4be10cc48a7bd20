//! Faults in the real Envoy: how often, for whom and how late; thousands at once; two Envoys in a row; gRPC.

mod grpc;
mod hops;
mod life;
mod many;
mod observed;
mod shares;
mod sticky;
mod timing;
mod web;

use std::time::Duration;

use serde_json::{Value, json};
use weir_tests::client::{Client, Request, Response};
use weir_tests::envoy::{Bootstrap, Envoy, Listener, Plugin};

/// Requests under way at any time: as many connections, on all workers.
const AT_ONCE: usize = 32;

/// How long something may take that should happen at once.
const PATIENCE: Duration = weir_tests::PATIENCE;

/// A module of `dist/` with this list of faults.
fn plugin(module: &str, faults: &Value) -> Plugin {
    Plugin::new(module).unwrap().config(&json!({ "faults": faults }))
}

/// The module that cannot touch responses, in a listener with the standard routes.
fn listener(faults: &Value) -> Listener {
    Listener::new().plugin(plugin("fault_injection", faults))
}

/// An Envoy with one listener that injects these faults.
fn envoy(workers: u32, faults: &Value) -> Envoy {
    Envoy::start(Bootstrap::default().concurrency(workers).listener(listener(faults))).unwrap()
}

/// Sends requests over new connections, which any worker may get; all must be answered.
fn ask(envoy: &Envoy, requests: Vec<Request>) -> Vec<Response> {
    ask_listener(envoy, 0, requests)
}

/// The same of the listener with this number.
fn ask_listener(envoy: &Envoy, listener: usize, requests: Vec<Request>) -> Vec<Response> {
    let answers = Client::http1().send_all(envoy.listener(listener), requests, AT_ONCE);
    answers
        .into_iter()
        .map(|answer| answer.unwrap_or_else(|error| panic!("{error}\n{}", envoy.log())))
        .collect()
}

/// Where a counter or a gauge of a fault is.
fn stat(envoy: &Envoy, fault: &str, what: &str) -> i64 {
    envoy.stat(&format!("wasmcustom.fault=.={fault};.;{what}")).unwrap()
}

/// Whether a count is what chance gives, but for one time in 16,000.
fn within_four_sigma(count: usize, of: usize, share: f64) -> bool {
    let mean = of as f64 * share;
    (count as f64 - mean).abs() <= 4.0 * (mean * (1.0 - share)).sqrt()
}

fn assert_alive(envoy: &Envoy) {
    let log = envoy.log();
    assert!(!["RangeError", "Uncaught", "panicked"].iter().any(|word| log.contains(word)), "{log}");
}

/// The value below which this part of a sorted list lies.
fn quantile(sorted: &[Duration], part: f64) -> Duration {
    sorted[((sorted.len() - 1) as f64 * part).round() as usize]
}
