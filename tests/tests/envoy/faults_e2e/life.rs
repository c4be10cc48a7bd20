//! Envoy drains, and configurations change, while thousands are delayed: nobody is lost.

use super::*;
use std::thread::JoinHandle;
use weir_tests::client::{ClientError, send_at_once};
use weir_tests::envoy::Filter;

const DELAYED: usize = 3_000;
const DELAY: Duration = Duration::from_secs(6);

fn slow() -> Value {
    json!([{"name": "slow", "match": {"uri": {"exact": "/slow"}},
        "delay": {"fixedDelay": format!("{}s", DELAY.as_secs()), "percentage": "100%"}}])
}

/// Sends requests that are delayed, and waits until they are.
fn delay_many(envoy: &Envoy) -> JoinHandle<Vec<Result<Response, ClientError>>> {
    let address = envoy.listener(0);
    let sender = std::thread::spawn(move || send_at_once(address, vec![Request::get("/slow"); DELAYED], 60));
    let all = |envoy: &Envoy| stat(envoy, "slow", "weir_fault_delays_total") == DELAYED as i64;
    assert!(envoy.wait_for(PATIENCE, all), "{}", envoy.log());
    assert!(stat(envoy, "slow", "weir_faults_active") > 0, "the test is too slow for its delay");
    sender
}

fn assert_all_went_on(envoy: &Envoy, sender: JoinHandle<Vec<Result<Response, ClientError>>>) {
    for answer in sender.join().unwrap() {
        let answer = answer.unwrap_or_else(|error| panic!("{error}\n{}", envoy.log()));
        assert_eq!(answer.status, 200);
        assert!(answer.elapsed >= DELAY, "{:?}", answer.elapsed);
    }
    assert_eq!(stat(envoy, "slow", "weir_faults_active"), 0);
    assert_alive(envoy);
}

#[test]
fn draining_loses_nobody() {
    for drain in ["/drain_listeners?graceful", "/drain_listeners", "/healthcheck/fail"] {
        let envoy = envoy(2, &slow());
        let sender = delay_many(&envoy);
        envoy.admin_post(drain).unwrap();
        assert_all_went_on(&envoy, sender);
    }
}

#[test]
fn an_update_loses_nobody() {
    let configured = |faults: &Value| plugin("fault_injection", faults);
    let filter = Filter::Discovered { name: "weir".to_owned(), initial: Box::new(configured(&slow())) };
    let bootstrap = Bootstrap::default().concurrency(2).listener(Listener::new().filter(filter));
    let envoy = Envoy::start(bootstrap).unwrap();
    let sender = delay_many(&envoy);
    // Several configurations while they wait: a bad one, one without delays, one with others.
    envoy.update("weir", &configured(&json!([{"abort": {}}]))).unwrap();
    let refused = |envoy: &Envoy| envoy.log().contains("the configuration is refused");
    assert!(envoy.wait_for(PATIENCE, refused), "{}", envoy.log());
    let statuses = [418, 420];
    for status in statuses {
        let abort = json!([{"name": "now", "delay": {"fixedDelay": "1ms", "percentage": "100%"},
            "abort": {"httpStatus": status, "percentage": "100%"}}]);
        envoy.update("weir", &configured(&abort)).unwrap();
        let taken = |envoy: &Envoy| {
            ask(envoy, vec![Request::get("/"); 16]).iter().all(|answer| answer.status == status)
        };
        assert!(envoy.wait_for(PATIENCE, taken), "{}", envoy.log());
    }
    assert!(stat(&envoy, "slow", "weir_faults_active") > 0, "the test is too slow for its delay");
    assert_all_went_on(&envoy, sender);
    let after = ask(&envoy, vec![Request::get("/"); 100]);
    assert!(after.iter().all(|answer| answer.status == statuses[1]));
    assert_eq!(stat(&envoy, "now", "weir_faults_active"), 0);
}
