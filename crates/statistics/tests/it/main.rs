//! Tests of the statistics: against published tools, against chance, and with nothing to go on.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop where they fail")]

mod degenerate;
mod simulations;
mod vectors;
