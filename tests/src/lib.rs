//! Tests of the modules as they are shipped: one format of case files, two drivers that run them.
//!
//! - [`case`]: the case files under `tests/cases` and the comparison of what is expected with what happened.
//! - [`minihost`]: an interpreter with proxy-wasm's imports, which counts fuel and hostcalls.

pub mod minihost;
