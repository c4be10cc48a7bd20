//! Tokens of the examples.

use weir_tests::paths;

/// Tokens that are in the comments of a file.
pub(crate) fn of(text: &str) -> Vec<String> {
    let starts = text.match_indices("Bearer eyJ").map(|(at, _)| &text[at + "Bearer ".len()..]);
    starts.map(|rest| rest.split(['\'', '"', '\n', ' ']).next().unwrap_or_default().to_owned()).collect()
}

/// Good ones of two users, one that has expired, one that nobody has signed, and something else.
pub(crate) fn tokens() -> Vec<String> {
    let file = paths::root().join("envoy-configs/front-proxy.yaml");
    let mut all = of(&std::fs::read_to_string(file).unwrap());
    all.dedup();
    assert!(all.len() > 2, "{all:?}");
    all.push(all[0].replace("eyJpc3M", "eyJpc3N"));
    all.push("of.no.token".to_owned());
    all
}
