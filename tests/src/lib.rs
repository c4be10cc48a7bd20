//! Tests of the modules as they are shipped: one format of case files, two drivers that run them.
//!
//! - [`case`]: the case files under `tests/cases`, and the comparison of what is expected with what happened.
//! - [`minihost`]: an interpreter with proxy-wasm's imports, which counts fuel and hostcalls.
//! - [`envoy`]: the real Envoy with sample upstreams; [`client`]: an HTTP client that sends any bytes.
//! - [`driver`]: runs a case in the one or the other.
//! - [`vectors`]: what the SDKs of other vendors assign, as experiments.

pub mod case;
pub mod client;
pub mod driver;
pub mod envoy;
pub mod minihost;
pub mod paths;
pub mod vectors;
