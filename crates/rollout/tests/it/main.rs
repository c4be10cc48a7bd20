//! The state machine: what each observation makes of it, invariants under random observations, and all interleavings
//! within a bound.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop where they fail")]

mod behaviour;
mod model;
mod properties;
mod spec;
mod support;
