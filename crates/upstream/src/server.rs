//! Listening and serving, over HTTP/1 and HTTP/2 without TLS on the same port.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::answer::answer;
use crate::plan::Plans;

/// Requests with more header bytes than this are refused: well above what proxies let through.
const MAX_HEADER_BYTES: u32 = 1 << 20;
/// Requests with more headers than this are refused (HTTP/1).
const MAX_HEADERS: usize = 2_000;
/// HTTP/2 streams of one connection. More than any test has at once: a proxy that has not read the limit yet
/// sends more than a low one allows, and those fail.
const MAX_STREAMS: u32 = 100_000;

/// A running sample service. Dropping it stops it.
///
/// ```
/// use std::io::{Read as _, Write as _};
/// use weir_upstream::{Answer, Plans, Seen, Upstream};
///
/// #[tokio::main]
/// async fn main() -> std::io::Result<()> {
///     let plans = Plans::default();
///     plans.prepare("7", Answer { status: 503, body: b"busy".to_vec(), ..Answer::default() });
///     let any = "127.0.0.1:0".parse().unwrap();
///     let service = Upstream::start_with("v2", any, plans.clone()).await?;
///     let get = |headers: &str| {
///         let mut client = std::net::TcpStream::connect(service.address())?;
///         write!(client, "GET /cart HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n{headers}\r\n")?;
///         let mut answer = String::new();
///         client.read_to_string(&mut answer)?;
///         Ok::<_, std::io::Error>(answer)
///     };
///
///     // It answers with what it received …
///     let answer = get("x-user: ada\r\n")?;
///     assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("x-upstream: v2\r\n"));
///     let (_, body) = answer.split_once("\r\n\r\n").unwrap();
///     let seen: Seen = serde_json::from_str(body)?;
///     assert_eq!((&*seen.path, &*seen.authority), ("/cart", "shop"));
///     assert_eq!(seen.header_bytes("x-user"), [b"ada"]);
///
///     // … or with what was prepared.
///     assert!(get("x-answer-id: 7\r\n")?.ends_with("busy"));
///     assert_eq!(plans.take("7").len(), 1);
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Upstream {
    /// Starts a service called `name`; port 0 takes a free one. Needs a Tokio runtime.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn start(name: &str, listen: SocketAddr) -> io::Result<Self> {
        Self::start_with(name, listen, Plans::default()).await
    }

    /// As [`Upstream::start`], with answers that are prepared elsewhere.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn start_with(name: &str, listen: SocketAddr, plans: Plans) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(accept(listener, Arc::from(name), plans));
        Ok(Self { address, server })
    }

    /// Where the service listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn accept(listener: TcpListener, name: Arc<str>, plans: Plans) {
    loop {
        // An error here concerns one connection that went away; the next one is served.
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&name), plans.clone()));
        }
    }
}

async fn serve(stream: TcpStream, name: Arc<str>, plans: Plans) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let (name, plans) = (Arc::clone(&name), plans.clone());
        async move {
            let response = answer(&name, &plans, request).await;
            Ok::<_, Infallible>(response.unwrap_or_default())
        }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().max_headers(MAX_HEADERS).max_buf_size(2 * MAX_HEADER_BYTES as usize);
    builder.http2().max_header_list_size(MAX_HEADER_BYTES).max_concurrent_streams(MAX_STREAMS);
    // A client that breaks the protocol or hangs up ends its connection and nothing else.
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}
