//! What a pure filter and a host exchange, and nothing else: no filter and no proxy is known here.
//!
//! - [`header`]: header maps as bytes, read in place, and which values may be written.
//! - [`Disposition`]: what becomes of a request, with [`Reply`], [`Delay`] and [`Hold`].
//! - [`Signature`]: what a host can verify for a module.
//!
//! Filters stand on this crate, hosts too (`weir-host` for proxy-wasm). So a filter is tested without a host,
//! and a second kind of host needs no change of a filter.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]

mod disposition;
pub mod header;
mod signature;

pub use disposition::{Delay, Disposition, Hold, Reply};
pub use signature::Signature;
