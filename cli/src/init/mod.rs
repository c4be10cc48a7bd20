//! `weir init`: a first configuration, and the files around it.

mod answers;
mod configuration;
mod files;

use crate::output::{Failure, Outcome};
use answers::{Answers, Questions, Split, Where};
use std::io::Write;
use std::path::PathBuf;

/// Writes a first configuration, with comments, and the files that load it.
///
/// Asks four questions: where Weir runs, what identifies a user, what is divided, and whether requests have
/// tokens. Each answer can be given as an option; with `--yes` the questions without an option have their default.
/// Existing files are never overwritten.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir init
  weir init --yes && weir run
  weir init --yes --where istio --unit header:x-user-id --split experiment --to deploy/weir
  weir init --yes --tokens https://id.example.com --unit claim:sub

Exit codes: 0 the files are written; 2 an answer is invalid, or a file exists or cannot be written; nothing is \
written then.")]
pub(crate) struct Args {
    /// Where Weir runs. Default: envoy.
    #[arg(long = "where", value_name = "PLACE")]
    place: Option<Where>,
    /// What identifies a user: `anonymous`, for a cookie with an anonymous ID, or a source such as header:x-user-id,
    /// cookie:uid or claim:sub, with that cookie for all others. Default: anonymous.
    #[arg(long, value_name = "SOURCE")]
    unit: Option<String>,
    /// What is divided. Default: canary.
    #[arg(long)]
    split: Option<Split>,
    /// The issuer of the tokens that requests must have, such as https://id.example.com, or `none`. Default: none.
    #[arg(long, value_name = "ISSUER")]
    tokens: Option<String>,
    /// The folder for the files, which is created if it does not exist.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    to: PathBuf,
    /// Ask nothing.
    #[arg(long)]
    yes: bool,
}

/// Asks, and writes the files.
///
/// # Errors
/// An invalid answer; a file that exists or cannot be written.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let given = Questions {
        place: args.place,
        unit: args.unit.as_deref(),
        split: args.split,
        tokens: args.tokens.as_deref(),
    };
    let answers =
        if args.yes { Answers::of(&given)? } else { Answers::ask(&given, std::io::stdin().lock(), out)? };
    let files = files::all(&answers)?;
    files::write(&args.to, &files)?;
    for (name, _) in &files {
        writeln!(out, "wrote {}", files::shown(&args.to, name))?;
    }
    writeln!(out, "\n{}", files::next(&answers, &args.to))?;
    Ok(Outcome::Fine)
}
