//! gRPC-Web and Connect: the status where each client reads it, with and without Envoy's filter `grpc_web`.

use super::*;
use weir_tests::envoy::Filter;

fn grpc_web() -> Filter {
    let config = json!({"@type": "type.googleapis.com/envoy.extensions.filters.http.grpc_web.v3.GrpcWeb"});
    Filter::Native("envoy.filters.http.grpc_web".to_owned(), config)
}

fn call(kind: &str) -> Request {
    Request {
        method: "POST".to_owned(),
        body: b"\0\0\0\0\0".to_vec(),
        ..Request::get("/shop.Cart/Add").header("content-type", kind).header("accept", kind)
    }
}

/// Status, type, `grpc-status`, `grpc-message` and body.
fn read(response: &Response) -> (u16, String, String, String, Vec<u8>) {
    let header = |name| String::from_utf8_lossy(response.header(name).unwrap_or_default()).into_owned();
    let (kind, status, message) = (header("content-type"), header("grpc-status"), header("grpc-message"));
    (response.status, kind, status, message, response.body.clone())
}

#[test]
fn aborts_are_in_the_form_of_the_protocol() {
    let faults =
        json!([{"abort": {"grpcStatus": "RESOURCE_EXHAUSTED", "body": "down: 100 %", "percentage": "100%"}}]);
    let weir = || Filter::Plugin(Box::new(plugin("fault_injection", &faults)));
    let alone = Listener::new().filter(weir());
    let behind = Listener::new().filter(grpc_web()).filter(weir());
    let before = Listener::new().filter(weir()).filter(grpc_web());
    let bootstrap = Bootstrap::default().listener(alone).listener(behind).listener(before);
    let envoy = Envoy::start(bootstrap).unwrap();
    let trailers = b"grpc-status:8\r\ngrpc-message:down: 100 %25\r\n";
    let frame = [&[0x80, 0, 0, 0, trailers.len() as u8][..], trailers].concat();
    let text = "gAAAACtncnBjLXN0YXR1czo4DQpncnBjLW1lc3NhZ2U6ZG93bjogMTAwICUyNQ0K";
    let in_body =
        |kind: &str, body: &[u8]| (200, kind.to_owned(), String::new(), String::new(), body.to_vec());
    let in_headers =
        |kind: &str| (200, kind.to_owned(), "8".to_owned(), "down: 100 %25".to_owned(), Vec::new());
    let (web, web_text) = ("application/grpc-web+proto", "application/grpc-web-text+proto");
    for client in [Client::http1(), Client::http2()] {
        for (listener, expected) in [
            (0, [in_body(web, &frame), in_body(web_text, text.as_bytes())]),
            // The filter took the request for one of gRPC, and turns the answer back.
            (1, [in_headers(web), in_headers(web_text)]),
            (2, [in_body(web, &frame), in_body(web_text, text.as_bytes())]),
        ] {
            for (kind, expected) in [web, web_text].into_iter().zip(expected) {
                let response = client.send(envoy.listener(listener), &call(kind)).unwrap();
                assert_eq!(read(&response), expected, "{listener} {kind}");
            }
            let response = client.send(envoy.listener(listener), &call("application/grpc")).unwrap();
            assert_eq!(read(&response), in_headers("application/grpc"), "{listener}");
            let response = client.send(envoy.listener(listener), &call("application/proto")).unwrap();
            let json = r#"{"code":"resource_exhausted","message":"down: 100 %"}"#;
            assert_eq!((response.status, response.body.as_slice()), (429, json.as_bytes()), "{listener}");
        }
    }
    assert_alive(&envoy);
}

/// A body behind a status that has none would be the start of the next response on the connection.
#[test]
fn connections_live_on_behind_statuses_without_a_body() {
    use std::io::{Read, Write};
    let faults = json!([
        {"match": {"uri": {"exact": "/abort"}}, "abort": {"httpStatus": 204, "percentage": "100%"}},
        {"match": {"uri": {"exact": "/change"}}, "response": {"status": 304, "percentage": "100%"}},
        {"match": {"uri": {"exact": "/change-204"}}, "response": {"status": 204, "percentage": "100%"}},
    ]);
    let listener = Listener::new().plugin(plugin("fault_injection_response", &faults));
    let envoy = Envoy::start(Bootstrap::default().listener(listener)).unwrap();
    for path in ["/abort", "/change", "/change-204"] {
        let mut connection = std::net::TcpStream::connect(envoy.listener(0)).unwrap();
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        let ask = |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nhost: example.com\r\n{more}\r\n");
        connection.write_all(ask(path, "").as_bytes()).unwrap();
        let mut first = Vec::new();
        while !first.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            connection.read_exact(&mut byte).unwrap();
            first.push(byte[0]);
        }
        connection.write_all(ask("/next", "connection: close\r\n").as_bytes()).unwrap();
        let mut next = Vec::new();
        connection.read_to_end(&mut next).unwrap();
        let text = String::from_utf8_lossy(&next);
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{path}: {}{text}", String::from_utf8_lossy(&first));
    }
}
