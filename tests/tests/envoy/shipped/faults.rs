//! What the files with faults promise of shares, retries, timeouts and circuit breakers.

use std::time::Duration;

use weir_tests::client::{Client, Request, Response};
use weir_tests::envoy::Envoy;

/// How many requests show the share of a fault.
const DRILLED: usize = 300;

/// What `faults.yaml` promises: half of all checkouts are slow, three searches of ten fail.
pub(super) fn drill(envoy: &Envoy) {
    let (searches, checkouts) = (send(envoy, "/search", DRILLED, 16), send(envoy, "/checkout", 200, 200));
    let failed = searches.iter().filter(|answer| answer.status == 503).count();
    assert!(searches.iter().all(|a| a.status == 200 || a.header("retry-after") == Some(b"1")), "{failed}");
    assert!(four_sigma(failed, DRILLED, 0.3), "{failed} of {DRILLED} searches failed");
    let slow = checkouts.iter().filter(|answer| answer.elapsed >= Duration::from_secs(5)).count();
    assert!(checkouts.iter().all(|answer| answer.status == 200));
    assert!(four_sigma(slow, 200, 0.5), "{slow} of 200 checkouts were slow");
    let samples = envoy.samples("weir_fault_delays_total").unwrap();
    let counted = |name: &str| {
        let of_fault = samples.iter().find(|s| s.labels.get("fault").is_some_and(|fault| fault == name));
        of_fault.map(|s| s.value as usize).unwrap()
    };
    // `rare` delays for as long, one request in a thousand of any path. One more may be that of the `curl` line.
    let expected = slow.saturating_sub(counted("rare"))..=slow + 1;
    assert!(expected.contains(&counted("slow-checkout")), "{slow} {samples:?}");
}

/// What `faults-callee.yaml` promises of the caller's retries, timeouts and circuit breakers.
pub(super) fn drill_callee(envoy: &Envoy) {
    let stat = |name: &str| envoy.stat(&format!("cluster.callee{name}")).unwrap();
    let failed = send(envoy, "/failing", 1_000, 16).iter().filter(|answer| answer.status == 503).count();
    assert!(four_sigma(failed, 1_000, 0.027), "{failed} of 1000 failed after their retries");
    assert!(stat(".upstream_rq_retry_success") > 200 && stat(".upstream_rq_retry_limit_exceeded") > 0);
    let slow = send(envoy, "/slow", 40, 40);
    assert!(slow.iter().all(|answer| answer.elapsed < Duration::from_secs(5)));
    assert!(stat(".upstream_rq_per_try_timeout") > 0);
    // One after the other, but while the first still wait.
    let address = envoy.listener(0);
    let jammed: Vec<_> = (0..20)
        .map(|_| {
            std::thread::sleep(Duration::from_millis(25));
            std::thread::spawn(move || Client::http1().send(address, &Request::get("/jammed")).unwrap())
        })
        .collect();
    let jammed = jammed.into_iter().map(|sender| sender.join().unwrap());
    assert_eq!(jammed.filter(|answer| answer.status == 200).count(), 4);
    assert_eq!(stat("-with-two-connections.upstream_rq_pending_overflow"), 16);
}

fn send(envoy: &Envoy, path: &str, number: usize, at_once: usize) -> Vec<Response> {
    let answers = Client::http1().send_all(envoy.listener(0), vec![Request::get(path); number], at_once);
    answers.into_iter().map(Result::unwrap).collect()
}

fn four_sigma(count: usize, of: usize, share: f64) -> bool {
    let mean = of as f64 * share;
    (count as f64 - mean).abs() <= 4.0 * (mean * (1.0 - share)).sqrt()
}
