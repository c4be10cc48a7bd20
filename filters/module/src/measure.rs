//! The functions of the proxy that the filter metrics needs.

use weir_host::{HeaderMap, Host, MetricId, MetricKind};
use weir_metrics::{Kind, Level, Registry, ResponseView};

/// The proxy, as the filter metrics sees it.
pub(crate) struct Meter<'h, H>(pub(crate) &'h H);

impl<H: Host> Registry for Meter<'_, H> {
    fn define(&self, kind: Kind, name: &str) -> Option<u32> {
        let kind = match kind {
            Kind::Counter => MetricKind::Counter,
            Kind::Gauge => MetricKind::Gauge,
            Kind::Histogram => MetricKind::Histogram,
        };
        self.0.define_metric(kind, name).map(|MetricId(id)| id)
    }

    #[inline]
    fn increment(&self, id: u32, by: i64) {
        self.0.increment(MetricId(id), by);
    }

    #[inline]
    fn record(&self, id: u32, value: u64) {
        self.0.record(MetricId(id), value);
    }
}

impl<H: Host> ResponseView for Meter<'_, H> {
    fn status(&self) -> Option<u16> {
        let status = self.0.header(HeaderMap::Response, b":status")?;
        std::str::from_utf8(&status).ok()?.parse().ok()
    }

    fn response_header(&self, name: &[u8]) -> Option<Box<[u8]>> {
        self.0.header(HeaderMap::Response, name).map(|value| Box::from(&*value))
    }

    fn response_trailer(&self, name: &[u8]) -> Option<Box<[u8]>> {
        self.0.header(HeaderMap::ResponseTrailers, name).map(|value| Box::from(&*value))
    }

    fn property(&self, path: &[u8]) -> Option<Box<[u8]>> {
        self.0.property(path).map(|value| Box::from(&*value))
    }

    fn now(&self) -> u64 {
        self.0.now()
    }

    fn log(&self, level: Level, line: &str) {
        let level = match level {
            Level::Info => log::Level::Info,
            Level::Warn => log::Level::Warn,
        };
        self.0.log(level, line);
    }
}
