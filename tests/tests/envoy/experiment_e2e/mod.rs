//! Experiments in the real Envoy: who gets what on any worker, what nobody can forge, what logs and metrics say,
//! and what a change of the configuration moves.

mod anonymous;
mod forged;
mod life;
mod links;
mod observed;
mod overrides;
mod pools;
mod routing;
mod stickiness;
mod update;
mod vectors;
mod visits;

use serde_json::{Value, json};
use weir_allocation::{Allocation, Fraction, Salt, Weights, contiguous};
use weir_tests::client::{Client, Request, Response};
use weir_tests::envoy::{Bootstrap, Envoy, Listener, Plugin};

/// Requests under way at any time: as many connections, on all workers.
const AT_ONCE: usize = 32;
const SECRET: &str = "for-tests-only-a-secret";

/// `dist/experiment.wasm` with this section.
fn plugin(experiments: &Value) -> Plugin {
    Plugin::new("experiment").unwrap().config(&json!({ "experiments": experiments }))
}

/// An Envoy with a listener for each section.
fn envoy(workers: u32, sections: &[Value]) -> Envoy {
    let listener =
        |bootstrap: Bootstrap, section| bootstrap.listener(Listener::new().plugin(plugin(section)));
    Envoy::start(sections.iter().fold(Bootstrap::default().concurrency(workers), listener)).unwrap()
}

/// `[{key, weight}…]`.
fn variants(weights: &[(&str, f64)]) -> Value {
    weights.iter().map(|(key, weight)| json!({"key": key, "weight": weight})).collect()
}

fn user(number: usize) -> String {
    format!("user-{number}")
}

fn by(user: impl AsRef<[u8]>) -> Request {
    Request::get("/").header("x-user-id", user)
}

/// What an experiment gives by the library, without any proxy.
struct Law<'k> {
    salt: Salt,
    allocation: Allocation,
    keys: Vec<&'k str>,
}

impl<'k> Law<'k> {
    fn new(key: &str, coverage: f64, weights: &[(&'k str, f64)]) -> Self {
        let numbers: Vec<f64> = weights.iter().map(|(_, weight)| *weight).collect();
        let weighed = Weights::from_relative(&numbers).unwrap();
        let allocation = contiguous(&weighed, Fraction::from_percent(coverage).unwrap()).unwrap();
        Self { salt: Salt::new(key), allocation, keys: weights.iter().map(|(key, _)| *key).collect() }
    }

    fn variant(&self, unit: impl AsRef<[u8]>) -> Option<&'k str> {
        Some(self.keys[self.allocation.pick(self.salt.bucket(unit.as_ref()))?])
    }

    /// The first user with this variant.
    fn user_with(&self, variant: Option<&str>) -> String {
        (0..).map(user).find(|user| self.variant(user) == variant).unwrap()
    }
}

/// Sends requests over new connections, which any worker may get; all must be answered with 200.
fn ask(envoy: &Envoy, listener: usize, requests: Vec<Request>) -> Vec<Response> {
    let answers = Client::http1().send_all(envoy.listener(listener), requests, AT_ONCE);
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| answer.status == 200), "{}", envoy.log());
    answers
}

fn ask_one(envoy: &Envoy, listener: usize, request: Request) -> Response {
    ask(envoy, listener, vec![request]).remove(0)
}

/// The value of a request header as the upstream saw it; there must not be two.
fn seen(response: &Response, name: &str) -> Option<String> {
    let mut values = response.seen().expect("an upstream's answer").header_bytes(name);
    assert!(values.len() < 2, "{name}: {values:?}");
    values.pop().map(|value| String::from_utf8(value).unwrap())
}

/// The variant of `checkout` as the upstream saw it.
fn checkout(response: &Response) -> Option<String> {
    seen(response, "x-weir-experiment-checkout")
}

/// `name=value` of a cookie that the response sets.
fn set_cookie(response: &Response, name: &str) -> Option<String> {
    let set = response.headers.iter().filter(|(header, _)| header == "set-cookie");
    let mut pairs =
        set.map(|(_, value)| String::from_utf8_lossy(value).split(';').next().unwrap().to_owned());
    pairs.find(|pair| pair.split('=').next() == Some(name))
}

fn within_four_sigma(count: usize, of: usize, share: f64) -> bool {
    let mean = of as f64 * share;
    (count as f64 - mean).abs() <= 4.0 * (mean * (1.0 - share)).sqrt()
}

/// How often a counter of the module stands.
fn counted(envoy: &Envoy, experiment: &str, variant: &str, what: &str) -> i64 {
    envoy.stat(&format!("wasmcustom.experiment=.={experiment};.;variant=.={variant};.;{what}")).unwrap()
}
