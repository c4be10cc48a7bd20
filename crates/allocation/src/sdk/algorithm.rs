//! The names of the algorithms.

/// How units become variants. The names and versions are those of the configuration (`hash: growthbook-2`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// `weir-1`, our own: see [`Salt`](crate::Salt).
    Weir1,
    /// `growthbook-1`: GrowthBook with `hashVersion` 1 (the default of experiments).
    GrowthBook1,
    /// `growthbook-2`: GrowthBook with `hashVersion` 2.
    GrowthBook2,
}

impl Algorithm {
    /// All algorithms, `weir-1` first.
    pub const ALL: &[Self] = &[Self::Weir1, Self::GrowthBook1, Self::GrowthBook2];

    /// The name that configurations use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Weir1 => "weir-1",
            Self::GrowthBook1 => "growthbook-1",
            Self::GrowthBook2 => "growthbook-2",
        }
    }

    /// The algorithm with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.name() == name)
    }
}
