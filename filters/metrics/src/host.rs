//! The functions of the proxy that this filter needs.

/// The kind of a metric at the proxy, as proxy-wasm numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A value that only increases.
    Counter = 0,
    /// A value that increases and decreases.
    Gauge = 1,
    /// The distribution of a value.
    Histogram = 2,
}

/// The proxy's metrics.
pub trait Registry {
    /// Defines a metric; `None` when the proxy refuses. The same name is always the same metric.
    fn define(&self, kind: Kind, name: &str) -> Option<u32>;
    /// Adds to a counter or gauge; `by` is negative only for gauges, and never 0.
    fn increment(&self, id: u32, by: i64);
    /// Adds a value to a histogram, or sets a gauge.
    fn record(&self, id: u32, value: u64);
}

/// The end of a request. Everything is asked at most once, and only when something needs it.
pub trait ResponseView {
    /// The status of the response; `None` when there was none.
    fn status(&self) -> Option<u16>;
    /// A response header's value, of several lines the first.
    fn response_header(&self, name: &[u8]) -> Option<Box<[u8]>>;
    /// A response trailer's value, of several lines the first.
    fn response_trailer(&self, name: &[u8]) -> Option<Box<[u8]>>;
    /// A property by its path, segments with zero bytes between them.
    fn property(&self, path: &[u8]) -> Option<Box<[u8]>>;
    /// Nanoseconds since the Unix epoch.
    fn now(&self) -> u64;
    /// A line of JSON for the proxy's log.
    fn log(&self, level: crate::Level, line: &str);
}
