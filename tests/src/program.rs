//! The program `weir`: what `WEIR_PROGRAM` names, else built once.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::paths;

/// Where it is.
///
/// # Panics
/// It cannot be built.
pub fn path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        if let Some(program) = std::env::var_os("WEIR_PROGRAM") {
            return program.into();
        }
        let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .current_dir(paths::root())
            .args(["build", "--quiet", "--profile", "host", "--bin", "weir"])
            .args(["--message-format", "json-render-diagnostics"])
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(output.status.success(), "weir cannot be built");
        let built = String::from_utf8(output.stdout).unwrap();
        let artifacts = built.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut programs = artifacts.filter(|artifact| artifact["target"]["kind"][0] == "bin");
        let weir = programs.find(|artifact| artifact["target"]["name"] == "weir").unwrap();
        weir["executable"].as_str().unwrap().into()
    })
}

/// What `weir render` prints for a configuration.
///
/// # Panics
/// It fails.
pub fn render(arguments: &[&str], configuration: &str) -> String {
    printed(&[&["render"], arguments, &["-"]].concat(), configuration)
}

/// The link that `weir link` makes with a configuration.
///
/// # Panics
/// It fails.
pub fn link(configuration: &str, arguments: &[&str]) -> String {
    printed(&[&["link", "-"], arguments].concat(), configuration).trim_end().to_owned()
}

fn printed(arguments: &[&str], configuration: &str) -> String {
    let mut child =
        Command::new(path()).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(configuration.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?} {configuration}: {}", output.status);
    String::from_utf8(output.stdout).unwrap()
}
