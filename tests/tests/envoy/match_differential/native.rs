//! The routes that istiod makes of a match (`pilot/pkg/networking/core/route/route.go` of Istio 1.29).

use serde_json::{Value, json};

use super::CHOICE;
use super::matches::{Entry, Match, Test, is_host};

/// A route for each entry, for the requests that choose this match.
pub(crate) fn routes(number: usize, entries: &Match) -> Vec<Value> {
    let route = |entry| json!({"match": matcher(number, entry), "direct_response": {"status": 200}});
    entries.iter().map(route).collect()
}

fn matcher(number: usize, entry: &Entry) -> Value {
    let mut matcher = match entry.uri {
        None | Some(Test::Present) => json!({"prefix": "/"}),
        Some(Test::Exact(path)) => json!({"path": path}),
        Some(Test::Prefix(prefix)) => json!({"prefix": prefix}),
        Some(Test::Regex(regex, _)) => json!({"safe_regex": {"regex": regex}}),
    };
    matcher["case_sensitive"] = json!(!entry.ignore_uri_case);
    let line = [(":method", entry.method), (":scheme", entry.scheme), (":authority", entry.authority)];
    let choice = json!({"name": CHOICE, "string_match": {"exact": number.to_string()}});
    let mut headers = vec![choice];
    headers.extend(line.into_iter().filter_map(|(name, test)| Some(header(name, test?))));
    headers.extend(entry.headers.iter().map(|(name, test)| header(name, *test)));
    headers.extend(entry.without_headers.iter().map(|(name, test)| without(name, *test)));
    matcher["headers"] = json!(headers);
    matcher["query_parameters"] = entry.query_params.iter().map(|(name, test)| tested(name, *test)).collect();
    matcher
}

fn header(name: &str, test: Test) -> Value {
    tested(name, test)
}

/// `HeaderMatcher` and `QueryParameterMatcher` have the same fields.
fn tested(name: &str, test: Test) -> Value {
    match string_match(test) {
        Some(matcher) => json!({"name": name, "string_match": for_host(name, matcher)}),
        None => json!({"name": name, "present_match": true}),
    }
}

fn without(name: &str, test: Test) -> Value {
    let mut matcher = header(name, test);
    matcher["invert_match"] = json!(true);
    if string_match(test).is_some() {
        matcher["treat_missing_header_as_empty"] = json!(true);
    }
    matcher
}

/// Hosts have no case, neither here nor where Envoy chooses virtual hosts; istiod's routes compare them with case.
fn for_host(name: &str, mut matcher: Value) -> Value {
    if !is_host(name) {
        return matcher;
    }
    match matcher["safe_regex"]["regex"].as_str().map(|regex| format!("(?i){regex}")) {
        Some(regex) => matcher["safe_regex"]["regex"] = json!(regex),
        None => matcher["ignore_case"] = json!(true),
    }
    matcher
}

/// `None` for what asks only that the text is there; to Istio, the expression `*` is that too.
fn string_match(test: Test) -> Option<Value> {
    match test {
        Test::Present | Test::Regex("*", _) => None,
        Test::Exact(text) => Some(json!({"exact": text})),
        Test::Prefix(text) => Some(json!({"prefix": text})),
        Test::Regex(regex, _) => Some(json!({"safe_regex": {"regex": regex}})),
    }
}
