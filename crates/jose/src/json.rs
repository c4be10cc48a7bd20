//! JSON, read strictly: UTF-8, no duplicate members, bounded depth, nothing after the value.
//!
//! serde_json alone would let the last of two `"sub"` members win, where another reader of the same
//! token may let the first. Numbers become what serde_json makes of them, so that a condition in the
//! configuration compares equal; [`find`] gives their text back.

use serde_json::{Map, Number, Value};

use reader::{Numeral, Reader};

mod object;
mod reader;

pub(crate) use object::{Object, items, string};
pub(crate) use reader::Fault;

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

impl Reader<'_> {
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

    fn number(&mut self) -> Result<Value, Fault> {
        let Numeral { text, whole } = self.numeral()?;
        if whole && let Ok(number) = text.parse::<i64>() {
            return Ok(Value::Number(number.into()));
        }
        // Beyond i64, and fractions: serde_json decides what they come to, and whether they fit.
        text.parse::<Number>().map(Value::Number).map_err(|_| Fault::Syntax)
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
}

#[cfg(test)]
mod tests;
