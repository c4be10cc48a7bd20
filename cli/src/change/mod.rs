//! `weir diff` and `weir plan`: what a change does to units.

pub(crate) mod diff;
pub(crate) mod plan;
