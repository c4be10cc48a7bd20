//! A gRPC server and client whose messages are bytes, so that no schema is needed.
//!
//! The server echoes, and does what the metadata of a call ask for:
//! - `x-grpc-fail: 14` ends with this status, its message in `x-grpc-message`, its trailers `x-trailer` as given,
//! - `x-grpc-fail-after: 2` sends so many messages first,
//! - `x-grpc-count: 5` is how many messages [`Method::ServerStream`] gives (3),
//! - `x-grpc-delay-ms: 50` waits before answering.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::{Buf as _, BufMut as _, Bytes};
use hyper::body::Incoming;
use hyper::http::uri::PathAndQuery;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::client::legacy::{Client as Pool, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_stream::{Stream, StreamExt as _};
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::{KeyAndValueRef, MetadataMap};
use tonic::server::StreamingService;
use tonic::{Code, Request, Response, Status, Streaming};

use crate::client::runtime;

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The methods of the echo service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// One message, which comes back.
    Unary,
    /// One message, which comes back several times.
    ServerStream,
    /// Any number of messages; each comes back.
    Bidirectional,
}

impl Method {
    /// The path of the method, as routes see it.
    pub fn path(self) -> &'static str {
        match self {
            Self::Unary => "/weir.test.Echo/Unary",
            Self::ServerStream => "/weir.test.Echo/ServerStream",
            Self::Bidirectional => "/weir.test.Echo/Bidirectional",
        }
    }
}

/// What a client got.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The messages, in order.
    pub messages: Vec<Bytes>,
    /// The status in the end; [`Code::Ok`] is success.
    pub code: Code,
    /// The status's text.
    pub message: String,
    /// Metadata in front of the messages, as texts.
    pub headers: Vec<(String, String)>,
    /// Metadata behind them, without the status. A reply without messages may have all of them here.
    pub trailers: Vec<(String, String)>,
    /// From the call to the end.
    pub elapsed: Duration,
}

/// A running echo server. Dropping it stops it.
#[derive(Debug)]
pub struct GrpcServer {
    address: SocketAddr,
    calls: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

impl GrpcServer {
    /// Starts a server on a free local port; it speaks HTTP/2 without TLS.
    ///
    /// # Errors
    /// There is no port.
    pub fn start() -> io::Result<Self> {
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        runtime().block_on(async {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
            let address = listener.local_addr()?;
            Ok(Self { address, calls, server: tokio::spawn(accept(listener, counter)) })
        })
    }

    /// Where it listens: the address for an HTTP/2 [`crate::envoy::Cluster`].
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many calls arrived.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Drop for GrpcServer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn accept(listener: TcpListener, calls: Arc<AtomicUsize>) {
    loop {
        // An error here concerns one connection that went away; the next one is served.
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&calls)));
        }
    }
}

async fn serve(stream: TcpStream, calls: Arc<AtomicUsize>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        calls.fetch_add(1, Ordering::SeqCst);
        async move {
            let echo = Echo { path: request.uri().path().to_owned() };
            Ok::<_, Infallible>(tonic::server::Grpc::new(BytesCodec).streaming(echo, request).await)
        }
    });
    // A client that breaks the protocol or hangs up ends its connection and nothing else.
    let _ = http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

/// The service for one call. All methods look alike on the wire, so one kind serves them.
struct Echo {
    path: String,
}

type Messages = Pin<Box<dyn Stream<Item = Result<Bytes, Status>> + Send>>;
type Answer = Pin<Box<dyn Future<Output = Result<Response<Messages>, Status>> + Send>>;

impl StreamingService<Bytes> for Echo {
    type Response = Bytes;
    type ResponseStream = Messages;
    type Future = Answer;

    fn call(&mut self, request: Request<Streaming<Bytes>>) -> Answer {
        let path = std::mem::take(&mut self.path);
        Box::pin(answer(path, request))
    }
}

async fn answer(path: String, request: Request<Streaming<Bytes>>) -> Result<Response<Messages>, Status> {
    let (metadata, _, mut incoming) = request.into_parts();
    let delay = number(&metadata, "x-grpc-delay-ms").unwrap_or(0);
    tokio::time::sleep(Duration::from_millis(delay as u64)).await;
    let messages: Messages = if path == Method::Bidirectional.path() {
        Box::pin(incoming)
    } else {
        let message = incoming.message().await?.ok_or_else(|| Status::invalid_argument("no message"))?;
        let count = match path {
            path if path == Method::Unary.path() => 1,
            path if path == Method::ServerStream.path() => number(&metadata, "x-grpc-count").unwrap_or(3),
            _ => return Err(Status::unimplemented("no such method")),
        };
        Box::pin(tokio_stream::iter((0..count).map(move |_| Ok(message.clone()))))
    };
    match (failure(&metadata), number(&metadata, "x-grpc-fail-after")) {
        (None, _) => Ok(Response::new(messages)),
        (Some(failure), None) => Err(failure),
        (Some(failure), Some(after)) => {
            Ok(Response::new(Box::pin(messages.take(after).chain(tokio_stream::once(Err(failure))))))
        }
    }
}

/// The status with which the metadata ask the call to end.
fn failure(metadata: &MetadataMap) -> Option<Status> {
    let code = Code::from_i32(number(metadata, "x-grpc-fail")?.try_into().ok()?);
    let message = metadata.get("x-grpc-message").and_then(|text| text.to_str().ok()).unwrap_or_default();
    let mut trailers = MetadataMap::new();
    if let Some(value) = metadata.get("x-trailer") {
        trailers.insert("x-trailer", value.clone());
    }
    Some(Status::with_metadata(code, message, trailers))
}

fn number(metadata: &MetadataMap, name: &str) -> Option<usize> {
    metadata.get(name)?.to_str().ok()?.parse().ok()
}

/// A client of the echo service that keeps its connections open.
#[derive(Clone, Debug)]
pub struct GrpcClient {
    pool: Pool<HttpConnector, Body>,
    address: SocketAddr,
}

impl GrpcClient {
    /// A client that calls through this address: a listener of Envoy, or the server itself.
    pub fn new(address: SocketAddr) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let mut builder = Pool::builder(TokioExecutor::new());
        Self { pool: builder.http2_only(true).build(connector), address }
    }

    /// Calls a method and waits for its end. For use outside of the runtime.
    pub fn call(&self, method: Method, messages: &[&str], metadata: &[(&str, &str)]) -> Reply {
        runtime().block_on(self.call_async(method, messages, metadata))
    }

    /// As [`GrpcClient::call`], inside the runtime.
    ///
    /// # Panics
    /// When `metadata` are no metadata.
    pub async fn call_async(&self, method: Method, messages: &[&str], metadata: &[(&str, &str)]) -> Reply {
        let messages: Vec<_> = messages.iter().map(|text| Bytes::copy_from_slice(text.as_bytes())).collect();
        let mut request = Request::new(tokio_stream::iter(messages));
        for (name, value) in metadata {
            let name: tonic::metadata::AsciiMetadataKey = name.parse().expect("a name of metadata");
            request.metadata_mut().append(name, value.parse().expect("a value of metadata"));
        }
        let start = Instant::now();
        let mut reply = Reply::empty();
        let outcome = tokio::time::timeout(PATIENCE, self.exchange(method, request, &mut reply)).await;
        let status = match outcome {
            Ok(Ok(())) => Status::ok(""),
            Ok(Err(status)) => status,
            Err(_) => Status::deadline_exceeded(format!("no end within {PATIENCE:?}")),
        };
        if status.code() != Code::Ok {
            reply.trailers = texts(status.metadata());
        }
        (reply.code, reply.message) = (status.code(), status.message().to_owned());
        reply.elapsed = start.elapsed();
        reply
    }

    async fn exchange<S>(&self, method: Method, request: Request<S>, reply: &mut Reply) -> Result<(), Status>
    where
        S: Stream<Item = Bytes> + Send + 'static,
    {
        let origin = format!("http://{}", self.address).parse().map_err(|_| Status::internal("address"))?;
        let mut grpc = tonic::client::Grpc::with_origin(self.pool.clone(), origin);
        grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let path = PathAndQuery::from_static(method.path());
        let (headers, mut incoming, _) = grpc.streaming(request, path, BytesCodec).await?.into_parts();
        reply.headers = texts(&headers);
        while let Some(message) = incoming.message().await? {
            reply.messages.push(message);
        }
        if let Some(trailers) = incoming.trailers().await? {
            reply.trailers = texts(&trailers);
        }
        Ok(())
    }
}

impl Reply {
    fn empty() -> Self {
        Self {
            messages: Vec::new(),
            code: Code::Unknown,
            message: String::new(),
            headers: Vec::new(),
            trailers: Vec::new(),
            elapsed: Duration::ZERO,
        }
    }

    /// The first header or trailer of this name.
    pub fn metadata(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter().chain(&self.trailers);
        all.find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn texts(metadata: &MetadataMap) -> Vec<(String, String)> {
    let text = |pair: KeyAndValueRef<'_>| match pair {
        KeyAndValueRef::Ascii(name, value) => {
            (name.to_string(), String::from_utf8_lossy(value.as_encoded_bytes()).into_owned())
        }
        KeyAndValueRef::Binary(name, value) => {
            (name.to_string(), String::from_utf8_lossy(value.as_encoded_bytes()).into_owned())
        }
    };
    metadata.iter().map(text).collect()
}

/// Messages that are what they are.
#[derive(Clone, Copy, Debug)]
struct BytesCodec;

impl Codec for BytesCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back() {
        let server = GrpcServer::start().unwrap();
        let client = GrpcClient::new(server.address());
        let unary = client.call(Method::Unary, &["a"], &[]);
        assert_eq!((unary.code, unary.messages), (Code::Ok, vec![Bytes::from("a")]));
        let streamed = client.call(Method::ServerStream, &["a"], &[("x-grpc-count", "4")]);
        assert_eq!((streamed.code, streamed.messages.len()), (Code::Ok, 4));
        let both = client.call(Method::Bidirectional, &["a", "", "c"], &[]);
        assert_eq!(both.messages, [Bytes::from("a"), Bytes::new(), Bytes::from("c")]);
        assert_eq!(server.calls(), 3);
    }

    #[test]
    fn failures_have_status_message_and_trailers() {
        let server = GrpcServer::start().unwrap();
        let client = GrpcClient::new(server.address());
        let fail = [
            ("x-grpc-fail", "14"),
            ("x-grpc-message", "down: 100%"),
            ("x-trailer", "t"),
            ("x-grpc-fail-after", "2"),
        ];
        let early = client.call(Method::Unary, &["a"], &fail[..3]);
        assert_eq!((early.code, early.message.as_str()), (Code::Unavailable, "down: 100%"));
        assert_eq!((early.metadata("x-trailer"), early.messages.len()), (Some("t"), 0));
        let late = client.call(Method::ServerStream, &["a"], &fail);
        assert_eq!((late.code, late.messages.len()), (Code::Unavailable, 2));
        assert_eq!(late.metadata("x-trailer"), Some("t"));
    }
}
