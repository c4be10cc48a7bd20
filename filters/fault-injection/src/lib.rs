//! fault-injection: which requests are delayed, aborted, or answered wrongly, and how.
//!
//! [`Config`] is the section as written, [`Plan`] its compiled form, and [`Plan::decide`] the decision: a
//! pure function from the request's attributes to [`weir_core::Effects`]. [`Plan::response`] and
//! [`Plan::rate`] specify what happens to responses; the pipeline carries it out.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]

mod active;
mod chance;
mod compile;
mod config;
mod control;
mod decide;
mod distribution;
mod explain;
mod kind;
mod percentage;
mod plan;
mod response;
mod status;

pub use config::{
    Abort, BodyFault, Config, Delay, Exponential, Fault, HeaderControl, KillSwitch, LogNormal, Normal,
    Pareto, Ramp, RateLimit, ResponseFault as ResponseFaultConfig, Rolls, Sampling, Sticky, Uniform, Window,
};
pub use distribution::Distribution;
pub use explain::{Explained, Possible, Verdict};
pub use percentage::Percentage;
pub use plan::Plan;
pub use response::{BodyChange, ResponseFault};
pub use status::GrpcStatus;
