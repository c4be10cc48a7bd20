//! Shared by all commands: exit codes, and the two output formats.

use clap::ValueEnum;
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use weir_core::escape;
use weir_workbench::check;

pub(crate) use weir_workbench::text::percent;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All is well.
    Fine,
    /// The command did what it should, and what it found is not as one would wish: problems in a
    /// configuration, a difference, something that could not be imported.
    Problems,
    /// The command could not do its work: wrong usage, a file that cannot be read.
    Failure,
    /// A program that the command ran has ended so.
    Exit(u8),
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Fine => Self::SUCCESS,
            Outcome::Problems => Self::from(1),
            Outcome::Failure => Self::from(2),
            Outcome::Exit(code) => Self::from(code),
        }
    }
}

impl From<check::Outcome> for Outcome {
    fn from(checked: check::Outcome) -> Self {
        match checked {
            check::Outcome::Fine => Self::Fine,
            check::Outcome::Problems => Self::Problems,
            check::Outcome::Unchecked => Self::Failure,
        }
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Writing the results failed.
    Output(io::Error),
    /// Anything else.
    Error(anyhow::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Error(error)
    }
}

impl From<weir_workbench::Error> for Failure {
    fn from(error: weir_workbench::Error) -> Self {
        Self::Error(error.into())
    }
}

/// An error as people read it: each context before what it is about, `file: line: what is wrong`. No cause is left
/// out, and none is said twice: errors whose own text has their cause have no `source`.
pub(crate) fn in_words(error: &anyhow::Error) -> String {
    format!("{error:#}")
}

/// The words of an error that is there.
#[cfg(test)]
pub(crate) trait Refusal {
    fn refusal(self) -> String;
}

#[cfg(test)]
impl<T> Refusal for anyhow::Result<T> {
    #[track_caller]
    fn refusal(self) -> String {
        in_words(&self.err().unwrap())
    }
}

/// The form of a command's results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For people.
    Text,
    /// For programs; the fields are documented in docs/cli.md.
    Json,
}

/// The option that chooses the form.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Format {
    /// Output format.
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Form::Text)]
    output: Form,
}

impl Format {
    pub(crate) fn is_json(self) -> bool {
        self.output == Form::Json
    }
}

/// Standard output as all commands have it: what acts on terminals is written as `\uXXXX`, which JSON and
/// quoted YAML read back. Only line feeds and tabs stay.
pub(crate) struct Escaped<W: Write> {
    inner: W,
    /// The beginning of a character that was cut in two.
    cut: Vec<u8>,
}

impl<W: Write> Escaped<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self { inner, cut: Vec::new() }
    }

    /// What is below, for a writer that lets nothing through but colours.
    pub(crate) fn unescaped(&mut self) -> &mut W {
        &mut self.inner
    }
}

impl<W: Write> Write for Escaped<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let joined;
        let mut rest = bytes;
        if !self.cut.is_empty() {
            self.cut.extend_from_slice(bytes);
            joined = std::mem::take(&mut self.cut);
            rest = &joined;
        }
        while !rest.is_empty() {
            let (text, wrong) = match std::str::from_utf8(rest) {
                Ok(text) => (text, 0),
                Err(error) => {
                    let (good, _) = rest.split_at(error.valid_up_to());
                    // The end of the text can be the beginning of a character.
                    let wrong = error.error_len().unwrap_or(rest.len() - good.len());
                    if error.error_len().is_none() {
                        self.cut = rest[good.len()..].to_vec();
                    }
                    (std::str::from_utf8(good).unwrap_or_default(), wrong)
                }
            };
            self.inner.write_all(visible(text).as_bytes())?;
            if wrong > 0 && self.cut.is_empty() {
                self.inner.write_all("\u{fffd}".as_bytes())?;
            }
            rest = &rest[text.len() + wrong..];
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The text with everything written out that acts on terminals, but for line feeds and tabs.
fn visible(text: &str) -> std::borrow::Cow<'_, str> {
    let acts = |c: char| c != '\n' && c != '\t' && escape::is_hidden(c);
    if !text.chars().any(acts) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if acts(c) { escape::push(&mut out, c) } else { out.push(c) }
    }
    out.into()
}

/// Says something on standard error, as all commands do: in a line that begins with the program's name.
pub(crate) fn complain(message: &str) {
    eprintln!("weir: {}", visible(message));
}

/// Writes a file as a whole: into a fresh one beside it, which takes its place. Symbolic links are not
/// followed: one that has the file's name is replaced.
///
/// # Errors
/// Why it cannot be written; then what was there before is there still.
pub(crate) fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    // Others may read it, as far as the user's umask says so: proxies often run as somebody else.
    let fresh = fresh(file, bytes, std::fs::Permissions::from_mode(0o666))?;
    fresh.persist(file).map(drop).map_err(|error| error.error)
}

/// The same with exactly these permissions, which it has from the first byte on.
///
/// # Errors
/// As [`replace`].
pub(crate) fn replace_with(file: &Path, bytes: &[u8], permissions: std::fs::Permissions) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let fresh = fresh(file, bytes, std::fs::Permissions::from_mode(0o600))?;
    fresh.as_file().set_permissions(permissions)?;
    fresh.persist(file).map_err(|error| error.error)?;
    // So that what is written next is not there without this, whatever happens to the machine.
    std::fs::File::open(folder_of(file))?.sync_all()
}

/// The folder of a file.
fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn fresh(
    file: &Path,
    bytes: &[u8],
    permissions: std::fs::Permissions,
) -> io::Result<tempfile::NamedTempFile> {
    let mut fresh =
        tempfile::Builder::new().prefix(".weir-").permissions(permissions).tempfile_in(folder_of(file))?;
    fresh.write_all(bytes)?;
    fresh.as_file().sync_all()?;
    Ok(fresh)
}

/// Writes a result as JSON, for people to read too.
pub(crate) fn json(out: &mut impl Write, result: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, result)?;
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_terminals_is_written_out() {
        for (text, expected) in [
            ("plain\n\tä 你 😀", "plain\n\tä 你 😀"),
            ("\u{1b}]0;x\u{7}\r\u{9b}1m\u{202e}", "\\u001b]0;x\\u0007\\u000d\\u009b1m\\u202e"),
        ] {
            for part in 1..=text.len() {
                let mut out = Escaped::new(Vec::new());
                text.as_bytes().chunks(part).for_each(|part| out.write_all(part).unwrap());
                assert_eq!(String::from_utf8(out.inner).unwrap(), expected, "{part}");
            }
        }
    }

    #[test]
    fn what_is_no_text_is_said_to_be_none() {
        let mut out = Escaped::new(Vec::new());
        out.write_all(b"a\xff\xc3b\xf0\x9f").unwrap();
        out.write_all(b"c").unwrap();
        assert_eq!(String::from_utf8(out.inner).unwrap(), "a\u{fffd}\u{fffd}b\u{fffd}c");
    }

    #[cfg(unix)]
    #[test]
    fn files_are_replaced_and_links_not_followed() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("victim"), "dear").unwrap();
        for link in ["out", "out.new"] {
            symlink(path("victim"), path(link)).unwrap();
        }
        replace(&path("out"), b"new").unwrap();
        assert_eq!(std::fs::read(path("victim")).unwrap(), b"dear");
        let written = std::fs::symlink_metadata(path("out")).unwrap();
        assert!(written.is_file() && written.permissions().mode() & 0o600 == 0o600);
        assert_eq!(std::fs::read(path("out")).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3, "nothing is left behind");
        assert!(replace(&path("absent/out"), b"").is_err());
    }
}
