//! A configuration in bytes: JSON, or a `google.protobuf.Struct` as Envoy writes it.

use serde_json::Value;
use weir_core::{Problems, load};

pub(crate) const PIECES: &[&str] = &[
    "\n",
    "\u{e}",
    "\n\u{1}a",
    "\u{12}",
    "\u{1a}",
    "*",
    "2",
    "\u{8}\0",
    " \u{1}",
    "\u{11}\0\0\0\0\0\0\u{f0}?",
    "{\"a\":",
    "}",
];

/// What was read is the same when it is written as JSON, up to the last bit of numbers.
pub(crate) fn structure(data: &[u8]) {
    let Some(value) = read(data) else { return };
    let again = read(value.to_string().as_bytes());
    assert_eq!(again.map(without_numbers), Some(without_numbers(value)));
}

fn read(data: &[u8]) -> Option<Value> {
    let mut problems = Problems::default();
    let value: Value = load(data, &mut problems);
    problems.is_empty().then_some(value)
}

fn without_numbers(value: Value) -> Value {
    match value {
        Value::Number(_) => 0.into(),
        Value::Array(items) => items.into_iter().map(without_numbers).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name, without_numbers(value))).collect()
        }
        other => other,
    }
}
