//! The files of a crate need each other in one direction: no file needs one that needs it, if only through others.
//! Then each can be read, changed and tested with those below it alone. Types that are made of each other are in one file.
//!
//! This reads sources as text: `use`, and paths in code. A name that is handed on by `pub use` counts for the file that
//! defines it, and a module's declaration for nothing. It does not see methods: what calls a method of a type need not
//! name the file that has it.

mod graph;
mod modules;
mod tokens;

use graph::Edges;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The folders of the product's crates, from the root of the repository. `tests` has what tests need only.
fn crates(root: &Path) -> Vec<PathBuf> {
    let mut crates = ["cli", "fuzz", "xtask"].map(|name| root.join(name)).to_vec();
    for folder in ["bench", "crates", "examples", "filters"] {
        crates.extend(std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path()));
    }
    crates.retain(|folder| folder.join("Cargo.toml").is_file());
    crates
}

/// The name by which a crate's own files may call it.
fn name_of(folder: &Path) -> String {
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    let manifest: toml_edit::DocumentMut = manifest.parse().unwrap();
    let name = |table: &str| manifest.get(table)?.get("name")?.as_str();
    name("lib").or_else(|| name("package")).unwrap_or_default().replace('-', "_")
}

/// The needs of all files of a crate, which has a library, a program or both.
fn edges(folder: &Path) -> Edges {
    let roots = ["lib.rs", "main.rs"].map(|file| folder.join("src").join(file));
    let roots = roots.iter().filter(|root| root.is_file());
    roots.flat_map(|root| graph::edges(root, &name_of(folder))).collect()
}

/// The circles, each with what ties it: a line for each need, with the names that are taken.
fn circles(edges: &Edges, root: &Path) -> Vec<Vec<String>> {
    let shown = |file: &Path| file.strip_prefix(root).unwrap().display().to_string();
    let ties = |files: BTreeSet<PathBuf>| {
        let needs = edges.iter().filter(|(from, _)| files.contains(*from));
        let needs = needs.flat_map(|(from, needed)| needed.iter().map(move |(to, names)| (from, to, names)));
        let inside = needs.filter(|(_, to, _)| files.contains(*to));
        let line = |(from, to, names): (&PathBuf, &PathBuf, &BTreeSet<String>)| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            format!("{} -> {}: {}", shown(from), shown(to), names.join(", "))
        };
        inside.map(line).collect()
    };
    graph::circles(edges).into_iter().map(ties).collect()
}

#[test]
fn no_file_needs_one_that_needs_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let (mut wrong, mut files) = (Vec::new(), 0);
    for folder in crates(root) {
        let edges = edges(&folder);
        files += edges.len();
        wrong.extend(circles(&edges, root));
    }
    assert!(
        wrong.is_empty(),
        "files that need each other in a circle, and the names that tie it: {wrong:#?}"
    );
    assert!(files > 600, "{files}");
}

/// The circles of a crate with these files.
fn circles_of(name: &str, files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let folder = std::env::temp_dir().join(format!("weir-circles-{name}-{}", std::process::id()));
    for (file, text) in [("Cargo.toml", "[package]\nname = \"made-up\"\n")].iter().chain(files) {
        std::fs::create_dir_all(folder.join(file).parent().unwrap()).unwrap();
        std::fs::write(folder.join(file), text).unwrap();
    }
    let found = circles(&edges(&folder), &folder);
    std::fs::remove_dir_all(&folder).unwrap();
    found
}

#[test]
fn circles_are_found_however_a_name_is_written() {
    let root = "mod a;\nmod b;\npub use a::Handed as Other;\nmod outer;\n";
    let a = "pub struct Handed;\npub fn f() {}\npub const C: u8 = 0;\n";
    for (case, b) in [
        ("use", "use super::a::f;\npub struct B;\n"),
        ("list", "use crate::{outer, a::{self as first, f}};\npub struct B;\n"),
        ("path", "pub struct B(u8);\npub fn g() { crate::a::f() }\n"),
        ("module", "use crate::a;\npub struct B([u8; a::C as usize]);\n"),
        ("handed", "pub struct B;\nimpl B { fn g(_: super::Other) {} }\n"),
        ("glob", "use super::a::*;\npub struct B(Handed);\n"),
        ("local", "pub struct B;\nfn g() { use super::a::f; f(); }\n"),
        ("named", "pub struct B(made_up::Other);\n"),
        ("attribute", "#[serde(with = \"super::a::f\")]\npub struct B;\n"),
        ("trait", "pub struct B;\nfn g<T: I>() { <T as super::outer::inner::I>::h() }\n"),
    ] {
        let a = format!("{a}use crate::outer::Inner;\n");
        let outer = "mod inner;\npub use inner::Inner;\npub use inner::I;\n";
        let inner = "use crate::b::B;\npub struct Inner;\npub trait I { fn h(); }\n";
        let files = [("src/lib.rs", root), ("src/a.rs", &a), ("src/outer/mod.rs", outer), ("src/b.rs", b)];
        let found = circles_of(case, &[&files[..], &[("src/outer/inner.rs", inner)]].concat());
        let ([ties], true) = (found.as_slice(), found.len() == 1) else { panic!("{case}: {found:?}") };
        assert!(ties.contains(&"src/outer/inner.rs -> src/b.rs: B".to_owned()), "{case}: {ties:?}");
        let files = if case == "trait" { 2 } else { 3 };
        assert_eq!(ties.len(), files, "{case}: {ties:?}");
    }
}

#[test]
fn what_is_handed_on_and_what_tests_use_is_no_circle() {
    let root = "mod a;\npub mod b;\npub use b::{B, g};\n#[cfg(test)]\nmod tests;\nmacro_rules! m { ($x:ident) => { $x::f() }; }\n";
    let a = "// crate::b::B\nconst T: &str = \"crate::b::B\";\npub fn f<'b>(c: &'b str) -> char { 'b' }\n\
             #[cfg(test)]\nmod tests { use crate::B; }\n#[cfg(test)]\nuse crate::b::g;\n#[cfg(doc)]\nuse crate::B;\n\
             pub struct S { #[cfg(test)] pub b: crate::B, pub c: u8 }\n";
    let b = "mod c;\nmod d;\npub use c::{B, g};\npub(crate) fn h(b: u8) { b.c }\n";
    let c = "use super::d::D;\nuse crate::a::f;\npub struct B(D);\npub fn g() { super::h(f()) }\n";
    let files = [("src/lib.rs", root), ("src/a.rs", a), ("src/b/mod.rs", b), ("src/b/c.rs", c)];
    let found = circles_of(
        "none",
        &[&files[..], &[("src/b/d.rs", "pub struct D;\npub use super::c::B;\n")]].concat(),
    );
    assert_eq!(found, Vec::<Vec<String>>::new());
}

#[test]
fn what_a_module_itself_uses_of_its_children_is_found() {
    let root = "mod a;\npub use a::A;\npub struct Used;\npub fn f(_: A) {}\n";
    let found = circles_of("parent", &[("src/main.rs", root), ("src/a.rs", "pub struct A(super::Used);\n")]);
    assert_eq!(found, [["src/a.rs -> src/main.rs: Used", "src/main.rs -> src/a.rs: A"]]);
}
