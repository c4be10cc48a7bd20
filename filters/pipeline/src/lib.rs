//! The filters of this build as one: how they are configured together, and in which order they decide.
//!
//! [`Plans::load`] turns the bytes of a configuration ([`Document`]) into the filters' plans.
//! [`Plans::decide`] lets each of them decide about one request, [`Plans::decide_traced`] reports each
//! step as well, and [`Plans::finish`] says what is left for later. Everything is pure: modules, the
//! command line and tests all decide with this crate, so that they cannot disagree.
//!
//! A filter that is left out of a build is a *null object*: its section is refused by name, and its
//! plan is a type without values, so that nothing of it remains in the module.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]

// This crate is compiled for size. `#[inline]` here means: compiled with the module, for speed.

mod absent;
mod decide;
mod document;
mod outcome;
mod plans;
mod sections;

pub use decide::{Deferred, Left, Trace, Visit, is_redirect_to_https};
pub use document::{Document, LANGUAGE, sections};
pub use outcome::{Outcome, OwnedHeader, SentHeader};
pub use plans::{Plans, validate, validate_all};
pub use sections::{experiments, faults, jwt, metrics, routing};
