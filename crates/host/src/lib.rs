#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]

mod blocks;
#[cfg(target_os = "wasi")]
mod callbacks;
mod callouts;
#[cfg(any(target_os = "wasi", test))]
mod compare;
mod counters;
mod dispatch;
mod entry;
mod memory;
mod plugin;
#[cfg(any(target_os = "wasi", test))]
mod protobuf;
mod streams;
mod timers;

#[cfg(not(target_os = "wasi"))]
mod fake;
#[cfg(target_os = "wasi")]
mod proxy;

pub use blocks::Blocks;
pub use callouts::Callouts;
pub use counters::Counters;
pub use dispatch::{Dispatcher, Flow, MAX_PENDING};
#[cfg(not(target_os = "wasi"))]
pub use fake::{Call, FakeHost};
pub use memory::{HostBytes, allocate};
pub use plugin::{Body, Plugin, Refusal, Served, Wake, Workspace};
#[cfg(target_os = "wasi")]
pub use proxy::Proxy;
pub use timers::MAX_BATCH;
pub use weir_host_api::{
    Callbacks, Cel, Clock, Delay, Disposition, HeaderMap, Headers, Hold, HostServices, Log, MetricId,
    MetricKind, Metrics, Properties, Random, Reply, ResponseView, Signature, Signatures, header,
};

// What `entry!` names in the crate that calls it.
#[doc(hidden)]
pub use log;
#[cfg(target_os = "wasi")]
#[doc(hidden)]
pub use proxy_wasm;

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

/// A request that a plugin makes on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Callout<'c> {
    /// The cluster that it goes to.
    pub cluster: &'c str,
    /// The `:scheme`.
    pub scheme: &'c str,
    /// The `:authority`.
    pub authority: &'c str,
    /// The `:path`.
    pub path: &'c str,
    /// How long it may take, in milliseconds.
    pub timeout: u32,
}

/// The functions that a proxy provides to a plugin: those that filters ask for themselves, each a trait of its own,
/// and those that act on streams. Failed calls do nothing: failures are reported only if a plugin can act on them.
pub trait Host: Cel + Clock + Headers + Log + Metrics + Random + Signatures {
    /// Whether a call costs so much that the counts of one request are spread over later ones, see [`Counters`].
    const SPREADS_COUNTS: bool = true;
    /// Whether no property has to be checked before it is read.
    const READS_EVERY_PROPERTY: bool = true;

    /// The callbacks that the host calls.
    fn callbacks(&self) -> Callbacks {
        Callbacks::ALL
    }
    /// All request headers in the layout of [`header::Pairs`]; empty when there are none.
    fn request_pairs(&self) -> Self::Bytes;
    /// All request trailers in the same layout, in their callback.
    fn request_trailers(&self) -> Self::Bytes;
    /// A header of the answer to a callout, in its callback.
    fn callout_header(&self, name: &[u8]) -> Option<Self::Bytes>;
    /// The body of the answer to a callout, up to `most` bytes, in its callback.
    fn callout_body(&self, most: usize) -> Self::Bytes;
    /// Sends a GET request. Returns the token that its answer will have; `None` when the proxy refuses it,
    /// as when it does not know the cluster.
    fn call_out(&self, callout: &Callout<'_>) -> Option<u32>;
    /// Answers the request of the current context.
    fn reply(&self, reply: &Reply);
    /// Lets the request of the current context go on that was held.
    fn resume_request(&self);
    /// Lets the response of the current context go on that was held.
    fn resume_response(&self);
    /// The part of the response body that came, up to `most` bytes of it, in its callback.
    fn body(&self, most: usize) -> Self::Bytes;
    /// Replaces the part of the response body that came, of this size, in its callback. Whole: Envoy refuses to
    /// replace bytes in the middle.
    fn replace_body(&self, size: usize, with: &[u8]);
    /// From here on, hostcalls are for this context; false when it is gone.
    fn act_for(&self, context: u32) -> bool;
    /// Has the timer of the current context's root ring every this many milliseconds; 0 stops it.
    fn set_timer(&self, milliseconds: u32);
    /// Changes one header.
    fn edit(&self, map: HeaderMap, name: &[u8], edit: Edit<'_>);
    /// Whether a property can be read, by its path; asked when a configuration is loaded, unless
    /// [`Host::READS_EVERY_PROPERTY`].
    ///
    /// # Errors
    /// Why not, and what to use instead.
    fn check_property(&self, path: &[u8]) -> Result<(), String> {
        let _ = path;
        Ok(())
    }
    /// Sets filter state; access logs and later filters see it as `wasm.NAME`.
    fn set_state(&self, name: &[u8], value: &[u8]);
    /// Has filter state last as long as the client's request, through internal redirects; for the root that is being
    /// configured.
    fn declare_lasting(&self, name: &[u8]);
    /// Compiles a CEL expression into a token.
    ///
    /// # Errors
    /// A reason that a user can act on.
    fn compile_cel(&self, expression: &str) -> Result<u32, String>;
    /// Nanoseconds of a clock that never jumps.
    fn steady_now(&self) -> u64;
    /// Whether a context is still there.
    fn is_alive(&self, context: u32) -> bool;
}
