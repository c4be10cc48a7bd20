//! From JavaScript's regular expressions (ECMA-262 section 22.2 with Annex B, no flags but `i`) to
//! those of RE2.
//!
//! The two look alike and differ in meaning: JavaScript's `.` stops at four line ends and its `\s` knows
//! Unicode; `\A` is a letter there and an anchor here; `\cJ` is fine there and an error here. So each pattern
//! is read by JavaScript's rules and rewritten with only those constructs that both understand alike.

use crate::condition::js::SPACES;
use std::borrow::Cow;
use std::fmt::Write;
use std::iter::Peekable;
use std::str::Chars;

/// A pattern that was read.
pub(super) enum Translated {
    /// Nothing but characters, perhaps anchored.
    Plain {
        /// The characters.
        text: String,
        /// Whether `^` is in front.
        start: bool,
        /// Whether `$` follows.
        end: bool,
    },
    /// The same in the syntax of RE2.
    Regex(String),
}

/// Why a pattern is refused, as a part of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::condition) struct Unsupported(pub(super) Cow<'static, str>);

impl From<&'static str> for Unsupported {
    fn from(why: &'static str) -> Self {
        Self(why.into())
    }
}

impl From<String> for Unsupported {
    fn from(why: String) -> Self {
        Self(why.into())
    }
}

/// Inclusive ranges of characters.
type Ranges = Vec<(char, char)>;

/// A range of more characters than this is not searched for the other case of its members.
const MAX_CASED_RANGE_SIZE: u32 = 1024;

const LINEAR: &str =
    "patterns must match in time linear in the text, which rules out look-around and back-references";

/// Reads `pattern` by JavaScript's rules.
///
/// # Errors
/// When JavaScript would refuse it, and where it cannot be matched in linear time or means
/// something else than it seems to.
pub(super) fn translate(pattern: &str, ignore_case: bool) -> Result<Translated, Unsupported> {
    if !ignore_case && let Some(plain) = plain(pattern) {
        return Ok(plain);
    }
    let translator = Translator {
        rest: pattern.chars().peekable(),
        out: String::new(),
        ignore_case,
        groups: 0,
        repeatable: false,
    };
    translator.run().map(Translated::Regex)
}

/// A pattern in which only anchors and escaped punctuation are special.
fn plain(pattern: &str) -> Option<Translated> {
    let (rest, start) = pattern.strip_prefix('^').map_or((pattern, false), |rest| (rest, true));
    let mut text = String::new();
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.push(chars.next().filter(char::is_ascii_punctuation)?),
            '$' if chars.as_str().is_empty() => return Some(Translated::Plain { text, start, end: true }),
            '^' | '$' | '.' | '|' | '(' | ')' | '[' | ']' | '{' | '}' | '*' | '+' | '?' => return None,
            _ => text.push(c),
        }
    }
    Some(Translated::Plain { text, start, end: false })
}

struct Translator<'p> {
    rest: Peekable<Chars<'p>>,
    out: String,
    ignore_case: bool,
    /// Groups that are still open.
    groups: usize,
    /// Whether what was just read may be repeated.
    repeatable: bool,
}

/// What an escape means.
enum Escape {
    Char(char),
    Set(Ranges),
    /// `\b` or `\B`, outside of classes.
    Boundary(char),
}

impl Translator<'_> {
    fn run(mut self) -> Result<String, Unsupported> {
        while let Some(c) = self.rest.next() {
            self.part(c)?;
        }
        if self.groups > 0 { Err("a group is not closed".into()) } else { Ok(self.out) }
    }

    fn part(&mut self, c: char) -> Result<(), Unsupported> {
        let repeatable = std::mem::replace(&mut self.repeatable, true);
        match c {
            '^' | '$' | '|' => {
                self.out.push(c);
                self.repeatable = false;
            }
            '(' => self.open_group()?,
            ')' => {
                self.groups = self.groups.checked_sub(1).ok_or("a group is closed that was never opened")?;
                self.out.push(')');
            }
            '*' | '+' | '?' => self.repeat(c.to_string(), repeatable)?,
            '{' => match self.counts()? {
                Some(counts) => self.repeat(counts, repeatable)?,
                None => self.char('{'),
            },
            '.' => self.out.push_str(r"[^\n\r\x{2028}\x{2029}]"),
            '[' => self.class()?,
            '\\' => match self.escape(false)? {
                Escape::Char(c) => self.char(c),
                Escape::Set(ranges) => self.set(ranges, false),
                Escape::Boundary(c) => {
                    self.out.extend(['\\', c]);
                    self.repeatable = false;
                }
            },
            _ => self.char(c),
        }
        Ok(())
    }

    /// Names and captures are unusable here, so all groups are written as plain ones.
    fn open_group(&mut self) -> Result<(), Unsupported> {
        self.out.push_str("(?:");
        self.groups += 1;
        self.repeatable = false;
        if self.rest.next_if_eq(&'?').is_none() {
            return Ok(());
        }
        match self.rest.next() {
            Some(':') => Ok(()),
            Some('=' | '!') => Err(LINEAR.into()),
            Some('<') => match self.rest.peek() {
                Some('=' | '!') => Err(LINEAR.into()),
                _ => self.group_name(),
            },
            _ => Err("`(?` must be followed by `:` or `<name>`; inline flags are not supported (`$regexi` ignores case)".into()),
        }
    }

    fn group_name(&mut self) -> Result<(), Unsupported> {
        let mut length = 0;
        while let Some(c) = self.rest.next_if(|c| c.is_alphanumeric() || matches!(c, '_' | '$')) {
            if length == 0 && c.is_numeric() {
                break;
            }
            length += 1;
        }
        match self.rest.next() {
            Some('>') if length > 0 => Ok(()),
            _ => Err("the name of a group is not valid".into()),
        }
    }

    fn repeat(&mut self, quantifier: String, repeatable: bool) -> Result<(), Unsupported> {
        if !repeatable {
            return Err(format!("`{quantifier}` has nothing to repeat").into());
        }
        self.out.push_str(&quantifier);
        if self.rest.next_if_eq(&'?').is_some() {
            self.out.push('?');
        }
        self.repeatable = false;
        Ok(())
    }

    /// What follows `{`, if it is a repetition: `{2}`, `{2,}`, `{2,5}`. Otherwise JavaScript takes the brace
    /// for a character.
    fn counts(&mut self) -> Result<Option<String>, Unsupported> {
        let mut ahead = self.rest.clone();
        let inside: String = ahead.by_ref().take_while(|c| *c != '}').collect();
        let closed = self.rest.clone().any(|c| c == '}');
        let (min, max) = inside.split_once(',').unwrap_or((&inside, &inside));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if !closed || min.is_empty() || !digits(min) || !digits(max) {
            return Ok(None);
        }
        self.rest = ahead;
        let bound = |text: &str| {
            text.parse::<u32>().map_err(|_| Unsupported::from(format!("{{{inside}}} repeats too often")))
        };
        if !max.is_empty() && bound(min)? > bound(max)? {
            return Err(format!("in {{{inside}}} the smaller number must be first").into());
        }
        Ok(Some(format!("{{{inside}}}")))
    }

    /// Reads an escape; the backslash is read already.
    fn escape(&mut self, in_class: bool) -> Result<Escape, Unsupported> {
        let c = self.rest.next().ok_or("it ends with a backslash")?;
        let char = match c {
            'd' => return Ok(Escape::Set(DIGITS.into())),
            'D' => return Ok(Escape::Set(complement(DIGITS.into()))),
            'w' => return Ok(Escape::Set(WORD.into())),
            'W' => return Ok(Escape::Set(complement(WORD.into()))),
            's' => return Ok(Escape::Set(SPACES.into())),
            'S' => return Ok(Escape::Set(complement(SPACES.into()))),
            'b' if in_class => '\u{8}',
            'b' | 'B' if !in_class => return Ok(Escape::Boundary(c)),
            't' => '\t',
            'n' => '\n',
            'v' => '\u{b}',
            'f' => '\u{c}',
            'r' => '\r',
            '0' if !self.rest.peek().is_some_and(char::is_ascii_digit) => '\0',
            '0'..='9' | 'k' => return Err(LINEAR.into()),
            'c' => self.control()?,
            'x' => char::from_u32(self.hex(2)?).ok_or("invalid character code")?,
            'u' => self.unicode()?,
            'p' | 'P' => {
                return Err(format!(
                    r"\{c} needs JavaScript's `u` flag, which GrowthBook does not set; list the characters"
                )
                .into());
            }
            c if c.is_ascii_alphanumeric() => {
                return Err(format!(
                    r"\{c} means the letter {c} in JavaScript; write it without the backslash if that is meant"
                ).into());
            }
            other => other,
        };
        Ok(Escape::Char(char))
    }

    fn control(&mut self) -> Result<char, Unsupported> {
        let letter = self.rest.next().filter(char::is_ascii_alphabetic);
        let letter = letter.ok_or(r"\c must be followed by a letter")?;
        Ok(char::from(letter as u8 & 0x1f))
    }

    fn hex(&mut self, digits: usize) -> Result<u32, Unsupported> {
        let mut value = 0;
        for _ in 0..digits {
            let digit = self.rest.next().and_then(|c| c.to_digit(16));
            value = value * 16 + digit.ok_or(r"an escape is not of the form \x41 or \u0041 (\u{41} needs a flag that GrowthBook does not set)")?;
        }
        Ok(value)
    }

    /// `\u0041`, or two of them that form a surrogate pair.
    fn unicode(&mut self) -> Result<char, Unsupported> {
        let first = self.hex(4)?;
        if let Some(c) = char::from_u32(first) {
            return Ok(c);
        }
        let lone = "half of a surrogate pair matches nothing";
        if self.rest.next() != Some('\\') || self.rest.next() != Some('u') {
            return Err(lone.into());
        }
        let second = self.hex(4)?;
        let pair = u16::try_from(first).into_iter().chain(u16::try_from(second));
        char::decode_utf16(pair).next().and_then(Result::ok).ok_or_else(|| lone.into())
    }

    /// Reads a class; the opening bracket is read already.
    fn class(&mut self) -> Result<(), Unsupported> {
        let negated = self.rest.next_if_eq(&'^').is_some();
        let mut ranges = Ranges::new();
        while let Some(first) = self.class_atom()? {
            if self.rest.peek() != Some(&'-') {
                ranges.extend(first.ranges());
                continue;
            }
            self.rest.next();
            match (first, self.class_atom()?) {
                (first, None) => {
                    ranges.extend(first.ranges());
                    ranges.push(('-', '-'));
                    self.set(ranges, negated);
                    return Ok(());
                }
                (Escape::Char(low), Some(Escape::Char(high))) if low > high => {
                    return Err(format!("the range {low}-{high} is reversed").into());
                }
                (Escape::Char(low), Some(Escape::Char(high))) => ranges.push((low, high)),
                // With a set on one side there is no range, and the dash is a dash.
                (first, Some(second)) => {
                    ranges.extend(first.ranges());
                    ranges.extend(second.ranges());
                    ranges.push(('-', '-'));
                }
            }
        }
        self.set(ranges, negated);
        Ok(())
    }

    /// The next member of a class, or `None` at its end.
    fn class_atom(&mut self) -> Result<Option<Escape>, Unsupported> {
        match self.rest.next() {
            None => Err("a class `[` is not closed".into()),
            Some(']') => Ok(None),
            Some('\\') => self.escape(true).map(Some),
            Some(c) => Ok(Some(Escape::Char(c))),
        }
    }

    fn char(&mut self, c: char) {
        if self.ignore_case && (c.is_ascii_alphabetic() || !c.is_ascii()) {
            self.set(vec![(c, c)], false);
        } else if c.is_ascii_punctuation() {
            self.out.extend(['\\', c]);
        } else {
            self.out.push(c);
        }
    }

    /// Writes a class. Where case does not count both cases are written: what the engine itself
    /// could do is confined to ASCII.
    fn set(&mut self, mut ranges: Ranges, negated: bool) {
        if self.ignore_case {
            let cased: Ranges = ranges.iter().flat_map(|range| other_cases(*range)).collect();
            ranges.extend(cased);
        }
        if ranges.is_empty() {
            // JavaScript's `[]` matches nothing and `[^]` anything; here that must be said in full.
            self.out.push_str(if negated { r"[\x00-\x{10ffff}]" } else { r"[^\x00-\x{10ffff}]" });
            return;
        }
        self.out.push_str(if negated { "[^" } else { "[" });
        for (first, last) in ranges {
            let _ = write!(self.out, r"\x{{{:x}}}-\x{{{:x}}}", u32::from(first), u32::from(last));
        }
        self.out.push(']');
    }
}

impl Escape {
    fn ranges(self) -> Ranges {
        match self {
            Escape::Char(c) => vec![(c, c)],
            Escape::Set(ranges) => ranges,
            // Never read inside a class.
            Escape::Boundary(_) => Ranges::new(),
        }
    }
}

const DIGITS: [(char, char); 1] = [('0', '9')];
const WORD: [(char, char); 4] = [('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];

/// All characters outside of `ranges`, which are in order.
fn complement(ranges: Ranges) -> Ranges {
    let mut outside = Ranges::new();
    let mut from = '\0';
    for (first, last) in ranges {
        if let Some(before) = (from..first).next_back() {
            outside.push((from, before));
        }
        from = (last..=char::MAX).nth(1).unwrap_or(char::MAX);
    }
    outside.push((from, char::MAX));
    outside
}

/// What JavaScript takes for the same as a character of the range when case does not count: all
/// whose upper case is the same single character (ECMA-262 `Canonicalize`).
fn other_cases((first, last): (char, char)) -> Ranges {
    if u32::from(last) - u32::from(first) > MAX_CASED_RANGE_SIZE {
        return ascii_cases(first, last);
    }
    let others = (first..=last).flat_map(|c| {
        let upper = canonical(c);
        let same = upper.to_lowercase().chain(TWICE_LOWER).chain([upper]);
        same.filter(move |other| *other != c && canonical(*other) == upper)
    });
    others.map(|c| (c, c)).collect()
}

/// The other case of the ASCII letters in a range.
fn ascii_cases(first: char, last: char) -> Ranges {
    let letters = ('A'..='Z').chain('a'..='z').filter(|c| (first..=last).contains(c));
    letters.map(|c| (char::from(c as u8 ^ 0x20), char::from(c as u8 ^ 0x20))).collect()
}

/// All characters up to U+FFFF that are not *the* lower case of their upper case: forms of Greek
/// and Cyrillic letters, title case, and the micro sign.
#[rustfmt::skip]
const TWICE_LOWER: [char; 25] = [
    '\u{b5}', '\u{1c5}', '\u{1c8}', '\u{1cb}', '\u{1f2}', '\u{345}', '\u{3c2}',
    '\u{3d0}', '\u{3d1}', '\u{3d5}', '\u{3d6}', '\u{3f0}', '\u{3f1}', '\u{3f5}',
    '\u{1c80}', '\u{1c81}', '\u{1c82}', '\u{1c83}', '\u{1c84}', '\u{1c85}', '\u{1c86}',
    '\u{1c87}', '\u{1c88}', '\u{1e9b}', '\u{1fbe}',
];

/// The upper case of a character where that is one character and does not become ASCII, else the
/// character itself. Without the `u` flag JavaScript knows no case beyond U+FFFF.
fn canonical(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) if (c.is_ascii() || !upper.is_ascii()) && c <= '\u{ffff}' => upper,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test;

    #[cfg_attr(not(target_arch = "wasm32"), test)]
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    fn every_case_of_a_letter_is_known() {
        let is_known = |c: char| {
            let upper = canonical(c);
            c == upper || upper.to_lowercase().eq([c]) || TWICE_LOWER.contains(&c)
        };
        let unknown: String =
            ('\0'..='\u{ffff}').filter(|c| !is_known(*c)).flat_map(char::escape_unicode).collect();
        assert_eq!(unknown, "");
        assert!(TWICE_LOWER.iter().all(|c| canonical(*c) != *c));
    }
}
