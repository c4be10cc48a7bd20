//! Cookies that filters set on responses and read back on later requests.
//!
//! [`CookieSpec`] is the configuration, [`Cookie`] its compiled form. [`id`] creates anonymous IDs, and
//! [`Signer`] signs texts so that clients cannot forge them.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]

mod carried;
mod cookie;
mod signer;
mod spec;

pub use cookie::{Cookie, Id, id};
pub use signer::{SIGNATURE, SecretSpec, Signer, TooShort};
pub use spec::{CookieSpec, SameSite};
