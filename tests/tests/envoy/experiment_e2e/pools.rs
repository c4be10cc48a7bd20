//! Layers, holdouts and prerequisites over many users: what the library computes, step by step.

use super::*;

const USERS: usize = 10_000;
const HALVES: &[(&str, f64)] = &[("a", 50.0), ("b", 50.0)];

fn section() -> Value {
    let layered = |key: &str, start: f64, end: f64| json!({"key": key, "holdout": "global", "layer": {"name": "page", "ranges": [[start, end]]}, "variants": variants(HALVES)});
    json!({
        "unit": "header:x-user-id",
        "output": {"combinedHeader": "x-all"},
        "holdouts": [{"name": "global", "share": "10%"}],
        "list": [
            layered("left", 0.0, 0.5),
            layered("right", 0.5, 0.9),
            {"key": "deeper", "prerequisites": [{"experiment": "left", "variants": "b"}], "variants": variants(HALVES)},
            {"key": "free", "variants": variants(HALVES)},
        ],
    })
}

/// What a user must get, by the definitions of docs/hash-weir-1.md.
fn expected(user: &str) -> String {
    let place = |salt: Salt| salt.bucket(user.as_bytes()).index();
    let held_out = place(Salt::derived("global", "holdout")) < 100_000;
    let layer = place(Salt::derived("page", "layer"));
    let given = |key: &str| Law::new(key, 100.0, HALVES).variant(user).unwrap();
    let mut all = Vec::new();
    if !held_out && layer < 500_000 {
        all.push(("left", given("left")));
        if given("left") == "b" {
            all.push(("deeper", given("deeper")));
        }
    }
    if !held_out && (500_000..900_000).contains(&layer) {
        all.push(("right", given("right")));
    }
    all.push(("free", given("free")));
    all.sort_unstable();
    all.iter().map(|(key, variant)| format!("{key}={variant}")).collect::<Vec<_>>().join(",")
}

#[test]
fn layers_exclude_holdouts_hold_out_and_prerequisites_are_met() {
    let envoy = envoy(2, &[section()]);
    let answers = ask(&envoy, 0, (0..USERS).map(|number| by(user(number))).collect());
    let all: Vec<Vec<String>> = answers
        .iter()
        .map(|answer| {
            let mut pairs: Vec<_> = seen(answer, "x-all").unwrap().split(',').map(str::to_owned).collect();
            pairs.sort_unstable();
            pairs
        })
        .collect();
    for (number, pairs) in all.iter().enumerate() {
        assert_eq!(pairs.join(","), expected(&user(number)), "{}", user(number));
    }
    let among = |pairs: &[String], key: &str| pairs.iter().any(|pair| pair.split('=').next() == Some(key));
    let both = all.iter().filter(|pairs| among(pairs, "left") && among(pairs, "right")).count();
    assert_eq!(both, 0, "units in two experiments of a layer");
    for (key, share) in [("left", 0.45), ("right", 0.36), ("deeper", 0.225), ("free", 1.0)] {
        let count = all.iter().filter(|pairs| among(pairs, key)).count();
        println!("{key}: {count} of {USERS} users, {share} expected");
        assert!(within_four_sigma(count, USERS, share), "{key}: {count}");
    }
    // 10 % held out, and 10 % of the layer is nobody's.
    let neither = all.iter().filter(|pairs| !among(pairs, "left") && !among(pairs, "right")).count();
    assert!(within_four_sigma(neither, USERS, 0.19), "{neither}");
}
