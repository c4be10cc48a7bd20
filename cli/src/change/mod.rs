//! `weir diff`, `weir plan` and `weir layers`: what a change does to units, and where there is room for one.

pub(crate) mod diff;
mod edit;
pub(crate) mod layers;
pub(crate) mod plan;
