//! `weir admission`: a webhook that an API server asks before it takes a resource.
//!
//! `review` answers a question, without input or output; `server` speaks HTTP over TLS; `connections` says which of
//! them has to go when there are too many; `certificate` reads the server's certificate, again whenever its files change.

mod certificate;
mod connections;
mod review;
mod server;

use crate::environment::Environment;
use crate::output::{Failure, Outcome};
use anyhow::Context as _;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// Serves a validating webhook for Kubernetes, which refuses resources whose configuration a proxy would refuse.
///
/// It checks WasmPlugins, TrafficExtensions and EnvoyExtensionPolicies as `weir check` does: problems refuse a resource,
/// warnings are shown by kubectl. Wasm plugins of others are admitted unchecked. See wasm-plugins/admission.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Example:
  weir admission --certificate /certificates/tls.crt --key /certificates/tls.key

Exit codes: 0 it was stopped by a signal; 2 a file cannot be read, or the address cannot be used.")]
pub(crate) struct Args {
    /// The server's certificate with its chain, PEM. Read again when it changes.
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// Its private key, PEM.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8443")]
    listen: SocketAddr,
    /// Treat every Wasm plugin as Weir's.
    #[arg(long)]
    all_plugins: bool,
    /// Refuse resources with warnings as well.
    #[arg(long)]
    deny_warnings: bool,
    #[command(flatten)]
    environment: Environment,
}

/// Serves until it is told to stop.
///
/// # Errors
/// Files that cannot be read, an address that cannot be used.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let rules = review::Rules {
        variables: args.environment.read()?,
        all_plugins: args.all_plugins,
        deny_warnings: args.deny_warnings,
    };
    let certificate = Arc::new(certificate::Certificate::read(&args.certificate, &args.key)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(anyhow::Error::from)?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(args.listen).await;
        let listener = listener.with_context(|| format!("--listen {}", args.listen))?;
        let address = listener.local_addr().map_err(anyhow::Error::from)?;
        writeln!(out, "listening on https://{address}/validate")?;
        out.flush()?;
        tokio::spawn(certificate::follow(Arc::clone(&certificate)));
        server::serve(listener, certificate, rules).await.map_err(anyhow::Error::from)?;
        Ok(Outcome::Fine)
    })
}
