//! What a feature needs of another one.

use super::payload::{Parent, Payload};
use super::{names, variation_key};
use crate::import::model::Requirement;
use serde_json::{Map, Value};

/// Which values of the parent fulfil the condition. It can ask for anything of `value`; we know those
/// conditions that name values.
pub(super) fn requirement(parent: &Parent, payload: &Payload) -> Result<Requirement, String> {
    let feature = payload.features.get(&parent.id);
    let feature = feature.ok_or_else(|| format!("the prerequisite `{}` is not in the payload", parent.id))?;
    let unknown = || format!("the prerequisite's condition {} has no equivalent", parent.condition);
    let wanted = parent.condition.get("value").ok_or_else(unknown)?;
    let fulfils = |value: &Value| match wanted.as_object() {
        None => Some(names::of_value(wanted) == names::of_value(value)),
        Some(operators) => fulfils(operators, value),
    };
    // Where the default fulfils it, those must not have one of the variants that do not.
    let not = fulfils(&feature.default_value).ok_or_else(unknown)?;
    let mut variants = Vec::new();
    for rule in &feature.rules {
        let forced = rule.force.iter().map(|value| (names::of_value(value), value));
        let varied = rule.variations.iter().enumerate().map(|(i, value)| (variation_key(rule, i), value));
        for (key, value) in forced.chain(varied) {
            if fulfils(value).ok_or_else(unknown)? != not {
                variants.push(key);
            }
        }
    }
    variants.sort();
    variants.dedup();
    if variants.is_empty() {
        return Err(format!("its prerequisite `{}` has always the same value", parent.id));
    }
    Ok(Requirement { flag: parent.id.clone(), variants, not })
}

fn fulfils(operators: &Map<String, Value>, value: &Value) -> Option<bool> {
    let mut all = true;
    for (operator, literal) in operators {
        all &= match (operator.as_str(), literal) {
            ("$eq", literal) => literal == value,
            ("$ne", literal) => literal != value,
            ("$in", Value::Array(items)) => items.contains(value),
            ("$nin", Value::Array(items)) => !items.contains(value),
            ("$exists", Value::Bool(exists)) => *exists != value.is_null(),
            _ => return None,
        };
    }
    Some(all)
}
