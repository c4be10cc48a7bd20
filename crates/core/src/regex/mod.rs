//! Regular expressions in time linear in the text, whatever the text is.
//!
//! `regex-lite` validates patterns. It could run them too, but at about three hundred nanoseconds per byte,
//! four patterns on a long header take twenty milliseconds, and clients decide how long a header is. Valid
//! patterns are therefore compiled to an automaton over bytes whose states are built on demand: each byte is
//! then one table look-up. The few patterns with features that the automaton does not support run in
//! `regex-lite`. In both cases the work of one request is bounded, see [`Work`]; beyond the bound the result
//! is unknown.
//!
//! So that a configuration with hundreds of patterns does not hold a worker for long, a pattern of common syntax is
//! accepted without `regex-lite`, and compiled when the first text arrives that it could match. The time for that is
//! bounded by the pattern's length, and is not counted as the request's work: the same request always gets the same
//! answer.

mod parse;
mod program;
mod search;
mod utf8;
mod work;

pub use parse::Alphabet;
pub use work::{WORK_OF_A_REQUEST, Work, aside, of_this_request, renew};

use crate::truth::Truth;
use parse::Node;
use program::Program;
use regex_lite::RegexBuilder;
use search::Automaton;
use std::borrow::Cow;
use std::cell::OnceCell;

/// What a byte costs in `regex-lite`, in those of an automaton.
const LITE: usize = 32;

/// Maximum size of a pattern as `regex-lite` compiles it, in bytes: enough for what people write, not for
/// `.{999}{999}`.
const MAX_PROGRAM_SIZE: usize = 64 * 1024;
/// Maximum depth of nested groups.
const MAX_NESTING: u32 = 50;

/// Which part of a text a pattern must match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Anchoring {
    /// Any part.
    Unanchored,
    /// All of it.
    Both,
}

/// A valid pattern.
#[derive(Debug)]
pub struct Regex {
    pattern: Box<str>,
    alphabet: Alphabet,
    anchoring: Anchoring,
    /// What a text must start with to match; a look at it costs a hundredth of the automaton.
    start: Box<[u8]>,
    /// Compiled for the first text; at once where only that shows whether the pattern is valid.
    engine: OnceCell<Engine>,
}

#[derive(Debug)]
enum Engine {
    Automaton(Box<Automaton>),
    Lite(Box<regex_lite::Regex>),
    /// No engine can run it, so that no answer is known. No valid pattern is known to end here.
    Unavailable,
}

impl Engine {
    fn new(
        pattern: &str,
        node: Option<&Node>,
        alphabet: Alphabet,
        anchoring: Anchoring,
    ) -> Result<Self, regex_lite::Error> {
        let program = node.and_then(|node| match anchoring {
            Anchoring::Unanchored => Program::searching(node, alphabet),
            Anchoring::Both => Program::whole(node, alphabet),
        });
        Ok(match (program, anchoring) {
            (Some(program), _) => Self::Automaton(Box::new(Automaton::new(program))),
            (None, Anchoring::Unanchored) => Self::Lite(Box::new(lite(pattern)?)),
            (None, Anchoring::Both) => Self::Lite(Box::new(lite(&format!("^(?:{pattern})$"))?)),
        })
    }
}

fn lite(pattern: &str) -> Result<regex_lite::Regex, regex_lite::Error> {
    RegexBuilder::new(pattern).size_limit(MAX_PROGRAM_SIZE).nest_limit(MAX_NESTING).build()
}

impl Regex {
    /// A pattern that may match anywhere in a text.
    ///
    /// # Errors
    /// It is too large, or not in the syntax of `regex-lite`.
    pub fn searching(pattern: &str, alphabet: Alphabet) -> Result<Self, regex_lite::Error> {
        Self::new(pattern, alphabet, Anchoring::Unanchored)
    }

    /// A pattern that must match a text as a whole.
    ///
    /// # Errors
    /// It is too large, or not in the syntax of `regex-lite`.
    pub fn whole(pattern: &str, alphabet: Alphabet) -> Result<Self, regex_lite::Error> {
        Self::new(pattern, alphabet, Anchoring::Both)
    }

    fn new(pattern: &str, alphabet: Alphabet, anchoring: Anchoring) -> Result<Self, regex_lite::Error> {
        let parsed = parse::parse(pattern, alphabet);
        let node = parsed.as_ref().map(|parsed| &parsed.node);
        let start =
            node.map(|node| parse::start(node, alphabet, anchoring == Anchoring::Both)).unwrap_or_default();
        let engine = if parsed.as_ref().is_some_and(|parsed| parsed.certain) {
            OnceCell::new()
        } else {
            // Alone first: within anchors, `a)|(b` would look well-formed.
            lite(pattern)?;
            OnceCell::from(Engine::new(pattern, node, alphabet, anchoring)?)
        };
        Ok(Self { pattern: pattern.into(), alphabet, anchoring, start: start.into(), engine })
    }

    fn engine(&self) -> &Engine {
        self.engine.get_or_init(|| self.compiled())
    }

    #[cold]
    fn compiled(&self) -> Engine {
        let parsed = parse::parse(&self.pattern, self.alphabet);
        let node = parsed.as_ref().map(|parsed| &parsed.node);
        Engine::new(&self.pattern, node, self.alphabet, self.anchoring).unwrap_or(Engine::Unavailable)
    }

    /// What a text must start with to match; nothing, if that is unknown.
    pub(crate) fn start(&self) -> &[u8] {
        &self.start
    }

    /// Whether a text matches. `None` when it cannot be said: when no work is left, or when an expression
    /// over Unicode is asked about bytes that are not UTF-8.
    pub fn matches(&self, text: &[u8], work: &Work) -> Option<bool> {
        let characters = match self.alphabet {
            Alphabet::Bytes => None,
            Alphabet::Unicode => Some(std::str::from_utf8(text).ok()?),
        };
        if !text.starts_with(&self.start) {
            return Some(false);
        }
        match self.engine() {
            Engine::Unavailable => None,
            Engine::Automaton(automaton) => automaton.matches(text, work),
            Engine::Lite(lite) => {
                let cost = text.len().saturating_mul(LITE);
                if cost > work.left() {
                    work.take(cost);
                    return None;
                }
                work.take(cost);
                Some(match characters {
                    Some(characters) => lite.is_match(characters),
                    None => lite.is_match(&latin1(text)),
                })
            }
        }
    }

    /// [`Regex::matches`], as an answer.
    pub(crate) fn judge(&self, text: &[u8], work: &Work) -> Truth {
        self.matches(text, work).map_or(Truth::Unknown, Truth::from)
    }

    /// Whether the automaton runs it, which costs 10 %.
    #[cfg(test)]
    pub(crate) fn is_fast(&self) -> bool {
        matches!(self.engine(), Engine::Automaton(_))
    }
}

/// The text that has a character for each byte.
pub(crate) fn latin1(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => Cow::Borrowed(text),
        _ => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
    }
}

#[cfg(test)]
mod tests;
