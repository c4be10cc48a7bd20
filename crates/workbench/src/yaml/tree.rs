//! The document as a tree with positions.

use serde::Serialize;
use serde_json::{Map, Number, Value};
use weir_core::At;

/// A position in a file, both numbers from 1. Columns count characters, not bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Mark {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Mark {
    /// Where a text begins.
    pub const START: Self = Self { line: 1, column: 1 };
}

/// How a text was written; it decides how positions inside the text are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// `'a'`
    SingleQuoted,
    /// `"a"`
    DoubleQuoted,
    /// A block with its line breaks: `|`.
    Literal,
    /// A block whose lines are joined: `>`.
    Folded,
}

/// A value and where it begins.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it begins.
    pub at: Mark,
    /// What it is.
    pub content: Content,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum Content {
    /// Nothing.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text, and how it is written.
    Text(String, Style),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the text.
    Object(Vec<Member>),
}

/// A key with its value.
#[derive(Clone, Debug)]
pub struct Member {
    /// The key.
    pub key: String,
    /// Where the key begins.
    pub key_at: Mark,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The member with this key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.members().iter().find(|member| member.key == key).map(|member| &member.value)
    }

    /// The first member with one of these keys: protobuf's JSON has two spellings of each name.
    pub fn get_any(&self, keys: &[&str]) -> Option<&Node> {
        keys.iter().find_map(|key| self.get(key))
    }

    /// The node at the end of these keys.
    pub fn path(&self, keys: &[&str]) -> Option<&Node> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The text, where it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text, _) => Some(text),
            _ => None,
        }
    }

    /// The members of an object; none of anything else.
    pub fn members(&self) -> &[Member] {
        match &self.content {
            Content::Object(members) => members,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub fn items(&self) -> &[Node] {
        match &self.content {
            Content::List(items) => items,
            _ => &[],
        }
    }

    /// Whether it is null: an absent value that is written.
    pub fn is_null(&self) -> bool {
        matches!(self.content, Content::Null)
    }

    /// Where the member with this key is; without one, where this begins.
    pub fn mark_of(&self, key: &str) -> Mark {
        self.members().iter().find(|member| member.key == key).map_or(self.at, |member| member.key_at)
    }

    /// Whether it is an object or a list.
    pub fn has_parts(&self) -> bool {
        matches!(self.content, Content::Object(_) | Content::List(_))
    }

    /// The value without its positions. Of a key that stands twice, the last value counts.
    pub fn to_json(&self) -> Value {
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
    pub fn locate(&self, at: &At) -> Mark {
        self.walk(at).1.last().map_or(self.at, |(_, mark)| *mark)
    }

    /// The part at this place, where it is there.
    pub fn part(&self, at: &At) -> Option<&Node> {
        let (complete, steps) = self.walk(at);
        let mut node = self;
        for (index, _) in steps {
            node = node.child(index)?;
        }
        complete.then_some(node)
    }

    /// The part at this place, to change it.
    pub fn part_mut(&mut self, at: &At) -> Option<&mut Node> {
        let (complete, steps) = self.walk(at);
        let mut node = self;
        for (index, _) in steps {
            node = node.child_mut(index)?;
        }
        complete.then_some(node)
    }

    /// The object or list around a place, and which of its parts it is.
    pub fn parent_mut(&mut self, at: &At) -> Option<(&mut Node, usize)> {
        let (complete, mut steps) = self.walk(at);
        let (last, _) = steps.pop().filter(|_| complete)?;
        let mut parent = self;
        for (index, _) in steps {
            parent = parent.child_mut(index)?;
        }
        Some((parent, last))
    }

    /// The place around a place.
    pub fn parent(&self, at: &At) -> Option<At> {
        let (complete, mut steps) = self.walk(at);
        steps.pop().filter(|_| complete)?;
        let (mut node, mut place) = (self, At::root());
        for (index, _) in steps {
            place = match &node.content {
                Content::Object(members) => place.field(&members.get(index)?.key),
                _ => place.index(index),
            };
            node = node.child(index)?;
        }
        Some(place)
    }

    fn child(&self, index: usize) -> Option<&Node> {
        match &self.content {
            Content::Object(members) => members.get(index).map(|member| &member.value),
            Content::List(items) => items.get(index),
            _ => None,
        }
    }

    fn child_mut(&mut self, index: usize) -> Option<&mut Node> {
        match &mut self.content {
            Content::Object(members) => members.get_mut(index).map(|member| &mut member.value),
            Content::List(items) => items.get_mut(index),
            _ => None,
        }
    }

    /// The way to a place as far as it is there, with the position of each step, and whether that is all of it.
    /// Of many members the name alone is compared: a file may have a hundred thousand of them, and many problems.
    fn walk(&self, wanted: &At) -> (bool, Vec<(usize, Mark)>) {
        let text = wanted.to_string();
        let mut rest = if *wanted == At::root() { "" } else { text.as_str() };
        let (mut node, mut steps) = (self, Vec::new());
        while !rest.is_empty() {
            let found = match &node.content {
                Content::Object(members) => members.iter().enumerate().find_map(|(index, member)| {
                    Some((index, member.key_at, &member.value, after(rest, &member.key)?))
                }),
                Content::List(items) => {
                    let number = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
                    number.and_then(|(number, rest)| {
                        let index: usize = number.parse().ok()?;
                        items.get(index).map(|item| (index, item.at, item, rest))
                    })
                }
                _ => None,
            };
            // The first of a list, which is written without its brackets.
            let is_list = matches!(node.content, Content::List(_));
            if let (None, false, Some(more)) = (&found, is_list, rest.strip_prefix("[0]")) {
                rest = more;
                continue;
            }
            let Some((index, mark, part, more)) = found else { return (false, steps) };
            steps.push((index, mark));
            (node, rest) = (part, more);
        }
        (true, steps)
    }
}

/// What of a path follows the member with this name, where the path begins with it.
fn after<'p>(path: &'p str, name: &str) -> Option<&'p str> {
    if let Some(quoted) = path.strip_prefix('[') {
        let rest = quoted.strip_prefix(&format!("{name:?}"))?;
        return rest.strip_prefix(']');
    }
    let rest = path.strip_prefix('.').unwrap_or(path).strip_prefix(name)?;
    (!name.is_empty() && (rest.is_empty() || rest.starts_with(['.', '[']))).then_some(rest)
}

#[cfg(test)]
mod tests {
    use crate::yaml::read;
    use weir_core::At;

    #[test]
    fn parts_are_found_by_their_paths() {
        let text = "a: {b: [1, {\"x.y\": {c: 2}, x: 3, \"\": 4, \"[0]\": 5}]}\n";
        let (documents, _) = read(text);
        let list = At::root().field("a").field("b");
        for (at, value) in [
            (At::root().field("a"), None),
            (list.index(0), Some(1)),
            (list.index(1).field("x.y").field("c"), Some(2)),
            (list.index(1).field("x"), Some(3)),
            (list.index(1).field(""), Some(4)),
            (list.index(1).field("[0]"), Some(5)),
        ] {
            let part = documents[0].part(&at).unwrap_or_else(|| panic!("{at}"));
            assert_eq!(part.to_json().as_i64(), value, "{at}");
        }
        assert!(documents[0].part(&list.index(2)).is_none());
        assert!(documents[0].part(&list.index(1).field("x.z")).is_none());
        assert_eq!(documents[0].locate(&list.index(1).field("none").field("x")).column, 12);
        assert_eq!(documents[0].locate(&At::root()).column, 1);
        let single = list.index(1).field("x.y").index(0).field("c");
        assert_eq!(
            documents[0].part(&single).and_then(|part| part.to_json().as_i64()),
            Some(2),
            "a list of one"
        );
    }
}
