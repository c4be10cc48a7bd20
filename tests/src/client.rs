//! An HTTP client for tests: any bytes in header values, repeated headers, HTTP/1 and HTTP/2 without TLS.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper_util::client::legacy::{Client as Pool, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// How long a test waits for an answer: longer than any delay that a case asks for.
const PATIENCE: Duration = Duration::from_secs(30);

/// The runtime that clients and sample upstreams of all tests share.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a test needs threads and sockets"))
}

/// A request to send.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The host header or `:authority`.
    pub host: String,
    /// Further headers, in order; a name may repeat.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body; none when empty.
    pub body: Vec<u8>,
    /// Trailers; over HTTP/1 they need a `trailer` header that names them.
    pub trailers: Vec<(String, Vec<u8>)>,
}

impl Request {
    /// A GET request of `path` from `example.com`.
    pub fn get(path: &str) -> Self {
        let (method, host) = ("GET".to_owned(), "example.com".to_owned());
        Self {
            method,
            path: path.to_owned(),
            host,
            headers: Vec::new(),
            body: Vec::new(),
            trailers: Vec::new(),
        }
    }

    /// The same request with one header more.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }
}

/// A response that came.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Headers in order, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The whole body.
    pub body: Vec<u8>,
    /// Trailers in order, names in lower case.
    pub trailers: Vec<(String, Vec<u8>)>,
    /// From sending to the last byte.
    pub elapsed: Duration,
}

impl Response {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_slice())
    }

    /// What the sample upstream received, if the answer is its own.
    pub fn seen(&self) -> Option<weir_upstream::Seen> {
        self.header("x-upstream")?;
        serde_json::from_slice(&self.body).ok()
    }
}

/// Why there is no response.
#[derive(Debug)]
pub struct ClientError(String);

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ClientError {}

impl ClientError {
    fn new(error: impl std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(&format!(": {cause}"));
            source = cause.source();
        }
        Self(text)
    }
}

/// The body of a request, with its trailers.
type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A client that keeps connections open. Clones share them.
#[derive(Clone, Debug)]
pub struct Client {
    pool: Pool<HttpConnector, Body>,
    patience: Duration,
}

impl Client {
    /// Speaks HTTP/1.1.
    pub fn http1() -> Self {
        Self::build(false)
    }

    /// Speaks HTTP/2 without TLS from the start.
    pub fn http2() -> Self {
        Self::build(true)
    }

    /// The same, waiting so long for an answer in place of half a minute. Who gives up hangs up: over HTTP/1
    /// the connection ends, over HTTP/2 the stream.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    fn build(http2: bool) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let mut builder = Pool::builder(TokioExecutor::new());
        builder.http2_only(http2).set_host(false);
        Self { pool: builder.build(connector), patience: PATIENCE }
    }

    /// Sends a request and waits for the whole response. For use outside of the runtime.
    ///
    /// # Errors
    /// No complete response within half a minute; a header that no client may send.
    pub fn send(&self, address: SocketAddr, request: &Request) -> Result<Response, ClientError> {
        runtime().block_on(self.send_async(address, request))
    }

    /// As [`Client::send`], inside the runtime.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn send_async(&self, address: SocketAddr, request: &Request) -> Result<Response, ClientError> {
        let message = self.message(address, request)?;
        let start = Instant::now();
        let exchange = async {
            let response = self.pool.request(message).await.map_err(ClientError::new)?;
            let (head, body) = response.into_parts();
            let body = body.collect().await.map_err(ClientError::new)?;
            Ok(Response {
                status: head.status.as_u16(),
                headers: pairs(&head.headers),
                trailers: body.trailers().map(pairs).unwrap_or_default(),
                body: body.to_bytes().to_vec(),
                elapsed: start.elapsed(),
            })
        };
        let late = |_| ClientError(format!("no answer within {:?}", self.patience));
        tokio::time::timeout(self.patience, exchange).await.map_err(late)?
    }

    /// Sends many requests, `at_once` of them at any time, and gives the answers in the same order. Over
    /// HTTP/1 that takes as many connections, which Envoy spreads over its workers.
    pub fn send_all(
        &self,
        address: SocketAddr,
        requests: Vec<Request>,
        at_once: usize,
    ) -> Vec<Result<Response, ClientError>> {
        let queue = Arc::new(Mutex::new(requests.into_iter().enumerate()));
        let worker = |client: Self, queue: Arc<Mutex<_>>| async move {
            let next = || -> Option<(usize, Request)> {
                let mut queue: MutexGuard<'_, std::iter::Enumerate<std::vec::IntoIter<Request>>> =
                    queue.lock().unwrap_or_else(PoisonError::into_inner);
                queue.next()
            };
            let mut answers = Vec::new();
            while let Some((index, request)) = next() {
                answers.push((index, client.send_async(address, &request).await));
            }
            answers
        };
        runtime().block_on(async {
            let mut workers = JoinSet::new();
            for _ in 0..at_once.max(1) {
                workers.spawn(worker(self.clone(), Arc::clone(&queue)));
            }
            let mut answers: Vec<_> = workers.join_all().await.into_iter().flatten().collect();
            answers.sort_unstable_by_key(|(index, _)| *index);
            answers.into_iter().map(|(_, answer)| answer).collect()
        })
    }

    fn message(&self, address: SocketAddr, request: &Request) -> Result<hyper::Request<Body>, ClientError> {
        let mut trailers = HeaderMap::new();
        append(&request.trailers, &mut trailers)?;
        let body = Full::new(Bytes::from(request.body.clone()));
        let body = match trailers.is_empty() {
            true => body.boxed_unsync(),
            false => body.with_trailers(std::future::ready(Some(Ok(trailers)))).boxed_unsync(),
        };
        let mut message = hyper::Request::builder()
            .method(request.method.as_str())
            .uri(format!("http://{address}{}", request.path))
            .body(body)
            .map_err(ClientError::new)?;
        let headers = message.headers_mut();
        headers.insert("host", HeaderValue::from_str(&request.host).map_err(ClientError::new)?);
        append(&request.headers, headers)?;
        Ok(message)
    }
}

fn append(pairs: &[(String, Vec<u8>)], to: &mut HeaderMap) -> Result<(), ClientError> {
    for (name, value) in pairs {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(ClientError::new)?;
        to.append(name, HeaderValue::from_bytes(value).map_err(ClientError::new)?);
    }
    Ok(())
}

/// Sends all requests together, so that they are under way at the same time, over this many HTTP/2
/// connections, which Envoy spreads over its workers; gives the answers in the same order.
pub fn send_at_once(
    address: SocketAddr,
    requests: Vec<Request>,
    connections: usize,
) -> Vec<Result<Response, ClientError>> {
    let clients: Vec<Client> = (0..connections.max(1)).map(|_| Client::http2()).collect();
    let mut shares: Vec<Vec<(usize, Request)>> = vec![Vec::new(); clients.len()];
    for (number, request) in requests.into_iter().enumerate() {
        shares[number % clients.len()].push((number, request));
    }
    runtime().block_on(async {
        let mut senders = JoinSet::new();
        for (client, share) in clients.into_iter().zip(shares) {
            for (number, request) in share {
                let client = client.clone();
                senders.spawn(async move { (number, client.send_async(address, &request).await) });
            }
        }
        let mut answers = senders.join_all().await;
        answers.sort_unstable_by_key(|(number, _)| *number);
        answers.into_iter().map(|(_, answer)| answer).collect()
    })
}

fn pairs(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_upstream::Upstream;

    fn upstream() -> Upstream {
        runtime().block_on(Upstream::start("v1", ([127, 0, 0, 1], 0).into())).unwrap()
    }

    #[test]
    fn bytes_and_repetitions_arrive_over_both_protocols() {
        let upstream = upstream();
        for client in [Client::http1(), Client::http2()] {
            let request = Request::get("/a?b=c").header("x-a", b"\xff\x80").header("x-a", "two");
            let response = client.send(upstream.address(), &request).unwrap();
            let seen = response.seen().unwrap();
            assert_eq!((seen.name.as_str(), seen.path.as_str()), ("v1", "/a?b=c"));
            assert_eq!(seen.header_bytes("x-a"), [b"\xff\x80".to_vec(), b"two".to_vec()]);
        }
    }

    #[test]
    fn many_answers_come_in_the_order_of_their_requests() {
        let upstream = upstream();
        let requests: Vec<_> = (0..200).map(|i| Request::get(&format!("/{i}"))).collect();
        let answers = Client::http1().send_all(upstream.address(), requests, 16);
        let paths: Vec<_> = answers.into_iter().map(|a| a.unwrap().seen().unwrap().path).collect();
        assert_eq!(paths, (0..200).map(|i| format!("/{i}")).collect::<Vec<_>>());
    }

    #[test]
    fn the_upstream_answers_as_asked() {
        let upstream = upstream();
        let request = Request::get("/")
            .header("x-answer-status", "404")
            .header("x-answer-header", "x-b=1")
            .header("x-answer-delay-ms", "20");
        let response = Client::http1().send(upstream.address(), &request).unwrap();
        assert_eq!((response.status, response.header("x-b")), (404, Some(&b"1"[..])));
        assert!(response.elapsed >= Duration::from_millis(20));
    }

    #[test]
    fn a_hundred_headers_and_a_long_one_pass() {
        let upstream = upstream();
        let mut request = Request::get("/").header("x-long", vec![b'x'; 65_536]);
        for _ in 0..300 {
            request = request.header("x-many", "1");
        }
        let seen = Client::http1().send(upstream.address(), &request).unwrap().seen().unwrap();
        assert_eq!(seen.header_bytes("x-many").len(), 300);
        assert_eq!(seen.header_bytes("x-long")[0].len(), 65_536);
    }
}
