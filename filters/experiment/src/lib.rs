//! experiment: which unit gets which variant of which experiment.
//!
//! [`Config`] is what a user wrote, [`Plan`] what it means, and [`Plan::decide`] the whole of the
//! decision: pure, with the request's attributes in and [`weir_core::Effects`] out. [`Trace`] is told
//! about each step, so that a command line can explain what a proxy does.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]

mod baggage;
mod compile;
mod config;
mod decide;
pub mod link;
mod memory;
mod output;
mod overrides;
mod part;
mod passes;
mod plan;
mod trace;
mod turn;

pub use config::{
    Config, Consent, Experiment, Holdout, Layer, Output, Overrides, Prerequisite, Requests, Status, Variant,
};
pub use part::Part;
pub use plan::{Experiment as ExperimentPlan, Plan};
pub use trace::{Note, Step, Trace, Verdict};
pub use weir_cookie::{CookieSpec, SameSite, SecretSpec, Signer};
