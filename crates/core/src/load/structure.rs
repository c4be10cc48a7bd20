//! A `google.protobuf.Struct` as configuration.
//!
//! Envoy hands the bytes of a plugin's configuration to the module as they are. Istio sends JSON in a
//! `StringValue`; in an Envoy file a `Struct` reads better, because it is plain YAML, and arrives in
//! protobuf's wire format. Its definition: <https://protobuf.dev/reference/protobuf/google.protobuf/#struct>.

use super::json::{Json, Member};
use serde_json::Number;
use std::borrow::Cow;

/// Deeper documents are refused, so that none can overflow the stack. JSON has the same limit.
const MAX_DEPTH: usize = 128;

/// Reads a `Struct`; `None` when the bytes are none.
pub(super) fn read(bytes: &[u8]) -> Option<Json<'_>> {
    structure(bytes, MAX_DEPTH)
}

fn structure(bytes: &[u8], depth: usize) -> Option<Json<'_>> {
    let mut members = Vec::<Member<'_>>::new();
    for field in Fields(bytes) {
        let (1, Wire::Bytes(entry)) = field? else { return None };
        let (mut key, mut item) = ("", Json::Null);
        for field in Fields(entry) {
            match field? {
                (1, Wire::Bytes(text)) => key = std::str::from_utf8(text).ok()?,
                (2, Wire::Bytes(inner)) => item = value(inner, depth.checked_sub(1)?)?,
                _ => return None,
            }
        }
        members.push((Cow::Borrowed(key), item));
    }
    Json::object(members.into())
}

fn value(bytes: &[u8], depth: usize) -> Option<Json<'_>> {
    let mut read = Json::Null;
    for field in Fields(bytes) {
        read = match field? {
            (1, Wire::Number(_)) => Json::Null,
            (2, Wire::Eight(bits)) => Json::Number(number(f64::from_le_bytes(bits))?),
            (3, Wire::Bytes(text)) => Json::Text(Cow::Borrowed(std::str::from_utf8(text).ok()?)),
            (4, Wire::Number(flag)) => Json::Bool(flag != 0),
            (5, Wire::Bytes(inner)) => structure(inner, depth)?,
            (6, Wire::Bytes(inner)) => list(inner, depth)?,
            _ => return None,
        };
    }
    Some(read)
}

fn list(bytes: &[u8], depth: usize) -> Option<Json<'_>> {
    Fields(bytes).map(|field| item(field?, depth)).collect::<Option<Box<_>>>().map(Json::List)
}

fn item((number, wire): (u64, Wire<'_>), depth: usize) -> Option<Json<'_>> {
    match (number, wire) {
        (1, Wire::Bytes(inner)) => value(inner, depth.checked_sub(1)?),
        _ => None,
    }
}

/// A `Struct` knows only doubles; what is whole is meant as a whole number.
#[allow(clippy::cast_possible_truncation, reason = "out of range it saturates, and differs")]
fn number(double: f64) -> Option<Number> {
    let whole = double as i64;
    if whole as f64 == double { Some(whole.into()) } else { Number::from_f64(double) }
}

/// What is in a field.
enum Wire<'a> {
    Number(u64),
    Eight([u8; 8]),
    Bytes(&'a [u8]),
}

/// The fields of a message with their numbers; a `None` inside ends them where the bytes are no message.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u64, Wire<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u64, Wire<'a>)> {
        let tag = self.number()?;
        let wire = match tag & 7 {
            0 => Wire::Number(self.number()?),
            1 => {
                let (eight, rest) = self.0.split_first_chunk::<8>()?;
                self.0 = rest;
                Wire::Eight(*eight)
            }
            2 => {
                let length = usize::try_from(self.number()?).ok()?;
                let (bytes, rest) = self.0.split_at_checked(length)?;
                self.0 = rest;
                Wire::Bytes(bytes)
            }
            _ => return None,
        };
        Some((tag >> 3, wire))
    }

    /// A number in base 128, the lowest digits first.
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 127) << shift;
            if byte & 128 == 0 {
                return Some(number);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2];
        let mut length = bytes.len();
        while length > 127 {
            out.push((length & 127) as u8 | 128);
            length >>= 7;
        }
        out.push(length as u8);
        [out, bytes.to_vec()].concat()
    }

    /// The other direction, as protobuf's own encoder does it.
    fn write(value: &Value) -> Vec<u8> {
        match value {
            Value::Null => vec![1 << 3, 0],
            Value::Bool(flag) => vec![4 << 3, u8::from(*flag)],
            Value::Number(n) => [&[2 << 3 | 1][..], &n.as_f64().unwrap().to_le_bytes()].concat(),
            Value::String(text) => field(3, text.as_bytes()),
            Value::Array(items) => {
                field(6, &items.iter().flat_map(|i| field(1, &write(i))).collect::<Vec<_>>())
            }
            Value::Object(_) => field(5, &write_struct(value)),
        }
    }

    fn write_struct(value: &Value) -> Vec<u8> {
        let entry = |(key, value): (&String, &Value)| {
            field(1, &[field(1, key.as_bytes()), field(2, &write(value))].concat())
        };
        value.as_object().unwrap().iter().flat_map(entry).collect()
    }

    #[test]
    fn documents_come_back() {
        let document = json!({
            "routing": {"rules": [{"name": "ünï", "weight": 10, "share": 0.25, "on": true, "none": null, "list": []}]},
            "negative": -3, "large": 1e300, "long": "x".repeat(1000), "empty": {}
        });
        assert_eq!(read(&write_struct(&document)), Some(Json::from(&document)));
    }

    #[test]
    fn bytes_from_envoy_are_read() {
        // What Envoy 1.40 sends for `{a: 1}`.
        assert_eq!(
            read(b"\x0a\x0e\x0a\x01a\x12\x09\x11\0\0\0\0\0\0\xf0\x3f"),
            Some(Json::from(&json!({"a": 1})))
        );
    }

    #[test]
    fn other_bytes_are_refused() {
        let whole = write_struct(&json!({"a": {"b": [1, "two", false]}}));
        for cut in 1..whole.len() {
            assert_eq!(read(&whole[..cut]), None, "cut at {cut}");
        }
        for bad in [
            &b"{}"[..],
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\x0a\x03\x0a\x01\xff",
            // A name twice.
            b"\x0a\x03\x0a\x01a\x0a\x03\x0a\x01a",
            b"\x0b",
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn deep_documents_are_refused() {
        let mut value = json!(1);
        for _ in 0..200 {
            value = json!([value]);
        }
        assert_eq!(read(&write_struct(&json!({"a": value}))), None);
    }
}
