//! The state machine: what each observation makes of it, invariants under random observations, and all interleavings
//! within a bound.

mod behaviour;
mod model;
mod properties;
mod spec;
mod support;
