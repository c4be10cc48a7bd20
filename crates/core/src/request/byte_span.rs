//! The position of a value of a request.

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed.

/// The position of a value: nowhere, in the host's buffer or, if it had to be decoded, joined or lower-cased,
/// in the arena. Two words, so that positions are written and read with few instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ByteSpan {
    /// Where it starts; the highest bit says that this is in the arena.
    start: u32,
    /// How long it is; [`ByteSpan::NO_LENGTH`] when there is nothing.
    len: u32,
}

/// A position or a length. What does not fit lies behind every buffer.
#[inline]
fn number(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

impl Default for ByteSpan {
    fn default() -> Self {
        Self::ABSENT
    }
}

impl ByteSpan {
    const NO_LENGTH: u32 = u32::MAX;
    const IN_ARENA: u32 = 1 << 31;

    /// Nowhere.
    pub(crate) const ABSENT: Self = Self { start: 0, len: Self::NO_LENGTH };

    /// In the host's buffer. (No proxy takes headers of 2 GiB.)
    #[inline]
    pub(crate) fn raw(start: usize, len: usize) -> Self {
        Self { start: number(start), len: number(len) }
    }

    /// In the arena.
    #[inline]
    pub(crate) fn arena(start: usize, len: usize) -> Self {
        Self { start: number(start) | Self::IN_ARENA, len: number(len) }
    }

    #[inline]
    pub(crate) fn is_absent(self) -> bool {
        self.len == Self::NO_LENGTH
    }

    #[inline]
    pub(crate) fn is_arena(self) -> bool {
        self.start & Self::IN_ARENA != 0
    }

    #[inline]
    pub(crate) fn start(self) -> usize {
        (self.start & !Self::IN_ARENA) as usize
    }

    #[inline]
    pub(crate) fn len(self) -> usize {
        self.len as usize
    }

    /// Its bytes, when they lie in the host's buffer.
    #[inline]
    pub(crate) fn in_raw(self, raw: &[u8]) -> Option<&[u8]> {
        // What is absent or in the arena is out of bounds here: no buffer is that long.
        raw.get(self.start as usize..)?.get(..self.len())
    }

    /// Its bytes.
    #[inline]
    pub(crate) fn text<'t>(self, raw: &'t [u8], arena: &'t [u8]) -> Option<&'t [u8]> {
        if self.is_arena() { in_arena(self, arena) } else { self.in_raw(raw) }
    }
}

#[cold]
fn in_arena(place: ByteSpan, arena: &[u8]) -> Option<&[u8]> {
    arena.get(place.start()..)?.get(..place.len())
}
