//! Delays are never early, responses no faster than their rate.

use super::*;
use weir_tests::client::send_at_once;

#[test]
fn delays_are_never_early() {
    const DELAYS: [u64; 4] = [1, 5, 20, 100];
    let fault = |ms: &u64| json!({"match": {"uri": {"exact": format!("/{ms}")}}, "delay": {"fixedDelay": format!("{ms}ms"), "percentage": "100%"}});
    let envoy = envoy(2, &DELAYS.iter().map(fault).collect());
    for delay in DELAYS {
        let answers =
            Client::http1().send_all(envoy.listener(0), vec![Request::get(&format!("/{delay}")); 400], 4);
        let mut took: Vec<Duration> = answers.into_iter().map(|answer| answer.unwrap().elapsed).collect();
        took.sort_unstable();
        println!(
            "{delay} ms: {:?} to {:?}, median {:?}",
            took[0],
            took[took.len() - 1],
            quantile(&took, 0.5)
        );
        assert!(took[0] >= Duration::from_millis(delay), "{:?}", took[0]);
    }
}

#[test]
fn drawn_delays_are_within_their_bounds() {
    // Far apart: requests at once may all be late by a quarter of a second.
    let drawn = json!({"uniform": {"min": "100ms", "max": "1s"}, "percentage": "100%"});
    let fixed = json!({"fixedDelay": "1s", "percentage": "100%"});
    let envoy = envoy(
        1,
        &json!([
            {"name": "fixed", "match": {"uri": {"prefix": "/fixed"}}, "delay": fixed},
            {"name": "drawn", "match": {"uri": {"prefix": "/drawn"}}, "delay": drawn}
        ]),
    );
    let requests = (0..300).map(|number| Request::get(if number % 3 == 0 { "/fixed" } else { "/drawn" }));
    let answers = send_at_once(envoy.listener(0), requests.collect(), 4);
    let took: Vec<Duration> = answers.into_iter().map(|answer| answer.unwrap().elapsed).collect();
    let fastest = |fixed: bool| {
        let of_kind = took.iter().enumerate().filter(|(number, _)| (number % 3 == 0) == fixed);
        of_kind.map(|(_, took)| *took).min().unwrap()
    };
    assert!(
        fastest(false) >= Duration::from_millis(100) && fastest(true) >= Duration::from_secs(1),
        "{took:?}"
    );
    // A busy machine is late for both.
    assert!(fastest(false) < fastest(true), "{took:?}");
}

#[test]
fn two_kilobytes_at_one_a_second_take_two_seconds() {
    let faults = json!([{"name": "thin", "responseRateLimit": {"limitKbps": 1, "percentage": "100%"}}]);
    let listener = Listener::new().plugin(plugin("fault_injection_response", &faults));
    let envoy = Envoy::start(Bootstrap::default().listener(listener)).unwrap();
    for client in [Client::http1(), Client::http2()] {
        let request = Request::get("/").header("x-answer-body-bytes", "2048");
        // The fastest of three: a busy machine is late, but never early.
        let took = (0..3).map(|_| {
            let answer = client.send(envoy.listener(0), &request).unwrap();
            assert_eq!((answer.status, answer.body.len()), (200, 2048));
            answer.elapsed
        });
        let fastest = took.min().unwrap();
        println!("2 KiB at 1 KiB/s: {fastest:?}");
        assert!((2.0..3.0).contains(&fastest.as_secs_f64()), "{fastest:?}");
    }
    assert_eq!(stat(&envoy, "thin", "weir_fault_rate_limits_total"), 6);
}

#[test]
fn a_large_response_keeps_to_its_rate_and_arrives_whole() {
    let faults = json!([{"name": "thin", "responseRateLimit": {"limitKbps": 2048, "percentage": "100%"}}]);
    let listener = Listener::new().plugin(plugin("fault_injection_response", &faults));
    let envoy = Envoy::start(Bootstrap::default().listener(listener)).unwrap();
    let requests = vec![Request::get("/").header("x-answer-body-bytes", (6 << 20).to_string()); 4];
    for answer in send_at_once(envoy.listener(0), requests, 4) {
        let answer = answer.unwrap();
        println!("6 MiB at 2 MiB/s: {:?}", answer.elapsed);
        assert_eq!((answer.status, answer.body.len()), (200, 6 << 20));
        assert!((3.0..8.0).contains(&answer.elapsed.as_secs_f64()), "{:?}", answer.elapsed);
    }
    assert_alive(&envoy);
}
