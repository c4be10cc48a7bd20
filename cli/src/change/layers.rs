//! `weir layers`: the ranges of each layer, by experiment, and the free ranges.

use crate::document;
use crate::output::{Failure, Format, Outcome};
use std::io::Write;
use std::path::PathBuf;
use weir_workbench::change::layers;

/// Shows the layers of a configuration: the ranges of each experiment, and the free ranges.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir layers experiments.yaml
  weir layers experiments.yaml --output json

Exit codes: 0 the file is valid; 2 it is not.")]
pub(crate) struct Args {
    /// The configuration; `-` is standard input.
    config: PathBuf,
    #[command(flatten)]
    format: Format,
}

/// Reads and writes.
///
/// # Errors
/// A file that cannot be used.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let loaded = document::load(&args.config, |loaded| loaded.document.experiments.is_some())?;
    let report = layers::of(&loaded.document);
    if args.format.is_json() {
        crate::output::json(out, &report)?;
    } else {
        report.write_text(out)?;
    }
    Ok(Outcome::Fine)
}
