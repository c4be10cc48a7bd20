//! Serde over a parsed document, with the path of each error.
//!
//! `serde_path_to_error` around serde_json's own deserializer does the same with three times the code
//! in a module (130 kB against 45 kB), because both wrap every visitor; and its errors are only text.

use crate::problem::did_you_mean;
use crate::value::number;
use serde::de::{
    DeserializeSeed, Deserializer, Error, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Number, Value};
use std::fmt::{self, Display};

/// One step down the document.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// Why a document was refused, and where.
#[derive(Debug)]
pub(super) struct Refused {
    /// From the place up to the top.
    pub(super) path: Vec<Step>,
    pub(super) message: String,
}

impl Refused {
    #[cold]
    #[inline(never)]
    fn new(message: String) -> Self {
        Self { path: Vec::new(), message }
    }

    #[cold]
    #[inline(never)]
    fn at(mut self, step: Step) -> Self {
        self.path.push(step);
        self
    }

    /// The value is not of the kind that is expected here.
    #[cold]
    #[inline(never)]
    fn wrong(value: &Value, expected: &dyn Expected) -> Self {
        Self::invalid_type(
            match value {
                Value::Null => Unexpected::Unit,
                Value::Bool(value) => Unexpected::Bool(*value),
                Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                    (Some(number), _) => Unexpected::Unsigned(number),
                    (_, Some(number)) => Unexpected::Signed(number),
                    _ => Unexpected::Float(number.as_f64().unwrap_or(f64::NAN)),
                },
                Value::String(text) => Unexpected::Str(text),
                Value::Array(_) => Unexpected::Seq,
                Value::Object(_) => Unexpected::Map,
            },
            expected,
        )
    }

    #[cold]
    #[inline(never)]
    fn unknown(what: &str, word: &str, known: &'static [&'static str]) -> Self {
        let hint = did_you_mean(word, known.iter().copied());
        Self::new(match known {
            [] => format!("unknown {what} `{word}`: there is none here"),
            _ => format!("unknown {what} `{word}`, expected one of: {}{hint}", known.join(", ")),
        })
    }
}

impl Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refused {}

impl Error for Refused {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        let expected = match expected.as_str() {
            "a sequence" => "a list",
            "a map" => "an object",
            "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
            "i32" | "i64" => "a whole number",
            "f64" => "a number",
            name if name.starts_with("struct ") => "an object",
            name if name.starts_with("enum ") => "one of the known words",
            other => other,
        };
        Self::new(format!("{} is not {expected}", shown(unexpected)))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::unknown("field", field, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::unknown("word", variant, expected)
    }
}

/// The value as a reader would find it in the document.
fn shown(unexpected: Unexpected<'_>) -> String {
    match unexpected {
        Unexpected::Str(text) => format!("{text:?}"),
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Unsigned(number) => number.to_string(),
        Unexpected::Signed(number) => number.to_string(),
        Unexpected::Float(number) => Number::from_f64(number).map_or_else(String::new, |n| n.to_string()),
        Unexpected::Unit => "null".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "an object".to_owned(),
        _ => "this value".to_owned(),
    }
}

/// A part of the document, to be read.
pub(super) struct Node<'de>(pub(super) &'de Value);

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = Refused;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), ..) => visitor.visit_u64(number),
                (_, Some(number), _) => visitor.visit_i64(number),
                (.., number) => visitor.visit_f64(number.unwrap_or(f64::NAN)),
            },
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(list) => visitor.visit_seq(List { rest: list, index: 0 }),
            Value::Object(object) => visitor.visit_map(Object { rest: object.iter(), value: None }),
        }
    }

    // Each type takes only what it can: with every kind of value forwarded to every visitor, the
    // refusals alone would be a third of a module.
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        match self.0 {
            Value::Bool(value) => visitor.visit_bool(*value),
            other => Err(Refused::wrong(other, &visitor)),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        let number = match self.0 {
            // Envoy makes a text of a decimal in YAML: only whole numbers stay numbers.
            Value::String(text) => number(text.as_bytes()),
            other => other.as_f64(),
        };
        match number {
            Some(number) => visitor.visit_f64(number),
            None => Err(Refused::wrong(self.0, &visitor)),
        }
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        match self.0.as_u64() {
            Some(number) => visitor.visit_u64(number),
            None => Err(Refused::wrong(self.0, &visitor)),
        }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        match self.0.as_i64() {
            Some(number) => visitor.visit_i64(number),
            None => Err(Refused::wrong(self.0, &visitor)),
        }
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        match self.0 {
            Value::String(text) => visitor.visit_str(text),
            other => Err(Refused::wrong(other, &visitor)),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_str(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        match self.0 {
            Value::Array(list) => visitor.visit_seq(List { rest: list, index: 0 }),
            other => Err(Refused::wrong(other, &visitor)),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        match self.0 {
            Value::Object(object) => visitor.visit_map(Object { rest: object.iter(), value: None }),
            other => Err(Refused::wrong(other, &visitor)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.deserialize_map(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        // The language has only enums of plain words.
        match self.0 {
            Value::String(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            other => Err(Refused::wrong(other, &visitor)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 f32 char bytes byte_buf unit unit_struct tuple tuple_struct identifier
    }
}

struct List<'de> {
    rest: &'de [Value],
    index: usize,
}

impl<'de> SeqAccess<'de> for List<'de> {
    type Error = Refused;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Refused> {
        let Some((first, rest)) = self.rest.split_first() else { return Ok(None) };
        self.rest = rest;
        self.index += 1;
        seed.deserialize(Node(first)).map(Some).map_err(|refused| refused.at(Step::Index(self.index - 1)))
    }
}

struct Object<'de> {
    rest: <&'de Map<String, Value> as IntoIterator>::IntoIter,
    value: Option<(&'de str, &'de Value)>,
}

impl<'de> MapAccess<'de> for Object<'de> {
    type Error = Refused;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Refused> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some((key, value));
        let name = seed.deserialize(key.as_str().into_deserializer());
        name.map(Some).map_err(|refused: Refused| refused.at(Step::Key(key.clone())))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Refused> {
        let (key, value) = self.value.take().ok_or_else(|| Refused::new("a value without its key".into()))?;
        seed.deserialize(Node(value)).map_err(|refused| refused.at(Step::Key(key.to_owned())))
    }
}
