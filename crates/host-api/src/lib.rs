//! What a pure filter and a host exchange, and nothing else: no filter and no proxy is known here.
//!
//! - [`header`]: header maps as bytes, read in place, and which values may be written.
//! - [`Disposition`]: what becomes of a request, with [`Reply`], [`Delay`] and [`Hold`].
//! - [`HostServices`] and [`ResponseView`]: what a host does for a filter, in traits for each capability ([`Clock`],
//!   [`Random`], [`Properties`], [`Cel`], [`Signatures`], [`Headers`], [`Metrics`], [`Log`]).
//! - [`Signature`], [`HeaderMap`], [`MetricKind`]: the values that pass between them.
//! - [`Callbacks`]: what a module can do without.
//!
//! Filters stand on this crate, hosts too (`weir-host` for proxy-wasm). So a filter is tested without a host,
//! and a second kind of host needs no change of a filter.
//!
//! ```
//! use weir_host_api::header::{Pairs, encode_pairs};
//! use weir_host_api::{Disposition, Properties, Reply};
//!
//! /// A filter's decision: the proxy answers health checks from its own machine.
//! fn decide(mut headers: Pairs<'_>, host: &impl Properties) -> Disposition {
//!     let is_health_check = headers.any(|header| header.name == b":path" && header.value == b"/health");
//!     let is_local = || host.property(b"source\0address").is_some_and(|address| address.starts_with(b"127."));
//!     match is_health_check && is_local() {
//!         true => Disposition::Reply(Box::new(Reply::new(200, "health_check"))),
//!         false => Disposition::On,
//!     }
//! }
//!
//! /// A host for its test. That of a proxy is in `weir-host`, a complete one for tests in `weir-testkit`.
//! struct Client(&'static str);
//!
//! impl Properties for Client {
//!     type Bytes = Vec<u8>;
//!     fn property(&self, path: &[u8]) -> Option<Vec<u8>> {
//!         (path == b"source\0address").then(|| self.0.into())
//!     }
//! }
//!
//! let raw = encode_pairs(&[(":path", "/health")]);
//! let mut answered = decide(Pairs::new(&raw), &Client("127.0.0.1:50000"));
//! assert_eq!(answered.reply_mut().map(|reply| reply.status), Some(200));
//! assert_eq!(decide(Pairs::new(&raw), &Client("192.0.2.7:50000")), Disposition::On);
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]

mod callbacks;
mod capabilities;
mod disposition;
pub mod header;
mod metric;
mod signature;

pub use callbacks::Callbacks;
pub use capabilities::{
    Cel, Clock, Headers, HostServices, Log, Metrics, Properties, Random, ResponseView, Signatures,
};
pub use disposition::{Delay, Disposition, Hold, Reply};
pub use header::HeaderMap;
pub use metric::{MetricId, MetricKind};
pub use signature::Signature;
