//! jwt-claims: whose tokens are believed, which requests need one, and what services learn of them.
//!
//! [`Config`] is what a user wrote, [`Plan`] what it means, and [`Plan::decide`] the whole of the
//! decision: pure, with the request's attributes in and [`weir_core::Effects`] out. Keys that a server
//! answers with are fetched by the pipeline, as [`Plan::poll`] tells it.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]

mod assume;
mod compile;
mod config;
mod decide;
mod facts;
mod failure;
mod fetch;
mod keys;
mod outputs;
mod places;
mod plan;
mod reply;
mod trace;
mod verify;

pub use config::{
    Cache, ClaimHeader, Config, EmbeddedKeys, ErrorFormat, Errors, Format, From, FromHeader, FromSubprotocol,
    Jwks, Missing, Padding, Provider, RemoteJwks, Requirement, Requires, Rule, Texts,
};
pub use fetch::Fetched;
pub use keys::Fetch;
pub use plan::Plan;
pub use trace::{Found, Note, Trace};
