//! What a configuration, or a client, may cost a module: bounds, in fuel and in places.

use std::time::Duration;
use weir_tests::minihost::{Answer, Module, Options, Plugin, Properties, Request, Response, Vm};

fn start(module: &str, options: &Options, configuration: &str) -> (Vm, Plugin) {
    let module = Module::from_file(&weir_tests::paths::module(module).unwrap()).unwrap();
    let vm = module.start(options).unwrap();
    let plugin = vm.configure(configuration).unwrap();
    (vm, plugin)
}

/// What a callback cost when it was called last, in fuel.
fn fuel(vm: &Vm, callback: &str) -> u64 {
    let calls = vm.take_calls();
    calls.iter().rfind(|call| call.callback == callback).unwrap().fuel
}

/// What `configure` costs, in fuel.
fn loading(configuration: &str) -> u64 {
    let (vm, _) = start("weir", &Options::default(), configuration);
    fuel(&vm, "proxy_on_configure")
}

/// Ten times the configuration is ten times the work: everything that is looked up has an index.
#[test]
fn loading_is_linear() {
    let list =
        |count: usize, one: &dyn Fn(usize) -> String| (0..count).map(one).collect::<Vec<_>>().join(",");
    let rules = |count| {
        let rule = |i| {
            format!(
                r#"{{"name": "rule-{i}", "match": {{"headers": {{"x-user": {{"exact": "user-{i}"}}}}}}, "setHeaders": {{"x-route": "v{}"}}}}"#,
                i % 100
            )
        };
        format!(r#"{{"routing": {{"rules": [{}]}}}}"#, list(count, &rule))
    };
    let experiments = |count| {
        let one = |i| {
            format!(
                r#"{{"key": "experiment-{i}", "layer": [{{"name": "layer-{}", "ranges": [[{}, {}]]}}], "variants": [{{"key": "a", "weight": 1}}, {{"key": "b", "weight": 1}}]}}"#,
                i / 50,
                (i % 50) as f64 / 50.0,
                (i % 50 + 1) as f64 / 50.0
            )
        };
        format!(
            r#"{{"experiments": {{"unit": "header:x-user-id", "list": [{}]}}, "metrics": {{"list": [{{"name": "orders_total", "experiments": "*"}}]}}}}"#,
            list(count, &one)
        )
    };
    let faults = |count| {
        let one = |i| {
            format!(
                r#"{{"name": "fault-{i}", "match": {{"uri": {{"prefix": "/{i}/"}}}}, "abort": {{"httpStatus": 503, "percentage": "10%"}}}}"#
            )
        };
        format!(r#"{{"faults": [{}]}}"#, list(count, &one))
    };
    let attributes = |count| {
        let one = |i| format!(r#""attribute-{i}": {{"header": "x-header-{i}", "lower": true}}"#);
        let rule =
            |i| format!(r#"{{"name": "r{i}", "condition": {{"attribute-{i}": "v"}}, "cluster": "c"}}"#);
        format!(
            r#"{{"attributes": {{{}}}, "routing": {{"rules": [{}]}}}}"#,
            list(count, &one),
            list(count, &rule)
        )
    };
    let kinds: [(&str, &dyn Fn(usize) -> String); 4] =
        [("rules", &rules), ("experiments", &experiments), ("faults", &faults), ("attributes", &attributes)];
    for (kind, configuration) in kinds {
        let (few, many) = (loading(&configuration(150)), loading(&configuration(1500)));
        eprintln!("{kind}: 150 cost {few} fuel, 1500 cost {many}");
        assert!(many < 12 * few, "{kind}: 150 cost {few} fuel, 1500 cost {many}");
    }
}

/// What the headers of a request cost the second time, in fuel, and the header that it was given.
fn request(vm: &Vm, plugin: &Plugin, request: &Request) -> (u64, Option<Vec<u8>>) {
    let mut route = None;
    for _ in 0..2 {
        vm.take_calls();
        let stream = plugin.open(request.clone(), Properties::new()).unwrap();
        route = stream.request().headers.first(b"x-route").map(<[u8]>::to_vec);
        stream.finish().unwrap();
    }
    (fuel(vm, "proxy_on_request_headers"), route)
}

/// Rules with one pattern each.
fn patterns(patterns: &[String]) -> String {
    let rules: Vec<_> = patterns
        .iter()
        .enumerate()
        .map(|(i, pattern)| {
            serde_json::json!({
                "name": format!("r{i}"),
                "condition": {"header:x-text": {"$regex": pattern}},
                "setHeaders": {"x-route": format!("r{i}")}
            })
        })
        .collect();
    serde_json::json!({"routing": {"rules": rules}}).to_string()
}

/// A byte costs a rule a look into a table.
#[test]
fn ordinary_patterns_on_long_texts_cost_little() {
    let ordinary: Vec<String> = (0..20)
        .map(|i| match i % 4 {
            0 => format!("[Bb]ot{i}|[Cc]rawler|[Ss]pider"),
            1 => format!(r"\b(google|bing|yandex)bot/{i}\b"),
            2 => format!(r"Version/{i}\.[0-9]+ .*Safari"),
            _ => format!(r"([a-z]+-)+{i}x"),
        })
        .collect();
    let (vm, plugin) = start("ab_routing", &Options::default(), &patterns(&ordinary));
    let short = request(&vm, &plugin, &Request::get("/").header("x-text", "")).0;
    let text = "Bo crawle spide google-bot Version-1.0 abc-".repeat(400);
    let text = &text[..16 * 1024];
    let (long, route) = request(&vm, &plugin, &Request::get("/").header("x-text", text));
    assert_eq!(route, None);
    let each = (long - short) as f64 / (20 * text.len()) as f64;
    eprintln!("{each:.1} fuel a byte and rule");
    // Fuel counts each instruction of WebAssembly, those that only name a local as well; compiled, it is
    // about 10 %.
    assert!(each < 55.0, "{each} fuel a byte and rule");

    // Short texts, as they are in paths.
    let (path, _) = request(&vm, &plugin, &Request::get("/").header("x-text", "/api/v1/items/42/details"));
    eprintln!("{} fuel a rule for 24 bytes", (path - short) / 20);
    assert!((path - short) / 20 < 1700);
}

/// Patterns whose states never come again, on texts that make them: one request ends with its bound.
#[test]
fn the_work_of_one_request_is_bounded() {
    let hostile: Vec<String> = (0..20).map(|i| format!("(a|b)*a(a|b){{{}}}c", 30 + i)).collect();
    let (vm, plugin) = start("ab_routing", &Options::default(), &patterns(&hostile));
    let mut number = 1u64;
    let mut random = || {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if number >> 63 == 0 { b'a' } else { b'b' }
    };
    let text: Vec<u8> = (0..60_000).map(|_| random()).collect();
    let (cost, route) = request(&vm, &plugin, &Request::get("/").header("x-text", text));
    eprintln!("{cost} fuel for all that a request may spend");
    assert_eq!(route, None);
    assert!(cost < 60_000_000, "{cost} fuel");
    // And the next one has all of it again.
    let (_, route) =
        request(&vm, &plugin, &Request::get("/").header("x-text", format!("{}c", "a".repeat(40))));
    assert_eq!(route.as_deref(), Some(b"r0".as_slice()));
}

const KEYS: &str =
    r#"{"keys": [{"kty": "oct", "kid": "one", "k": "YSBzZWNyZXQgb2YgdGhpcnR5LXR3byBieXRlcywgb2s"}]}"#;
/// `{"sub":"ann"}`, signed with the key `one`.
const ANN: &str = "Bearer eyJhbGciOiJIUzI1NiIsImtpZCI6Im9uZSJ9.eyJzdWIiOiJhbm4ifQ.hxH6Faob-HiP1fC7yAvce1IA08PN5-gDdy4SoDVCeuE";

/// Whoever lets a request wait for keys and leaves takes no place from those that stay.
#[test]
fn clients_that_leave_make_room() {
    let options = Options { clusters: vec!["jwks".to_owned()], ..Options::default() };
    let (vm, plugin) = start(
        "jwt_claims",
        &options,
        r#"{"jwt": {"providers": {"corp": {"jwks": {"remote": {"cluster": "jwks", "uri": "https://i/", "maxWaiting": 100}}}}}}"#,
    );
    vm.on_callout(|_| Answer::now(Response::status(200).body(KEYS)).after(Duration::from_secs(4)));
    let forged =
        |i: usize| Request::get("/").header("authorization", ANN.replace("hxH6", &format!("{i:04}")));
    let open = |request| plugin.open(request, Properties::new()).unwrap();
    for i in 0..100 {
        let stream = open(forged(i));
        assert!(stream.paused() && stream.take_local_reply().is_none());
        stream.finish().unwrap();
    }
    let honest = open(Request::get("/").header("authorization", ANN));
    assert!(honest.take_local_reply().is_none(), "nobody is there any more");
    assert!(honest.paused());
    // Those that stay keep their places.
    let waiting: Vec<_> = (100..199).map(|i| open(forged(i))).collect();
    vm.advance(Duration::from_millis(100)).unwrap();
    let one_too_many = open(Request::get("/").header("authorization", ANN));
    assert_eq!(one_too_many.take_local_reply().map(|reply| reply.code()), Some(503));
    let denied = "reason=.=keys_unavailable;.;weir_jwt_denied_total";
    assert_eq!(vm.metric(denied).map(|metric| metric.value), Some(1), "decided again, but counted once");
    for _ in 0..50 {
        vm.answer_callouts().unwrap();
        vm.advance(Duration::from_millis(100)).unwrap();
    }
    assert!(!honest.paused());
    assert!(waiting.iter().all(|stream| stream.take_local_reply().is_some_and(|reply| reply.code() == 401)));
}
