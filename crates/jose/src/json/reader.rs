//! Steps over the tokens of a text that should be JSON.

use std::borrow::Cow;

use serde_json::Value;

use crate::words::{self, Word};

/// How deep arrays and objects may nest. Real tokens need 5, real key sets 4.
const MAX_DEPTH: u32 = 32;

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

/// A number as written.
pub(super) struct Numeral<'t> {
    pub(super) text: &'t str,
    /// Whether it has neither fraction nor exponent.
    pub(super) whole: bool,
}

pub(super) struct Reader<'t> {
    pub(super) text: &'t str,
    pub(super) bytes: &'t [u8],
    pub(super) at: usize,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0 }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Steps over `byte`, if it is next.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.eat(byte) { Ok(()) } else { Err(Fault::Syntax) }
    }

    pub(super) fn since(&self, start: usize) -> &'t str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    pub(super) fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    pub(super) fn word(&mut self, word: &str, value: Value) -> Result<Value, Fault> {
        if !self.bytes.get(self.at..).unwrap_or_default().starts_with(word.as_bytes()) {
            return Err(Fault::Syntax);
        }
        self.at += word.len();
        Ok(value)
    }

    /// Steps into an array or object; false if it is empty.
    pub(super) fn opens(&mut self, close: u8, depth: u32) -> Result<bool, Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::TooDeep);
        }
        self.at += 1;
        self.space();
        Ok(!self.eat(close))
    }

    /// After a member or item: whether another one follows.
    pub(super) fn goes_on(&mut self, close: u8) -> Result<bool, Fault> {
        self.space();
        if self.eat(close) {
            return Ok(false);
        }
        self.expect(b',')?;
        Ok(true)
    }

    /// A member's name and the colon after it.
    pub(super) fn name(&mut self) -> Result<Cow<'t, str>, Fault> {
        self.space();
        let name = self.string()?;
        self.space();
        self.expect(b':')?;
        Ok(name)
    }

    pub(super) fn string(&mut self) -> Result<Cow<'t, str>, Fault> {
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

    /// Steps over a number.
    pub(super) fn numeral(&mut self) -> Result<Numeral<'t>, Fault> {
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
