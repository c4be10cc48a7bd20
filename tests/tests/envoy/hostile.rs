//! Requests by chance against all five filters in Envoy: none passes a rule that protects, nothing forged reaches the
//! service, no VM fails, and memory stays as it is. `WEIR_HOSTILE_REQUESTS` changes how many.

use weir_tests::client::{Client, Request};
use weir_tests::envoy::{Bootstrap, Envoy, Listener, Plugin};
use weir_tests::hostile::{Hostile, config, env, wrong};

/// Requests at once.
const AT_ONCE: usize = 16;
/// Requests between two looks.
const ROUND: usize = 2_000;
/// Growth that allocators' caches explain.
const SLACK: u64 = 8 << 20;

#[test]
fn none_passes_and_memory_is_flat() {
    let total: usize =
        std::env::var("WEIR_HOSTILE_REQUESTS").map_or(20_000, |text| text.parse().expect("a number"));
    let plugin = Plugin::new("weir").unwrap().env(env()).config(&config(true));
    let listener = Listener::new().plugin(plugin);
    let envoy =
        Envoy::start(Bootstrap::default().concurrency(2).log_level("warning").listener(listener)).unwrap();
    let (client, mut hostile) = (Client::http2(), Hostile::new(1));
    let (mut passed, mut refused, mut memory) = (0, 0, 0);
    let start = std::time::Instant::now();
    for round in 0..total.div_ceil(ROUND) {
        let odd: Vec<_> = (0..ROUND).map(|_| hostile.request()).collect();
        let requests: Vec<Request> = odd
            .iter()
            .map(|odd| {
                let mut request = Request::get(&odd.path);
                (request.headers, request.trailers) = (odd.headers.clone(), odd.trailers.clone());
                request
            })
            .collect();
        for (odd, answer) in odd.iter().zip(client.send_all(envoy.listener(0), requests, AT_ONCE)) {
            let answer = answer.unwrap_or_else(|error| panic!("{error}: {odd:?}"));
            assert!(answer.status < 500, "{}: {odd:?}", answer.status);
            let Some(seen) = (answer.status == 200).then(|| answer.seen().unwrap()) else {
                refused += 1;
                continue;
            };
            passed += 1;
            let bytes = |pairs: &[(String, String)]| {
                pairs
                    .iter()
                    .map(|(name, value)| (name.clone(), value.chars().map(|c| u32::from(c) as u8).collect()))
                    .collect::<Vec<_>>()
            };
            assert_eq!(wrong(&odd.path, &bytes(&seen.headers), &bytes(&seen.trailers)), None, "{odd:?}");
        }
        if round == total / ROUND / 10 {
            memory = envoy.allocated_bytes().unwrap();
        }
    }
    let after = envoy.allocated_bytes().unwrap();
    println!(
        "{passed} passed, {refused} refused, {:.0} s; memory {memory} -> {after}",
        start.elapsed().as_secs_f64()
    );
    assert!(passed > total / 10 && refused > total / 10, "{passed} passed, {refused} refused");
    assert!(after < memory + SLACK, "{memory} -> {after} bytes");
    assert!(!envoy.log().contains("[error]") && !envoy.log().contains("[critical]"), "{}", envoy.log());
}
