//! Patterns in JavaScript's syntax, in conditions.

use crate::support::{Asked, halves};
use serde_json::json;
use weir_core::Truth;

pub(crate) const PIECES: &[&str] = &[
    "^",
    "$",
    "\\d",
    "\\D",
    "\\w",
    "\\W",
    "\\s",
    "\\S",
    "\\b",
    "\\B",
    "[^",
    "]",
    "[]",
    "[^]",
    "(?:",
    "(?<n>",
    "(?=",
    "(?!",
    "\\1",
    "\\u00e9",
    "\\x41",
    "\\cA",
    "\\0",
    "{2}",
    "{,3}",
    "{2,",
    "*?",
    "|",
    ".",
    "\\/",
    "\\-",
    "-",
    "é",
    "\u{2028}",
    "\\u{1F600}",
];

/// The first line is a pattern, what follows a text. A pattern that is taken is judged, the other way round under
/// `$not`, and one of letters only is found where it stands.
pub(crate) fn pattern(data: &[u8]) {
    let (pattern, text) = halves(data, b'\n');
    let Ok(pattern) = str::from_utf8(pattern) else { return };
    // The model searches slowly.
    if pattern.len() > 500 {
        return;
    }
    let attributes = json!({"t": {"header": "x-t"}});
    for operator in ["$regex", "$regexi"] {
        let condition = json!({"t": {operator: pattern}});
        let Some(plain) = Asked::new(&attributes, &condition) else { continue };
        let negated = Asked::new(&attributes, &json!({"t": {"$not": {operator: pattern}}})).expect("as well");
        let truth = plain.judge(&[("x-t", text)]);
        assert_eq!(negated.judge(&[("x-t", text)]), !truth);
        if operator == "$regex" && pattern.bytes().all(|b| b.is_ascii_alphanumeric()) {
            let found =
                pattern.is_empty() || text.windows(pattern.len()).any(|part| part == pattern.as_bytes());
            assert_eq!(truth, Truth::from(found));
        }
        if let Some(expected) = model(pattern, operator == "$regexi", text) {
            assert!(truth == expected.into() || truth == Truth::Unknown, "{pattern:?}: {truth:?}");
        }
    }
}

/// What another engine finds, for patterns whose syntax means the same in both: no line ends in the text, no word
/// boundary, no class of its own.
fn model(pattern: &str, ignore_case: bool, text: &[u8]) -> Option<bool> {
    let same = |b: u8| b.is_ascii_alphanumeric() || b"^$|()*+?._".contains(&b);
    let plain = text.is_ascii() && !text.iter().any(|b| matches!(b, b'\n' | b'\r'));
    if !plain || !pattern.bytes().all(same) || pattern.contains("(?") {
        return None;
    }
    let pattern =
        regex::RegexBuilder::new(pattern).case_insensitive(ignore_case).unicode(false).build().ok()?;
    Some(pattern.is_match(str::from_utf8(text).ok()?))
}
