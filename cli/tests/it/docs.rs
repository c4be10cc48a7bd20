//! The tables in docs/cli.md are what the program says of its options.
//!
//! To write them again: `WEIR_WRITE_DOCS=1 cargo test -p weir-cli --test it docs::`.

use crate::support::weir;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cli.md");

/// The generated tables, each with its opening mark.
fn tables() -> Vec<(String, String)> {
    let text = weir(&["reference"]).out;
    let tables = text.split_inclusive("<!-- end -->\n").map(|table| {
        let (mark, _) = table.split_once('\n').unwrap();
        (mark.to_owned(), table.to_owned())
    });
    tables.collect()
}

/// The page with the tables of today.
fn written_anew(page: &str) -> String {
    let mut page = page.to_owned();
    for (mark, table) in tables() {
        let start = page.find(&mark).unwrap_or_else(|| panic!("{mark} is missing in docs/cli.md"));
        let end = start + page[start..].find("<!-- end -->\n").unwrap() + "<!-- end -->\n".len();
        page.replace_range(start..end, &table);
    }
    page
}

#[test]
fn tables_are_up_to_date() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let anew = written_anew(&page);
    if std::env::var_os("WEIR_WRITE_DOCS").is_some() {
        std::fs::write(PAGE, &anew).unwrap();
    } else {
        assert!(page == anew, "docs/cli.md is not what the program says: see the top of this test");
    }
    assert!(tables().len() > 3);
}

#[test]
fn every_command_has_an_example_and_its_exit_codes_in_its_help() {
    let names = tables().into_iter().map(|(mark, _)| mark.replace("<!-- options: ", "").replace(" -->", ""));
    for name in names {
        let arguments: Vec<&str> = name.split(' ').chain(["--help"]).collect();
        let help = weir(&arguments).out;
        assert!(help.contains("Example"), "{name}: {help}");
        assert!(name == "schema" || help.contains("Exit codes: 0"), "{name}: {help}");
    }
}

/// The examples of a page whose commands need no files: each `$ weir …` with what it printed.
fn examples(page: &str) -> Vec<(String, String)> {
    let blocks = page.split("```console\n$ weir ").skip(1).filter_map(|rest| rest.split_once("```"));
    blocks
        .map(|(block, _)| block.split_once('\n').unwrap())
        .map(|(c, o)| (c.to_owned(), o.to_owned()))
        .collect()
}

/// An example is what the program prints; or it is written so, with `WEIR_WRITE_DOCS`.
fn compare(page: &mut String, command: &str, example: &str, printed: &str) {
    if std::env::var_os("WEIR_WRITE_DOCS").is_none() {
        assert_eq!(example, printed, "weir {command}");
        return;
    }
    let block = |output: &str| format!("$ weir {command}\n{output}```");
    *page = page.replacen(&block(example), &block(printed), 1);
}

#[test]
fn designs_are_what_the_program_says() {
    let mut found = 0;
    for path in ["/../docs/design-an-experiment.md", "/../docs/cli.md"] {
        let path = format!("{}{path}", env!("CARGO_MANIFEST_DIR"));
        let mut page = std::fs::read_to_string(&path).unwrap();
        for (command, output) in
            examples(&page).into_iter().filter(|(command, _)| command.starts_with("design "))
        {
            found += 1;
            let run = weir(&command.split(' ').collect::<Vec<_>>());
            compare(&mut page, &command, &output, &run.out);
        }
        if std::env::var_os("WEIR_WRITE_DOCS").is_some() {
            std::fs::write(&path, page).unwrap();
        }
    }
    assert_eq!(found, 3);
}

/// The page on ramps: its files, and what its commands print of them.
#[test]
fn ramps_are_what_the_program_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/ramps.md");
    let mut page = std::fs::read_to_string(path).unwrap();
    let folder = crate::support::Folder::new();
    let mut files = std::collections::HashMap::new();
    for block in page.split("```yaml\n# ").skip(1) {
        let (name, text) = block.split_once("```").unwrap().0.split_once('\n').unwrap();
        files.insert(name.to_owned(), text.to_owned());
    }
    // The others differ as the text says.
    let of = |weights: [u32; 2], coverage: &str| {
        let two = files["button-20.yaml"].replace("coverage: 20%", &format!("coverage: {coverage}"));
        let [control, b] = weights;
        let two = two.replace("key: control, weight: 50", &format!("key: control, weight: {control}"));
        two.replace("key: b, weight: 50", &format!("key: b, weight: {b}"))
    };
    let more = [
        ("button-60.yaml", of([50, 50], "60%")),
        ("canary-10.yaml", of([90, 10], "100%")),
        ("canary-25.yaml", of([75, 25], "100%")),
        ("half.yaml", of([50, 50], "50%")),
        ("half-75.yaml", of([75, 25], "50%")),
        (
            "ranking-thirds.yaml",
            files["ranking.yaml"].replace("weight: 80", "weight: 34").replace("weight: 10", "weight: 33"),
        ),
    ];
    for (name, text) in
        files.iter().map(|(name, text)| (name.as_str(), text)).chain(more.iter().map(|(n, t)| (*n, t)))
    {
        folder.write(name, text);
    }
    let mut found = 0;
    for (command, output) in examples(&page) {
        found += 1;
        let arguments: Vec<String> = command
            .split(' ')
            .map(|word| if word.ends_with(".yaml") { folder.path(word) } else { word.to_owned() })
            .collect();
        let run = weir(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        compare(&mut page, &command, &output, &run.out);
    }
    assert_eq!(found, 8);
    if std::env::var_os("WEIR_WRITE_DOCS").is_some() {
        std::fs::write(path, page).unwrap();
    }
}
