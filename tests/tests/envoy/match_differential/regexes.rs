//! Regular expressions against Envoy's RE2: which are valid, and what they match.
//!
//! `WEIR_REGEXES` changes how many are made by chance, `WEIR_MATCH_SEED` which.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use weir_core::Truth;
use weir_core::http_match::FullMatch;
use weir_testkit::regexes::{INVALID, UNSUPPORTED, VALID};
use weir_tests::client::{Client, Request};
use weir_tests::envoy::{Bootstrap, Envoy};

use super::dice::Dice;
use super::number;

/// How many patterns are made by chance.
const RANDOM: u64 = 300;
/// The header whose value a pattern is asked about.
const TEXT: &str = "x-text";
/// What patterns are made of.
const PIECES: &str = r"a b B 1 _ - é . ^ $ | ( ) (?: (?i) (?i: (?-i) (?s) (?m) (?P<n> (?<m> (? [ ] [^ [a-b] [A-a] [^a] \
    [[:alpha:]] [:digit:] [[:^word:] * + ? *? { } {2} {0,1} {1,} {02} , \d \D \w \W \s \b \B \A \z \C \Q \E \x41 \x{e9} \
    \101 \1 \. \_ \ &&";
const CHARACTERS: [&str; 15] = ["a", "a", "b", "A", "B", "1", "_", "-", "é", ".", "{", "2", "}", "\\", "Q"];

/// What a piece of a pattern often matches.
fn likely(piece: &str, dice: &mut Dice) -> &'static str {
    match piece {
        "a" | "[a-b]" | r"\w" | "." => "a",
        "b" | "[^a]" | "[[:alpha:]]" | r"\C" => "b",
        "B" | "A" | "[A-a]" | r"\x41" | r"\101" => "A",
        "1" | r"\d" => "1",
        "_" | r"\_" | r"\D" => "_",
        "-" | r"\W" => "-",
        "é" => "é",
        r"\." => ".",
        "]" => "]",
        "," => ",",
        "{" => "{",
        "{2}" | "*" | "+" | "{1,}" if dice.percent(50) => "a",
        _ => "",
    }
}

/// A listener that says of the header whether the pattern matches all of it.
fn listener(number: usize, pattern: &str) -> Value {
    const FILTERS: &str = "type.googleapis.com/envoy.extensions.filters";
    let regex = json!({"name": TEXT, "string_match": {"safe_regex": {"regex": pattern}}});
    let manager = json!({
        "@type": format!("{FILTERS}.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "http",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
            {"match": {"prefix": "/", "headers": [regex]}, "direct_response": {"status": 200}},
            {"match": {"prefix": "/"}, "direct_response": {"status": 404}}]}]},
        "http_filters": [{"name": "router", "typed_config": {"@type": format!("{FILTERS}.http.router.v3.Router")}}],
    });
    json!({
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        "name": number.to_string(),
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    })
}

/// An Envoy with a listener for each pattern that is valid to it.
fn start(patterns: &[String]) -> (Envoy, BTreeMap<usize, SocketAddr>) {
    let resources: Vec<Value> =
        patterns.iter().enumerate().map(|(n, pattern)| listener(n, pattern)).collect();
    let bootstrap = Bootstrap::shipped(json!({
        "node": {"id": "lds", "cluster": "weir-tests"},
        // As in Istio.
        "layered_runtime": {"layers": [
            {"name": "static", "static_layer": {"re2.max_program_size.error_level": 32768}}]},
        "dynamic_resources": {"lds_config": {
            "path_config_source": {"path": "/lds.json"}, "resource_api_version": "V3"}},
    }));
    // With a listener that is refused Envoy would never be ready: they come later.
    let file = |resources: &[Value]| json!({ "resources": resources }).to_string();
    let envoy = Envoy::start(bootstrap.file("/lds.json", file(&[]))).unwrap();
    envoy.replace("lds.json", &file(&resources)).unwrap();
    let all_read = |envoy: &Envoy| envoy.stat("listener_manager.lds.update_rejected").is_ok_and(|n| n > 0);
    assert!(envoy.wait_for(Duration::from_secs(30), all_read), "the listeners do not come");
    let statuses: Value = serde_json::from_str(&envoy.admin("/listeners?format=json").unwrap()).unwrap();
    let valid = statuses["listener_statuses"].as_array().unwrap().iter().map(|status| {
        let port = status["local_address"]["socket_address"]["port_value"].as_u64().unwrap();
        let number = status["name"].as_str().unwrap().parse().unwrap();
        (number, SocketAddr::from(([127, 0, 0, 1], port.try_into().unwrap())))
    });
    let valid = valid.collect();
    (envoy, valid)
}

#[test]
fn regexes_are_valid_and_match_as_in_envoy() {
    let of: Vec<&str> = PIECES.split_whitespace().collect();
    let seed = number("WEIR_MATCH_SEED", 20_261_130);
    let mut dice = Dice::new(seed);
    // With the texts that it is asked about.
    let mut patterns: Vec<(String, Vec<String>)> = Vec::new();
    for (pattern, matching, others) in VALID {
        patterns.push((
            (*pattern).to_owned(),
            [*matching, *others].concat().iter().map(|t| (*t).into()).collect(),
        ));
    }
    let listed = VALID.len() + INVALID.len() + UNSUPPORTED.len();
    patterns.extend(INVALID.iter().chain(UNSUPPORTED).map(|pattern| ((*pattern).to_owned(), Vec::new())));
    for _ in 0..number("WEIR_REGEXES", RANDOM) {
        let pieces: Vec<&str> = (0..=dice.below(7)).map(|_| *dice.one(&of)).collect();
        let text = |dice: &mut Dice| -> String {
            if dice.percent(50) {
                return (0..=dice.below(3)).map(|_| *dice.one(&CHARACTERS)).collect();
            }
            pieces.iter().map(|piece| likely(piece, dice)).collect()
        };
        let texts = (0..8).map(|_| text(&mut dice)).collect();
        patterns.push((pieces.concat(), texts));
    }
    let texts: Vec<String> = patterns.iter().map(|(pattern, _)| pattern.clone()).collect();
    let (envoy, valid) = start(&texts);
    let (mut different, mut agreed, mut matched, mut asked) = (Vec::new(), 0, 0, 0);
    for (n, (pattern, texts)) in patterns.iter().enumerate() {
        let ours = FullMatch::new(pattern);
        let expected = match n {
            _ if n < VALID.len() => true,
            _ if n < VALID.len() + INVALID.len() => false,
            // These are to be refused by Weir alone.
            _ if n < listed => ours.is_err(),
            _ => ours.is_ok(),
        };
        if valid.contains_key(&n) != expected {
            different.push(format!("{pattern:?}: valid in Envoy: {}, in Weir: {:?}", !expected, ours.err()));
            continue;
        }
        let (Some(address), Ok(ours)) = (valid.get(&n), ours) else { continue };
        agreed += usize::from(n >= listed);
        // What no value of a header can be is left to the unit test.
        let sendable = |text: &&String| !text.contains('\u{8}') && text.trim() == text.as_str();
        for text in texts.iter().filter(sendable) {
            weir_core::regex::renew();
            let request = Request::get("/").header(TEXT, text);
            let theirs = Client::http1().send(*address, &request).unwrap().status == 200;
            if ours.judge(text.as_bytes()) != Truth::from(theirs) {
                different.push(format!("{pattern:?} {text:?}: in Envoy {theirs}"));
            }
            (asked, matched) = (asked + 1, matched + usize::from(theirs));
        }
    }
    drop(envoy);
    assert!(different.is_empty(), "{} differ (seed {seed}):\n{}", different.len(), different.join("\n"));
    println!(
        "{agreed} of {} made by chance are valid; {matched} of {asked} texts match",
        patterns.len() - listed
    );
    // A comparison of nothing but refusals would prove little.
    assert!(agreed > 50 && matched * 10 > asked, "{agreed} {matched} {asked}");
}
