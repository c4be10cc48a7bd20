//! Readers of what strangers send, fed with chance: none may panic, and each must agree with a plain
//! model of itself. A short run is part of `cargo test`; `WEIR_FUZZ_SECONDS=600` lets each target run
//! for so long.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop where they fail"
)]

mod conditions;
mod configuration;
mod numbers;
mod requests;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};
use std::time::{Duration, Instant};

/// What each target tries in `cargo test`.
const CASES: u32 = 4_000;

/// Holds `test` to values by chance: some thousands, or as many as the time allows.
fn hold<S: Strategy>(values: S, test: impl Fn(S::Value) -> TestCaseResult) {
    let seconds = std::env::var("WEIR_FUZZ_SECONDS").map_or(0, |text| text.parse().expect("a number"));
    let (start, mut rounds) = (Instant::now(), 0);
    loop {
        let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
        if let Err(failure) = TestRunner::new(config).run(&values, &test) {
            panic!("{failure}");
        }
        rounds += 1;
        if start.elapsed() >= Duration::from_secs(seconds) {
            break;
        }
    }
    println!("{} values", rounds * CASES);
}

/// Texts put together from pieces that mean something to the reader.
fn of_pieces(pieces: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<u8>> + Clone {
    proptest::collection::vec(proptest::sample::select(pieces), 0..most).prop_map(|p| p.concat().into_bytes())
}

/// Bytes of which some were changed, taken out or doubled.
fn damaged(bytes: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    use proptest::prelude::*;
    let place = any::<prop::sample::Index>();
    let damage = proptest::collection::vec((place, any::<u8>(), 0..4_u8), 0..4);
    (bytes, damage).prop_map(|(mut bytes, damage)| {
        for (place, byte, kind) in damage {
            if bytes.is_empty() {
                break;
            }
            let at = place.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.truncate(at),
                2 => drop(bytes.remove(at)),
                _ => bytes.insert(at, bytes[at]),
            }
        }
        bytes
    })
}
