//! An OpenTelemetry collector: it takes spans over HTTP, in protobuf, and keeps what the test asks for.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use weir_tests::client::runtime;

/// A span, with its IDs in hexadecimal.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) trace: String,
    pub(crate) parent: String,
    pub(crate) attributes: BTreeMap<String, String>,
}

/// A running collector. Dropping it stops it.
pub(crate) struct Collector {
    address: SocketAddr,
    spans: Arc<Mutex<Vec<Span>>>,
    server: JoinHandle<()>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let spans = Arc::default();
        let shared = Arc::clone(&spans);
        runtime().block_on(async {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            let address = listener.local_addr().unwrap();
            Self { address, spans, server: tokio::spawn(accept(listener, shared)) }
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// All spans so far.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.spans.lock().unwrap().clone()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn accept(listener: TcpListener, spans: Arc<Mutex<Vec<Span>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let spans = Arc::clone(&spans);
        let service = service_fn(move |request: Request<Incoming>| {
            let spans = Arc::clone(&spans);
            async move {
                assert_eq!(request.uri().path(), "/v1/traces");
                let body = request.into_body().collect().await.unwrap().to_bytes();
                spans.lock().unwrap().extend(read(&body));
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// The spans of an `ExportTraceServiceRequest`.
fn read(request: &[u8]) -> Vec<Span> {
    let inside =
        |parts: Vec<Vec<u8>>, number| parts.iter().flat_map(|part| all(part, number)).collect::<Vec<_>>();
    let resources = all(request, 1);
    let scopes = inside(resources, 2);
    inside(scopes, 2).iter().map(|span| of_span(span)).collect()
}

fn of_span(span: &[u8]) -> Span {
    let id = |number| all(span, number).concat().iter().map(|byte| format!("{byte:02x}")).collect();
    let attribute = |pair: &Vec<u8>| {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let value: Vec<u8> = all(pair, 2).iter().flat_map(|value| all(value, 1).concat()).collect();
        (text(all(pair, 1).concat()), text(value))
    };
    Span { trace: id(1), parent: id(4), attributes: all(span, 9).iter().map(attribute).collect() }
}

/// The fields of a protobuf message with this number that have a length; the others are skipped.
pub(crate) fn all(mut message: &[u8], number: u64) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        let length = match key & 7 {
            0 => {
                varint(&mut message);
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut message)).unwrap(),
            5 => 4,
            other => panic!("no protobuf: type {other}"),
        };
        let (value, rest) = message.split_at(length);
        message = rest;
        if key == (number << 3 | 2) {
            found.push(value.to_vec());
        }
    }
    found
}

fn varint(message: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let (first, rest) = message.split_first().unwrap();
        *message = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return value;
        }
        shift += 7;
    }
}
