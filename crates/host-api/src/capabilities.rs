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
        match &*self.header(HeaderMap::Response, b":status")? {
            [] => None,
            digits => digits.iter().try_fold(0u16, |status, byte| {
                let digit = byte.wrapping_sub(b'0');
                (digit <= 9).then_some(())?;
                status.checked_mul(10)?.checked_add(digit.into())
            }),
        }
    }
}

/// The proxy's metrics.
///
/// ```
/// use std::cell::Cell;
/// use weir_host_api::{MetricId, MetricKind, Metrics};
///
/// /// Metrics of which all are one number.
/// #[derive(Default)]
/// struct Sum(Cell<i64>);
///
/// impl Metrics for Sum {
///     fn define_metric(&self, kind: MetricKind, _name: &str) -> Option<MetricId> {
///         (kind == MetricKind::Counter).then_some(MetricId(0))
///     }
///     fn increment(&self, _metric: MetricId, by: i64) {
///         self.0.set(self.0.get() + by);
///     }
///     fn record(&self, _metric: MetricId, _value: u64) {}
/// }
///
/// // Defined when a filter is configured, counted for each request.
/// let proxy = Sum::default();
/// let served = proxy.define_metric(MetricKind::Counter, "requests_total").unwrap();
/// proxy.increment(served, 1);
/// assert_eq!(proxy.0.get(), 1);
/// ```
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
///
/// ```
/// use weir_host_api::{Cel, Clock, HostServices, Properties, Random, Signatures};
///
/// /// A host at a fixed time, which has neither properties, CEL nor signatures.
/// struct Fixed;
///
/// impl Clock for Fixed {
///     fn now(&self) -> u64 {
///         1_800_000_000_000_000_000
///     }
/// }
/// impl Random for Fixed {
///     fn random(&self) -> u64 {
///         4
///     }
/// }
/// impl Properties for Fixed {
///     type Bytes = Vec<u8>;
///     fn property(&self, _path: &[u8]) -> Option<Vec<u8>> {
///         None
///     }
/// }
/// impl Cel for Fixed {}
/// impl Signatures for Fixed {}
///
/// fn seconds(host: &impl HostServices) -> u64 {
///     host.now() / 1_000_000_000
/// }
/// assert_eq!(seconds(&Fixed), 1_800_000_000);
/// ```
pub trait HostServices: Clock + Random + Properties + Cel + Signatures {}

impl<H: Clock + Random + Properties + Cel + Signatures> HostServices for H {}

/// What filters see of a response.
///
/// ```
/// use std::cell::RefCell;
/// use weir_host_api::{Clock, HeaderMap, Headers, Log, Properties, ResponseView};
///
/// /// What a filter does at the end of a request.
/// fn complain(response: &impl ResponseView) {
///     if let Some(status @ 500..) = response.status() {
///         response.log(log::Level::Warn, &format!("{status} at {}", response.now()));
///     }
/// }
///
/// /// A response with this status, for its test.
/// struct Answer(&'static [u8], RefCell<Vec<String>>);
///
/// impl Properties for Answer {
///     type Bytes = &'static [u8];
///     fn property(&self, _path: &[u8]) -> Option<&'static [u8]> {
///         None
///     }
/// }
/// impl Headers for Answer {
///     fn header(&self, map: HeaderMap, name: &[u8]) -> Option<&'static [u8]> {
///         (map == HeaderMap::Response && name == b":status").then_some(self.0)
///     }
/// }
/// impl Clock for Answer {
///     fn now(&self) -> u64 {
///         7
///     }
/// }
/// impl Log for Answer {
///     fn log(&self, _level: log::Level, line: &str) {
///         self.1.borrow_mut().push(line.to_owned());
///     }
/// }
///
/// let failed = Answer(b"503", RefCell::default());
/// complain(&failed);
/// assert_eq!(*failed.1.borrow(), ["503 at 7"]);
/// ```
pub trait ResponseView: Headers + Clock + Log {}

impl<H: Headers + Clock + Log> ResponseView for H {}

#[cfg(test)]
mod tests {
    use super::*;

    /// A response with this status.
    struct Answer(&'static [u8]);

    impl Properties for Answer {
        type Bytes = &'static [u8];
        fn property(&self, _path: &[u8]) -> Option<&'static [u8]> {
            None
        }
    }

    impl Headers for Answer {
        fn header(&self, _: HeaderMap, _: &[u8]) -> Option<&'static [u8]> {
            Some(self.0)
        }
    }

    #[test]
    fn a_status_is_a_number() {
        let numbers = [(&b"200"[..], 200), (b"599", 599), (b"65535", 65535)];
        for (text, number) in numbers {
            assert_eq!(Answer(text).status(), Some(number));
        }
        for text in [&b""[..], b"65536", b"99999999999", b"2 0", b"-1", b"+200", b"200 OK", b"\xff"] {
            assert_eq!(Answer(text).status(), None, "{text:?}");
        }
    }
}
