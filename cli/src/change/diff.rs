//! `weir diff`: which share of units changes variant between two configurations.

use crate::document;
use crate::output::{Failure, Format, Outcome};
use std::io::Write;
use std::path::PathBuf;
use weir_workbench::change::diff;
use weir_workbench::subject::Draws;

/// Reports which share of units changes its variant between two configurations.
///
/// Prints for each experiment and each split of a routing rule the share of all units that moves between
/// variants. If only the hash decides, with the same seed and scale, the numbers are exact. If holdouts,
/// layers, prerequisites or variants decide too, or the seed differs, generated IDs run through the whole
/// pipeline of both configurations. Targeting is assumed to hold.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir diff canary.yaml canary-new.yaml
  git show HEAD:canary.yaml | weir diff - canary.yaml
  weir diff --old-draws canary.yaml canary.yaml

Exit codes: 0 no unit moves; 1 units move, or an experiment was added or removed; 2 a file is invalid.")]
pub(crate) struct Args {
    /// The configuration before; `-` is standard input.
    old: PathBuf,
    /// The configuration after.
    new: PathBuf,
    /// Number of generated IDs, for results that ranges do not determine.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    ids: u64,
    /// OLD ran on older modules, in which splits without a seed drew with the name of the rule alone.
    #[arg(long)]
    old_draws: bool,
    #[command(flatten)]
    format: Format,
}

/// Compares and writes.
///
/// # Errors
/// A file that cannot be used.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let old = document::load(&args.old, |_| true)?;
    let new = document::load(&args.new, |_| true)?;
    let draws = if args.old_draws { Draws::ByName } else { Draws::OfThisVersion };
    let report = diff::compare(old, new, draws, args.ids)?;
    if args.format.is_json() {
        crate::output::json(out, &report)?;
    } else {
        report.write_text(out)?;
    }
    Ok(if report.is_quiet() { Outcome::Fine } else { Outcome::Problems })
}
