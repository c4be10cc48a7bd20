//! From a pattern to a program over bytes.

use super::parse::{Alphabet, Look, Node};

/// A pattern whose program has more steps than this is too large.
pub(super) const MAX_STEPS: usize = 60_000;

/// One step of a program.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// A byte of this range, then on from there.
    Byte(u8, u8, u16),
    /// On from both.
    Split(u16, u16),
    /// On from there if this holds.
    Look(Look, u16),
    /// The text matches.
    Match,
}

/// A pattern as steps.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) steps: Box<[Step]>,
    pub(super) start: u16,
    /// The class of each byte: bytes of one class are alike to all steps.
    pub(super) classes: Box<[u8; 256]>,
    /// A byte of each class.
    pub(super) examples: Box<[u8]>,
    /// Whether a step asks about the borders of words, and of lines.
    pub(super) words: bool,
    pub(super) lines: bool,
}

impl Program {
    /// A program that looks for a match anywhere in a text; `None` when it would be too large.
    pub(super) fn searching(node: &Node, alphabet: Alphabet) -> Option<Self> {
        let mut builder = Builder { steps: vec![Step::Match], alphabet };
        let mut start = builder.node(node, 0)?;
        if !starts_at_start(node) {
            // Any characters before it: starts between the bytes of one are no starts.
            let any = Node::Class([(0, if alphabet == Alphabet::Bytes { 0xff } else { 0x10_ffff })].into());
            let again = builder.push(Step::Match)?;
            let skip = builder.node(&any, again)?;
            builder.set(again, Step::Split(start, skip));
            start = again;
        }
        Some(builder.finish(start))
    }

    /// A program that takes a text as a whole.
    pub(super) fn whole(node: &Node, alphabet: Alphabet) -> Option<Self> {
        let mut builder = Builder { steps: vec![Step::Match], alphabet };
        let end = builder.push(Step::Look(Look::End, 0))?;
        let body = builder.node(node, end)?;
        let start = builder.push(Step::Look(Look::Start, body))?;
        Some(builder.finish(start))
    }
}

/// Whether nothing but the start of the text can be where it matches.
fn starts_at_start(node: &Node) -> bool {
    match node {
        Node::Look(look) => *look == Look::Start,
        Node::Concat(parts) => parts.first().is_some_and(starts_at_start),
        Node::Alternate(branches) => branches.iter().all(starts_at_start),
        Node::Repeat(part, min, _) => *min > 0 && starts_at_start(part),
        Node::Empty | Node::One(_) | Node::Class(_) => false,
    }
}

/// A bound of the steps that [`Program`] has for a pattern, and of what compiling it takes: each repetition counts, also
/// of nothing.
pub(super) fn most_steps(node: &Node, alphabet: Alphabet) -> usize {
    // The end, anchors, and what skips to where a match begins.
    const AROUND: usize = 40;
    part_steps(node, alphabet).saturating_add(AROUND)
}

fn part_steps(node: &Node, alphabet: Alphabet) -> usize {
    let all =
        |parts: &[Node]| parts.iter().map(|part| part_steps(part, alphabet)).fold(0, usize::saturating_add);
    match node {
        Node::Empty => 0,
        Node::Look(_) => 1,
        Node::One(character) => class_steps(&[(*character, *character)], alphabet),
        Node::Class(ranges) => class_steps(ranges, alphabet),
        Node::Concat(parts) => all(parts),
        Node::Alternate(branches) => all(branches).saturating_add(branches.len()),
        Node::Repeat(part, min, max) => {
            let times = usize::try_from(max.unwrap_or(*min).max(1)).unwrap_or(usize::MAX);
            part_steps(part, alphabet).saturating_add(1).saturating_mul(times)
        }
    }
}

fn class_steps(ranges: &[(u32, u32)], alphabet: Alphabet) -> usize {
    match alphabet {
        Alphabet::Bytes => (2 * ranges.len()).saturating_sub(1).max(1),
        Alphabet::Unicode => {
            let mut sequences = Vec::new();
            for (first, last) in ranges {
                super::utf8::sequences(*first, *last, &mut sequences);
            }
            sequences.iter().map(|sequence| sequence.len() + 1).sum::<usize>().max(1)
        }
    }
}

struct Builder {
    steps: Vec<Step>,
    alphabet: Alphabet,
}

impl Builder {
    fn push(&mut self, step: Step) -> Option<u16> {
        if self.steps.len() >= MAX_STEPS {
            return None;
        }
        self.steps.push(step);
        u16::try_from(self.steps.len() - 1).ok()
    }

    fn set(&mut self, at: u16, step: Step) {
        if let Some(known) = self.steps.get_mut(usize::from(at)) {
            *known = step;
        }
    }

    /// Where a part begins that continues at `next`.
    fn node(&mut self, node: &Node, next: u16) -> Option<u16> {
        match node {
            Node::Empty => Some(next),
            Node::Look(look) => self.push(Step::Look(*look, next)),
            Node::One(character) => self.class(&[(*character, *character)], next),
            Node::Class(ranges) => self.class(ranges, next),
            Node::Concat(parts) => parts.iter().rev().try_fold(next, |next, part| self.node(part, next)),
            Node::Alternate(branches) => {
                let mut start = None;
                for branch in branches.iter().rev() {
                    let branch = self.node(branch, next)?;
                    start = Some(match start {
                        None => branch,
                        Some(other) => self.push(Step::Split(branch, other))?,
                    });
                }
                start
            }
            Node::Repeat(part, min, max) => {
                let (mut start, mut done) = (next, 0);
                match max {
                    None => {
                        let again = self.push(Step::Match)?;
                        let body = self.node(part, again)?;
                        self.set(again, Step::Split(body, next));
                        // What must be there at least once begins with it.
                        (start, done) = if *min == 0 { (again, 0) } else { (body, 1) };
                    }
                    Some(max) => {
                        for _ in *min..*max {
                            let body = self.node(part, start)?;
                            start = self.push(Step::Split(body, next))?;
                        }
                    }
                }
                for _ in done..*min {
                    start = self.node(part, start)?;
                }
                Some(start)
            }
        }
    }

    fn class(&mut self, ranges: &[(u32, u32)], next: u16) -> Option<u16> {
        let mut start = None;
        let mut add = |builder: &mut Self, branch: u16| {
            start = Some(match start {
                None => branch,
                Some(other) => builder.push(Step::Split(branch, other))?,
            });
            Some(())
        };
        for (first, last) in ranges {
            match self.alphabet {
                Alphabet::Bytes => {
                    let byte = |character: &u32| u8::try_from(*character).ok();
                    let branch = self.push(Step::Byte(byte(first)?, byte(last)?, next))?;
                    add(self, branch)?;
                }
                Alphabet::Unicode => {
                    let mut sequences = Vec::new();
                    super::utf8::sequences(*first, *last, &mut sequences);
                    for sequence in sequences {
                        let bytes = sequence.iter().rev();
                        let branch = bytes
                            .copied()
                            .try_fold(next, |next, (low, high)| self.push(Step::Byte(low, high, next)))?;
                        add(self, branch)?;
                    }
                }
            }
        }
        match start {
            Some(start) => Some(start),
            // No character at all: a range that no byte is in.
            None => self.push(Step::Byte(1, 0, next)),
        }
    }

    fn finish(self, start: u16) -> Program {
        // Where a range or the letters of words begin or end, another class begins.
        let mut begins = [false; 257];
        let mut cut = |low: u8, high: u8| {
            for at in [usize::from(low), usize::from(high) + 1] {
                if let Some(begins) = begins.get_mut(at) {
                    *begins = true;
                }
            }
        };
        let (mut words, mut lines) = (false, false);
        for step in &self.steps {
            match step {
                Step::Byte(low, high, _) if low <= high => cut(*low, *high),
                Step::Look(Look::Word | Look::NotWord, _) => words = true,
                Step::Look(Look::LineStart | Look::LineEnd, _) => lines = true,
                _ => {}
            }
        }
        if words {
            for (low, high) in [(b'0', b'9'), (b'A', b'Z'), (b'_', b'_'), (b'a', b'z')] {
                cut(low, high);
            }
        }
        if lines {
            cut(b'\n', b'\n');
        }
        let (mut classes, mut examples) = (Box::new([0_u8; 256]), Vec::new());
        let mut begin = 0;
        for (end, begins) in begins.iter().enumerate().skip(1) {
            if *begins || end == classes.len() {
                let class = u8::try_from(examples.len()).unwrap_or(u8::MAX);
                examples.push(u8::try_from(begin).unwrap_or(u8::MAX));
                classes.get_mut(begin..end).unwrap_or_default().fill(class);
                begin = end;
            }
        }
        Program { steps: self.steps.into(), start, classes, examples: examples.into(), words, lines }
    }
}
