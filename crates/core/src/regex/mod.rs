//! Regular expressions in time linear in the text, whatever the text is.
//!
//! `regex-lite` validates patterns. It could run them too, but at about three hundred nanoseconds per byte,
//! four patterns on a long header take twenty milliseconds, and clients decide how long a header is. Valid
//! patterns are therefore compiled to an automaton over bytes whose states are built on demand: each byte is
//! then one table look-up. The few patterns with features that the automaton does not support run in
//! `regex-lite`. In both cases the work of one request is bounded, see [`Work`]; beyond the bound the result
//! is unknown.
//!
//! A configuration with hundreds of patterns must not hold a worker for long. A pattern with nothing but what most have
//! is valid without a question to `regex-lite`, and it is compiled when the first text comes that it could match. What
//! that takes is bounded by its length and no work of the request: the same request always has the same answer.

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

/// How many bytes a pattern may take that `regex-lite` has compiled: enough for what people write, not for
/// `.{999}{999}`.
const MAX_PROGRAM_SIZE: usize = 64 * 1024;
/// Groups within groups.
const MAX_NESTING: u32 = 50;

/// Where in a text a pattern must match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Anywhere,
    Whole,
}

/// A valid pattern.
#[derive(Debug)]
pub struct Regex {
    pattern: Box<str>,
    alphabet: Alphabet,
    place: Place,
    /// What a text must start with to match; a look at it costs a hundredth of the automaton.
    start: Box<[u8]>,
    /// What runs it. It is made for the first text, unless making it says whether the pattern is valid.
    engine: OnceCell<Engine>,
}

#[derive(Debug)]
enum Engine {
    Automaton(Box<Automaton>),
    Lite(Box<regex_lite::Regex>),
    /// Neither can: whether a text matches is unknown. No valid pattern is known that gets here.
    Neither,
}

impl Engine {
    fn new(
        pattern: &str,
        node: Option<&Node>,
        alphabet: Alphabet,
        place: Place,
    ) -> Result<Self, regex_lite::Error> {
        let program = node.and_then(|node| match place {
            Place::Anywhere => Program::searching(node, alphabet),
            Place::Whole => Program::whole(node, alphabet),
        });
        Ok(match (program, place) {
            (Some(program), _) => Self::Automaton(Box::new(Automaton::new(program))),
            (None, Place::Anywhere) => Self::Lite(Box::new(lite(pattern)?)),
            (None, Place::Whole) => Self::Lite(Box::new(lite(&format!("^(?:{pattern})$"))?)),
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
        Self::new(pattern, alphabet, Place::Anywhere)
    }

    /// A pattern that must match a text as a whole.
    ///
    /// # Errors
    /// It is too large, or not in the syntax of `regex-lite`.
    pub fn whole(pattern: &str, alphabet: Alphabet) -> Result<Self, regex_lite::Error> {
        Self::new(pattern, alphabet, Place::Whole)
    }

    fn new(pattern: &str, alphabet: Alphabet, place: Place) -> Result<Self, regex_lite::Error> {
        let parsed = parse::parse(pattern, alphabet);
        let node = parsed.as_ref().map(|parsed| &parsed.node);
        let start = node.map(|node| parse::start(node, alphabet, place == Place::Whole)).unwrap_or_default();
        let engine = if parsed.as_ref().is_some_and(|parsed| parsed.certain) {
            OnceCell::new()
        } else {
            // Alone first: within anchors, `a)|(b` would look well-formed.
            lite(pattern)?;
            OnceCell::from(Engine::new(pattern, node, alphabet, place)?)
        };
        Ok(Self { pattern: pattern.into(), alphabet, place, start: start.into(), engine })
    }

    fn engine(&self) -> &Engine {
        self.engine.get_or_init(|| self.compiled())
    }

    #[cold]
    fn compiled(&self) -> Engine {
        let parsed = parse::parse(&self.pattern, self.alphabet);
        let node = parsed.as_ref().map(|parsed| &parsed.node);
        Engine::new(&self.pattern, node, self.alphabet, self.place).unwrap_or(Engine::Neither)
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
            Engine::Neither => None,
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
