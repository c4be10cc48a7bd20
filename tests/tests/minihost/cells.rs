//! Each cell of the table in docs/security.md about what is in a request has a case that is named by its row, its column
//! and its text, and each such case has a cell. What the cases say is tested by both drivers; see `tests/cases`.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

const TABLE: &str = "By what is in the request, for the options that protect.";
const FILES: [&str; 3] = ["cells-match.yaml", "cells-conditions.yaml", "cells-tokens.yaml"];

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A text as it is read, without the marks of Markdown.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.trim();
    // A link is its text.
    while let Some((before, link)) = rest.split_once('[') {
        let (shown, behind) = link.split_once("](").unwrap();
        out.push_str(before);
        out.push_str(shown);
        rest = behind.split_once(')').unwrap().1;
    }
    out.push_str(rest);
    out.replace('`', "")
}

/// The lines of the table, each in cells.
fn table(page: &str) -> Vec<Vec<String>> {
    let (_, behind) = page.split_once(TABLE).expect("the table has another title");
    let lines =
        behind.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    lines.map(|line| line.trim_matches('|').split(" | ").map(plain).collect()).collect()
}

fn named_by_cells(table: &[Vec<String>]) -> BTreeSet<String> {
    let (columns, rows) = table.split_first().unwrap();
    let mut names = BTreeSet::new();
    for row in rows.iter().skip(1) {
        assert_eq!(row.len(), columns.len(), "{row:?}");
        for (column, cell) in columns.iter().zip(row).skip(1).filter(|(_, cell)| *cell != "–") {
            names.insert(format!("{} | {column}: {cell}", row[0]));
        }
    }
    names
}

#[test]
fn each_cell_has_a_case() {
    let cells = named_by_cells(&table(&read("docs/security.md")));
    let mut cases = BTreeSet::new();
    for file in FILES {
        let file: Value = serde_saphyr::from_str(&read(&format!("tests/cases/jwt-claims/{file}"))).unwrap();
        for case in file["cases"].as_array().unwrap() {
            let name = case["name"].as_str().unwrap().to_owned();
            // A case without a request shows nothing.
            assert!(case["requests"].as_array().is_some_and(|requests| !requests.is_empty()), "{name}");
            assert!(cases.insert(name.clone()), "{name} is there twice");
        }
    }
    let without: Vec<&String> = cells.difference(&cases).collect();
    let stray: Vec<&String> = cases.difference(&cells).collect();
    assert!(
        without.is_empty() && stray.is_empty(),
        "cells without a case: {without:#?}\ncases without a cell: {stray:#?}"
    );
    assert!(cells.len() > 60, "{}", cells.len());
}

#[test]
fn a_new_row_needs_cases() {
    let page = format!(
        "{TABLE}\n\n| option | missing | empty |\n|---|---|---|\n| `a`: `b` | no | [as `x`](y.md#z), too |\n| new | – | no |\n\n| other |\n"
    );
    let names: Vec<String> = named_by_cells(&table(&page)).into_iter().collect();
    assert_eq!(names, ["a: b | empty: as x, too", "a: b | missing: no", "new | empty: no"]);
}
