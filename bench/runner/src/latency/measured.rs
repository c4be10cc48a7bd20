//! What is measured: which listeners, in which settings, and their latencies.

use std::time::Duration;

/// What all others are compared with.
pub(super) const ALONE: &str = "Envoy alone";
/// The same again.
pub(super) const CONTROL: &str = "Envoy alone, again";
/// The rows of a report.
pub(super) const ROWS: [&str; 6] =
    ["no Envoy", ALONE, CONTROL, "five native filters", "Weir, all five, native", "Weir, all five, wasm"];

/// A rate of requests and what the upstream takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    /// Requests per second.
    pub(super) rate: f64,
    /// How long the upstream takes.
    pub(super) upstream: Duration,
}

/// The latencies of one row, in seconds, round by round.
pub(super) type Rounds = Vec<Vec<f64>>;

/// What was measured in one setting.
pub(super) struct Measured {
    pub(super) setting: Setting,
    /// In the order of [`ROWS`].
    pub(super) rows: Vec<Rounds>,
    /// How late requests were sent, after they were due, in seconds: what of the latencies is the client's own.
    pub(super) late: Vec<f64>,
}
