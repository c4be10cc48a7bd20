//! The real Jaeger takes the spans of `envoy-configs/tracing.yaml` and finds traces by Weir's attributes.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use weir_tests::client::{Client, Request};
use weir_tests::envoy::{Bootstrap, Envoy};
use weir_tests::paths;

use super::{PARENT, trace};

const USERS: usize = 300;

/// A running Jaeger with storage in memory. Dropping it ends it.
struct Jaeger {
    process: Child,
    spans: u16,
    query: u16,
}

impl Drop for Jaeger {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Jaeger {
    fn start() -> Self {
        let program = std::env::var("WEIR_JAEGER").expect("WEIR_JAEGER: `make test-tracing` sets it");
        let held: Vec<TcpListener> = (0..9).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports: Vec<u16> = held.iter().map(|held| held.local_addr().unwrap().port()).collect();
        drop(held);
        let options = [
            "collector.otlp.http.host-port",
            "query.http-server.host-port",
            "query.grpc-server.host-port",
            "collector.otlp.grpc.host-port",
            "collector.grpc-server.host-port",
            "collector.http-server.host-port",
            "admin.http.host-port",
        ];
        let process = Command::new(program)
            .args(options.iter().zip(&ports).map(|(option, port)| format!("--{option}=127.0.0.1:{port}")))
            .arg("--log-level=error")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, spans: ports[0], query: ports[1] }
    }

    /// What its interface answers, or nothing while it starts.
    fn get(&self, path: &str) -> Option<Value> {
        let address = ([127, 0, 0, 1], self.query).into();
        let answer = Client::http1().send(address, &Request::get(path)).ok()?;
        (answer.status == 200).then(|| serde_json::from_slice(&answer.body).unwrap())
    }

    /// The IDs of all traces whose spans have this attribute.
    fn traces(&self, name: &str, value: &str) -> BTreeSet<String> {
        let tags = format!("%7B%22{name}%22:%22{value}%22%7D");
        let path = format!("/api/traces?service=edge&limit=1500&lookback=1h&tags={tags}");
        let found = self.get(&path).unwrap_or_default();
        let traces = found["data"].as_array().cloned().unwrap_or_default();
        traces.iter().map(|trace| trace["traceID"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
#[ignore = "builds Jaeger for minutes, once: make test-tracing"]
fn traces_are_found_by_their_variant() {
    let jaeger = Jaeger::start();
    let text = std::fs::read_to_string(paths::root().join("envoy-configs/tracing.yaml")).unwrap();
    let bootstrap = Bootstrap::shipped(serde_saphyr::from_str(&text).unwrap()).port(4318, jaeger.spans);
    let envoy = Envoy::start(bootstrap).unwrap();
    assert!(
        envoy.wait_for(weir_tests::PATIENCE, |_| jaeger.get("/api/services").is_some()),
        "Jaeger does not start"
    );
    let (mut green, mut blue) = (BTreeSet::new(), BTreeSet::new());
    for user in 0..USERS {
        let request = Request::get("/")
            .header("x-user-id", format!("user-{user}"))
            .header("traceparent", format!("00-{}-{PARENT}-01", trace(user)))
            .header("x-weir-experiment-button", "forged");
        let seen = Client::http1().send(envoy.listener(0), &request).unwrap().seen().unwrap();
        let variant = String::from_utf8(seen.header_bytes("x-weir-experiment-button").concat()).unwrap();
        if variant == "green" { &mut green } else { &mut blue }.insert(trace(user));
    }
    assert!(!green.is_empty() && !blue.is_empty());
    let complete = |_: &Envoy| {
        jaeger.traces("weir.button", "green").len() + jaeger.traces("weir.button", "blue").len() >= USERS
    };
    assert!(envoy.wait_for(Duration::from_secs(60), complete), "spans are missing");
    assert_eq!(jaeger.traces("weir.button", "green"), green);
    assert_eq!(jaeger.traces("weir.button", "blue"), blue);
    assert_eq!(jaeger.traces("weir.route", "v2"), green);
    assert!(jaeger.traces("weir.button", "forged").is_empty());
    println!("{USERS} traces: {} green, {} blue", green.len(), blue.len());
}
