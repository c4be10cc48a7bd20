//! HTTPS for API servers, with a bound on everything that they send.

use super::certificate::Certificate;
use super::connections::{Connection, Connections, Place};
use super::review::{self, Rules};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;

/// How long a handshake may take, and a request until it has arrived.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection may be quiet. API servers open another one when they need it.
const QUIET: Duration = Duration::from_secs(120);
/// How many connections there may be. API servers keep a few.
const MAX_CONNECTIONS: usize = 256;
/// How many requests there may be at once on one.
const MAX_STREAMS: u32 = 8;
/// The longest request, in bytes. Resources have 1.5 MiB at most, and an update has two of them. A check takes up to 80
/// times as much memory.
const MAX_REQUEST: usize = 4 << 20;
/// So much of a request has room in any case; …
const SMALL: usize = 64 << 10;
/// … what is above that, of all requests together, in bytes.
const ROOM: usize = 16 << 20;
/// How many small requests are checked at once. Of large ones it is one: a check takes many times their size.
const MAX_CHECKS: usize = 4;
/// How long new connections are accepted after SIGTERM: not all API servers know at once that this one ends.
const FAREWELL: Duration = Duration::from_secs(3);

/// What all requests share.
struct Shared {
    rules: Rules,
    /// Bytes of requests that are not small.
    room: Semaphore,
    small: Semaphore,
    large: Semaphore,
}

/// Serves until SIGTERM or SIGINT. After SIGTERM what has begun is answered, and what comes within a few seconds.
///
/// # Errors
/// The system does not let it listen for signals.
pub(super) async fn serve(
    listener: TcpListener,
    certificate: Arc<Certificate>,
    rules: Rules,
) -> io::Result<()> {
    // Fails when one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut tls = rustls::ServerConfig::builder().with_no_client_auth().with_cert_resolver(certificate);
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let shared = Arc::new(Shared {
        rules,
        room: Semaphore::new(ROOM),
        small: Semaphore::new(MAX_CHECKS),
        large: Semaphore::new(1),
    });
    let connections = Connections::new(MAX_CONNECTIONS);
    let (ends, ending) = watch::channel(false);
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut end = None;
    loop {
        let accepted = tokio::select! {
            _ = terminate.recv(), if end.is_none() => {
                end = Some(Instant::now() + FAREWELL);
                continue;
            }
            _ = interrupt.recv() => return Ok(()),
            () = sleep_until(end.unwrap_or_else(Instant::now)), if end.is_some() => break,
            accepted = listener.accept() => accepted,
        };
        // An error concerns one connection that went away. Where there are too many, the client tries again.
        let Ok((stream, _)) = accepted else {
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        let Some(place) = connections.enter() else { continue };
        tokio::spawn(serve_one(stream, acceptor.clone(), Arc::clone(&shared), place, ending.clone()));
    }
    ends.send_replace(true);
    let last = Instant::now() + PATIENCE;
    while connections.number() > 0 && Instant::now() < last {
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Serves a connection until its client closes it, it is quiet for too long, its place is needed, or all ends.
async fn serve_one(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    shared: Arc<Shared>,
    place: Place,
    mut ending: watch::Receiver<bool>,
) {
    let connection = &place.connection;
    let handshake = timeout(PATIENCE, acceptor.accept(stream));
    let stream = tokio::select! {
        () = connection.closed() => return,
        stream = handshake => stream,
    };
    let Ok(Ok(stream)) = stream else { return };
    let service = service_fn(|request| {
        let (shared, connection) = (Arc::clone(&shared), Arc::clone(connection));
        async move { Ok::<_, Infallible>(answer(request, &shared, &connection).await) }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(MAX_STREAMS);
    let mut served = pin!(builder.serve_connection(TokioIo::new(stream), service));
    // The moment after which nothing more is waited for.
    let mut last = None;
    loop {
        let look = last.unwrap_or_else(|| Instant::from_std(connection.since()) + QUIET);
        tokio::select! {
            // Clients that break off are no matter of ours.
            _ = served.as_mut() => return,
            () = connection.closed() => return,
            () = ended(&mut ending), if last.is_none() => {}
            () = sleep_until(look) => {
                if last.is_some() {
                    return;
                }
                if connection.is_busy() || Instant::from_std(connection.since()) + QUIET > Instant::now() {
                    // A check that takes so long is not looked at all the time.
                    sleep(Duration::from_millis(10)).await;
                    continue;
                }
            }
        }
        served.as_mut().graceful_shutdown();
        last = Some(Instant::now() + PATIENCE);
    }
}

/// Returns when all ends.
async fn ended(ending: &mut watch::Receiver<bool>) {
    // An error: the server is gone.
    let _ = ending.wait_for(|ends| *ends).await;
}

async fn answer(
    request: Request<Incoming>,
    shared: &Arc<Shared>,
    connection: &Arc<Connection>,
) -> Response<Full<Bytes>> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/healthz") => text(StatusCode::OK, "ok\n"),
        (&Method::POST, "/validate") => validate(request, shared, connection).await,
        (_, "/healthz" | "/validate") => {
            text(StatusCode::METHOD_NOT_ALLOWED, "POST /validate, GET /healthz\n")
        }
        _ => text(StatusCode::NOT_FOUND, "POST /validate, GET /healthz\n"),
    }
}

async fn validate(
    request: Request<Incoming>,
    shared: &Arc<Shared>,
    connection: &Arc<Connection>,
) -> Response<Full<Bytes>> {
    let (body, room) = match timeout(PATIENCE, read(request.into_body(), &shared.room)).await {
        Ok(Ok(read)) => read,
        Ok(Err(Unread::TooLong)) => return text(StatusCode::PAYLOAD_TOO_LARGE, "the request is too long\n"),
        Ok(Err(Unread::BrokenOff)) => return text(StatusCode::BAD_REQUEST, "the request broke off\n"),
        Err(_) => return text(StatusCode::REQUEST_TIMEOUT, "the request did not arrive in time\n"),
    };
    let _check = connection.check();
    let turns = if body.len() > SMALL { &shared.large } else { &shared.small };
    let _turn = turns.acquire().await;
    let its = Arc::clone(shared);
    // A check takes milliseconds of computing: on a thread of its own, where even a panic ends nothing else.
    let judged = tokio::task::spawn_blocking(move || review::answer(&body, &its.rules)).await;
    drop(room);
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
        Ok(Err(problem)) => {
            text(StatusCode::BAD_REQUEST, &format!("{}\n", crate::output::in_words(&problem)))
        }
        Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "the check failed\n"),
    }
}

/// Why there is no body.
enum Unread {
    TooLong,
    BrokenOff,
}

/// A body, with the room that it takes. Waits for room.
async fn read<'r>(
    mut body: Incoming,
    room: &'r Semaphore,
) -> Result<(Bytes, Option<SemaphorePermit<'r>>), Unread> {
    let mut bytes = BytesMut::new();
    let mut taken: Option<SemaphorePermit<'r>> = None;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Unread::BrokenOff)?.into_data() else { continue };
        let length = bytes.len() + data.len();
        if length > MAX_REQUEST {
            return Err(Unread::TooLong);
        }
        let above = length.saturating_sub(bytes.len().max(SMALL));
        if let (1.., Ok(above)) = (above, u32::try_from(above)) {
            let more = room.acquire_many(above).await.map_err(|_| Unread::BrokenOff)?;
            match &mut taken {
                Some(taken) => taken.merge(more),
                None => taken = Some(more),
            }
        }
        bytes.extend_from_slice(&data);
    }
    Ok((bytes.freeze(), taken))
}

fn text(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text.to_owned())));
    *response.status_mut() = status;
    response
}
