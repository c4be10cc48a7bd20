//! The example for authors of filters, as its Envoy file runs it.

use super::curl;
use serde_json::Value;
use std::fs;
use weir_tests::client::Client;
use weir_tests::envoy::{Bootstrap, Envoy};
use weir_tests::paths;

/// What the upstream gets in `x-hello` for each `curl` line.
const GREETED: [&str; 3] = ["Good morning, ada", "Good morning, stranger", ""];

#[test]
fn the_example_filter_does_what_its_comments_say() {
    let text = fs::read_to_string(paths::examples().join("hello-filter/envoy.yaml")).unwrap();
    let config: Value = serde_saphyr::from_str(&text).unwrap();
    let envoy = Envoy::start(Bootstrap::shipped(config)).unwrap();
    let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("#   curl ")).collect();
    assert_eq!(lines.len(), GREETED.len());
    for (line, greeted) in lines.into_iter().zip(GREETED) {
        let response = Client::http1().send(envoy.listener(0), &curl::request(line, &[])).unwrap();
        let seen = response.seen().unwrap_or_else(|| panic!("curl {line}: {}", response.status));
        assert_eq!(seen.header_bytes("x-hello").concat(), greeted.as_bytes(), "curl {line}");
    }
    let counters = envoy.counters().unwrap();
    let counted = counters.iter().find(|(name, _)| name.ends_with("hello_greeted_total"));
    assert_eq!(counted.map(|(_, value)| *value), Some(2), "{counters:?}");
}
