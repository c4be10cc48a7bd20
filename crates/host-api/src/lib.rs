//! What a pure filter and a host exchange, and nothing else: no filter and no proxy is known here.
//!
//! - [`header`]: header maps as bytes, read in place, and which values may be written.
//! - [`Disposition`]: what becomes of a request, with [`Reply`], [`Delay`] and [`Hold`].
//! - [`HostServices`] and [`ResponseView`]: what a host does for a filter, in traits for each capability ([`Clock`],
//!   [`Random`], [`Properties`], [`Cel`], [`Signatures`], [`Headers`], [`Metrics`], [`Log`]).
//! - [`Signature`], [`HeaderMap`], [`MetricKind`]: the values that pass between them.
//!
//! Filters stand on this crate, hosts too (`weir-host` for proxy-wasm). So a filter is tested without a host,
//! and a second kind of host needs no change of a filter.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]

mod capabilities;
mod disposition;
pub mod header;
mod metric;
mod signature;

pub use capabilities::{
    Cel, Clock, Headers, HostServices, Log, Metrics, Properties, Random, ResponseView, Signatures,
};
pub use disposition::{Delay, Disposition, Hold, Reply};
pub use header::HeaderMap;
pub use metric::{MetricId, MetricKind};
pub use signature::Signature;
