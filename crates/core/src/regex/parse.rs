//! Reads a pattern, in the syntax of [RE2](https://github.com/google/re2/wiki/Syntax) but for classes of Unicode (`\p`).

use super::error::{InvalidSyntax, MAX_REPETITIONS};

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
    LineStart,
    LineEnd,
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
/// `\s`, which in RE2 has no vertical tab.
const SPACE: &[(u32, u32)] = &[(0x09, 0x0a), (0x0c, 0x0d), (0x20, 0x20)];
const WORD: &[(u32, u32)] = &[(0x30, 0x39), (0x41, 0x5a), (0x5f, 0x5f), (0x61, 0x7a)];

/// Groups within groups.
const MAX_DEPTH: usize = 50;

/// Reads a pattern.
pub(super) fn parse(pattern: &str, alphabet: Alphabet) -> Result<Node, InvalidSyntax> {
    let mut parser = Parser { rest: pattern, alphabet, flags: Flags::default(), depth: 0 };
    let node = parser.alternate()?;
    if parser.rest.is_empty() { Ok(node) } else { Err(InvalidSyntax::UnopenedGroup) }
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

#[derive(Clone, Copy, Default)]
struct Flags {
    ignore_case: bool,
    dot_takes_lines: bool,
    many_lines: bool,
}

struct Parser<'p> {
    rest: &'p str,
    alphabet: Alphabet,
    flags: Flags,
    depth: usize,
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
    fn alternate(&mut self) -> Result<Node, InvalidSyntax> {
        let mut branches = Vec::new();
        loop {
            let branch = self.concat()?;
            let another = self.eat("|");
            if !another && branches.is_empty() {
                return Ok(branch);
            }
            branches.push(branch);
            if !another {
                return Ok(Node::Alternate(branches));
            }
        }
    }

    fn concat(&mut self) -> Result<Node, InvalidSyntax> {
        let mut parts = Vec::new();
        // Whether a repetition was just read.
        let mut repeated = false;
        while let Some(next) = self.peek().filter(|next| !matches!(next, '|' | ')')) {
            if let Some((min, max)) = self.repetition(next)? {
                // Which of several matches is found is of no interest.
                self.eat("?");
                if repeated {
                    return Err(InvalidSyntax::RepeatedRepetition);
                }
                let part = parts.pop().ok_or(InvalidSyntax::NothingToRepeat(next))?;
                parts.push(Node::Repeat(Box::new(part), min, max));
                repeated = true;
                continue;
            }
            self.next();
            self.part(next, &mut parts)?;
            repeated = false;
        }
        Ok(match parts.len() {
            0 => Node::Empty,
            1 => parts.pop().unwrap_or(Node::Empty),
            _ => Node::Concat(parts),
        })
    }

    /// The numbers of a repetition, if the next is one.
    fn repetition(&mut self, next: char) -> Result<Option<(u32, Option<u32>)>, InvalidSyntax> {
        let numbers = match next {
            '*' => (0, None),
            '+' => (1, None),
            '?' => (0, Some(1)),
            '{' => {
                let Some((numbers, rest)) = counts(self.rest) else { return Ok(None) };
                let (min, max) = numbers;
                if min.max(max.unwrap_or(0)) > MAX_REPETITIONS || max.is_some_and(|max| max < min) {
                    return Err(InvalidSyntax::RepetitionSize);
                }
                self.rest = rest;
                return Ok(Some(numbers));
            }
            _ => return Ok(None),
        };
        self.next();
        Ok(Some(numbers))
    }

    /// One part without what repeats it; none for flags, several for a quotation.
    fn part(&mut self, first: char, parts: &mut Vec<Node>) -> Result<(), InvalidSyntax> {
        parts.push(match first {
            '(' => match self.group()? {
                Some(node) => node,
                None => return Ok(()),
            },
            '[' => self.class()?,
            '^' if self.flags.many_lines => Node::Look(Look::LineStart),
            '^' => Node::Look(Look::Start),
            '$' if self.flags.many_lines => Node::Look(Look::LineEnd),
            '$' => Node::Look(Look::End),
            '.' if self.flags.dot_takes_lines => self.ranges(vec![], true),
            '.' => self.ranges(vec![(0x0a, 0x0a)], true),
            '\\' => match self.next().ok_or(InvalidSyntax::TrailingBackslash)? {
                'A' => Node::Look(Look::Start),
                'z' => Node::Look(Look::End),
                'b' => Node::Look(Look::Word),
                'B' => Node::Look(Look::NotWord),
                'C' if self.alphabet == Alphabet::Bytes => self.ranges(vec![], true),
                'Q' => {
                    let (quoted, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
                    self.rest = rest;
                    parts.extend(quoted.chars().map(|character| self.literal(character as u32)));
                    return Ok(());
                }
                escaped => match perl(escaped) {
                    Some((ranges, negated)) => self.ranges(ranges.to_vec(), negated),
                    None => {
                        let escaped = self.escaped(escaped)?;
                        self.literal(escaped)
                    }
                },
            },
            literal => self.literal(literal as u32),
        });
        Ok(())
    }

    /// What follows `(`; `None` for flags of the group around it.
    fn group(&mut self) -> Result<Option<Node>, InvalidSyntax> {
        let before = self.flags;
        if self.eat("?") {
            if ["=", "!", "<=", "<!"].iter().any(|look| self.rest.starts_with(look)) {
                return Err(InvalidSyntax::LookAround);
            }
            if self.eat("P=") {
                return Err(InvalidSyntax::BackReference);
            }
            if self.eat("P<") || self.eat("<") {
                self.name()?;
            } else if !self.flags()? {
                return Ok(None);
            }
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(InvalidSyntax::TooDeep);
        }
        let node = self.alternate()?;
        self.depth -= 1;
        self.flags = before;
        if self.eat(")") { Ok(Some(node)) } else { Err(InvalidSyntax::UnclosedGroup) }
    }

    fn name(&mut self) -> Result<(), InvalidSyntax> {
        let (name, rest) = self.rest.split_once('>').ok_or(InvalidSyntax::InvalidName)?;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(InvalidSyntax::InvalidName);
        }
        self.rest = rest;
        Ok(())
    }

    /// Flags, and whether they begin a group.
    fn flags(&mut self) -> Result<bool, InvalidSyntax> {
        let (mut on, mut any) = (true, false);
        loop {
            match self.next() {
                Some('i') => self.flags.ignore_case = on,
                Some('m') => self.flags.many_lines = on,
                Some('s') => self.flags.dot_takes_lines = on,
                // Which match is found is of no interest.
                Some('U') => {}
                Some('-') if on => {
                    (on, any) = (false, false);
                    continue;
                }
                Some(end @ (':' | ')')) if on || any => return Ok(end == ':'),
                _ => return Err(InvalidSyntax::UnknownFlag),
            }
            any = true;
        }
    }

    fn class(&mut self) -> Result<Node, InvalidSyntax> {
        let negated = self.eat("^");
        let mut ranges = Vec::new();
        let mut first = true;
        loop {
            let start = match self.next().ok_or(InvalidSyntax::UnclosedClass)? {
                ']' if !first => break,
                '[' if self.posix(&mut ranges)? => {
                    first = false;
                    continue;
                }
                '\\' => {
                    let escaped = self.next().ok_or(InvalidSyntax::TrailingBackslash)?;
                    if let Some((perl, negated)) = perl(escaped) {
                        ranges.extend(self.resolved(perl.to_vec(), negated));
                        first = false;
                        continue;
                    }
                    self.escaped(escaped)?
                }
                plain => plain as u32,
            };
            first = false;
            let mut end = start;
            // A dash in front of the last bracket is a character.
            if self.rest.starts_with('-') && !self.rest.starts_with("-]") {
                self.next();
                end = match self.next().ok_or(InvalidSyntax::UnclosedClass)? {
                    '\\' => {
                        let escaped = self.next().ok_or(InvalidSyntax::TrailingBackslash)?;
                        if perl(escaped).is_some() {
                            return Err(InvalidSyntax::InvalidRange);
                        }
                        self.escaped(escaped)?
                    }
                    plain => plain as u32,
                };
            }
            if start > end {
                return Err(InvalidSyntax::InvalidRange);
            }
            ranges.push((start, end));
        }
        Ok(self.ranges(ranges, negated))
    }

    /// `[:alpha:]`, after its first bracket; false if the bracket is a character.
    fn posix(&mut self, ranges: &mut Vec<(u32, u32)>) -> Result<bool, InvalidSyntax> {
        let class = self.rest.strip_prefix(':').and_then(|rest| rest.split_once(":]"));
        let Some((class, rest)) = class else { return Ok(false) };
        let (name, negated) = class.strip_prefix('^').map_or((class, false), |name| (name, true));
        let members: &[(u32, u32)] = match name {
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
            "space" => &[(0x09, 0x0d), (0x20, 0x20)],
            "upper" => &[(0x41, 0x5a)],
            "word" => WORD,
            "xdigit" => &[(0x30, 0x39), (0x41, 0x46), (0x61, 0x66)],
            _ => return Err(InvalidSyntax::UnknownClass(class.into())),
        };
        self.rest = rest;
        ranges.extend(self.resolved(members.to_vec(), negated));
        Ok(true)
    }

    /// The character of an escape, after its letter.
    fn escaped(&mut self, escaped: char) -> Result<u32, InvalidSyntax> {
        Ok(match escaped {
            'a' => 0x07,
            'f' => 0x0c,
            't' => 0x09,
            'n' => 0x0a,
            'r' => 0x0d,
            'v' => 0x0b,
            'x' => {
                let digits = if let Some(rest) = self.rest.strip_prefix('{') {
                    let (digits, rest) = rest.split_once('}').ok_or(InvalidSyntax::InvalidCode)?;
                    self.rest = rest;
                    digits
                } else {
                    let (digits, rest) = self.rest.split_at_checked(2).ok_or(InvalidSyntax::InvalidCode)?;
                    self.rest = rest;
                    digits
                };
                self.code(digits, 16)?
            }
            '1'..='9' if !(escaped < '8' && self.rest.starts_with(octal)) => {
                return Err(InvalidSyntax::BackReference);
            }
            '0'..='7' => {
                let more = self.rest.bytes().take(2).take_while(|b| octal(char::from(*b))).count();
                let (digits, rest) = self.rest.split_at_checked(more).ok_or(InvalidSyntax::InvalidCode)?;
                self.rest = rest;
                let first = escaped as u32 - '0' as u32;
                let code = digits.bytes().fold(first, |code, digit| code * 8 + u32::from(digit - b'0'));
                if code > self.alphabet.last() {
                    return Err(InvalidSyntax::InvalidCode);
                }
                code
            }
            'p' | 'P' => return Err(InvalidSyntax::UnicodeClass),
            punctuation if punctuation.is_ascii() && !punctuation.is_ascii_alphanumeric() => {
                punctuation as u32
            }
            _ => return Err(InvalidSyntax::UnknownEscape(escaped)),
        })
    }

    fn code(&self, digits: &str, radix: u32) -> Result<u32, InvalidSyntax> {
        // It would take a sign too.
        let code = if digits.starts_with('+') { None } else { u32::from_str_radix(digits, radix).ok() };
        let code = code.filter(|code| char::from_u32(*code).is_some() && *code <= self.alphabet.last());
        code.ok_or(InvalidSyntax::InvalidCode)
    }

    fn literal(&self, character: u32) -> Node {
        let letter = u8::try_from(character).is_ok_and(|byte| byte.is_ascii_alphabetic());
        if letter && self.flags.ignore_case {
            return self.ranges(vec![(character, character)], false);
        }
        Node::One(character)
    }

    fn ranges(&self, ranges: Vec<(u32, u32)>, negated: bool) -> Node {
        Node::Class(self.resolved(ranges, negated).into())
    }

    /// Ranges in order, apart from each other, with both cases where case does not count.
    fn resolved(&self, mut ranges: Vec<(u32, u32)>, negated: bool) -> Vec<(u32, u32)> {
        if self.flags.ignore_case {
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

fn octal(digit: char) -> bool {
    matches!(digit, '0'..='7')
}

/// The numbers of `{2}`, `{2,}` or `{2,5}`, and what follows; `None` where the brace is a character.
fn counts(text: &str) -> Option<((u32, Option<u32>), &str)> {
    let (counts, rest) = text.strip_prefix('{')?.split_once('}')?;
    let numbers = match counts.split_once(',') {
        None => (number(counts)?, Some(number(counts)?)),
        Some((min, "")) => (number(min)?, None),
        Some((min, max)) => (number(min)?, Some(number(max)?)),
    };
    Some((numbers, rest))
}

/// Digits without a zero in front, at most eight, as in RE2: others are no number.
fn number(digits: &str) -> Option<u32> {
    let plain = digits.len() <= 8 && digits.bytes().all(|b| b.is_ascii_digit());
    let padded = digits.len() > 1 && digits.starts_with('0');
    digits.parse().ok().filter(|_| plain && !padded)
}
