//! The sample service as a program.

#![forbid(unsafe_code)]

use std::io::{self, Write as _};
use std::net::SocketAddr;

use clap::Parser;
use weir_upstream::Upstream;

/// A sample service that answers each request with what it received, as JSON.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Name in the answers and in the header `x-upstream`.
    #[arg(long, default_value = "v1")]
    name: String,
    /// Address and port; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let options = Options::parse();
    let upstream = Upstream::start(&options.name, options.listen).await?;
    writeln!(io::stdout(), "listening on {}", upstream.address())?;
    stop_asked().await
}

/// Waits for SIGINT or SIGTERM. Both are caught, because the first process of a container ignores them else.
async fn stop_asked() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result,
        _ = terminate.recv() => Ok(()),
    }
}
