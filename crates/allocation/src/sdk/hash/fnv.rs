//! FNV-1a with 32 bits, over 16-bit units as GrowthBook has it.

/// The state after the units so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fnv32(u32);

impl Fnv32 {
    const OFFSET_BASIS: u32 = 0x811c_9dc5;
    const PRIME: u32 = 0x0100_0193;

    pub(crate) const fn new() -> Self {
        Self(Self::OFFSET_BASIS)
    }

    /// Continues with more units. Each is taken as a 16-bit value, not as two bytes.
    pub(crate) fn update(self, units: impl Iterator<Item = u16>) -> Self {
        Self(units.fold(self.0, |hash, unit| (hash ^ u32::from(unit)).wrapping_mul(Self::PRIME)))
    }

    pub(crate) const fn finish(self) -> u32 {
        self.0
    }
}
