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
    "\\x41",
    "\\u{e9}",
    "é",
    "你",
    "\n",
    "_",
    ".",
];

/// The first line is a pattern, the others are texts. A pattern is valid where it is to `regex-lite`, which says of each
/// text what the automaton says, at once and again.
pub(crate) fn regex(data: &[u8]) {
    let (pattern, texts) = halves(data, b'\n');
    let Ok(pattern) = str::from_utf8(pattern) else { return };
    // Where `regex-lite` 0.1.9 differs from RE2: a dash that begins a range as the first of a class, and a range from
    // capital letters to small ones, which `(?i)` does not change.
    let dash = pattern.contains("[--") || pattern.contains("[^--");
    let across = |range: &[u8]| matches!(range, [..=b'Z', b'-', b'a'.. | b'\\']);
    if pattern.len() > 200 || dash || (pattern.contains("(?") && pattern.as_bytes().windows(3).any(across)) {
        return;
    }
    let build = |pattern: &str| regex_lite::RegexBuilder::new(pattern).size_limit(1 << 16).build().ok();
    let latin1 = |bytes: &[u8]| bytes.iter().copied().map(char::from).collect::<String>();
    let characters = latin1(pattern.as_bytes());
    // Between anchors it may be one level too deep, which is no matter to the automaton.
    let valid = |regex: Result<Regex, regex_lite::Error>, alone: &str, lite: &str| {
        let (alone, lite) = (build(alone), build(lite));
        assert!(regex.is_ok() || alone.is_none() || lite.is_none(), "{pattern:?}: {:?}", regex.err());
        assert!(regex.is_err() || alone.is_some(), "{pattern:?}");
        Some((regex.ok()?, lite?))
    };
    let anchored = format!("^(?:{characters})$");
    let whole = valid(Regex::whole(&characters, Alphabet::Bytes), &characters, &anchored);
    let searching = valid(Regex::searching(pattern, Alphabet::Unicode), pattern, pattern);
    for text in texts.split(|b| *b == b'\n').flat_map(|text| [text, text]) {
        if let Some((regex, lite)) = &whole {
            let found = regex.matches(text, &Work::unbounded());
            assert_eq!(found, Some(lite.is_match(&latin1(text))), "{pattern:?} {}", text.escape_ascii());
            bounded_work(regex, text);
        }
        if let Some((regex, lite)) = &searching {
            let found = regex.matches(text, &Work::unbounded());
            let expected = str::from_utf8(text).ok().map(|text| lite.is_match(text));
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
