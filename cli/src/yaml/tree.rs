//! The document as a tree with positions.

use serde::Serialize;
use serde_json::{Map, Number, Value};
use weir_core::At;

/// A position in a file, both numbers from 1. Columns count characters, not bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Mark {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Mark {
    pub(crate) const START: Self = Self { line: 1, column: 1 };
}

/// How a text was written; it decides how positions inside the text are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
    Folded,
}

/// A value and where it begins.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) at: Mark,
    pub(crate) content: Content,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Null,
    Bool(bool),
    Number(Number),
    Text(String, Style),
    List(Vec<Node>),
    Object(Vec<Member>),
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) key: String,
    pub(crate) key_at: Mark,
    pub(crate) value: Node,
}

impl Node {
    /// The member with this key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.members().iter().find(|member| member.key == key).map(|member| &member.value)
    }

    /// The first member with one of these keys: protobuf's JSON has two spellings of each name.
    pub(crate) fn get_any(&self, keys: &[&str]) -> Option<&Node> {
        keys.iter().find_map(|key| self.get(key))
    }

    /// The node at the end of these keys.
    pub(crate) fn path(&self, keys: &[&str]) -> Option<&Node> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text, _) => Some(text),
            _ => None,
        }
    }

    /// The members of an object; none of anything else.
    pub(crate) fn members(&self) -> &[Member] {
        match &self.content {
            Content::Object(members) => members,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.content {
            Content::List(items) => items,
            _ => &[],
        }
    }

    /// Whether it is an object or a list.
    pub(crate) fn has_parts(&self) -> bool {
        matches!(self.content, Content::Object(_) | Content::List(_))
    }

    /// The value without its positions. Of a key that stands twice, the last value counts.
    pub(crate) fn to_json(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool(value) => Value::Bool(*value),
            Content::Number(number) => Value::Number(number.clone()),
            Content::Text(text, _) => Value::String(text.clone()),
            Content::List(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Content::Object(members) => {
                let members = members.iter().map(|member| (member.key.clone(), member.value.to_json()));
                Value::Object(Map::from_iter(members))
            }
        }
    }

    /// Where the nearest existing part of `at` stands: the key of a member, the beginning of an item.
    pub(crate) fn locate(&self, at: &At) -> Mark {
        self.descend(at, At::root(), self.at)
    }

    fn descend(&self, wanted: &At, here: At, mark: Mark) -> Mark {
        // The path's own text says what contains what, so that it need not be parsed here.
        let members = self.members().iter().map(|m| (here.field(&m.key), m.key_at, &m.value));
        let items = self.items().iter().enumerate().map(|(i, item)| (here.index(i), item.at, item));
        let mut parts = members.chain(items).filter(|(place, ..)| place.contains(wanted));
        match parts.next() {
            Some((place, mark, part)) => part.descend(wanted, place, mark),
            None => mark,
        }
    }
}
