//! The test house itself: what case files can say about callouts, bodies and trailers is the same in both
//! drivers. A tiny module asks a cluster, edits bodies and adds to trailers.

use std::path::Path;

use tempfile::TempDir;
use weir_tests::case::{CaseFile, Driver, Located};
use weir_tests::driver::{self, envoy, minihost};

/// Asks the cluster `keys` for `/jwks` in its first tick and notes the status of the answer, or `lost`; until
/// then `none`. Each request gets it as `x-callout`, each response trailer too. Bodies become `edited`.
const PROBE: &str = r#"(module
  (import "env" "proxy_http_call"
    (func $call (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_get_header_map_value" (func $get (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_replace_header_map_value" (func $replace (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_remove_header_map_value" (func $remove (param i32 i32 i32) (result i32)))
  (import "env" "proxy_set_tick_period_milliseconds" (func $tick (param i32) (result i32)))
  (import "env" "proxy_set_buffer_bytes" (func $edit (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (global $asked (mut i32) (i32.const 0))
  (global $length (mut i32) (i32.const 4))
  (data (i32.const 0) "keys")
  (data (i32.const 8) ":status")
  (data (i32.const 16) "x-callout")
  (data (i32.const 32) "content-length")
  (data (i32.const 48) "edited")
  (data (i32.const 64) "\03\00\00\00\07\00\00\00\03\00\00\00\05\00\00\00\05\00\00\00\0a\00\00\00\04\00\00\00:method\00GET\00:path\00/jwks\00:authority\00keys\00")
  (data (i32.const 160) "none")
  (data (i32.const 168) "lost")
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "_initialize"))
  (func (export "malloc") (param i32) (result i32) (i32.const 4096))
  (func (export "proxy_on_context_create") (param i32 i32))
  (func (export "proxy_on_configure") (param i32 i32) (result i32)
    (drop (call $tick (i32.const 20))) (i32.const 1))
  (func (export "proxy_on_tick") (param i32)
    (if (i32.eqz (global.get $asked)) (then
      (global.set $asked (i32.eqz
        (call $call (i32.const 0) (i32.const 4) (i32.const 64) (i32.const 68) (i32.const 0) (i32.const 0)
          (i32.const 0) (i32.const 0) (i32.const 200) (i32.const 220)))))))
  (func (export "proxy_on_http_call_response") (param i32 i32 i32 i32 i32)
    (i32.store (i32.const 160) (i32.load (i32.const 168)))
    (if (i32.eqz (call $get (i32.const 6) (i32.const 8) (i32.const 7) (i32.const 224) (i32.const 228))) (then
      (i32.store (i32.const 160) (i32.load (i32.load (i32.const 224))))
      (global.set $length (i32.const 3)))))
  (func $note (param $map i32)
    (drop (call $replace (local.get $map) (i32.const 16) (i32.const 9) (i32.const 160) (global.get $length))))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (call $note (i32.const 0)) (i32.const 0))
  (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
    (drop (call $remove (i32.const 2) (i32.const 32) (i32.const 14))) (i32.const 0))
  (func (export "proxy_on_response_body") (param $id i32) (param $size i32) (param i32) (result i32)
    (if (local.get $size) (then
      (drop (call $edit (i32.const 1) (i32.const 0) (local.get $size) (i32.const 48) (i32.const 6)))))
    (i32.const 0))
  (func (export "proxy_on_response_trailers") (param i32 i32) (result i32)
    (call $note (i32.const 3)) (i32.const 0)))
"#;

const CASES: &str = r#"
config: {}
callouts: {keys: [{body: {keys: []}, path: /jwks}]}
cases:
- name: a callout is answered
  afterMs: 300
  expect: {upstream: {headers: {x-callout: "200"}}}
- name: an answer is for one path only
  callouts: {keys: [{path: /other}]}
  afterMs: 300
  expect: {upstream: {headers: {x-callout: "404"}}}
- name: a cluster that hangs up looks like one that is down
  callouts: {keys: [{fails: true}]}
  afterMs: 300
  expect: {upstream: {headers: {x-callout: "503"}}}
- name: an answer that breaks off is none
  callouts: {keys: [{breaks: true, body: half}]}
  afterMs: 300
  expect: {upstream: {headers: {x-callout: lost}}}
- name: a late answer is a timeout
  callouts: {keys: [{delayMs: 1000}]}
  afterMs: 500
  expect: {upstream: {headers: {x-callout: "504"}}}
- name: a cluster that nobody named is not there
  callouts: {}
  afterMs: 300
  expect: {upstream: {headers: {x-callout: none}}}
- name: bodies are as the module leaves them
  upstream: {status: 201, body: hello}
  expect: {response: {status: 201, body: edited, headers: {content-length: null}}}
- name: an answer without a body stays without
  expect: {response: {status: 200, body: ""}}
- name: trailers pass and can be written
  afterMs: 300
  upstream: {body: hello, trailers: {grpc-status: "0"}}
  expect: {response: {body: edited, trailers: {grpc-status: "0", x-callout: "200"}}}
"#;

fn cases() -> (Vec<Located>, TempDir) {
    let directory = tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap();
    let module = directory.path().join("probe.wasm");
    std::fs::write(&module, wat::parse_str(PROBE).unwrap()).unwrap();
    let yaml = format!("module: {}\n{CASES}", module.display());
    (vec![Located { id: "house".to_owned(), file: CaseFile::parse(&yaml).unwrap() }], directory)
}

#[test]
fn the_mini_host_does_as_the_cases_say() {
    let (files, _directory) = cases();
    let modules = minihost::Modules::default();
    for planned in driver::plan(&files, Driver::Minihost) {
        minihost::run(&modules, planned.file, planned.case)
            .unwrap_or_else(|e| panic!("{}: {e}", planned.name));
    }
}

#[test]
fn envoy_does_as_the_cases_say() {
    let (files, _directory) = cases();
    let planned = driver::plan(&files, Driver::Envoy);
    let fleet = envoy::Fleet::new(&planned, Driver::Envoy).unwrap();
    for planned in &planned {
        fleet.run(planned.file, planned.case).unwrap_or_else(|e| panic!("{}: {e}", planned.name));
    }
}
