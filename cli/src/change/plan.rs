//! `weir plan`: new weights for a running experiment or split, with the least possible movement.

use crate::environment;
use crate::input;
use crate::output::{Failure, Format, Outcome, replace_with};
use crate::subject::Chosen;
use anyhow::{Context as _, anyhow};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use weir_workbench::change::plan::Change;

/// Computes ranges for new weights that move as few units as possible.
///
/// Weights determine how many units each variant gets, but not which: with three variants or more, a change
/// moves more units than necessary. This command starts from the current allocation, and moves exactly the
/// surplus of shrinking variants to growing ones. Paste the printed ranges into the configuration in place of
/// weights and coverage, or use `--write`, which preserves comments and everything else.
///
/// Splits of routing rules have only weights, with a layout that moves few units; for them the command prints
/// the movement.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir plan checkout.yaml --experiment checkout --weights control=34,b=33,c=33
  weir plan checkout.yaml --experiment checkout --weights control=50,b=50 --coverage 20% --write
  weir plan checkout.yaml --experiment checkout --coverage 50%
  weir plan checkout.yaml --experiment checkout --weights control=34,b=33,c=33 --add c
  weir plan canary.yaml --split canary --weights stable=80,canary=20

Exit codes: 0 there is a plan; 2 there is none, or the file is invalid.")]
pub(crate) struct Args {
    /// The current configuration; `-` is standard input.
    config: PathBuf,
    #[command(flatten)]
    which: Chosen,
    /// The new weights, relative to their sum, for all variants; 0 empties a variant. Default: the current
    /// weights.
    #[arg(
        long,
        value_name = "VARIANT=WEIGHT,...",
        required_unless_present = "coverage",
        value_delimiter = ','
    )]
    weights: Vec<String>,
    /// New variants.
    #[arg(long, value_name = "VARIANT,...", value_delimiter = ',')]
    add: Vec<String>,
    /// The fraction of all units that takes part. Default: the current coverage.
    #[arg(long, value_name = "PART")]
    coverage: Option<String>,
    /// Write the plan into the file.
    #[arg(long)]
    write: bool,
    #[command(flatten)]
    format: Format,
}

/// Plans and writes.
///
/// # Errors
/// A file that cannot be used, weights that cannot be had.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let (file, text) = input::named(&args.config)?;
    let change = Change {
        which: &args.which.which(),
        weights: &args.weights,
        add: &args.add,
        coverage: args.coverage.as_deref(),
        variables: &environment::inherited(),
    };
    let report = change.planned(&file, &text)?;
    if args.write {
        if args.config.as_os_str() == "-" {
            return Err(anyhow!("--write: give a file, not standard input").into());
        }
        let written = change.applied(&file, &text)?;
        overwrite(&args.config, &written).with_context(|| file.clone())?;
    }
    if args.format.is_json() {
        crate::output::json(out, &report)?;
    } else {
        report.write_text(out, args.write)?;
    }
    Ok(Outcome::Fine)
}

/// Replaces the content of the file. A symbolic link is followed, and permissions are kept.
pub(crate) fn overwrite(path: &Path, text: &str) -> io::Result<()> {
    let path = path.canonicalize()?;
    let permissions = path.metadata()?.permissions();
    replace_with(&path, text.as_bytes(), permissions)
}
