//! Documents inside a text of another document: JSON in a YAML block, YAML in a ConfigMap.

use super::read::{Broken, Budget, read_within};
use super::tree::{Content, Mark, Member, Node, Style};

/// The lines of a file, to find positions in it.
#[derive(Debug)]
pub(crate) struct Source<'t> {
    lines: Vec<&'t str>,
    /// What the texts in it may be altogether.
    budget: Budget,
}

impl<'t> Source<'t> {
    /// The file's text.
    pub(crate) fn new(text: &'t str) -> Self {
        Self { lines: text.lines().collect(), budget: Budget::default() }
    }

    /// Reads the documents in a text node. All positions are those of the file: exact for literal blocks
    /// and for quoted or plain texts of one line, and the text's own position for anything else.
    pub(crate) fn read_inside(&self, at: Mark, text: &str, style: Style) -> (Vec<Node>, Vec<Broken>) {
        let (mut documents, mut broken) = read_within(&self.budget, text);
        let lines: Vec<&str> = text.split('\n').collect();
        let block = self.first_line_of_block(at, &lines);
        let place = |mark: Mark| self.place(at, block, &lines, style, mark).unwrap_or(at);
        documents.iter_mut().for_each(|document| moved(document, &place));
        broken.iter_mut().for_each(|broken| broken.at = place(broken.at));
        (documents, broken)
    }

    /// The position in the file of a position in the text, whose first line is at `block` if it is a literal
    /// one.
    fn place(
        &self,
        at: Mark,
        block: Option<usize>,
        lines: &[&str],
        style: Style,
        inner: Mark,
    ) -> Option<Mark> {
        match style {
            Style::Literal => self.in_block(block?, lines, inner),
            Style::Folded => None,
            Style::Plain | Style::SingleQuoted | Style::DoubleQuoted => self.in_line(at, lines, style, inner),
        }
    }

    fn line(&self, number: usize) -> Option<&'t str> {
        self.lines.get(number.checked_sub(1)?).copied()
    }

    /// A literal block keeps its lines, and takes the same indentation off each of them.
    fn in_block(&self, first: usize, lines: &[&str], inner: Mark) -> Option<Mark> {
        let line = first + inner.line - 1;
        let content = lines.get(inner.line - 1)?.trim_end_matches('\r');
        let indentation = self.line(line)?.strip_suffix(content)?.chars().count();
        Some(Mark { line, column: indentation + inner.column })
    }

    /// The line of a block's first line. The parser's mark is that of the first line with something in it,
    /// so that empty lines before it belong to the text too.
    fn first_line_of_block(&self, at: Mark, lines: &[&str]) -> Option<usize> {
        let (empty, content) = lines.iter().enumerate().find(|(_, line)| !line.trim().is_empty())?;
        let candidates = [at.line.checked_sub(empty)?, at.line, at.line + 1];
        candidates
            .into_iter()
            .find(|first| self.line(first + empty).is_some_and(|line| line.ends_with(content)))
    }

    fn in_line(&self, at: Mark, lines: &[&str], style: Style, inner: Mark) -> Option<Mark> {
        // Where a quoted text has lines of its own, they are escaped: `\n`.
        let (last, full) = lines.get(..inner.line)?.split_last()?;
        let offset = full.iter().map(|line| line.chars().count() + 1).sum::<usize>()
            + (inner.column - 1).min(last.chars().count());
        let written: Vec<char> = self.line(at.line)?.chars().skip(at.column - 1).collect();
        let mut position = usize::from(style != Style::Plain);
        // What the text says, from its beginning.
        let mut decoded = lines.iter().flat_map(|line| line.chars().chain(['\n']));
        for _ in 0..offset {
            position += width(written.get(position..)?, style, decoded.next()?)?;
        }
        Some(Mark { line: at.line, column: at.column + position })
    }
}

/// How many characters stand for the next one of the text; `None` when the content is none of it.
fn width(written: &[char], style: Style, means: char) -> Option<usize> {
    match (written, style) {
        (['\'', '\'', ..], Style::SingleQuoted) => Some(2),
        (['\\', 'u', high @ ..], Style::DoubleQuoted) if means > '\u{ffff}' && high.get(4) == Some(&'\\') => {
            Some(12)
        }
        (['\\', kind, ..], Style::DoubleQuoted) => Some(match kind {
            'x' => 4,
            'u' => 6,
            'U' => 10,
            _ => 2,
        }),
        ([first, ..], _) => (*first == means).then_some(1),
        ([], _) => None,
    }
}

/// Gives each position in the tree its new place.
fn moved(node: &mut Node, place: &impl Fn(Mark) -> Mark) {
    node.at = place(node.at);
    match &mut node.content {
        Content::List(items) => items.iter_mut().for_each(|item| moved(item, place)),
        Content::Object(members) => {
            for Member { key_at, value, .. } in members {
                *key_at = place(*key_at);
                moved(value, place);
            }
        }
        Content::Null | Content::Bool(_) | Content::Number(_) | Content::Text(..) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::read;

    /// The position of the key `here` in the document inside the text at `outer.inner`.
    fn position(file: &str) -> (usize, usize) {
        let (documents, broken) = read(file);
        assert_eq!(broken, []);
        let node = documents[0].get("text").unwrap();
        let Content::Text(text, style) = &node.content else { panic!("{node:?}") };
        let (inside, broken) = Source::new(file).read_inside(node.at, text, *style);
        assert_eq!(broken, []);
        let member = inside[0].members().iter().find(|member| member.key == "here").unwrap();
        (member.key_at.line, member.key_at.column)
    }

    #[test]
    fn positions_inside_texts_are_those_of_the_file() {
        for (file, line, column) in [
            ("text: |\n  {\n    \"here\": 1\n  }\n", 3, 5),
            ("text: |\n\n  {\"ü\": 0,\n   \"here\": 1}\n", 4, 4),
            ("text: |2\n    {\"here\": 1}\n", 2, 6),
            ("text: '{\"it''s\": 0, \"here\": 1}'\n", 1, 21),
            (r#"{"text": "{\"é\\n\": 0, \"here\": 1}"}"#, 1, 25),
            (r#"text: "{\"\ud83d\ude00\": 0,\n  \"here\": 1}""#, 1, 33),
            ("text: >\n  {\"a\": 0,\n  \"here\": 1}\n", 2, 3),
        ] {
            assert_eq!(position(file), (line, column), "{file}");
        }
    }
}
