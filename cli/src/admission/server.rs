//! HTTPS for API servers, with a bound on everything that they send.

use super::certificate::Certificate;
use super::review::{self, Rules};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

/// How long a handshake may take, and a request until it has arrived.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many connections there may be. API servers keep a few.
const MAX_CONNECTIONS: usize = 256;
/// The longest request, in bytes. Resources have 1.5 MiB at most, and an update has two of them.
const MAX_REQUEST: usize = 8 << 20;

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// The system does not let it listen for signals.
pub(super) async fn serve(
    listener: TcpListener,
    certificate: Arc<Certificate>,
    rules: Arc<Rules>,
) -> io::Result<()> {
    // Fails when one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut tls = rustls::ServerConfig::builder().with_no_client_auth().with_cert_resolver(certificate);
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    loop {
        let accepted = tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            accepted = listener.accept() => accepted,
        };
        // An error concerns one connection that went away. Where there are too many, the client tries again.
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let (acceptor, rules) = (acceptor.clone(), Arc::clone(&rules));
        tokio::spawn(async move {
            connection(stream, acceptor, rules).await;
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, acceptor: TlsAcceptor, rules: Arc<Rules>) {
    let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await else { return };
    let service = service_fn(move |request| {
        let rules = Arc::clone(&rules);
        async move { Ok::<_, Infallible>(answer(request, rules).await) }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(64);
    // Clients that break off are no matter of ours.
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, rules: Arc<Rules>) -> Response<Full<Bytes>> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/healthz") => text(StatusCode::OK, "ok\n"),
        (&Method::POST, "/validate") => validate(request, rules).await,
        (_, "/healthz" | "/validate") => {
            text(StatusCode::METHOD_NOT_ALLOWED, "POST /validate, GET /healthz\n")
        }
        _ => text(StatusCode::NOT_FOUND, "POST /validate, GET /healthz\n"),
    }
}

async fn validate(request: Request<Incoming>, rules: Arc<Rules>) -> Response<Full<Bytes>> {
    let body = Limited::new(request.into_body(), MAX_REQUEST).collect();
    let body = match tokio::time::timeout(PATIENCE, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => return text(StatusCode::PAYLOAD_TOO_LARGE, "the request is too long, or broke off\n"),
        Err(_) => return text(StatusCode::REQUEST_TIMEOUT, "the request did not arrive in time\n"),
    };
    // A check takes milliseconds of computing: on a thread of its own, where even a panic ends nothing else.
    let judged = tokio::task::spawn_blocking(move || review::answer(&body, &rules)).await;
    match judged {
        Ok(Ok((answer, line))) => {
            if let Some(line) = line {
                crate::output::complain(&line);
            }
            let body = serde_json::to_vec(&answer).unwrap_or_default();
            let mut response = Response::new(Full::new(Bytes::from(body)));
            let json = http::HeaderValue::from_static("application/json");
            response.headers_mut().insert(http::header::CONTENT_TYPE, json);
            response
        }
        Ok(Err(problem)) => text(StatusCode::BAD_REQUEST, &format!("{problem}\n")),
        Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "the check failed\n"),
    }
}

fn text(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text.to_owned())));
    *response.status_mut() = status;
    response
}
