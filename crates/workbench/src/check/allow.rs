//! Comments that silence warnings: `# weir: allow(W12) REASON`, at the end of the line that a warning points at, or
//! on a line of its own before it.

use super::codes::CODES;
use super::report::{Finding, Warned};
use crate::yaml::Mark;

const MARK: &str = "# weir: allow(";

/// The comments of a file.
#[derive(Debug, Default)]
pub(super) struct Allowed(Vec<Comment>);

#[derive(Debug)]
struct Comment {
    at: Mark,
    /// The line that it is about.
    line: usize,
    codes: Vec<String>,
    has_reason: bool,
    used: bool,
}

impl Allowed {
    /// Reads the comments of a file.
    pub(super) fn read(text: &str) -> Self {
        if !text.contains(MARK) {
            return Self::default();
        }
        let (mut comments, mut waiting) = (Vec::new(), 0);
        for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line)) {
            let own_line = line.trim_start().starts_with('#');
            let comment = split(line);
            if let Some((before, rest)) = comment {
                let (codes, reason) = rest.split_once(')').unwrap_or((rest, ""));
                comments.push(Comment {
                    at: Mark { line: number, column: before.chars().count() + 1 },
                    line: number,
                    codes: codes.split(',').map(|code| code.trim().to_owned()).collect(),
                    has_reason: !reason.trim().is_empty(),
                    used: false,
                });
                waiting += usize::from(own_line);
            }
            if !own_line && !line.trim().is_empty() {
                let own = comments.len() - usize::from(comment.is_some());
                let (_, before) = comments.split_at_mut(own - waiting.min(own));
                before.iter_mut().take(waiting).for_each(|comment| comment.line = number);
                waiting = 0;
            }
        }
        Self(comments)
    }

    /// Whether a warning is silenced.
    pub(super) fn silences(&mut self, warned: &Warned) -> bool {
        let line = warned.finding.at.line;
        let fits =
            |it: &&mut Comment| it.line == line && it.has_reason && it.codes.iter().any(|c| c == warned.code);
        let comment = self.0.iter_mut().find(fits);
        comment.map(|comment| comment.used = true).is_some()
    }

    /// What is wrong with the comments themselves. Whether one silences nothing is known only where all warnings
    /// were looked for.
    pub(super) fn warnings(&self, complete: bool) -> Vec<Warned> {
        let unknown = |code: &&String| !CODES.iter().any(|known| known.id == **code);
        let wrong = |comment: &Comment| {
            let message = match comment.codes.iter().find(unknown) {
                Some(code) => format!("unknown code {code:?}: write a code such as W12"),
                None if !comment.has_reason => "give a reason after the parenthesis".to_owned(),
                None if complete && !comment.used => {
                    "silences nothing on its line or the next: remove it".to_owned()
                }
                None => return None,
            };
            Some(Warned { code: "W21", finding: Finding { at: comment.at, path: None, message } })
        };
        self.0.iter().filter_map(wrong).collect()
    }
}

/// What is before such a comment in its line, and what is after [`MARK`]. The same words in a text are no comment.
fn split(line: &str) -> Option<(&str, &str)> {
    let (before, rest) = line.split_once(MARK)?;
    let is_apart = before.chars().next_back().is_none_or(char::is_whitespace);
    (is_apart && !ends_in_quotes(before)).then_some((before, rest))
}

/// Whether quotes are open at the end of a part of a line. An apostrophe inside a word opens none.
fn ends_in_quotes(part: &str) -> bool {
    let (mut open, mut before) = (None, ' ');
    let mut characters = part.chars();
    while let Some(character) = characters.next() {
        match open {
            Some('"') if character == '\\' => {
                characters.next();
            }
            Some(quote) if character == quote => open = None,
            Some(_) => {}
            None if matches!(character, '"' | '\'')
                && (before.is_whitespace() || "[{,:(".contains(before)) =>
            {
                open = Some(character);
            }
            None => {}
        }
        // Two apostrophes are one in a text, which goes on.
        before = if open.is_none() && character == '\'' { ',' } else { character };
    }
    open.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warned(code: &'static str, line: usize) -> Warned {
        Warned { code, finding: Finding { at: Mark { line, column: 1 }, path: None, message: String::new() } }
    }

    #[test]
    fn comments_are_about_their_line_or_the_next() {
        let text = "\
# weir: allow(W01) meant
# another comment

a: 1  # weir: allow(W02, W03) a test
b: 2
# weir: allow(W04) one
# weir: allow(W05) two
c: 3
";
        let mut allowed = Allowed::read(text);
        for (code, line, expected) in [
            ("W01", 4, true),
            ("W02", 4, true),
            ("W03", 4, true),
            ("W04", 4, false),
            ("W01", 5, false),
            ("W04", 8, true),
            ("W05", 8, true),
            ("W01", 1, false),
        ] {
            assert_eq!(allowed.silences(&warned(code, line)), expected, "{code} {line}");
        }
        assert!(allowed.warnings(true).is_empty());
    }

    #[test]
    fn texts_are_no_comments() {
        for text in [
            r##"{"a": "# weir: allow(W01) why"}"##,
            r##"{"a": "x # weir: allow(W01) why"}"##,
            r##"a: "\" # weir: allow(W01) why""##,
            "a: 'it''s # weir: allow(W01) why'",
            "a: x# weir: allow(W01) why",
        ] {
            let mut allowed = Allowed::read(text);
            assert!(!allowed.silences(&warned("W01", 1)), "{text}");
            assert!(allowed.warnings(true).is_empty(), "{text}");
        }
        for text in [
            r##"a: "b\\" # weir: allow(W01) why"##,
            "a: 'it''s' # weir: allow(W01) why",
            "a: it's # weir: allow(W01) why",
        ] {
            assert!(Allowed::read(text).silences(&warned("W01", 1)), "{text}");
        }
    }

    #[test]
    fn useless_comments_are_pointed_out() {
        let text = "a: 1 # weir: allow(W01)\nb: 2 # weir: allow(W99) why\nc: 3 # weir: allow(W02) why\n";
        let mut allowed = Allowed::read(text);
        assert!(!allowed.silences(&warned("W01", 1)), "without a reason");
        let lines = |complete| -> Vec<usize> {
            allowed.warnings(complete).iter().map(|it| it.finding.at.line).collect()
        };
        assert_eq!((lines(true), lines(false)), (vec![1, 2, 3], vec![1, 2]));
    }
}
