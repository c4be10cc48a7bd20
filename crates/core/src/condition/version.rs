//! Versions, compared as GrowthBook compares them.
//!
//! Versions are converted to texts with the same order: a leading `v` and the build part are dropped, the
//! rest is split at `.` and `-`, each numeric part is padded to five places, and three parts get a fourth,
//! `~`, that sorts after any pre-release (`paddedVersionString` in GrowthBook's JavaScript SDK 1.8.0). A part
//! of more than five digits therefore sorts as text.

use super::js::{Comparison, NumberText};
use super::node::Node;
use std::cmp::Ordering;

/// A version that was padded when the configuration was read.
#[derive(Debug)]
pub(super) struct Version(Box<[u8]>);

impl Version {
    /// The padded form of `literal`.
    pub(super) fn new(literal: Node<'_>) -> Self {
        let mut padded = Vec::new();
        of(literal, |text| write_padded(text, |piece| padded.extend_from_slice(piece)));
        Self(padded.into())
    }

    /// How `node` compares with this version.
    pub(super) fn compare(&self, node: Node<'_>) -> Ordering {
        let mut comparison = Comparison::with(&self.0);
        of(node, |text| write_padded(text, |piece| comparison.push(piece)));
        comparison.finish()
    }
}

/// The version in `node`: text or a number; anything else, and empty text, counts as `0`.
fn of(node: Node<'_>, f: impl FnOnce(&[u8])) {
    match node {
        Node::Number(n) => f(NumberText::new(n).as_bytes()),
        Node::Text(text) if !text.is_empty() => f(text),
        _ => f(b"0"),
    }
}

fn write_padded(text: &[u8], mut sink: impl FnMut(&[u8])) {
    let text = text.strip_prefix(b"v").unwrap_or(text);
    let text = without_build(text);
    let parts = || text.split(|b| matches!(b, b'.' | b'-'));
    for (i, part) in parts().enumerate() {
        if i > 0 {
            sink(b"-");
        }
        if !part.is_empty() && part.iter().all(u8::is_ascii_digit) {
            sink(b"    ".get(part.len().min(5) - 1..).unwrap_or_default());
        }
        sink(part);
    }
    if parts().count() == 3 {
        sink(b"-~");
    }
}

/// Cuts from the first `+` after which no line ends; a `+` in an earlier line stays.
fn without_build(text: &[u8]) -> &[u8] {
    let is_line_end = |rest: &[u8]| matches!(rest, [b'\n' | b'\r', ..] | [0xe2, 0x80, 0xa8 | 0xa9, ..]);
    let last_line = (0..text.len()).rev().find(|i| text.get(*i..).is_some_and(is_line_end)).unwrap_or(0);
    let plus = text.iter().skip(last_line).position(|b| *b == b'+').map(|i| i + last_line);
    text.get(..plus.unwrap_or(text.len())).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test;

    fn padded(text: &str) -> String {
        String::from_utf8(Version::new(Node::Text(text.as_bytes())).0.into()).unwrap()
    }

    #[cfg_attr(not(target_arch = "wasm32"), test)]
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    fn versions_are_padded() {
        assert_eq!(padded("v1.2.3"), "    1-    2-    3-~");
        assert_eq!(padded("1.2.3-rc.1+build.5"), "    1-    2-    3-rc-    1");
        assert_eq!(padded("123456.7"), "123456-    7");
        assert_eq!(padded("+\n1+2"), "+\n1");
        assert_eq!(padded(""), "    0");
    }
}
