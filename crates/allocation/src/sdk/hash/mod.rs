//! The hash functions of the vendors, over text that comes in parts.

mod fnv;
mod murmur3;
mod text;

pub(crate) use fnv::Fnv32;
pub(crate) use murmur3::Murmur3;
pub(crate) use text::{Decimal, text, utf16};
