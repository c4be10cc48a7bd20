//! The pages `docs/tutorial-*.md`, followed as a reader follows them: each file is written, each line that begins with
//! `$` is run in a shell, in order, and prints what the page says. `…` in the page stands for any lines.

use std::fs;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use super::run::{Running, Work, address};
use weir_tests::{paths, program};

/// Where the page says that Envoy listens.
const LISTENER: &str = "127.0.0.1:10000";

/// A part of a page.
enum Part {
    /// A block of YAML whose first line is `# NAME`.
    File(String, String),
    /// A command, and what it prints.
    Command(String, Vec<String>),
}

/// What is to be done, in the order of the page.
fn parts(page: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        match (language, block.first().and_then(|first| first.strip_prefix("# "))) {
            ("yaml", Some(name)) => parts.push(Part::File(name.to_owned(), block.join("\n") + "\n")),
            ("console", _) => {
                for line in block {
                    match (line.strip_prefix("$ "), parts.last_mut()) {
                        (Some(command), _) => parts.push(Part::Command(command.to_owned(), Vec::new())),
                        (None, Some(Part::Command(_, printed))) => printed.push(line.to_owned()),
                        (None, _) => panic!("a block of output without a command: {line}"),
                    }
                }
            }
            _ => {}
        }
    }
    parts
}

/// Whether the lines are those of the page.
fn agrees(printed: &[&str], page: &[String]) -> bool {
    match (printed, page) {
        ([], []) => true,
        (_, [dots, more @ ..]) if dots == "…" => {
            (0..=printed.len()).any(|skip| agrees(&printed[skip..], more))
        }
        ([line, rest @ ..], [expected, more @ ..]) => line == expected && agrees(rest, more),
        _ => false,
    }
}

/// Follows the page in a folder of its own; returns how many commands were run.
fn follow(page: &str) -> usize {
    let work = Work::empty();
    let mut running: Option<(Running, SocketAddr)> = None;
    let mut commands = 0;
    for part in parts(page) {
        match part {
            Part::File(name, text) => fs::write(work.path(&name), text).unwrap(),
            Part::Command(command, expected) if command.starts_with("weir run ") => {
                // One that goes on, on ports that are free, with Envoy in whatever way tests run it.
                drop(running.take());
                let config = command.split(' ').nth(2).unwrap();
                let started = Running::start_file(&work, config, &[]);
                let said = started.said();
                assert!(agrees(&said.iter().map(String::as_str).collect::<Vec<_>>(), &expected), "{said:?}");
                let listens = said.iter().find(|line| line.starts_with("Envoy listens")).unwrap();
                running = Some((started, address(listens)));
                commands += 1;
            }
            Part::Command(command, expected) => {
                let command = match &running {
                    Some((_, listener)) => command.replace(LISTENER, &listener.to_string()),
                    None => command,
                };
                let path = std::env::var("PATH").unwrap();
                let output = Command::new("bash")
                    .args(["-euo", "pipefail", "-c", &command])
                    .current_dir(work.path(""))
                    .env("PATH", format!("{}:{path}", program::path().parent().unwrap().display()))
                    .stdin(Stdio::null())
                    .output()
                    .unwrap();
                let printed = String::from_utf8(output.stdout).unwrap();
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{command}: {printed}{said}");
                let lines: Vec<&str> = printed.lines().collect();
                assert!(
                    agrees(&lines, &expected),
                    "{command}\nprints:\n{printed}\nthe page has:\n{expected:#?}"
                );
                commands += 1;
            }
        }
    }
    commands
}

#[test]
fn tutorials_can_be_followed() {
    let mut pages = 0;
    for entry in fs::read_dir(paths::root().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("tutorial-") {
            assert!(follow(&fs::read_to_string(&path).unwrap()) >= 5, "{name}: too few commands");
            pages += 1;
        }
    }
    assert!(pages > 0);
}

#[test]
fn a_page_that_says_something_else_fails() {
    let line = |text: &str| text.to_owned();
    assert!(agrees(&["a", "b", "c"], &[line("a"), line("…")]));
    assert!(agrees(&["a", "b", "c"], &[line("…"), line("c")]));
    assert!(!agrees(&["a", "b", "c"], &[line("…"), line("b")]));
    assert!(!agrees(&["a"], &[]));
    assert!(!agrees(&[], &[line("a")]));
}
