//! Ten thousand delays at once; clients that leave.

use super::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use weir_tests::client::{runtime, send_at_once};
use weir_tests::envoy::Shell;

const DELAYED: usize = 9_999;
const DELAY: Duration = Duration::from_secs(6);

/// What becomes of a delayed request: it reaches the upstream, or the route's own answer, or it is aborted. All
/// responses come back into the VM, which is where a proxy that resumes too many at once runs out of stack.
fn three_ways(shell: Shell) -> Listener {
    let delay = json!({"fixedDelay": format!("{}s", DELAY.as_secs()), "percentage": "100%"});
    let mark = json!({"percentage": "100%", "setHeaders": {"x-late": "1"}});
    let faults = json!([
        {"name": "abort", "match": {"uri": {"exact": "/slow/abort"}}, "delay": delay,
            "abort": {"httpStatus": 503, "percentage": "100%"}},
        {"name": "late", "match": {"uri": {"prefix": "/slow/"}}, "delay": delay, "response": mark},
    ]);
    let routes = json!([
        {"match": {"path": "/slow/direct"}, "direct_response": {"status": 202}},
        {"match": {"path": "/quick"}, "direct_response": {"status": 200}},
        {"match": {"prefix": "/"}, "route": {"cluster": "v1", "timeout": "60s"}},
    ]);
    Listener::new().plugin(plugin_in(shell, "fault_injection_response", &faults)).routes(routes)
}

/// Sends quick requests until it is over; how long each took.
async fn quick(address: std::net::SocketAddr, over: Arc<AtomicBool>) -> Vec<Duration> {
    let (client, mut took) = (Client::http1(), Vec::new());
    while !over.load(SeqCst) {
        let answer = client.send_async(address, &Request::get("/quick")).await.unwrap();
        assert_eq!(answer.status, 200);
        took.push(answer.elapsed);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    took
}

#[test]
fn ten_thousand_delays_lose_no_stream_and_starve_nobody() {
    ten_thousand_delays(Shell::Wasm);
}

#[test]
fn nor_do_they_in_the_native_module() {
    ten_thousand_delays(Shell::Native);
}

/// A plugin of this shell with these faults.
fn plugin_in(shell: Shell, module: &str, faults: &Value) -> Plugin {
    match shell {
        Shell::Wasm => plugin(module, faults),
        Shell::Native => Plugin::native().unwrap().config(&json!({ "faults": faults })),
    }
}

/// Where a counter or a gauge of a fault is.
fn stat(envoy: &Envoy, shell: Shell, fault: &str, what: &str) -> i64 {
    envoy.stat(&shell.metric(&format!("fault=.={fault};.;{what}"))).unwrap()
}

fn ten_thousand_delays(shell: Shell) {
    // One worker, that is one VM: the worst case.
    let envoy = Envoy::start(Bootstrap::default().listener(three_ways(shell))).unwrap();
    let address = envoy.listener(0);
    let over = Arc::new(AtomicBool::new(false));
    let others = runtime().spawn(quick(address, Arc::clone(&over)));
    let paths = ["/slow/upstream", "/slow/direct", "/slow/abort"];
    let requests = (0..DELAYED).map(|number| Request::get(paths[number % 3])).collect();
    let answers = send_at_once(address, requests, 100);
    over.store(true, SeqCst);
    let mut late = Vec::new();
    for (number, answer) in answers.into_iter().enumerate() {
        let answer = answer.unwrap_or_else(|error| panic!("{number}: {error}\n{}", envoy.log()));
        assert_eq!(answer.status, [200, 202, 503][number % 3], "{}", envoy.log());
        assert_eq!(answer.header("x-late").is_some(), number % 3 != 2);
        assert!(answer.elapsed >= DELAY, "early: {:?}", answer.elapsed);
        late.push(answer.elapsed - DELAY);
    }
    late.sort_unstable();
    let mut quick = runtime().block_on(others).unwrap();
    quick.sort_unstable();
    println!(
        "{shell:?}: {DELAYED} delays of {DELAY:?}: late by {:?} (median), {:?} (p99), {:?} (most); {} quick requests meanwhile: {:?} (median), {:?} (p99), {:?} (most)",
        quantile(&late, 0.5),
        quantile(&late, 0.99),
        late[late.len() - 1],
        quick.len(),
        quantile(&quick, 0.5),
        quantile(&quick, 0.99),
        quick[quick.len() - 1],
    );
    assert!(quantile(&quick, 0.5) < Duration::from_millis(200) && quick[quick.len() - 1] < DELAY / 2);
    assert_eq!(
        stat(&envoy, shell, "late", "weir_fault_delays_total")
            + stat(&envoy, shell, "abort", "weir_fault_delays_total"),
        DELAYED as i64
    );
    for fault in ["late", "abort"] {
        assert_eq!(stat(&envoy, shell, fault, "weir_faults_active"), 0);
    }
    assert_alive(&envoy);
    let after = Client::http1().send(address, &Request::get("/slow/abort")).unwrap();
    assert_eq!(after.status, 503, "and the VM lives");
}

#[test]
fn clients_that_leave_are_forgotten() {
    forgets_clients_that_leave(Shell::Wasm);
}

#[test]
fn clients_that_leave_are_forgotten_by_the_native_module() {
    forgets_clients_that_leave(Shell::Native);
}

fn forgets_clients_that_leave(shell: Shell) {
    let faults =
        json!([{"name": "hour", "maxActive": 1500, "delay": {"fixedDelay": "1h", "percentage": "100%"}}]);
    let listener = Listener::new().plugin(plugin_in(shell, "fault_injection", &faults));
    let envoy = Envoy::start(Bootstrap::default().listener(listener)).unwrap();
    let address = envoy.listener(0);
    for (client, at_once) in [(Client::http1(), 300), (Client::http2(), 1_000)] {
        let client = client.patience(Duration::from_secs(3));
        let counted = stat(&envoy, shell, "hour", "weir_fault_delays_total");
        let sender =
            std::thread::spawn(move || client.send_all(address, vec![Request::get("/"); at_once], at_once));
        let all = |envoy: &Envoy| stat(envoy, shell, "hour", "weir_faults_active") == at_once as i64;
        assert!(envoy.wait_for(PATIENCE, all), "{}", stat(&envoy, shell, "hour", "weir_faults_active"));
        assert!(sender.join().unwrap().iter().all(Result::is_err), "nobody was answered");
        let none = |envoy: &Envoy| stat(envoy, shell, "hour", "weir_faults_active") == 0;
        assert!(
            envoy.wait_for(Duration::from_secs(5), none),
            "{}",
            stat(&envoy, shell, "hour", "weir_faults_active")
        );
        assert_eq!(stat(&envoy, shell, "hour", "weir_fault_delays_total") - counted, at_once as i64);
    }
    // Those who left do not count against those who come: there is room for as many again.
    let client = Client::http2().patience(Duration::from_secs(2));
    client.send_all(address, vec![Request::get("/"); 1_500], 1_500);
    assert_eq!(stat(&envoy, shell, "hour", "weir_fault_overflows_total"), 0);
    assert_alive(&envoy);
}
