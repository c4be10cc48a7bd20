//! The effect of a change on units, new weights that move few of them, and free ranges of layers.

pub mod diff;
mod edit;
pub mod layers;
pub mod plan;
