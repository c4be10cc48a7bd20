//! The page's files.

use anyhow::{Context as _, bail};
use bytes::Bytes;
use std::env;
use std::path::{Path, PathBuf};

/// The files that the page consists of, with their types. Nothing else of the folder is served.
const FILES: [(&str, &str); 7] = [
    ("index.html", "text/html; charset=utf-8"),
    ("main.js", "text/javascript; charset=utf-8"),
    ("worker.js", "text/javascript; charset=utf-8"),
    ("worker-more.js", "text/javascript; charset=utf-8"),
    ("style.css", "text/css; charset=utf-8"),
    ("weir.wasm", "application/wasm"),
    ("weir-more.wasm", "application/wasm"),
];
/// What tells the page that it is served by this program.
const MARK: (&str, &str) = ("<html lang=\"en\"", "<html lang=\"en\" data-live");

/// The page, in memory: what a later build writes into the folder does not mix with it.
#[derive(Debug)]
pub(super) struct Page(Vec<(&'static str, &'static str, Bytes)>);

impl Page {
    /// Reads the page from its folder.
    ///
    /// # Errors
    /// There is none, and how to get one.
    pub(super) fn find(wanted: Option<&Path>) -> anyhow::Result<Self> {
        match wanted {
            Some(folder) => Self::read(folder).with_context(|| format!("--page {}", folder.display())),
            None => {
                let folders = usual(env::current_exe().ok().as_deref());
                let found = folders.iter().find(|folder| folder.join(FILES[0].0).exists());
                let folder = found.context(
                    "the page is missing: `make playground` builds target/playground; a release has it beside the program; \
                     --page names its folder",
                )?;
                Self::read(folder).with_context(|| folder.display().to_string())
            }
        }
    }

    fn read(folder: &Path) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        for (name, kind) in FILES {
            let bytes = std::fs::read(folder.join(name)).context(name)?;
            files.push((name, kind, Bytes::from(bytes)));
        }
        let index = String::from_utf8_lossy(&files[0].2);
        if !index.contains(MARK.0) {
            bail!("{}: not the playground's", FILES[0].0);
        }
        let marked = index.replacen(MARK.0, MARK.1, 1);
        files[0].2 = Bytes::from(marked);
        Ok(Self(files))
    }

    /// A file by its name, with its type; the page itself for the empty name.
    pub(super) fn file(&self, name: &str) -> Option<(&'static str, Bytes)> {
        let name = if name.is_empty() { FILES[0].0 } else { name };
        self.0.iter().find(|(known, ..)| *known == name).map(|(_, kind, bytes)| (*kind, bytes.clone()))
    }
}

/// Where a page is found, in this order. A program in `bin` belongs to `share` beside it.
fn usual(program: Option<&Path>) -> Vec<PathBuf> {
    let beside = program.and_then(Path::parent);
    let shared = beside.and_then(Path::parent).map(|prefix| prefix.join("share/weir/playground"));
    let here = ["dist/playground", "target/playground"].map(PathBuf::from);
    beside.map(|folder| folder.join("playground")).into_iter().chain(shared).chain(here).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Refusal as _;

    fn folder(index: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, _) in FILES {
            std::fs::write(folder.path().join(name), if name == "index.html" { index } else { name })
                .unwrap();
        }
        folder
    }

    #[test]
    fn the_page_is_read_and_marked_and_nothing_else_of_its_folder() {
        let folder = folder("<!doctype html>\n<html lang=\"en\">x");
        std::fs::write(folder.path().join("secret"), "s").unwrap();
        let page = Page::find(Some(folder.path())).unwrap();
        let (kind, index) = page.file("").unwrap();
        assert_eq!(
            (kind, &index[..]),
            ("text/html; charset=utf-8", &b"<!doctype html>\n<html lang=\"en\" data-live>x"[..])
        );
        assert_eq!(page.file("weir.wasm").unwrap().0, "application/wasm");
        for name in ["secret", "../secret", "/", "weir.wasm/"] {
            assert!(page.file(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_folder_without_the_page_is_refused() {
        let other = folder("<html>");
        assert!(Page::find(Some(other.path())).refusal().contains("not the playground's"));
        std::fs::remove_file(other.path().join("worker.js")).unwrap();
        assert!(Page::find(Some(other.path())).refusal().contains("worker.js: "));
    }

    #[test]
    fn the_folder_beside_the_program_is_first() {
        let found = usual(Some(Path::new("/usr/local/bin/weir")));
        assert_eq!(
            found[..2],
            ["/usr/local/bin/playground", "/usr/local/share/weir/playground"].map(PathBuf::from)
        );
        assert_eq!(usual(None), ["dist/playground", "target/playground"].map(PathBuf::from));
    }
}
