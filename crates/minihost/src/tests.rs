//! Modules written in WAT show that the host does what Envoy does.

use std::time::Duration;

use super::*;

/// A bump allocator, four imports and some memory: what most modules below share.
const PRELUDE: &str = r#"
  (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
  (import "env" "proxy_get_header_map_value" (func $get (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_add_header_map_value" (func $add (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_replace_header_map_value" (func $replace (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_tick_period_milliseconds" (func $tick (param i32) (result i32)))
  (import "env" "proxy_set_effective_context" (func $effective (param i32) (result i32)))
  (import "env" "proxy_continue_stream" (func $continue (param i32) (result i32)))
  (import "env" "proxy_send_local_response"
    (func $reply (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_get_buffer_bytes" (func $buffer (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (global $heap (mut i32) (i32.const 4096))
  (func (export "proxy_on_memory_allocate") (param $n i32) (result i32)
    global.get $heap
    (global.set $heap (i32.add (global.get $heap) (local.get $n))))
  (func $status_to_header (param $map i32) (param $status i32)
    (i32.store8 (i32.const 64) (i32.add (i32.const 48) (local.get $status)))
    (drop (call $add (local.get $map) (i32.const 16) (i32.const 8) (i32.const 64) (i32.const 1))))
  (data (i32.const 0) "x-group\00")
  (data (i32.const 16) "x-status")
  (data (i32.const 32) "it went wrong")
"#;

fn module(body: &str) -> Module {
    Module::from_bytes(format!("(module {PRELUDE} {body})").as_bytes()).unwrap()
}

fn plugin(body: &str) -> Plugin {
    module(body).start(&Options::default()).unwrap().configure("{}").unwrap()
}

#[test]
fn a_module_without_callbacks_lets_everything_pass() {
    let plugin = plugin("");
    let exchange = plugin.exchange(Request::get("/a"), Response::status(204)).unwrap();
    assert_eq!(exchange.upstream, Some(Request::get("/a")));
    assert_eq!(exchange.response, Some(Response::status(204)));
    assert_eq!(exchange.cost, Cost::default());
}

const READ_GROUP: &str = r#"
  (func (export "proxy_on_request_headers") (param $id i32) (param i32 i32) (result i32)
    (local $status i32)
    (local.set $status
      (call $get (i32.const 0) (i32.const 0) (i32.const 7) (i32.const 80) (i32.const 84)))
    (if (i32.eqz (local.get $status)) (then
      (drop (call $replace (i32.const 0) (i32.const 16) (i32.const 8)
        (i32.load (i32.const 80)) (i32.load (i32.const 84))))))
    (i32.const 0))
"#;

#[test]
fn values_cross_as_bytes_and_calls_are_counted() {
    let plugin = plugin(READ_GROUP);
    let request = Request::get("/").header("X-Group", b"\xff\x01").header("x-group", "second");
    let exchange = plugin.exchange(request, Response::status(200)).unwrap();
    let upstream = exchange.upstream.unwrap();
    assert_eq!(upstream.headers.first(b"x-status"), Some(&b"\xff\x01"[..]));
    let calls: Vec<_> = exchange.cost.hostcalls.into_iter().collect();
    let expected = [("proxy_get_header_map_value", 1), ("proxy_replace_header_map_value", 1)];
    assert_eq!(calls, expected.map(|(name, count)| (name.to_owned(), count)));
    assert_eq!(exchange.route_cache_clears, 1);
}

#[test]
fn cost_is_the_same_each_time() {
    let plugin = plugin(READ_GROUP);
    let mut fuel = Vec::new();
    for _ in 0..3 {
        let request = Request::get("/").header("x-group", "a");
        fuel.push(plugin.exchange(request, Response::status(200)).unwrap().cost.fuel);
    }
    assert!(fuel[0] > 0);
    assert_eq!(fuel, [fuel[0]; 3]);
}

#[test]
fn reading_request_headers_in_the_response_phase_is_a_bad_argument() {
    let plugin = plugin(
        r#"(func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
            (call $status_to_header (i32.const 2)
              (call $get (i32.const 0) (i32.const 0) (i32.const 7) (i32.const 80) (i32.const 84)))
            (i32.const 0))"#,
    );
    let request = Request::get("/").header("x-group", "a");
    let response = plugin.exchange(request, Response::status(200)).unwrap().response.unwrap();
    assert_eq!(response.headers.first(b"x-status"), Some(&b"2"[..]));
}

#[test]
fn the_access_log_phase_reads_and_does_not_write() {
    let plugin = plugin(
        r#"(func (export "proxy_on_log") (param i32)
            (i32.store8 (i32.const 64) (i32.add (i32.const 48)
              (call $get (i32.const 0) (i32.const 0) (i32.const 7) (i32.const 80) (i32.const 84))))
            (i32.store8 (i32.const 65) (i32.add (i32.const 48)
              (call $add (i32.const 0) (i32.const 0) (i32.const 7) (i32.const 0) (i32.const 7))))
            (drop (call $log (i32.const 2) (i32.const 64) (i32.const 2))))"#,
    );
    let exchange = plugin.exchange(Request::get("/").header("x-group", "a"), Response::status(200)).unwrap();
    assert_eq!(exchange.log[0].to_string(), "[info] 02");
}

#[test]
fn callbacks_run_in_envoys_order() {
    let plugin = plugin(
        r#"(func (export "proxy_on_context_create") (param i32 i32))
           (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (i32.const 0))
           (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32) (i32.const 0))
           (func (export "proxy_on_log") (param i32))
           (func (export "proxy_on_done") (param i32) (result i32) (i32.const 1))
           (func (export "proxy_on_delete") (param i32))"#,
    );
    let exchange = plugin.exchange(Request::get("/"), Response::status(200)).unwrap();
    let order: Vec<_> = exchange.calls.iter().map(|call| call.callback.as_str()).collect();
    let expected = [
        "proxy_on_context_create",
        "proxy_on_request_headers",
        "proxy_on_response_headers",
        "proxy_on_log",
        "proxy_on_done",
        "proxy_on_delete",
    ];
    assert_eq!(order, expected);
    assert_eq!(plugin.vm().open_streams(), 0);
}

#[test]
fn a_trap_tells_the_panic_message_and_kills_the_vm() {
    let plugin = plugin(
        r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
            (drop (call $log (i32.const 5) (i32.const 32) (i32.const 13)))
            unreachable)"#,
    );
    let error = plugin.exchange(Request::get("/"), Response::status(200)).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("trap in proxy_on_request_headers"), "{text}");
    assert!(text.contains("it went wrong"), "{text}");
    let error = plugin.exchange(Request::get("/"), Response::status(200)).unwrap_err();
    assert!(error.to_string().contains("dead"), "{error}");
}

#[test]
fn a_loop_without_end_is_stopped() {
    let plugin = plugin(
        r#"(func (export "proxy_on_context_create") (param i32 i32)
             (if (local.get 1) (then (loop $again (br $again)))))"#,
    );
    let error = plugin.exchange(Request::get("/"), Response::status(200)).unwrap_err();
    assert!(error.to_string().contains("fuel"), "{error}");
}

/// Holds each request; the third tick of 10 ms resumes it.
const HOLD: &str = r#"
  (global $held (mut i32) (i32.const 0))
  (global $ticks (mut i32) (i32.const 0))
  (func (export "proxy_on_configure") (param i32 i32) (result i32)
    (call $tick (i32.const 10)) drop (i32.const 1))
  (func (export "proxy_on_request_headers") (param $id i32) (param i32 i32) (result i32)
    (global.set $held (local.get $id)) (i32.const 1))
  (func (export "proxy_on_tick") (param i32)
    (global.set $ticks (i32.add (global.get $ticks) (i32.const 1)))
    (if (i32.eq (global.get $ticks) (i32.const 3)) (then
      (if (i32.eqz (call $effective (global.get $held))) (then
        (drop (call $continue (i32.const 0)))))))) 
"#;

#[test]
fn ticks_resume_held_requests_on_the_tests_clock() {
    let plugin = plugin(HOLD);
    assert_eq!(plugin.tick_period(), Some(Duration::from_millis(10)));
    let exchange = plugin.exchange(Request::get("/"), Response::status(200)).unwrap();
    assert!(exchange.upstream.is_some());
    assert_eq!(exchange.elapsed, Duration::from_millis(30));
}

#[test]
fn a_client_that_left_cannot_be_resumed() {
    let plugin = plugin(HOLD);
    let stream = plugin.open(Request::get("/"), Properties::new()).unwrap();
    assert!(stream.paused());
    stream.finish().unwrap();
    plugin.vm().take_calls();
    plugin.vm().advance(Duration::from_millis(35)).unwrap();
    let ticks = plugin.vm().take_calls();
    assert_eq!(ticks.len(), 3);
    assert_eq!(ticks[2].hostcalls.len(), 1, "set_effective_context failed, so nothing was resumed");
}

#[test]
fn a_request_that_nothing_resumes_is_reported() {
    let plugin = plugin(
        r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (i32.const 1))"#,
    );
    let error = plugin.exchange(Request::get("/"), Response::status(200)).unwrap_err();
    assert_eq!(error.to_string(), "the module holds the request for ever");
}

#[test]
fn a_local_reply_keeps_the_request_from_the_upstream_and_passes_the_response_callback() {
    let plugin = plugin(
        r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
            (drop (call $reply (i32.const 418) (i32.const 0) (i32.const 0) (i32.const 32) (i32.const 13)
              (i32.const 0) (i32.const 0) (i32.const -1)))
            (i32.const 0))
          (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
            (call $status_to_header (i32.const 2) (i32.const 0)) (i32.const 0))"#,
    );
    let exchange = plugin.exchange(Request::get("/"), Response::status(200)).unwrap();
    assert_eq!(exchange.upstream, None);
    let response = exchange.response.unwrap();
    assert_eq!((response.code(), response.body.as_slice()), (418, &b"it went wrong"[..]));
    assert_eq!(response.headers.first(b"x-status"), Some(&b"0"[..]));
}

/// Refuses configurations that begin with `n`, and keeps the length of the others for its streams.
const CONFIGURED: &str = r#"
  (func (export "proxy_on_configure") (param i32 i32) (result i32)
    (drop (call $buffer (i32.const 7) (i32.const 0) (i32.const 100) (i32.const 80) (i32.const 84)))
    (if (i32.eq (i32.load8_u (i32.load (i32.const 80))) (i32.const 110)) (then
      (drop (call $log (i32.const 4) (i32.load (i32.const 80)) (i32.load (i32.const 84))))
      (return (i32.const 0))))
    (i32.const 1))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (call $status_to_header (i32.const 0)
      (call $buffer (i32.const 7) (i32.const 0) (i32.const 100) (i32.const 80) (i32.const 84)))
    (i32.const 0))
"#;

#[test]
fn several_plugins_share_a_vm_and_one_may_be_refused() {
    let vm = module(CONFIGURED).start(&Options::default()).unwrap();
    let first = vm.configure("yes").unwrap();
    let Err(ConfigureError::Refused(log)) = vm.configure("no: 1 problem") else { panic!("not refused") };
    assert_eq!(log[0].to_string(), "[error] no: 1 problem");
    let second = vm.configure("yes too").unwrap();
    for plugin in [first, second] {
        let exchange = plugin.exchange(Request::get("/"), Response::status(200)).unwrap();
        // The configuration is gone once the plugin is configured: NotFound.
        assert_eq!(exchange.upstream.unwrap().headers.first(b"x-status"), Some(&b"1"[..]));
    }
}

#[test]
fn imports_that_envoy_lacks_are_refused() {
    let load = |import: &str| Module::from_bytes(format!("(module {import})").as_bytes()).err();
    let unknown = load(r#"(import "env" "proxy_teleport" (func))"#).unwrap();
    assert!(unknown.to_string().contains("env.proxy_teleport"), "{unknown}");
    let wrong = load(r#"(import "env" "proxy_log" (func (param i64) (result i32)))"#).unwrap();
    assert!(wrong.to_string().contains("signature"), "{wrong}");
    assert!(load(r#"(import "env" "proxy_log" (func (param i32 i32 i32) (result i32)))"#).is_none());
}

#[test]
fn callouts_are_answered_or_time_out() {
    let module = Module::from_bytes(
        br#"(module
          (import "env" "proxy_http_call"
            (func $call (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
          (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
          (import "env" "proxy_get_header_map_value" (func $get (param i32 i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (func (export "malloc") (param i32) (result i32) (i32.const 4096))
          (data (i32.const 0) "jwks:status")
          (data (i32.const 16) "\03\00\00\00\07\00\00\00\03\00\00\00\05\00\00\00\01\00\00\00\0a\00\00\00\01\00\00\00:method\00GET\00:path\00/\00:authority\00a\00")
          (func (export "proxy_on_configure") (param i32 i32) (result i32)
            (i32.eqz (call $call (i32.const 0) (i32.const 4) (i32.const 16) (i32.const 62)
              (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 250) (i32.const 200))))
          (func (export "proxy_on_http_call_response") (param i32 i32 i32 i32 i32)
            (drop (call $get (i32.const 6) (i32.const 4) (i32.const 7) (i32.const 80) (i32.const 84)))
            (drop (call $log (i32.const 2) (i32.load (i32.const 80)) (i32.load (i32.const 84)))))
        )"#,
    )
    .unwrap();
    assert!(matches!(
        module.start(&Options::default()).unwrap().configure(""),
        Err(ConfigureError::Refused(_))
    ));
    let options = Options { clusters: vec!["jwks".into()], ..Options::default() };
    let vm = module.start(&options).unwrap();
    vm.configure("").unwrap();
    vm.advance(Duration::from_millis(249)).unwrap();
    assert!(vm.log().is_empty());
    vm.advance(Duration::from_millis(1)).unwrap();
    assert_eq!(vm.log()[0].message, "504");

    let vm = module.start(&options).unwrap();
    vm.on_callout(|callout| {
        assert_eq!(callout.headers.first(b":authority"), Some(&b"a"[..]));
        Answer::now(Response::status(200))
    });
    vm.configure("").unwrap();
    vm.answer_callouts().unwrap();
    vm.advance(Duration::from_secs(1)).unwrap();
    assert_eq!(vm.log().iter().map(|line| line.message.as_str()).collect::<Vec<_>>(), ["200"]);
}
