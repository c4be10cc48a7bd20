//! Conditions over what clients send.

use crate::support::{Asked, halves};
use serde_json::{Value, json};
use weir_core::Truth;

pub(crate) const PIECES: &[&str] = &[
    "{\"j.a\":",
    "{\"j\":",
    "{\"t\":",
    "{\"n\":",
    "{\"l\":",
    "{\"b\":",
    "{\"$eq\":",
    "{\"$ne\":",
    "{\"$in\":[",
    "{\"$nin\":[",
    "{\"$gt\":",
    "{\"$lte\":",
    "{\"$regex\":\"",
    "{\"$regexi\":\"",
    "{\"$exists\":true}",
    "{\"$size\":",
    "{\"$all\":[",
    "{\"$elemMatch\":",
    "{\"$not\":",
    "{\"$or\":[",
    "{\"$and\":[",
    "{\"$nor\":[",
    "{\"$vgt\":\"",
    "{\"$veq\":\"",
    "{\"$type\":\"",
    "{\"$ini\":[",
    "{\"$alli\":[",
    "{\"$inGroup\":",
    "null",
    "true",
    "1.5",
    "-0",
    "\"\"",
    "}",
    "]",
    "\n",
    "\"1.2.3\"",
    "1e999",
    "\"é\"",
];

/// The first line is a condition, the second a value that is read as every type there is. It is judged, the same
/// each time, and its negation the other way.
pub(crate) fn condition(data: &[u8]) {
    let (written, value) = halves(data, b'\n');
    let Ok(written) = serde_json::from_slice::<Value>(written) else { return };
    let attributes = json!({
        "j": {"header": "x-v", "type": "json"},
        "t": {"header": "x-v"},
        "n": {"header": "x-v", "type": "number"},
        "b": {"header": "x-v", "type": "boolean"},
        "l": {"header": "x-v", "type": "list"},
    });
    let Some(plain) = Asked::new(&attributes, &written) else { return };
    // It may be nested too deep.
    let Some(negated) = Asked::new(&attributes, &json!({"$not": written})) else { return };
    for headers in [&[("x-v", value)][..], &[("x-v", value), ("x-v", &b"a"[..])], &[]] {
        let truth = plain.judge(headers);
        assert_eq!(plain.judge(headers), truth);
        assert_eq!(negated.judge(headers), !truth);
        if headers.is_empty() {
            assert_ne!(truth, Truth::Unknown, "what is absent can be judged");
        }
    }
}
