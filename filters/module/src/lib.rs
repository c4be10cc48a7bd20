//! The proxy-wasm module: one document configures it, one pass serves a request.
//!
//! [`Document`] is the whole configuration language as far as the filters in this build go, and
//! [`Pipeline`] runs those filters in their order over one view of the request. The entry points
//! are in `entry`, which only exists in the module itself.

mod document;
#[cfg(target_os = "wasi")]
mod entry;
mod pipeline;

pub use document::{Document, VERSION, validate};
pub use pipeline::Pipeline;
