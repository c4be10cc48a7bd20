//! Weir's conditions against the verdicts of GrowthBook's own SDK: `tests/vectors/growthbook-condition`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop where they fail"
)]

use crate::condition_support::{Compiled, attributes};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use weir_core::AttributeMap;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test;

const VECTORS: &str = include_str!("../../../../tests/vectors/growthbook-condition/vectors.json");

/// Every attribute that the corpus names.
const NAMES: [&str; 11] =
    ["v", "u", "id", "plan", "age", "tags", "country", "user", "cart", "version", "missing"];

/// Where the SDK and Weir both answer and differ on purpose: the group, why, and how many pairs.
const DIFFERENCES: [(&str, &str, usize); 5] = [
    ("differs: order of members", "the order of an object's members means nothing in JSON", 2),
    (
        "differs: names from prototypes",
        "`toString` and its kin are not in the attributes, so they are absent",
        8,
    ),
    (
        "differs: characters beyond U+FFFF in patterns",
        "a character is one character here, two code units there",
        5,
    ),
    ("differs: long texts in patterns", "what a client sends must not decide how much work a request is", 2),
    (
        "differs: members that hide conversions",
        "the SDK throws; here such members are members like others",
        0,
    ),
];

/// Groups of conditions that Weir refuses, and how many conditions they hold.
const REFUSED: [(&str, usize); 10] = [
    ("refused: unknown operator", 20),
    ("refused: unknown operator on the top", 8),
    ("refused: saved groups", 7),
    ("refused: literal of the wrong type", 106),
    ("refused: condition of the wrong type", 16),
    ("refused: operators mixed with keys", 4),
    ("refused: patterns that need backtracking", 14),
    ("refused: patterns that JavaScript refuses too", 46),
    ("refused: patterns that mean something else than they seem to", 36),
    ("refused: patterns that are too large", 8),
];

#[derive(Deserialize)]
struct Group {
    group: String,
    conditions: Vec<Json>,
    attributes: Vec<serde_json::Map<String, Json>>,
    sdk: Vec<String>,
}

fn groups() -> Vec<Group> {
    serde_json::from_str(VECTORS).unwrap()
}

/// Each attribute comes as JSON in a header of its own.
fn declared() -> AttributeMap {
    let declared =
        NAMES.map(|name| (name.to_owned(), json!({"header": format!("x-{name}"), "type": "json"})));
    attributes(Json::Object(declared.into_iter().collect()))
}

fn headers(values: &serde_json::Map<String, Json>) -> Vec<(String, Vec<u8>)> {
    values.iter().map(|(name, value)| (format!("x-{name}"), value.to_string().into_bytes())).collect()
}

/// The pairs of a group in which Weir's verdict is not the SDK's, as text, and how many there are.
fn disagreements(group: &Group, declared: &AttributeMap) -> (Vec<String>, usize) {
    let requests: Vec<_> = group.attributes.iter().map(headers).collect();
    let mut differing = Vec::new();
    let mut pairs = 0;
    for (condition, sdk) in group.conditions.iter().zip(&group.sdk) {
        let compiled = Compiled::new(declared, condition)
            .unwrap_or_else(|e| panic!("{}: {condition}: {e}", group.group));
        assert_eq!(sdk.len(), requests.len());
        for ((request, verdict), values) in requests.iter().zip(sdk.chars()).zip(&group.attributes) {
            pairs += 1;
            let ours = if compiled.holds(request) { '1' } else { '0' };
            if ours != verdict && verdict != 'x' {
                differing.push(format!("{condition} of {} is {ours}, SDK {verdict}", json!(values)));
            }
        }
    }
    (differing, pairs)
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn verdicts_are_those_of_the_sdk() {
    let declared = declared();
    let mut pairs = 0;
    for group in groups().iter().filter(|g| !g.group.contains(": ")) {
        let (differing, checked) = disagreements(group, &declared);
        pairs += checked;
        assert!(
            differing.is_empty(),
            "{}, {}:\n{}",
            group.group,
            differing.len(),
            differing[..differing.len().min(40)].join("\n")
        );
    }
    assert_eq!(pairs, 167_304);
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn differences_are_those_that_are_meant() {
    let declared = declared();
    let groups = groups();
    let differing: Vec<&Group> = groups.iter().filter(|g| g.group.starts_with("differs: ")).collect();
    assert_eq!(differing.len(), DIFFERENCES.len());
    for (group, (name, reason, count)) in differing.into_iter().zip(DIFFERENCES) {
        assert_eq!(group.group, name);
        let (differing, _) = disagreements(group, &declared);
        assert_eq!(differing.len(), count, "{name} ({reason}):\n{}", differing.join("\n"));
    }
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn mistakes_that_the_sdk_answers_silently_are_refused() {
    let declared = declared();
    let groups = groups();
    let refused: Vec<&Group> = groups.iter().filter(|g| g.group.starts_with("refused: ")).collect();
    assert_eq!(refused.len(), REFUSED.len());
    for (group, (name, count)) in refused.into_iter().zip(REFUSED) {
        assert_eq!(group.group, name);
        assert_eq!(group.conditions.len(), count, "{name}");
        for condition in &group.conditions {
            let problems = Compiled::new(&declared, condition).err();
            assert!(
                problems.is_some_and(|p| p.to_string().starts_with("condition")),
                "{name}: {condition} is accepted"
            );
        }
    }
}
