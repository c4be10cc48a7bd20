#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod exports;
mod linker;

pub use exports::{Names, finish};
pub use linker::{ROLE, SETTING, is_wanted, run};

/// What went wrong, in words for a person.
pub type Failure = Box<dyn std::error::Error>;
