//! A server of which a test decides everything, byte by byte if need be: late, broken, endless or lying
//! answers that no HTTP library would send.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::client::runtime;

/// Requests with more header bytes than this end their connection.
const MAX_HEAD: usize = 256 << 10;

/// The head of a request. A body is not read: what calls this server sends GET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers in order, names in lower case.
    pub headers: Vec<(String, String)>,
}

/// An answer and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers beside the length.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
    /// How long the first byte takes.
    pub delay: Duration,
    /// What is wrong.
    pub defect: Defect,
}

/// What can be wrong with an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Defect {
    /// Nothing.
    #[default]
    None,
    /// The connection ends before the answer begins.
    NoAnswer,
    /// The connection ends in the middle of the body.
    Cut,
    /// The connection stays open and nothing comes after half of the body.
    Stalled,
    /// The length says this many bytes more than there are; then the connection ends.
    TooShort(usize),
    /// The length says this many bytes fewer than there are.
    TooLong(usize),
    /// The body repeats for ever, in chunks.
    Endless,
    /// What comes is no HTTP.
    NoHttp,
}

impl Answer {
    /// A right answer at once.
    pub fn new(status: u16, body: impl AsRef<[u8]>) -> Self {
        let (headers, delay) = (Vec::new(), Duration::ZERO);
        Self { status, headers, body: body.as_ref().to_vec(), delay, defect: Defect::None }
    }

    /// The same with one header more.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// The same, so much later.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The same with a defect.
    pub fn with(mut self, defect: Defect) -> Self {
        self.defect = defect;
        self
    }

    /// The head, with what it says about the body's length.
    fn head(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} -\r\n", self.status).into_bytes();
        for (name, value) in &self.headers {
            head.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        let length = match self.defect {
            Defect::TooShort(missing) => self.body.len() + missing,
            Defect::TooLong(extra) => self.body.len().saturating_sub(extra),
            _ => self.body.len(),
        };
        let end = match self.defect {
            Defect::Endless => "transfer-encoding: chunked\r\n\r\n".to_owned(),
            _ => format!("content-length: {length}\r\n\r\n"),
        };
        head.extend(end.into_bytes());
        head
    }
}

/// A running server. Dropping it stops it; connections that are open end with their answer.
#[derive(Debug)]
pub struct Origin {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Origin {
    /// Starts a server on a free local port that asks `handler` for each answer.
    ///
    /// # Errors
    /// There is no port.
    pub fn start(handler: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> io::Result<Self> {
        runtime().block_on(async {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
            let address = listener.local_addr()?;
            Ok(Self { address, server: tokio::spawn(accept(listener, Arc::new(handler))) })
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn accept<H>(listener: TcpListener, handler: Arc<H>)
where
    H: Fn(&Asked) -> Answer + Send + Sync + 'static,
{
    loop {
        // An error here concerns one connection that went away; the next one is served.
        if let Ok((stream, _)) = listener.accept().await {
            let handler = Arc::clone(&handler);
            tokio::spawn(async move {
                // Whoever hangs up gets no answer, and needs none.
                let _ = serve(stream, &*handler).await;
            });
        }
    }
}

async fn serve(mut stream: TcpStream, handler: &(impl Fn(&Asked) -> Answer + Sync)) -> io::Result<()> {
    let _ = stream.set_nodelay(true);
    let mut received = Vec::new();
    loop {
        let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else {
            if received.len() > MAX_HEAD || stream.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let head: Vec<u8> = received.drain(..end + 4).collect();
        let answer = handler(&parse(&head));
        tokio::time::sleep(answer.delay).await;
        if !send(&mut stream, &answer).await? {
            return Ok(());
        }
    }
}

/// Sends an answer; whether the connection can serve another request.
async fn send(stream: &mut TcpStream, answer: &Answer) -> io::Result<bool> {
    let half = &answer.body[..answer.body.len() / 2];
    match answer.defect {
        Defect::NoAnswer => return Ok(false),
        Defect::NoHttp => {
            stream.write_all(b"\x00\x01this is no HTTP\r\n\r\n").await?;
            return Ok(false);
        }
        _ => stream.write_all(&answer.head()).await?,
    }
    match answer.defect {
        Defect::Cut => stream.write_all(half).await.map(|()| false),
        Defect::Stalled => {
            stream.write_all(half).await?;
            // Until the other side gives up.
            stream.read_buf(&mut Vec::new()).await.map(|_| false)
        }
        Defect::Endless => loop {
            let chunk = [format!("{:x}\r\n", answer.body.len()).as_bytes(), &answer.body, b"\r\n"].concat();
            stream.write_all(&chunk).await?;
        },
        Defect::TooShort(_) | Defect::TooLong(_) => stream.write_all(&answer.body).await.map(|()| false),
        Defect::None | Defect::NoAnswer | Defect::NoHttp => {
            stream.write_all(&answer.body).await.map(|()| true)
        }
    }
}

fn parse(head: &[u8]) -> Asked {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    Asked {
        method: first.next().unwrap_or_default(),
        path: first.next().unwrap_or_default(),
        headers: lines.filter_map(header).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Client, Request};

    fn ask(answer: Answer) -> Result<(u16, usize), String> {
        let origin = Origin::start(move |_| answer.clone()).unwrap();
        let client = Client::http1().patience(Duration::from_millis(300));
        let response =
            client.send(origin.address(), &Request::get("/")).map_err(|error| error.to_string())?;
        Ok((response.status, response.body.len()))
    }

    #[test]
    fn right_answers_arrive_on_one_connection() {
        let origin =
            Origin::start(|asked| Answer::new(203, &asked.path).header("x-a", &asked.method)).unwrap();
        let client = Client::http1();
        for path in ["/a", "/b?c"] {
            let response = client.send(origin.address(), &Request::get(path)).unwrap();
            assert_eq!((response.status, response.body.as_slice()), (203, path.as_bytes()));
            assert_eq!(response.header("x-a"), Some(&b"GET"[..]));
        }
    }

    #[test]
    fn defects_are_felt() {
        let answer = || Answer::new(200, vec![b'x'; 1000]);
        assert_eq!(ask(answer()), Ok((200, 1000)));
        assert_eq!(ask(answer().with(Defect::TooLong(10))), Ok((200, 990)));
        for defect in [
            Defect::NoAnswer,
            Defect::Cut,
            Defect::Stalled,
            Defect::TooShort(1),
            Defect::Endless,
            Defect::NoHttp,
        ] {
            assert!(ask(answer().with(defect)).is_err(), "{defect:?}");
        }
        assert!(ask(answer().after(Duration::from_secs(1))).unwrap_err().contains("no answer"));
    }
}
