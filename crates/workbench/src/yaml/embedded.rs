//! Documents inside a text of another document: JSON in a YAML block, YAML in a ConfigMap.

use super::read::{Broken, Budget, read_within};
use super::tree::{Content, Mark, Member, Node, Style};

/// The lines of a file, to find positions in it.
#[derive(Debug)]
pub struct Source<'t> {
    lines: Vec<&'t str>,
    /// What the texts in it may be altogether.
    budget: Budget,
}

impl<'t> Source<'t> {
    /// The file's text.
    pub fn new(text: &'t str) -> Self {
        Self { lines: text.lines().collect(), budget: Budget::default() }
    }

    /// Reads the documents in a text node. All positions are those of the file: exact for literal blocks
    /// and for quoted or plain texts of one line, and the text's own position for anything else.
    pub fn read_inside(&self, at: Mark, text: &str, style: Style) -> (Vec<Node>, Vec<Broken>) {
        let (mut documents, mut broken) = read_within(&self.budget, text);
        let places = self.places(at, text, style);
        let place = |mark: Mark| places.as_ref().and_then(|places| places.find(mark)).unwrap_or(at);
        documents.iter_mut().for_each(|document| moved(document, &place));
        broken.iter_mut().for_each(|broken| broken.at = place(broken.at));
        (documents, broken)
    }

    /// Where the characters of a text stand in the file, if that can be said.
    fn places(&self, at: Mark, text: &str, style: Style) -> Option<Places> {
        match style {
            Style::Literal => self.in_block(at, text),
            Style::Folded => None,
            Style::Plain | Style::SingleQuoted | Style::DoubleQuoted => self.in_line(at, text, style),
        }
    }

    fn line(&self, number: usize) -> Option<&'t str> {
        self.lines.get(number.checked_sub(1)?).copied()
    }

    /// A literal block keeps its lines, and takes the same indentation off each of them.
    fn in_block(&self, at: Mark, text: &str) -> Option<Places> {
        let lines: Vec<&str> = text.split('\n').collect();
        let first = self.first_line_of_block(at, &lines)?;
        let indentation = |(number, content): (usize, &&str)| {
            let line = self.line(first + number)?.strip_suffix(content.trim_end_matches('\r'))?;
            Some(line.chars().count())
        };
        Some(Places::Block { first, indentations: lines.iter().enumerate().map(indentation).collect() })
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

    /// Where a quoted text has lines of its own, they are escaped: `\n`.
    fn in_line(&self, at: Mark, text: &str, style: Style) -> Option<Places> {
        let written: Vec<char> = self.line(at.line)?.chars().skip(at.column - 1).collect();
        let mut position = usize::from(style != Style::Plain);
        let mut columns = vec![at.column + position];
        for means in text.chars() {
            let Some(width) = written.get(position..).and_then(|rest| width(rest, style, means)) else {
                break;
            };
            position += width;
            columns.push(at.column + position);
        }
        let mut starts = vec![0];
        // As if another line followed.
        let ends = text.chars().chain(['\n']).enumerate().filter(|(_, c)| *c == '\n');
        starts.extend(ends.map(|(index, _)| index + 1));
        Some(Places::Line { line: at.line, starts, columns })
    }
}

/// Where the characters of a text stand in the file. It is made once for a text: one that has a hundred thousand
/// keys on one line has as many positions.
enum Places {
    /// On lines of their own, from `first` on, each behind so many characters; `None` where that is not seen.
    Block { first: usize, indentations: Vec<Option<usize>> },
    /// On one line: the characters that the text's lines start with, and the column of each character.
    Line { line: usize, starts: Vec<usize>, columns: Vec<usize> },
}

impl Places {
    /// The position in the file of a position in the text.
    fn find(&self, inner: Mark) -> Option<Mark> {
        let number = inner.line.checked_sub(1)?;
        match self {
            Self::Block { first, indentations } => {
                let indentation = (*indentations.get(number)?)?;
                Some(Mark { line: first + number, column: indentation + inner.column })
            }
            Self::Line { line, starts, columns } => {
                let end = starts.get(number + 1)? - 1;
                let character = (starts.get(number)? + inner.column.checked_sub(1)?).min(end);
                Some(Mark { line: *line, column: *columns.get(character)? })
            }
        }
    }
}

/// How many characters stand for the next one of the text; `None` when what stands there is none of it.
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

    /// Ten times as many positions on one line take about ten times as long, not a hundred times.
    #[test]
    fn positions_on_one_long_line_are_found_in_proportion() {
        let time = |count: usize| {
            let members: Vec<String> = (0..count).map(|number| format!("\"member {number}\": 0")).collect();
            let json = format!("{{{}, \"here\": 1}}", members.join(", "));
            let before = std::time::Instant::now();
            assert_eq!(position(&format!("text: '{json}'\n")), (1, json.len() - 10 + 8));
            assert_eq!(position(&format!("text: |\n  {json}\n")), (2, json.len() - 10 + 3));
            before.elapsed().as_secs_f64()
        };
        let fastest = |count| (0..3).map(|_| time(count)).fold(f64::MAX, f64::min);
        let (few, many) = (fastest(2_000), fastest(20_000));
        assert!(many < 40.0 * few, "{few} s, ten times as many {many} s");
    }
}
