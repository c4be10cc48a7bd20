//! HTTP as registries speak it, with a bound on everything that they send.

use super::connection::Connection;
use crate::http_client::{self, causes};
use crate::output::in_words;
use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::header::{AUTHORIZATION, LOCATION};
use http::{HeaderMap, HeaderValue, Method};
use reqwest::{Client, Response, Url};
use std::error::Error;
use std::io;
use std::time::Duration;

/// Connect timeout, …
const CONNECT: Duration = Duration::from_secs(10);
/// … how long a registry may pause while it sends, …
const READ: Duration = Duration::from_secs(30);
/// … and how long one request may take altogether.
const TOTAL: Duration = Duration::from_secs(600);

/// How much of an answer is read that says why something is refused.
const MAX_REASON: usize = 64 << 10;
/// How often a registry may send us elsewhere.
const MAX_REDIRECTS: usize = 5;

/// A client for one registry.
pub(super) struct Http {
    client: Client,
    plain: bool,
}

/// A request.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<reqwest::Body>,
}

impl Request {
    pub(super) fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: None }
    }

    pub(super) fn with(mut self, name: http::HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

/// An answer, as far as it is worth reading.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// Of errors the beginning.
    pub(super) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The connection, TLS, or a wrong redirect.
    Transport(String),
    /// It broke after this many bytes of the body.
    Broke(usize, String),
    /// The body has more than this many bytes.
    TooLong(u64),
}

impl Http {
    /// Prepares a client.
    ///
    /// # Errors
    /// What is wrong with the certificates.
    pub(super) fn new(connection: &Connection) -> anyhow::Result<Self> {
        let file = connection.ca_file.as_deref();
        let authorities = http_client::authorities(file)
            .with_context(|| file.unwrap_or("".as_ref()).display().to_string())?;
        // Each redirect is looked at before it is followed.
        let client = http_client::client(authorities, |it| it.connect_timeout(CONNECT).read_timeout(READ))?;
        Ok(Self { client, plain: connection.plain_http })
    }

    /// Whether HTTP without TLS may be spoken.
    pub(super) fn plain(&self) -> bool {
        self.plain
    }

    /// The scheme of addresses.
    pub(super) fn scheme(&self) -> &'static str {
        if self.plain { "http" } else { "https" }
    }

    /// Sends a request and reads the answer. Redirects of `GET` and `HEAD` are followed: with TLS, unless the
    /// registry itself has none, and without credentials where they lead to another host. `progress` receives
    /// each part of the body that came.
    ///
    /// # Errors
    /// Why there is no answer, or that its body has more than `limit` bytes.
    pub(super) async fn send(
        &self,
        request: Request,
        limit: u64,
        progress: &dyn Fn(usize),
    ) -> Result<Answer, Fault> {
        match tokio::time::timeout(TOTAL, self.follow(request, limit, progress)).await {
            Ok(done) => done,
            Err(_) => Err(too_slow()),
        }
    }

    /// The same without following anything: where credentials are sent, they stay.
    ///
    /// # Errors
    /// As [`Http::send`].
    pub(super) async fn send_once(&self, request: Request, limit: u64) -> Result<Answer, Fault> {
        let Request { method, url, headers, body } = request;
        let mut sent = self.client.request(method, url).headers(headers);
        if let Some(body) = body {
            sent = sent.body(body);
        }
        let done = async {
            let response = sent.send().await.map_err(|error| Fault::Transport(reason(&error)))?;
            read(response, limit, &|_| ()).await
        };
        match tokio::time::timeout(TOTAL, done).await {
            Ok(done) => done,
            Err(_) => Err(too_slow()),
        }
    }

    async fn follow(&self, request: Request, limit: u64, progress: &dyn Fn(usize)) -> Result<Answer, Fault> {
        let Request { method, mut url, mut headers, mut body } = request;
        let follows = method == Method::GET || method == Method::HEAD;
        for _ in 0..=MAX_REDIRECTS {
            let mut sent = self.client.request(method.clone(), url.clone()).headers(headers.clone());
            if let Some(body) = body.take() {
                sent = sent.body(body);
            }
            let response = sent.send().await.map_err(|error| Fault::Transport(reason(&error)))?;
            if !follows || !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return read(response, limit, progress).await;
            }
            let location = response.headers().get(LOCATION).and_then(|it| it.to_str().ok());
            let next =
                self.resolve(&url, location).map_err(|problem| Fault::Transport(in_words(&problem)))?;
            if next.origin() != url.origin() {
                headers.remove(AUTHORIZATION);
            }
            url = next;
        }
        Err(Fault::Transport(format!("more than {MAX_REDIRECTS} redirects")))
    }

    /// Where an answer's `location` leads.
    ///
    /// # Errors
    /// It is not an address, or one without TLS though the registry has it.
    pub(super) fn resolve(&self, base: &Url, location: Option<&str>) -> anyhow::Result<Url> {
        let location = location.context("an answer that no registry should give: no `location`")?;
        let next = base.join(location).ok().filter(|url| url.has_host());
        let mut next =
            next.context("an answer that no registry should give: its `location` is not an address")?;
        let good = next.scheme() == "https" || (self.plain && next.scheme() == "http");
        if !good {
            bail!("its `location` leads to an address without TLS, which is not followed");
        }
        // An address with a password is not asked for more than one without.
        let _ = (next.set_username(""), next.set_password(None));
        next.set_fragment(None);
        Ok(next)
    }
}

fn too_slow() -> Fault {
    Fault::Transport(format!("no end after {} minutes", TOTAL.as_secs() / 60))
}

async fn read(mut response: Response, limit: u64, progress: &dyn Fn(usize)) -> Result<Answer, Fault> {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let refused = !response.status().is_success();
    if !refused && response.content_length().is_some_and(|length| length > limit) {
        return Err(Fault::TooLong(limit));
    }
    let mut body = Vec::new();
    loop {
        let part = match response.chunk().await {
            Ok(Some(part)) => part,
            Ok(None) => break,
            // What was said of an error is enough.
            Err(_) if refused => break,
            Err(error) => return Err(Fault::Broke(body.len(), causes(&error))),
        };
        if refused {
            body.extend_from_slice(part.get(..MAX_REASON - body.len()).unwrap_or(&part));
            if body.len() >= MAX_REASON {
                break;
            }
        } else if (body.len() + part.len()) as u64 > limit {
            return Err(Fault::TooLong(limit));
        } else {
            body.extend_from_slice(&part);
            progress(part.len());
        }
    }
    Ok(Answer { status, headers, body })
}

/// A body that is sent in parts, of which `progress` is told.
pub(super) fn body(bytes: Bytes, progress: impl Fn(usize) + Send + Sync + 'static) -> reqwest::Body {
    /// How much is sent at a time, so that a bar has something to show.
    const PART: usize = 64 << 10;
    let parts: Vec<Bytes> = (0..bytes.len())
        .step_by(PART)
        .map(|start| bytes.slice(start..bytes.len().min(start + PART)))
        .collect();
    let parts = parts.into_iter().map(move |part| {
        progress(part.len());
        Ok::<_, std::convert::Infallible>(part)
    });
    reqwest::Body::wrap_stream(futures_util::stream::iter(parts))
}

/// Why a request came to nothing, from the innermost cause, which is what helps.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let causes = causes(error);
    match no_tls(error) {
        Some(NoTls::OtherProtocol) => {
            format!("does not speak TLS ({causes}); if it speaks plain HTTP: --plain-http")
        }
        Some(NoTls::UnknownIssuer) => format!("{causes}; to trust its authority: --ca-file"),
        None => causes,
    }
}

/// What a user can do something about, of all that a handshake fails for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NoTls {
    /// The other side says something that is not TLS, or nothing.
    OtherProtocol,
    /// Nobody whom we trust has signed its certificate.
    UnknownIssuer,
}

/// Why there is no TLS, by the error of the library that speaks it, which is below those of several others.
fn no_tls(error: &reqwest::Error) -> Option<NoTls> {
    let is_connecting = error.is_connect();
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = cause {
        match error.downcast_ref::<rustls::Error>() {
            Some(rustls::Error::InvalidMessage(_)) => return Some(NoTls::OtherProtocol),
            Some(rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer)) => {
                return Some(NoTls::UnknownIssuer);
            }
            _ => {}
        }
        let system = error.downcast_ref::<io::Error>();
        // Its source is that of the error within, not the error itself.
        let within = system.and_then(io::Error::get_ref).map(|within| within as &(dyn Error + 'static));
        // Before a connection is there, nothing but the handshake is read.
        if is_connecting && system.is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof) {
            return Some(NoTls::OtherProtocol);
        }
        cause = within.or_else(|| error.source());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_keep_tls() {
        let connection = |plain_http| Connection { plain_http, ca_file: None };
        let (secure, plain) = (Http::new(&connection(false)).unwrap(), Http::new(&connection(true)).unwrap());
        let base = Url::parse("https://r.example/v2/a/blobs/x").unwrap();
        for (location, expected) in [
            ("/b?c=d#e", Some("https://r.example/b?c=d")),
            ("https://me:pw@s.example/b", Some("https://s.example/b")),
            ("http://s.example/b", None),
            ("ftp://s.example/b", None),
            ("file:///etc/passwd", None),
            ("//", None),
            ("http://", None),
        ] {
            assert_eq!(
                secure.resolve(&base, Some(location)).ok().as_ref().map(Url::as_str),
                expected,
                "{location}"
            );
        }
        assert!(secure.resolve(&base, None).is_err());
        assert!(plain.resolve(&base, Some("http://s.example/b")).is_ok());
        assert!(plain.resolve(&base, Some("file:///etc/passwd")).is_err());
    }
}
