//! How a unit becomes a number: the part of an algorithm that runs for each request.

use super::digest::Digest;
use super::envoy::Envoy;
use super::growthbook::GrowthBook;
use super::murmur::Murmur;

/// A salted hash onto a scale, prepared at configure time.
#[derive(Clone, Debug)]
pub(crate) enum Draw {
    GrowthBook(GrowthBook),
    Murmur(Murmur),
    Digest(Digest),
    Envoy(Envoy),
}

impl Draw {
    /// The unit's number, below [`scale`](Self::scale).
    pub(crate) fn number(&self, unit: &[u8]) -> u64 {
        match self {
            Self::GrowthBook(draw) => draw.number(unit),
            Self::Murmur(draw) => draw.number(unit),
            Self::Digest(draw) => draw.number(unit),
            Self::Envoy(draw) => draw.number(unit),
        }
    }

    /// How many numbers there are.
    pub(crate) const fn scale(&self) -> u64 {
        match self {
            Self::GrowthBook(draw) => draw.scale(),
            Self::Murmur(draw) => draw.scale(),
            Self::Digest(draw) => draw.scale(),
            Self::Envoy(draw) => draw.scale(),
        }
    }

    /// What the vendor calls the first number: 0, or 1 where it counts from one.
    pub(crate) const fn origin(&self) -> u64 {
        match self {
            Self::Murmur(draw) => draw.origin(),
            _ => 0,
        }
    }
}
