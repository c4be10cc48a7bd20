//! Problems with the line of the file and a mark below it, for terminals.

use annotate_snippets::{AnnotationKind, Group, Level as Shown, Renderer, Snippet};
use std::io::{self, Write};
use weir_core::escape::is_hidden;
use weir_workbench::check::{Checked, File, Finding, Level, page};

/// A line that is shown is no longer than this.
const MAX_LINE: usize = 160;
/// A word with letters and digits that is as long as this can be a secret, and is not shown.
const MIN_SECRET_LEN: usize = 16;
/// Where secrets are: lines with these words, or within a block that has one, are not shown.
const SECRETS: [&str; 14] = [
    "secret",
    "jwks",
    "token",
    "password",
    "credential",
    "overrides",
    "inline",
    "env:",
    "env\"",
    "env'",
    "key_values",
    "keyvalues",
    "environment_variables",
    "environmentvariables",
];

/// Writes a snippet for each problem and warning. What is written is free of anything that acts on a terminal but
/// the colours.
pub(super) fn write(checked: &Checked, coloured: bool, out: &mut impl Write) -> io::Result<()> {
    let renderer = if coloured { Renderer::styled() } else { Renderer::plain() };
    let mut written = Ok(());
    checked.each(|file, level, finding| {
        let Some(finding) = finding else { return };
        let text = rendered(&renderer, file, level, finding);
        written = std::mem::replace(&mut written, Ok(())).and_then(|()| writeln!(out, "{text}\n"));
    });
    written
}

fn rendered(renderer: &Renderer, file: &File, level: Level, finding: &Finding) -> String {
    let (shown, help) = match level {
        Level::Problem => (Shown::ERROR, None),
        Level::Warning(code) => (Shown::WARNING, Some((code, page(code)))),
    };
    let text = finding.text();
    let title = shown.primary_title(text.as_str());
    let title = match &help {
        Some((code, _)) => title.id(*code),
        None => title,
    };
    let name: String = file.name().chars().map(|c| if is_hidden(c) { '\u{fffd}' } else { c }).collect();
    let line = line(file.lines(), finding);
    let mut group = Group::with_title(title);
    group = match &line {
        Some(line) => {
            let span = word(line, finding.at.column);
            let source = Snippet::source(line.as_str()).line_start(finding.at.line).path(name.as_str());
            group.element(source.annotation(AnnotationKind::Primary.span(span)))
        }
        None => {
            let place = annotate_snippets::Origin::path(name.as_str());
            group.element(place.line(finding.at.line).char_column(finding.at.column))
        }
    };
    if let Some((_, page)) = &help {
        group = group.element(Shown::HELP.message(format!("see {page}")));
    }
    renderer.render(&[group])
}

/// The line that a finding is about as it may be shown; `None` where it may not.
fn line(lines: &[String], finding: &Finding) -> Option<String> {
    let index = finding.at.line.checked_sub(1)?;
    let own = lines.get(index)?;
    let names = |text: &str| SECRETS.iter().any(|word| text.to_ascii_lowercase().contains(word));
    let path = finding.path.as_deref().unwrap_or_default();
    if own.chars().count() > MAX_LINE || names(path) || names(own) || is_inside(lines, index, names) {
        return None;
    }
    Some(without_secrets(own))
}

/// Whether a line with less indentation around this one has such a name.
fn is_inside(lines: &[String], index: usize, names: impl Fn(&str) -> bool) -> bool {
    let indentation = |line: &str| line.len() - line.trim_start_matches([' ', '\t', '-']).len();
    let mut depth = lines.get(index).map_or(0, |line| indentation(line));
    let before = lines.get(..index).unwrap_or_default();
    for line in before.iter().rev().filter(|line| !line.trim().is_empty()) {
        if depth == 0 {
            return false;
        }
        if indentation(line) < depth {
            depth = indentation(line);
            if names(line) {
                return true;
            }
        }
    }
    false
}

/// The line with its length: what acts on a terminal is replaced, and so are words that can be secrets.
fn without_secrets(line: &str) -> String {
    let mut out: Vec<char> = line.chars().map(|c| if c == '\t' { ' ' } else { c }).collect();
    out.iter_mut().filter(|c| is_hidden(**c)).for_each(|c| *c = '\u{fffd}');
    let is_word = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '_' | '=' | '-');
    let mut start = 0;
    while start < out.len() {
        let length = out.iter().skip(start).take_while(|c| is_word(c)).count();
        let word = out.get(start..start + length).unwrap_or_default();
        let (letters, digits) =
            (word.iter().any(char::is_ascii_alphabetic), word.iter().filter(|c| c.is_ascii_digit()).count());
        if length >= MIN_SECRET_LEN && letters && digits > 1 {
            out.iter_mut().skip(start).take(length).for_each(|c| *c = '*');
        }
        start += length.max(1);
    }
    out.into_iter().collect()
}

/// The bytes of the word that begins in this column.
fn word(line: &str, column: usize) -> std::ops::Range<usize> {
    let start = line.char_indices().nth(column.saturating_sub(1)).map_or(line.len(), |(index, _)| index);
    let rest = line.get(start..).unwrap_or_default();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
    let length = match quote {
        Some(quote) => rest.get(1..).and_then(|rest| rest.find(quote)).map_or(rest.len(), |end| end + 2),
        None => {
            rest.find(|c: char| c.is_whitespace() || matches!(c, ':' | ',' | '}' | ']')).unwrap_or(rest.len())
        }
    };
    let first = rest.chars().next().map_or(0, char::len_utf8);
    start..(start + length.max(first)).min(line.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_workbench::yaml::Mark;

    fn shown(text: &str, at: (usize, usize), path: Option<&str>) -> Option<String> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let at = Mark { line: at.0, column: at.1 };
        line(&lines, &Finding { at, path: path.map(str::to_owned), message: String::new() })
    }

    #[test]
    fn lines_with_secrets_are_not_shown() {
        for (text, at, path) in [
            ("experiments:\n  secret:\n    value: hush\n", (3, 5), None),
            ("experiments:\n  secret: hush\n", (2, 3), None),
            ("jwt:\n  x: hush\n", (2, 3), Some("jwt.providers.a.jwks")),
            ("a:\n  secret:\n  - b\n  - value: hush\n", (4, 5), None),
        ] {
            assert_eq!(shown(text, at, path), None, "{text}");
        }
        assert_eq!(
            shown("a:\n  b: hush0123456789abcdef, c\n", (2, 3), None).unwrap(),
            "  b: ********************, c"
        );
        assert_eq!(shown("a\u{1b}[2J\tb\n", (1, 1), None).unwrap(), "a\u{fffd}[2J b");
        assert_eq!(shown("secret: {}\na: 1\n", (2, 1), None).unwrap(), "a: 1");
    }

    #[test]
    fn marks_are_as_long_as_the_word() {
        for (line, column, expected) in [
            ("  ü: 1", 3, 2..4),
            ("a: \"b c\"", 4, 3..8),
            ("a", 2, 1..1),
            ("a: {b: 1}", 4, 3..5),
            ("[", 1, 0..1),
        ] {
            assert_eq!(word(line, column), expected, "{line}");
        }
    }
}
