//! Each public entry of the crates that others can use has an example that runs: a function in its own docs or in
//! those of its module or crate, a type or a trait in any example of its crate.
//!
//! This reads sources as text. It sees functions, types and traits that are public at a crate's root: defined there or
//! in a public module, or exported there by name. Whether an example is a good one it does not see.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The crates. Of `core`, the modules that `CONTRIBUTING.md` tells the author of a filter to use.
const CRATES: [(&str, Option<&[&str]>); 13] = [
    ("allocation", None),
    ("cookie", None),
    (
        "core",
        Some(&[
            "condition",
            "duration",
            "escape",
            "header",
            "http_match",
            "load",
            "problem",
            "sort",
            "table",
            "timestamp",
            "value",
        ]),
    ),
    ("definitions", None),
    ("host", None),
    ("host-api", None),
    ("jose", None),
    ("minihost", None),
    ("postlink", None),
    ("rollout", None),
    ("statistics", None),
    ("testkit", None),
    ("upstream", None),
];

/// What has no example, and why.
const WITHOUT: [(&str, &str, &str); 4] = [
    ("core", "ClaimTest", "a part of the predicate that `HttpMatch::compile` makes, and nobody else"),
    ("core", "Members", "implemented by `derive(Load)`, which the example of `Load` shows"),
    ("core", "OneOrMany", "only describes a list in the schema"),
    ("host", "Proxy", "exists in modules alone, where no example runs; README's uses it by `entry!`"),
];

/// A source file.
struct Source {
    path: PathBuf,
    lines: Vec<String>,
}

/// Something public: its kind and name, and its definition.
struct Item<'s> {
    kind: &'s str,
    name: &'s str,
    source: &'s Source,
    line: usize,
}

fn sources(folder: &Path, into: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            into.push(Source { path, lines: text.lines().map(str::to_owned).collect() });
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The kind and name of a definition such as `pub const fn new(`.
fn definition(line: &str) -> Option<(&str, &str)> {
    let mut rest = line.strip_prefix("pub ")?;
    for qualifier in ["const ", "async ", "unsafe "] {
        rest = rest.strip_prefix(qualifier).unwrap_or(rest);
    }
    let (kind, rest) = rest.split_once(' ')?;
    let name = &rest[..rest.find(|c| !is_word(c)).unwrap_or(rest.len())];
    (["fn", "struct", "enum", "trait"].contains(&kind) && !name.is_empty()).then_some((kind, name))
}

/// The names that `pub use` exports, as they are called where they are defined.
fn exported(lines: &[String]) -> BTreeSet<String> {
    let text = lines.join("\n");
    let uses = text.split("\npub use ").skip(1).filter_map(|rest| rest.split_once(';'));
    let lists = uses.map(|(path, _)| path.rsplit_once('{').map_or(path, |(_, list)| list).to_owned());
    let names = lists.flat_map(|list| list.split(',').map(str::to_owned).collect::<Vec<_>>());
    let names = names.map(|name| {
        let name = name.trim().trim_end_matches('}').trim();
        let name = name.split_once(" as ").map_or(name, |(name, _)| name);
        name.rsplit("::").next().unwrap_or(name).to_owned()
    });
    names.filter(|name| !name.is_empty()).collect()
}

/// The text of examples among lines of documentation.
fn examples<'t>(documentation: impl Iterator<Item = &'t str>) -> String {
    let (mut text, mut open) = (String::new(), None);
    for line in documentation {
        match (line.trim().strip_prefix("```"), open) {
            (Some(language), None) => {
                let language = language.split(',').next().unwrap_or_default();
                open = Some(["", "rust", "no_run"].contains(&language));
            }
            (Some(_), Some(_)) => open = None,
            (None, Some(true)) => {
                let line = line.split("// ").next().unwrap_or_default();
                text.push_str(line);
                text.push('\n');
            }
            (None, _) => {}
        }
    }
    text
}

/// The same without imports: what is only imported is not shown.
fn without_imports(example: &str) -> String {
    let (mut text, mut inside) = (String::new(), false);
    for line in example.lines() {
        inside |= line.trim_start().trim_start_matches("# ").starts_with("use ");
        if !inside {
            text.push_str(line);
            text.push('\n');
        }
        inside &= !line.trim_end().ends_with(';');
    }
    text
}

fn names(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + word.len()..].chars().next());
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// Whether a text calls the function; a method of this name is another one.
fn calls(text: &str, function: &str) -> bool {
    text.match_indices(function).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + function.len()..]);
        let is_other = before.ends_with(|c| is_word(c) || c == '.') || before.ends_with("fn ");
        !is_other && (after.starts_with('(') || after.starts_with("::<"))
    })
}

fn starting<'s>(lines: &'s [String], start: &'s str) -> impl Iterator<Item = &'s str> {
    lines.iter().filter_map(move |line| line.trim_start().strip_prefix(start))
}

/// The documentation and attributes right above a definition, from below.
fn above(source: &Source, line: usize) -> impl Iterator<Item = &str> {
    let lines = source.lines[..line].iter().rev().map(|line| line.trim_start());
    lines.take_while(|line| !line.is_empty() && !line.ends_with(['}', ';', '{']) || line.starts_with("//"))
}

fn own_documentation<'s>(item: &Item<'s>) -> Vec<&'s str> {
    let mut docs: Vec<&str> =
        above(item.source, item.line).filter_map(|line| line.strip_prefix("///")).collect();
    docs.reverse();
    docs
}

/// What is public at the root of a crate: defined or exported by the root or a public module.
fn items<'s>(sources: &'s [Source], folder: &Path, modules: Option<&[&str]>) -> Vec<Item<'s>> {
    let root = sources.iter().find(|source| source.path == folder.join("lib.rs")).unwrap();
    let public = starting(&root.lines, "pub mod ").filter_map(|name| name.strip_suffix(';'));
    let public: Vec<&str> =
        public.filter(|name| modules.is_none_or(|wanted| wanted.contains(name))).collect();
    let mut open: Vec<(&Source, PathBuf)> = Vec::new();
    if modules.is_none() {
        open.push((root, folder.to_owned()));
    }
    for name in public {
        let (file, inside) = (folder.join(name).with_extension("rs"), folder.join(name));
        let found = sources.iter().find(|source| source.path == file || source.path == inside.join("mod.rs"));
        open.push((found.unwrap(), inside));
    }
    let mut items = Vec::new();
    for (source, inside) in open {
        let (exported, inside) = (exported(&source.lines), &inside);
        let belongs = |other: &&Source| other.path.starts_with(inside) || other.path == source.path;
        for other in sources.iter().filter(belongs) {
            let own = other.path == source.path;
            let lines = other.lines.iter().take_while(|text| *text != "#[cfg(test)]");
            for (line, text) in lines.enumerate() {
                if let Some((kind, name)) = definition(if own { text } else { text.trim_start() })
                    && (own || kind != "fn" || !text.starts_with(' '))
                    && (own || exported.contains(name))
                    && !above(other, line).any(|line| line == "#[doc(hidden)]")
                {
                    items.push(Item { kind, name, source: other, line });
                }
            }
        }
    }
    items
}

/// Those of a crate without an example, and how many there are in all.
fn without_example(folder: &Path, modules: Option<&[&str]>) -> (Vec<String>, usize) {
    let mut all = Vec::new();
    sources(&folder.join("src"), &mut all);
    let readme = std::fs::read_to_string(folder.join("README.md")).unwrap_or_default();
    let about = all.iter().map(|source| examples(starting(&source.lines, "//!")));
    let about = [examples(readme.lines()), about.collect()].concat();
    let own = all.iter().map(|source| examples(starting(&source.lines, "///"))).collect::<String>();
    let shown = without_imports(&[&*about, &own].concat());
    let items = items(&all, &folder.join("src"), modules);
    let lacks = |item: &&Item<'_>| {
        let own = !examples(own_documentation(item).into_iter()).is_empty();
        !own && !if item.kind == "fn" { calls(&about, item.name) } else { names(&shown, item.name) }
    };
    let lacking = items.iter().filter(lacks).map(|item| item.name.to_owned()).collect();
    (lacking, items.len())
}

#[test]
fn public_entries_have_an_example_that_runs() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("crates");
    let (mut lacking, mut total) = (BTreeSet::new(), 0);
    for (name, modules) in CRATES {
        let (without, all) = without_example(&crates.join(name), modules);
        assert!(all > 0, "crates/{name} has nothing public");
        total += all;
        lacking.extend(without.into_iter().map(|item| (name, item)));
    }
    let excepted = WITHOUT.iter().map(|(name, item, _)| (*name, (*item).to_owned())).collect();
    let missing: Vec<String> =
        lacking.difference(&excepted).map(|(name, item)| format!("{name}: {item}")).collect();
    assert!(missing.is_empty(), "public, and in no example of their crate: {missing:#?}");
    let stale: Vec<_> = excepted.difference(&lacking).collect();
    assert!(stale.is_empty(), "excepted, and have an example: {stale:?}");
    assert!(total > 200, "{total}");
}

#[test]
fn what_no_example_shows_is_found() {
    let folder = std::env::temp_dir().join(format!("weir-examples-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("src")).unwrap();
    let root = "//! ```\n//! use it::{Shown, Imported};\n//! let shown = Shown::new();\n//! shown.method();\n//! ```\n\
        pub struct Shown;\npub struct Imported;\npub fn method() {}\npub use inner::{renamed as other, Hidden};\n\
        /// ```\n/// own(); // Hidden\n/// ```\n#[must_use]\npub fn own() {}\n/// ```text\n/// plain()\n/// ```\n\
        pub fn plain() {}\n#[cfg(test)]\npub fn of_tests() {}\n";
    std::fs::write(folder.join("src/lib.rs"), root).unwrap();
    let inner =
        "pub fn renamed() {}\npub(crate) fn private() {}\npub enum Hidden {}\npub struct NotExported;\n";
    std::fs::write(folder.join("src/inner.rs"), inner).unwrap();
    let (mut lacking, all) = without_example(&folder, None);
    std::fs::remove_dir_all(&folder).unwrap();
    lacking.sort_unstable();
    assert_eq!((lacking.join(" "), all), ("Hidden Imported method plain renamed".to_owned(), 7));
}
