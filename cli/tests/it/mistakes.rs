//! Mistakes that people make, each with what `weir check` says of it. To write the outputs again:
//! `WEIR_WRITE_MISTAKES=1 cargo test -p weir-cli --test it mistakes::`; read them then.

use crate::support::{Folder, weir};
use std::fs;
use std::path::{Path, PathBuf};

const INPUT: &str = "=== input";
const OUTPUT: &str = "=== output\n";

fn mistakes() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mistakes");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// A file's bytes, as its heading says they are written.
fn bytes(kind: &str, text: &str) -> Vec<u8> {
    match kind {
        "" => text.as_bytes().to_vec(),
        " (UTF-16)" => [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect(),
        " (hex)" => {
            let digits = text.trim().as_bytes();
            let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
            digits.chunks(2).map(byte).collect()
        }
        other => panic!("{other}"),
    }
}

/// What is said of a file, without the folder that it is in.
fn said(folder: &Folder, kind: &str, text: &str) -> String {
    let path = folder.write_bytes("weir.yaml", &bytes(kind, text));
    let run = weir(&["check", &path]);
    let code = run.code;
    format!("{}{}exit code {code}\n", run.out, run.err).replace(&path, "weir.yaml")
}

#[test]
fn each_mistake_is_one_problem_with_a_remedy() {
    let folder = Folder::new();
    let files = mistakes();
    assert!(files.len() >= 30, "{}", files.len());
    let mut different = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let (title, rest) = text.split_once(INPUT).unwrap();
        let (kind, rest) = rest.split_once('\n').unwrap();
        let (input, expected) = rest.split_once(OUTPUT).unwrap();
        let said = said(&folder, kind, input);
        // No list of all names, and nothing that is said twice.
        let lines: Vec<&str> = said.lines().collect();
        assert!(lines.iter().all(|line| line.chars().count() < 320), "{}:\n{said}", file.display());
        if std::env::var_os("WEIR_WRITE_MISTAKES").is_some() {
            fs::write(&file, format!("{title}{INPUT}{kind}\n{input}{OUTPUT}{said}")).unwrap();
        } else if said != expected {
            different.push(format!("{}:\n{said}expected:\n{expected}", file.display()));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// What is shown on a terminal, without its colours.
#[test]
fn snippets_have_the_line_and_a_mark() {
    let folder = Folder::new();
    let path = folder.write("weir.yaml", "experiments:\n  unit: header:x-user-id\n  lsit:\n  - key: ä\n");
    let run = weir(&["check", "--output", "snippets", &path]);
    assert_eq!(run.code, 1);
    for expected in [
        "error: experiments.lsit: unknown field `lsit`, did you mean `list`?",
        "weir.yaml:3:3",
        "3 |   lsit:",
        "|   ^^^^",
    ] {
        assert!(run.out.contains(expected), "{expected}: {}", run.out);
    }
    let secret = folder.write("secret.yaml", "experiments:\n  secret: [hush]\n  unit: 1\n");
    let run = weir(&["check", "--output", "snippets", &secret]);
    assert!(run.out.contains("secret.yaml:2:") && !run.out.contains("hush"), "{}", run.out);
    let good = folder.write("good.yaml", "routing: {default: {setHeaders: {x-a: b}}}\n");
    assert!(weir(&["check", "--output", "snippets", &good]).out.ends_with("good.yaml: ok\n"));
}
