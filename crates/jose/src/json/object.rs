//! A JSON object that is checked as a whole, but of which only the outermost members are kept in mind: most
//! claims of most tokens are never asked for.

use std::borrow::Cow;

use serde_json::{Map, Number, Value};

use super::reader::{Fault, Numeral, Reader};

/// So many names are compared one by one; more are looked up, so that nobody can make them expensive.
const FEW: usize = 16;

/// An object and its text.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    text: String,
    members: Vec<Member>,
}

/// Where a member stands.
#[derive(Clone, Debug)]
struct Member {
    mark: Mark,
    /// The name between its quotes.
    name: (usize, usize),
    /// Whether the name has escapes.
    escaped: bool,
    value: (usize, usize),
}

/// What tells most names apart without a look at the whole of them: the length and some of the letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark(u32);

impl Mark {
    fn of(name: &str) -> Self {
        let name = name.as_bytes();
        let letter = |at: usize| name.get(at).copied().unwrap_or_default();
        let last = name.last().copied().unwrap_or_default();
        let [length, ..] = name.len().to_le_bytes();
        Self(u32::from_le_bytes([length, letter(0), letter(name.len() / 2), last]))
    }

    /// One of 64 bits, for a set of marks.
    fn bit(self) -> u64 {
        // The multiplier of Fibonacci hashing (Knuth, The Art of Computer Programming, 6.4).
        1 << (self.0.wrapping_mul(0x9e37_79b9) >> 26)
    }
}

impl Object {
    /// Reads a text that is an object, as strictly as [`super::parse`].
    pub(crate) fn read(bytes: Vec<u8>) -> Result<Self, Fault> {
        let text = String::from_utf8(bytes).map_err(|_| Fault::Syntax)?;
        let mut reader = Reader::new(&text);
        let members = reader.members()?;
        reader.space();
        let whole = reader.at == text.len();
        if whole { Ok(Self { text, members }) } else { Err(Fault::Syntax) }
    }

    /// The whole text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The text of a member's value.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mark = Mark::of(name);
        let member = self.members.iter().find(|member| member.mark == mark && self.is(member, name))?;
        Some(self.part(member.value))
    }

    /// Whether any member has one of these names.
    pub(crate) fn has_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.get(name).is_some())
    }

    fn is(&self, member: &Member, name: &str) -> bool {
        if member.escaped {
            return unescaped(self.part(member.name)) == name;
        }
        self.part(member.name) == name
    }

    fn part(&self, (start, end): (usize, usize)) -> &str {
        self.text.get(start..end).unwrap_or_default()
    }
}

/// The characters of a string, if the text of a value is one.
pub(crate) fn string(text: &str) -> Option<Cow<'_, str>> {
    let mut reader = Reader::new(text);
    reader.string().ok()
}

/// The texts of an array's items, if the text of a value is one.
pub(crate) fn items(text: &str) -> Option<Vec<&str>> {
    let mut reader = Reader::new(text);
    let mut items = Vec::new();
    if reader.peek() != Some(b'[') {
        return None;
    }
    if reader.opens(b']', 0).ok()? {
        loop {
            reader.space();
            let start = reader.at;
            reader.skip(0).ok()?;
            items.push(reader.since(start));
            if !reader.goes_on(b']').ok()? {
                break;
            }
        }
    }
    Some(items)
}

#[cold]
fn unescaped(name: &str) -> Cow<'_, str> {
    string(&["\"", name, "\""].concat()).map_or(Cow::Borrowed(name), |text| Cow::Owned(text.into_owned()))
}

/// The names of an object so far.
#[derive(Default)]
struct Names<'t> {
    /// The bits of their marks: a name whose bit is not there is new.
    marks: u64,
    few: Vec<Cow<'t, str>>,
    many: Map<String, Value>,
}

impl<'t> Names<'t> {
    /// Adds a name; an error if it is there already.
    fn add(&mut self, name: Cow<'t, str>, mark: Mark) -> Result<(), Fault> {
        let may_be_known = self.marks & mark.bit() != 0;
        if may_be_known && (self.few.contains(&name) || self.many.contains_key(&*name)) {
            return Err(Fault::Duplicate);
        }
        self.marks |= mark.bit();
        if self.few.len() < FEW {
            self.few.push(name);
        } else {
            self.many.insert(name.into_owned(), Value::Null);
        }
        Ok(())
    }
}

impl Reader<'_> {
    /// Checks an object with all that is in it; where its members stand.
    fn members(&mut self) -> Result<Vec<Member>, Fault> {
        self.space();
        if self.peek() != Some(b'{') {
            // What is wrong inside it is told first.
            self.skip(0)?;
            return Err(Fault::Syntax);
        }
        let mut members = Vec::with_capacity(FEW);
        let mut names = Names { few: Vec::with_capacity(FEW), ..Names::default() };
        if self.opens(b'}', 1)? {
            loop {
                self.space();
                let start = self.at + 1;
                let name = self.string()?;
                let (end, escaped) = (self.at - 1, matches!(name, Cow::Owned(_)));
                let mark = Mark::of(&name);
                names.add(name, mark)?;
                self.space();
                self.expect(b':')?;
                self.space();
                let from = self.at;
                self.skip(1)?;
                members.push(Member { mark, name: (start, end), escaped, value: (from, self.at) });
                if !self.goes_on(b'}')? {
                    break;
                }
            }
        }
        Ok(members)
    }

    /// Checks a value and steps over it.
    pub(super) fn skip(&mut self, depth: u32) -> Result<(), Fault> {
        self.space();
        match self.peek() {
            Some(b'{') => self.skip_object(depth + 1),
            Some(b'[') => self.skip_array(depth + 1),
            Some(b'"') => self.string().map(drop),
            Some(b't') => self.word("true", Value::Null).map(drop),
            Some(b'f') => self.word("false", Value::Null).map(drop),
            Some(b'n') => self.word("null", Value::Null).map(drop),
            _ => self.skip_number(),
        }
    }

    fn skip_number(&mut self) -> Result<(), Fault> {
        let Numeral { text, whole } = self.numeral()?;
        // Whole numbers of few digits fit; of others serde_json knows.
        if whole && text.len() < 18 {
            Ok(())
        } else {
            text.parse::<Number>().map(drop).map_err(|_| Fault::Syntax)
        }
    }

    fn skip_object(&mut self, depth: u32) -> Result<(), Fault> {
        let mut names = Names::default();
        if self.opens(b'}', depth)? {
            loop {
                let name = self.name()?;
                let mark = Mark::of(&name);
                names.add(name, mark)?;
                self.skip(depth)?;
                if !self.goes_on(b'}')? {
                    break;
                }
            }
        }
        Ok(())
    }

    fn skip_array(&mut self, depth: u32) -> Result<(), Fault> {
        if self.opens(b']', depth)? {
            loop {
                self.skip(depth)?;
                if !self.goes_on(b']')? {
                    break;
                }
            }
        }
        Ok(())
    }
}
