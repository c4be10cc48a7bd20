//! The echo server.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_stream::{Stream, StreamExt as _};
use tonic::metadata::MetadataMap;
use tonic::server::StreamingService;
use tonic::{Code, Request, Response, Status, Streaming};

use super::Method;
use super::codec::BytesCodec;
use crate::client::runtime;

/// Calls of one connection at a time: more than any test has.
const MAX_STREAMS: u32 = 100_000;

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
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.max_concurrent_streams(MAX_STREAMS);
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
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
