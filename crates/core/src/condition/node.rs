//! The value that an operator looks at, whatever it came from.

use super::js::{Comparison, NumberText, compare_lowered, number_of};
use crate::truth::Truth;
use crate::value::{TextList, Value};
use serde_json::Value as Json;
use std::cmp::Ordering;

/// A value as JavaScript would see it. Every operator is defined on this, once.
#[derive(Clone, Copy, Debug)]
pub(super) enum Node<'a> {
    /// Absent, or null: conditions do not tell them apart.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(f64),
    /// Text as bytes; what is not UTF-8 equals no literal.
    Text(&'a [u8]),
    /// An array of texts.
    List(TextList<'a>),
    /// An array of anything.
    Array(&'a [Json]),
    /// An object.
    Object(&'a serde_json::Map<String, Json>),
    /// Something that cannot be read as the attribute's type. A check of it is unknown before any of the
    /// conversions below is asked for, see [`Check::judge`](super::check::Check::judge).
    Unreadable,
}

impl<'a> From<Value<'a>> for Node<'a> {
    fn from(value: Value<'a>) -> Self {
        match value {
            Value::Null => Node::Null,
            Value::Bool(b) => Node::Bool(b),
            Value::Number(n) => Node::Number(n),
            Value::Text(text) => Node::Text(text),
            Value::List(list) => Node::List(list),
            Value::Json(json) => Node::from(json),
            Value::Unreadable => Node::Unreadable,
        }
    }
}

impl<'a> From<&'a Json> for Node<'a> {
    fn from(json: &'a Json) -> Self {
        match json {
            Json::Null => Node::Null,
            Json::Bool(b) => Node::Bool(*b),
            Json::Number(n) => Node::Number(n.as_f64().unwrap_or(f64::NAN)),
            Json::String(text) => Node::Text(text.as_bytes()),
            Json::Array(items) => Node::Array(items),
            Json::Object(members) => Node::Object(members),
        }
    }
}

/// One segment of a dotted path.
#[derive(Debug)]
pub(super) struct Step {
    key: Box<str>,
    /// The element that the segment means in an array: `0`, `12`, but not `01`.
    index: Option<usize>,
}

impl Step {
    /// The segments of `path`.
    pub(super) fn path(path: &str) -> Box<[Step]> {
        let step = |key: &str| {
            let index = key.parse().ok().filter(|i: &usize| i.to_string() == key);
            Step { key: key.into(), index }
        };
        path.split('.').map(step).collect()
    }

    /// Whether an array can have such a part: an element, or its length.
    pub(super) fn is_part_of_array(&self) -> bool {
        self.index.is_some() || &*self.key == "length"
    }
}

impl<'a> Node<'a> {
    /// The part that `path` leads to; null where it leads nowhere.
    pub(super) fn at(self, path: &[Step]) -> Node<'a> {
        path.iter().fold(self, Node::step)
    }

    fn step(self, step: &Step) -> Node<'a> {
        let part = match (self, step.index) {
            // What is inside it cannot be read either.
            (Node::Unreadable, _) => return self,
            (Node::Object(members), _) => members.get(&*step.key).map(Node::from),
            (Node::Array(items), Some(index)) => items.get(index).map(Node::from),
            (Node::List(list), Some(index)) => list.items().nth(index).map(Node::Text),
            _ if &*step.key == "length" => self.length().map(|n| Node::Number(n as f64)),
            _ => None,
        };
        part.unwrap_or(Node::Null)
    }

    /// The number of elements, for arrays only.
    pub(super) fn length(self) -> Option<usize> {
        match self {
            Node::List(list) => Some(list.items().count()),
            Node::Array(items) => Some(items.len()),
            _ => None,
        }
    }

    /// Whether it is an array.
    pub(super) fn is_array(self) -> bool {
        matches!(self, Node::List(_) | Node::Array(_))
    }

    /// Whether this is an array with an element that passes.
    pub(super) fn any_element(self, mut judge: impl FnMut(Node<'a>) -> Truth) -> Truth {
        match self {
            Node::List(list) => Truth::any(list.items().map(|item| judge(Node::Text(item)))),
            Node::Array(items) => Truth::any(items.iter().map(|item| judge(Node::from(item)))),
            _ => Truth::False,
        }
    }

    /// JavaScript's `!!value`.
    pub(super) fn is_truthy(self) -> bool {
        match self {
            Node::Null | Node::Unreadable => false,
            Node::Bool(b) => b,
            Node::Number(n) => n != 0.0 && !n.is_nan(),
            Node::Text(text) => !text.is_empty(),
            Node::List(_) | Node::Array(_) | Node::Object(_) => true,
        }
    }

    /// JavaScript's `value * 1`. An array is its text first, so `[]` is 0, `["5"]` is 5, and two elements are
    /// not a number.
    pub(super) fn to_number(self) -> f64 {
        match self {
            Node::Null => 0.0,
            Node::Bool(b) => f64::from(u8::from(b)),
            Node::Number(n) => n,
            Node::Text(text) => number_of(text),
            Node::List(list) => {
                let mut items = list.items();
                match (items.next(), items.next()) {
                    (None, _) => 0.0,
                    (Some(only), None) => number_of(only),
                    _ => f64::NAN,
                }
            }
            Node::Array([]) => 0.0,
            // The text of a Boolean is a word, and no number.
            Node::Array([Json::Bool(_)]) => f64::NAN,
            Node::Array([only]) => Node::from(only).to_number(),
            Node::Array(_) | Node::Object(_) | Node::Unreadable => f64::NAN,
        }
    }

    /// Whether JavaScript compares it as text with another text: arrays and objects turn into text.
    pub(super) fn is_text_like(self) -> bool {
        !matches!(self, Node::Null | Node::Bool(_) | Node::Number(_))
    }

    /// Gives JavaScript's `value + ""` to `sink`, piece by piece.
    pub(super) fn write_text<S: FnMut(&[u8])>(self, sink: &mut S) {
        match self {
            Node::Null | Node::Unreadable => sink(b"null"),
            Node::Bool(true) => sink(b"true"),
            Node::Bool(false) => sink(b"false"),
            Node::Number(n) => sink(NumberText::new(n).as_bytes()),
            Node::Text(text) => sink(text),
            Node::Object(_) => sink(b"[object Object]"),
            Node::List(list) => {
                for (i, item) in list.items().enumerate() {
                    sink(if i > 0 { b"," } else { b"" });
                    sink(item);
                }
            }
            Node::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    sink(if i > 0 { b"," } else { b"" });
                    // In an array, null is nothing.
                    if !item.is_null() {
                        Node::from(item).write_text(sink);
                    }
                }
            }
        }
    }

    /// How JavaScript's `value + ""` compares with `known`, by UTF-16 code units.
    pub(super) fn compare_text(self, known: &[u8]) -> Ordering {
        let mut comparison = Comparison::with(known);
        self.write_text(&mut |piece| comparison.push(piece));
        comparison.finish()
    }

    /// Whether JavaScript's `value + ""` is `known`.
    pub(super) fn has_text(self, known: &[u8]) -> bool {
        match self {
            Node::Text(text) => text == known,
            _ => self.compare_text(known) == Ordering::Equal,
        }
    }

    /// Whether JavaScript's `(value + "").toLowerCase()` is `lowered`.
    pub(super) fn has_lowered_text(self, lowered: &str) -> bool {
        self.with_text(|text| compare_lowered(text, lowered) == Ordering::Equal)
    }

    /// Calls `f` with JavaScript's `value + ""` in one piece. Only arrays have to be put together
    /// in new memory for that.
    pub(super) fn with_text<R>(self, f: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Node::Text(text) => f(text),
            Node::Number(n) => f(NumberText::new(n).as_bytes()),
            Node::Null | Node::Unreadable => f(b"null"),
            Node::Bool(true) => f(b"true"),
            Node::Bool(false) => f(b"false"),
            Node::Object(_) => f(b"[object Object]"),
            Node::List(_) | Node::Array(_) => {
                let mut text = Vec::new();
                self.write_text(&mut |piece| text.extend_from_slice(piece));
                f(&text)
            }
        }
    }

    /// Whether it is the same JSON as `json`. The order of an object's members does not count.
    pub(super) fn is_json(self, json: &Json) -> bool {
        match (self, json) {
            (Node::Null, Json::Null) => true,
            (Node::Bool(a), Json::Bool(b)) => a == *b,
            (Node::Number(a), Json::Number(b)) => b.as_f64() == Some(a),
            (Node::Text(a), Json::String(b)) => a == b.as_bytes(),
            (Node::List(a), Json::Array(b)) => {
                a.items().count() == b.len() && a.items().zip(b).all(|(a, b)| Node::Text(a).is_json(b))
            }
            (Node::Array(a), Json::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| Node::from(a).is_json(b))
            }
            (Node::Object(a), Json::Object(b)) => {
                a.len() == b.len()
                    && a.iter().all(|(k, a)| b.get(k).is_some_and(|b| Node::from(a).is_json(b)))
            }
            _ => false,
        }
    }
}
