//! Imports beside vendors' SDKs. One program, since each costs a minute to compile and to link.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop where they fail")]

mod linear;
mod sdk;
