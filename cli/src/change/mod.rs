//! `weir diff`, `weir plan` and `weir layers`: the effect of a change on units, and free ranges.

pub(crate) mod diff;
mod edit;
pub(crate) mod layers;
pub(crate) mod plan;
