//! ab-routing: ordered rules decide where a request goes; the first that matches wins.
//!
//! [`Config`] is the section as written, [`Plan`] its compiled form, and [`Plan::decide`] the decision: a
//! pure function from the request's attributes to [`weir_core::Effects`].

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
