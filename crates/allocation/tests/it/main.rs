//! Tests of hashes, ranges and plans. One program, since each costs a minute to compile and to link.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop where they fail")]

mod properties;
mod sdk_assigner;
mod sdk_vectors;
mod statistics;
mod vectors;
