//! Tests of the modules as they are shipped: one format of case files, two drivers that run them.
//!
//! - [`case`]: the case files under `tests/cases`, and the comparison of what is expected with what happened.
//! - [`minihost`]: an interpreter with proxy-wasm's imports, which counts fuel and hostcalls; a crate of its own.
//! - [`envoy`]: the real Envoy with sample upstreams; [`client`]: an HTTP client that sends any bytes.
//! - [`jwks_server`] and [`origin`]: servers that answer as a test wants it, broken and lying answers too.
//! - [`exposition`]: Prometheus' text format, read strictly.
//! - [`grpc`]: an echo server and its client.
//! - [`hostile`]: requests by chance that want past the rules, and what must hold for each.
//! - [`driver`]: runs a case in the one or the other.
//! - [`kubernetes`]: a real API server.
//! - [`mutated`]: manifests with mistakes, and what `weir check` says of them.
//! - [`program`]: the command line, for tests of what it writes.
//! - [`vectors`]: what the SDKs of other vendors assign, as experiments.

#![forbid(unsafe_code)]

pub mod case;
pub mod client;
pub mod driver;
pub mod envoy;
pub mod exposition;
pub mod growth;
pub mod grpc;
pub mod hostile;
pub mod jwks_server;
pub mod kubernetes;
pub mod mutated;
pub mod origin;
pub mod paths;
pub mod program;
pub mod vectors;
pub mod webhook;

pub use weir_minihost as minihost;

/// How long a test waits for what must happen. It is no measure of anything: on a busy machine each update of a
/// configuration may take many seconds.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// How much of something a test makes: the number in an environment variable, as `make test-nightly` sets it, or
/// `usual`.
///
/// # Panics
/// The variable is not a number.
#[must_use]
pub fn scaled(variable: &str, usual: usize) -> usize {
    std::env::var(variable)
        .map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{variable}: {text}")))
}
