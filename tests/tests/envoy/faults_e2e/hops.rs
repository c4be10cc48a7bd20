//! A caller's Envoy and its callee's. The callee's has the faults: so the caller's retries, timeouts, outlier
//! detection and circuit breakers work as they would on the bad day.

use super::*;
use weir_tests::envoy::Cluster;

/// A caller with these fields of the route and the cluster, both to the callee.
fn caller(callee: &Envoy, route: Value, cluster: Value) -> Envoy {
    let cluster = Cluster::new("callee", callee.listener(0)).with(cluster);
    calling(cluster, route)
}

fn calling(cluster: Cluster, mut route: Value) -> Envoy {
    route["cluster"] = json!("callee");
    let routes = json!([{"match": {"prefix": "/"}, "route": route}]);
    Envoy::start(Bootstrap::default().cluster(cluster).listener(Listener::new().routes(routes))).unwrap()
}

fn of_cluster(caller: &Envoy, what: &str) -> i64 {
    caller.stat(&format!("cluster.callee.{what}")).unwrap()
}

fn no_limits() -> Value {
    json!({"circuit_breakers": {"thresholds": [
        {"max_connections": 10_000, "max_pending_requests": 10_000, "max_requests": 10_000, "max_retries": 10_000}]}})
}

#[test]
fn retries_hide_most_of_thirty_percent_of_aborts() {
    const REQUESTS: usize = 3_000;
    let callee = envoy(1, &json!([{"name": "failing", "abort": {"httpStatus": 503, "percentage": "30%"}}]));
    let retry = json!({"retry_policy": {"retry_on": "5xx", "num_retries": 2,
        "retry_back_off": {"base_interval": "0.001s", "max_interval": "0.005s"}}});
    let caller = caller(&callee, retry, no_limits());
    let failed = ask(&caller, vec![Request::get("/"); REQUESTS]).iter().filter(|a| a.status == 503).count();
    let retried = of_cluster(&caller, "upstream_rq_retry");
    println!("{failed} of {REQUESTS} failed, {retried} retries");
    // 0.3 to the third; and 1.39 times the requests.
    assert!(within_four_sigma(failed, REQUESTS, 0.027), "{failed}");
    let injected = stat(&callee, "failing", "weir_fault_aborts_total");
    assert_eq!(of_cluster(&caller, "upstream_rq_total"), REQUESTS as i64 + retried);
    assert_eq!(of_cluster(&caller, "upstream_rq_503"), failed as i64);
    assert_eq!(of_cluster(&caller, "upstream_rq_retry_limit_exceeded"), failed as i64);
    assert_eq!(injected, retried + failed as i64, "each abort was retried, or was the last one");
    assert!(within_four_sigma(injected as usize, REQUESTS + retried as usize, 0.3));
}

#[test]
fn timeouts_per_try_cut_delays_short() {
    const REQUESTS: usize = 200;
    let callee = envoy(1, &json!([{"name": "slow", "delay": {"fixedDelay": "5s", "percentage": "50%"}}]));
    let retry = json!({"timeout": "4s", "retry_policy": {"retry_on": "5xx,reset", "num_retries": 8,
        "per_try_timeout": "0.25s", "retry_back_off": {"base_interval": "0.001s", "max_interval": "0.005s"}}});
    let caller = caller(&callee, retry, no_limits());
    let answers = ask(&caller, vec![Request::get("/"); REQUESTS]);
    let good = answers.iter().filter(|answer| answer.status == 200).count();
    let cut = of_cluster(&caller, "upstream_rq_per_try_timeout");
    println!("{good} of {REQUESTS} good, {cut} tries cut short");
    // One in 512 is slow nine times in a row; more than five of 200 are that once in 300,000 times.
    assert!(REQUESTS - good <= 5, "{good}");
    assert!(
        answers.iter().all(|answer| answer.elapsed < Duration::from_secs(5)),
        "nobody waited for the fault"
    );
    assert_eq!(cut, stat(&callee, "slow", "weir_fault_delays_total"));
    let forgotten = |callee: &Envoy| stat(callee, "slow", "weir_faults_active") == 0;
    assert!(callee.wait_for(Duration::from_secs(4), forgotten), "those that were given up are forgotten");
}

#[test]
fn outlier_detection_ejects_the_host_that_fails() {
    let bad = envoy(1, &json!([{"name": "bad", "abort": {"httpStatus": 503, "percentage": "100%"}}]));
    let good = Envoy::start(Bootstrap::default().listener(Listener::new())).unwrap();
    let outliers = json!({"outlier_detection": {"consecutive_5xx": 5, "interval": "0.2s", "base_ejection_time": "60s",
        "max_ejection_percent": 50, "enforcing_consecutive_5xx": 100}});
    let cluster = Cluster::new("callee", bad.listener(0)).endpoint(good.listener(0)).with(outliers);
    let caller = calling(cluster, json!({}));
    let mut failed = 0;
    let ejected = |caller: &Envoy| of_cluster(caller, "outlier_detection.ejections_active") == 1;
    for _ in 0..200 {
        failed += usize::from(ask(&caller, vec![Request::get("/")])[0].status == 503);
        if ejected(&caller) {
            break;
        }
    }
    println!("ejected after {failed} failures");
    assert!(ejected(&caller) && failed >= 5, "{failed}");
    assert!(ask(&caller, vec![Request::get("/"); 100]).iter().all(|answer| answer.status == 200));
    assert_eq!(of_cluster(&caller, "outlier_detection.ejections_enforced_consecutive_5xx"), 1);
    assert!(stat(&bad, "bad", "weir_fault_aborts_total") >= 5);
}

#[test]
fn circuit_breakers_open_while_the_callee_is_slow_and_close_again() {
    let faults = json!([{"name": "slow", "match": {"uri": {"exact": "/slow"}},
        "delay": {"fixedDelay": "2s", "percentage": "100%"}}]);
    let callee = envoy(1, &faults);
    let breakers =
        json!({"circuit_breakers": {"thresholds": [{"max_connections": 1, "max_pending_requests": 1}]}});
    let caller = caller(&callee, json!({}), breakers);
    let address = caller.listener(0);
    let slow = || std::thread::spawn(move || Client::http1().send(address, &Request::get("/slow")).unwrap());
    // One has the connection, one waits for it, and there is room for no more.
    let first = slow();
    assert!(caller.wait_for(PATIENCE, |caller| of_cluster(caller, "upstream_rq_active") == 1));
    let second = slow();
    let open = |caller: &Envoy| of_cluster(caller, "circuit_breakers.default.rq_pending_open") == 1;
    assert!(caller.wait_for(PATIENCE, open), "no circuit breaker opened");
    let refused = ask(&caller, vec![Request::get("/"); 20]);
    let overloaded =
        |answer: &Response| answer.status == 503 && answer.body.windows(8).any(|word| word == b"overflow");
    assert!(refused.iter().all(overloaded), "{refused:?}");
    assert_eq!(of_cluster(&caller, "upstream_rq_pending_overflow"), 20);
    for slow in [first, second] {
        assert_eq!(slow.join().unwrap().status, 200);
    }
    assert!(!open(&caller), "it closed again");
    assert_eq!(ask(&caller, vec![Request::get("/")])[0].status, 200);
}
