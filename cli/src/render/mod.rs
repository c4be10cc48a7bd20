//! `weir render`: generates manifests and files for a configuration.

mod access_log;
mod alerts;
mod bootstrap;
mod dashboard;
pub(crate) mod envoy;
mod istio;
mod labels;
mod rules;

use crate::output::{Failure, Outcome};
use clap::Subcommand;
use serde_json::Value;
use std::io::Write;
use weir_workbench::yaml::write::{self, Block};

/// Generates manifests, Envoy files, Prometheus rules and dashboards for a configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    AccessLog(access_log::Args),
    Bootstrap(bootstrap::Args),
    Envoy(envoy::Args),
    Istio(istio::Args),
    Rules(rules::Args),
    Alerts(alerts::Args),
    Dashboard(dashboard::Args),
}

/// Renders.
///
/// # Errors
/// A file that cannot be used.
pub(crate) fn run(command: &Command, out: &mut impl Write) -> Result<Outcome, Failure> {
    match command {
        Command::AccessLog(args) => access_log::run(args, out),
        Command::Bootstrap(args) => bootstrap::run(args, out),
        Command::Envoy(args) => envoy::run(args, out),
        Command::Istio(args) => istio::run(args, out),
        Command::Rules(args) => rules::run(args, out),
        Command::Alerts(args) => alerts::run(args, out),
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
        self.write_block(&Block::of(value).commented(comments.to_vec()), out)
    }

    /// Writes a document that has its comments already. JSON has no place for them.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub(crate) fn write_block(self, document: &Block, out: &mut impl Write) -> Result<(), Failure> {
        if self.json {
            crate::output::json(out, &document.to_json())?;
        } else {
            out.write_all(write::write(document).as_bytes())?;
        }
        Ok(())
    }
}
