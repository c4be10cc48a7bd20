//! Commands of GitHub's workflows, which show results beside the lines of a change.

use std::io::{self, Write};
use weir_workbench::check::{Checked, Level, page};

/// Writes a command for each problem and warning.
pub(super) fn write(checked: &Checked, out: &mut impl Write) -> io::Result<()> {
    let mut written = Ok(());
    checked.each(|file, level, finding| {
        let (command, title) = match level {
            Level::Problem => ("error", "weir check".to_owned()),
            Level::Warning(code) => ("warning", format!("weir check {code}")),
        };
        let place =
            finding.map_or_else(String::new, |it| format!(",line={},col={}", it.at.line, it.at.column));
        let text = finding.map_or_else(|| file.failure().to_owned(), |finding| finding.text());
        let help = match level {
            Level::Problem => String::new(),
            Level::Warning(code) => format!(" (see {})", page(code)),
        };
        let file = property(file.name());
        let line =
            format!("::{command} file={file}{place},title={}::{}", property(&title), data(&(text + &help)));
        written = std::mem::replace(&mut written, Ok(())).and_then(|()| writeln!(out, "{line}"));
    });
    written
}

/// A message: what would end it is escaped.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property, which a colon or a comma would end too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_message_is_a_command() {
        assert_eq!(data("100 %\r\n::error::x"), "100 %25%0D%0A::error::x");
        assert_eq!(property("a:b,c\n"), "a%3Ab%2Cc%0A");
    }
}
