//! `weir render`: what has to stand around a configuration, made from it.

mod bootstrap;
mod dashboard;
mod rules;

use crate::output::{Failure, Outcome};
use crate::yaml::write::{self, Block};
use clap::Subcommand;
use serde_json::Value;
use std::io::Write;

/// Writes what a proxy and its surroundings need for a configuration, so that nobody has to by hand.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Bootstrap(bootstrap::Args),
    Rules(rules::Args),
    Dashboard(dashboard::Args),
}

/// Renders.
///
/// # Errors
/// A file that cannot be used.
pub(crate) fn run(command: &Command, out: &mut impl Write) -> Result<Outcome, Failure> {
    match command {
        Command::Bootstrap(args) => bootstrap::run(args, out),
        Command::Rules(args) => rules::run(args, out),
        Command::Dashboard(args) => dashboard::run(args, out),
    }
}

/// The form of what is rendered, which other programs read in any case.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Form {
    /// Write JSON instead of YAML.
    #[arg(long)]
    json: bool,
}

impl Form {
    /// Writes a value, in YAML below lines of comment.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub(crate) fn write(
        self,
        comments: &[String],
        value: &Value,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        if self.json {
            crate::output::json(out, value)?;
        } else {
            let document = Block::of(value).commented(comments.to_vec());
            out.write_all(write::write(&document).as_bytes())?;
        }
        Ok(())
    }
}
