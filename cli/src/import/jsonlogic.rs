//! JSONLogic as flagd uses it, turned into conditions.
//!
//! Source: <https://jsonlogic.com/operations.html>, and flagd's own `starts_with`, `ends_with` and
//! `sem_ver` (<https://flagd.dev/reference/custom-operations/>).

use super::condition::{all, always, any, escaped, field, never, not, text_matches};
use super::model::{Attributes, Kind};
use serde_json::{Map, Value, json};

/// Turns an expression into a condition that holds where the expression is truthy.
///
/// # Errors
/// What has no equivalent, for people.
pub(crate) fn condition(expression: &Value, attributes: &mut Attributes) -> Result<Value, String> {
    let (operator, operands) = match expression {
        Value::Object(object) => operation(object)?,
        literal => return Ok(if truthy(literal) { always() } else { never() }),
    };
    match (operator, operands.as_slice()) {
        ("and", operands) => Ok(all(conditions(operands, attributes)?)),
        ("or", operands) => Ok(any(conditions(operands, attributes)?)),
        ("!", [operand]) => Ok(not(condition(operand, attributes)?)),
        ("!!", [operand]) => condition(operand, attributes),
        ("var", _) => {
            let name = variable(expression).ok_or_else(|| unsupported(expression))?;
            attributes.note(&name, Kind::Boolean);
            Ok(field(&name, json!(true)))
        }
        ("==" | "===" | "!=" | "!==" | "<" | "<=" | ">" | ">=", [left, right]) => {
            comparison(operator, left, right, attributes)
        }
        ("in", [needle, list]) => membership(needle, list, attributes),
        ("starts_with" | "ends_with", [value, Value::String(part)]) => {
            let name = named(value, Kind::Text, attributes)?;
            let part = escaped(part);
            let pattern = if operator == "starts_with" { format!("^{part}") } else { format!("{part}$") };
            Ok(text_matches(&name, &pattern, false))
        }
        ("sem_ver", [value, Value::String(operator), Value::String(version)]) => {
            let operator = versions(operator)?;
            let name = named(value, Kind::Text, attributes)?;
            Ok(field(&name, json!({"$exists": true, operator: version})))
        }
        _ => Err(unsupported(expression)),
    }
}

/// The only key of an operation, and its operands as a list.
pub(crate) fn operation(object: &Map<String, Value>) -> Result<(&str, Vec<Value>), String> {
    let mut members = object.iter();
    let (Some((operator, operands)), None) = (members.next(), members.next()) else {
        return Err(format!("an operation has one name, this one has {}", object.len()));
    };
    let operands = match operands {
        Value::Array(operands) => operands.clone(),
        single => vec![single.clone()],
    };
    Ok((operator, operands))
}

/// The name in `{"var": "name"}`.
pub(crate) fn variable(expression: &Value) -> Option<String> {
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

fn conditions(expressions: &[Value], attributes: &mut Attributes) -> Result<Vec<Value>, String> {
    expressions.iter().map(|expression| condition(expression, attributes)).collect()
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

fn comparison(
    operator: &str,
    left: &Value,
    right: &Value,
    attributes: &mut Attributes,
) -> Result<Value, String> {
    // The variable may stand on either side; `5 < x` is `x > 5`.
    if variable(left).is_none() && variable(right).is_some() {
        let mirrored = match operator {
            "<" => ">",
            "<=" => ">=",
            ">" => "<",
            ">=" => "<=",
            same => same,
        };
        return comparison(mirrored, right, left, attributes);
    }
    let operator = match operator {
        "==" | "===" => "$eq",
        "!=" | "!==" => "$ne",
        "<" => "$lt",
        "<=" => "$lte",
        ">" => "$gt",
        _ => "$gte",
    };
    let kind = kind_of(right).ok_or_else(|| format!("a comparison with `{right}` has no equivalent"))?;
    let name = named(left, kind, attributes)?;
    Ok(field(&name, json!({operator: right})))
}

fn kind_of(literal: &Value) -> Option<Kind> {
    match literal {
        Value::Bool(_) => Some(Kind::Boolean),
        Value::Number(_) => Some(Kind::Number),
        Value::String(_) | Value::Null => Some(Kind::Text),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// `in` looks for an element in a list, or for a part of a text.
fn membership(needle: &Value, list: &Value, attributes: &mut Attributes) -> Result<Value, String> {
    match (needle, list) {
        (Value::String(part), text) if variable(text).is_some() => {
            let name = named(text, Kind::Text, attributes)?;
            Ok(text_matches(&name, &escaped(part), false))
        }
        (value, Value::Array(items)) if items.iter().all(Value::is_string) => {
            let name = named(value, Kind::Text, attributes)?;
            Ok(field(&name, json!({"$in": items})))
        }
        (value, Value::Array(items)) if items.iter().all(Value::is_number) => {
            let name = named(value, Kind::Number, attributes)?;
            Ok(field(&name, json!({"$in": items})))
        }
        _ => Err(format!("`in` with `{needle}` and `{list}` has no equivalent")),
    }
}

fn versions(operator: &str) -> Result<&'static str, String> {
    match operator {
        "=" => Ok("$veq"),
        "!=" => Ok("$vne"),
        "<" => Ok("$vlt"),
        "<=" => Ok("$vlte"),
        ">" => Ok("$vgt"),
        ">=" => Ok("$vgte"),
        other => Err(format!("the version operator `{other}` has no equivalent")),
    }
}

fn named(value: &Value, kind: Kind, attributes: &mut Attributes) -> Result<String, String> {
    let name = variable(value).ok_or_else(|| unsupported(value))?;
    if name.starts_with("$flagd") {
        return Err(format!("`{name}` has no equivalent in conditions"));
    }
    attributes.note(&name, kind);
    Ok(name)
}

fn unsupported(expression: &Value) -> String {
    let text = expression.to_string();
    let short: String = text.chars().take(80).collect();
    let dots = if short.len() < text.len() { "…" } else { "" };
    format!("the expression {short}{dots} has no equivalent")
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
                json!({"$and": [{"staff": true}, {"$not": {"a": {"$eq": 1}}}]}),
            ),
            (
                json!({"sem_ver": [{"var": "v"}, ">=", "1.2.0"]}),
                json!({"v": {"$exists": true, "$vgte": "1.2.0"}}),
            ),
            (json!(true), json!({})),
            (json!(""), json!({"$not": {}})),
        ] {
            assert_eq!(condition(&expression, &mut Attributes::default()), Ok(expected));
        }
    }

    #[test]
    fn what_has_no_equivalent_is_refused() {
        for expression in [
            json!({"%": [{"var": "a"}, 2]}),
            json!({"==": [{"var": "a"}, {"var": "b"}]}),
            json!({"<": [{"var": "$flagd.timestamp"}, 5]}),
            json!({"sem_ver": [{"var": "v"}, "~", "1.2.0"]}),
            json!({"some": [{"var": "list"}, true]}),
            json!({"a": 1, "b": 2}),
        ] {
            assert!(condition(&expression, &mut Attributes::default()).is_err(), "{expression}");
        }
    }
}
