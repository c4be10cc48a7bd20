//! 100,000 requests to each shell, ordinary and hostile ones mixed, while weights change every second or two: every
//! answer is the right one, none is older than the configuration that is settled, and memory does not
//! grow. `WEIR_LOAD_REQUESTS` changes the number: `make test-nightly` sends a million.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;
use weir_tests::client::{Client, Request, Response, runtime};
use weir_tests::envoy::{Bootstrap, Envoy, Filter, Listener, Plugin, Shell};

/// HTTP/2 connections, and streams under way on each.
const CONNECTIONS: usize = 4;
const STREAMS: usize = 32;
/// Growth that allocators' caches explain.
const SLACK: u64 = 4 << 20;
/// From one update's arrival to the next update.
const PAUSE: Duration = Duration::from_secs(1);
/// How long an update may take to be in force on all workers.
const PATIENCE: Duration = Duration::from_secs(20);
/// New connections that must all see an update: Envoy spreads them over its workers.
const PROBES: usize = 16;

/// The configuration of a generation: of the rule `ramp`, all weight is on one side, then on the other.
fn plugin(shell: Shell, generation: usize) -> Plugin {
    let b = generation % 2;
    let (side_a, side_b) = (ramp_target(generation - b), ramp_target(generation - b + 1));
    let plugin = match shell {
        Shell::Wasm => Plugin::new("ab_routing"),
        Shell::Native => Plugin::native(),
    };
    plugin.unwrap().config(&json!({
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
            {"name": "ramp", "match": {"uri": {"prefix": "/ramp"}}, "split": {
                "stickyBy": "header:x-user-id",
                "targets": [{"name": side_a, "weight": 1 - b}, {"name": side_b, "weight": b, "setHeaders": {"x-weir-route": "v2"}}],
            }},
        ], "response": {"debugHeader": "x-rule"}},
    }))
}

/// The target that has all the weight in this generation.
fn ramp_target(generation: usize) -> String {
    format!("g{generation}")
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

/// Each kind of request with the rule that it must meet. The body must agree: all rules lead to v2, but
/// for `ramp`, which leads there in every other generation.
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
        (ramp(), RAMP),
    ]
}

/// Stands for the rule and target that the generation in force leads to.
const RAMP: &str = "ramp";

fn ramp() -> Request {
    Request::get("/ramp").header("x-user-id", "ada")
}

/// What is known about the updates while requests are under way.
struct Generations {
    shell: Shell,
    /// The last one that Envoy was given.
    published: AtomicUsize,
    /// The last one that is in force on all workers: a later request must not see an older one.
    settled: AtomicUsize,
}

/// The generation that answered, when all of the answer is of that generation.
fn generation(answer: &Response) -> Option<usize> {
    let rule = std::str::from_utf8(answer.header("x-rule")?).ok()?;
    let number: usize = rule.strip_prefix("ramp/g")?.parse().ok()?;
    let side: &[u8] = if number % 2 == 1 { b"v2" } else { b"v1" };
    (answer.status == 200 && answer.body == side).then_some(number)
}

/// Whether this is the answer that the rule leads to. `settled` is what was in force before the request.
fn is_right(answer: &Response, rule: &str, settled: usize, generations: &Generations) -> bool {
    if rule == RAMP {
        let allowed = settled..=generations.published.load(Ordering::SeqCst);
        return generation(answer).is_some_and(|number| allowed.contains(&number));
    }
    let side: &[u8] = if rule == "none" { b"v1" } else { b"v2" };
    answer.status == 200 && answer.body == side && answer.header("x-rule") == Some(rule.as_bytes())
}

/// Sends `count` requests; gives the first wrong answers.
fn send(envoy: &Envoy, clients: &[Client], count: usize, generations: &Arc<Generations>) -> Vec<String> {
    let address = envoy.listener(0);
    let (next, kinds) = (Arc::new(AtomicUsize::new(0)), Arc::new(kinds()));
    let stream = |client: Client| {
        let (next, kinds, generations) = (Arc::clone(&next), Arc::clone(&kinds), Arc::clone(generations));
        async move {
            let mut wrong = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count || wrong.len() > 3 {
                    return wrong;
                }
                let (request, rule) = &kinds[number % kinds.len()];
                let settled = generations.settled.load(Ordering::SeqCst);
                match client.send_async(address, request).await {
                    Ok(answer) if is_right(&answer, rule, settled, &generations) => {}
                    Ok(answer) => {
                        wrong.push(format!(
                            "{rule} (settled {settled}): {} {:?}",
                            answer.status, answer.headers
                        ));
                    }
                    Err(error) => wrong.push(format!("{rule}: {error}")),
                }
            }
        }
    };
    runtime().block_on(async {
        let mut streams = JoinSet::new();
        for client in clients {
            for _ in 0..STREAMS {
                streams.spawn(stream(client.clone()));
            }
        }
        streams.join_all().await.into_iter().flatten().collect()
    })
}

/// Gives Envoy one generation after the other until `done`; gives what went wrong. The first comes at
/// once, so that every run has some.
fn keep_updating(envoy: &Envoy, generations: &Generations, done: &AtomicBool) -> Vec<String> {
    while !done.load(Ordering::SeqCst) {
        let number = generations.published.fetch_add(1, Ordering::SeqCst) + 1;
        envoy.update("weir", &plugin(generations.shell, number)).unwrap();
        let sees_it = |envoy: &Envoy| {
            let answer = Client::http2().send(envoy.listener(0), &ramp());
            answer.is_ok_and(|answer| generation(&answer) == Some(number))
        };
        if !envoy.wait_for(PATIENCE, |envoy| (0..PROBES).all(|_| sees_it(envoy))) {
            return vec![format!("generation {number} is not in force after {PATIENCE:?}")];
        }
        generations.settled.store(number, Ordering::SeqCst);
        let pause = Instant::now();
        while pause.elapsed() < PAUSE && !done.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    Vec::new()
}

/// Sends `count` requests while updates come; gives what went wrong.
fn send_while_updating(
    envoy: &Envoy,
    clients: &[Client],
    count: usize,
    generations: &Arc<Generations>,
) -> Vec<String> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let updates = scope.spawn(|| keep_updating(envoy, generations, &done));
        let mut wrong = send(envoy, clients, count, generations);
        done.store(true, Ordering::SeqCst);
        wrong.extend(updates.join().unwrap());
        wrong
    })
}

#[test]
fn requests_are_answered_rightly_in_the_same_memory() {
    load(Shell::Wasm);
}

#[test]
fn the_native_module_answers_rightly_in_the_same_memory() {
    load(Shell::Native);
}

fn load(shell: Shell) {
    let total = std::env::var("WEIR_LOAD_REQUESTS").ok().map_or(100_000, |n| n.parse().expect("a number"));
    let filter = Filter::Discovered { name: "weir".to_owned(), initial: Box::new(plugin(shell, 0)) };
    let listener = Listener::new().filter(filter).routes(routes());
    let envoy =
        Envoy::start(Bootstrap::default().concurrency(2).log_level("warning").listener(listener)).unwrap();
    let clients: Vec<Client> = (0..CONNECTIONS).map(|_| Client::http2()).collect();
    let (published, settled) = <(AtomicUsize, AtomicUsize)>::default();
    let (start, generations) = (Instant::now(), Arc::new(Generations { shell, published, settled }));
    let memory = |envoy: &Envoy| (envoy.allocated_bytes().unwrap(), envoy.resident_bytes());

    assert_eq!(send_while_updating(&envoy, &clients, total / 5, &generations), Vec::<String>::new());
    let (allocated, resident) = memory(&envoy);
    assert_eq!(send_while_updating(&envoy, &clients, total - total / 5, &generations), Vec::<String>::new());
    let (allocated_in_the_end, resident_in_the_end) = memory(&envoy);

    let updates = generations.settled.load(Ordering::SeqCst);
    println!(
        "{shell:?}: {total} requests and {updates} updates in {:.1} s; allocated {allocated} -> {allocated_in_the_end} bytes, resident {resident:?} -> {resident_in_the_end:?}",
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
