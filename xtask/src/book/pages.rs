//! The pages that `docs/SUMMARY.md` lists, and the files that they link to.

use super::{files, playground};
use crate::task::Failure;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// The folder of the table of contents; its links are relative to it.
const DOCS: &str = "docs";

/// The pages by their path from the root of the repository, each with its text, and the table of contents.
pub struct Pages {
    summary: String,
    pages: BTreeMap<PathBuf, String>,
}

impl Pages {
    /// Reads the table of contents and its pages.
    pub fn read(root: &Path) -> Result<Self, Failure> {
        let summary = std::fs::read_to_string(root.join(DOCS).join("SUMMARY.md"))?;
        let mut pages = BTreeMap::new();
        for target in targets(&summary) {
            let path = normal(&Path::new(DOCS).join(&target));
            let text = std::fs::read_to_string(root.join(&path))
                .map_err(|error| format!("docs/SUMMARY.md: {}: {error}", path.display()))?;
            pages.insert(path, text);
        }
        let summary = rewrite(&summary, |target| {
            Some(normal(&Path::new(DOCS).join(target)).to_string_lossy().into_owned())
        });
        let this = Self { summary, pages };
        this.all_are_listed(root)?;
        Ok(this)
    }

    /// A page that nobody can find in the book is forgotten.
    fn all_are_listed(&self, root: &Path) -> Result<(), Failure> {
        let mut missing = Vec::new();
        for entry in std::fs::read_dir(root.join(DOCS))? {
            let path = Path::new(DOCS).join(entry?.file_name());
            let is_page = path.extension().is_some_and(|extension| extension == "md");
            if is_page && !path.ends_with("SUMMARY.md") && !self.pages.contains_key(&path) {
                missing.push(path.display().to_string());
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(format!("docs/SUMMARY.md does not list {}", missing.join(", ")).into())
    }

    /// Copies the pages into the folder, with the files that they link to.
    pub fn copy(&self, root: &Path, stage: &Path) -> Result<(), Failure> {
        let mut files = BTreeSet::new();
        for (path, text) in &self.pages {
            let folder = path.parent().unwrap_or(Path::new(""));
            let text = rewrite(text, |target| {
                let (file, anchor) =
                    target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
                let linked = normal(&folder.join(file));
                // A folder is read by its page, which mdBook calls index.
                let of_folder = linked.join("README.md");
                let (folder, page) = match file.strip_suffix("README.md") {
                    Some(folder) => (folder.trim_end_matches('/'), &linked),
                    None => (file.trim_end_matches('/'), &of_folder),
                };
                if file.is_empty() || !self.pages.contains_key(page) {
                    return None;
                }
                let anchor = anchor.map(|anchor| format!("#{anchor}")).unwrap_or_default();
                let slash = if folder.is_empty() { "" } else { "/" };
                Some(format!("{folder}{slash}index.md{anchor}"))
            });
            for target in targets(&text) {
                let file = target.split('#').next().unwrap_or_default();
                let linked = normal(&folder.join(file));
                if file.is_empty() || self.pages.contains_key(&linked) || file.ends_with("index.md") {
                    continue;
                }
                if root.join(&linked).is_dir() {
                    below(root, &linked, &mut files)?;
                } else if root.join(&linked).is_file() {
                    files.insert(linked);
                }
            }
            let text = if playground::is_made(root) { playground::linked(path, &text) } else { text };
            let to = stage.join(path);
            std::fs::create_dir_all(to.parent().unwrap_or(stage))?;
            std::fs::write(to, text)?;
        }
        for file in files {
            files::copy(&root.join(&file), &stage.join(&file))?;
        }
        std::fs::write(stage.join("SUMMARY.md"), &self.summary)?;
        Ok(())
    }
}

/// Adds the files below a folder.
fn below(root: &Path, folder: &Path, files: &mut BTreeSet<PathBuf>) -> Result<(), Failure> {
    for entry in std::fs::read_dir(root.join(folder))? {
        let path = folder.join(entry?.file_name());
        if root.join(&path).is_dir() {
            below(root, &path, files)?;
        } else {
            files.insert(path);
        }
    }
    Ok(())
}

/// The targets of the links in a page that lead into the repository.
fn targets(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    rewrite(text, |target| {
        found.push(target.to_owned());
        None
    });
    found
}

/// The text, with each target that leads into the repository replaced by what `change` returns. Code is left alone.
fn rewrite(text: &str, mut change: impl FnMut(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut fenced = false;
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            out.push_str(line);
            continue;
        }
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("](") {
            out.push_str(before);
            out.push_str("](");
            // A link in code is text.
            let in_code = before.matches('`').count() % 2 == 1;
            let Some((target, tail)) = after.split_once(')') else {
                rest = after;
                continue;
            };
            let elsewhere = target.contains("://") || target.starts_with("mailto:");
            match if in_code || elsewhere { None } else { change(target) } {
                Some(changed) => out.push_str(&changed),
                None => out.push_str(target),
            }
            out.push(')');
            rest = tail;
        }
        out.push_str(rest);
    }
    out
}

/// The path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_outside_of_code() {
        let text = "[a](b.md#c) `[x](y)` [d](https://e/f)\n```\n[g](h)\n```\n- [i](../j/)\n";
        assert_eq!(targets(text), ["b.md#c", "../j/"]);
        assert_eq!(
            rewrite(text, |target| (target == "../j/").then(|| "../j/README.md".to_owned())),
            text.replace("../j/", "../j/README.md")
        );
    }

    #[test]
    fn paths_are_resolved() {
        assert_eq!(normal(Path::new("docs/../envoy-configs/./a.yaml")), Path::new("envoy-configs/a.yaml"));
    }
}
