//! Sets of statuses as they are written: `404`, `2xx`, `500-504`, or a list of these.

use serde::{Serialize, Serializer};
use serde_json::Number;
use weir_core::load::{Json, Node};
use weir_core::{Load, Problems};

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
    fn of_number(number: &Number) -> Option<Self> {
        let status = number.as_u64().and_then(|status| u16::try_from(status).ok());
        status.filter(|status| *status < 1000).map(|status| Self { first: status, last: status })
    }

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

impl Load for Statuses {
    fn load(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let range = match node.value {
            Json::List(_) => {
                let lists = Vec::<Self>::load(node, problems)?;
                return Some(Self(lists.into_iter().flat_map(|list| list.0).collect()));
            }
            Json::Number(number) => Range::of_number(number),
            Json::Text(text) => Range::of_text(text),
            _ => None,
        };
        if range.is_none() {
            node.refuse(
                problems,
                "a status such as 404, a class such as \"2xx\", or a range such as \"500-504\"",
            );
        }
        range.map(|range| Self(vec![range]))
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

    fn read(json: &str) -> Result<Statuses, Problems> {
        let mut problems = Problems::default();
        let document = serde_json::from_str(json).unwrap();
        let statuses = weir_core::load::load_value(&document, &mut problems);
        if problems.is_empty() { Ok(statuses) } else { Err(problems) }
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
