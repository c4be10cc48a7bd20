//! `weir import istio` over a corpus of resources, one shape in each file of `tests/istio`.
//!
//! To write the outputs again: `WEIR_WRITE_IMPORTS=1 cargo test -p weir-cli --test it import_istio::`; read them then.

use crate::support::{Folder, weir, weir_with};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const INPUT: &str = "=== input\n";
const OUTPUT: &str = "=== output\n";

fn shapes() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/istio");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// All texts below a value that stand under this name.
fn under(value: &Value, name: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| match value {
            Value::String(text) if key == name => drop(found.insert(text.clone())),
            Value::Object(test) if key == name => {
                found.extend(test.get("exact").and_then(Value::as_str).map(str::to_owned));
            }
            other => under(other, name, found),
        }),
        Value::Array(items) => items.iter().for_each(|item| under(item, name, found)),
        _ => {}
    }
}

/// What becomes of a file. What is written passes `weir check` without a warning, and each value of the header
/// has a route.
fn imported(folder: &Folder, input: &str) -> String {
    let file = folder.write("istio.yaml", input);
    let (out, routes) = (folder.path("weir.yaml"), folder.path("routes.yaml"));
    for old in [&out, &routes] {
        let _ = fs::remove_file(old);
    }
    let run = weir(&["import", "istio", &file, "--to", &out, "--routes", &routes]);
    let mut text = format!("{}exit code {}\n", run.err, run.code);
    let configuration = fs::read_to_string(&out).unwrap_or_default();
    let virtual_services = fs::read_to_string(&routes).unwrap_or_default();
    if !configuration.is_empty() {
        let check = weir(&["check", "--deny", "warnings", &out]);
        assert_eq!(check.code, 0, "{check:?}\n{configuration}");
        let read = |text: &str| serde_saphyr::from_multiple::<Value>(text).unwrap();
        let (mut set, mut matched) = (BTreeSet::new(), BTreeSet::new());
        under(&json!(read(&configuration)), "x-weir-route", &mut set);
        under(&json!(read(&virtual_services)), "x-weir-route", &mut matched);
        set.retain(|value| !value.ends_with(".none"));
        assert_eq!(set, matched, "{configuration}\n{virtual_services}");
        text.push_str(&format!("--- weir.yaml\n{configuration}"));
    }
    if !virtual_services.is_empty() {
        text.push_str(&format!("--- routes.yaml\n{virtual_services}"));
    }
    text.replace(&file, "istio.yaml")
}

#[test]
fn each_shape_is_imported_or_says_why_not() {
    let folder = Folder::new();
    let files = shapes();
    let mut different = Vec::new();
    let (mut services, mut whole) = (0, 0);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let (title, rest) = text.split_once(INPUT).unwrap();
        let (input, expected) = rest.split_once(OUTPUT).unwrap();
        let said = imported(&folder, input);
        services += usize::from(input.contains("kind: VirtualService"));
        whole += usize::from(said.contains("exit code 0"));
        assert!(
            said.contains("exit code 0") || said.contains("left out") || said.contains("exit code 2"),
            "{said}"
        );
        if std::env::var_os("WEIR_WRITE_IMPORTS").is_some() {
            fs::write(&file, format!("{title}{INPUT}{input}{OUTPUT}{said}")).unwrap();
        } else if said != expected {
            different.push(format!("{}:\n{said}expected:\n{expected}", file.display()));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert!(services >= 50 && whole >= 35, "{services} VirtualServices, {whole} whole");
}

const SPLIT: &str = "\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [shop.example.com]
  http:
  - route:
    - {destination: {host: web, subset: stable}, weight: 75}
    - {destination: {host: web, subset: canary}, weight: 25}
";

#[test]
fn splits_follow_the_unit_that_is_chosen() {
    let folder = Folder::new();
    let file = folder.write("istio.yaml", SPLIT);
    let run = weir(&["import", "istio", &file]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.contains("mintCookie: {name: weir-id}") && !run.out.contains("stickyBy"), "{run:?}");
    assert!(run.err.contains("--routes FILE writes them"), "{run:?}");
    let out = folder.path("weir.yaml");
    let units = ["--unit", "header:x-user-id", "--unit", "cookie:uid"];
    let run = weir(&[&["import", "istio", &file, "--no-cookie", "--to", &out][..], &units].concat());
    assert_eq!((run.code, run.out.as_str()), (0, ""), "{run:?}");
    let text = fs::read_to_string(&out).unwrap();
    assert!(text.contains("stickyBy: [\"header:x-user-id\", \"cookie:uid\"]"), "{text}");
    assert!(text.contains("withoutKey: random") && !text.contains("mintCookie"), "{text}");
    assert_eq!(weir(&["check", "--deny", "warnings", &out]).code, 0);
}

#[test]
fn the_report_is_json_too() {
    let text = format!("{SPLIT}---\n{}", SPLIT.replace("name: web,", "name: two,"));
    let run = weir_with(&["import", "istio", "-", "--output", "json"], &text);
    assert_eq!(run.code, 1, "{run:?}");
    let report = run.json();
    assert_eq!(report["imported"], json!(["VirtualService web"]));
    assert_eq!(report["left_out"][0]["resource"], "VirtualService two");
    assert_eq!((&report["left_out"][0]["at"], &report["left_out"][0]["line"]), (&json!("/1"), &json!(11)));
    assert!(report["configuration"].as_str().unwrap().contains("routing:"));
    assert!(report["routes"].as_str().unwrap().contains("exact: web.1/canary"), "{report}");
    let folder = Folder::new();
    let (out, routes) = (folder.path("weir.yaml"), folder.path("routes.yaml"));
    let strict = ["import", "istio", "-", "--strict", "--to", &out, "--routes", &routes];
    let run = weir_with(&strict, &text);
    assert!(run.code == 1 && run.err.contains("with --strict no resource may be left out"), "{run:?}");
    assert!(!Path::new(&out).exists() && !Path::new(&routes).exists());
}

#[test]
fn options_of_other_vendors_are_refused() {
    for arguments in [
        &["import", "istio", "-", "--source", "id=cookie:uid"][..],
        &["import", "istio", "-", "--type", "id=list"],
        &["import", "istio", "-", "--unit", "uid"],
        &["import", "flagd", "-", "--unit", "cookie:uid"],
        &["import", "unleash", "-", "--no-cookie"],
        &["import", "growthbook", "-", "--routes", "routes.yaml"],
    ] {
        let run = weir_with(arguments, SPLIT);
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.err.contains("--"), "{run:?}");
    }
}

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/import-istio.md");

/// What a command of the page prints: its report first, then its output.
fn printed(folder: &Folder, command: &str) -> String {
    let place = |word: &str| if word.ends_with(".yaml") { folder.path(word) } else { word.to_owned() };
    let words: Vec<String> = command.split(' ').map(place).collect();
    let text = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["cat", file] => fs::read_to_string(file).unwrap(),
        ["weir", arguments @ ..] => {
            let run = weir(arguments);
            assert_eq!(run.code, 0, "{command}: {run:?}");
            format!("{}{}", run.err, run.out)
        }
        other => panic!("{other:?}"),
    };
    text.replace(&folder.path(""), "")
}

/// The page's file, and all of its commands with what they print. `WEIR_WRITE_DOCS=1` writes it.
#[test]
fn the_page_says_what_the_program_says() {
    let folder = Folder::new();
    let mut page = fs::read_to_string(PAGE).unwrap();
    let (_, example) = page.split_once("```yaml\n# shop.yaml\n").unwrap();
    folder.write("shop.yaml", example.split_once("```").unwrap().0);
    let blocks: Vec<String> =
        page.split("```console\n").skip(1).map(|rest| rest.split_once("```").unwrap().0.to_owned()).collect();
    let mut commands = 0;
    for block in blocks {
        let run = |command: &str| format!("$ {command}\n{}", printed(&folder, command));
        let said: String = block.lines().filter_map(|line| line.strip_prefix("$ ")).map(run).collect();
        commands += said.matches("$ ").count();
        if std::env::var_os("WEIR_WRITE_DOCS").is_some() {
            page = page.replacen(&format!("```console\n{block}```"), &format!("```console\n{said}```"), 1);
        } else {
            assert_eq!(block, said);
        }
    }
    if std::env::var_os("WEIR_WRITE_DOCS").is_some() {
        fs::write(PAGE, page).unwrap();
    }
    assert_eq!(commands, 5);
}
