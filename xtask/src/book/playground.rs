//! Links from configurations in the pages to the playground, where it has been made.

use super::files;
use crate::task::Failure;
use std::fmt::Write as _;
use std::path::Path;

/// Where the playground is made, from the root of the repository.
const MADE: &str = "target/playground";
/// Where the site has it.
const PLACE: &str = "playground";
/// The sections of a configuration; one without any of these has nothing to try.
const SECTIONS: [&str; 5] = ["experiments", "faults", "jwt", "metrics", "routing"];
/// What else can be at the top of one.
const BESIDE: [&str; 2] = ["attributes", "ownership"];

/// Whether the playground has been made.
pub fn is_made(root: &Path) -> bool {
    root.join(MADE).join("index.html").is_file()
}

/// Copies it into the site, with links to the site's pages.
///
/// # Errors
/// A file that cannot be copied.
pub fn copy(root: &Path, html: &Path) -> Result<(), Failure> {
    for entry in std::fs::read_dir(root.join(MADE))? {
        let path = entry?.path();
        if let Some(name) = path.file_name().filter(|_| path.is_file()) {
            files::copy(&path, &html.join(PLACE).join(name))?;
        }
    }
    let page = html.join(PLACE).join("index.html");
    let text = with_docs(&std::fs::read_to_string(&page)?)?;
    Ok(std::fs::write(page, text)?)
}

/// The playground's page with an attribute that says where the site's pages are.
fn with_docs(text: &str) -> Result<String, Failure> {
    let (before, after) =
        text.split_once("<html lang=\"en\"").ok_or("the playground's page has no `<html lang=\"en\"`")?;
    Ok(format!("{before}<html lang=\"en\" data-docs=\"../\"{after}"))
}

/// The text of a page with a link after each block of YAML that is a whole configuration.
pub fn linked(page: &Path, text: &str) -> String {
    let up = "../".repeat(page.components().count().saturating_sub(1));
    let mut out = String::with_capacity(text.len() + 1024);
    let mut block: Option<String> = None;
    for line in text.split_inclusive('\n') {
        out.push_str(line);
        match (&mut block, line.trim_end()) {
            (None, "```yaml") => block = Some(String::new()),
            (Some(yaml), "```") => {
                if is_whole(yaml) {
                    let encoded = encoded(yaml);
                    let _ = write!(out, "\n[Try it in the playground]({up}{PLACE}/index.html#y={encoded})\n");
                }
                block = None;
            }
            (Some(yaml), _) => yaml.push_str(line),
            (None, _) => {}
        }
    }
    out
}

/// Whether each line at the margin begins a part of a configuration, and nothing is left out.
fn is_whole(yaml: &str) -> bool {
    let mut sections = 0;
    for line in yaml.lines().filter(|line| !line.is_empty() && !line.starts_with([' ', '#', '-', '}', ']'])) {
        let name = line.split(':').next().unwrap_or_default();
        match (SECTIONS.contains(&name), BESIDE.contains(&name)) {
            (true, _) => sections += 1,
            (false, true) => {}
            (false, false) => return false,
        }
    }
    sections > 0 && !yaml.contains('…')
}

/// Percent-encoding of all but letters and digits.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_the_site_links_to_its_pages() {
        let page = include_str!("../../../playground/index.html");
        let changed = with_docs(page).unwrap();
        assert_eq!(changed.matches("<html lang=\"en\" data-docs=\"../\">").count(), 1);
        assert_eq!(changed.len(), page.len() + " data-docs=\"../\"".len());
        assert!(with_docs("<html>").is_err());
    }

    #[test]
    fn whole_configurations_have_a_link() {
        let page = |yaml: &str| linked(Path::new("docs/a.md"), &format!("# A\n```yaml\n{yaml}```\nb\n"));
        assert_eq!(
            page("routing: {}\n"),
            "# A\n```yaml\nrouting: {}\n```\n\n[Try it in the playground](../playground/index.html#y=routing%3A%20%7B%7D%0A)\nb\n"
        );
        for yaml in ["routing: {…}\n", "kind: WasmPlugin\nrouting: {}\n", "attributes: {}\n", "- name: a\n"]
        {
            assert!(!page(yaml).contains("playground"), "{yaml}");
        }
        assert!(page("# c\nattributes:\n  a: path\n\njwt:\n  rules: []\n").contains("jwt%3A%0A"));
    }
}
