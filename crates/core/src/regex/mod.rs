//! Regular expressions in time linear in the text, whatever the text is.
//!
//! A pattern is compiled to an automaton over bytes whose states are built on demand: each byte is then one table
//! look-up. The work of one request is bounded, see [`Work`]; beyond the bound the result is unknown.
//!
//! So that a configuration with hundreds of patterns does not hold a worker for long, a pattern is only read at first,
//! and compiled when the first text arrives that it could match, unless it is long. The time for that is bounded by the
//! pattern, and is not counted as the request's work: the same request always gets the same answer.
//!
//! The syntax is RE2's, which Envoy runs, so that a pattern is valid here where it is there. Only classes of Unicode
//! (`\p`) are missing, because of the size of their tables.

mod error;
mod parse;
mod program;
mod search;
mod utf8;
mod work;

pub use error::InvalidSyntax;
pub use parse::Alphabet;
pub use work::{WORK_OF_A_REQUEST, Work, aside, of_this_request, renew};

use crate::truth::Truth;
use parse::Node;
use program::Program;
use search::Automaton;
use std::borrow::Cow;
use std::cell::OnceCell;

/// A program of more steps is compiled at once: the request that brings the first text does not wait for that.
const MAX_STEPS_ON_DEMAND: usize = 1000;
/// A pattern whose bound is beyond this is not compiled to see how many steps it has: nested repetitions of nothing have
/// none, and would never end. No pattern has less than half of its bound otherwise.
const MAX_STEPS_TO_TRY: usize = 2 * program::MAX_STEPS;

/// Which part of a text a pattern must match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Anchoring {
    /// Any part.
    Unanchored,
    /// All of it.
    Both,
}

/// A valid pattern.
///
/// ```
/// use weir_core::regex::{Alphabet, InvalidSyntax, Regex, Work};
///
/// let (order, work) = (Regex::whole("/orders/[0-9]+", Alphabet::Bytes)?, Work::of_a_request());
/// assert_eq!(order.matches(b"/orders/7", &work), Some(true));
/// assert_eq!(order.matches(b"/orders/7/items", &work), Some(false));
/// assert_eq!(Regex::whole("(a", Alphabet::Bytes).err(), Some(InvalidSyntax::UnclosedGroup));
/// # Ok::<(), InvalidSyntax>(())
/// ```
#[derive(Debug)]
pub struct Regex {
    pattern: Box<str>,
    alphabet: Alphabet,
    anchoring: Anchoring,
    /// What a text must start with to match; a look at it costs a hundredth of the automaton.
    start: Box<[u8]>,
    /// Compiled for the first text, or at once. `None`, so that no answer is known, is not known to happen.
    automaton: OnceCell<Option<Box<Automaton>>>,
}

impl Regex {
    /// A pattern that may match anywhere in a text.
    ///
    /// # Errors
    /// It is not a valid pattern, or too large.
    pub fn searching(pattern: &str, alphabet: Alphabet) -> Result<Self, InvalidSyntax> {
        Self::new(pattern, alphabet, Anchoring::Unanchored)
    }

    /// A pattern that must match a text as a whole.
    ///
    /// # Errors
    /// It is not a valid pattern, or too large.
    pub fn whole(pattern: &str, alphabet: Alphabet) -> Result<Self, InvalidSyntax> {
        Self::new(pattern, alphabet, Anchoring::Both)
    }

    fn new(pattern: &str, alphabet: Alphabet, anchoring: Anchoring) -> Result<Self, InvalidSyntax> {
        let node = parse::parse(pattern, alphabet)?;
        let start = parse::start(&node, alphabet, anchoring == Anchoring::Both);
        let most_steps = program::most_steps(&node, alphabet);
        let automaton = if most_steps <= MAX_STEPS_ON_DEMAND {
            OnceCell::new()
        } else if most_steps <= MAX_STEPS_TO_TRY {
            OnceCell::from(Some(compile(&node, alphabet, anchoring).ok_or(InvalidSyntax::TooLarge)?))
        } else {
            return Err(InvalidSyntax::TooLarge);
        };
        Ok(Self { pattern: pattern.into(), alphabet, anchoring, start: start.into(), automaton })
    }

    fn automaton(&self) -> Option<&Automaton> {
        self.automaton.get_or_init(|| self.compiled()).as_deref()
    }

    #[cold]
    fn compiled(&self) -> Option<Box<Automaton>> {
        let node = parse::parse(&self.pattern, self.alphabet).ok()?;
        compile(&node, self.alphabet, self.anchoring)
    }

    /// What a text must start with to match; nothing, if that is unknown.
    pub(crate) fn start(&self) -> &[u8] {
        &self.start
    }

    /// Whether a text matches. `None` when it cannot be said: when no work is left, or when an expression
    /// over Unicode is asked about bytes that are not UTF-8.
    pub fn matches(&self, text: &[u8], work: &Work) -> Option<bool> {
        if self.alphabet == Alphabet::Unicode {
            std::str::from_utf8(text).ok()?;
        }
        if !text.starts_with(&self.start) {
            return Some(false);
        }
        self.automaton()?.matches(text, work)
    }

    /// [`Regex::matches`], as an answer.
    pub(crate) fn judge(&self, text: &[u8], work: &Work) -> Truth {
        self.matches(text, work).map_or(Truth::Unknown, Truth::from)
    }
}

fn compile(node: &Node, alphabet: Alphabet, anchoring: Anchoring) -> Option<Box<Automaton>> {
    let program = match anchoring {
        Anchoring::Unanchored => Program::searching(node, alphabet),
        Anchoring::Both => Program::whole(node, alphabet),
    };
    program.map(|program| Box::new(Automaton::new(program)))
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
