//! A number for what a configuration says, in whichever form it comes, so that a proxy can report which one it runs.

use super::Json;
use super::parse::parse;
use crate::value::number;
use serde_json::Value;

/// The bits of a fingerprint. Metrics are doubles in Prometheus, which hold whole numbers of 53 bits exactly.
const BITS: u32 = 48;

/// The fingerprint of a configuration's bytes, below 2^48: the same for JSON and for a `google.protobuf.Struct` that say
/// the same. `None` where they are neither.
///
/// The order of members does not matter. Numbers and texts of the same number are the same, because Envoy's reader of
/// YAML makes texts of decimals. It tells versions of one configuration apart; it does not protect
/// against attempts to make two the same.
///
/// ```
/// use weir_core::load::fingerprint;
///
/// let one = fingerprint(br#"{"weight": 0.5, "name": "checkout"}"#);
/// assert_eq!(one, fingerprint(br#"{"name": "checkout", "weight": "0.5"}"#));
/// assert_ne!(one, fingerprint(br#"{"name": "checkout", "weight": 0.6}"#));
/// assert_eq!(fingerprint(b"{]"), None);
/// ```
pub fn fingerprint(bytes: &[u8]) -> Option<u64> {
    parse(bytes).ok().map(|document| of_json(&document))
}

/// The same of a document that is parsed already; `null` is an empty one.
///
/// ```
/// use weir_core::load::{fingerprint, fingerprint_of};
///
/// let document = serde_json::json!({"name": "checkout"});
/// assert_eq!(Some(fingerprint_of(&document)), fingerprint(br#"{"name": "checkout"}"#));
/// ```
pub fn fingerprint_of(document: &Value) -> u64 {
    of_json(&Json::from(document))
}

pub(super) fn of_json(document: &Json<'_>) -> u64 {
    let hash = of(document);
    (hash ^ (hash >> BITS)) & ((1 << BITS) - 1)
}

fn of(value: &Json<'_>) -> u64 {
    match value {
        Json::Null => tagged(b'z', &[]),
        Json::Bool(value) => tagged(b'b', &[u8::from(*value)]),
        Json::Number(value) => of_number(value.as_f64().unwrap_or_default()),
        Json::Text(text) => match number(text.as_bytes()) {
            Some(value) => of_number(value),
            None => tagged(b's', text.as_bytes()),
        },
        Json::List(items) => {
            mixed(items.iter().fold(tagged(b'a', &[]), |hash, item| hashed(hash, &of(item).to_le_bytes())))
        }
        // A sum, which has no order.
        Json::Object(members) => mixed(members.iter().fold(tagged(b'o', &[]), |sum, (name, value)| {
            let member = hashed(tagged(b'm', name.as_bytes()), &of(value).to_le_bytes());
            sum.wrapping_add(mixed(member))
        })),
    }
}

fn of_number(value: f64) -> u64 {
    // Adding 0 makes 0 of -0.
    tagged(b'n', &(value + 0.0).to_bits().to_le_bytes())
}

fn tagged(tag: u8, bytes: &[u8]) -> u64 {
    mixed(hashed(hashed(0xcbf2_9ce4_8422_2325, &[tag]), bytes))
}

/// FNV-1a: small, and there are no more than some thousands of versions.
fn hashed(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The finaliser of `SplitMix64`: each bit of the result depends on each bit of the argument.
fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> u64 {
        fingerprint(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_says_the_same_is_the_same() {
        let one = json(r#"{"a": {"weight": 0.5, "on": true}, "b": [1, "x"]}"#);
        assert_eq!(one, json(r#" {"b": [1.0, "x"], "a": {"on": true, "weight": "0.5"}} "#));
        assert_eq!(json("-0"), json("0"));
        assert_eq!(fingerprint(b" \n"), fingerprint(b""));
        assert_eq!(fingerprint(b"{]"), None);
        // The fields a: 2.5 and b: [true] of a Struct.
        let structure = b"\x0a\x0e\x0a\x01a\x12\x09\x11\0\0\0\0\0\0\x04\x40\x0a\x0b\x0a\x01b\x12\x06\x32\x04\x0a\x02\x20\x01";
        assert_eq!(fingerprint(structure), Some(json(r#"{"b": [true], "a": 2.5}"#)));
    }

    #[test]
    fn what_says_something_else_differs() {
        let texts = [
            "null",
            "{}",
            "[]",
            "0",
            "1",
            "true",
            "false",
            r#""""#,
            r#""a""#,
            r#"{"a": 1}"#,
            r#"{"a": 2}"#,
            r#"{"b": 1}"#,
            r#"{"a": 1, "b": 2}"#,
            r#"{"a": 2, "b": 1}"#,
            "[1, 2]",
            "[2, 1]",
            "[[1], 2]",
            "[[1, 2]]",
            r#"{"a": null}"#,
            r#"{"a": {"b": 1}}"#,
            r#"{"a": {"b": {}}}"#,
            "[0.25]",
            "[0.250001]",
        ];
        let mut all: Vec<u64> = texts.iter().map(|text| json(text)).collect();
        assert!(all.iter().all(|hash| *hash < 1 << 48));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), texts.len());
    }

    /// It is compared across versions of modules and of the command line: it must stay as it is. The number is another
    /// implementation's, in Python.
    #[test]
    fn it_does_not_change_from_one_version_to_the_next() {
        assert_eq!(json(r#"{"routing": {"rules": [{"name": "a", "weight": 12.5}]}}"#), VERSION_1);
    }

    const VERSION_1: u64 = 98_355_484_637_520;
}
