//! The proxy-wasm module: one document configures it, one pass serves a request.
//!
//! [`Pipeline`] runs the filters of this build in their order over one view of the request. The entry
//! points are in `entry`, which only exists in the module itself; the configuration is
//! [`weir_document`]'s.

mod counters;
#[cfg(target_os = "wasi")]
mod entry;
mod pipeline;

pub use pipeline::{Kept, Pipeline};
