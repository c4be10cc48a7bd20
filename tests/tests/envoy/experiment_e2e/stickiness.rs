//! Each user gets what the library computes, every time, on any worker.

use std::collections::BTreeMap;

use super::*;

const USERS: usize = 10_000;
const WEIGHTS: &[(&str, f64)] = &[("a", 60.0), ("b", 30.0), ("c", 10.0)];

#[test]
fn ten_thousand_users_get_what_the_library_computes_on_any_worker() {
    let law = Law::new("checkout", 80.0, WEIGHTS);
    let expected: Vec<_> = (0..USERS).map(|number| law.variant(user(number))).collect();
    let section = json!({"unit": "header:x-user-id", "list": [
        {"key": "checkout", "coverage": "80%", "variants": variants(WEIGHTS)},
    ]});
    for (workers, rounds) in [(1, 1), (4, 2)] {
        let envoy = envoy(workers, std::slice::from_ref(&section));
        for round in 1..=rounds {
            let answers = ask(&envoy, 0, (0..USERS).map(|number| by(user(number))).collect());
            for (number, (answer, expected)) in answers.iter().zip(&expected).enumerate() {
                assert_eq!(checkout(answer).as_deref(), *expected, "{} in round {round}", user(number));
            }
        }
        let busy = busy_workers(&envoy);
        assert_eq!(busy, workers as usize, "all workers were asked");
        let counts = expected.iter().fold(BTreeMap::new(), |mut counts: BTreeMap<_, usize>, variant| {
            *counts.entry(*variant).or_default() += 1;
            counts
        });
        println!("{workers} workers, {busy} busy, {USERS} users {rounds} times: {counts:?}");
        for (variant, share) in [(Some("a"), 0.48), (Some("b"), 0.24), (Some("c"), 0.08), (None, 0.2)] {
            assert!(within_four_sigma(counts[&variant], USERS, share), "{variant:?}: {counts:?}");
        }
        // Requests, as there is no cookie that would say which units are counted already.
        for (variant, _) in WEIGHTS {
            let count = counted(&envoy, "checkout", variant, "weir_assignments_total");
            assert_eq!(count, rounds * counts[&Some(*variant)] as i64, "{variant}");
        }
    }
}

/// How many workers had connections.
fn busy_workers(envoy: &Envoy) -> usize {
    let is_ours = |name: &str| name.starts_with("listener.127.0.0.1_") && name.contains(".worker_");
    let counters = envoy.counters().unwrap();
    let busy = counters
        .iter()
        .filter(|(name, count)| is_ours(name) && name.ends_with(".downstream_cx_total") && **count > 0);
    busy.count()
}
