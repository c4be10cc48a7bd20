//! `weir check`: says of each file what a proxy would say.

use std::fs;
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What came out for a file; for several files, the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Right,
    Wrong,
    Unreadable,
}

impl Verdict {
    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

/// Checks all the files and writes a line for each that is right and for each problem.
///
/// # Errors
/// When `out` cannot be written to.
pub(crate) fn files(files: &[PathBuf], out: &mut impl Write) -> io::Result<Verdict> {
    let mut worst = Verdict::Right;
    for file in files {
        let name = if is_stdin(file) { "(standard input)".into() } else { file.display().to_string() };
        let verdict = match read(file) {
            Ok(bytes) => match problems(&bytes) {
                problems if problems.is_empty() => {
                    writeln!(out, "{name}: ok")?;
                    Verdict::Right
                }
                problems => {
                    problems.iter().try_for_each(|problem| writeln!(out, "{name}: {problem}"))?;
                    Verdict::Wrong
                }
            },
            Err(error) => {
                eprintln!("weir: {name}: {error}");
                Verdict::Unreadable
            }
        };
        worst = worst.max(verdict);
    }
    Ok(worst)
}

fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    if !is_stdin(file) {
        return fs::read(file);
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What is wrong with a configuration in YAML or JSON, one text for each problem.
fn problems(bytes: &[u8]) -> Vec<String> {
    match to_json(bytes) {
        Ok(json) => match weir_document::validate(&json) {
            Ok(()) => Vec::new(),
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        },
        Err(message) => vec![message],
    }
}

/// The JSON that a proxy would hand to the module. YAML as such never reaches it: Istio and Envoy
/// convert it.
fn to_json(bytes: &[u8]) -> Result<Vec<u8>, String> {
    // JSON first: not all of it is YAML (tabs, surrogate pairs in escapes).
    if serde_json::from_slice::<serde_json::Value>(bytes).is_ok() {
        return Ok(bytes.to_vec());
    }
    let text = std::str::from_utf8(bytes).map_err(|error| format!("not UTF-8: {error}"))?;
    let value: serde_json::Value = serde_saphyr::from_str(text).map_err(|error| not_yaml(&error))?;
    // A file with nothing but comments.
    if value.is_null() {
        return Ok(Vec::new());
    }
    serde_json::to_vec(&value).map_err(|error| error.to_string())
}

/// What is wrong with the YAML in one line, without the excerpt that the parser would add.
fn not_yaml(error: &serde_saphyr::Error) -> String {
    let error = error.without_snippet().render_with_formatter(&serde_saphyr::UserMessageFormatter);
    format!("not valid YAML: {}", error.lines().next().unwrap_or_default())
}
