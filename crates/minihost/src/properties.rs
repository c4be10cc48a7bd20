//! Properties (Envoy calls them attributes) that a stream offers.
//!
//! A test gives the ones that matter to it. The rest of what a real request always has comes from the
//! request itself; everything else is not found.

use super::grpc::grpc_status_of;
use super::headers::{Bytes, HeaderMap};
use super::state::{HostState, Message, StreamState};

/// The value of a property in the wire form: text as it is, numbers as 8 bytes little endian.
pub(crate) fn find(host: &mut HostState, path: &[Bytes]) -> Option<Bytes> {
    let clock = host.clock;
    let root_name = host.root().map(|root| root.name.clone().into_bytes());
    let id = host.context();
    if let Some(stream) = host.streams.get(&id)
        && let Some(value) = stream.properties.get(path).cloned().or_else(|| of_stream(stream, path, clock))
    {
        return Some(value);
    }
    match path {
        [name] if name == b"plugin_name" => root_name,
        _ => None,
    }
}

fn of_stream(stream: &StreamState, path: &[Bytes], clock: u64) -> Option<Bytes> {
    let path: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
    match path.as_slice() {
        [b"request", rest @ ..] => of_request(stream, rest, clock),
        [b"response", rest @ ..] => of_response(stream, rest),
        _ => None,
    }
}

/// The request's headers are readable as properties only while the request is in the module's hands and
/// in the access log phase.
fn of_request(stream: &StreamState, path: &[&[u8]], clock: u64) -> Option<Bytes> {
    if let [b"time"] = path {
        return Some(stream.started.to_le_bytes().to_vec());
    }
    if let [b"protocol"] = path {
        return Some(b"HTTP/1.1".to_vec());
    }
    if let [b"duration"] = path {
        return stream.logging.then(|| (clock - stream.started_at).to_le_bytes().to_vec());
    }
    if !stream.request.headers_open && !stream.logging {
        return None;
    }
    let headers = &stream.request.headers;
    let whole = headers.first(b":path");
    let (url_path, query) = split(whole.unwrap_or_default());
    match path {
        [b"path"] => whole.map(<[u8]>::to_vec),
        [b"url_path"] => Some(url_path.to_vec()),
        [b"query"] => Some(query.to_vec()),
        [b"host"] => header(headers, b":authority"),
        [b"method"] => header(headers, b":method"),
        [b"scheme"] => header(headers, b":scheme"),
        [b"referer"] => header(headers, b"referer"),
        [b"useragent"] => header(headers, b"user-agent"),
        [b"id"] => header(headers, b"x-request-id"),
        [b"headers", name] => header(headers, name),
        [b"headers"] => Some(headers.to_wire()),
        [b"size"] => Some(number(stream.request.body.len())),
        [b"total_size"] => Some(number(stream.request.body.len() + headers.byte_size())),
        _ => None,
    }
}

fn number(value: usize) -> Bytes {
    (value as u64).to_le_bytes().to_vec()
}

fn of_response(stream: &StreamState, path: &[&[u8]]) -> Option<Bytes> {
    if !stream.response.headers_open && !stream.logging {
        return None;
    }
    let headers = &stream.response.headers;
    match path {
        [b"code"] => {
            let status = std::str::from_utf8(headers.first(b":status")?).ok()?;
            Some(status.parse::<u64>().ok()?.to_le_bytes().to_vec())
        }
        [b"headers", name] => header(headers, name),
        [b"trailers", name] => header(&stream.response.trailers, name),
        [b"size"] => Some(number(stream.response.body.len())),
        [b"total_size"] => {
            let Message { headers, body, trailers, .. } = &stream.response;
            Some(number(headers.byte_size() + body.len() + trailers.byte_size()))
        }
        [b"flags"] => Some(number(0)),
        [b"grpc_status"] => grpc_status(stream).map(|status| status.to_le_bytes().to_vec()),
        [b"code_details"] if stream.replied => Some(stream.code_details.clone()),
        [b"code_details"] => Some(b"via_upstream".to_vec()),
        _ => None,
    }
}

/// As Envoy finds it: from the trailers, else the headers, else from the HTTP status.
fn grpc_status(stream: &StreamState) -> Option<i64> {
    let Message { headers, trailers, .. } = &stream.response;
    let number = |value: &[u8]| std::str::from_utf8(value).ok()?.parse::<i64>().ok();
    let said = trailers.first(b"grpc-status").or_else(|| headers.first(b"grpc-status"));
    let from_http = || Some(i64::from(grpc_status_of(number(headers.first(b":status")?)? as u32)));
    said.and_then(number).or_else(from_http)
}

fn header(headers: &HeaderMap, name: &[u8]) -> Option<Bytes> {
    headers.first(name).map(<[u8]>::to_vec)
}

fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().position(|byte| *byte == b'?') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (path, b""),
    }
}
