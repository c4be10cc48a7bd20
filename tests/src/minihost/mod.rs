//! A small proxy-wasm host: runs a built module in an interpreter and counts what it costs.
//!
//! It behaves as Envoy does where a module can tell the difference: order of callbacks, what may be read
//! and written in which phase, statuses, ownership of memory. What it adds is sight: fuel and hostcalls
//! of each callback, exactly the same in each run, and a clock that only the test moves.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use weir_tests::minihost::{Module, Request, Response};
//! let module = Module::from_file("dist/ab_routing.wasm".as_ref())?;
//! let plugin = module.start(&Default::default())?.configure("{}")?;
//! let exchange = plugin.exchange(Request::get("/"), Response::status(200))?;
//! println!("{:?}", exchange.cost.hostcalls);
//! # Ok(()) }
//! ```

mod abi;
mod callouts;
mod clock;
mod exchange;
mod guest;
mod headers;
mod metrics;
mod module;
mod plugin;
mod properties;
mod report;
mod state;
mod stream;
#[cfg(test)]
mod tests;
mod vm;
#[cfg(test)]
mod waiting_tests;

pub use callouts::{Answer, Answerer};
pub use exchange::{Exchange, ExchangeError, Request};
pub use headers::{Bytes, HeaderMap};
pub use metrics::{Metric, MetricKind, Metrics};
pub use module::{LoadError, Module, Options};
pub use plugin::{ConfigureError, Plugin};
pub use report::{CallStats, Cost, LogLevel, LogLine, Trap};
pub use state::{Callout, ForeignFunction, Response, Status};
pub use stream::{Properties, Stream};
pub use vm::Vm;
