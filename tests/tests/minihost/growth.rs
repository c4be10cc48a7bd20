//! What a long configuration costs a request: nearly nothing, in fuel.

use serde_json::{Value, json};
use weir_tests::minihost::{Module, Options, Properties, Request};

/// Configurations of one kind with any number of rules.
type Rules = fn(usize) -> Value;

fn routing(count: usize, one: fn(usize) -> Value) -> Value {
    let rule = |i| {
        let mut rule = one(i);
        rule["name"] = json!(format!("rule-{i}"));
        rule["setHeaders"] = json!({"x-route": format!("v{}", i % 100)});
        rule
    };
    json!({"routing": {"rules": (0..count).map(rule).collect::<Value>()}})
}

const KINDS: [(&str, Rules); 7] = [
    ("header", |count| {
        routing(count, |i| json!({"match": {"headers": {"x-user": {"exact": format!("user-{i}")}}}}))
    }),
    ("path", |count| routing(count, |i| json!({"match": {"uri": {"exact": format!("/p/{i}")}}}))),
    ("prefix", |count| {
        let one = |i| json!({"match": {"uri": {"prefix": format!("/p/{i}/")}, "method": {"exact": "GET"}}});
        routing(count, one)
    }),
    ("host", |count| routing(count, |i| json!({"match": {"authority": {"exact": format!("h{i}.example")}}}))),
    ("condition", |count| routing(count, |i| json!({"condition": {"header:x-user": format!("user-{i}")}}))),
    ("list", |count| {
        routing(
            count,
            |i| json!({"condition": {"header:x-user": {"$in": [format!("a-{i}"), format!("b-{i}")]}}}),
        )
    }),
    ("pattern", |count| {
        routing(count, |i| json!({"match": {"uri": {"regex": format!("/p/{i}/[a-z]+(/.*)?")}}}))
    }),
];

/// What the headers of a request cost with a configuration, in fuel.
fn request(module: &Module, configuration: &Value) -> u64 {
    let vm = module.start(&Options::default()).unwrap();
    let plugin = vm.configure(&configuration.to_string()).unwrap();
    for _ in 0..3 {
        vm.take_calls();
        let request = Request::get("/p/7000/x")
            .header("x-user", "user-7000")
            .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36")
            .header("accept", "*/*");
        plugin.open(request, Properties::new()).unwrap().finish().unwrap();
    }
    let calls = vm.take_calls();
    calls.iter().rfind(|call| call.callback == "proxy_on_request_headers").unwrap().fuel
}

/// A request is asked about the rules only that can be for it.
#[test]
fn a_request_costs_nearly_the_same_with_a_thousand_rules_as_with_ten() {
    let module = Module::from_file(&weir_tests::paths::module("ab_routing").unwrap()).unwrap();
    for (kind, rules) in KINDS {
        let [one, ten, many] = [1, 10, 1000].map(|count| request(&module, &rules(count)));
        eprintln!("rules by {kind}: {one} with one, {ten} with ten, {many} with a thousand");
        // Without an index, each rule costs a hundred, and each that is not about a header a thousand.
        assert!(many < one + 3000, "rules by {kind}: {one} with one, {ten} with ten, {many} with a thousand");
    }
}
