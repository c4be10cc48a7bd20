//! `weir diff`, `weir plan` and `weir layers`: the effect of a change on units, and free ranges.

pub(crate) mod diff;
pub(crate) mod layers;
pub(crate) mod plan;
