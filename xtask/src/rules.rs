//! Rules of the house that a compiler flag in each crate holds: here it is seen that no crate leaves them out.

use std::path::Path;

/// The only crates with unsafe code: they call the proxy.
const UNSAFE: [&str; 2] = ["crates/host", "filters/native"];
/// Of these, the one that allows it in some of its files only.
const UNSAFE_FILES: (&str, [&str; 2]) = ("filters/native", ["abi.rs", "entry.rs"]);
/// Crates that no module contains.
const NOT_IN_MODULES: [&str; 13] = [
    "bench/runner",
    "bench/sdk-noop",
    "cli",
    "crates/definitions",
    "crates/load-derive",
    "crates/minihost",
    "crates/playground",
    "crates/postlink",
    "crates/rollout",
    "crates/statistics",
    "crates/testkit",
    "crates/upstream",
    "crates/workbench",
];

/// The members of the workspace, with the texts of their roots.
fn roots() -> Vec<(String, Vec<String>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut members = vec!["cli".to_owned(), "tests".to_owned(), "xtask".to_owned()];
    for folder in ["crates", "filters", "examples", "bench"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let name = entry.unwrap().file_name().to_string_lossy().into_owned();
            if root.join(folder).join(&name).join("Cargo.toml").is_file() {
                members.push(format!("{folder}/{name}"));
            }
        }
    }
    let texts = |member: &String| {
        let files = ["lib.rs", "main.rs"].map(|file| root.join(member).join("src").join(file));
        files.into_iter().filter_map(|file| std::fs::read_to_string(file).ok()).collect::<Vec<_>>()
    };
    members.iter().map(|member| (member.clone(), texts(member))).collect()
}

#[test]
fn only_the_host_layer_has_unsafe_code() {
    let roots = roots();
    assert!(roots.len() > 20, "{}", roots.len());
    for (member, texts) in roots.iter().filter(|(member, _)| !UNSAFE.contains(&member.as_str())) {
        assert!(!texts.is_empty(), "{member} has no root");
        for text in texts {
            assert!(text.contains("\n#![forbid(unsafe_code)]\n"), "{member} does not forbid unsafe code");
        }
    }
}

#[test]
fn the_native_shell_has_unsafe_code_in_two_files() {
    let (member, files) = UNSAFE_FILES;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(member).join("src");
    let root = std::fs::read_to_string(folder.join("lib.rs")).unwrap();
    assert!(root.contains("\n#![deny(unsafe_code)]\n"), "{member} does not deny unsafe code");
    assert_eq!(root.matches("allow(unsafe_code").count(), files.len(), "{member}");
    for file in files {
        let module = file.trim_end_matches(".rs");
        assert!(
            root.contains(&format!("#[allow(unsafe_code, reason = \"Envoy's ABI\")]\nmod {module};")),
            "{file}"
        );
    }
}

#[test]
fn crates_of_modules_cut_no_number_in_silence() {
    for (member, texts) in roots() {
        if NOT_IN_MODULES.contains(&member.as_str()) || ["tests", "xtask"].contains(&member.as_str()) {
            continue;
        }
        let line = "\n#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]\n";
        assert!(texts.iter().all(|text| text.contains(line)), "{member}");
    }
}

/// Messages of scripts and comments in code name pages, and no link checker reads those.
#[test]
fn pages_that_anything_names_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let skipped = [".git", "target", "dist", "node_modules"];
    let mut open = vec![root.to_owned()];
    let mut named = 0;
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                if !skipped.iter().any(|name| path.ends_with(name)) {
                    open.push(path);
                }
                continue;
            }
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            for part in text.split("docs/").skip(1) {
                let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(part.len());
                // Capitals, or one letter, stand for any name.
                let is_name = end > 1 && !part[..end].contains(|c: char| c.is_ascii_uppercase());
                if is_name && part[end..].starts_with(".md") {
                    let page = root.join("docs").join(&part[..end]).with_extension("md");
                    assert!(
                        page.is_file(),
                        "{} names {}, which is not there",
                        path.display(),
                        page.display()
                    );
                    named += 1;
                }
            }
        }
    }
    assert!(named > 50, "{named}");
}

/// Errors in these folders are types, or one error with its context: see `anyhow` in the command line, and the workbench's
/// `Error`.
const TYPED_ERRORS: [&str; 3] = ["cli/src", "crates/playground/src", "crates/workbench/src"];

/// A text as an error cannot be told from another one, and loses what it is about.
#[test]
fn no_error_is_a_text() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut wrong = Vec::new();
    let mut read = 0;
    let mut open = TYPED_ERRORS.map(|folder| root.join(folder)).to_vec();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            wrong.extend(text_errors(&text).into_iter().map(|line| format!("{}:{line}", path.display())));
            read += 1;
        }
    }
    assert!(read > 150, "{read}");
    assert!(wrong.is_empty(), "an error that is a text: {wrong:#?}");
}

/// The lines in which a `Result<…>` begins whose error is `String` or `&str`, or an associated type `Err` is one.
fn text_errors(text: &str) -> Vec<usize> {
    let texts = ["String", "&str", "&'static str"];
    let results = text.match_indices("Result<").filter(|(at, name)| {
        let inner = &text[at + name.len()..];
        let (mut depth, mut comma) = (1_usize, None);
        for (at, c) in inner.char_indices() {
            match c {
                '<' | '(' | '[' => depth += 1,
                // Not that of an arrow.
                '>' if inner[..at].ends_with('-') => {}
                '>' | ')' | ']' => depth -= 1,
                ',' if depth == 1 && comma.is_none() => comma = Some(at + 1),
                ';' | '{' if depth == 1 => return false,
                _ => {}
            }
            if depth == 0 {
                let error = comma.map(|comma| inner[comma..at].trim().trim_end_matches(',').trim());
                return error.is_some_and(|error| texts.contains(&error));
            }
        }
        false
    });
    let types = text.match_indices("type Err = ").filter(|(at, name)| {
        let rest = &text[at + name.len()..];
        texts.iter().any(|wrong| rest.strip_prefix(wrong).is_some_and(|rest| rest.starts_with(';')))
    });
    results.chain(types).map(|(at, _)| text[..at].matches('\n').count() + 1).collect()
}

#[test]
fn errors_that_are_texts_are_found() {
    let text = "fn a() -> Result<(u8, Vec<u8>), String> {}\nfn b() -> Result<\n    A,\n    String,\n> {}\n\
                type C = Result<Vec<String>, Error>;\nfn d(ask: &dyn Fn(&str) -> Result<A, &'static str>) {}\n\
                fn e() -> Result<String> {}\nfn f() -> Result<[u8; 2], String> {}\n    type Err = String;\nfn g() -> Result<fn() -> A, String> {}\n";
    let mut found = text_errors(text);
    found.sort_unstable();
    assert_eq!(found, [1, 2, 7, 9, 10, 11]);
}
