//! The proxy-wasm module: one document configures it, one pass serves a request.
//!
//! [`Pipeline`] runs the filters of this build in their order over one view of the request. The entry
//! points are in `entry`, which only exists in the module itself; the configuration is
//! [`weir_document`]'s.

mod asked;
mod counters;
#[cfg(target_os = "wasi")]
mod entry;
#[cfg(feature = "jwt-claims")]
mod key_fetch;
#[cfg(feature = "metrics")]
mod measure;
mod pipeline;
#[cfg(feature = "response-faults")]
mod response_faults;

pub use pipeline::{Kept, Pipeline};
