//! The only crate that touches proxy-wasm.
//!
//! - [`Host`] is what a proxy can do for a plugin, in bytes, with no panic in it.
//! - [`Plugin`] is what a plugin does; [`Dispatcher`] brings callbacks to the right plugin. It keeps
//!   the state of a VM and is tested natively.
//! - [`apply`] carries out the effects of a request with the fewest hostcalls.
//! - `Proxy`, in the module only, is the [`Host`] that stands for the real proxy; `FakeHost`,
//!   everywhere else, is the one for tests.

mod apply;
mod dispatch;
mod memory;

#[cfg(not(target_os = "wasi"))]
mod fake;
#[cfg(target_os = "wasi")]
mod proxy;

pub use apply::{apply, respond};
pub use dispatch::{Dispatcher, MOST_PENDING, Plugin, ResponsePlan, Workspace};
#[cfg(not(target_os = "wasi"))]
pub use fake::{Call, FakeHost};
pub use memory::{HostBytes, allocate};
#[cfg(target_os = "wasi")]
pub use proxy::Proxy;

/// A change of one header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit<'a> {
    /// Adds a line, whatever is there.
    Add(&'a [u8]),
    /// Leaves exactly one line.
    Replace(&'a [u8]),
    /// Removes all lines.
    Remove,
}

/// A map of headers at the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderMap {
    /// The request's headers.
    Request,
    /// The response's headers.
    Response,
}

/// A counter that was defined at the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricId(pub u32);

/// What a proxy can do for a plugin. Calls that a proxy refuses do nothing: they are told apart
/// only where a plugin can act on it.
pub trait Host {
    /// Bytes that the host wrote.
    type Bytes: std::ops::Deref<Target = [u8]>;
    /// All request headers in the layout of [`weir_core::header::Pairs`]; empty when there are none.
    fn request_pairs(&self) -> Self::Bytes;
    /// Changes one header.
    fn edit(&self, map: HeaderMap, name: &[u8], edit: Edit<'_>);
    /// A property by its path, segments with zero bytes between them.
    fn property(&self, path: &[u8]) -> Option<Self::Bytes>;
    /// Sets filter state; access logs and later filters see it as `wasm.NAME`.
    fn set_state(&self, name: &[u8], value: &[u8]);
    /// Compiles a CEL expression into a token.
    ///
    /// # Errors
    /// A reason that a user can act on.
    fn compile_cel(&self, expression: &str) -> Result<u32, String>;
    /// The verdict of a compiled expression; `None` when it fails or is no boolean.
    fn evaluate_cel(&self, token: u32) -> Option<bool>;
    /// Random bits that no client can predict.
    fn random(&self) -> u64;
    /// Nanoseconds since the Unix epoch.
    fn now(&self) -> u64;
    /// Defines a counter; the same name is always the same counter.
    fn define_counter(&self, name: &str) -> Option<MetricId>;
    /// Adds to a counter.
    fn increment(&self, counter: MetricId, by: i64);
    /// Whether a root context is still there.
    fn is_alive(&self, root: u32) -> bool;
    /// A line in the proxy's log.
    fn log(&self, level: log::Level, line: &str);
}
