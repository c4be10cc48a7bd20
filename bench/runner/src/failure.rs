//! How a measurement fails.

/// Anything that keeps the benchmark from measuring. Numbers, whatever they are, do not.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;
