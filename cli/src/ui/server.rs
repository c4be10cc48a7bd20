//! HTTP for one browser on this machine. Other sites can make a browser send requests here, so each request is held to
//! what only the page can know or say: the token in its address, its host and, where something is sent, its origin.

use super::page::Page;
use super::real::{self, Question};
use super::state::{Shared, Token};
use crate::output::in_words;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue, ORIGIN};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How long a request may take until it has arrived.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the page waits for a change before it asks again.
const WAIT: Duration = Duration::from_secs(25);
/// The longest request to send, in bytes. Envoy refuses headers of 60 KiB.
const MAX_REQUEST: usize = 64 << 10;
/// How many connections there may be. A browser has six to one server.
const MAX_CONNECTIONS: usize = 64;

/// The policy of docs/playground.md.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; \
                      img-src data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";
/// What all responses have besides. The token in the page's address goes to no other site, and no file stays behind.
const HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// What all requests share.
struct Server {
    page: Page,
    token: Token,
    /// The hosts by which the page is reached. Any other one is a name that another site points to this address.
    hosts: [String; 2],
    shared: Arc<Shared>,
}

/// Serves from now on.
///
/// # Errors
/// The listener cannot be used.
pub(super) async fn start(
    listener: TcpListener,
    page: Page,
    token: Token,
    shared: Arc<Shared>,
) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let port = listener.local_addr()?.port();
    let hosts = ["127.0.0.1", "localhost"].map(|host| format!("{host}:{port}"));
    let server = Arc::new(Server { page, token, hosts, shared });
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    tokio::spawn(async move {
        loop {
            // An error concerns one connection that went away. One too many is closed.
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
            let server = Arc::clone(&server);
            tokio::spawn(async move {
                serve(stream, server).await;
                drop(place);
            });
        }
    });
    Ok(())
}

async fn serve(stream: TcpStream, server: Arc<Server>) {
    let service = service_fn(move |request| {
        let server = Arc::clone(&server);
        async move { Ok::<_, Infallible>(protected(server.answer(request).await)) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(2 * MAX_REQUEST);
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}

fn protected(mut response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

impl Server {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let header = |name| request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let host = header(HOST).unwrap_or_default();
        if request.uri().authority().is_some() || !self.hosts.iter().any(|known| known == host) {
            return text(StatusCode::FORBIDDEN, "unknown host\n");
        }
        let path = request.uri().path();
        let parts = path.strip_prefix('/').and_then(|rest| rest.split_once('/'));
        let Some((_, name)) = parts.filter(|(token, _)| self.token.is(token)) else {
            return text(StatusCode::NOT_FOUND, "the address of the page is what `weir ui` prints\n");
        };
        match (request.method(), name) {
            (&Method::GET, "state") => {
                let after = request.uri().query().and_then(|query| query.strip_prefix("after="));
                let after = after.and_then(|version| version.parse().ok()).unwrap_or(0);
                let _ = timeout(WAIT, self.shared.after(after)).await;
                json(StatusCode::OK, &self.shared.now())
            }
            (&Method::POST, "request") => {
                // A browser sends it with each such request; a page of another site cannot choose it.
                let origin = header(ORIGIN);
                let is_ours = origin.is_some_and(|origin| origin.strip_prefix("http://") == Some(host));
                let is_json = header(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
                match is_ours && is_json {
                    true => self.send(request.into_body()).await,
                    false => text(StatusCode::FORBIDDEN, "only the page sends requests\n"),
                }
            }
            (_, "request") => text(StatusCode::METHOD_NOT_ALLOWED, "POST\n"),
            (&Method::GET, name) => match self.page.file(name) {
                Some((kind, bytes)) => file(kind, bytes),
                None => text(StatusCode::NOT_FOUND, "no such file\n"),
            },
            _ => text(StatusCode::METHOD_NOT_ALLOWED, "GET\n"),
        }
    }

    /// Sends the page's request through Envoy.
    async fn send(&self, body: Incoming) -> Response<Full<Bytes>> {
        let body = match timeout(PATIENCE, Limited::new(body, MAX_REQUEST).collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
                return text(StatusCode::PAYLOAD_TOO_LARGE, "the request is too long\n");
            }
            Ok(Err(_)) => return text(StatusCode::BAD_REQUEST, "the request broke off\n"),
            Err(_) => return text(StatusCode::REQUEST_TIMEOUT, "the request did not arrive in time\n"),
        };
        let question: Question = match serde_json::from_slice(&body) {
            Ok(question) => question,
            Err(error) => return json(StatusCode::BAD_REQUEST, &Failed { error: error.to_string() }),
        };
        match real::ask(question, &self.shared).await {
            Ok(answer) => json(StatusCode::OK, &answer),
            Err(error) => json(StatusCode::BAD_GATEWAY, &Failed { error: in_words(&error) }),
        }
    }
}

#[derive(Serialize)]
struct Failed {
    error: String,
}

fn file(kind: &'static str, bytes: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(bytes));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn json(status: StatusCode, answer: &impl Serialize) -> Response<Full<Bytes>> {
    let bytes = serde_json::to_vec(answer).unwrap_or_default();
    let mut response = file("application/json", Bytes::from(bytes));
    *response.status_mut() = status;
    response
}

fn text(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = file("text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_the_one_that_the_page_is_tested_with() {
        let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/playground.md"));
        assert!(page.contains(&format!("\nContent-Security-Policy: {POLICY}\n")), "{POLICY}");
    }
}
