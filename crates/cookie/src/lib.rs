//! Cookies that filters set on responses and read back on later requests.
//!
//! [`CookieSpec`] is what a user writes, [`Cookie`] what it means. [`id`] makes identities for who has none,
//! and [`Signer`] gives texts a signature that clients cannot make.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]

mod carried;
mod cookie;
mod signer;
mod spec;

pub use cookie::{Cookie, Id, id};
pub use signer::{SIGNATURE, SecretSpec, Signer, TooShort};
pub use spec::{CookieSpec, SameSite};
