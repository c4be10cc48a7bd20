//! JSON in tokens.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Deserializer, Map, Value};
use std::fmt;
use weir_jose::Token;

pub(crate) const PIECES: &[&str] = &[
    "{\"sub\":",
    "\"aud\":[",
    "\"a\":",
    "\"\\u0061\":",
    "\\ud83d\\ude00",
    "\\u0000",
    "\\ud800",
    "\\/",
    "-0",
    "1e999",
    "1E+2",
    "18446744073709551616",
    "0.1",
    "01",
    "1.",
    "null",
    "true",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    " ",
    "\t",
    "[[[[[[[[",
    "é",
    "\u{0}",
];

/// The deepest that a token nests.
const MAX_DEPTH: usize = 32;

/// So many members and items are looked at.
const FEW: usize = 20;

/// What is taken as claims is what `serde_json` reads as an object, without members of the same name, and not too
/// deep; and its values are the same.
pub(crate) fn claims(data: &[u8]) {
    let text = format!("eyJhbGciOiJIUzI1NiJ9.{}.AA", BASE64URL_NOPAD.encode(data));
    let token = Token::parse(text.as_bytes(), usize::MAX).ok();
    let reference = strictly(data).filter(Value::is_object);
    let Some(token) = token else { return assert_eq!(reference, None) };
    let Some(reference) = reference else { panic!("serde_json refuses {:?}", token.payload().text()) };
    let payload = token.payload();
    let none: [&str; 0] = [];
    assert_eq!(payload.lookup(&none).map(plain), Some(plain(reference.clone())));
    assert_eq!(
        payload.json(&none).and_then(|text| strictly(text.as_bytes())).map(plain),
        Some(plain(reference.clone()))
    );
    // Each is looked for from the start: of many, these are enough.
    for (name, value) in reference.as_object().into_iter().flatten().take(FEW) {
        let path = [name.as_str()];
        assert_eq!(payload.lookup(&path).map(plain), Some(plain(value.clone())), "{name:?}");
        if let Value::String(text) = value {
            assert_eq!(payload.scalar(&path).as_deref(), Some(text.as_str()));
        }
        if let Value::Array(items) = value {
            for (index, item) in items.iter().enumerate().take(FEW) {
                let found = payload.lookup(&[name, &index.to_string()]);
                assert_eq!(found.map(plain), Some(plain(item.clone())));
            }
            let _ = payload.scalars(&path);
        }
        if let Value::Object(members) = value {
            for (inner, member) in members.iter().take(FEW) {
                assert_eq!(payload.lookup(&[name, inner]).map(plain), Some(plain(member.clone())));
            }
        }
    }
    for time in [payload.exp(), payload.nbf(), payload.iat()].into_iter().flatten().flatten() {
        assert!(time >= 0.0 && time.is_finite());
    }
    let _ = (payload.iss(), payload.sub());
    let _ = payload.aud().map(|all| all.iter().count());
}

/// Numbers as `f64`: that is what conditions compare.
fn plain(value: Value) -> Value {
    match value {
        Value::Number(number) => (number.as_f64().unwrap() + 0.0).into(),
        Value::Array(items) => items.into_iter().map(plain).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, plain(value))).collect(),
        other => other,
    }
}

/// As `serde_json` reads it, without members of the same name.
fn strictly(data: &[u8]) -> Option<Value> {
    let mut reader = Deserializer::from_slice(data);
    let value = serde::de::DeserializeSeed::deserialize(Strict(0), &mut reader).ok()?;
    reader.end().ok()?;
    Some(value)
}

/// A value at this depth.
#[derive(Clone, Copy)]
struct Strict(usize);

impl Strict {
    fn inside<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.0 < MAX_DEPTH { Ok(Self(self.0 + 1)) } else { Err(E::custom("too deep")) }
    }
}

impl<'de> serde::de::DeserializeSeed<'de> for Strict {
    type Value = Value;
    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> serde::de::Visitor<'de> for Strict {
    type Value = Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let (inside, mut list) = (self.inside::<A::Error>()?, Vec::new());
        while let Some(item) = items.next_element_seed(inside)? {
            list.push(item);
        }
        Ok(list.into())
    }
    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let (inside, mut map) = (self.inside::<A::Error>()?, Map::new());
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(inside)?;
            if map.insert(name, value).is_some() {
                return Err(serde::de::Error::custom("twice"));
            }
        }
        Ok(map.into())
    }
}
