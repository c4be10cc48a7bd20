//! The way to Envoy's main thread.

use crate::abi::ConfigScheduler;

/// Has the main thread come to a configuration; `None` where there is none to come, as in tests.
pub(crate) type MainThread = Option<ConfigScheduler>;
