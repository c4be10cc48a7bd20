//! A request to a proxy of this machine, and its response.

use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderName, HeaderValue};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How much of a body is read, in bytes. Sample services answer with less.
const MAX_BODY: usize = 256 << 10;

/// A request without a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) method: String,
    pub(crate) host: String,
    /// Path and query.
    pub(crate) path: String,
    /// In order; a name may repeat.
    pub(crate) headers: Vec<(String, String)>,
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) status: u16,
    /// In order, names in lower case. A byte that is not ASCII is the character with the same number.
    pub(crate) headers: Vec<(String, String)>,
    /// The beginning, …
    pub(crate) body: Vec<u8>,
    /// … and whether there is more.
    pub(crate) cut: bool,
    /// From sending to the end of the response.
    pub(crate) took: Duration,
}

impl Received {
    /// The first value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Sends it, and waits for the response.
///
/// # Errors
/// What is wrong with the request, or why there is no response.
pub(crate) async fn send(to: SocketAddr, request: &Sent, patience: Duration) -> anyhow::Result<Received> {
    let request = written(request)?;
    let answered = timeout(patience, exchange(to, request)).await;
    answered.map_err(|_| anyhow!("no response within {} s", patience.as_secs()))?
}

fn written(sent: &Sent) -> anyhow::Result<http::Request<Empty<Bytes>>> {
    if !sent.path.starts_with('/') {
        bail!("invalid path {:?}: expected one that begins with /", sent.path);
    }
    let mut request = http::Request::builder().method(sent.method.as_bytes()).uri(&sent.path);
    for (name, value) in [(HOST.as_str(), &sent.host)].into_iter().chain(pairs(&sent.headers)) {
        let wrong = |what: &str| anyhow!("invalid {what} of the header {name:?}");
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("name"))?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| wrong("value"))?;
        request = request.header(name, value);
    }
    request.body(Empty::new()).map_err(|_| anyhow!("invalid method or path"))
}

fn pairs(headers: &[(String, String)]) -> impl Iterator<Item = (&str, &String)> {
    headers.iter().map(|(name, value)| (name.as_str(), value))
}

async fn exchange(to: SocketAddr, request: http::Request<Empty<Bytes>>) -> anyhow::Result<Received> {
    let start = Instant::now();
    let stream = TcpStream::connect(to).await.with_context(|| to)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let (head, mut incoming) = response.into_parts();
    let mut body = Vec::new();
    let mut cut = false;
    while let Some(frame) = incoming.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let room = MAX_BODY.saturating_sub(body.len());
        cut = data.len() > room;
        body.extend_from_slice(data.get(..room).unwrap_or(&data));
        if cut {
            break;
        }
    }
    connection.abort();
    let latin1 = |value: &HeaderValue| value.as_bytes().iter().copied().map(char::from).collect();
    let headers = head.headers.iter().map(|(name, value)| (name.to_string(), latin1(value))).collect();
    Ok(Received { status: head.status.as_u16(), headers, body, cut, took: start.elapsed() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Refusal as _;
    use weir_upstream::Upstream;

    fn get(path: &str, headers: &[(&str, &str)]) -> Sent {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Sent { method: "GET".to_owned(), host: "example.com".to_owned(), path: path.to_owned(), headers }
    }

    #[tokio::test]
    async fn a_response_is_read_up_to_a_bound() {
        let service = Upstream::start("a", ([127, 0, 0, 1], 0).into()).await.unwrap();
        let ask =
            async |headers| send(service.address(), &get("/x?y", headers), Duration::from_secs(10)).await;
        let response = ask(&[("x-a", "1"), ("x-answer-header", "x-b=2")]).await.unwrap();
        assert_eq!((response.status, response.header("x-upstream")), (200, Some("a")));
        assert_eq!(response.header("x-b"), Some("2"));
        let seen: weir_upstream::Seen = serde_json::from_slice(&response.body).unwrap();
        assert_eq!((seen.authority.as_str(), seen.path.as_str()), ("example.com", "/x?y"));
        assert!(seen.headers.contains(&("x-a".to_owned(), "1".to_owned())) && !response.cut);
        let long = ask(&[("x-answer-body-bytes", "1000000")]).await.unwrap();
        assert!(long.cut && long.body.len() == MAX_BODY);
    }

    #[tokio::test]
    async fn what_cannot_be_sent_is_refused() {
        let service = Upstream::start("a", ([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = service.address();
        let patience = Duration::from_millis(200);
        for (request, expected) in [
            (get("x", &[]), "path"),
            (get("http://elsewhere/", &[]), "path"),
            (get("/ x", &[]), "path"),
            (get("/", &[("a b", "1")]), "name"),
            (get("/", &[("a", "1\r\nb: 2")]), "value"),
            (get("/", &[("x-answer-delay-ms", "5000")]), "no response within 0 s"),
        ] {
            let error = send(address, &request, patience).await.refusal();
            assert!(error.contains(expected), "{request:?}: {error}");
        }
        drop(service);
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(send(free, &get("/", &[]), patience).await.refusal().contains("refused"));
    }
}
