//! What a YAML parser says, in words that help.

use crate::yaml::{Broken, NOT_VALID, Slip};

/// Adds what is probably meant to a message of the parser; `lines` are those of the file.
pub(super) fn explained(broken: Broken, lines: &[&str]) -> Broken {
    let Some(slip) = broken.slip else { return broken };
    let line = broken.at.line.checked_sub(1).and_then(|index| lines.get(index)).copied().unwrap_or_default();
    let has_tab = line.trim_start_matches(' ').starts_with('\t');
    let hint = match slip {
        Slip::NestedMapping => nested(line, lines, broken.at.line),
        Slip::Tab => "a tab: YAML is indented with spaces".to_owned(),
        _ if has_tab => "a tab: YAML is indented with spaces".to_owned(),
        Slip::Character(sign @ ('@' | '`' | '%')) => {
            format!("a value cannot begin with `{sign}`: write it in double quotes")
        }
        Slip::SingleQuote => "a `'` within single quotes: write it twice, or use double quotes".to_owned(),
        Slip::DoubleQuote => "a `\"` within double quotes: write `\\\"`, or use single quotes".to_owned(),
        Slip::Character(_) | Slip::Other => return broken,
    };
    Broken { message: format!("{NOT_VALID}{hint}"), ..broken }
}

/// A second `: ` on a line, or a line that is indented as nothing around it.
fn nested(line: &str, lines: &[&str], number: usize) -> String {
    if line.matches(": ").count() + usize::from(line.trim_end().ends_with(':')) > 1 {
        return "`: ` within a value: write the value in quotes".to_owned();
    }
    let indentation = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let before = lines.iter().take(number - 1).rev().find(|line| !line.trim().is_empty());
    match before {
        Some(before) if indentation(before) < indentation(line) => format!(
            "this line is indented by {} spaces, the line before it by {}, and has a value already: indent both alike",
            indentation(line),
            indentation(before)
        ),
        _ => "this line continues the value before it: check the indentation of both".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_slips_are_explained() {
        for (text, expected) in [
            ("a:\n  b: header: x\n", "write the value in quotes"),
            ("a:\n  b: c\n   d: 1\n", "this line is indented by 3 spaces"),
            ("a:\n\tb: 1\n", "a tab"),
            ("a: @x\n", "a value cannot begin with `@`"),
            ("a: 'it's'\n", "write it twice"),
            ("a: \"say \"x\"\"\n", "use single quotes"),
        ] {
            let lines: Vec<&str> = text.lines().collect();
            let (_, broken) = crate::yaml::read(text);
            let messages: Vec<String> =
                broken.into_iter().map(|broken| explained(broken, &lines).message).collect();
            assert!(messages.iter().any(|message| message.contains(expected)), "{text}: {messages:?}");
        }
    }
}
