//! A client that sends 100,000 different paths, methods and header values: what is counted is right, and
//! nothing grows. `WEIR_LOAD_REQUESTS` changes the number.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tokio::task::JoinSet;
use weir_tests::client::runtime;

use super::*;

const WORKERS: u32 = 2;
/// Keep-alive connections, and streams under way on each.
const CONNECTIONS: usize = 4;
const STREAMS: usize = 32;
/// Growth that allocators' caches explain: less than 50 bytes a request, so that no name can be kept.
const SLACK: u64 = 4 << 20;
/// Values of the label with a cap.
const AT_MOST: usize = 10;
/// Series of the metric with three labels.
const SERIES: usize = 40;

/// Labels on everything that a client can choose.
fn metrics() -> Value {
    json!({
        "red": {"route": false},
        "list": [
            {"name": "hits_total", "labels": {
                "method": "method",
                "path": {"source": "path", "templates": ["/users/{id}", "/static/**"]},
                "plan": {"source": "header:x-plan", "values": ["free", "gold"]},
            }},
            {"name": "tenants_total", "labels": {"tenant": {"source": "header:x-tenant", "atMost": AT_MOST}}},
            {"name": "pairs_total", "maxSeries": SERIES, "labels": {
                "side": {"source": "cookie:side", "atMost": 100},
                "tab": {"source": "query:tab", "atMost": 100},
            }},
            {"name": "clients_total", "labels": {"client": {"source": "header:user-agent", "classes": [{"class": "bot", "match": {"contains": "bot"}}]}}},
            {"name": "sizes", "type": "histogram", "value": {"size": "request"}, "labels": {"tenant": {"source": "header:x-tenant", "atMost": AT_MOST}}},
            {"name": "requests_active", "type": "gauge", "labels": {"tenant": {"source": "header:x-tenant", "atMost": AT_MOST}}},
        ],
        "accessLog": {"sample": "0.01%", "level": "info", "rawPath": true, "fields": {"tenant": "header:x-tenant"}},
    })
}

/// Request number `n`: nothing of it comes twice but for what `hits_total` must let through.
fn request(n: usize) -> Request {
    let path = match n % 4 {
        0 => format!("/users/{n}?tab={n}"),
        1 => format!("/static/{n}/{}?tab={n}", n * 7),
        2 => format!("/{n}/../%00?tab={n};.;"),
        _ => format!("/{}?tab={n}", "x".repeat(n % 500)),
    };
    let method = if n.is_multiple_of(3) { "GET".to_owned() } else { format!("M{n}") };
    let plan = if n.is_multiple_of(5) { "gold".to_owned() } else { format!("gold{n}") };
    let agent = if n.is_multiple_of(2) { format!("bot{n}") } else { format!("agent/{n}") };
    Request { method, ..Request::get(&path) }
        .header("x-plan", plan)
        .header("x-tenant", format!("tenant=.={n};.;{}", "t".repeat(n % 100)))
        .header("cookie", format!("side={n}"))
        .header("user-agent", agent)
}

fn send(envoy: &Envoy, clients: &[Client], numbers: std::ops::Range<usize>) {
    let (address, next, end) = (envoy.listener(0), Arc::new(AtomicUsize::new(numbers.start)), numbers.end);
    let stream = |client: Client| {
        let next = Arc::clone(&next);
        async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= end {
                    return;
                }
                let answer = client.send_async(address, &request(number)).await.unwrap();
                assert_eq!(answer.status, 200, "{:?}", request(number));
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
        streams.join_all().await;
    });
}

/// All names of statistics.
fn names(envoy: &Envoy) -> BTreeSet<String> {
    let page = envoy.admin("/stats").unwrap();
    page.lines().filter_map(|line| Some(line.split_once(": ")?.0.to_owned())).collect()
}

#[test]
fn different_requests_grow_nothing() {
    let total = std::env::var("WEIR_LOAD_REQUESTS").ok().map_or(100_000, |n| n.parse().expect("a number"));
    let labels =
        ["client", "code_class", "label", "method", "metric", "path", "plan", "side", "tab", "tenant"];
    let answer = json!({"status": 200, "body": {"inline_string": "ok"}});
    let listener = Listener::new()
        .plugin(plugin(&metrics()))
        .routes(json!([{"match": {"prefix": "/"}, "direct_response": answer}]));
    let bootstrap = Bootstrap::default().concurrency(WORKERS).stats_config(stats_tags(&labels));
    let envoy = Envoy::start(bootstrap.listener(listener)).unwrap();
    let clients: Vec<Client> = (0..CONNECTIONS).map(|_| Client::http2()).collect();
    let (start, warm_up) = (Instant::now(), total / 10);
    let memory = |envoy: &Envoy| (envoy.allocated_bytes().unwrap(), envoy.resident_bytes());

    send(&envoy, &clients, 0..warm_up);
    let (allocated, resident) = memory(&envoy);
    let before = names(&envoy);
    send(&envoy, &clients, warm_up..total);
    let (allocated_in_the_end, resident_in_the_end) = memory(&envoy);
    let after = names(&envoy);

    println!(
        "{total} different requests in {:.1} s; {} statistics; allocated {allocated} -> {allocated_in_the_end} bytes, resident {resident:?} -> {resident_in_the_end:?}",
        start.elapsed().as_secs_f64(),
        after.len(),
    );
    assert_eq!(after.difference(&before).collect::<Vec<_>>(), Vec::<&String>::new());
    check_numbers(&envoy, total);
    assert!(allocated_in_the_end < allocated + SLACK, "{allocated} -> {allocated_in_the_end}");
    if let (Some(before), Some(after)) = (resident, resident_in_the_end) {
        assert!(after < before + SLACK, "resident: {before} -> {after}");
    }
    assert_quiet(&envoy);
}

/// How many of the numbers below `total` fit.
fn count(total: usize, fits: impl Fn(usize) -> bool) -> f64 {
    (0..total).filter(|n| fits(*n)).count() as f64
}

fn check_numbers(envoy: &Envoy, total: usize) {
    let page = page_with(envoy, |page| page.sum("sizes_count", &[]) == total as f64);
    let overflow =
        |metric, label| page.sum("weir_metrics_overflow_total", &[("metric", metric), ("label", label)]);
    assert_eq!(page.value("weir_requests_total", &[("code_class", "2xx")]), Some(total as f64));
    // Allow-lists are exact.
    assert_eq!(page.sum("hits_total", &[("method", "GET")]), count(total, |n| n % 3 == 0));
    assert_eq!(page.sum("hits_total", &[("path", "/users/{id}")]), count(total, |n| n % 4 == 0));
    assert_eq!(page.sum("hits_total", &[("path", "/static/**")]), count(total, |n| n % 4 == 1));
    assert_eq!(page.sum("hits_total", &[("plan", "gold")]), count(total, |n| n % 5 == 0));
    assert_eq!(overflow("hits_total", "method"), count(total, |n| n % 3 != 0));
    assert_eq!(overflow("hits_total", "path"), count(total, |n| n % 4 > 1));
    assert_eq!(overflow("hits_total", "plan"), count(total, |n| n % 5 != 0));
    assert_eq!(page.sum("clients_total", &[("client", "bot")]), count(total, |n| n % 2 == 0));
    assert_eq!(overflow("clients_total", "client"), count(total, |n| n % 2 == 1));
    // Caps let the first ones through, each worker its own; whatever is `other` is counted as such.
    for name in ["tenants_total", "sizes_count"] {
        let series = page.of(name).count();
        assert!((AT_MOST..=WORKERS as usize * AT_MOST + 1).contains(&series), "{name}: {series}");
        assert_eq!(page.sum(name, &[]), total as f64);
        let metric = name.trim_end_matches("_count");
        assert_eq!(overflow(metric, "tenant"), page.sum(name, &[("tenant", "other")]));
    }
    assert_eq!(page.sum("pairs_total", &[]), total as f64);
    assert!(page.of("pairs_total").count() <= WORKERS as usize * SERIES + 1);
    let others = page.sum("pairs_total", &[("side", "other"), ("tab", "other")]);
    assert!(others >= (total - WORKERS as usize * SERIES) as f64);
    assert!(page.of("requests_active").all(|sample| sample.value == 0.0));
}
