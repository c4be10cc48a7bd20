//! One HTTP/2 connection that sends requests in bursts. An Envoy that wakes up for each request costs several
//! times as much as one that finds many waiting; bursts make that independent of the client's own speed.

use std::net::SocketAddr;
use std::rc::Rc;

use bytes::Bytes;
use h2::client::SendRequest;
use http::{Request, Response};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use weir_tests::growth::BROWSER;

use crate::failure::Failure;

/// Requests that are sent at once.
pub(crate) const BURST: u32 = 32;

/// What filters read, besides what a browser sends. The token (HS256) says `{"sub":"ada","plan":"pro"}`.
const OWN: [(&str, &str); 5] = [
    ("x-user-id", "user-12345678"),
    ("x-tenant", "acme-corp"),
    ("x-b3-sampled", "0"),
    (
        "authorization",
        concat!(
            "Bearer ",
            "eyJhbGciOiJIUzI1NiIsImtpZCI6Im9uZSJ9",
            ".eyJzdWIiOiJhZGEiLCJwbGFuIjoicHJvIn0",
            ".Nplg7OXbqtrRg2KDF1lOSxZpjtoEA05gCSr4Qe-jO1Y"
        ),
    ),
    ("x-request-id", "7f8fe2b5-b8bd-4f21-9c0f-7c6a2f1f3f70"),
];

/// 23 headers with the pseudo-headers.
fn headers() -> impl Iterator<Item = (&'static str, &'static str)> {
    BROWSER.into_iter().chain(OWN)
}

/// A connection to one listener. For use inside a [`tokio::task::LocalSet`].
pub(crate) struct Client {
    sender: SendRequest<Bytes>,
}

impl Client {
    /// # Errors
    /// Nothing listens there, or it does not speak HTTP/2.
    pub(crate) async fn connect(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = h2::client::handshake(stream).await?;
        // An error of the connection is one of its requests as well.
        tokio::task::spawn_local(async { connection.await.ok() });
        Ok(Self { sender })
    }

    /// Sends one request of `path`; gives the head of the answer.
    ///
    /// # Errors
    /// No answer, or another status than 200.
    pub(crate) async fn get(&self, path: &str) -> Result<Response<()>, Failure> {
        exchange(&mut self.sender.clone().ready().await?, &request(path)?).await
    }

    /// Sends [`BURST`] measured requests at once, waits for all answers, and so on, `bursts` times.
    ///
    /// # Errors
    /// One request had no answer, or another status than 200.
    pub(crate) async fn send(&self, bursts: u32) -> Result<(), Failure> {
        let request = Rc::new(request("/api/v1/items?id=42")?);
        for _ in 0..bursts {
            let mut streams = JoinSet::new();
            for _ in 0..BURST {
                let (sender, request) = (self.sender.clone(), Rc::clone(&request));
                streams.spawn_local(async move { exchange(&mut sender.ready().await?, &request).await });
            }
            streams.join_all().await.into_iter().collect::<Result<Vec<_>, _>>()?;
        }
        Ok(())
    }
}

/// The same request as the bytes that HTTP/1.1 sends.
pub(crate) fn request_lines(path: &str) -> Vec<u8> {
    let head = format!("GET {path} HTTP/1.1\r\nhost: www.example.com\r\n");
    let lines = headers().map(|(name, value)| format!("{name}: {value}\r\n"));
    std::iter::once(head).chain(lines).chain(["\r\n".to_owned()]).collect::<String>().into_bytes()
}

fn request(path: &str) -> Result<Request<()>, Failure> {
    let request = Request::get(format!("http://www.example.com{path}"));
    Ok(headers().fold(request, |request, (name, value)| request.header(name, value)).body(())?)
}

async fn exchange(sender: &mut SendRequest<Bytes>, request: &Request<()>) -> Result<Response<()>, Failure> {
    let (answer, _) = sender.send_request(request.clone(), true)?;
    let (head, mut body) = answer.await?.into_parts();
    while let Some(chunk) = body.data().await {
        body.flow_control().release_capacity(chunk?.len())?;
    }
    if head.status != 200 {
        return Err(format!("Envoy answered {}", head.status).into());
    }
    Ok(Response::from_parts(head, ()))
}
