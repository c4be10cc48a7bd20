//! experiment: which unit gets which variant of which experiment.
//!
//! [`Config`] is the section as written, [`Plan`] its compiled form, and [`Plan::decide`] the decision: a
//! pure function from the request's attributes to [`weir_core::Effects`]. A [`Trace`] receives each step, so
//! that the command line can explain decisions.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]

mod baggage;
mod choice;
mod compile;
mod config;
mod decide;
mod decision;
mod exposure;
mod fraction;
pub mod link;
mod output;
mod overrides;
mod passes;
mod plan;
mod sticky;
mod stored;
mod trace;

pub use config::{
    Config, Consent, Experiment, Holdout, Layer, Output, Overrides, Prerequisite, Ramp, Status, Variant,
};
pub use fraction::FractionSpec;
pub use plan::{Experiment as ExperimentPlan, Plan};
pub use trace::{Note, Step, Trace, Verdict};
pub use weir_cookie::{CookieSpec, SameSite, SecretSpec, Signer};
