#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]

mod carried;
mod cookie;
mod signer;
mod spec;

pub use cookie::{Cookie, Id, id};
pub use signer::{SIGNATURE, SecretSpec, Signer, TooShort};
pub use spec::{CookieSpec, SameSite};
