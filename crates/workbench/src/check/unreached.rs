//! W10 and W11: weights that are probably mistyped, and rules that no request reaches.

use super::warning::{Warning, warn};
use serde_json::{Value, json};
use std::collections::HashMap;
use weir_core::At;

/// Lists of which the first fitting rule counts.
const RULES: [&str; 2] = ["routing", "jwt"];
/// What makes a rule one for some requests only.
const TESTS: [&str; 4] = ["match", "condition", "cel", "variant"];

/// W11: rules after one that takes every request, or that tests what one before it tests.
pub(super) fn rules(configuration: &Value, all: &mut Vec<Warning>) {
    for section in RULES {
        let at = At::root().field(section).field("rules");
        let Some(rules) = configuration.get(section).and_then(|it| it.get("rules")?.as_array()) else {
            continue;
        };
        let mut seen: HashMap<String, usize> = HashMap::new();
        for (index, rule) in rules.iter().enumerate() {
            let tests = Value::from_iter(TESTS.map(|test| (test, tests_of(rule, test))));
            let takes_all = tests == Value::from_iter(TESTS.map(|test| (test, Value::Null)));
            if let Some(earlier) = seen.get(&tests.to_string()) {
                let name = named(rules, *earlier);
                warn(
                    all,
                    "W11",
                    at.index(index),
                    format!("{name} tests the same, so that this rule is never reached"),
                );
                continue;
            }
            if takes_all && index + 1 < rules.len() {
                let more = match rules.len() - index - 2 {
                    0 => String::new(),
                    more => format!(", nor the {more} after it"),
                };
                let name = named(rules, index);
                let message = format!("{name} takes every request, so that this rule is never reached{more}");
                warn(all, "W11", at.index(index + 1), message);
                break;
            }
            seen.insert(tests.to_string(), index);
        }
    }
}

fn named(rules: &[Value], index: usize) -> String {
    match rules.get(index).and_then(|rule| rule.get("name")?.as_str()) {
        Some(name) => format!("rule {name:?} before it"),
        None => format!("the rule at index {index}"),
    }
}

/// A test of a rule; null where every request passes it.
fn tests_of(rule: &Value, test: &str) -> Value {
    let empty = |value: &Value| value.as_object().is_some_and(serde_json::Map::is_empty);
    match rule.get(test) {
        // One of these must fit, and an empty one always does.
        Some(Value::Array(entries)) if entries.is_empty() || entries.iter().any(empty) => Value::Null,
        // Without its brackets.
        Some(Value::Array(entries)) => match entries.as_slice() {
            [one] => one.clone(),
            _ => json!(entries),
        },
        Some(value) if !empty(value) => value.clone(),
        _ => Value::Null,
    }
}

/// W10: weights that look like percentages, and are not.
pub(super) fn weights(configuration: &Value, all: &mut Vec<Warning>) {
    let root = At::root();
    let list = |section: &str, name: &str| {
        let list = configuration.get(section).and_then(|section| section.get(name)?.as_array());
        list.cloned().unwrap_or_default()
    };
    for (index, experiment) in list("experiments", "list").iter().enumerate() {
        let at = root.field("experiments").field("list").index(index).field("variants");
        odd(experiment.get("variants"), "key", at, all);
    }
    for (index, rule) in list("routing", "rules").iter().enumerate() {
        let at = root.field("routing").field("rules").index(index).field("split").field("targets");
        odd(rule.get("split").and_then(|split| split.get("targets")), "name", at, all);
    }
}

fn odd(list: Option<&Value>, name: &str, at: At, all: &mut Vec<Warning>) {
    let entries = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let number = |entry: &Value| match entry.get("weight")? {
        Value::String(text) => text.parse::<f64>().ok(),
        other => other.as_f64(),
    };
    let Some(weights) = entries.iter().map(number).collect::<Option<Vec<f64>>>() else { return };
    let sum: f64 = weights.iter().sum();
    if is_meant(&weights, sum) {
        return;
    }
    let shares = entries.iter().zip(&weights).take(4).map(|(entry, weight)| {
        let name = entry.get(name).and_then(Value::as_str).unwrap_or_default();
        format!("{name} {:.1} %", weight / sum * 100.0)
    });
    let more = if weights.len() > 4 { ", …" } else { "" };
    let shares = shares.collect::<Vec<_>>().join(", ");
    let message = format!(
        "the weights add up to {}, not 100: the shares are {shares}{more}",
        (sum * 1e6).round() / 1e6
    );
    warn(all, "W10", at, message);
}

/// Whether weights are what was meant: equal parts, ratios of small whole numbers, or parts of 1, 10, 100 ….
fn is_meant(weights: &[f64], sum: f64) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() <= b.abs() * 1e-3;
    let first = weights.first().copied().unwrap_or_default();
    let equal = weights.iter().all(|weight| near(*weight, first));
    let ratio = weights.iter().all(|weight| weight.fract() == 0.0 && *weight < 10.0);
    sum <= 0.0 || equal || ratio || near(sum, 10_f64.powf(sum.log10().round()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(configuration: &Value) -> Vec<String> {
        let mut all = Vec::new();
        rules(configuration, &mut all);
        weights(configuration, &mut all);
        all.iter().map(|warning| format!("{} {}", warning.code, warning.at)).collect()
    }

    #[test]
    fn rules_that_nobody_reaches_are_found() {
        let of = |rules: Value| found(&json!({"routing": {"rules": rules}}));
        let one = json!({"name": "a", "match": {"uri": {"prefix": "/a"}}});
        let same = json!({"name": "b", "match": [{"uri": {"prefix": "/a"}}]});
        let all = json!({"name": "c", "match": [{}, {"uri": {"prefix": "/a"}}]});
        assert_eq!(of(json!([one, same])), ["W11 routing.rules[1]"]);
        assert_eq!(of(json!([all, one, same])), ["W11 routing.rules[1]"], "one cause, one warning");
        assert_eq!(of(json!([one, all])), [""; 0]);
        let condition = json!({"name": "b", "match": one["match"], "condition": {"a": 1}});
        assert_eq!(of(json!([condition, one])), [""; 0]);
        assert_eq!(found(&json!({"jwt": {"rules": [{}, {"requires": "none"}]}})), ["W11 jwt.rules[1]"]);
    }

    #[test]
    fn weights_that_are_no_percentages_are_found() {
        for (weights, expected) in [
            (&[90.0, 20.0][..], true),
            (&[90.0, 1.0], true),
            (&[0.5, 0.4], true),
            (&[33.0, 33.0, 33.0], false),
            (&[33.3, 33.3, 33.4], false),
            (&[90.0, 10.0], false),
            (&[0.9, 0.1], false),
            (&[999.0, 1.0], false),
            (&[3.0, 1.0], false),
            (&[100.0, 0.0], false),
            (&[0.0, 0.0], false),
            (&[1.0], false),
        ] {
            let variants: Vec<Value> = weights.iter().map(|weight| json!({"weight": weight})).collect();
            let config = json!({"experiments": {"list": [{"variants": variants}]}});
            assert_eq!(!found(&config).is_empty(), expected, "{weights:?}");
        }
    }
}
