//! JSON, read strictly: UTF-8, no duplicate members, bounded depth, nothing after the value.
//!
//! serde_json alone would let the last of two `"sub"` members win, where another reader of the same
//! token may let the first. Numbers become what serde_json makes of them, so that a condition in the
//! configuration compares equal; [`find`] gives their text back.

use std::borrow::Cow;

use serde_json::{Map, Number, Value};

use crate::words::{self, Word};

mod object;

pub(crate) use object::{Object, items, string};

/// How deep arrays and objects may nest. Real tokens need 5, real key sets 4.
pub(crate) const MAX_DEPTH: u32 = 32;

/// What is wrong with a text that should be JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Not JSON (RFC 8259), not UTF-8, or a number beyond any `f64`.
    Syntax,
    /// An object with two members of one name.
    Duplicate,
    /// Nested deeper than [`MAX_DEPTH`].
    TooDeep,
}

/// Reads one JSON value that is the whole text.
pub(crate) fn parse(text: &str) -> Result<Value, Fault> {
    let mut reader = Reader::new(text);
    let value = reader.value(0)?;
    reader.space();
    if reader.at == text.len() { Ok(value) } else { Err(Fault::Syntax) }
}

/// The text of the value at `path` in a text that [`parse`] has accepted.
pub(crate) fn find<'t, 'p>(text: &'t str, path: impl Iterator<Item = &'p str>) -> Option<&'t str> {
    let mut reader = Reader::new(text);
    for segment in path {
        reader.enter(segment).ok().flatten()?;
    }
    reader.space();
    let start = reader.at;
    reader.skip(0).ok()?;
    text.get(start..reader.at)
}

/// Adds `text`, which [`parse`] has accepted, to `out` without the white space between its tokens.
pub(crate) fn compact(text: &str, out: &mut String) {
    let mut in_string = false;
    let mut escaped = false;
    for character in text.chars() {
        if in_string {
            in_string = escaped || character != '"';
            escaped = !escaped && character == '\\';
        } else if matches!(character, ' ' | '\t' | '\n' | '\r') {
            continue;
        } else {
            in_string = character == '"';
        }
        out.push(character);
    }
}

/// Which array item a path's segment means: decimal digits without leading zeros.
pub(crate) fn index(segment: &str) -> Option<usize> {
    let canonical = segment == "0" || !segment.starts_with(['0', '+']);
    if canonical { segment.parse().ok() } else { None }
}

/// A number as written.
struct Numeral<'t> {
    text: &'t str,
    /// Whether it has neither fraction nor exponent.
    whole: bool,
}

struct Reader<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0 }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Steps over `byte`, if it is next.
    fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.eat(byte) { Ok(()) } else { Err(Fault::Syntax) }
    }

    fn since(&self, start: usize) -> &'t str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: u32) -> Result<Value, Fault> {
        self.space();
        match self.peek() {
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b'"') => Ok(Value::String(self.string()?.into_owned())),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Fault> {
        if !self.bytes.get(self.at..).unwrap_or_default().starts_with(word.as_bytes()) {
            return Err(Fault::Syntax);
        }
        self.at += word.len();
        Ok(value)
    }

    fn object(&mut self, depth: u32) -> Result<Value, Fault> {
        let mut members = Map::new();
        if self.opens(b'}', depth)? {
            loop {
                let name = self.name()?.into_owned();
                let value = self.value(depth)?;
                if members.insert(name, value).is_some() {
                    return Err(Fault::Duplicate);
                }
                if !self.goes_on(b'}')? {
                    break;
                }
            }
        }
        Ok(Value::Object(members))
    }

    fn array(&mut self, depth: u32) -> Result<Value, Fault> {
        let mut items = Vec::new();
        if self.opens(b']', depth)? {
            loop {
                items.push(self.value(depth)?);
                if !self.goes_on(b']')? {
                    break;
                }
            }
        }
        Ok(Value::Array(items))
    }

    /// Steps into an array or object; false if it is empty.
    fn opens(&mut self, close: u8, depth: u32) -> Result<bool, Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::TooDeep);
        }
        self.at += 1;
        self.space();
        Ok(!self.eat(close))
    }

    /// After a member or item: whether another one follows.
    fn goes_on(&mut self, close: u8) -> Result<bool, Fault> {
        self.space();
        if self.eat(close) {
            return Ok(false);
        }
        self.expect(b',')?;
        Ok(true)
    }

    /// A member's name and the colon after it.
    fn name(&mut self) -> Result<Cow<'t, str>, Fault> {
        self.space();
        let name = self.string()?;
        self.space();
        self.expect(b':')?;
        Ok(name)
    }

    /// Steps to the member or item that `segment` names, reading over those before it.
    fn enter(&mut self, segment: &str) -> Result<Option<()>, Fault> {
        self.space();
        let (close, mut skip) = match self.peek() {
            Some(b'{') => (b'}', None),
            Some(b'[') => match index(segment) {
                Some(index) => (b']', Some(index)),
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        if !self.opens(close, 0)? {
            return Ok(None);
        }
        loop {
            let found = match &mut skip {
                Some(0) => true,
                Some(left) => {
                    *left -= 1;
                    false
                }
                None => self.name()? == segment,
            };
            if found {
                return Ok(Some(()));
            }
            self.skip(0)?;
            if !self.goes_on(close)? {
                return Ok(None);
            }
        }
    }

    fn string(&mut self) -> Result<Cow<'t, str>, Fault> {
        self.expect(b'"')?;
        let start = self.at;
        self.plain();
        let plain = self.since(start);
        if self.eat(b'"') {
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = plain.to_owned();
        loop {
            self.expect(b'\\')?;
            text.push(self.escape()?);
            let start = self.at;
            self.plain();
            text.push_str(self.since(start));
            if self.eat(b'"') {
                return Ok(Cow::Owned(text));
            }
        }
    }

    /// Steps over what stands for itself in a string.
    fn plain(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let in_word = |word: Word| word.below(0x20).or(word.is(b'"')).or(word.is(b'\\'));
        let stops = |byte| byte < 0x20 || byte == b'"' || byte == b'\\';
        self.at += words::position(rest, in_word, stops).unwrap_or(rest.len());
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let kind = self.peek().ok_or(Fault::Syntax)?;
        self.at += 1;
        Ok(match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.code_point()?,
            _ => return Err(Fault::Syntax),
        })
    }

    /// One `\u` escape, or the two of a surrogate pair. A lone surrogate is an error.
    fn code_point(&mut self) -> Result<char, Fault> {
        let unit = self.hex4()?;
        if !(0xd800..0xdc00).contains(&unit) {
            return char::from_u32(unit).ok_or(Fault::Syntax);
        }
        self.expect(b'\\')?;
        self.expect(b'u')?;
        let low = self.hex4()?;
        if !(0xdc00..0xe000).contains(&low) {
            return Err(Fault::Syntax);
        }
        char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)).ok_or(Fault::Syntax)
    }

    fn hex4(&mut self) -> Result<u32, Fault> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16)).ok_or(Fault::Syntax)?;
            unit = unit << 4 | digit;
            self.at += 1;
        }
        Ok(unit)
    }

    fn number(&mut self) -> Result<Value, Fault> {
        let Numeral { text, whole } = self.numeral()?;
        if whole && let Ok(number) = text.parse::<i64>() {
            return Ok(Value::Number(number.into()));
        }
        // Beyond i64, and fractions: serde_json decides what they come to, and whether they fit.
        text.parse::<Number>().map(Value::Number).map_err(|_| Fault::Syntax)
    }

    /// Steps over a number.
    fn numeral(&mut self) -> Result<Numeral<'t>, Fault> {
        let start = self.at;
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        let integer_end = self.at;
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Ok(Numeral { text: self.since(start), whole: self.at == integer_end })
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(Fault::Syntax) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
