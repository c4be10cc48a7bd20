//! Regular expressions: written in JavaScript's syntax, run in linear time.

mod syntax;

use crate::http_match::{Anchor, stands};
use crate::regex::{Alphabet, InvalidSyntax, Regex, of_this_request};
use crate::truth::Truth;
use std::borrow::Cow;
use std::fmt;
use syntax::{Translated, Unsupported};

/// Patterns longer than this, in bytes, are refused.
const MAX_PATTERN_LEN: usize = 4096;

/// A pattern that cannot be used.
#[derive(Clone, Debug)]
pub(super) enum InvalidPattern {
    /// It has too many bytes.
    TooLong,
    /// JavaScript refuses it, or it cannot be matched in linear time.
    Unsupported {
        /// The pattern.
        pattern: Box<str>,
        /// Why.
        why: Unsupported,
    },
    /// It is too large, most often.
    NotCompiled {
        /// The pattern.
        pattern: Box<str>,
        /// Why.
        why: InvalidSyntax,
    },
}

impl fmt::Display for InvalidPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "the pattern is longer than {MAX_PATTERN_LEN} bytes"),
            Self::Unsupported { pattern, why } => write!(f, "the pattern {pattern:?} is refused: {}", why.0),
            Self::NotCompiled { pattern, why } => write!(f, "the pattern {pattern:?} is refused: {why}"),
        }
    }
}

/// A compiled pattern.
#[derive(Debug)]
pub(super) enum Pattern {
    /// A pattern without anything special but anchors: no engine is needed.
    Plain {
        /// What must be there.
        text: Box<str>,
        /// Whether the text must start with it.
        start: bool,
        /// Whether the text must end with it.
        end: bool,
    },
    /// All others.
    Regex(Box<Regex>),
}

impl Pattern {
    /// Compiles a pattern in JavaScript's syntax without the `u` and `v` flags.
    ///
    /// # Errors
    /// When it is no valid pattern, needs backtracking, or is too large.
    pub(super) fn new(pattern: &str, ignore_case: bool) -> Result<Self, InvalidPattern> {
        if pattern.len() > MAX_PATTERN_LEN {
            return Err(InvalidPattern::TooLong);
        }
        let unsupported = |why| InvalidPattern::Unsupported { pattern: pattern.into(), why };
        match syntax::translate(pattern, ignore_case).map_err(unsupported)? {
            Translated::Plain { text, start, end } => Ok(Self::Plain { text: text.into(), start, end }),
            Translated::Regex(text) => Regex::searching(&text, Alphabet::Unicode)
                .map(|regex| Self::Regex(Box::new(regex)))
                .map_err(|why| InvalidPattern::NotCompiled { pattern: pattern.into(), why }),
        }
    }

    /// Whether a part of `text` matches; unknown where finding out would be more work than one request may be.
    ///
    /// A byte that is not part of UTF-8 counts as its Latin-1 character, which is how servers in JavaScript
    /// read headers: one such byte must not turn off a pattern that the rest of the text matches.
    pub(super) fn judge(&self, text: &[u8]) -> Truth {
        match self {
            Self::Plain { text: wanted, start, end } => {
                let text = if wanted.is_ascii() { Cow::Borrowed(text) } else { bytes(characters(text)) };
                let (wanted, text) = (wanted.as_bytes(), &*text);
                let matches = match (start, end) {
                    (true, true) => text == wanted,
                    (true, false) => text.starts_with(wanted),
                    (false, true) => text.ends_with(wanted),
                    (false, false) => stands(Anchor::Anywhere, wanted, false, text),
                };
                matches.into()
            }
            Self::Regex(regex) => of_this_request(|work| regex.judge(characters(text).as_bytes(), work)),
        }
    }
}

fn bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// The characters of a text, of which the bytes that are not UTF-8 are Latin-1.
fn characters(text: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(text) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(mixed(text)),
    }
}

#[cold]
fn mixed(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for chunk in text.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().copied().map(char::from));
    }
    out
}
