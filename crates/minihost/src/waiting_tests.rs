//! Several streams that wait at once, and what may happen to them meanwhile.

use std::time::Duration;

use super::*;

/// Holds each request for as many ticks of 10 ms as its context's number says; then lets it go, or with
/// `ANSWER` in place answers it.
const PRELUDE: &str = r#"
  (import "env" "proxy_set_tick_period_milliseconds" (func $tick (param i32) (result i32)))
  (import "env" "proxy_set_effective_context" (func $effective (param i32) (result i32)))
  (import "env" "proxy_continue_stream" (func $continue (param i32) (result i32)))
  (import "env" "proxy_send_local_response"
    (func $reply (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (global $ticks (mut i32) (i32.const 0))
  (func (export "malloc") (param i32) (result i32) (i32.const 4096))
  (data (i32.const 0) "first_reasonsecond")
  (func (export "proxy_on_configure") (param i32 i32) (result i32)
    (drop (call $tick (i32.const 10))) (i32.const 1))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (i32.const 1))
  (func $answer (param $status i32)
    (drop (call $reply (local.get $status) (i32.const 0) (i32.const 12) (i32.const 0) (i32.const 5)
      (i32.const 0) (i32.const 0) (i32.const -1))))
"#;

fn plugin(on_tick: &str) -> Plugin {
    let tick = format!(
        r#"(func (export "proxy_on_tick") (param i32)
             (global.set $ticks (i32.add (global.get $ticks) (i32.const 1)))
             (if (i32.eqz (call $effective (i32.add (global.get $ticks) (i32.const 1)))) (then {on_tick})))"#
    );
    let module = Module::from_bytes(format!("(module {PRELUDE} {tick})").as_bytes()).unwrap();
    module.start(&Options::default()).unwrap().configure("{}").unwrap()
}

fn open(plugin: &Plugin) -> Stream {
    plugin.open(Request::get("/"), Properties::new()).unwrap()
}

#[test]
fn each_of_several_streams_goes_on_at_its_own_time() {
    let plugin = plugin("(drop (call $continue (i32.const 0)))");
    let streams = [open(&plugin), open(&plugin), open(&plugin)];
    for waited in 0..=3 {
        let paused: Vec<_> = streams.iter().map(Stream::paused).collect();
        assert_eq!(paused, [waited < 1, waited < 2, waited < 3]);
        plugin.vm().advance(Duration::from_millis(10)).unwrap();
    }
    let calls = plugin.vm().take_calls();
    let tick = calls.iter().position(|call| call.callback == "proxy_on_tick").unwrap();
    assert!(calls[tick..].iter().all(|call| call.callback == "proxy_on_tick"), "nothing runs inside a tick");
    for mut stream in streams {
        stream.response_headers(Response::status(200)).unwrap();
        stream.finish().unwrap();
    }
    assert_eq!(plugin.vm().open_streams(), 0);
}

#[test]
fn who_leaves_does_not_disturb_the_others() {
    let plugin = plugin("(drop (call $continue (i32.const 0)))");
    let [leaves, stays] = [open(&plugin), open(&plugin)];
    leaves.finish().unwrap();
    plugin.vm().take_calls();
    plugin.vm().advance(Duration::from_millis(10)).unwrap();
    assert_eq!(plugin.vm().take_calls()[0].hostcalls.get("proxy_continue_stream"), None);
    assert!(stays.paused());
    plugin.vm().advance(Duration::from_millis(10)).unwrap();
    assert!(!stays.paused());
}

#[test]
fn a_tick_may_answer_and_only_the_first_answer_counts() {
    let plugin = plugin("(call $answer (i32.const 503)) (call $answer (i32.const 200))");
    let exchange = plugin.exchange(Request::get("/"), Response::status(200)).unwrap();
    let response = exchange.response.unwrap();
    assert_eq!((response.code(), response.body.as_slice()), (503, &b"first"[..]));
    assert_eq!((exchange.upstream, exchange.elapsed), (None, Duration::from_millis(10)));
}

#[test]
fn timers_do_not_notice_a_correction_of_the_clock() {
    let plugin = plugin("(drop (call $continue (i32.const 0)))");
    let vm = plugin.vm();
    let stream = open(&plugin);
    let before = vm.clock();
    vm.set_clock(before - 3_600_000_000_000);
    vm.advance(Duration::from_millis(9)).unwrap();
    assert!(stream.paused());
    vm.advance(Duration::from_millis(1)).unwrap();
    assert!(!stream.paused());
    assert_eq!(vm.clock(), before - 3_600_000_000_000 + 10_000_000);
    vm.take_calls();
    vm.set_clock(before + 3_600_000_000_000);
    vm.advance(Duration::from_millis(10)).unwrap();
    assert_eq!(vm.take_calls().len(), 1, "a jump forward makes no burst of ticks");
}

#[test]
fn a_body_whose_length_is_wrong_is_an_error() {
    let module = Module::from_bytes(
        br#"(module
          (import "env" "proxy_set_buffer_bytes" (func $edit (param i32 i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (func (export "proxy_on_response_body") (param i32 i32 i32) (result i32)
            (drop (call $edit (i32.const 1) (i32.const 0) (i32.const 100) (i32.const 0) (i32.const 3)))
            (i32.const 0)))"#,
    );
    let plugin = module.unwrap().start(&Options::default()).unwrap().configure("{}").unwrap();
    let response = |length: &str| Response::status(200).header("content-length", length).body("hello");
    let error = plugin.exchange(Request::get("/"), response("5")).unwrap_err();
    assert_eq!(error.to_string(), "content-length is 5, but the body has 3 bytes");
    plugin.exchange(Request::get("/"), response("3")).unwrap();
}
