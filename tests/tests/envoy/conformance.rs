//! The mini host and Envoy must look the same to a module: one module that logs what it sees runs in both.

use std::path::Path;

use weir_tests::client::{Client, Request as ClientRequest};
use weir_tests::envoy::{Bootstrap, Envoy, Listener, Plugin};
use weir_tests::minihost::{Module, Options, Request, Response};

/// Logs each callback as a letter, followed by the statuses of what it tries, as letters from `a` (0) on:
/// reading a request header, adding one, reading all request headers, reading and adding a response header,
/// and resuming an unknown context.
const PROBE: &str = r#"(module
  (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
  (import "env" "proxy_get_header_map_value" (func $get (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_add_header_map_value" (func $add (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_get_header_map_pairs" (func $pairs (param i32 i32 i32) (result i32)))
  (import "env" "proxy_set_effective_context" (func $effective (param i32) (result i32)))
  (memory (export "memory") 8)
  (global $heap (mut i32) (i32.const 4096))
  (data (i32.const 0) "x-probe")
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "_initialize"))
  (func (export "malloc") (param $n i32) (result i32)
    global.get $heap
    (global.set $heap (i32.add (global.get $heap) (local.get $n))))
  (func $note (param $at i32) (param $status i32)
    (i32.store8 (i32.add (i32.const 64) (local.get $at)) (i32.add (i32.const 97) (local.get $status))))
  (func $probe (param $letter i32)
    (global.set $heap (i32.const 4096))
    (i32.store8 (i32.const 64) (local.get $letter))
    (call $note (i32.const 1) (call $get (i32.const 0) (i32.const 0) (i32.const 7) (i32.const 80) (i32.const 84)))
    (call $note (i32.const 2) (call $add (i32.const 0) (i32.const 0) (i32.const 7) (i32.const 0) (i32.const 1)))
    (call $note (i32.const 3) (call $pairs (i32.const 0) (i32.const 80) (i32.const 84)))
    (call $note (i32.const 4) (call $get (i32.const 2) (i32.const 0) (i32.const 7) (i32.const 80) (i32.const 84)))
    (call $note (i32.const 5) (call $add (i32.const 2) (i32.const 0) (i32.const 7) (i32.const 0) (i32.const 1)))
    (call $note (i32.const 6) (call $effective (i32.const 9999)))
    (drop (call $log (i32.const 4) (i32.const 64) (i32.const 7))))
  (func (export "proxy_on_context_create") (param $id i32) (param $root i32)
    (if (local.get $root) (then (call $probe (i32.const 67)))))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (call $probe (i32.const 81)) (i32.const 0))
  (func (export "proxy_on_request_body") (param i32 i32 i32) (result i32)
    (call $probe (i32.const 66)) (i32.const 0))
  (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
    (call $probe (i32.const 83)) (i32.const 0))
  (func (export "proxy_on_log") (param i32) (call $probe (i32.const 76)))
  (func (export "proxy_on_done") (param i32) (result i32) (call $probe (i32.const 68)) (i32.const 1))
  (func (export "proxy_on_delete") (param i32) (call $probe (i32.const 88))))
"#;

/// What the probe sees, checked against Envoy 1.40. 0 is `a`, BadArgument (2) is `c`, NotFound (1) is `b`.
const SEEN: [&str; 7] = ["Cccaccc", "Qaaaccc", "Bccaccc", "Sccabac", "Lacaacc", "Dccaccc", "Xccaccc"];

#[test]
fn the_mini_host_shows_what_envoy_shows() {
    assert_eq!(in_minihost(), SEEN, "mini host");
    assert_eq!(in_envoy(), SEEN, "Envoy");
}

fn in_minihost() -> Vec<String> {
    let vm = Module::from_bytes(PROBE.as_bytes()).unwrap().start(&Options::default()).unwrap();
    let plugin = vm.configure("").unwrap();
    let mut request = Request::new("POST", "example.com", "/").header("x-probe", "1");
    request.body = b"body".to_vec();
    let exchange = plugin.exchange(request, Response::status(200)).unwrap();
    exchange.log.into_iter().map(|line| line.message).collect()
}

fn in_envoy() -> Vec<String> {
    let directory = tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap();
    let path = directory.path().join("probe.wasm");
    std::fs::write(&path, wat::parse_str(PROBE).unwrap()).unwrap();
    let listener = Listener::new().plugin(Plugin::from_file(&path));
    let envoy = Envoy::start(Bootstrap::default().listener(listener)).unwrap();
    let mut request = ClientRequest::get("/").header("x-probe", "1");
    request.method = "POST".to_owned();
    request.body = b"body".to_vec();
    let response = Client::http1().send(envoy.listener(0), &request).unwrap();
    assert_eq!(response.status, 200);
    let seen = |envoy: &Envoy| -> Vec<String> {
        let log = envoy.log();
        let lines = log.lines().filter(|line| line.contains("wasm log"));
        lines.filter_map(|line| Some(line.rsplit_once(": ")?.1.to_owned())).collect()
    };
    envoy.wait_for(weir_tests::PATIENCE, |envoy| seen(envoy).len() >= SEEN.len());
    let mut seen = seen(&envoy);
    // A body comes in as many pieces as the network makes; the mini host makes one.
    seen.dedup();
    seen
}
