//! A registry that says what a test wants it to say, right or wrong.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

/// A request, as far as a registry looks at it.
#[derive(Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// The value of `authorization`.
    pub authorization: String,
    pub body: Vec<u8>,
}

/// An answer. Without a length of its own it has that of the body.
#[derive(Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// What `content-length` says, if it lies.
    pub length: Option<u64>,
    /// Whether the body goes on for ever, without a length.
    pub endless: bool,
}

impl Answer {
    pub fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub fn body(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, body: body.into(), ..Self::default() }
    }

    /// A body that begins so and never ends.
    pub fn endless(body: impl Into<Vec<u8>>) -> Self {
        Self { endless: true, ..Self::body(body) }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// A registry on a port of this machine; it goes on until the test's process ends.
pub struct Registry {
    /// `127.0.0.1:PORT`.
    pub host: String,
}

impl Registry {
    /// Starts one that answers each request so.
    pub fn answering(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let answer = Arc::clone(&answer);
                std::thread::spawn(move || serve(&stream.unwrap(), &*answer));
            }
        });
        Self { host }
    }

    /// The same with TLS, and the certificate that clients have to trust.
    pub fn secure(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> (Self, String) {
        let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let chain = vec![signed.cert.der().clone()];
        let key = rustls::pki_types::PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().unwrap();
        let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = format!("localhost:{}", listener.local_addr().unwrap().port());
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (answer, config) = (Arc::clone(&answer), Arc::clone(&config));
                std::thread::spawn(move || {
                    let connection = rustls::ServerConnection::new(config).unwrap();
                    let mut stream = rustls::StreamOwned::new(connection, stream.unwrap());
                    serve(&mut stream, &*answer);
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                });
            }
        });
        (Self { host }, signed.cert.pem())
    }
}

fn serve(stream: impl Read + Write, answer: &dyn Fn(&Request) -> Answer) {
    let mut reader = BufReader::new(stream);
    let Some(request) = read(&mut reader) else { return };
    let answer = answer(&request);
    let mut head = format!("HTTP/1.1 {} x\r\nconnection: close\r\n", answer.status);
    if !answer.endless {
        let length = answer.length.unwrap_or(answer.body.len() as u64);
        head.push_str(&format!("content-length: {length}\r\n"));
    }
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    // A client that has seen enough hangs up.
    let stream = reader.get_mut();
    let _ = stream.write_all(head.as_bytes());
    if request.method != "HEAD" {
        let _ = stream.write_all(&answer.body);
        while answer.endless && stream.write_all(&[b' '; 1 << 16]).is_ok() {}
    }
    let _ = stream.flush();
}

fn read(reader: &mut BufReader<impl Read>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut authorization, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => authorization = value.to_owned(),
            "content-length" => length = value.parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, path, authorization, body })
}
