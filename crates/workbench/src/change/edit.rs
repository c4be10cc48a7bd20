//! Writes a plan into the text of a configuration, so that comments and everything else stay.

use crate::error::Error;
use crate::yaml::{Content, Mark, Member, Node};

/// A change of one variant or target.
pub(super) struct Wanted<'p> {
    pub(super) key: &'p str,
    /// What takes the place of its weight or ranges: `ranges: [[0, 0.5]]`, `weight: 10`.
    pub(super) text: String,
}

/// Puts the changes into `text`. `owner` is the experiment or split unchanged, `list` the name of its list
/// (`variants`, `targets`), `name` that of a member's name (`key`, `name`). New members come after the
/// others.
///
/// # Errors
/// When it is written in a way that cannot be edited; a message for people.
pub(super) fn apply(
    text: &str,
    owner: &Node,
    (list, name): (&str, &str),
    wanted: &[Wanted<'_>],
) -> Result<String, Error> {
    let source = Source::new(text);
    let members =
        owner.get(list).ok_or_else(|| Error::because(format_args!("the list `{list}` is missing")))?;
    let mut edits: Vec<(usize, usize, String)> = Vec::new();
    if let Some(coverage) = member(owner, "coverage") {
        let start = source.offset(coverage.value.at)?;
        edits.push((start, source.end(&coverage.value)?, "100%".to_owned()));
    }
    let mut added = String::new();
    for Wanted { key, text: new } in wanted {
        let item = members.items().iter().find(|item| item.get(name).and_then(Node::text) == Some(key));
        let Some(item) = item else {
            added.push_str(&source.item(members, &format!("{{{name}: {key}, {new}}}"))?);
            continue;
        };
        match member(item, "weight").or_else(|| member(item, "ranges")) {
            Some(old) => edits.push((source.offset(old.key_at)?, source.end(&old.value)?, new.clone())),
            None => {
                let missing = || Error::because(format_args!("a member of `{list}` has no `{name}`"));
                let named = member(item, name).ok_or_else(missing)?;
                let end = source.end(&named.value)?;
                let flow = source.rest(source.offset(item.at)?).starts_with('{');
                let indent = " ".repeat(named.key_at.column.saturating_sub(1));
                edits.push((end, end, if flow { format!(", {new}") } else { format!("\n{indent}{new}") }));
            }
        }
    }
    if !added.is_empty() {
        let end = source.end_of_list(members)?;
        edits.push((end, end, added));
    }
    edits.sort_by_key(|edit| edit.0);
    let mut out = String::with_capacity(text.len() + 64);
    let mut done = 0;
    for (start, end, new) in &edits {
        // Two members that are one by an alias would be written at one place.
        let before =
            text.get(done..*start).ok_or_else(|| Error::because("two values are written at one place"))?;
        out.push_str(before);
        out.push_str(new);
        done = *end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    Ok(out)
}

fn member<'n>(node: &'n Node, key: &str) -> Option<&'n Member> {
    node.members().iter().find(|member| member.key == key)
}

struct Source<'t> {
    text: &'t str,
    /// Where each line begins.
    lines: Vec<usize>,
}

impl<'t> Source<'t> {
    fn new(text: &'t str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, lines: [0].into_iter().chain(ends).collect() }
    }

    fn rest(&self, from: usize) -> &'t str {
        self.text.get(from..).unwrap_or_default()
    }

    fn offset(&self, mark: Mark) -> Result<usize, Error> {
        let outside = || Error::because("a position outside of the file");
        let line = *self.lines.get(mark.line.saturating_sub(1)).ok_or_else(outside)?;
        let column = self.rest(line).char_indices().nth(mark.column.saturating_sub(1));
        Ok(column.map_or(self.text.len(), |(at, _)| line + at))
    }

    /// Where a value ends that is a plain scalar, or written with brackets.
    fn end(&self, node: &Node) -> Result<usize, Error> {
        let start = self.offset(node.at)?;
        let rest = self.rest(start);
        let plain = || {
            let end = rest.char_indices().find(|(at, c)| {
                matches!(c, ',' | '}' | ']' | '\n' | '\r')
                    || (*c == '#' && rest.get(..*at).is_some_and(|before| before.ends_with(' ')))
            });
            let plain = end.and_then(|(at, _)| rest.get(..at)).unwrap_or(rest);
            start + plain.trim_end().len()
        };
        match rest.chars().next() {
            Some(open @ ('[' | '{')) => self.closing(start, open),
            Some(quote @ ('"' | '\'')) => {
                let endless = || Error::because("a text that does not end");
                let end = rest.get(1..).and_then(|rest| rest.find(quote)).ok_or_else(endless)?;
                Ok(start + end + 2)
            }
            _ if node.has_parts() => Err(Error::because(format_args!(
                "line {}: write this list in one line, as [[0, 0.5]], so that it can be replaced",
                node.at.line
            ))),
            _ => Ok(plain()),
        }
    }

    /// Behind the bracket that closes the one at `start`.
    fn closing(&self, start: usize, open: char) -> Result<usize, Error> {
        let close = if open == '[' { ']' } else { '}' };
        let (mut depth, mut quoted) = (0_usize, None);
        for (at, c) in self.rest(start).char_indices() {
            match (quoted, c) {
                (Some(quote), c) if c == quote => quoted = None,
                (Some(_), _) => {}
                (None, '"' | '\'') => quoted = Some(c),
                (None, c) if c == open => depth += 1,
                (None, c) if c == close => {
                    depth -= 1;
                    if depth == 0 {
                        return Ok(start + at + 1);
                    }
                }
                _ => {}
            }
        }
        Err(Error::because("a bracket that is not closed"))
    }

    /// How a new member of a list is written.
    fn item(&self, list: &Node, text: &str) -> Result<String, Error> {
        let start = self.offset(list.at)?;
        if self.rest(start).starts_with('[') {
            return Ok(format!(", {text}"));
        }
        let first = list.items().first().ok_or_else(empty)?;
        let line = self.offset(Mark { column: 1, ..first.at })?;
        let before = self.text.get(line..self.offset(first.at)?).unwrap_or_default();
        let without = || Error::because("a list without dashes");
        let (before, _) = before.rsplit_once('-').ok_or_else(without)?;
        Ok(format!("\n{}- {text}", " ".repeat(before.chars().count())))
    }

    /// Where new members of a list go.
    fn end_of_list(&self, list: &Node) -> Result<usize, Error> {
        let start = self.offset(list.at)?;
        let last = list.items().last().ok_or_else(empty)?;
        if self.rest(start).starts_with('[') {
            return self.end(last);
        }
        let from = self.offset(deepest(last).at)?;
        // Behind the line on which the last part of the last member ends, comment included.
        let from = if self.rest(self.offset(last.at)?).starts_with('{') { self.end(last)? } else { from };
        Ok(self.rest(from).find('\n').map_or(self.text.len(), |at| from + at))
    }
}

fn empty() -> Error {
    Error::because("an empty list")
}

/// The last part of a node.
fn deepest(node: &Node) -> &Node {
    let last = match &node.content {
        Content::Object(members) => members.iter().map(|member| &member.value).max_by_key(|value| value.at),
        Content::List(items) => items.last(),
        _ => None,
    };
    last.map_or(node, deepest)
}
