//! Regular expressions in time linear in the text, whatever the text is.
//!
//! `regex-lite` validates patterns. It could run them too, but at about three hundred nanoseconds per byte,
//! four patterns on a long header take twenty milliseconds, and clients decide how long a header is. Valid
//! patterns are therefore compiled to an automaton over bytes whose states are built on demand: each byte is
//! then one table look-up. The few patterns with features that the automaton does not support run in
//! `regex-lite`. In both cases the work of one request is bounded, see [`Work`]; beyond the bound the result
//! is unknown.

mod parse;
mod program;
mod search;
mod utf8;
mod work;

pub use parse::Alphabet;
pub use work::{WORK_OF_A_REQUEST, Work, aside, of_this_request, renew};

use crate::truth::Truth;
use program::Program;
use search::Automaton;
use std::borrow::Cow;

/// What a byte costs in `regex-lite`, in those of an automaton.
const LITE: usize = 32;

/// A compiled pattern.
#[derive(Debug)]
pub struct Regex {
    engine: Engine,
    alphabet: Alphabet,
    /// What a text must start with to match; a look at it costs a hundredth of the automaton.
    start: Box<[u8]>,
}

#[derive(Debug)]
enum Engine {
    Automaton(Box<Automaton>),
    Lite(Box<regex_lite::Regex>),
}

impl Regex {
    /// A pattern that `lite` has found right, and that may match anywhere in a text.
    pub fn searching(pattern: &str, alphabet: Alphabet, lite: regex_lite::Regex) -> Self {
        let node = parse::parse(pattern, alphabet);
        let start = node.as_ref().map(|node| parse::start(node, alphabet, false)).unwrap_or_default();
        let engine = match node.and_then(|node| Program::searching(&node, alphabet)) {
            Some(program) => Engine::Automaton(Box::new(Automaton::new(program))),
            None => Engine::Lite(Box::new(lite)),
        };
        Self { engine, alphabet, start: start.into() }
    }

    /// A pattern that `regex-lite` has found right, and that must match a text as a whole. `lite` compiles the same
    /// pattern between anchors, where the automaton cannot run it.
    ///
    /// # Errors
    /// That of `lite`.
    pub fn whole<E>(
        pattern: &str,
        alphabet: Alphabet,
        lite: impl FnOnce() -> Result<regex_lite::Regex, E>,
    ) -> Result<Self, E> {
        let node = parse::parse(pattern, alphabet);
        let start = node.as_ref().map(|node| parse::start(node, alphabet, true)).unwrap_or_default();
        let engine = match node.and_then(|node| Program::whole(&node, alphabet)) {
            Some(program) => Engine::Automaton(Box::new(Automaton::new(program))),
            None => Engine::Lite(Box::new(lite()?)),
        };
        Ok(Self { engine, alphabet, start: start.into() })
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
        match &self.engine {
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
        matches!(self.engine, Engine::Automaton(_))
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
