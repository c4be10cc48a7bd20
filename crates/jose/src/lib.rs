#![doc = include_str!("../README.md")]
//! ## The path of a token
//!
//! Text → [`Token::parse`] (one compact JWS, strict in everything) → [`KeySet::verify`]
//! (candidate keys by `kid`, algorithm and key type) → [`Payload`] (claims whose numbers are kept as
//! written). [`Cache`] stores verified tokens, so that the common request costs one hash and one comparison.
//!
//! Verification is [`jwt_compact`]'s, except where the host verifies for us ([`Signatures`]) and
//! for the two curves that it does not have. The *reading* of tokens is our own, because that crate
//! takes what RFC 7515 and 8725 want refused: `crit`, duplicate members, a `jwk` in the header.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]

mod algorithm;
mod base64url;
mod cache;
mod der;
mod json;
mod jwk;
mod keyset;
mod negative_cache;
mod payload;
mod pem;
mod refusal;
mod service;
mod software;
mod times;
mod token;
mod words;

pub use algorithm::{Algorithm, Allowed, Curve, KeyType};
pub use base64url::decode as decode_base64url;
pub use cache::Cache;
pub use keyset::{KeySet, KeySetError};
pub use negative_cache::NegativeCache;
pub use payload::{Audiences, Payload};
pub use refusal::Refusal;
pub use service::NoService;
pub use times::{TimeRules, Validity};
pub use token::{Form, Header, Token};
pub use weir_host_api::{Signature, Signatures};

#[cfg(test)]
extern crate self as weir_jose;
#[cfg(test)]
mod wycheproof;
