//! Responses of Prometheus to `weir report`.

use weir_cli::fuzzed::increases;

pub(crate) const PIECES: &[&str] = &[
    "{\"status\":\"success\",\"data\":{\"result\":[",
    "{\"metric\":{\"variant\":\"b\"},\"values\":[",
    "[110,\"5\"]",
    "[110.5,\"0\"]",
    "[1e300,",
    "\"NaN\"",
    "\"+Inf\"",
    "\"-Inf\"",
    "\"1e308\"",
    "\"-1\"",
    "null",
    "[",
    "]",
    "{",
    "}",
    ",",
];

/// Whatever a server says, counters go up by numbers.
pub(crate) fn prometheus(data: &[u8]) {
    assert!(increases(data).iter().all(|increase| increase.is_finite() && *increase >= 0.0));
}
