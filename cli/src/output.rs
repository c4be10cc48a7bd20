//! What the commands have in common: exit codes, and the two forms of results.

use clap::ValueEnum;
use serde::Serialize;
use std::io::{self, Write};
use std::process::ExitCode;

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

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Writing the results failed.
    Output(io::Error),
    /// A message for the user.
    Message(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::Message(message)
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
    /// The form of the results.
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Form::Text)]
    output: Form,
}

impl Format {
    pub(crate) fn is_json(self) -> bool {
        self.output == Form::Json
    }
}

/// Writes a result as JSON, for people to read too.
pub(crate) fn json(out: &mut impl Write, result: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, result)?;
    writeln!(out)
}

/// `1 problem`, `2 problems`.
pub(crate) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// A share from 0 to 1 as a percentage, with up to four decimals: `12.5 %`.
pub(crate) fn percent(share: f64) -> String {
    let text = format!("{:.4}", share * 100.0);
    let short = text.trim_end_matches('0').trim_end_matches('.');
    format!("{short} %")
}
