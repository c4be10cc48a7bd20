//! Runs a program over a text, as an automaton whose states are built on demand.

use super::parse::Look;
use super::program::{Program, Step};
use super::work::Work;
use crate::table::Table;
use std::cell::RefCell;

/// What the states of one automaton may take, in transitions. At that size they are all forgotten, and what a
/// text still needs is made again.
const MAX_TRANSITIONS: usize = 8192;
/// The same, in steps of the program that states stand for.
const MAX_KERNELS: usize = 16_384;

/// No further text can match.
const DEAD: u16 = u16::MAX;
/// The text matches, whatever comes. From here on, nothing more is to be read.
const MATCHED: u16 = u16::MAX - 1;
/// Not known yet.
const UNKNOWN: u16 = u16::MAX - 2;

/// A program with the states that it has been in.
#[derive(Debug)]
pub(super) struct Automaton {
    program: Program,
    states: RefCell<States>,
}

/// Where a program can be between two bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    /// Steps from which it goes on, before it is known which looks hold.
    kernel: Box<[u16]>,
    /// Whether nothing is before.
    at_start: bool,
    /// Whether a word's character is before; only for programs that ask.
    after_word: bool,
    /// Whether a line's end is before; only for programs that ask.
    after_line: bool,
}

#[derive(Debug, Default)]
struct States {
    all: Table<State, u16>,
    /// The state before a text. States are known by where their transitions begin.
    first: Option<u16>,
    /// For each state, where each class of bytes leads, and the end of the text.
    next: Vec<u16>,
    kernels: usize,
    /// For each step of the program, in which round it was seen last.
    seen: Vec<u32>,
    round: u32,
    stack: Vec<u16>,
    kernel: Vec<u16>,
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Goes from state to state while they are known: the loop that a long text costs. Says with which class of
/// bytes it stopped, and what is after that byte.
#[inline(never)]
fn run<'t>(next: &[u16], classes: &[u8; 256], state: &mut u16, text: &'t [u8]) -> (Option<usize>, &'t [u8]) {
    let mut at = *state;
    let mut bytes = text.iter();
    for byte in bytes.by_ref() {
        let class = classes.get(usize::from(*byte)).map_or(0, |class| usize::from(*class));
        match next.get(usize::from(at) + class) {
            Some(next) if *next < UNKNOWN => at = *next,
            _ => {
                *state = at;
                return (Some(class), bytes.as_slice());
            }
        }
    }
    *state = at;
    (None, &[])
}

impl Automaton {
    pub(super) fn new(program: Program) -> Self {
        Self { program, states: RefCell::default() }
    }

    /// Whether a text matches; `None` when that takes more work than is left.
    pub(super) fn matches(&self, text: &[u8], work: &Work) -> Option<bool> {
        if work.left() == 0 {
            return None;
        }
        let mut states = self.states.try_borrow_mut().ok()?;
        let states = &mut *states;
        let width = self.program.examples.len() + 1;
        let classes = &*self.program.classes;
        let mut state = self.first(states);
        let (now, too_much) = text.split_at_checked(work.left()).unwrap_or((text, &[]));
        let mut rest = now;
        loop {
            let (stopped, behind) = run(&states.next, classes, &mut state, rest);
            let Some(class) = stopped else { break };
            let mut next = states.next.get(usize::from(state) + class).copied().unwrap_or(UNKNOWN);
            if next == UNKNOWN {
                next = self.step(states, state, class, work)?;
            }
            if next >= MATCHED {
                work.take(now.len() - behind.len());
                return Some(next == MATCHED);
            }
            (state, rest) = (next, behind);
        }
        work.take(now.len() + 1);
        if !too_much.is_empty() {
            return None;
        }
        let end = width - 1;
        let known = states.next.get(usize::from(state) + end).copied().unwrap_or(UNKNOWN);
        let last = if known == UNKNOWN { self.step(states, state, end, work)? } else { known };
        Some(last == MATCHED)
    }

    /// What the states take, in bytes.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        let states = self.states.borrow();
        2 * (states.next.capacity() + states.kernels)
    }

    /// The state before the text.
    fn first(&self, states: &mut States) -> u16 {
        if let Some(first) = states.first {
            return first;
        }
        let start = [self.program.start];
        let first = State { kernel: start.into(), at_start: true, after_word: false, after_line: false };
        let (first, _) = self.add(states, first);
        states.first = Some(first);
        first
    }

    /// Where the transitions of a state begin, and whether all others were forgotten for it.
    fn add(&self, states: &mut States, state: State) -> (u16, bool) {
        let width = self.program.examples.len() + 1;
        // There are at most some thousand transitions.
        let begin = |position: u16| u16::try_from(usize::from(position) * width).unwrap_or(u16::MAX);
        if let Some(known) = states.all.find(&state) {
            return (begin(known), false);
        }
        states.kernels += state.kernel.len();
        let full = states.next.len() + width > MAX_TRANSITIONS.max(2 * width) || states.kernels > MAX_KERNELS;
        if full {
            states.all = Table::default();
            states.first = None;
            states.next.clear();
            states.kernels = state.kernel.len();
        }
        states.next.resize(states.next.len() + width, UNKNOWN);
        (begin(states.all.put(state)), full)
    }

    /// Where a state leads with a class of bytes, or with the end of the text. It is noted.
    #[cold]
    fn step(&self, states: &mut States, from: u16, class: usize, work: &Work) -> Option<u16> {
        let width = self.program.examples.len() + 1;
        let position =
            usize::from(from).checked_div(width).and_then(|position| u16::try_from(position).ok())?;
        let State { kernel, at_start, after_word, after_line } = states.all.get(position)?.clone();
        let byte = self.program.examples.get(class).copied();
        let before_word = self.program.words && byte.is_some_and(is_word);
        let before_line_end = self.program.lines && byte == Some(b'\n');
        let holds = |look: Look| match look {
            Look::Start => at_start,
            Look::End => byte.is_none(),
            Look::LineStart => at_start || after_line,
            Look::LineEnd => byte.is_none() || before_line_end,
            Look::Word => after_word != before_word,
            Look::NotWord => after_word == before_word,
        };
        let States { seen, round, stack, kernel: reached, .. } = &mut *states;
        seen.resize(self.program.steps.len(), 0);
        *round = round.wrapping_add(1);
        stack.clear();
        reached.clear();
        stack.extend(kernel.iter().rev());
        let (mut visited, mut matched) = (0, false);
        while let Some(at) = stack.pop() {
            let Some(mark) = seen.get_mut(usize::from(at)).filter(|mark| **mark != *round) else { continue };
            *mark = *round;
            visited += 1;
            match self.program.steps.get(usize::from(at)) {
                Some(Step::Split(one, other)) => stack.extend([*other, *one]),
                Some(Step::Look(look, next)) if holds(*look) => stack.push(*next),
                Some(Step::Byte(low, high, next)) if byte.is_some_and(|b| (*low..=*high).contains(&b)) => {
                    reached.push(*next);
                }
                Some(Step::Match) => {
                    matched = true;
                    break;
                }
                _ => {}
            }
        }
        // Making a state costs some ten times as much a step as going through one costs a byte.
        work.take(64 + 8 * visited);
        let (mut next, mut forgotten) = (DEAD, false);
        if matched {
            next = MATCHED;
        } else if !reached.is_empty() {
            crate::sort::sort_by(reached, |a, b| a < b);
            reached.dedup();
            let kernel = reached.as_slice().into();
            let state =
                State { kernel, at_start: false, after_word: before_word, after_line: before_line_end };
            (next, forgotten) = self.add(states, state);
        }
        if !forgotten && let Some(slot) = states.next.get_mut(usize::from(from) + class) {
            *slot = next;
        }
        if work.left() > 0 || next >= MATCHED { Some(next) } else { None }
    }
}
