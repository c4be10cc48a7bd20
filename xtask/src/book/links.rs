//! Whether each link of a rendered site leads somewhere: the file is there, and it has the anchor.

use crate::task::Failure;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Checks all pages below the folder; returns how many pages and links there are.
///
/// # Errors
/// All links that lead nowhere, each with its page.
pub fn check(html: &Path) -> Result<(usize, usize), Failure> {
    let mut pages = BTreeMap::new();
    read(html, &mut pages)?;
    let anchors: BTreeMap<&Path, BTreeSet<&str>> =
        pages.iter().map(|(path, text)| (path.as_path(), attributes(text, "id").collect())).collect();
    let mut broken = Vec::new();
    let mut checked = 0;
    for (page, text) in &pages {
        for target in attributes(text, "href").chain(attributes(text, "src")) {
            if target.contains(':') || target.starts_with("//") {
                continue;
            }
            checked += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let linked = match file {
                "" => page.clone(),
                file => resolve(page.parent().unwrap_or(html), file),
            };
            let there = linked.exists()
                // What has a `=` is for the page's program.
                && (anchor.is_empty()
                    || anchor.contains('=')
                    || anchors
                        .get(linked.as_path())
                        .is_none_or(|anchors| anchors.contains(decoded(anchor).as_str())));
            if !there {
                broken.push(format!("{}: {target}", page.strip_prefix(html).unwrap_or(page).display()));
            }
        }
    }
    if broken.is_empty() { Ok((pages.len(), checked)) } else { Err(broken.join("\n").into()) }
}

/// The HTML files below a folder. The page for unknown addresses is written for the root of a server.
fn read(folder: &Path, pages: &mut BTreeMap<PathBuf, String>) -> Result<(), Failure> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read(&path, pages)?;
        } else if path.extension().is_some_and(|extension| extension == "html") && !path.ends_with("404.html")
        {
            let text = std::fs::read_to_string(&path)?;
            pages.insert(path, text);
        }
    }
    Ok(())
}

/// The values of an attribute, as they are written.
fn attributes<'a>(html: &'a str, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    let mark = format!(" {name}=\"");
    let mut rest = html;
    std::iter::from_fn(move || {
        let start = rest.find(&mark)? + mark.len();
        rest = &rest[start..];
        let (value, after) = rest.split_once('"')?;
        rest = after;
        Some(value)
    })
}

fn resolve(folder: &Path, file: &str) -> PathBuf {
    let mut path = folder.to_owned();
    for part in decoded(file).split('/') {
        match part {
            "" | "." => {}
            ".." => {
                path.pop();
            }
            part => path.push(part),
        }
    }
    path
}

/// Percent-encoded bytes and `&amp;` as what they mean.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_needs_its_file_and_its_anchor() {
        let folder = std::env::temp_dir().join(format!("weir-links-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("in")).unwrap();
        let page = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        page(
            "a.html",
            r##"<h1 id="größe">A</h1><a href="in/b.html#b">b</a> <a href="#gr%C3%B6%C3%9Fe">a</a>"##,
        );
        page(
            "in/b.html",
            r#"<h1 id="b">B</h1><a href="../a.html">a</a><a href="https://example.com/x">x</a>"#,
        );
        assert_eq!(check(&folder).unwrap(), (2, 3));
        page("in/b.html", r#"<h1 id="c">B</h1><a href="../c.html">a</a>"#);
        let broken = check(&folder).unwrap_err().to_string();
        assert_eq!(broken, "a.html: in/b.html#b\nin/b.html: ../c.html");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
