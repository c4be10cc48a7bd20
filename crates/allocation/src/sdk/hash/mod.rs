//! The hash functions of the vendors, over text that comes in parts.

mod fnv;
mod text;

pub(crate) use fnv::Fnv32;
pub(crate) use text::{Decimal, utf16};
