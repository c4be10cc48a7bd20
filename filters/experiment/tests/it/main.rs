//! Tests of the filter through its configuration. One program, since each costs a minute to compile and to link.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop where they fail")]

#[macro_use]
mod support;

mod decide;
mod exposures;
mod goals;
mod many;
mod ramps;
mod refused;
mod statistics;
