//! JSONLogic as flagd uses it, turned into conditions.
//!
//! Source: <https://jsonlogic.com/operations.html>, and flagd's own `starts_with`, `ends_with` and
//! `sem_ver` (<https://flagd.dev/reference/custom-operations/>). Requests carry texts: numbers are compared as
//! numbers whatever the type of the attribute, so that all attributes can be texts.

use crate::condition::{all, always, any, escaped, field, never, not, text_matches};
use crate::model::Seen;
use crate::semver::{self, Form, Relation};
use crate::unsupported::Unsupported;
use serde_json::{Map, Value, json};

/// Deeper expressions are refused.
pub(super) const MAX_DEPTH: usize = 32;

/// Turns an expression into a condition that holds where the expression is truthy.
///
/// # Errors
/// What has no equivalent, for people.
pub(super) fn condition(expression: &Value, seen: &mut Seen) -> Result<Value, Unsupported> {
    at_depth(expression, seen, 0)
}

fn at_depth(expression: &Value, seen: &mut Seen, depth: usize) -> Result<Value, Unsupported> {
    if depth > MAX_DEPTH {
        return Err("its targeting is nested too deep".into());
    }
    let (operator, operands) = match expression {
        Value::Object(object) => operation(object)?,
        literal => return Ok(if truthy(literal) { always() } else { never() }),
    };
    let mut each = |operands: &[Value]| {
        operands.iter().map(|it| at_depth(it, seen, depth + 1)).collect::<Result<Vec<_>, Unsupported>>()
    };
    match (operator, operands.as_slice()) {
        ("and", [_, ..]) => Ok(all(each(&operands)?)),
        ("or", [_, ..]) => Ok(any(each(&operands)?)),
        ("!", [operand]) => Ok(not(at_depth(operand, seen, depth + 1)?)),
        ("!!", [operand]) => at_depth(operand, seen, depth + 1),
        ("if", operands) => {
            let mut ways = Vec::new();
            let mut before = Vec::new();
            let mut rest = operands;
            while let [test, value, behind @ ..] = rest {
                let (test, value) = (at_depth(test, seen, depth + 1)?, at_depth(value, seen, depth + 1)?);
                ways.push(all(before.iter().cloned().chain([test.clone(), value]).collect()));
                before.push(not(test));
                rest = behind;
            }
            if let [otherwise] = rest {
                before.push(at_depth(otherwise, seen, depth + 1)?);
                ways.push(all(before));
            }
            Ok(any(ways))
        }
        ("var", _) => truthy_variable(expression, seen),
        ("==" | "===" | "!=" | "!==" | "<" | "<=" | ">" | ">=", [left, right]) => {
            comparison(operator, left, right, seen)
        }
        ("in", [needle, list]) => membership(needle, list, seen),
        ("starts_with" | "ends_with", [value, Value::String(part)]) => {
            let name = named(value, seen)?;
            let part = escaped(part);
            let pattern = if operator == "starts_with" { format!("^{part}") } else { format!("{part}$") };
            Ok(text_matches(&name, &pattern, false))
        }
        ("starts_with" | "ends_with", [value, _]) if variable(value).is_some() => {
            Err(unsupported(expression))
        }
        // With another number of operands they give null.
        ("starts_with" | "ends_with", operands) if operands.len() != 2 => Ok(never()),
        ("sem_ver", [value, Value::String(operator), version @ (Value::String(_) | Value::Number(_))]) => {
            version_is(value, operator, &crate::names::of_value(version), seen)
        }
        ("sem_ver", operands) if operands.len() != 3 => Ok(never()),
        _ => Err(unsupported(expression)),
    }
}

/// The only key of an operation, and its operands as a list.
pub(super) fn operation(object: &Map<String, Value>) -> Result<(&str, Vec<Value>), Unsupported> {
    let mut members = object.iter();
    let (Some((operator, operands)), None) = (members.next(), members.next()) else {
        return Err(format!("an operation has one name, this one has {}", object.len()).into());
    };
    let operands = match operands {
        Value::Array(operands) => operands.clone(),
        single => vec![single.clone()],
    };
    Ok((operator, operands))
}

/// The name in `{"var": "name"}`.
pub(super) fn variable(expression: &Value) -> Option<String> {
    let object = expression.as_object().filter(|object| object.len() == 1)?;
    match object.get("var")? {
        Value::String(name) => Some(name.clone()),
        // A second element is a default.
        Value::Array(parts) => match parts.as_slice() {
            [Value::String(name)] => Some(name.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// What JavaScript takes for true; JSONLogic takes an empty list for false.
fn truthy(literal: &Value) -> bool {
    match literal {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(_) => true,
    }
}

/// An attribute is there, and its text is that of something truthy.
fn truthy_variable(expression: &Value, seen: &mut Seen) -> Result<Value, Unsupported> {
    let name = named(expression, seen)?;
    Ok(field(&name, json!({"$exists": true, "$nin": ["", "false", "0"]})))
}

fn comparison(operator: &str, left: &Value, right: &Value, seen: &mut Seen) -> Result<Value, Unsupported> {
    if let (Value::String(left), Value::String(right)) = (left, right) {
        // The flag's key compared with a name, for instance.
        match operator {
            "==" | "===" => return Ok(if left == right { always() } else { never() }),
            "!=" | "!==" => return Ok(if left == right { never() } else { always() }),
            _ => {}
        }
    }
    // The variable may be on either side; `5 < x` is `x > 5`.
    if variable(left).is_none() && variable(right).is_some() {
        let mirrored = match operator {
            "<" => ">",
            "<=" => ">=",
            ">" => "<",
            ">=" => "<=",
            same => same,
        };
        return comparison(mirrored, right, left, seen);
    }
    let no_equivalent =
        || Err(format!("a comparison by `{operator}` with `{right}` has no equivalent").into());
    match operator {
        "==" | "===" | "!=" | "!==" => {
            let same = match right {
                Value::String(text) => field(&named(left, seen)?, json!({"$eq": text})),
                // To flagd's core in Python, not to those in Go and JavaScript, what is absent equals these.
                Value::Number(number) if number.as_f64() == Some(0.0) => return no_equivalent(),
                Value::Bool(false) => return no_equivalent(),
                Value::Number(number) => number_is(&named(left, seen)?, number),
                Value::Bool(true) => field(&named(left, seen)?, json!({"$in": ["true", "1"]})),
                _ => return no_equivalent(),
            };
            Ok(if operator.starts_with('!') { not(same) } else { same })
        }
        // Texts compare by their characters, in an order that differs between flagd's cores.
        _ if !right.is_number() => no_equivalent(),
        _ => {
            let operator = match operator {
                "<" => "$lt",
                "<=" => "$lte",
                ">" => "$gt",
                _ => "$gte",
            };
            Ok(field(&named(left, seen)?, json!({operator: right})))
        }
    }
}

/// The text is there, and is the number.
fn number_is(name: &str, number: &serde_json::Number) -> Value {
    field(name, json!({"$exists": true, "$gte": number, "$lte": number}))
}

/// `in` looks for an element in a list, or for a part of a text.
fn membership(needle: &Value, list: &Value, seen: &mut Seen) -> Result<Value, Unsupported> {
    match (needle, list) {
        (Value::String(part), Value::String(text)) => {
            Ok(if text.contains(part.as_str()) { always() } else { never() })
        }
        (Value::String(part), text) if variable(text).is_some() => {
            Ok(text_matches(&named(text, seen)?, &escaped(part), false))
        }
        (value, Value::Array(items)) if items.iter().all(Value::is_string) => {
            let name = named(value, seen)?;
            Ok(if items.is_empty() { never() } else { field(&name, json!({"$in": items})) })
        }
        (value, Value::Array(items)) if items.iter().all(Value::is_number) => {
            let name = named(value, seen)?;
            let numbers = items.iter().filter_map(Value::as_number);
            Ok(any(numbers.map(|number| number_is(&name, number)).collect()))
        }
        _ => Err(format!("`in` with `{needle}` and `{list}` has no equivalent").into()),
    }
}

fn version_is(value: &Value, operator: &str, version: &str, seen: &mut Seen) -> Result<Value, Unsupported> {
    let relation = match operator {
        "=" | "!=" => Relation::Equal,
        "<" => Relation::Below,
        "<=" => Relation::BelowOrEqual,
        ">" => Relation::Above,
        ">=" => Relation::AboveOrEqual,
        "^" => Relation::SameMajor,
        "~" => Relation::SameMinor,
        // Null, to flagd.
        _ => return Ok(never()),
    };
    let name = named(value, seen)?;
    if semver::Version::read(version, Form::Lenient).is_none() {
        return Ok(never());
    }
    seen.comment(format!("The pattern for {name} says: sem_ver {operator} {version}."));
    let holds = semver::condition(&name, relation, version, Form::Lenient);
    Ok(if operator == "!=" { all(vec![semver::is_version(&name, Form::Lenient), not(holds)]) } else { holds })
}

/// The condition under which an expression is null rather than false, where it is a single test. Null is the
/// default variant, false the variant `false`.
pub(super) fn is_null(expression: &Value) -> Option<Value> {
    let (operator, operands) = operation(expression.as_object()?).ok()?;
    match (operator, operands.as_slice()) {
        ("==" | "===" | "!=" | "!==" | "<" | "<=" | ">" | ">=" | "in", [_, _]) | ("!" | "!!", [_]) => {
            Some(never())
        }
        // Of what is not a text they are null, and requests have texts only.
        ("and" | "or", [_, ..]) => operands.iter().all(|it| is_null(it) == Some(never())).then(never),
        ("starts_with" | "ends_with", operands) if operands.len() != 2 => Some(always()),
        ("sem_ver", [value, Value::String(operator), version @ (Value::String(_) | Value::Number(_))]) => {
            let known = ["=", "!=", "<", "<=", ">", ">=", "^", "~"].contains(&operator.as_str());
            let version = semver::Version::read(&crate::names::of_value(version), Form::Lenient);
            match version.filter(|_| known) {
                Some(_) => Some(not(semver::is_version(&variable(value)?, Form::Lenient))),
                None => Some(always()),
            }
        }
        ("sem_ver", operands) if operands.len() != 3 => Some(always()),
        _ => None,
    }
}

/// The attribute of a variable.
pub(super) fn named(value: &Value, seen: &mut Seen) -> Result<String, Unsupported> {
    let name = variable(value).ok_or_else(|| unsupported(value))?;
    if name.starts_with("$flagd") {
        return Err(format!("`{name}` has no equivalent in conditions").into());
    }
    if name.is_empty() || name.split('.').any(str::is_empty) {
        return Err(format!("the variable {name:?} names no attribute").into());
    }
    // A part of an object, `user.plan`, is an attribute of its own: requests have few objects.
    seen.attributes.note_text(&name);
    Ok(name)
}

pub(super) fn unsupported(expression: &Value) -> Unsupported {
    let text = expression.to_string();
    let short: String = text.chars().take(80).collect();
    let dots = if short.len() < text.len() { "…" } else { "" };
    format!("the expression {short}{dots} has no equivalent").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_become_conditions() {
        for (expression, expected) in [
            (json!({"==": [{"var": "plan"}, "pro"]}), json!({"plan": {"$eq": "pro"}})),
            (json!({"<": [5, {"var": "age"}]}), json!({"age": {"$gt": 5}})),
            (json!({"in": [{"var": "c"}, ["a", "b"]]}), json!({"c": {"$in": ["a", "b"]}})),
            (
                json!({"in": ["@x.y", {"var": "mail"}]}),
                json!({"mail": {"$exists": true, "$regex": "@x\\.y"}}),
            ),
            (
                json!({"and": [{"var": "staff"}, {"!": {"==": [{"var": "a"}, 1]}}]}),
                json!({"$and": [
                    {"staff": {"$exists": true, "$nin": ["", "false", "0"]}},
                    {"$not": {"a": {"$exists": true, "$gte": 1, "$lte": 1}}},
                ]}),
            ),
            (json!({"sem_ver": [{"var": "v"}, ">=", "dev"]}), json!({"$not": {}})),
            (json!(true), json!({})),
            (json!(""), json!({"$not": {}})),
        ] {
            assert_eq!(condition(&expression, &mut Seen::default()), Ok(expected));
        }
    }

    #[test]
    fn what_has_no_equivalent_is_refused() {
        for expression in [
            json!({"%": [{"var": "a"}, 2]}),
            json!({"==": [{"var": "a"}, {"var": "b"}]}),
            json!({"==": [{"var": "a"}, 0]}),
            json!({"<": [{"var": "a"}, "b"]}),
            json!({"<": [{"var": "$flagd.timestamp"}, 5]}),
            json!({"some": [{"var": "list"}, true]}),
            json!({"a": 1, "b": 2}),
        ] {
            assert!(condition(&expression, &mut Seen::default()).is_err(), "{expression}");
        }
    }
}
