//! The client of the echo service.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::http::uri::PathAndQuery;
use hyper_util::client::legacy::{Client as Pool, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tokio_stream::Stream;
use tonic::body::Body;
use tonic::metadata::{KeyAndValueRef, MetadataMap};
use tonic::{Code, Request, Status};

use super::Method;
use super::codec::BytesCodec;
use crate::client::runtime;

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(30);

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
    /// Metadata after them, without the status. A reply without messages may have all of them here.
    pub trailers: Vec<(String, String)>,
    /// From the call to the end.
    pub elapsed: Duration,
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
