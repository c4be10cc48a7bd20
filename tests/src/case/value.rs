//! Values in case files: bytes that people can write, headers, what is expected of them.

use std::collections::BTreeMap;
use std::fmt;

use regex::bytes::Regex;
use serde::Deserialize;

/// A value: text, bytes in hexadecimal, or something long.
///
/// `plain text`, `{bytes: "ff 00 61"}`, `{repeat: ["x", 65536]}`, or several of these joined: `{join: […]}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a text, {bytes: \"hex\"}, {repeat: [text, count]} or {join: [values]}"
)]
pub enum Value {
    /// The bytes of the text in UTF-8.
    Text(String),
    /// Bytes in hexadecimal, white space ignored.
    Bytes(Hex),
    /// A text this many times over.
    Repeat(Repeat),
    /// Values one after the other.
    Join(Join),
}

/// `{bytes: "ff 00 61"}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hex {
    #[serde(deserialize_with = "hex")]
    bytes: Vec<u8>,
}

/// `{repeat: ["x", 65536]}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    repeat: (String, usize),
}

/// `{join: ["a", {repeat: ["b", 9]}]}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Join {
    join: Vec<Value>,
}

impl Value {
    /// The bytes that the value stands for.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Bytes(hex) => hex.bytes.clone(),
            Self::Repeat(Repeat { repeat: (text, count) }) => text.repeat(*count).into_bytes(),
            Self::Join(Join { join }) => join.iter().flat_map(Value::to_bytes).collect(),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A value that must be a text, which may be long.
pub(super) fn long_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    String::from_utf8(Value::deserialize(deserializer)?.to_bytes()).map_err(serde::de::Error::custom)
}

fn hex<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> =
        digits.chunks(2).map(|pair| byte(pair).filter(|_| pair.len() == 2)).collect();
    bytes.ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no hexadecimal")))
}

/// Headers: a map, or a list of pairs where order or repetition matters.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected headers: a map, or a list of [name, value]")]
pub enum Headers {
    /// `{x-user-group: beta-testers}`; a list of values repeats the name.
    Map(BTreeMap<String, OneOrMany>),
    /// `[[cookie, a=1], [cookie, b=2]]`.
    Pairs(Vec<(String, Value)>),
}

/// A value, or several of the same name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected a value or a list of values")]
pub enum OneOrMany {
    /// One value.
    One(Value),
    /// Several, in order.
    Many(Vec<Value>),
}

impl Default for Headers {
    fn default() -> Self {
        Self::Pairs(Vec::new())
    }
}

impl Headers {
    /// Name and value of each header.
    pub fn pairs(&self) -> Vec<(String, Vec<u8>)> {
        match self {
            Self::Pairs(pairs) => {
                pairs.iter().map(|(name, value)| (name.clone(), value.to_bytes())).collect()
            }
            Self::Map(map) => map
                .iter()
                .flat_map(|(name, values)| values.values().iter().map(move |v| (name.clone(), v.to_bytes())))
                .collect(),
        }
    }
}

impl OneOrMany {
    fn values(&self) -> &[Value] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

/// What is expected of a header's values.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected null (absent), a value, a list of values or {matches: regex}")]
pub enum Expected {
    /// `{matches: "^a+$"}`: there is exactly one value, and the regular expression is found in it.
    Matches(Matches),
    /// A value: there is exactly this one. A list: exactly these, in this order.
    Values(OneOrMany),
    /// A list with patterns among the values: exactly this many values, each fits, in this order.
    Each(Vec<ValueOrMatch>),
    /// `null`: there is none.
    Absent(()),
}

/// `{matches: regex}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matches {
    matches: Pattern,
}

/// A value or a pattern for one.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum ValueOrMatch {
    /// `{matches: regex}`.
    Matches(Matches),
    /// Exactly this value.
    Value(Value),
}

impl ValueOrMatch {
    /// Whether `actual` is as expected.
    pub fn fits(&self, actual: &[u8]) -> bool {
        match self {
            Self::Matches(Matches { matches }) => matches.is_match(actual),
            Self::Value(value) => value.to_bytes() == actual,
        }
    }
}

impl fmt::Display for ValueOrMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matches(Matches { matches }) => write!(f, "one that matches {}", matches.0),
            Self::Value(value) => Shown(&[value.to_bytes()]).fmt(f),
        }
    }
}

impl Expected {
    /// Why `actual` is not as expected; `None` when it is.
    pub fn check(&self, actual: &[Vec<u8>]) -> Option<String> {
        let fits = match self {
            Self::Absent(()) => actual.is_empty(),
            Self::Matches(Matches { matches }) => {
                matches!(actual, [value] if matches.is_match(value))
            }
            Self::Values(values) => values.values().iter().map(Value::to_bytes).eq(actual.iter().cloned()),
            Self::Each(each) => {
                each.len() == actual.len() && each.iter().zip(actual).all(|(one, value)| one.fits(value))
            }
        };
        (!fits).then(|| format!("expected {self}, got {}", Shown(actual)))
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(()) => f.write_str("nothing"),
            Self::Matches(Matches { matches }) => write!(f, "one value that matches {}", matches.0),
            Self::Each(each) => {
                let each: Vec<_> = each.iter().map(ToString::to_string).collect();
                f.write_str(&each.join(", "))
            }
            Self::Values(values) => {
                let bytes: Vec<_> = values.values().iter().map(Value::to_bytes).collect();
                Shown(&bytes).fmt(f)
            }
        }
    }
}

/// Shows values readably: as text with escapes, long ones cut.
pub(crate) struct Shown<'a>(pub(crate) &'a [Vec<u8>]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MAX_LEN: usize = 120;
        if self.0.is_empty() {
            return f.write_str("nothing");
        }
        for (index, value) in self.0.iter().enumerate() {
            let cut = &value[..value.len().min(MAX_LEN)];
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}\"{}\"", cut.escape_ascii())?;
            if cut.len() < value.len() {
                write!(f, "… ({} bytes)", value.len())?;
            }
        }
        Ok(())
    }
}

/// A regular expression (crate `regex`), found anywhere unless it has anchors.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// Whether the expression is found in `bytes`.
    pub fn is_match(&self, bytes: &[u8]) -> bool {
        self.0.is_match(bytes)
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Regex::new(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse<T: serde::de::DeserializeOwned>(yaml: &str) -> T {
        serde_saphyr::from_str(yaml).unwrap()
    }

    #[test]
    fn values_are_text_hex_or_long() {
        assert_eq!(parse::<Value>("a b").to_bytes(), b"a b");
        assert_eq!(parse::<Value>("{bytes: 'ff 00 61'}").to_bytes(), [0xff, 0, 0x61]);
        assert_eq!(parse::<Value>("{repeat: [ab, 3]}").to_bytes(), b"ababab");
        assert!(serde_saphyr::from_str::<Value>("{bytes: 'f'}").is_err());
        assert!(serde_saphyr::from_str::<Value>("{bytes: 'zz'}").is_err());
        assert!(serde_saphyr::from_str::<Value>("{twice: [a]}").is_err());
    }

    #[test]
    fn headers_are_a_map_or_pairs() {
        let expected = vec![("a".to_owned(), b"1".to_vec()), ("a".to_owned(), b"2".to_vec())];
        assert_eq!(parse::<Headers>("{a: ['1', '2']}").pairs(), expected);
        assert_eq!(parse::<Headers>("[[a, '1'], [a, '2']]").pairs(), expected);
    }

    #[test]
    fn expectations_look_at_all_values() {
        let check = |yaml: &str, actual: &[&str]| {
            let actual: Vec<_> = actual.iter().map(|value| value.as_bytes().to_vec()).collect();
            parse::<BTreeMap<String, Expected>>(&format!("e: {yaml}"))["e"].check(&actual).is_none()
        };
        assert!(check("null", &[]) && !check("null", &["a"]));
        assert!(check("a", &["a"]) && !check("a", &["a", "a"]) && !check("a", &[]));
        assert!(check("[a, b]", &["a", "b"]) && !check("[a, b]", &["b", "a"]));
        assert!(check("{matches: '^v[0-9]$'}", &["v1"]) && !check("{matches: '^v[0-9]$'}", &["v12"]));
        assert!(check("''", &[""]) && !check("''", &[]));
        let mixed = "[a, {matches: '^v[0-9]$'}]";
        assert!(check(mixed, &["a", "v1"]) && !check(mixed, &["a", "w1"]) && !check(mixed, &["b", "v1"]));
        assert!(!check(mixed, &["a"]) && !check(mixed, &["a", "v1", "v1"]));
    }

    #[test]
    fn a_failed_expectation_shows_both_sides() {
        let expected: Expected = parse("{bytes: 'ff'}");
        let message = expected.check(&[vec![b'a'; 200], b"\n".to_vec()]).unwrap();
        assert!(message.starts_with("expected \"\\xff\", got \"aaa"), "{message}");
        assert!(message.contains("(200 bytes), \"\\n\""), "{message}");
    }
}
