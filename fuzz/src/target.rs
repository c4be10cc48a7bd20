//! What a fuzz target is.

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
