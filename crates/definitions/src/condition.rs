//! Building blocks of conditions in GrowthBook's language, which is Weir's.

use serde_json::{Value, json};

/// Always true: a condition without parts.
pub(crate) fn always() -> Value {
    json!({})
}

/// Never true.
pub(crate) fn never() -> Value {
    not(always())
}

/// It does not hold.
pub(crate) fn not(condition: Value) -> Value {
    match condition.as_object() {
        // Twice is not at all.
        Some(object) if object.len() == 1 && object.contains_key("$not") => object["$not"].clone(),
        _ => json!({"$not": condition}),
    }
}

/// All of them hold.
pub(crate) fn all(mut conditions: Vec<Value>) -> Value {
    if conditions.contains(&never()) {
        return never();
    }
    conditions.retain(|condition| *condition != always());
    conditions.dedup();
    match conditions.len() {
        0 => always(),
        1 => conditions.remove(0),
        _ => json!({"$and": conditions}),
    }
}

/// At least one holds; an empty list never does, unlike `$or: []`.
pub(crate) fn any(mut conditions: Vec<Value>) -> Value {
    if conditions.contains(&always()) {
        return always();
    }
    conditions.retain(|condition| *condition != never());
    conditions.dedup();
    match conditions.len() {
        0 => never(),
        1 => conditions.remove(0),
        _ => json!({"$or": conditions}),
    }
}

/// An attribute passes operators.
pub(crate) fn field(name: &str, operators: Value) -> Value {
    json!({name: operators})
}

/// An attribute is there.
pub(crate) fn exists(name: &str) -> Value {
    field(name, json!({"$exists": true}))
}

/// An attribute is there and its text matches. Without `$exists` an absent value has the text `null`.
pub(crate) fn text_matches(name: &str, pattern: &str, ignore_case: bool) -> Value {
    let operator = if ignore_case { "$regexi" } else { "$regex" };
    field(name, json!({"$exists": true, operator: pattern}))
}

/// A pattern that means just this text.
pub(crate) fn escaped(text: &str) -> String {
    let special = |c: char| r"\^$.|?*+()[]{}".contains(c);
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_nested_without_need() {
        assert_eq!(all(vec![always(), json!({"a": 1})]), json!({"a": 1}));
        assert_eq!(all(vec![]), json!({}));
        assert_eq!(all(vec![json!({"a": 1}), never()]), never());
        assert_eq!(any(vec![]), json!({"$not": {}}));
        assert_eq!(any(vec![json!({"a": 1}), always()]), always());
        assert_eq!(not(never()), always());
        assert_eq!(escaped("a.b+c"), r"a\.b\+c");
    }
}
