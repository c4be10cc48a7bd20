//! What the command line and the playground do with configurations, in memory: texts in, results out.
//!
//! No files, no network, no processes, no clock: who calls gives texts and the time. So all of this runs in a browser
//! as well, and gives the same answers there.

#![forbid(unsafe_code)]

pub mod assign;
pub mod change;
pub mod check;
pub mod document;
mod envelope;
mod error;
pub mod import;
pub mod manifest;
pub mod movement;
mod pools;
pub mod population;
mod ramps;
#[cfg(feature = "schema")]
pub mod schema;
pub mod simulate;
pub mod subject;
pub mod text;
pub mod variables;
pub mod yaml;

pub use error::{Error, Misused};
