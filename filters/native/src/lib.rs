//! Weir as a dynamic module of Envoy: `libweir.so`, loaded into Envoy's process.
//!
//! It is the second shell around the same pipeline: [`weir::Pipeline`] and its dispatcher are those of the
//! WebAssembly module, `host` is Envoy as their host. What differs from WebAssembly, and what follows:
//!
//! - A configuration is an object of its own, which all workers share: checked on the main thread (`load`), compiled
//!   by each worker at its first request (`worker`). An update is another object; streams finish with their own.
//! - Metrics have labels, and are defined with the configuration (`families`); their `series` come with requests, and
//!   counts are added up (`counts`).
//! - There are no timers, so a thread wakes workers (`wake`); requests to other servers are the main thread's
//!   (`callouts`).
//! - There is no sandbox: a panic is caught at each function that Envoy calls (`entry`).
//!
//! Unsafe code is in `abi` and `entry` only.

#![deny(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]

#[allow(unsafe_code, reason = "Envoy's ABI")]
mod abi;
mod callouts;
mod counts;
#[allow(unsafe_code, reason = "Envoy's ABI")]
mod entry;
mod families;
mod host;
mod load;
mod main_thread;
mod properties;
mod series;
mod shared;
mod signature;
mod wake;
mod worker;
