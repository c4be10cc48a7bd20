//! Unleash's constraints, turned into conditions.
//!
//! Source: `strategy_parsing` of Unleash's own engine Yggdrasil, and
//! <https://docs.getunleash.io/reference/activation-strategies#constraints>. A value that the context lacks
//! fulfils no constraint but `NOT_IN` and inverted ones.

use super::condition::{any, escaped, field, not, text_matches};
use super::model::{Attributes, Kind};
use serde::Deserialize;
use serde_json::{Value, json};

/// A constraint as Unleash's client API has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Constraint {
    context_name: String,
    operator: String,
    values: Vec<String>,
    value: Option<String>,
    inverted: bool,
    case_insensitive: bool,
}

/// Turns a constraint into a condition.
///
/// # Errors
/// What has no equivalent, for people.
pub(crate) fn condition(constraint: &Constraint, attributes: &mut Attributes) -> Result<Value, String> {
    let name = constraint.context_name.as_str();
    if name == "currentTime" {
        return Err("constraints on currentTime have no equivalent; set `start` and `end` by hand".into());
    }
    let condition = straight(name, constraint)?;
    attributes.note(name, Kind::Text);
    Ok(if constraint.inverted { not(condition) } else { condition })
}

fn straight(name: &str, it: &Constraint) -> Result<Value, String> {
    let value = || it.value.as_deref().ok_or_else(|| format!("{} without a value", it.operator));
    let versions = |operator: &str| Ok(field(name, json!({"$exists": true, operator: value()?})));
    match it.operator.as_str() {
        "IN" => Ok(field(name, json!({"$in": it.values}))),
        "NOT_IN" => Ok(field(name, json!({"$nin": it.values}))),
        "STR_STARTS_WITH" => Ok(texts(name, it, |part| format!("^{part}"))),
        "STR_ENDS_WITH" => Ok(texts(name, it, |part| format!("{part}$"))),
        "STR_CONTAINS" => Ok(texts(name, it, |part| part)),
        "REGEX" => Ok(text_matches(name, value()?, it.case_insensitive)),
        "NUM_EQ" => numbers(name, value()?, &["$gte", "$lte"]),
        "NUM_GT" => numbers(name, value()?, &["$gt"]),
        "NUM_GTE" => numbers(name, value()?, &["$gte"]),
        "NUM_LT" => numbers(name, value()?, &["$lt"]),
        "NUM_LTE" => numbers(name, value()?, &["$lte"]),
        "SEMVER_EQ" => versions("$veq"),
        "SEMVER_GT" => versions("$vgt"),
        "SEMVER_GTE" => versions("$vgte"),
        "SEMVER_LT" => versions("$vlt"),
        "SEMVER_LTE" => versions("$vlte"),
        other => Err(format!("the operator {other} has no equivalent")),
    }
}

/// One of the values is a part of the text.
fn texts(name: &str, it: &Constraint, pattern: impl Fn(String) -> String) -> Value {
    let one = |part: &String| text_matches(name, &pattern(escaped(part)), it.case_insensitive);
    any(it.values.iter().map(one).collect())
}

/// Texts compare as numbers with numbers; `$eq` would not convert, so equality is two comparisons.
fn numbers(name: &str, value: &str, operators: &[&str]) -> Result<Value, String> {
    let number: f64 = value.trim().parse().map_err(|_| format!("{value:?} is not a number"))?;
    let mut tests = serde_json::Map::from_iter([("$exists".to_owned(), json!(true))]);
    tests.extend(operators.iter().map(|operator| ((*operator).to_owned(), json!(number))));
    Ok(field(name, Value::Object(tests)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(constraint: Value) -> Result<Value, String> {
        condition(&serde_json::from_value(constraint).unwrap(), &mut Attributes::default())
    }

    #[test]
    fn constraints_become_conditions() {
        for (constraint, expected) in [
            (json!({"contextName": "c", "operator": "IN", "values": ["a"]}), json!({"c": {"$in": ["a"]}})),
            (
                json!({"contextName": "c", "operator": "NOT_IN", "values": ["a"], "inverted": true}),
                json!({"$not": {"c": {"$nin": ["a"]}}}),
            ),
            (
                json!({"contextName": "c", "operator": "STR_ENDS_WITH", "values": ["a.b"], "caseInsensitive": true}),
                json!({"c": {"$exists": true, "$regexi": "a\\.b$"}}),
            ),
            (
                json!({"contextName": "n", "operator": "NUM_EQ", "value": "5"}),
                json!({"n": {"$exists": true, "$gte": 5.0, "$lte": 5.0}}),
            ),
        ] {
            assert_eq!(told(constraint), Ok(expected));
        }
    }

    #[test]
    fn what_has_no_equivalent_is_refused() {
        for constraint in [
            json!({"contextName": "currentTime", "operator": "DATE_AFTER", "value": "2026-01-01T00:00:00Z"}),
            json!({"contextName": "remoteAddress", "operator": "IN_CIDR", "values": ["10.0.0.0/8"]}),
            json!({"contextName": "n", "operator": "NUM_GT"}),
        ] {
            assert!(told(constraint.clone()).is_err(), "{constraint}");
        }
    }
}
