//! ab-routing: ordered rules decide where a request goes; the first that matches wins.
//!
//! [`Config`] is what a user wrote, [`Plan`] what it means, and [`Plan::decide`] the whole of the
//! decision: pure, with the request's attributes in and [`weir_core::Effects`] out.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]

mod config;
mod decide;
mod plan;
mod trace;

pub use config::{Config, Response, Rewrite, Rule, Split, SplitTarget, Target, WithoutKey};
pub use plan::Plan;
pub use trace::{Key, Note, Trace};
pub use weir_cookie::{CookieSpec, SameSite};
