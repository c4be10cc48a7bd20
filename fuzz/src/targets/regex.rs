//! The engine for regular expressions.

use crate::support::halves;
use weir_core::regex::{Alphabet, Regex, Work};

pub(crate) const PIECES: &[&str] = &[
    "(a|b)*",
    "[a-z]",
    "[^a]",
    "\\b",
    "\\B",
    "\\d",
    "\\w",
    "\\s",
    "(?i)",
    "(?s)",
    "(?i:",
    "(?P<n>",
    "{2,5}",
    "{1,}",
    "*?",
    "+",
    "?",
    "|",
    "^",
    "$",
    "\\A",
    "\\z",
    "[[:alpha:]]",
    "[]a]",
    "[[a]",
    "\\x41",
    "\\x{e9}",
    "\\101",
    "\\Q",
    "\\E",
    "\\C",
    "{02}",
    "(?m)",
    "é",
    "你",
    "\n",
    "_",
    ".",
];

/// Whether `regex-lite` 0.1.9 and RE2 differ about a pattern that both accept, or about this text: escapes that are
/// borders of words or names of them, a dash that begins a range as the first of a class, a range from upper-case to
/// lower-case letters, which `(?i)` does not change there, the vertical tab, which is no `\s` in RE2, and braces that are
/// characters in RE2, because a number in them has a space or a zero in front.
pub(super) fn re2_differs(pattern: &str, text: &[u8]) -> bool {
    let across = |range: &[u8]| matches!(range, [..=b'Z', b'-', b'a'.. | b'\\']);
    let padded = |counts: &str| {
        let counts = counts.split('}').next().unwrap_or_default();
        counts.split(',').any(|n| n.contains(char::is_whitespace) || (n.len() > 1 && n.starts_with('0')))
    };
    ["\\<", "\\>", "\\b{", "[--", "[^--"].iter().any(|differing| pattern.contains(differing))
        || pattern.split('{').skip(1).any(padded)
        || (pattern.contains("(?") && pattern.as_bytes().windows(3).any(across))
        || (text.contains(&0x0b) && (pattern.contains("\\s") || pattern.contains("\\S")))
}

/// A pattern for the whole of a text, if `regex-lite` takes it.
pub(super) fn whole(pattern: &str) -> Option<regex_lite::Regex> {
    // Alone first: between anchors, `a)|(b` looks valid.
    build(pattern).and_then(|_| build(&format!("^(?:{pattern})$")))
}

fn build(pattern: &str) -> Option<regex_lite::Regex> {
    regex_lite::RegexBuilder::new(pattern).size_limit(1 << 16).build().ok()
}

/// The first line is a pattern, the others are texts. `regex-lite` says of each text what the automaton says, at once
/// and again.
pub(crate) fn regex(data: &[u8]) {
    let (pattern, texts) = halves(data, b'\n');
    let Ok(pattern) = str::from_utf8(pattern) else { return };
    if pattern.len() > 200 || re2_differs(pattern, texts) {
        return;
    }
    let latin1 = |bytes: &[u8]| bytes.iter().copied().map(char::from).collect::<String>();
    let characters = latin1(pattern.as_bytes());
    let whole = Regex::whole(&characters, Alphabet::Bytes).ok().map(|regex| (regex, whole(&characters)));
    let searching = Regex::searching(pattern, Alphabet::Unicode).ok().map(|regex| (regex, build(pattern)));
    for text in texts.split(|b| *b == b'\n').flat_map(|text| [text, text]) {
        if let Some((regex, lite)) = &whole {
            let found = regex.matches(text, &Work::unbounded());
            let expected = lite.as_ref().map_or(found, |lite| Some(lite.is_match(&latin1(text))));
            assert_eq!(found, expected, "{pattern:?} {}", text.escape_ascii());
            assert!(found.is_some(), "{pattern:?} {}", text.escape_ascii());
            bounded_work(regex, text);
        }
        if let Some((regex, lite)) = &searching {
            let found = regex.matches(text, &Work::unbounded());
            let expected = str::from_utf8(text).ok().and_then(|text| {
                lite.as_ref().map_or(found, |lite| Some(lite.is_match(text)))
            });
            assert_eq!(found, expected, "{pattern:?} {}", text.escape_ascii());
        }
    }
}

/// With as much work as a request may spend, the answer is the same or unknown, and no more is spent.
fn bounded_work(regex: &Regex, text: &[u8]) {
    let work = Work::of_a_request();
    let bounded = regex.matches(text, &work);
    if let Some(bounded) = bounded {
        assert_eq!(Some(bounded), regex.matches(text, &Work::unbounded()));
    } else {
        assert_eq!(work.left(), 0);
    }
}
