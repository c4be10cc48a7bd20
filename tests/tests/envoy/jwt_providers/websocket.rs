//! WebSockets that bring their token as a subprotocol, opened through Envoy to a server that chooses one.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use weir_tests::envoy::{Bootstrap, Cluster, Envoy, Filter, Listener, Plugin};

use super::super::jwt_differential::JWT_AUTHN;
use crate::jwt_e2e::sign;

const NAME: &str = "sec-websocket-protocol";
const PATIENCE: Duration = weir_tests::PATIENCE;

/// The head of a message: its first line, and its headers.
fn head(stream: &mut impl BufRead) -> (String, Vec<(String, String)>) {
    let mut lines = stream.lines().map(|line| line.unwrap_or_default());
    let first = lines.next().unwrap_or_default();
    let headers = lines.take_while(|line| !line.is_empty()).filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    });
    (first, headers.collect())
}

fn value(headers: &[(String, String)], name: &str) -> Option<String> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

/// A server that opens every WebSocket with the first subprotocol that it is offered, and sends back what it gets.
/// It tells what subprotocols there were.
fn server() -> (SocketAddr, Receiver<Option<String>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (told, seen) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let told = told.clone();
            thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut stream = stream;
                let (first, headers) = head(&mut reader);
                if first.is_empty() {
                    return;
                }
                let offered = value(&headers, NAME);
                told.send(offered.clone()).unwrap();
                let chosen = offered.as_deref().and_then(|list| list.split(',').next());
                let chosen = chosen.map(|one| format!("{NAME}: {}\r\n", one.trim())).unwrap_or_default();
                let answer = format!(
                    "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n{chosen}\r\n"
                );
                stream.write_all(answer.as_bytes()).unwrap();
                let mut bytes = [0; 64];
                while let Ok(n @ 1..) = reader.read(&mut bytes) {
                    stream.write_all(&bytes[..n]).unwrap();
                }
            });
        }
    });
    (address, seen)
}

/// Opens a WebSocket; the status, and the subprotocol that was chosen. What is sent comes back if it is open.
fn open(envoy: SocketAddr, protocols: &str) -> (u16, Option<String>) {
    let mut stream = TcpStream::connect(envoy).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!(
        "GET /socket HTTP/1.1\r\nhost: example.com\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{NAME}: {protocols}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (first, headers) = head(&mut reader);
    let status = first.split(' ').nth(1).unwrap_or_default().parse().unwrap();
    if status == 101 {
        stream.write_all(b"frame").unwrap();
        let mut back = [0; 5];
        reader.read_exact(&mut back).unwrap();
        assert_eq!(&back, b"frame");
    }
    (status, value(&headers, NAME))
}

fn envoy(upstream: SocketAddr) -> Envoy {
    let keys = sign::key_set(&["one"]);
    let ours = json!({"jwt": {"providers": {"corp": {"jwks": {"inline": keys}, "from": {"subprotocols": [
        {"after": "bearer"}, {"prefix": "Bearer-"},
        {"prefix": "base64url.bearer.authorization.k8s.io.", "base64url": true},
    ]}}}}});
    let theirs: Value = json!({"@type": JWT_AUTHN,
        "providers": {"corp": {"local_jwks": {"inline_string": keys}, "from_headers": [{"name": NAME, "value_prefix": "Bearer-"}]}},
        "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "corp"}}],
    });
    let routes = json!([{"match": {"prefix": "/"}, "route": {"cluster": "sockets"}}]);
    let authn = Filter::Native("envoy.filters.http.jwt_authn".to_owned(), theirs);
    let listener = || Listener::new().routes(routes.clone()).websockets();
    let bootstrap = Bootstrap::default()
        .cluster(Cluster::new("sockets", upstream))
        .listener(listener().plugin(Plugin::new("jwt_claims").unwrap().config(&ours)))
        .listener(listener().filter(authn));
    Envoy::start(bootstrap).unwrap()
}

#[test]
fn a_websocket_brings_its_token_as_a_subprotocol() {
    let (upstream, seen) = server();
    let envoy = envoy(upstream);
    let token = sign::token("one", r#"{"sub":"ann"}"#);
    let encoded = sign::base64url(token.as_bytes());
    // What is offered, which one the server chooses, and what it was offered: nothing of the token.
    for (protocols, chosen, offered) in [
        (format!("bearer, {token}"), Some("bearer"), Some("bearer")),
        (format!("chat, bearer, {token}, v2.chat"), Some("chat"), Some("chat, bearer, v2.chat")),
        (format!("chat, Bearer-{token}"), Some("chat"), Some("chat")),
        (
            format!("base64url.bearer.authorization.k8s.io.{encoded}, base64.binary.k8s.io"),
            Some("base64.binary.k8s.io"),
            Some("base64.binary.k8s.io"),
        ),
        (format!("Bearer-{token}"), None, None),
    ] {
        for _ in 0..2 {
            let opened = open(envoy.listener(0), &protocols);
            assert_eq!((opened.0, opened.1.as_deref()), (101, chosen), "{protocols}");
            assert_eq!(seen.recv_timeout(PATIENCE).unwrap().as_deref(), offered, "{protocols}");
        }
    }
    for refused in ["chat".to_owned(), "bearer, nonsense".to_owned(), format!("chat, {token}")] {
        assert_eq!(open(envoy.listener(0), &refused).0, 401, "{refused}");
    }
    // jwt_authn finds a token behind a prefix, and takes the whole header out.
    assert_eq!(open(envoy.listener(1), &format!("chat, Bearer-{token}")), (101, None));
    assert_eq!(seen.recv_timeout(PATIENCE).unwrap(), None);
    assert_eq!(open(envoy.listener(1), &format!("bearer, {token}")).0, 401);
}
