//! A configuration that changes while Envoy runs: taken up when it is good, refused when it is not.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use weir_tests::client::{Client, Request};
use weir_tests::envoy::{Bootstrap, Envoy, Filter, Listener, Plugin};

const PATIENCE: Duration = weir_tests::PATIENCE;

fn plugin(routing: Value) -> Plugin {
    Plugin::new("ab_routing").unwrap().config(&json!({ "routing": routing }))
}

fn beta_to(route: &str) -> Value {
    json!({"rules": [{
        "name": "beta",
        "match": [{"headers": {"x-user-group": {"exact": "beta"}}}],
        "setHeaders": {"x-weir-route": route},
    }]})
}

#[test]
fn good_updates_are_taken_and_bad_ones_leave_the_old() {
    let initial = Box::new(plugin(beta_to("v2")));
    let filter = Filter::Discovered { name: "weir".to_owned(), initial };
    let envoy = Envoy::start(Bootstrap::default().listener(Listener::new().filter(filter))).unwrap();
    let client = Client::http1();
    let upstream = |envoy: &Envoy| {
        let request = Request::get("/").header("x-user-group", "beta");
        let response = client.send(envoy.listener(0), &request).unwrap();
        response.seen().map(|seen| seen.name).unwrap_or_else(|| response.status.to_string())
    };
    assert_eq!(upstream(&envoy), "v2");

    envoy.update("weir", &plugin(beta_to("canary"))).unwrap();
    assert!(envoy.wait_for(PATIENCE, |envoy| upstream(envoy) == "canary"), "{}", envoy.log());

    envoy.update("weir", &plugin(json!({"rulez": []}))).unwrap();
    let refused = |envoy: &Envoy| envoy.log().contains("rulez");
    assert!(envoy.wait_for(PATIENCE, refused), "{}", envoy.log());
    assert_eq!(upstream(&envoy), "canary");

    // A good one after a bad one is taken again.
    envoy.update("weir", &plugin(beta_to("v1"))).unwrap();
    assert!(envoy.wait_for(PATIENCE, |envoy| upstream(envoy) == "v1"), "{}", envoy.log());
    let counters = envoy.counters().unwrap();
    let ours: Vec<_> = counters.iter().filter(|(name, _)| name.contains("config_discovery")).collect();
    assert!(ours.iter().any(|(name, count)| name.contains("config_fail") && **count > 0), "{ours:?}");
}

/// What `weir trim` makes of a module, for a configuration of its section `routing`.
fn trimmed(routing: &Value, to: &Path) {
    let mut weir = Command::new(weir_tests::program::path())
        .arg("trim")
        .args([&weir_tests::paths::module("ab_routing").unwrap(), Path::new("-"), Path::new("--to"), to])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    weir.stdin.take().unwrap().write_all(json!({ "routing": routing }).to_string().as_bytes()).unwrap();
    let output = weir.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("removed: proxy_on_response_headers\n"), "{said}");
}

#[test]
fn a_trimmed_module_serves_its_configurations_and_refuses_others() {
    let folder = tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap();
    let file = folder.path().join("trimmed.wasm");
    trimmed(&beta_to("v2"), &file);
    let ours = |routing: Value| Plugin::from_file(&file).config(&json!({ "routing": routing }));
    let filter = Filter::Discovered { name: "weir".to_owned(), initial: Box::new(ours(beta_to("v2"))) };
    let envoy = Envoy::start(Bootstrap::default().listener(Listener::new().filter(filter))).unwrap();
    let client = Client::http1();
    let answer = |envoy: &Envoy| {
        let request = Request::get("/").header("x-user-group", "beta");
        let response = client.send(envoy.listener(0), &request).unwrap();
        (
            response.seen().map(|seen| seen.name),
            response.header("x-rule").map(|name| String::from_utf8_lossy(name).into_owned()),
        )
    };
    let v2 = Some("v2".to_owned());
    assert_eq!(answer(&envoy), (v2.clone(), None));

    let mut told = beta_to("v2");
    told["response"] = json!({"debugHeader": "x-rule"});
    envoy.update("weir", &ours(told.clone())).unwrap();
    let refusal = "was trimmed (`weir trim`) of what this configuration needs: proxy_on_response_headers";
    assert!(envoy.wait_for(PATIENCE, |envoy| envoy.log().contains(refusal)), "{}", envoy.log());
    assert_eq!(answer(&envoy), (v2.clone(), None));

    envoy.update("weir", &plugin(told)).unwrap();
    let expected = (v2, Some("beta".to_owned()));
    assert!(envoy.wait_for(PATIENCE, |envoy| answer(envoy) == expected), "{}", envoy.log());
}

#[test]
fn nothing_is_left_running() {
    let envoy = Envoy::start(Bootstrap::default().listener(Listener::new())).unwrap();
    let (listener, client) = (envoy.listener(0), Client::http1());
    assert_eq!(client.send(listener, &Request::get("/")).unwrap().status, 200);
    assert!(envoy.allocated_bytes().unwrap() > 0);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _envoy = envoy;
        panic!("a test fails here");
    }));
    assert!(panicked.is_err());
    assert!(client.send(listener, &Request::get("/")).is_err());
}
