#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod exports;
mod linker;
mod trim;

pub use exports::{Names, finish};
pub use linker::{ROLE, SETTING, is_wanted, run};
pub use trim::trim;

/// What went wrong, in words for a person.
pub type Failure = Box<dyn std::error::Error>;
