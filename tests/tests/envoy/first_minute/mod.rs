//! The first minute: two commands, after which a request has been routed, was recognised again, and is counted. README has a
//! recording of them, which is what they print.
//!
//! To record again: `scripts/recording`.

mod recording;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use weir_tests::envoy::{Signal, signal};
use weir_tests::{paths, program};

/// What is typed.
const COMMANDS: [&[&str]; 2] = [&["init", "--yes"], &["run"]];
/// Longer than both take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// IDs are random, and so are targets: in one of these tries a visitor goes to the stable version first, and another one to
/// the canary.
const TRIES: usize = 5;
const LAST: &str = "Ctrl-C stops everything.";

/// A new folder, with the module where `make wasm` puts it.
struct Work(TempDir);

impl Work {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("weir-first-minute-").tempdir().unwrap();
        let work = Self(folder);
        fs::create_dir(work.path("dist")).unwrap();
        std::os::unix::fs::symlink(paths::module("weir").unwrap(), work.path("dist/weir.wasm")).unwrap();
        let script = paths::root().join("scripts/envoy");
        let folder = work.0.path().display();
        // The variable names this script; the one inside knows it too.
        let outer = std::env::var("ENVOY")
            .map_or_else(|_| "unset ENVOY".to_owned(), |path| format!("ENVOY='{path}'"));
        let text =
            format!("#!/bin/sh\n{outer}\nexec '{}' run --mount '{folder}' -- \"$@\"\n", script.display());
        fs::write(work.path("envoy"), text).unwrap();
        fs::set_permissions(work.path("envoy"), fs::Permissions::from_mode(0o755)).unwrap();
        work
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn start(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new(program::path());
        command.args(arguments).current_dir(self.0.path());
        command.env("ENVOY", self.path("envoy")).env("TMPDIR", self.0.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap()
    }
}

/// What both commands print up to the last line, and how long that took.
fn minute() -> (Vec<String>, Duration) {
    let work = Work::new();
    let start = Instant::now();
    let mut lines = Vec::new();
    let mut took = Duration::ZERO;
    for arguments in COMMANDS {
        let mut child = work.start(arguments);
        let output = BufReader::new(child.stdout.take().unwrap());
        for line in output.lines().map_while(Result::ok) {
            let last = line == LAST;
            lines.push(line);
            if last {
                took = start.elapsed();
                break;
            }
        }
        if lines.last().is_some_and(|line| line == LAST) {
            signal(&child, Signal::INT).unwrap();
        }
        assert!(child.wait().unwrap().success(), "{arguments:?}: {lines:#?}");
    }
    (lines, took)
}

/// The cells of the table's rows.
fn rows(lines: &[String]) -> Vec<Vec<&str>> {
    let head =
        lines.iter().position(|line| line.starts_with("  status")).unwrap_or_else(|| panic!("{lines:#?}"));
    let rows = lines[head + 1..].iter().take_while(|line| !line.is_empty());
    rows.map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()).collect()
}

#[test]
fn a_request_is_routed_sticky_and_counted_and_readme_shows_it() {
    let mut usual = None;
    for _ in 0..TRIES {
        let (lines, took) = minute();
        println!(
            "`weir init --yes && weir run` up to a routed, sticky, counted request: {:.1} s",
            took.as_secs_f64()
        );
        assert!(took < PATIENCE, "{took:?}: {lines:#?}");
        let rows = rows(&lines);
        for row in &rows {
            assert_eq!(row[0], "200", "{lines:#?}");
        }
        assert!(lines.iter().any(|line| line.starts_with("Sticky: ")), "{lines:#?}");
        let upstreams: Vec<&str> = rows.iter().map(|row| row[1]).collect();
        for upstream in &upstreams {
            let counted = |line: &String| line.contains(&format!("requests to {upstream} +"));
            assert!(lines.iter().any(counted), "{lines:#?}");
        }
        if upstreams == ["stable", "stable", "canary", "canary"] {
            assert!(rows[0][3].starts_with("cookie weir-id="), "{lines:#?}");
            assert!(rows[2][3].starts_with("x-weir-route: canary, cookie weir-id="), "{lines:#?}");
            assert_eq!(rows[3][3], "x-weir-route: canary", "{lines:#?}");
            usual = Some(lines);
            break;
        }
    }
    recording::hold(&usual.expect("another target in none of the tries"));
}
