//! How a unit becomes a number: the part of an algorithm that runs for each request.

use super::growthbook;

/// A salted hash onto a scale, prepared at configure time.
#[derive(Clone, Debug)]
pub(crate) enum Draw {
    GrowthBook1(growthbook::Version1),
    GrowthBook2(growthbook::Version2),
}

impl Draw {
    /// The unit's number, below [`scale`](Self::scale), or `None` where the SDK takes this unit for a missing one.
    pub(crate) fn number(&self, unit: &[u8]) -> Option<u64> {
        match self {
            Self::GrowthBook1(draw) => draw.number(unit),
            Self::GrowthBook2(draw) => draw.number(unit),
        }
    }

    /// How many numbers there are.
    pub(crate) const fn scale(&self) -> u64 {
        match self {
            Self::GrowthBook1(_) => growthbook::SCALE_1,
            Self::GrowthBook2(_) => growthbook::SCALE_2,
        }
    }

    /// What the vendor calls the first number: 0, or 1 where it counts from one.
    pub(crate) const fn origin(&self) -> u64 {
        match self {
            Self::GrowthBook1(_) | Self::GrowthBook2(_) => 0,
        }
    }
}
