#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod abi;
mod answering;
mod browser;
mod callouts;
mod clock;
mod exchange;
mod grpc;
mod guest;
mod headers;
mod metrics;
mod module;
mod plugin;
mod properties;
mod report;
mod request;
mod state;
mod status;
mod stream;
#[cfg(test)]
mod tests;
mod vm;
#[cfg(test)]
mod waiting_tests;

pub use browser::BROWSER;
pub use callouts::{Answer, Answerer};
pub use exchange::{Exchange, ExchangeError};
pub use headers::{Bytes, HeaderMap};
pub use metrics::{Metric, MetricKind};
pub use module::{LoadError, Module, Options};
pub use plugin::{ConfigureError, Plugin};
pub use report::{CallStats, Cost, LogLevel, LogLine, Trap};
pub use request::Request;
pub use state::{Callout, ForeignFunction, Response};
pub use status::Status;
pub use stream::{Properties, Stream};
pub use vm::Vm;
