//! Names for things that have none in the vendor's file, and the names that conditions use.

use super::model::{Attributes, Kind};
use serde_json::Value;

/// What a value is called: the key of the variant that has it.
pub(crate) fn of_value(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A name as configurations take them: letters, digits, `-`, `_` and `.`.
pub(crate) fn safe(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let text: String = name.chars().map(|c| if allowed(c) { c } else { '-' }).take(100).collect();
    let trimmed = text.trim_matches('-');
    if trimmed.is_empty() { "unnamed".to_owned() } else { trimmed.to_owned() }
}

/// Notes the attributes of a GrowthBook condition, with the types that their literals ask for.
pub(crate) fn note_attributes(condition: &Value, attributes: &mut Attributes) {
    let Value::Object(object) = condition else { return };
    for (key, value) in object {
        match (key.as_str(), value) {
            ("$and" | "$or" | "$nor", Value::Array(parts)) => {
                parts.iter().for_each(|part| note_attributes(part, attributes));
            }
            ("$not", part) => note_attributes(part, attributes),
            (name, tests) => match name.split_once('.') {
                Some((head, _)) => attributes.note(head, Kind::Json),
                None => attributes.note(name, kind(tests)),
            },
        }
    }
}

/// The type that makes a test see what the SDK sees.
fn kind(tests: &Value) -> Kind {
    match tests {
        Value::Bool(_) => Kind::Boolean,
        Value::Number(_) => Kind::Number,
        Value::Array(_) => Kind::List,
        Value::Null | Value::String(_) => Kind::Text,
        Value::Object(operators) => {
            operators.iter().map(|(name, it)| operand(name, it)).max().unwrap_or_default()
        }
    }
}

fn operand(operator: &str, literal: &Value) -> Kind {
    match (operator, literal) {
        ("$exists" | "$type", _) => Kind::Text,
        ("$size" | "$all" | "$alli" | "$elemMatch", _) => Kind::List,
        ("$not", tests) => kind(tests),
        (_, Value::Array(items)) => items.iter().map(kind).max().unwrap_or_default(),
        (_, literal) => kind(literal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn literals_say_what_type_an_attribute_has() {
        let mut attributes = Attributes::default();
        let condition = json!({
            "plan": "pro",
            "$or": [{"age": {"$gte": 18}}, {"$not": {"staff": true}}],
            "level": {"$in": [1, 2]},
            "country": {"$in": ["de"], "$exists": true},
            "tags": {"$all": ["a"]},
            "user.plan": "x"
        });
        note_attributes(&condition, &mut attributes);
        let kinds: Vec<_> = attributes.iter().collect();
        assert_eq!(
            kinds,
            [
                ("age", Kind::Number),
                ("country", Kind::Text),
                ("level", Kind::Number),
                ("plan", Kind::Text),
                ("staff", Kind::Boolean),
                ("tags", Kind::List),
                ("user", Kind::Json),
            ]
        );
    }

    #[test]
    fn names_are_made_safe() {
        assert_eq!(safe("new checkout (2)"), "new-checkout--2");
        assert_eq!(safe("größe"), "gr--e");
        assert_eq!(safe("??"), "unnamed");
    }
}
