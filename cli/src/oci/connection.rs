//! How a registry is reached.

use std::path::PathBuf;

/// The options of all commands that talk to a registry.
#[derive(Debug, clap::Args)]
pub(crate) struct Connection {
    /// Connect to the registry by HTTP without TLS.
    #[arg(long)]
    pub(super) plain_http: bool,
    /// Trust the certificates in this PEM file, in addition to the system's.
    #[arg(long, value_name = "FILE", conflicts_with = "plain_http")]
    pub(super) ca_file: Option<PathBuf>,
}
