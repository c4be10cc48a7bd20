//! Requests.

use super::headers::{Bytes, HeaderMap};

/// A request as the module sees it first, or as the upstream gets it.
///
/// ```
/// use weir_minihost::Request;
///
/// let request = Request::get("/cart?item=7").header("x-user", "ada");
/// assert_eq!(request.headers.first(b":authority"), Some(&b"example.com"[..]));
/// assert_eq!(request.headers.first(b":method"), Some(&b"GET"[..]));
///
/// let order = Request { body: b"{}".to_vec(), ..Request::new("POST", "shop.test", "/orders") };
/// assert_eq!(order.headers.first(b":path"), Some(&b"/orders"[..]));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Headers with `:authority`, `:path`, `:method`, `:scheme` first, as Envoy orders them.
    pub headers: HeaderMap,
    /// The body; it arrives in one piece.
    pub body: Bytes,
    /// The trailers.
    pub trailers: HeaderMap,
}

impl Request {
    /// A GET request of `path` from `example.com`.
    pub fn get(path: &str) -> Self {
        Self::new("GET", "example.com", path)
    }

    /// A request with these pseudo-headers and no others.
    pub fn new(method: &str, authority: &str, path: &str) -> Self {
        let pseudo = [(":authority", authority), (":path", path), (":method", method), (":scheme", "http")];
        Self { headers: pseudo.into_iter().collect(), body: Bytes::new(), trailers: HeaderMap::new() }
    }

    /// The same request with one header more.
    pub fn header(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.headers.add(name, value);
        self
    }
}
