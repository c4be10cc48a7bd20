//! jwt-claims: verifies JWTs, requires tokens, and forwards claims.
//!
//! [`Config`] is the section as written, [`Plan`] its compiled form, and [`Plan::decide`] the decision: a
//! pure function from the request's attributes to [`weir_core::Effects`]. The pipeline fetches keys from
//! servers when [`Plan::poll`] requests it.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]

mod assume;
mod compile;
mod config;
mod decide;
mod failure;
mod fetch;
mod keys;
mod outputs;
mod plan;
mod reply;
mod token_sources;
mod token_view;
mod trace;
mod verified;
mod verify;

pub use config::{
    Cache, ClaimHeader, Config, EmbeddedKeys, ErrorFormat, Errors, Format, From, FromHeader, FromSubprotocol,
    Jwks, Missing, Padding, Provider, RemoteJwks, Requirement, Requires, Rule, Texts,
};
pub use fetch::Fetched;
pub use keys::Fetch;
pub use plan::Plan;
pub use trace::{Found, Note, Trace};
