//! Regular expressions in time linear in the text, whatever the text is.
//!
//! `regex-lite` says what is a pattern. It runs them too, but some three hundred nanoseconds a byte of the
//! text are twenty milliseconds for four patterns on a long header, and it is the client that decides how
//! long a header is. So what it has found to be right is compiled again, into an automaton over bytes whose
//! states are made as texts come to them: a byte then is a look into a table. The few patterns with something
//! that the automaton does not have run in `regex-lite`. Either way, one request has a bound, see [`Work`];
//! what is beyond it is not known.

mod parse;
mod program;
mod search;
mod utf8;
mod work;

pub use parse::Alphabet;
pub use work::{WORK_OF_A_REQUEST, Work, of_this_request, renew};

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
}

#[derive(Debug)]
enum Engine {
    Automaton(Box<Automaton>),
    Lite(Box<regex_lite::Regex>),
}

impl Regex {
    /// A pattern that `lite` has found right, and that may match anywhere in a text.
    pub fn searching(pattern: &str, alphabet: Alphabet, lite: regex_lite::Regex) -> Self {
        let program = parse::parse(pattern, alphabet).and_then(|node| Program::searching(&node, alphabet));
        Self::new(program, alphabet, lite)
    }

    /// A pattern that must match a text as a whole. `lite` is the same pattern between anchors.
    pub fn whole(pattern: &str, alphabet: Alphabet, lite: regex_lite::Regex) -> Self {
        let program = parse::parse(pattern, alphabet).and_then(|node| Program::whole(&node, alphabet));
        Self::new(program, alphabet, lite)
    }

    fn new(program: Option<Program>, alphabet: Alphabet, lite: regex_lite::Regex) -> Self {
        let engine = match program {
            Some(program) => Engine::Automaton(Box::new(Automaton::new(program))),
            None => Engine::Lite(Box::new(lite)),
        };
        Self { engine, alphabet }
    }

    /// Whether a text matches. `None` when it cannot be said: when no work is left, or when an expression
    /// over Unicode is asked about bytes that are not UTF-8.
    pub fn matches(&self, text: &[u8], work: &Work) -> Option<bool> {
        let characters = match self.alphabet {
            Alphabet::Bytes => None,
            Alphabet::Unicode => Some(std::str::from_utf8(text).ok()?),
        };
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
