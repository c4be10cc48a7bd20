//! A million requests, ordinary and hostile ones mixed: every answer is the right one, and memory does not
//! grow. `WEIR_LOAD_REQUESTS` changes the number.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use weir_tests::client::{Client, Request, runtime};
use weir_tests::envoy::{Bootstrap, Envoy, Listener, Plugin};

/// HTTP/2 connections, and streams under way on each.
const CONNECTIONS: usize = 4;
const STREAMS: usize = 32;
/// Growth that allocators' caches explain.
const SLACK: u64 = 8 << 20;

fn config() -> Value {
    json!({
        "attributes": {"json": {"header": "x-json", "type": "json"}, "age": {"header": "x-age", "type": "number"}},
        "routing": {"rules": [
            {"name": "beta", "match": {"headers": {"x-user-group": {"exact": "beta-testers"}}}, "setHeaders": {"x-weir-route": "v2"}},
            {"name": "text", "match": {"headers": {"x-text": {"regex": "(a|b)*c"}}}, "setHeaders": {"x-weir-route": "v2"}},
            {"name": "json", "condition": {"json.plan": "pro", "age": {"$gte": 18}}, "setHeaders": {"x-weir-route": "v2"}},
            {"name": "cookie", "match": {"cookies": {"side": {"exact": "b"}}}, "setHeaders": {"x-weir-route": "v2"}},
            {"name": "split", "match": {"uri": {"prefix": "/split"}}, "split": {
                "stickyBy": "header:x-user-id", "mintCookie": {"name": "id"},
                "targets": [{"name": "a", "weight": 0}, {"name": "b", "weight": 1, "setHeaders": {"x-weir-route": "v2"}}],
            }},
        ], "response": {"debugHeader": "x-rule"}},
    })
}

/// Answered by Envoy itself, so that what is loaded is Envoy and the module.
fn routes() -> Value {
    let answer = |body: &str| json!({"status": 200, "body": {"inline_string": body}});
    let header = json!({"name": "x-weir-route", "string_match": {"exact": "v2"}});
    json!([
        {"match": {"prefix": "/", "headers": [header]}, "direct_response": answer("v2")},
        {"match": {"prefix": "/"}, "direct_response": answer("v1")},
    ])
}

/// Each kind of request with the rule that it must meet. The body must agree: all rules lead to v2.
fn kinds() -> Vec<(Request, &'static str)> {
    let get = Request::get;
    let many = |value: &str| (0..60).fold(get("/"), |request, _| request.header("x-user-group", value));
    vec![
        (get("/"), "none"),
        (get("/").header("x-user-group", "beta-testers"), "beta"),
        (get("/").header("x-user-group", "staff").header("x-weir-route", "v2"), "none"),
        (get("/").header("x-user-group", b"beta\xff\xfe"), "none"),
        (many("staff"), "none"),
        (many("staff").header("x-user-group", "beta-testers"), "beta"),
        (get("/").header("x-text", "abababc"), "text"),
        (get("/").header("x-text", "ab".repeat(2_000)), "none"),
        (get("/").header("x-json", r#"{"plan":"pro"}"#).header("x-age", "20"), "json"),
        (get("/").header("x-json", "[".repeat(500)).header("x-age", "1e999"), "none"),
        (get("/").header("cookie", "a=b; side=b"), "cookie"),
        (get("/").header("cookie", b";;=\xff;side=a;side=b"), "none"),
        (get("/split?x=%zz").header("x-user-id", "ada"), "split/b"),
        (get("/split/anonymous"), "split/b"),
        (get("/").header("x-weir-route", "v2").header("x-weir-route", b"\xff"), "none"),
        (get("/?&&==&%&a=b"), "none"),
    ]
}

/// Sends `count` requests; gives the first wrong answers.
fn send(envoy: &Envoy, clients: &[Client], count: usize) -> Vec<String> {
    let address = envoy.listener(0);
    let (next, kinds) = (Arc::new(AtomicUsize::new(0)), Arc::new(kinds()));
    let stream = |client: Client, next: Arc<AtomicUsize>, kinds: Arc<Vec<(Request, &'static str)>>| async move {
        let mut wrong = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count || wrong.len() > 3 {
                return wrong;
            }
            let (request, rule) = &kinds[number % kinds.len()];
            let side: &[u8] = if *rule == "none" { b"v1" } else { b"v2" };
            match client.send_async(address, request).await {
                Ok(answer)
                    if answer.status == 200
                        && answer.body == side
                        && answer.header("x-rule") == Some(rule.as_bytes()) => {}
                Ok(answer) => wrong.push(format!("{rule}: {} {:?}", answer.status, answer.headers)),
                Err(error) => wrong.push(format!("{rule}: {error}")),
            }
        }
    };
    runtime().block_on(async {
        let mut streams = JoinSet::new();
        for client in clients {
            for _ in 0..STREAMS {
                streams.spawn(stream(client.clone(), Arc::clone(&next), Arc::clone(&kinds)));
            }
        }
        streams.join_all().await.into_iter().flatten().collect()
    })
}

#[test]
fn a_million_requests_are_answered_rightly_in_the_same_memory() {
    let total = std::env::var("WEIR_LOAD_REQUESTS").ok().map_or(1_000_000, |n| n.parse().expect("a number"));
    let plugin = Plugin::new("ab_routing").unwrap().config(&config());
    let listener = Listener::new().plugin(plugin).routes(routes());
    let envoy =
        Envoy::start(Bootstrap::default().concurrency(2).log_level("warning").listener(listener)).unwrap();
    let clients: Vec<Client> = (0..CONNECTIONS).map(|_| Client::http2()).collect();
    let start = Instant::now();
    let memory = |envoy: &Envoy| (envoy.allocated_bytes().unwrap(), envoy.resident_bytes());

    assert_eq!(send(&envoy, &clients, total / 5), Vec::<String>::new());
    let (allocated, resident) = memory(&envoy);
    assert_eq!(send(&envoy, &clients, total - total / 5), Vec::<String>::new());
    let (allocated_in_the_end, resident_in_the_end) = memory(&envoy);

    println!(
        "{total} requests in {:.1} s; allocated {allocated} -> {allocated_in_the_end} bytes, resident {resident:?} -> {resident_in_the_end:?}",
        start.elapsed().as_secs_f64()
    );
    assert!(allocated_in_the_end < allocated + SLACK, "{allocated} -> {allocated_in_the_end}");
    if let (Some(before), Some(after)) = (resident, resident_in_the_end) {
        assert!(after < before + SLACK, "resident: {before} -> {after}");
    }
    let counters = envoy.counters().unwrap();
    let errors =
        counters.iter().filter(|(name, _)| name.ends_with("downstream_rq_5xx")).map(|(_, count)| count);
    assert_eq!(errors.sum::<i64>(), 0);
    assert!(!envoy.log().contains("[error]") && !envoy.log().contains("[critical]"), "{}", envoy.log());
}
