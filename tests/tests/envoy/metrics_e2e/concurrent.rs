//! Four workers, many connections: every request is counted once, where it belongs.

use super::*;

const REQUESTS: usize = 20_000;

#[test]
fn counts_are_exact_on_four_workers() {
    let metrics = json!({"red": {"route": false}, "list": [
        {"name": "hits_total", "labels": {"code": "code", "plan": {"source": "header:x-plan", "atMost": 5}}},
        {"name": "items_total", "value": {"source": {"header": "x-items", "type": "number"}}},
        {"name": "items", "type": "histogram", "value": {"source": {"header": "x-items", "type": "number"}}},
        {"name": "requests_active", "type": "gauge"},
    ]});
    let bootstrap =
        Bootstrap::default().concurrency(4).stats_config(stats_tags(&["code", "code_class", "plan"]));
    let envoy = Envoy::start(bootstrap.listener(Listener::new().plugin(plugin(&metrics)))).unwrap();
    let statuses = [200, 201, 404, 500];
    let request = |n: usize| {
        Request::get("/")
            .header("x-answer-status", statuses[n % 4].to_string())
            .header("x-plan", ["free", "gold", "pro"][n % 3])
            .header("x-items", (n % 10).to_string())
    };
    let clients = [Client::http1(), Client::http2()];
    let start = std::time::Instant::now();
    for (client, half) in clients.iter().zip([0..REQUESTS / 2, REQUESTS / 2..REQUESTS]) {
        let answers = client.send_all(envoy.listener(0), half.clone().map(request).collect(), 128);
        for (n, answer) in half.zip(answers) {
            assert_eq!(answer.unwrap().status, statuses[n % 4]);
        }
    }
    let page = page_with(&envoy, |page| page.value("items_count", &[]) == Some(REQUESTS as f64));
    let count = |fits: &dyn Fn(usize) -> bool| (0..REQUESTS).filter(|n| fits(*n)).count() as f64;
    for (position, status) in statuses.iter().enumerate() {
        for (kind, plan) in ["free", "gold", "pro"].into_iter().enumerate() {
            let expected = count(&|n| n % 4 == position && n % 3 == kind);
            let labels = [("code", status.to_string()), ("plan", plan.to_owned())];
            let labels: Vec<_> = labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
            assert_eq!(page.value("hits_total", &labels), Some(expected), "{labels:?}");
        }
    }
    let class = |class| page.value("weir_requests_total", &[("code_class", class)]);
    assert_eq!(class("2xx"), Some(count(&|n| n % 4 < 2)));
    assert_eq!((class("4xx"), class("5xx")), (Some(count(&|n| n % 4 == 2)), Some(count(&|n| n % 4 == 3))));
    let sum: usize = (0..REQUESTS).map(|n| n % 10).sum();
    assert_eq!(page.value("items_total", &[]), Some(sum as f64));
    assert_eq!(page.value("items_count", &[]), Some(REQUESTS as f64));
    let recorded = page.value("items_sum", &[]).unwrap();
    assert!((recorded / sum as f64 - 1.0).abs() < 0.05, "{recorded} of {sum}");
    assert_eq!(page.value("weir_request_duration_milliseconds_count", &[]), Some(REQUESTS as f64));
    assert_eq!(page.value("requests_active", &[]), Some(0.0));
    println!("{REQUESTS} requests on 4 workers in {:.1} s: all counts exact", start.elapsed().as_secs_f64());
    assert_quiet(&envoy);
}
