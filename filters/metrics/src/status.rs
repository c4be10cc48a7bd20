//! Sets of statuses as they are written: `404`, `2xx`, `500-504`, or a list of these.

use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// A set of statuses, HTTP's or gRPC's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statuses(pub Vec<Range>);

/// Statuses from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first.
    pub first: u16,
    /// The last.
    pub last: u16,
}

impl Statuses {
    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a status is one of them.
    pub fn contain(&self, status: u16) -> bool {
        self.0.iter().any(|range| (range.first..=range.last).contains(&status))
    }
}

impl Range {
    fn of_text(text: &str) -> Option<Self> {
        let (first, last) = match text.as_bytes() {
            [class @ b'1'..=b'5', b'x' | b'X', b'x' | b'X'] => {
                let first = u16::from(class - b'0') * 100;
                (first, first + 99)
            }
            _ => {
                let (first, last) = text.split_once('-').unwrap_or((text, text));
                (first.trim().parse().ok()?, last.trim().parse().ok()?)
            }
        };
        (first <= last && last < 1000).then_some(Self { first, last })
    }
}

impl<'de> Deserialize<'de> for Statuses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Statuses;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a status such as 404, a class such as \"2xx\", or a range such as \"500-504\"")
            }
            fn visit_u64<E: Error>(self, status: u64) -> Result<Statuses, E> {
                let status = u16::try_from(status).ok().filter(|status| *status < 1000);
                let status = status.ok_or_else(|| E::custom("a status has at most three digits"))?;
                Ok(Statuses(vec![Range { first: status, last: status }]))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Statuses, E> {
                let range = Range::of_text(text).ok_or_else(|| {
                    E::custom(format_args!(
                        "{text:?} is not a status such as 404, a class such as \"2xx\", or a range such as \
                         \"500-504\""
                    ))
                })?;
                Ok(Statuses(vec![range]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Statuses, A::Error> {
                let mut all = Vec::new();
                while let Some(Statuses(more)) = list.next_element()? {
                    all.extend(more);
                }
                Ok(Statuses(all))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl Serialize for Statuses {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|range| format!("{}-{}", range.first, range.last)))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Statuses {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Statuses".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let one = schemars::json_schema!({
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": 999},
                {"type": "string", "pattern": "^([1-5][xX]{2}|[0-9]{1,3}( *- *[0-9]{1,3})?)$", "examples": ["2xx", "500-504"]}
            ]
        });
        schemars::json_schema!({
            "description": "A status, a class such as `2xx`, a range such as `500-504`, or a list of these.",
            "anyOf": [one.clone(), {"type": "array", "items": one}]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Statuses, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn numbers_classes_ranges_and_lists_are_read() {
        let all = read(r#"[204, "2xx", "500-504", ["7"]]"#).unwrap();
        for (status, expected) in
            [(204, true), (299, true), (300, false), (500, true), (504, true), (505, false), (7, true)]
        {
            assert_eq!(all.contain(status), expected, "{status}");
        }
        assert_eq!(read("404").unwrap(), read("\"404-404\"").unwrap());
        let written = serde_json::to_string(&all).unwrap();
        assert_eq!(read(&written).unwrap(), all);
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in ["1000", "\"6xx\"", "\"504-500\"", "\"\"", "-1", "\"2x\"", "\"1-1000\"", "true"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
