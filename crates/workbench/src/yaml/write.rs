//! Writes YAML with comments: blocks for structure, JSON (which is YAML too) for values.

use super::{Content, Node};
use serde_json::Value;
use std::fmt::Write as _;
use weir_core::escape::escape;

/// A part of a document.
#[derive(Clone, Debug)]
pub enum Block {
    /// Members, each on lines of its own.
    Map(Vec<(String, Block)>),
    /// Items, each on lines of its own.
    List(Vec<Block>),
    /// A value on one line.
    Value(Value),
    /// A text on lines of its own, where it is a member's value and YAML leaves it as it is.
    Text(String),
    /// Lines of comment, and what they are about.
    Commented(Vec<String>, Box<Block>),
}

impl<T: Into<Value>> From<T> for Block {
    fn from(value: T) -> Self {
        Self::Value(value.into())
    }
}

impl Block {
    /// A value with a line for each of its members and items; lists of plain values stay on one.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Object(members) if !members.is_empty() => {
                Self::Map(members.iter().map(|(key, value)| (key.clone(), Self::of(value))).collect())
            }
            Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
                Self::List(items.iter().map(Self::of).collect())
            }
            plain => Self::Value(plain.clone()),
        }
    }

    /// The same for what is in a file, in the order in which it is there.
    pub fn of_node(node: &Node) -> Self {
        match &node.content {
            Content::Object(members) if !members.is_empty() => Self::Map(
                members.iter().map(|member| (member.key.clone(), Self::of_node(&member.value))).collect(),
            ),
            Content::List(items) if items.iter().any(Node::has_parts) => {
                Self::List(items.iter().map(Self::of_node).collect())
            }
            _ => Self::Value(node.to_json()),
        }
    }

    /// Members in the order in which they are given.
    pub fn map<const SIZE: usize>(members: [(&str, Self); SIZE]) -> Self {
        Self::Map(members.into_iter().map(|(name, block)| (name.to_owned(), block)).collect())
    }

    /// The value without comments.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Map(members) => {
                Value::Object(members.iter().map(|(name, block)| (name.clone(), block.to_json())).collect())
            }
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Value(value) => value.clone(),
            Self::Text(text) => Value::from(text.as_str()),
            Self::Commented(_, inner) => inner.to_json(),
        }
    }

    /// The same with lines of comment before it.
    pub fn commented(self, comments: Vec<String>) -> Self {
        Self::Commented(comments, Box::new(self))
    }
}

/// The text of a document.
pub fn write(document: &Block) -> String {
    let mut text = String::new();
    block(document, 0, &mut text);
    text
}

fn block(it: &Block, depth: usize, text: &mut String) {
    match it {
        Block::Map(members) => members.iter().for_each(|(key, value)| member(key, value, depth, text)),
        Block::List(items) => items.iter().for_each(|value| item(value, depth, text)),
        Block::Value(value) => line(depth, &flow(value), text),
        Block::Text(it) => line(depth, &scalar(it), text),
        Block::Commented(comments, inner) => {
            remarks(comments, depth, text);
            block(inner, depth, text);
        }
    }
}

fn member(key: &str, value: &Block, depth: usize, text: &mut String) {
    let key = scalar(key);
    match value {
        Block::Value(value) => line(depth, &format!("{key}: {}", flow(value)), text),
        Block::Commented(comments, inner) => {
            remarks(comments, depth, text);
            member_plain(&key, inner, depth, text);
        }
        inner => member_plain(&key, inner, depth, text),
    }
}

fn member_plain(key: &str, value: &Block, depth: usize, text: &mut String) {
    match value {
        Block::Value(value) => return line(depth, &format!("{key}: {}", flow(value)), text),
        Block::Text(it) if !is_literal(it) => return line(depth, &format!("{key}: {}", scalar(it)), text),
        Block::Text(it) => {
            line(depth, &format!("{key}: |-"), text);
            return it.lines().for_each(|it| line(depth + 1, it, text));
        }
        _ => line(depth, &format!("{key}:"), text),
    }
    // Items of a list are under their key without further indentation.
    block(value, if matches!(value, Block::List(_)) { depth } else { depth + 1 }, text);
}

fn item(value: &Block, depth: usize, text: &mut String) {
    if let Block::Commented(comments, inner) = value {
        remarks(comments, depth, text);
        return item(inner, depth, text);
    }
    let start = text.len();
    block(value, depth + 1, text);
    // The dash takes the place of the first line's last two spaces.
    let dash = start + depth * 2;
    if text.get(dash..dash + 2) == Some("  ") {
        text.replace_range(dash..dash + 2, "- ");
    }
}

fn remarks(comments: &[String], depth: usize, text: &mut String) {
    comments
        .iter()
        .flat_map(|comment| comment.lines())
        .for_each(|it| line(depth, &format!("# {}", escape(it)), text));
}

fn line(depth: usize, content: &str, text: &mut String) {
    // Writing to a String does not fail.
    let _ = writeln!(text, "{:1$}{content}", "", depth * 2);
}

/// Whether every reader takes the lines of a literal block for this very text. Characters beyond ASCII that are no
/// letters are left out: some are ends of lines to YAML 1.1.
fn is_literal(text: &str) -> bool {
    let known = |c: char| c == ' ' || c.is_ascii_graphic() || c.is_alphabetic();
    let good = |line: &str| !line.is_empty() && line.chars().all(known);
    text.split('\n').all(good) && !text.starts_with(' ')
}

/// A value as one line: short texts plain, all else as JSON with spaces.
pub fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => {
            let members = members.iter().map(|(key, value)| format!("{}: {}", scalar(key), flow(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
        Value::Number(number) => match number.as_f64() {
            // `500`, not `500.0`.
            Some(whole) if whole.fract() == 0.0 && whole.abs() < 1e15 => format!("{whole:.0}"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

/// A text, without quotes where no YAML of any version takes it for something else.
fn scalar(text: &str) -> String {
    const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '$')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '$' | '/'))
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if plain { text.to_owned() } else { quoted(text) }
}

/// A text in quotes. JSON leaves characters as they are that no YAML may have: DEL, C1, U+FFFE, U+FFFF.
fn quoted(text: &str) -> String {
    let json = Value::from(text).to_string();
    escape(&json).replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_become_blocks() {
        let value = json!({"a": [{"b": [1, 2]}, [3]], "c": {}, "d": {"e": true}});
        let text = write(&Block::of(&value).commented(vec!["why".into()]));
        assert_eq!(text, "# why\na:\n- b: [1, 2]\n- [3]\nc: {}\nd:\n  e: true\n");
    }

    #[test]
    fn what_stands_in_a_file_keeps_its_order() {
        let file = "z: {y: [1, 2], x: [{b: 1, a: 2}]}\na: {}\n";
        let (documents, _) = crate::yaml::read(file);
        let block = Block::of_node(&documents[0]);
        assert_eq!(write(&block), "z:\n  \"y\": [1, 2]\n  x:\n  - b: 1\n    a: 2\na: {}\n");
        assert_eq!(block.to_json(), documents[0].to_json());
    }

    #[test]
    fn texts_stand_on_lines_of_their_own_where_they_come_back_as_they_were() {
        for text in [
            "{\n  \"a\": 0.5\n}",
            " indented",
            "a\n",
            "",
            "a\n\nb",
            "a\u{2028}b",
            "ü",
            "'\"\\\t",
            "a\u{7f}b",
            "\u{85}\u{9f}",
            "a\u{feff}",
            "\u{ffff}",
        ] {
            let block = Block::map([("a", Block::map([("b", Block::Text(text.to_owned()))]))]);
            let written = write(&block);
            let (documents, broken) = crate::yaml::read(&written);
            assert_eq!(broken, [], "{written}");
            assert_eq!(documents[0].to_json(), block.to_json(), "{written}");
        }
        let block = Block::map([("a", Block::Text("{\n  1\n}".to_owned()))]);
        assert_eq!(write(&block), "a: |-\n  {\n    1\n  }\n");
    }

    #[test]
    fn documents_come_back() {
        let document = Block::Map(vec![
            ("attributes".into(), Block::Map(vec![("user id".into(), "header:x".into())])),
            (
                "list".into(),
                Block::List(vec![
                    Block::Commented(
                        vec!["two\nlines".into()],
                        Box::new(Block::Map(vec![
                            ("key".into(), "on".into()),
                            ("inner".into(), Block::List(vec![Block::Map(vec![("a".into(), 1.into())])])),
                        ])),
                    ),
                    json!({"$in": ["de", "10", "#x", "a: b"], "é": null}).into(),
                ]),
            ),
        ]);
        let text = write(&document);
        let expected = "\
attributes:
  \"user id\": \"header:x\"
list:
# two
# lines
- key: \"on\"
  inner:
  - a: 1
- {$in: [de, \"10\", \"#x\", \"a: b\"], \"é\": null}
";
        assert_eq!(text, expected);
        let (documents, broken) = crate::yaml::read(&text);
        assert_eq!(broken, []);
        let value = json!({
            "attributes": {"user id": "header:x"},
            "list": [
                {"key": "on", "inner": [{"a": 1}]},
                {"$in": ["de", "10", "#x", "a: b"], "é": null},
            ],
        });
        assert_eq!(documents[0].to_json(), value);
    }
}
