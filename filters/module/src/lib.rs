//! The proxy-wasm module: one document configures it, one pass serves a request.
//!
//! [`Pipeline`] has the filters of this build, and `serve` runs them over one view of the request; how they are
//! configured, and the order in which they decide, is [`weir_pipeline`]'s. `apply` carries out what they decided: here
//! Weir's effects meet a host, which knows nothing of them. The entry points are in `entry`, which only exists in the
//! module itself. What a build has no filter for is a null object of the same name, in `absent/`.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]

mod apply;
#[cfg(target_os = "wasi")]
mod entry;
#[cfg_attr(not(feature = "jwt-claims"), path = "absent/key_fetch.rs")]
mod key_fetch;
mod pipeline;
#[cfg_attr(not(feature = "response-faults"), path = "absent/response_faults.rs")]
mod response_faults;
mod running;
mod serve;

pub use pipeline::Pipeline;
pub use running::metrics as running_metrics;
pub use serve::{Kept, Workspace};
