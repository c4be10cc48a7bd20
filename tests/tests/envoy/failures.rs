//! What Envoy does when a module traps, by failure policy, and when it refuses its configuration. Weir must
//! not trap, so a tiny module does it here: this is why the shipped manifests name their policies.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use weir_tests::client::{Client, Request};
use weir_tests::envoy::{Bootstrap, Envoy, EnvoyError, FailurePolicy, Listener, Plugin};

/// Traps on a request with more than twenty headers, marks all others with `x-alive: 1`.
const TRAPS: &str = r#"(module
  (import "env" "proxy_add_header_map_value" (func $add (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "x-alive1")
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "_initialize"))
  (func (export "malloc") (param i32) (result i32) (i32.const 4096))
  (func (export "proxy_on_context_create") (param i32 i32))
  (func (export "proxy_on_request_headers") (param $id i32) (param $headers i32) (param i32) (result i32)
    (if (i32.gt_u (local.get $headers) (i32.const 20)) (then unreachable))
    (drop (call $add (i32.const 0) (i32.const 0) (i32.const 7) (i32.const 7) (i32.const 1)))
    (i32.const 0)))
"#;

/// One answer: `alive` through the module, `bypassed` without it, or the status.
fn answer(envoy: &Envoy, deadly: bool) -> String {
    let headers = if deadly { 30 } else { 0 };
    let request = (0..headers).fold(Request::get("/"), |request, n| request.header(&format!("x-{n}"), "1"));
    let response = Client::http1().send(envoy.listener(0), &request).unwrap();
    match response.seen() {
        Some(seen) if seen.header_bytes("x-alive").is_empty() => "bypassed".to_owned(),
        Some(_) => "alive".to_owned(),
        None => response.status.to_string(),
    }
}

fn start(policy: FailurePolicy) -> (Envoy, TempDir) {
    let directory = tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap();
    let path = directory.path().join("traps.wasm");
    std::fs::write(&path, wat::parse_str(TRAPS).unwrap()).unwrap();
    let plugin = Plugin::from_file(&path).failure_policy(policy);
    let envoy = Envoy::start(Bootstrap::default().listener(Listener::new().plugin(plugin))).unwrap();
    assert_eq!(answer(&envoy, false), "alive");
    (envoy, directory)
}

#[test]
fn closed_answers_503_for_ever() {
    let (envoy, _module) = start(FailurePolicy::Closed);
    assert_eq!(answer(&envoy, true), "503");
    for _ in 0..20 {
        assert_eq!(answer(&envoy, false), "503");
    }
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(answer(&envoy, false), "503");
}

#[test]
fn open_lets_everything_after_the_trap_pass_without_the_module() {
    let (envoy, _module) = start(FailurePolicy::Open);
    // Open is about the streams that come later.
    assert_eq!(answer(&envoy, true), "503");
    for _ in 0..20 {
        assert_eq!(answer(&envoy, false), "bypassed");
    }
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(answer(&envoy, false), "bypassed");
}

#[test]
fn reload_starts_a_new_vm_and_closes_where_it_cannot_yet() {
    let (envoy, _module) = start(FailurePolicy::Reload);
    assert_eq!(answer(&envoy, true), "503");
    let mut answers = vec![answer(&envoy, false)];
    let mut back = |envoy: &Envoy| {
        let answer = answer(envoy, false);
        answers.push(answer.clone());
        answer == "alive"
    };
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while !back(&envoy) && std::time::Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(answers.last().unwrap(), "alive", "{answers:?}");
    // In between it is closed, never open.
    assert!(answers.iter().all(|answer| ["alive", "503"].contains(&answer.as_str())), "{answers:?}");
}

#[test]
fn a_static_configuration_with_mistakes_keeps_envoy_from_starting() {
    let config = json!({"routing": {"rules": [{"name": "a"}, {"name": "b", "cluster": ""}]}});
    let plugin = Plugin::new("ab_routing").unwrap().config(&config).failure_policy(FailurePolicy::Open);
    match Envoy::start(Bootstrap::default().listener(Listener::new().plugin(plugin))) {
        Err(EnvoyError::Ended(log)) => {
            for problem in
                ["2 problem(s)", "routing.rules[0]: specify setHeaders", "routing.rules[1].cluster: "]
            {
                assert!(log.contains(problem), "{problem} is not in\n{log}");
            }
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("Envoy started, although the policy is about traps and not about configurations"),
    }
}
