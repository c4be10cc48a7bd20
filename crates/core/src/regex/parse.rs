//! Reads a pattern, in the syntax of `regex-lite`.

/// What was read.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) node: Node,
    /// Whether `regex-lite` is certain to accept it, because it uses only common syntax. Whether other patterns are valid,
    /// `regex-lite` decides.
    pub(super) certain: bool,
}

/// A part of a pattern.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Empty,
    /// One character.
    One(u32),
    /// One character of these ranges.
    Class(Box<[(u32, u32)]>),
    Look(Look),
    Concat(Vec<Node>),
    Alternate(Vec<Node>),
    /// At least this many times, and at most this many.
    Repeat(Box<Node>, u32, Option<u32>),
}

/// What must hold between two characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Start,
    End,
    Word,
    NotWord,
}

/// The characters that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// Each byte is one.
    Bytes,
    /// Unicode, in UTF-8.
    Unicode,
}

impl Alphabet {
    fn last(self) -> u32 {
        match self {
            Self::Bytes => 0xff,
            Self::Unicode => 0x10_ffff,
        }
    }
}

const DIGIT: &[(u32, u32)] = &[(0x30, 0x39)];
const SPACE: &[(u32, u32)] = &[(0x09, 0x0d), (0x20, 0x20)];
const WORD: &[(u32, u32)] = &[(0x30, 0x39), (0x41, 0x5a), (0x5f, 0x5f), (0x61, 0x7a)];

/// Groups within groups.
const MAX_DEPTH: usize = 60;
/// With at most this depth, and one repetition for each group, a pattern stays within the nesting that `regex-lite`
/// allows.
const CERTAIN_DEPTH: usize = 8;
/// A pattern of at most this length, without counted repetitions, compiles to less than half of the maximum size.
const CERTAIN_LEN: usize = 256;

/// Reads a pattern; `None` when it has something that this engine does not do.
pub(super) fn parse(pattern: &str, alphabet: Alphabet) -> Option<Parsed> {
    let certain = pattern.len() <= CERTAIN_LEN;
    let mut parser =
        Parser { rest: pattern, alphabet, ignore_case: false, dot_takes_lines: false, depth: 0, certain };
    let node = parser.alternate()?;
    parser.rest.is_empty().then_some(Parsed { node, certain: parser.certain })
}

/// The characters with which every text starts that a pattern matches, as bytes: as a whole, or anywhere in it.
pub(super) fn start(node: &Node, alphabet: Alphabet, whole: bool) -> Vec<u8> {
    let parts = match node {
        Node::Concat(parts) => parts.as_slice(),
        one => std::slice::from_ref(one),
    };
    let (anchors, parts) = match parts {
        [Node::Look(Look::Start), parts @ ..] => (true, parts),
        parts => (whole, parts),
    };
    if !anchors {
        return Vec::new();
    }
    let single = |node: &Node| match node {
        // Beyond ASCII, a character of Unicode is more than one byte.
        Node::One(character) if *character < 0x80 || alphabet == Alphabet::Bytes => {
            u8::try_from(*character).ok()
        }
        _ => None,
    };
    parts.iter().map_while(single).collect()
}

struct Parser<'p> {
    rest: &'p str,
    alphabet: Alphabet,
    ignore_case: bool,
    dot_takes_lines: bool,
    depth: usize,
    certain: bool,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    fn eat(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Up to the end, or up to the bracket that closes the group.
    fn alternate(&mut self) -> Option<Node> {
        let mut branches = vec![self.concat()?];
        while self.eat("|") {
            branches.push(self.concat()?);
        }
        Some(if branches.len() == 1 { branches.pop()? } else { Node::Alternate(branches) })
    }

    fn concat(&mut self) -> Option<Node> {
        let mut parts = Vec::new();
        while let Some(next) = self.peek().filter(|next| !matches!(next, '|' | ')')) {
            self.next();
            let Some(atom) = self.atom(next)? else { continue };
            parts.push(self.repeated(atom)?);
        }
        Some(match parts.len() {
            0 => Node::Empty,
            1 => parts.pop()?,
            _ => Node::Concat(parts),
        })
    }

    /// One part without what repeats it; `Some(None)` for flags.
    fn atom(&mut self, first: char) -> Option<Option<Node>> {
        Some(Some(match first {
            '(' => return self.group(),
            '[' => self.class()?,
            '^' => Node::Look(Look::Start),
            '$' => Node::Look(Look::End),
            '.' if self.dot_takes_lines => self.ranges(vec![], true),
            '.' => self.ranges(vec![(0x0a, 0x0a)], true),
            '\\' => match self.next()? {
                'A' => Node::Look(Look::Start),
                'z' => Node::Look(Look::End),
                // `\b{start}` and their like.
                'b' if self.peek() != Some('{') => Node::Look(Look::Word),
                'B' => Node::Look(Look::NotWord),
                escaped => match perl(escaped) {
                    Some((ranges, negated)) => self.ranges(ranges.to_vec(), negated),
                    None => {
                        let escaped = self.escaped(escaped)?;
                        self.literal(escaped)
                    }
                },
            },
            '*' | '+' | '?' | '{' => return None,
            literal => self.literal(literal),
        }))
    }

    fn group(&mut self) -> Option<Option<Node>> {
        let before = (self.ignore_case, self.dot_takes_lines);
        if self.eat("?") {
            // Names and flags have rules of their own.
            self.certain &= self.rest.starts_with(':');
            if self.eat("P<") || self.eat("<") {
                while self.next()? != '>' {}
            } else {
                let mut on = true;
                loop {
                    match self.next()? {
                        'i' => self.ignore_case = on,
                        's' => self.dot_takes_lines = on,
                        // Which match is found is of no interest.
                        'U' => {}
                        '-' => on = false,
                        // Flags for the rest of the group around it.
                        ')' => return Some(None),
                        ':' => break,
                        _ => return None,
                    }
                }
            }
        }
        self.depth += 1;
        self.certain &= self.depth <= CERTAIN_DEPTH;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let node = self.alternate()?;
        self.depth -= 1;
        (self.ignore_case, self.dot_takes_lines) = before;
        self.eat(")").then_some(Some(node))
    }

    fn repeated(&mut self, mut node: Node) -> Option<Node> {
        let mut times = 0;
        loop {
            let (min, max) = match self.peek() {
                Some('*') => (0, None),
                Some('+') => (1, None),
                Some('?') => (0, Some(1)),
                Some('{') => {
                    let (counts, rest) = self.rest.get(1..)?.split_once('}')?;
                    let (min, max) = match counts.split_once(',') {
                        None => (number(counts)?, Some(number(counts)?)),
                        Some((min, "")) => (number(min)?, None),
                        Some((min, max)) => (number(min)?, Some(number(max)?)),
                    };
                    self.rest = rest;
                    self.eat("?");
                    self.certain = false;
                    node = Node::Repeat(Box::new(node), min, max);
                    continue;
                }
                _ => return Some(node),
            };
            self.next();
            // Which of several matches is found is of no interest.
            self.eat("?");
            times += 1;
            self.certain &= times == 1;
            node = Node::Repeat(Box::new(node), min, max);
        }
    }

    fn class(&mut self) -> Option<Node> {
        let negated = self.eat("^");
        let mut ranges = Vec::new();
        let mut first = true;
        loop {
            let next = self.next()?;
            let start = match next {
                ']' if !first => break,
                // `&&` and their like are no part of the syntax, nor are classes within classes.
                '&' | '~' if self.peek() == Some(next) => return None,
                '-' if !first && self.peek() != Some(']') => return None,
                '[' => {
                    self.posix(&mut ranges)?;
                    first = false;
                    continue;
                }
                '\\' => {
                    let escaped = self.next()?;
                    if let Some((perl, negated)) = perl(escaped) {
                        ranges.extend(self.resolved(perl.to_vec(), negated));
                        first = false;
                        continue;
                    }
                    self.escaped(escaped)?
                }
                plain => plain,
            };
            first = false;
            let dash = self.rest.starts_with('-') && !self.rest.starts_with("-]");
            if !dash {
                ranges.push((start as u32, start as u32));
                continue;
            }
            self.next();
            let end = match self.next()? {
                '[' | '-' => return None,
                '\\' => {
                    let escaped = self.next()?;
                    if perl(escaped).is_some() {
                        return None;
                    }
                    self.escaped(escaped)?
                }
                plain => plain,
            };
            if start > end {
                return None;
            }
            ranges.push((start as u32, end as u32));
        }
        Some(self.ranges(ranges, negated))
    }

    /// `[:alpha:]`, after its first bracket.
    fn posix(&mut self, ranges: &mut Vec<(u32, u32)>) -> Option<()> {
        let (name, rest) = self.rest.strip_prefix(':')?.split_once(":]")?;
        let (name, negated) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
        let known: &[(u32, u32)] = match name {
            "alnum" => &[(0x30, 0x39), (0x41, 0x5a), (0x61, 0x7a)],
            "alpha" => &[(0x41, 0x5a), (0x61, 0x7a)],
            "ascii" => &[(0, 0x7f)],
            "blank" => &[(0x09, 0x09), (0x20, 0x20)],
            "cntrl" => &[(0, 0x1f), (0x7f, 0x7f)],
            "digit" => DIGIT,
            "graph" => &[(0x21, 0x7e)],
            "lower" => &[(0x61, 0x7a)],
            "print" => &[(0x20, 0x7e)],
            "punct" => &[(0x21, 0x2f), (0x3a, 0x40), (0x5b, 0x60), (0x7b, 0x7e)],
            "space" => SPACE,
            "upper" => &[(0x41, 0x5a)],
            "word" => WORD,
            "xdigit" => &[(0x30, 0x39), (0x41, 0x46), (0x61, 0x66)],
            _ => return None,
        };
        self.rest = rest;
        self.certain = false;
        ranges.extend(self.resolved(known.to_vec(), negated));
        Some(())
    }

    /// The character of an escape, after its letter.
    fn escaped(&mut self, escaped: char) -> Option<char> {
        Some(match escaped {
            'a' => '\x07',
            'f' => '\x0c',
            't' => '\t',
            'n' => '\n',
            'r' => '\r',
            'v' => '\x0b',
            'x' | 'u' | 'U' => {
                let digits = match self.rest.strip_prefix('{') {
                    Some(rest) => {
                        let (digits, rest) = rest.split_once('}')?;
                        self.rest = rest;
                        digits
                    }
                    None => {
                        let count = match escaped {
                            'x' => 2,
                            'u' => 4,
                            _ => 8,
                        };
                        let (digits, rest) = self.rest.split_at_checked(count)?;
                        self.rest = rest;
                        digits
                    }
                };
                // It would take a sign too.
                let hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
                char::from_u32(u32::from_str_radix(digits, 16).ok().filter(|_| hex)?)?
            }
            // `\<` and `\>` are boundaries.
            punctuation if punctuation.is_ascii_punctuation() && !matches!(punctuation, '<' | '>') => {
                punctuation
            }
            _ => return None,
        })
    }

    fn literal(&self, literal: char) -> Node {
        let character = literal as u32;
        if character > self.alphabet.last() || (self.ignore_case && literal.is_ascii_alphabetic()) {
            return self.ranges(vec![(character, character)], false);
        }
        Node::One(character)
    }

    fn ranges(&self, ranges: Vec<(u32, u32)>, negated: bool) -> Node {
        Node::Class(self.resolved(ranges, negated).into())
    }

    /// Ranges in order, apart from each other, with both cases where case does not count.
    fn resolved(&self, mut ranges: Vec<(u32, u32)>, negated: bool) -> Vec<(u32, u32)> {
        if self.ignore_case {
            for index in 0..ranges.len() {
                let Some((start, end)) = ranges.get(index).copied() else { break };
                for (first, last, other) in [(0x41, 0x5a, 0x61), (0x61, 0x7a, 0x41)] {
                    let (start, end) = (start.max(first), end.min(last));
                    if start <= end {
                        ranges.push((start - first + other, end - first + other));
                    }
                }
            }
        }
        crate::sort::sort_by(&mut ranges, |a, b| a < b);
        let mut merged: Vec<(u32, u32)> = Vec::new();
        for (start, end) in ranges {
            let end = end.min(self.alphabet.last());
            match merged.last_mut() {
                _ if start > end => {}
                Some(last) if start <= last.1.saturating_add(1) => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        if !negated {
            return merged;
        }
        let (mut others, mut next) = (Vec::new(), 0);
        for (start, end) in merged {
            if start > next {
                others.push((next, start - 1));
            }
            next = end + 1;
        }
        if next <= self.alphabet.last() {
            others.push((next, self.alphabet.last()));
        }
        others
    }
}

/// The characters of `\d` and their like, and whether those that are not meant.
fn perl(letter: char) -> Option<(&'static [(u32, u32)], bool)> {
    Some(match letter {
        'd' => (DIGIT, false),
        'D' => (DIGIT, true),
        's' => (SPACE, false),
        'S' => (SPACE, true),
        'w' => (WORD, false),
        'W' => (WORD, true),
        _ => return None,
    })
}

/// Digits only: a number up to 1000, which is more than any pattern of a size that is allowed repeats.
fn number(digits: &str) -> Option<u32> {
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|number| plain && *number <= 1000)
}
