//! The module's memory stays as it is: over many requests, and over streams that never get a response.

use weir_tests::minihost::{Module, Options, Plugin, Properties, Request, Response, Vm};

const REQUESTS: u32 = 20_000;

/// More than the module keeps responses for.
const UNANSWERED: u32 = 70_000;

/// Every feature that keeps something for the response.
const CONFIG: &str = r#"{
  "attributes": {"user": {"header": "x-user-id"}, "json": {"header": "x-json", "type": "json"}},
  "routing": {
    "rules": [
      {"name": "beta", "match": {"headers": {"x-user-group": {"regex": "beta-.*"}}}, "setHeaders": {"x-weir-route": "v2"}},
      {"name": "json", "condition": {"json.a": "b"}, "rewrite": {"uri": "/json"}},
      {"name": "split", "split": {"stickyBy": ["user"], "mintCookie": {"name": "id"}, "targets": [
        {"name": "a", "weight": 1, "setHeaders": {"x-weir-route": "v1"}},
        {"name": "b", "weight": 1, "setHeaders": {"x-weir-route": "v2"}}]}}
    ],
    "response": {"debugHeader": "x-rule", "vary": true}
  }
}"#;

fn start() -> (Vm, Plugin) {
    let module = Module::from_file(&weir_tests::paths::module("ab_routing").unwrap()).unwrap();
    let vm = module.start(&Options::default()).unwrap();
    let plugin = vm.configure(CONFIG).unwrap();
    (vm, plugin)
}

/// Ordinary and hostile ones in turn.
fn request(number: u32) -> Request {
    let request = Request::get(&format!("/p/{number}?a=%zz&b={number}"));
    match number % 8 {
        0 => request.header("x-user-group", "beta-testers").header("x-weir-route", "forged"),
        1 => request.header("x-user-id", format!("user-{number}")),
        2 => request.header("x-json", r#"{"a": "b", "c": [1, 2, {"d": null}]}"#),
        3 => request.header("x-user-id", vec![b'u'; 4096]),
        4 => request.header("x-user-group", b"\xff\xfe").header("cookie", b"id=\xff; ;;=".as_slice()),
        5 => (0..40).fold(request, |request, n| request.header("x-user-group", format!("{n}"))),
        6 => request.header("x-json", "[".repeat(300)),
        _ => request,
    }
}

#[test]
fn memory_is_flat_over_twenty_thousand_requests() {
    let (vm, plugin) = start();
    let mut after_warm_up = 0;
    for number in 0..REQUESTS {
        let exchange = plugin.exchange(request(number), Response::status(200)).unwrap();
        assert!(exchange.response.unwrap().headers.first(b"x-rule").is_some());
        if number == 2_000 {
            after_warm_up = vm.memory_pages();
        }
    }
    assert_eq!(vm.memory_pages(), after_warm_up);
    assert_eq!(vm.open_streams(), 0);
}

#[test]
fn streams_without_a_response_cost_a_bounded_amount() {
    let (vm, plugin) = start();
    let mut full = 0;
    for number in 0..UNANSWERED + 10_000 {
        // The client goes away before any response.
        plugin.open(request(number), Properties::new()).unwrap().finish().unwrap();
        if number == UNANSWERED {
            full = vm.memory_pages();
        }
    }
    // 64 KiB pages: what is kept for responses that never come has its bound, reached before.
    assert_eq!(vm.memory_pages(), full);
    assert!(full < 800, "{full} pages");
    // And the VM serves on.
    let exchange = plugin.exchange(request(0), Response::status(200)).unwrap();
    assert_eq!(exchange.response.unwrap().headers.first(b"x-rule"), Some(b"beta".as_slice()));
}
