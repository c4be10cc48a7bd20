//! Fuzz targets: one for each reader of what clients, issuers, vendors, files and registries send.
//!
//! A target is a function of bytes that panics when something is wrong. It has texts that mean something to the
//! reader (`PIECES`), which mutations put into inputs, and a corpus in `fuzz/corpus/TARGET`. `cargo test` replays all
//! corpora with some thousand mutations ([`random`]); `make fuzz` lets libFuzzer look for new inputs, guided by the
//! code that they reach (`src/main.rs`).

pub mod random;
mod support;
mod target;
mod targets;

pub use target::Target;
pub use targets::{TARGETS, named};
