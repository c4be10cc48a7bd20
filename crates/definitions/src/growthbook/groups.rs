//! Saved groups: names are replaced by their values.
//!
//! Two forms: `savedGroups: {id: [values]}` with `$inGroup` and `$notInGroup`, and, since 2026, groups that know
//! their attribute or are a condition, with `$savedGroup` in the place of a field (growthbook#6942).

use crate::condition::all;
use crate::unsupported::Unsupported;
use serde_json::{Map, Value, json};

/// Groups that name groups deeper than this go in a circle.
const MAX_DEPTH: usize = 10;

/// The condition without groups.
///
/// # Errors
/// A group that the payload does not have, or that is neither list nor condition.
pub(super) fn written_out(condition: &Value, groups: &Map<String, Value>) -> Result<Value, Unsupported> {
    walk(condition, groups, 0)
}

fn walk(condition: &Value, groups: &Map<String, Value>, depth: usize) -> Result<Value, Unsupported> {
    if depth > MAX_DEPTH * 4 {
        return Err("its saved groups are nested too deep, or in a circle".into());
    }
    match condition {
        Value::Array(items) => {
            items.iter().map(|item| walk(item, groups, depth + 1)).collect::<Result<_, _>>().map(Value::Array)
        }
        Value::Object(object) => {
            let mut written = Map::new();
            let mut whole = Vec::new();
            for (key, value) in object {
                match key.as_str() {
                    "$inGroup" => drop(written.insert("$in".into(), values(value, groups)?)),
                    "$notInGroup" => drop(written.insert("$nin".into(), values(value, groups)?)),
                    "$savedGroup" => whole.push(group(value, groups, depth)?),
                    _ => drop(written.insert(key.clone(), walk(value, groups, depth + 1)?)),
                }
            }
            whole.insert(0, Value::Object(written));
            Ok(if whole.len() == 1 { whole.remove(0) } else { all(whole) })
        }
        literal => Ok(literal.clone()),
    }
}

fn find<'g>(id: &Value, groups: &'g Map<String, Value>) -> Result<&'g Value, Unsupported> {
    let found = id.as_str().and_then(|id| groups.get(id));
    found.ok_or_else(|| {
        format!("the saved group {id} is not in the payload: let the SDK connection send groups, or write its values")
            .into()
    })
}

/// The values of a group.
fn values(id: &Value, groups: &Map<String, Value>) -> Result<Value, Unsupported> {
    let group = find(id, groups)?;
    match group.get("values").unwrap_or(group) {
        Value::Array(values) => Ok(json!(values)),
        _ => Err(format!("the saved group {id} is a condition, which no attribute can be in").into()),
    }
}

/// What being in a group means: `"id"`, or `{"id": …, "attributeKey": …}`.
fn group(named: &Value, groups: &Map<String, Value>, depth: usize) -> Result<Value, Unsupported> {
    let id = named.get("id").unwrap_or(named);
    let found = find(id, groups)?;
    if let Some(condition) = found.get("condition") {
        return walk(condition, groups, depth + 4);
    }
    let attribute = named.get("attributeKey").or_else(|| found.get("attributeKey")).and_then(Value::as_str);
    let attribute =
        attribute.ok_or_else(|| format!("the saved group {id} does not specify its attribute"))?;
    Ok(json!({attribute: {"$in": values(id, groups)?}}))
}
