//! A parsed document that borrows its texts from the bytes.
//!
//! `serde_json::Value` takes thirty times the room of the bytes, most of it for maps of one member each, and a module
//! never gives memory back.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::borrow::Cow;
use std::fmt;

/// A part of a document: what [`Node::value`](super::Node::value) has.
///
/// ```
/// use weir_core::load::Json;
///
/// let document = serde_json::json!({"name": "checkout", "weights": [1, 2.5, null]});
/// let json = Json::from(&document);
/// assert!(matches!(&json, Json::Object(members) if members.len() == 2));
/// assert_eq!(json.into_value(), document);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Json<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text: a part of the bytes, unless it has escapes.
    Text(Cow<'a, str>),
    /// A list.
    List(Box<[Json<'a>]>),
    /// An object's members, sorted by name; each name is there once.
    Object(Box<[Member<'a>]>),
}

/// A member of an object: its name, and what it is.
pub type Member<'a> = (Cow<'a, str>, Json<'a>);

impl<'a> Json<'a> {
    /// Reads JSON.
    ///
    /// # Errors
    /// It is none, it is deeper than 127 levels, or an object has a name twice: of two members, the one that is left out
    /// may be the one that protects.
    pub(crate) fn parse(bytes: &'a [u8]) -> serde_json::Result<Self> {
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let mut stacks = Stacks::default();
        let read = Reader { stacks: &mut stacks }.deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(read)
    }

    /// An object of these members; `None` if a name is there twice.
    pub(super) fn object(mut members: Box<[Member<'a>]>) -> Option<Self> {
        members.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let twice = members.windows(2).any(|pair| matches!(pair, [(one, _), (other, _)] if one == other));
        (!twice).then_some(Self::Object(members))
    }

    /// The number as a double, if it is one.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => number.as_f64(),
            _ => None,
        }
    }

    /// The number as a whole one, 0 or more, if it is one.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(number) => number.as_u64(),
            _ => None,
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The same with texts of its own.
    #[must_use]
    pub fn into_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(flag),
            Self::Number(number) => Value::Number(number),
            Self::Text(text) => Value::String(text.into_owned()),
            Self::List(list) => Value::Array(list.into_iter().map(Self::into_value).collect()),
            Self::Object(members) => {
                let mut map = Map::new();
                for (name, value) in members {
                    map.insert(name.into_owned(), value.into_value());
                }
                Value::Object(map)
            }
        }
    }
}

impl<'a> From<&'a Value> for Json<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::Text(Cow::Borrowed(text)),
            Value::Array(list) => Self::List(list.iter().map(Self::from).collect()),
            Value::Object(members) => {
                let member =
                    |(name, value): (&'a String, &'a Value)| (Cow::Borrowed(&**name), Self::from(value));
                // They have each name once.
                Self::object(members.iter().map(member).collect()).unwrap_or(Self::Null)
            }
        }
    }
}

/// The parts of the lists and objects that are being read, innermost last: so that each gets the room that it needs.
#[derive(Default)]
struct Stacks<'a> {
    elements: Vec<Json<'a>>,
    members: Vec<Member<'a>>,
}

/// Reads one part.
struct Reader<'s, 'a> {
    stacks: &'s mut Stacks<'a>,
}

impl<'a> DeserializeSeed<'a> for Reader<'_, 'a> {
    type Value = Json<'a>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Json<'a>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Reader<'_, 'a> {
    type Value = Json<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Json<'a>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Json<'a>, E> {
        Ok(Json::Bool(flag))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Json<'a>, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Json<'a>, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Json<'a>, E> {
        Ok(Number::from_f64(number).map_or(Json::Null, Json::Number))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<Json<'a>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json<'a>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<Json<'a>, A::Error> {
        let Self { stacks } = self;
        let start = stacks.elements.len();
        while let Some(element) = list.next_element_seed(Reader { stacks })? {
            stacks.elements.push(element);
        }
        Ok(Json::List(stacks.elements.drain(start..).collect()))
    }

    fn visit_map<A: MapAccess<'a>>(self, mut object: A) -> Result<Json<'a>, A::Error> {
        let Self { stacks } = self;
        let start = stacks.members.len();
        while let Some(name) = object.next_key_seed(Name)? {
            let value = object.next_value_seed(Reader { stacks })?;
            stacks.members.push((name, value));
        }
        // Not by its name, which may be a secret's.
        Json::object(stacks.members.drain(start..).collect())
            .ok_or_else(|| Error::custom("an object has a member twice"))
    }
}

/// Reads a member's name.
struct Name;

impl<'a> DeserializeSeed<'a> for Name {
    type Value = Cow<'a, str>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Cow<'a, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for Name {
    type Value = Cow<'a, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<Cow<'a, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Cow<'a, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parsed(text: &str) -> Result<Value, String> {
        Json::parse(text.as_bytes()).map(|json| json.into_value()).map_err(|error| error.to_string())
    }

    #[test]
    fn documents_are_those_of_serde_json() {
        for text in [
            "null",
            " [true, false, [], {}] ",
            r#"{"z": {"y": [1, -2, 0.5, 1e300, 18446744073709551615, -9223372036854775808]}, "a": "", "": null}"#,
            r#"{"esc\u0061ped \"name\"": "a \ud83d\ude00 \n text", "plain": "ünï"}"#,
            "[[[[1], 2], {\"a\": [3, {\"b\": 4}]}], 5]",
        ] {
            assert_eq!(parsed(text), Ok(serde_json::from_str(text).unwrap()), "{text}");
        }
    }

    #[test]
    fn texts_are_parts_of_the_bytes() {
        let text = r#"{"plain": "text", "other": "a\n"}"#;
        let Json::Object(members) = Json::parse(text.as_bytes()).unwrap() else { panic!("no object") };
        let [(other, escaped), (plain, borrowed)] = &*members else { panic!("{members:?}") };
        assert!(matches!((plain, borrowed), (Cow::Borrowed("plain"), Json::Text(Cow::Borrowed("text")))));
        assert!(
            matches!((other, escaped), (Cow::Borrowed("other"), Json::Text(Cow::Owned(text))) if text == "a\n")
        );
    }

    #[test]
    fn what_serde_json_refuses_is_refused() {
        let deep = "[".repeat(128) + &"]".repeat(128);
        for text in ["", "{", "[1,]", "{\"a\": 1} x", "nul", "{1: 2}", "\"\\ud800\"", "1e999", &deep] {
            let expected = serde_json::from_str::<Value>(text).unwrap_err().to_string();
            assert_eq!(parsed(text), Err(expected), "{text}");
        }
        assert!(Json::parse(b"\"\xff\"").is_err());
    }

    #[test]
    fn a_name_twice_is_refused_wherever_it_is_and_however_it_is_written() {
        for text in [
            r#"{"jwt": {}, "routing": {}, "jwt": {}}"#,
            r#"[{"hush": 1, "hush": 2}]"#,
            r#"{"a": {"hush": null, "h\u0075sh": null}}"#,
        ] {
            let message = parsed(text).unwrap_err();
            assert!(message.starts_with("an object has a member twice at line 1 column "), "{message}");
            assert!(!message.contains("hush"));
        }
    }

    #[test]
    fn members_are_sorted() {
        let json = Json::parse(br#"{"b": 1, "a": 2, "aa": 3, "": 4}"#).unwrap();
        let Json::Object(members) = &json else { panic!("no object") };
        assert!(members.iter().map(|(name, _)| &**name).eq(["", "a", "aa", "b"]));
        assert_eq!(json, Json::from(&json!({"b": 1, "a": 2, "aa": 3, "": 4})));
    }
}
