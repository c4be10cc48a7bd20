//! How many requests are hit, seen from outside and as it is counted.

use super::*;

/// With as many requests as show another share: none and twice as many at 0.1 %, two fifths at 1 %, a tenth at 50 %, and
/// one request in 200 at the ends. What the filter draws is counted in millions in `filters/fault-injection`.
const PERCENTAGES: [(&str, f64, usize); 5] = [
    ("0%", 0.0, 1_000),
    ("0.1%", 0.001, 20_000),
    ("1%", 0.01, 8_000),
    ("50%", 0.5, 2_000),
    ("100%", 1.0, 1_000),
];

#[test]
fn the_share_is_what_was_configured() {
    let fault = |index: usize, percentage: &str| {
        json!({"name": format!("p{index}"), "match": {"uri": {"prefix": format!("/p{index}/")}},
            "abort": {"httpStatus": 418, "percentage": percentage}})
    };
    let faults: Value = PERCENTAGES.iter().enumerate().map(|(i, (text, ..))| fault(i, text)).collect();
    let envoy = envoy(2, &faults);
    for (index, (percentage, share, requests)) in PERCENTAGES.into_iter().enumerate() {
        let answers = ask(&envoy, vec![Request::get(&format!("/p{index}/")); requests]);
        let hit = answers.iter().filter(|answer| answer.status == 418).count();
        assert!(answers.iter().all(|answer| [200, 418].contains(&answer.status)));
        println!("{percentage}: {hit} of {requests}");
        assert!(within_four_sigma(hit, requests, share), "{percentage}: {hit} of {requests}");
        assert_eq!(stat(&envoy, &format!("p{index}"), "weir_fault_aborts_total"), hit as i64);
    }
}

#[test]
fn rolls_hang_together_as_they_should() {
    let fault = |rolls: &str| {
        json!({"name": rolls, "match": {"uri": {"exact": format!("/{rolls}")}}, "rolls": rolls,
            "delay": {"fixedDelay": "1ms", "percentage": "40%"}, "abort": {"httpStatus": 503, "percentage": "30%"}})
    };
    let envoy = Envoy::start(
        Bootstrap::default().concurrency(2).listener(
            listener(&json!([fault("independent"), fault("joint"), fault("exclusive")]))
                .access_log("%PATH(WQ)% %FILTER_STATE(wasm.fault:PLAIN)%"),
        ),
    )
    .unwrap();
    const REQUESTS: usize = 4_000;
    for (rolls, both) in [("independent", 0.12), ("joint", 0.3), ("exclusive", 0.0)] {
        let path = format!("/{rolls}");
        ask(&envoy, vec![Request::get(&path); REQUESTS]);
        let lines = |envoy: &Envoy| -> Vec<String> {
            envoy.output().lines().filter(|line| line.starts_with(&path)).map(str::to_owned).collect()
        };
        assert!(envoy.wait_for(PATIENCE, |envoy| lines(envoy).len() == REQUESTS), "{}", lines(&envoy).len());
        let lines = lines(&envoy);
        let count = |delay: bool, abort: bool| {
            let has =
                |line: &&String| (line.contains(";delay=") || !delay) && (line.contains(";abort=") || !abort);
            lines.iter().filter(has).count()
        };
        let counts = [count(true, false), count(false, true), count(true, true)];
        println!("{rolls}: {counts:?} of {REQUESTS} delayed, aborted, both");
        for (count, share) in counts.into_iter().zip([0.4, 0.3, both]) {
            assert!(within_four_sigma(count, REQUESTS, share), "{rolls}: {counts:?}");
        }
    }
}
