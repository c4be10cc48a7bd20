//! Unleash's constraints, turned into conditions.
//!
//! Source: `strategy_parsing` and `strategy_upgrade` of Unleash's own engine Yggdrasil, and
//! <https://docs.getunleash.io/reference/activation-strategies#constraints>. A value that the context lacks
//! fulfils no constraint but `NOT_IN` and inverted ones.

use super::nullable::nullable;
use super::regex;
use crate::condition::{all, any, escaped, exists, field, never, not, text_matches};
use crate::model::{Seen, Window};
use crate::network::{Network, network};
use crate::number::DECIMAL;
use crate::semver::{self, Form, Relation, Version};
use crate::unsupported::Unsupported;
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
pub(super) fn condition(it: &Constraint, window: &mut Window, seen: &mut Seen) -> Result<Value, Unsupported> {
    let name = it.context_name.as_str();
    quotable(name)?;
    it.values.iter().chain(&it.value).try_for_each(|text| ends_well(text))?;
    if matches!(it.operator.as_str(), "DATE_AFTER" | "DATE_BEFORE") {
        return time(it, window).map(|()| crate::condition::always());
    }
    if name == "currentTime" {
        return Err(format!("{} of currentTime has no equivalent", it.operator).into());
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

fn straight(name: &str, it: &Constraint, seen: &mut Seen) -> Result<Value, Unsupported> {
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
        other => Err(format!("the operator {other} has no equivalent").into()),
    }
}

/// One of the values is a part of the text.
fn texts(name: &str, it: &Constraint, pattern: impl Fn(String) -> String) -> Result<Value, Unsupported> {
    if it.values.is_empty() {
        return Err(format!("{} without values switches the feature off in Unleash", it.operator).into());
    }
    if it.case_insensitive && !it.values.iter().all(|value| value.is_ascii()) {
        return Err(format!(
            "{} ignoring the case of non-ASCII text has no equivalent in patterns",
            it.operator
        )
        .into());
    }
    let one = |part: &String| {
        let literal =
            if it.case_insensitive { lowered(part, it.operator == "STR_ENDS_WITH") } else { escaped(part) };
        text_matches(name, &pattern(literal), it.case_insensitive)
    };
    Ok(any(it.values.iter().map(one).collect()))
}

/// The pattern of texts that are this one in lower case. Two letters that are not ASCII become, or begin with, one
/// that is: the Kelvin sign, and the dotted I, behind whose `i` the dot follows.
fn lowered(part: &str, is_end: bool) -> String {
    let last = part.len().saturating_sub(1);
    let one = |(at, c): (usize, char)| match c.to_ascii_lowercase() {
        'k' => "[kK\u{212a}]".to_owned(),
        'i' if at == last && !is_end => "[iI\u{130}]".to_owned(),
        _ => escaped(c.encode_utf8(&mut [0; 4])),
    };
    part.char_indices().map(one).collect()
}

/// The engine puts names into a rule between quotes as they are.
///
/// # Errors
/// Where that would end the quotes.
pub(super) fn quotable(name: &str) -> Result<(), Unsupported> {
    if name.contains('"') {
        return Err(format!("a quote in {name:?} switches the feature off in Unleash").into());
    }
    ends_well(name)
}

/// Quotes in values are escaped, but not what would escape the quote after them.
fn ends_well(text: &str) -> Result<(), Unsupported> {
    match text.ends_with('\\') {
        true => {
            Err(format!("the backslash at the end of {text:?} switches the feature off in Unleash").into())
        }
        false => Ok(()),
    }
}

/// Addresses in one of some networks; what is none is ignored, as in Unleash.
pub(super) fn networks(name: &str, texts: &[String]) -> Result<Value, Unsupported> {
    if texts.is_empty() {
        return Err("IN_CIDR without values switches the feature off in Unleash".into());
    }
    let mut patterns = Vec::new();
    for text in texts {
        match network(text) {
            Network::Pattern(pattern) => patterns.push(pattern),
            Network::Invalid => {}
            Network::Other => {
                return Err(format!(
                    "{text:?} has no equivalent: only IPv4 networks such as 10.0.0.0/8 have"
                )
                .into());
            }
        }
    }
    if patterns.is_empty() {
        return Ok(never());
    }
    Ok(text_matches(name, &format!("^(?:{})$", patterns.join("|")), false))
}

/// Texts compare as numbers with numbers; `$eq` would not convert, so equality is two comparisons. Conditions
/// take more texts for numbers than Unleash does, so a pattern says which are. `inf` is one to Unleash.
fn numbers(name: &str, value: &str, operators: &[&str]) -> Result<Value, Unsupported> {
    let written = value.strip_prefix(['+', '-']).unwrap_or(value);
    let number = value.parse::<f64>().ok().filter(|it| it.is_finite());
    let number = number.filter(|_| written.starts_with(|c: char| c.is_ascii_digit()));
    let number = number
        .ok_or_else(|| format!("{value:?} is not a number, which switches the feature off in Unleash"))?;
    let mut tests =
        serde_json::Map::from_iter([("$exists".to_owned(), json!(true)), ("$regex".into(), json!(DECIMAL))]);
    let (low, high) = if operators.len() == 2 { around(number) } else { (number, number) };
    let limit = |operator: &str| if operator == "$gte" { low } else { high };
    tests.extend(operators.iter().map(|operator| ((*operator).to_owned(), json!(limit(operator)))));
    let finite = field(name, Value::Object(tests));
    let infinite = match operators {
        ["$gt" | "$gte"] => r"^\+?inf(?:inity)?$",
        ["$lt" | "$lte"] => "^-inf(?:inity)?$",
        _ => return Ok(finite),
    };
    Ok(any(vec![finite, text_matches(name, infinite, true)]))
}

/// The lowest and the highest number that Unleash takes for equal to one: they differ by less than 2^-52.
fn around(number: f64) -> (f64, f64) {
    let equal = |it: f64| (it - number).abs() < f64::EPSILON;
    let (mut low, mut high) = (number - f64::EPSILON, number + f64::EPSILON);
    while !equal(low) {
        low = low.next_up();
    }
    while equal(low.next_down()) {
        low = low.next_down();
    }
    while !equal(high) {
        high = high.next_down();
    }
    while equal(high.next_up()) {
        high = high.next_up();
    }
    (low, high)
}

fn version(
    name: &str,
    relation: Relation,
    sign: &str,
    value: &str,
    seen: &mut Seen,
) -> Result<Value, Unsupported> {
    if value.starts_with('v') {
        return Ok(never());
    }
    if Version::read(value, Form::Strict).is_none() {
        return Err(format!("{value:?} is not a version, which switches the feature off in Unleash").into());
    }
    seen.comment(format!(
        "The pattern for {name} says: a version {sign} {value}, by the order of semver.org."
    ));
    Ok(semver::condition(name, relation, value, Form::Strict))
}

/// `currentTime` before or after a time.
fn time(it: &Constraint, window: &mut Window) -> Result<(), Unsupported> {
    let value = it.value.as_deref().ok_or_else(|| format!("{} without a value", it.operator))?;
    if it.context_name != "currentTime" {
        return Err(format!("{} of another time than currentTime has no equivalent", it.operator).into());
    }
    if !is_date(value) {
        return Err(format!("{value:?} is not a time, which switches the feature off in Unleash").into());
    }
    // After an instant is from the next one on.
    let value = if it.operator == "DATE_AFTER" { next(value) } else { Some(value.to_owned()) };
    let time = value.and_then(|value| Some((weir_core::timestamp::parse(&value).ok()?, value)));
    let Some((nanos, value)) = time else {
        return Err(format!("{:?} is not a time, which switches the feature off in Unleash", it.value).into());
    };
    let is_start = (it.operator == "DATE_AFTER") != it.inverted;
    let place = if is_start { &mut window.start } else { &mut window.end };
    let known = place.as_deref().and_then(|text| weir_core::timestamp::parse(text).ok());
    if known.is_none_or(|known| if is_start { nanos > known } else { nanos < known }) {
        *place = Some(value);
    }
    Ok(())
}

/// `2026-01-01T00:00:00Z` with three digits of seconds or none, and `Z` or a zone.
fn is_date(text: &str) -> bool {
    let zone = |text: &str| text == "Z" || is_shaped(text, "+00:00") || is_shaped(text, "-00:00");
    let (Some(head), Some(rest)) = (text.get(..19), text.get(19..)) else { return false };
    let fraction = rest.get(..4).filter(|it| is_shaped(it, ".000")).map_or(0, str::len);
    is_shaped(head, "0000-00-00T00:00:00") && rest.get(fraction..).is_some_and(zone)
}

/// Digits where the form has zeros, and its own characters elsewhere.
fn is_shaped(text: &str, form: &str) -> bool {
    let same = |(c, it): (u8, u8)| if it == b'0' { c.is_ascii_digit() } else { c == it };
    text.len() == form.len() && text.bytes().zip(form.bytes()).all(same)
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

/// What holds for the units of a stickiness; always, where chance or the clock takes the place of what is missing.
pub(super) fn identified(stickiness: &str) -> Value {
    match stickiness {
        "default" | "random" | "currentTime" => crate::condition::always(),
        name => all(vec![exists(name)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(constraint: Value) -> Result<Value, Unsupported> {
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
            (
                json!({"contextName": "n", "operator": "NUM_LT", "value": "5"}),
                json!({"$or": [
                    {"n": {"$exists": true, "$regex": DECIMAL, "$lt": 5.0}},
                    {"n": {"$exists": true, "$regexi": "^-inf(?:inity)?$"}},
                ]}),
            ),
            (
                json!({"contextName": "c", "operator": "STR_CONTAINS", "values": ["ski"], "caseInsensitive": true}),
                json!({"c": {"$exists": true, "$regexi": "s[kK\u{212a}][iI\u{130}]"}}),
            ),
            (
                json!({"contextName": "v", "operator": "SEMVER_EQ", "value": "v1.0.0", "inverted": true}),
                never(),
            ),
        ] {
            assert_eq!(told(constraint), Ok(expected));
        }
    }

    #[test]
    fn numbers_are_equal_within_the_engines_bound() {
        for number in [0.0, 0.1, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 5.0, -3.0, -0.2, 18.5, 1000.0, 1e300] {
            let (low, high) = around(number);
            let equal = |it: f64| (it - number).abs() < f64::EPSILON;
            assert!(equal(low) && equal(high) && low <= number && number <= high, "{number}");
            assert!(!equal(low.next_down()) && !equal(high.next_up()), "{number}");
        }
        assert_eq!(around(5.0), (5.0, 5.0));
        assert_eq!(around(0.3), (0.2999999999999998, 0.30000000000000016));
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
            json!({"contextName": "currentTime", "operator": "DATE_AFTER", "value": "2026-01-01T00:00:00.12Z"}),
            json!({"contextName": "currentTime", "operator": "DATE_AFTER", "value": "2026-01-01t00:00:00z"}),
            json!({"contextName": "a\"b", "operator": "IN", "values": ["x"]}),
            json!({"contextName": "a", "operator": "IN", "values": ["x\\"]}),
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
