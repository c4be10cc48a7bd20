//! `weir render`: generates manifests and files for a configuration.

mod access_log;
mod alerts;
mod bootstrap;
mod dashboard;
pub(crate) mod envoy;
mod form;
mod istio;
mod labels;
mod rules;

use crate::output::{Failure, Outcome};
use clap::Subcommand;
use std::io::Write;

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
