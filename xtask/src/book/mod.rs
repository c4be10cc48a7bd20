//! The book: all pages of the repository as one site, made by mdBook out of `docs/SUMMARY.md`.
//!
//! Pages stay where their subject is (`envoy-configs/README.md`, `tests/README.md`, …) and link to each other by
//! path, so that they can be read in a code browser too. mdBook wants one folder with nothing else in it; so the pages
//! and the files that they link to are copied into `target/book/src`, in the same tree.

mod files;
mod links;
mod pages;
mod playground;

use crate::task::{Failure, root};
use pages::Pages;
use std::process::Command;

/// mdBook's settings, from the root of the repository.
const SETTINGS: &str = "docs/book.toml";
/// Where the pages are copied to, and where the site is afterwards (`target/book/html`).
const STAGE: &str = "target/book";

/// Copies the pages, runs mdBook, and checks each link of the site.
///
/// # Errors
/// A page that `docs/SUMMARY.md` does not list, a link to a page or file that is not there, a failure of mdBook.
pub fn build() -> Result<(), Failure> {
    let root = root()?;
    let stage = root.join(STAGE);
    if stage.exists() {
        std::fs::remove_dir_all(&stage)?;
    }
    let pages = Pages::read(&root)?;
    pages.copy(&root, &stage.join("src"))?;
    files::copy(&root.join(SETTINGS), &stage.join("book.toml"))?;
    let done = Command::new("mdbook").arg("build").arg(&stage).status()?;
    if !done.success() {
        return Err(format!("mdbook: {done}").into());
    }
    let html = stage.join("html");
    if playground::is_made(&root) {
        playground::copy(&root, &html)?;
    } else {
        println!("without the playground: `make playground` makes it");
    }
    let (files, checked) = links::check(&html)?;
    println!("{}: {files} pages, {checked} links", html.join("index.html").display());
    Ok(())
}
