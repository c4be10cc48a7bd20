//! Files that pages of the documentation show: between `<!-- included: PATH -->` and `<!-- end -->` stands the file
//! as it is, so that a page never shows code that was not compiled and tested.

use crate::tables::END;
use crate::task::Failure;
use std::path::Path;

/// What begins the line before a file.
pub const BEGIN: &str = "<!-- included: ";

/// The page with its files as they are now.
pub fn fill(root: &Path, page: &str, text: &str) -> Result<String, Failure> {
    let mut out = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        let Some(path) = line.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(" -->")) else {
            continue;
        };
        if !lines.any(|line| line == END) {
            return Err(format!("{page}: no `{END}` behind `{line}`").into());
        }
        let file =
            std::fs::read_to_string(root.join(path)).map_err(|error| format!("{page}: {path}: {error}"))?;
        if file.contains("```") {
            return Err(format!("{page}: {path} has a fence of its own").into());
        }
        out.push_str(&format!("```{}\n{}\n```\n{END}\n", language(path), file.trim_end()));
    }
    Ok(out)
}

/// What a fence says of the file behind it.
fn language(path: &str) -> &str {
    match path.rsplit_once('.') {
        Some((_, "rs")) => "rust",
        Some((_, ending)) => ending,
        None => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_page_is_replaced_by_the_file() {
        let root = std::env::temp_dir().join(format!("weir-includes-{}", std::process::id()));
        std::fs::create_dir_all(&root).unwrap();
        std::fs::write(root.join("a.rs"), "fn a() {}\n").unwrap();
        let page = |between: &str| format!("Before\n<!-- included: a.rs -->\n{between}<!-- end -->\nafter\n");
        let filled = page("```rust\nfn a() {}\n```\n");
        assert_eq!(fill(&root, "p.md", &page("old\n")).unwrap(), filled);
        assert_eq!(fill(&root, "p.md", &filled).unwrap(), filled);
        assert!(fill(&root, "p.md", "<!-- included: a.rs -->\n").is_err(), "no end");
        assert!(fill(&root, "p.md", "<!-- included: b.rs -->\n<!-- end -->\n").is_err(), "no file");
        std::fs::remove_dir_all(&root).unwrap();
    }
}
