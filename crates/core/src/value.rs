//! Typed values that predicates compare.

use crate::truth::Truth;
use serde_json::Value as Json;

/// The value of an attribute, borrowed from the request.
///
/// ```
/// use weir_core::value::{TextList, Value};
/// use weir_core::Truth;
///
/// assert_eq!(Value::Text(b"beta").has(b"beta"), Truth::True);
/// assert_eq!(Value::Json(&serde_json::json!(["beta", 42])).has(b"42"), Truth::True, "a claim");
/// assert_eq!(Value::List(TextList { text: b"beta, ios", separator: b',' }).has(b"ios"), Truth::True);
/// assert_eq!(Value::Unreadable.has(b"beta"), Truth::Unknown, "the client may have caused it");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// The request has no such value, or an empty one where its type is none of a text.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number; integers are exact up to 2^53.
    Number(f64),
    /// Text as bytes: traffic is not always UTF-8.
    Text(&'a [u8]),
    /// Texts between separators.
    List(TextList<'a>),
    /// A part of an attribute of type `json`, or of a claim.
    Json(&'a serde_json::Value),
    /// There is a value, and it cannot be read as the attribute's type.
    Unreadable,
}

/// A list of texts that are in one value, such as `a, b,c` with the separator `,`.
///
/// ```
/// use weir_core::value::TextList;
///
/// let groups = TextList { text: b"beta, ios ,", separator: b',' };
/// assert!(groups.items().eq([&b"beta"[..], b"ios", b""]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextList<'a> {
    /// The whole value.
    pub text: &'a [u8],
    /// What stands between two items.
    pub separator: u8,
}

impl<'a> TextList<'a> {
    /// The items without the white space around them. An empty value has none.
    pub fn items(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let separator = self.separator;
        let text = self.text;
        let none = text.trim_ascii().is_empty();
        text.split(move |b| *b == separator).map(<[u8]>::trim_ascii).filter(move |_| !none)
    }
}

impl Value<'_> {
    /// Whether it is this text, or a list that has it. In JSON, whole numbers have the text of their digits, and `true`
    /// and `false` are texts; an object has none, nor has an attribute of type number or boolean.
    pub fn has(self, text: &[u8]) -> Truth {
        match self {
            Value::Text(own) => (own == text).into(),
            Value::List(list) => list.items().any(|item| item == text).into(),
            Value::Json(Json::Array(items)) => items.iter().any(|item| is(item, text)).into(),
            Value::Json(one) => is(one, text).into(),
            Value::Null | Value::Bool(_) | Value::Number(_) => Truth::False,
            Value::Unreadable => Truth::Unknown,
        }
    }
}

/// Whether a scalar has this text.
fn is(json: &Json, text: &[u8]) -> bool {
    let digits = match json {
        Json::String(own) => return own.as_bytes() == text,
        Json::Bool(true) => return text == b"true",
        Json::Bool(false) => return text == b"false",
        Json::Number(number) => {
            number.as_u64().map(|n| n.to_string()).or_else(|| number.as_i64().map(|n| n.to_string()))
        }
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    };
    digits.is_some_and(|digits| digits.as_bytes() == text)
}

/// What an attribute's text means.
///
/// ```
/// use weir_core::value::{Kind, Value};
///
/// assert_eq!(Kind::Number.read(b" 42 "), Value::Number(42.0));
/// assert_eq!(Kind::Boolean.read(b"1"), Value::Bool(true));
/// assert_eq!(Kind::Number.read(b""), Value::Null, "absent");
/// assert_eq!(Kind::Number.read(b"many"), Value::Unreadable, "there, but not a number");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Kind {
    /// Text.
    #[default]
    Text,
    /// A decimal number.
    Number,
    /// `true`/`false`, also `1`/`0`.
    Boolean,
    /// Texts between separators.
    List {
        /// What stands between two items.
        separator: u8,
    },
    /// A JSON document.
    Json,
}

impl Kind {
    /// The value that `text` has under this type. JSON is not read here: it needs a place to live
    /// in, see `Request`.
    pub fn read(self, text: &[u8]) -> Value<'_> {
        match self {
            Kind::Text => Value::Text(text),
            Kind::List { separator } => Value::List(TextList { text, separator }),
            _ if text.trim_ascii().is_empty() => Value::Null,
            Kind::Number => number(text).map_or(Value::Unreadable, Value::Number),
            Kind::Boolean => match text {
                b"true" | b"1" => Value::Bool(true),
                b"false" | b"0" => Value::Bool(false),
                _ => Value::Unreadable,
            },
            Kind::Json => Value::Null,
        }
    }
}

/// A finite decimal number, as a JSON document or a person would write it.
///
/// ```
/// use weir_core::value::number;
///
/// assert_eq!((number(b"-1.5e3"), number(b"0x10"), number(b"inf")), (Some(-1_500.0), None, None));
/// ```
pub fn number(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text.trim_ascii()).ok()?;
    // Rust also reads `inf` and `nan`, which no header means as a number.
    let numeric = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    text.parse().ok().filter(|n: &f64| numeric && n.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_by_its_type() {
        assert_eq!(Kind::Number.read(b" 42 "), Value::Number(42.0));
        assert_eq!(Kind::Number.read(b"-1.5e3"), Value::Number(-1500.0));
        for bad in [&b"nan"[..], b"inf", b"0x10", b"1 2", b"\xff", b"1e999"] {
            assert_eq!(Kind::Number.read(bad), Value::Unreadable, "{bad:?}");
        }
        for empty in [&b""[..], b" "] {
            assert_eq!(Kind::Number.read(empty), Value::Null);
            assert_eq!(Kind::Boolean.read(empty), Value::Null);
        }
        assert_eq!(Kind::Boolean.read(b"1"), Value::Bool(true));
        assert_eq!(Kind::Boolean.read(b"TRUE"), Value::Unreadable);
    }

    #[test]
    fn a_value_has_a_text_as_a_whole_or_as_an_item() {
        let json = |text: &str| serde_json::from_str::<Json>(text).unwrap();
        let tenants = json(r#"["a", "b c", 7, 18446744073709551615, -1, true, null, ["d"], {"e": 1}, 1.5]"#);
        for text in ["a", "b c", "7", "18446744073709551615", "-1", "true"] {
            assert_eq!(Value::Json(&tenants).has(text.as_bytes()), Truth::True, "{text}");
        }
        for text in ["", "A", "a,b c", "b", "07", "7.0", "null", "d", "[\"d\"]", "e", "1.5"] {
            assert_eq!(Value::Json(&tenants).has(text.as_bytes()), Truth::False, "{text}");
        }
        assert_eq!(Value::Json(&json("\"a\"")).has(b"a"), Truth::True);
        assert_eq!(Value::Json(&json("{\"a\": 1}")).has(b"a"), Truth::False);
        assert_eq!(Value::Json(&json("\"\"")).has(b"a"), Truth::False);
        assert_eq!(Value::Text(b"a").has(b"a"), Truth::True);
        assert_eq!(Value::List(TextList { text: b"read write", separator: b' ' }).has(b"write"), Truth::True);
        assert_eq!(Value::Null.has(b""), Truth::False);
        assert_eq!(Value::Unreadable.has(b"a"), Truth::Unknown);
    }

    #[test]
    fn lists_have_trimmed_items() {
        let items = |text: &'static str| -> Vec<&[u8]> {
            TextList { text: text.as_bytes(), separator: b',' }.items().collect()
        };
        assert_eq!(items("a, b ,c"), [&b"a"[..], b"b", b"c"]);
        assert_eq!(items("a,,b"), [&b"a"[..], b"", b"b"]);
        assert!(items(" ").is_empty());
    }
}
