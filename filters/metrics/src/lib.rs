//! metrics: what is counted, measured and logged, with labels that stay few.
//!
//! [`Config`] is what a user wrote, [`Plan`] what it means. [`Plan::start`] sees the request once all
//! other filters have decided, and leaves a small [`Measured`]; [`Plan::end`] spends it when all is
//! over. The proxy is behind two traits: [`Registry`] keeps the metrics, [`Ending`] tells of the end.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]

#[cfg(feature = "bootstrap")]
pub mod bootstrap;
mod bound;
mod bring;
mod compile;
mod config;
pub mod encoding;
mod end;
mod host;
mod label;
mod line;
mod log;
mod measured;
mod plan;
mod red;
mod series;
mod start;
mod status;
mod template;

pub use config::{
    AccessLog, Body, Config, HashedUnit, Level, Metric, MetricType, Red, ResponseMatch, TimeUnit, ValueSpec,
    When,
};
pub use encoding::Style;
pub use host::{Ending, Kind, Registry};
pub use label::{Class, Label, LabelSpec, SubBucket};
pub use measured::Measured;
pub use plan::Plan;
pub use status::{Range, Statuses};
