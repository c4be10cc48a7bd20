//! The form in which the client of a call reads a status: gRPC, gRPC-Web and Connect each have one of their own.
//!
//! Envoy knows gRPC alone: it answers a client of gRPC-Web or Connect as any other, with the HTTP status, which its
//! filter `grpc_web` and the clients then translate each by a table of its own.

use crate::Reply;
use crate::header::Pairs;

/// The protocol of a call, as its request shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    /// The status is in trailers, or in the headers of an answer without a body. Envoy's filter `grpc_web` makes
    /// this of gRPC-Web, and turns the answer back.
    Grpc,
    /// The trailers are a frame of the body.
    GrpcWeb,
    /// The same with the body in base64.
    GrpcWebText,
    /// One message each way: an HTTP status, and the error as JSON.
    Connect,
    /// Messages in frames; the last one has the error as JSON.
    ConnectStream,
}

/// The statuses of gRPC by number: the name that Connect has for it, and the HTTP status that goes with it
/// (`google/rpc/code.proto`; Connect's specification has the same).
const STATUSES: [(&str, u16); 17] = [
    ("ok", 200),
    ("canceled", 499),
    ("unknown", 500),
    ("invalid_argument", 400),
    ("deadline_exceeded", 504),
    ("not_found", 404),
    ("already_exists", 409),
    ("permission_denied", 403),
    ("resource_exhausted", 429),
    ("failed_precondition", 400),
    ("aborted", 409),
    ("out_of_range", 400),
    ("unimplemented", 501),
    ("internal", 500),
    ("unavailable", 503),
    ("data_loss", 500),
    ("unauthenticated", 401),
];

/// The frame of gRPC-Web that has the trailers.
const TRAILERS: u8 = 0x80;
/// The last frame of a stream of Connect.
const END_OF_STREAM: u8 = 0x02;

/// The HTTP status that goes with a gRPC status.
pub fn http_status(grpc: u8) -> u16 {
    row(grpc).1
}

fn row(grpc: u8) -> (&'static str, u16) {
    STATUSES.get(usize::from(grpc)).copied().unwrap_or(("unknown", 500))
}

/// Whether responses of this HTTP status have no body (RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5). On HTTP/1.1
/// clients would take one for the start of the next response.
pub fn has_no_body(status: u16) -> bool {
    matches!(status, 204 | 205 | 304)
}

impl Protocol {
    /// The protocol of a request, and the media type of its body in lower case.
    fn of(request: &[u8]) -> Option<(Self, Vec<u8>)> {
        let header = |name: &[u8]| Pairs::new(request).find(|pair| pair.name == name).map(|pair| pair.value);
        let kind = header(b"content-type").unwrap_or_default();
        let kind = kind.split(|b| *b == b';').next().unwrap_or_default().trim_ascii().to_ascii_lowercase();
        let is = |name: &[u8]| {
            let rest = kind.strip_prefix(name);
            rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+')))
        };
        let protocol = if is(b"application/grpc") {
            Self::Grpc
        } else if is(b"application/grpc-web") {
            Self::GrpcWeb
        } else if is(b"application/grpc-web-text") {
            Self::GrpcWebText
        } else if kind.starts_with(b"application/connect+") {
            Self::ConnectStream
        } else if is(b"application/proto")
            || header(b"connect-protocol-version").is_some()
            || (header(b":method") == Some(&b"GET"[..])
                && asks_for_connect(header(b":path").unwrap_or_default()))
        {
            Self::Connect
        } else {
            return None;
        };
        Some((protocol, kind))
    }
}

/// Whether a path is that of a call of Connect by GET, which has no header to say so.
fn asks_for_connect(path: &[u8]) -> bool {
    let query = path.splitn(2, |b| *b == b'?').nth(1).unwrap_or_default();
    query.split(|b| *b == b'&').any(|parameter| parameter == b"connect=v1")
}

/// Gives a reply the form that the client which sent these headers can read. A gRPC status goes where the client's
/// protocol has it, with the body as the message; all other clients get a plain HTTP response.
#[cold]
pub fn adapt(reply: &mut Reply, request: &[u8]) {
    let call = reply.grpc_status.and_then(|status| Some((status, Protocol::of(request)?)));
    if let Some((status, (protocol, kind))) = call {
        adapt_call(reply, status, protocol, kind);
    } else if has_no_body(reply.status) {
        reply.body = Box::default();
    }
}

fn adapt_call(reply: &mut Reply, status: u8, protocol: Protocol, kind: Vec<u8>) {
    let message = std::mem::take(&mut reply.body);
    let ours: [&str; 3] = ["content-type", "grpc-status", "grpc-message"];
    reply.headers.retain(|(name, _)| !ours.contains(&&**name));
    reply.status = 200;
    let (kind, body) = match protocol {
        Protocol::Grpc => {
            reply.headers.push(("grpc-status".into(), number(status).into()));
            if !message.is_empty() {
                reply.headers.push(("grpc-message".into(), percent_encoded(&message).into()));
            }
            (b"application/grpc".to_vec(), Vec::new())
        }
        Protocol::GrpcWeb => (kind, frame(TRAILERS, &trailers(status, &message))),
        Protocol::GrpcWebText => (kind, base64(&frame(TRAILERS, &trailers(status, &message)))),
        Protocol::ConnectStream if status == 0 => (kind, frame(END_OF_STREAM, b"{}")),
        Protocol::ConnectStream => {
            let end = [b"{\"error\":", &error(status, &message)[..], b"}"].concat();
            (kind, frame(END_OF_STREAM, &end))
        }
        // A message without fields.
        Protocol::Connect if status == 0 => {
            let body = if kind.ends_with(b"json") { b"{}".to_vec() } else { Vec::new() };
            (kind, body)
        }
        Protocol::Connect => {
            reply.status = http_status(status);
            (b"application/json".to_vec(), error(status, &message))
        }
    };
    if protocol != Protocol::Grpc {
        reply.grpc_status = None;
    }
    if !kind.is_empty() {
        reply.headers.push(("content-type".into(), kind.into()));
    }
    reply.body = body.into();
}

/// A status as text.
fn number(status: u8) -> Vec<u8> {
    let (tens, ones) = (status / 10, b'0' + status % 10);
    if tens > 0 { vec![b'0' + tens, ones] } else { vec![ones] }
}

/// Trailers as gRPC-Web writes them.
fn trailers(status: u8, message: &[u8]) -> Vec<u8> {
    let mut out = [&b"grpc-status:"[..], &number(status), b"\r\n"].concat();
    if !message.is_empty() {
        out.extend([&b"grpc-message:"[..], &percent_encoded(message), b"\r\n"].concat());
    }
    out
}

/// What Connect says of an error.
fn error(status: u8, message: &[u8]) -> Vec<u8> {
    let mut out = [&b"{\"code\":\""[..], row(status).0.as_bytes(), b"\""].concat();
    if !message.is_empty() {
        let message = serde_json::Value::from(String::from_utf8_lossy(message)).to_string();
        out.extend([&b",\"message\":"[..], message.as_bytes()].concat());
    }
    out.push(b'}');
    out
}

/// A frame: its kind, its length in four bytes, and what it has.
fn frame(kind: u8, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    [&[kind][..], &length.to_be_bytes(), data].concat()
}

/// The form that gRPC prescribes for messages.
fn percent_encoded(message: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or(b'0');
    let mut out = Vec::with_capacity(message.len());
    for byte in message {
        match byte {
            b' '..=b'~' if *byte != b'%' => out.push(*byte),
            _ => out.extend([b'%', digit(byte >> 4), digit(byte & 15)]),
        }
    }
    out
}

/// Base64 with padding (RFC 4648 section 4).
fn base64(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for part in bytes.chunks(3) {
        let at = |index| part.get(index).copied().map_or(0, u32::from);
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let digit = DIGITS.get((bits >> (18 - 6 * place)) as usize & 63).copied();
            out.push(digit.filter(|_| place <= part.len()).unwrap_or(b'='));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::encode_pairs;

    /// The answer with this status, and `down: 100 %` as its message, to a request with these headers: status,
    /// headers and body.
    fn suited(grpc_status: u8, request: &[(&str, &str)]) -> (u16, String, Vec<u8>) {
        let mut reply = Reply::new(http_status(grpc_status), "why");
        reply.grpc_status = Some(grpc_status);
        reply.body = "down: 100 % ü".as_bytes().into();
        reply.headers.push(("content-type".into(), b"text/plain"[..].into()));
        reply.headers.push(("x-kept".into(), b"1"[..].into()));
        adapt(&mut reply, &encode_pairs(request));
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let headers = reply.headers.iter().map(|(name, value)| format!("{name}: {}", text(value)));
        (reply.status, headers.collect::<Vec<_>>().join(", "), reply.body.to_vec())
    }

    const TRAILERS_OF_8: &[u8] = b"grpc-status:8\r\ngrpc-message:down: 100 %25 %C3%BC\r\n";
    const ERROR_8: &str = r#"{"code":"resource_exhausted","message":"down: 100 % ü"}"#;

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn each_protocol_gets_its_own_form() {
        let framed = |kind: u8, data: &[u8]| [&[kind, 0, 0, 0, data.len() as u8][..], data].concat();
        let web = framed(0x80, TRAILERS_OF_8);
        let end = framed(2, format!(r#"{{"error":{ERROR_8}}}"#).as_bytes());
        let json = ERROR_8.as_bytes().to_vec();
        for (request, status, headers, body) in [
            (
                &[("content-type", "application/grpc")][..],
                200,
                "grpc-status: 8, grpc-message: down: 100 %25 %C3%BC, content-type: application/grpc",
                Vec::new(),
            ),
            (
                &[("content-type", "application/grpc+proto")],
                200,
                "grpc-status: 8, grpc-message: down: 100 %25 %C3%BC, content-type: application/grpc",
                Vec::new(),
            ),
            (
                &[("content-type", "application/grpc-web")],
                200,
                "content-type: application/grpc-web",
                web.clone(),
            ),
            (
                &[("content-type", "Application/gRPC-Web+Proto; a=b")],
                200,
                "content-type: application/grpc-web+proto",
                web,
            ),
            (
                &[("content-type", "application/connect+json")],
                200,
                "content-type: application/connect+json",
                end.clone(),
            ),
            (
                &[("content-type", "application/connect+proto")],
                200,
                "content-type: application/connect+proto",
                end,
            ),
            (&[("content-type", "application/proto")], 429, "content-type: application/json", json.clone()),
            (
                &[("content-type", "application/json"), ("connect-protocol-version", "1")],
                429,
                "content-type: application/json",
                json.clone(),
            ),
            (
                &[(":method", "GET"), (":path", "/a/B?message=e30&connect=v1")],
                429,
                "content-type: application/json",
                json,
            ),
            // Not calls: an answer of HTTP.
            (
                &[("content-type", "application/json")],
                429,
                "content-type: text/plain",
                "down: 100 % ü".into(),
            ),
            (
                &[(":method", "POST"), (":path", "/a?connect=v1")],
                429,
                "content-type: text/plain",
                "down: 100 % ü".into(),
            ),
            (
                &[("content-type", "application/grpcx")],
                429,
                "content-type: text/plain",
                "down: 100 % ü".into(),
            ),
            (&[], 429, "content-type: text/plain", "down: 100 % ü".into()),
        ] {
            let headers = match headers.strip_prefix("content-type: text/plain") {
                Some("") => "content-type: text/plain, x-kept: 1".to_owned(),
                _ => format!("x-kept: 1, {headers}"),
            };
            assert_eq!(suited(8, request), (status, headers, body), "{request:?}");
        }
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn texts_are_base64() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text.as_bytes());
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xfe]), b"+//+");
        let (status, headers, body) = suited(16, &[("content-type", "application/grpc-web-text+proto")]);
        assert_eq!(
            (status, headers.as_str()),
            (200, "x-kept: 1, content-type: application/grpc-web-text+proto")
        );
        assert_eq!(body.get(..8), Some(&b"gAAAADNn"[..]), "{}", String::from_utf8_lossy(&body));
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn success_is_an_empty_message() {
        let body = |kind| suited(0, &[("content-type", kind), ("connect-protocol-version", "1")]);
        assert_eq!(
            body("application/proto"),
            (200, "x-kept: 1, content-type: application/proto".into(), vec![])
        );
        assert_eq!(
            body("application/json"),
            (200, "x-kept: 1, content-type: application/json".into(), b"{}".to_vec())
        );
        assert_eq!(body("application/connect+json").2, b"\x02\0\0\0\x02{}");
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn some_statuses_have_no_body() {
        for (status, left) in [(200, 2), (204, 0), (205, 0), (304, 0), (404, 2)] {
            let mut reply = Reply { body: b"no"[..].into(), ..Reply::new(status, "why") };
            adapt(&mut reply, &[]);
            assert_eq!(reply.body.len(), left, "{status}");
        }
    }
}
