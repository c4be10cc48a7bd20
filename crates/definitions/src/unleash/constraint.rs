//! Unleash's constraints, turned into conditions.
//!
//! Source: `strategy_parsing` and `strategy_upgrade` of Unleash's own engine Yggdrasil, and
//! <https://docs.getunleash.io/reference/activation-strategies#constraints>. A value that the context lacks
//! fulfils no constraint but `NOT_IN` and inverted ones.

use super::list::nullable;
use super::regex;
use crate::condition::{all, any, escaped, exists, field, never, not, text_matches};
use crate::model::{Seen, Window};
use crate::network::{Network, network};
use crate::number::DECIMAL;
use crate::semver::{self, Form, Relation, Version};
use serde::Deserialize;
use serde_json::{Value, json};

/// A constraint as Unleash's client API has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Constraint {
    context_name: String,
    operator: String,
    #[serde(deserialize_with = "nullable")]
    values: Vec<String>,
    value: Option<String>,
    #[serde(deserialize_with = "nullable")]
    inverted: bool,
    #[serde(deserialize_with = "nullable")]
    case_insensitive: bool,
}

/// Turns a constraint into a condition, or into a part of the time in which a strategy is on.
///
/// # Errors
/// What has no equivalent, for people.
pub(super) fn condition(it: &Constraint, window: &mut Window, seen: &mut Seen) -> Result<Value, String> {
    let name = it.context_name.as_str();
    if matches!(it.operator.as_str(), "DATE_AFTER" | "DATE_BEFORE") {
        return time(it, window).map(|()| crate::condition::always());
    }
    if name == "currentTime" {
        return Err(format!("{} of currentTime has no equivalent", it.operator));
    }
    let condition = straight(name, it, seen)?;
    if condition != never() {
        seen.attributes.note_text(name);
    }
    Ok(if it.inverted && !is_broken_version(it) { not(condition) } else { condition })
}

/// `v1.2.3`, which the engine takes for false, inverted or not.
fn is_broken_version(it: &Constraint) -> bool {
    it.operator.starts_with("SEMVER_") && it.value.as_deref().is_some_and(|value| value.starts_with('v'))
}

fn straight(name: &str, it: &Constraint, seen: &mut Seen) -> Result<Value, String> {
    let value = || it.value.as_deref().ok_or_else(|| format!("{} without a value", it.operator));
    match it.operator.as_str() {
        "IN" if it.values.is_empty() => Ok(never()),
        "NOT_IN" if it.values.is_empty() => Ok(crate::condition::always()),
        "IN" => Ok(field(name, json!({"$in": it.values}))),
        "NOT_IN" => Ok(field(name, json!({"$nin": it.values}))),
        "STR_STARTS_WITH" => texts(name, it, |part| format!("^{part}")),
        "STR_ENDS_WITH" => texts(name, it, |part| format!("{part}$")),
        "STR_CONTAINS" => texts(name, it, |part| part),
        "IN_CIDR" => networks(name, &it.values),
        "REGEX" => match regex::read(it.value.as_deref().unwrap_or_default(), it.case_insensitive)? {
            Some((pattern, ignore_case)) => Ok(text_matches(name, &pattern, ignore_case)),
            None => Ok(never()),
        },
        "NUM_EQ" => numbers(name, value()?, &["$gte", "$lte"]),
        "NUM_GT" => numbers(name, value()?, &["$gt"]),
        "NUM_GTE" => numbers(name, value()?, &["$gte"]),
        "NUM_LT" => numbers(name, value()?, &["$lt"]),
        "NUM_LTE" => numbers(name, value()?, &["$lte"]),
        "SEMVER_EQ" => version(name, Relation::Equal, "=", value()?, seen),
        "SEMVER_GT" => version(name, Relation::Above, ">", value()?, seen),
        "SEMVER_GTE" => version(name, Relation::AboveOrEqual, ">=", value()?, seen),
        "SEMVER_LT" => version(name, Relation::Below, "<", value()?, seen),
        "SEMVER_LTE" => version(name, Relation::BelowOrEqual, "<=", value()?, seen),
        other => Err(format!("the operator {other} has no equivalent")),
    }
}

/// One of the values is a part of the text.
fn texts(name: &str, it: &Constraint, pattern: impl Fn(String) -> String) -> Result<Value, String> {
    if it.values.is_empty() {
        return Err(format!("{} without values switches the feature off in Unleash", it.operator));
    }
    if it.case_insensitive && !it.values.iter().all(|value| value.is_ascii()) {
        return Err(format!("{} without case, of what is not ASCII, is not the same in patterns", it.operator));
    }
    let one = |part: &String| text_matches(name, &pattern(escaped(part)), it.case_insensitive);
    Ok(any(it.values.iter().map(one).collect()))
}

/// Addresses in one of some networks; what is none is ignored, as in Unleash.
pub(super) fn networks(name: &str, texts: &[String]) -> Result<Value, String> {
    if texts.is_empty() {
        return Err("IN_CIDR without values switches the feature off in Unleash".into());
    }
    let mut patterns = Vec::new();
    for text in texts {
        match network(text) {
            Network::Pattern(pattern) => patterns.push(pattern),
            Network::Invalid => {}
            Network::Other => {
                return Err(format!("{text:?} has no equivalent: only IPv4 networks such as 10.0.0.0/8 have"));
            }
        }
    }
    if patterns.is_empty() {
        return Ok(never());
    }
    Ok(text_matches(name, &format!("^(?:{})$", patterns.join("|")), false))
}

/// Texts compare as numbers with numbers; `$eq` would not convert, so equality is two comparisons. Conditions
/// take more texts for numbers than Unleash does, so a pattern says which are.
fn numbers(name: &str, value: &str, operators: &[&str]) -> Result<Value, String> {
    let written = value.strip_prefix(['+', '-']).unwrap_or(value);
    let number = value.parse::<f64>().ok().filter(|it| it.is_finite());
    let number = number.filter(|_| written.starts_with(|c: char| c.is_ascii_digit()));
    let number = number.ok_or_else(|| format!("{value:?} is not a number, which switches the feature off in Unleash"))?;
    let mut tests = serde_json::Map::from_iter([("$exists".to_owned(), json!(true)), ("$regex".into(), json!(DECIMAL))]);
    tests.extend(operators.iter().map(|operator| ((*operator).to_owned(), json!(number))));
    Ok(field(name, Value::Object(tests)))
}

fn version(name: &str, relation: Relation, sign: &str, value: &str, seen: &mut Seen) -> Result<Value, String> {
    if value.starts_with('v') {
        return Ok(never());
    }
    if Version::read(value, Form::Strict).is_none() {
        return Err(format!("{value:?} is not a version, which switches the feature off in Unleash"));
    }
    seen.comment(format!("The pattern for {name} says: a version {sign} {value}, by the order of semver.org."));
    Ok(semver::condition(name, relation, value, Form::Strict))
}

/// `currentTime` before or after a time.
fn time(it: &Constraint, window: &mut Window) -> Result<(), String> {
    let value = it.value.as_deref().ok_or_else(|| format!("{} without a value", it.operator))?;
    if it.context_name != "currentTime" {
        return Err(format!("{} of another time than currentTime has no equivalent", it.operator));
    }
    // After an instant is from the next one on.
    let value = if it.operator == "DATE_AFTER" { next(value) } else { Some(value.to_owned()) };
    let time = value.and_then(|value| Some((weir_core::timestamp::parse(&value).ok()?, value)));
    let Some((nanos, value)) = time else {
        return Err(format!("{:?} is not a time, which switches the feature off in Unleash", it.value));
    };
    let is_start = (it.operator == "DATE_AFTER") != it.inverted;
    let place = if is_start { &mut window.start } else { &mut window.end };
    let known = place.as_deref().and_then(|text| weir_core::timestamp::parse(text).ok());
    if known.is_none_or(|known| if is_start { nanos > known } else { nanos < known }) {
        *place = Some(value);
    }
    Ok(())
}

/// A nanosecond later.
fn next(time: &str) -> Option<String> {
    let (seconds, rest) = time.split_at_checked("2026-01-01T00:00:00".len())?;
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count()),
        None => ("", rest),
    };
    let nanos: u32 = format!("{fraction:0<9}").parse().ok()?;
    (nanos < 999_999_999).then(|| format!("{seconds}.{:09}{zone}", nanos + 1))
}

/// The condition of a list of ids, as `userWithId` has them.
pub(super) fn one_of(name: &str, values: &[&str]) -> Value {
    if values.is_empty() { never() } else { field(name, json!({"$in": values})) }
}

/// What holds for the units of a stickiness; always, where chance takes the place of what is missing.
pub(super) fn identified(stickiness: &str) -> Value {
    match stickiness {
        "default" | "random" => crate::condition::always(),
        name => all(vec![exists(name)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(constraint: Value) -> Result<Value, String> {
        let constraint = serde_json::from_value(constraint).unwrap();
        condition(&constraint, &mut Window::default(), &mut Seen::default())
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
                json!({"n": {"$exists": true, "$regex": DECIMAL, "$gte": 5.0, "$lte": 5.0}}),
            ),
            (json!({"contextName": "v", "operator": "SEMVER_EQ", "value": "v1.0.0", "inverted": true}), never()),
        ] {
            assert_eq!(told(constraint), Ok(expected));
        }
    }

    #[test]
    fn times_become_start_and_end() {
        let mut window = Window::default();
        for (operator, value, inverted) in [
            ("DATE_AFTER", "2026-01-01T00:00:00Z", false),
            ("DATE_AFTER", "2026-02-01T00:00:00Z", false),
            ("DATE_BEFORE", "2026-05-01T00:00:00Z", false),
            ("DATE_AFTER", "2026-06-01T00:00:00Z", true),
        ] {
            let it = json!({"contextName": "currentTime", "operator": operator, "value": value, "inverted": inverted});
            let it = serde_json::from_value(it).unwrap();
            assert_eq!(condition(&it, &mut window, &mut Seen::default()), Ok(json!({})));
        }
        let (start, end) = ("2026-02-01T00:00:00.000000001Z".to_owned(), "2026-05-01T00:00:00Z".to_owned());
        assert_eq!(window, Window { start: Some(start), end: Some(end) });
    }

    #[test]
    fn what_has_no_equivalent_is_refused() {
        for constraint in [
            json!({"contextName": "born", "operator": "DATE_AFTER", "value": "2026-01-01T00:00:00Z"}),
            json!({"contextName": "remoteAddress", "operator": "IN_CIDR", "values": ["2001:db8::/32"]}),
            json!({"contextName": "n", "operator": "NUM_GT"}),
            json!({"contextName": "n", "operator": "NUM_GT", "value": "inf"}),
            json!({"contextName": "v", "operator": "SEMVER_GT", "value": "1.2"}),
            json!({"contextName": "s", "operator": "STR_CONTAINS", "values": []}),
            json!({"contextName": "s", "operator": "STR_CONTAINS", "values": ["ü"], "caseInsensitive": true}),
        ] {
            assert!(told(constraint.clone()).is_err(), "{constraint}");
        }
    }
}
