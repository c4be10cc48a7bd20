//! metrics: counters, gauges, histograms and the access log, with bounded label cardinality.
//!
//! [`Config`] is the section as written, [`Plan`] its compiled form. [`Plan::start`] reads the request after
//! all other filters have decided, and returns a small [`Measured`]; [`Plan::end`] consumes it at the end of
//! the request. The proxy is a [`weir_host_api::Metrics`] that stores the metrics, and a
//! [`weir_host_api::ResponseView`] that provides the response.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]

#[cfg(feature = "bootstrap")]
pub mod bootstrap;
mod bound;
mod compile;
mod config;
mod decoding;
pub mod encoding;
mod end;
mod flush;
mod goal;
mod label;
mod line;
mod log;
mod measured;
mod number;
mod plan;
mod red;
mod series;
mod start;
mod status;
mod template;

pub use config::{
    AccessLog, Body, Config, Goal, GoalValue, HashedUnit, Level, Metric, MetricType, Red, ResponseMatch,
    TimeUnit, ValueSpec, When,
};
pub use decoding::{Decoded, decode};
pub use encoding::Style;
pub use label::{Class, Label, LabelSpec, SubBucket};
pub use measured::Measured;
pub use plan::Plan;
pub use status::{Range, Statuses};
