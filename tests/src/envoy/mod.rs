//! The real Envoy: a bootstrap made for tests, the process or container, its admin interface.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use weir_tests::client::{Client, Request};
//! use weir_tests::envoy::{Bootstrap, Envoy, Listener, Plugin};
//! let plugin = Plugin::new("ab_routing")?.config(&serde_json::json!({"routing": {"rules": []}}));
//! let envoy = Envoy::start(Bootstrap::default().listener(Listener::new().plugin(plugin)))?;
//! let response = Client::http1().send(envoy.listener(0), &Request::get("/"))?;
//! # Ok(()) }
//! ```

mod admin;
mod bootstrap;
mod cluster;
mod cost;
mod listener;
mod plugin;
mod process;
mod prometheus;
mod shipped;

pub use admin::Histogram;
pub use bootstrap::Bootstrap;
pub use cluster::Cluster;
pub use listener::{Filter, Listener};
pub use plugin::{Config, FailurePolicy, Plugin, Shell};
pub use process::{Envoy, EnvoyError, runtime_name, signal};
pub use prometheus::{Sample, metric_tags};
pub use rustix::process::Signal;
pub use shipped::smallest_module;
