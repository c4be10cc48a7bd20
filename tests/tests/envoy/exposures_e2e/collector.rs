//! An OpenTelemetry collector for logs: it takes them over gRPC, and keeps the attributes of each.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::HeaderMap;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use weir_tests::client::runtime;

use crate::tracing_e2e::collector::all;

/// The attributes of a log record.
pub(super) type Row = BTreeMap<String, String>;

/// A running collector. Dropping it stops it.
pub(super) struct Collector {
    address: SocketAddr,
    rows: Arc<Mutex<Vec<Row>>>,
    server: JoinHandle<()>,
}

impl Collector {
    pub(super) fn start() -> Self {
        let rows = Arc::default();
        let shared = Arc::clone(&rows);
        runtime().block_on(async {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            let address = listener.local_addr().unwrap();
            Self { address, rows, server: tokio::spawn(accept(listener, shared)) }
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// All rows so far.
    pub(super) fn rows(&self) -> Vec<Row> {
        self.rows.lock().unwrap().clone()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn accept(listener: TcpListener, rows: Arc<Mutex<Vec<Row>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let rows = Arc::clone(&rows);
        let service = service_fn(move |request: Request<Incoming>| {
            let rows = Arc::clone(&rows);
            async move {
                assert_eq!(request.uri().path(), "/opentelemetry.proto.collector.logs.v1.LogsService/Export");
                let body = request.into_body().collect().await.unwrap().to_bytes();
                // One message: a flag, its length, itself.
                rows.lock().unwrap().extend(read(&body[5..]));
                let trailers = HeaderMap::from_iter([("grpc-status".parse().unwrap(), "0".parse().unwrap())]);
                let frames = [Frame::data(Bytes::from_static(&[0; 5])), Frame::trailers(trailers)];
                let body = StreamBody::new(tokio_stream::iter(frames.map(Ok::<_, Infallible>)));
                Ok::<_, Infallible>(
                    Response::builder().header("content-type", "application/grpc").body(body).unwrap(),
                )
            }
        });
        tokio::spawn(
            http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service),
        );
    }
}

/// The records of an `ExportLogsServiceRequest`.
fn read(request: &[u8]) -> Vec<Row> {
    let inside =
        |parts: Vec<Vec<u8>>, number| parts.iter().flat_map(|part| all(part, number)).collect::<Vec<_>>();
    let records = inside(inside(all(request, 1), 2), 2);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let attribute = |pair: &Vec<u8>| {
        let value: Vec<u8> = all(pair, 2).iter().flat_map(|value| all(value, 1).concat()).collect();
        (text(all(pair, 1).concat()), text(value))
    };
    records.iter().map(|record| all(record, 6).iter().map(attribute).collect()).collect()
}
