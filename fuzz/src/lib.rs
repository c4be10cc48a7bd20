//! Fuzz targets: one for each reader of what clients, issuers, vendors, files and registries send.
//!
//! A target is a function of bytes that panics when something is wrong. It has texts that mean something to the
//! reader (`PIECES`), which mutations put into inputs, and a corpus in `fuzz/corpus/TARGET`. `cargo test` replays all
//! corpora with some thousand mutations ([`random`]); `make fuzz` lets libFuzzer look for new inputs, guided by the
//! code that they reach (`src/main.rs`).

pub mod random;
mod support;
mod targets;

pub use targets::TARGETS;

/// A reader and what it is fed with.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name, which is also that of its corpus.
    pub name: &'static str,
    /// Feeds the reader, and panics when what comes of it is wrong.
    pub run: fn(&[u8]),
    /// Texts that mean something to the reader.
    pub pieces: &'static [&'static str],
}

impl Target {
    /// The target of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }
}
