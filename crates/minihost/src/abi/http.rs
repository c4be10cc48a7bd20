//! Header maps, local responses, pausing and resuming.

use super::row::{Args, Row};
use crate::grpc::grpc_status_of;
use crate::guest::{Failure, Guest, Outcome};
use crate::headers::{Bytes, HeaderMap};
use crate::state::Response;
use crate::status::Status;

pub(super) const ROWS: &[Row] = &[
    ("proxy_get_header_map_value", "iiiii", get),
    ("proxy_add_header_map_value", "iiiii", add),
    ("proxy_replace_header_map_value", "iiiii", replace),
    ("proxy_remove_header_map_value", "iii", remove),
    ("proxy_get_header_map_pairs", "iii", get_pairs),
    ("proxy_set_header_map_pairs", "iii", set_pairs),
    ("proxy_get_header_map_size", "ii", size),
    ("proxy_send_local_response", "iiiiiiii", send_local_response),
    ("proxy_continue_stream", "i", continue_stream),
    ("proxy_close_stream", "i", close_stream),
];

const REQUEST: u32 = 0;
const REQUEST_TRAILERS: u32 = 1;
const RESPONSE: u32 = 2;
const RESPONSE_TRAILERS: u32 = 3;
const CALLOUT_RESPONSE: u32 = 6;
const LAST_MAP: u32 = 7;

/// The map if the module may read it now. Envoy keeps a map open from its callback until the module
/// lets the message go, and opens both maps again, for reading, in the access log phase.
fn readable<'a>(guest: &'a mut Guest<'_>, kind: u32) -> Result<Option<&'a HeaderMap>, Status> {
    if kind > LAST_MAP {
        return Err(Status::BadArgument);
    }
    let host = guest.host();
    if kind == CALLOUT_RESPONSE {
        return Ok(host.root().and_then(|root| root.callout_response.as_ref()).map(|r| &r.headers));
    }
    let Some(stream) = host.stream() else { return Ok(None) };
    let message = match kind {
        REQUEST => &stream.request,
        RESPONSE => &stream.response,
        REQUEST_TRAILERS => {
            let open = stream.request.trailers_open || stream.logging;
            return Ok(open.then_some(&stream.request.trailers));
        }
        RESPONSE_TRAILERS => {
            let open = stream.response.trailers_open || stream.logging;
            return Ok(open.then_some(&stream.response.trailers));
        }
        _ => return Ok(None),
    };
    Ok((message.headers_open || stream.logging).then_some(&message.headers))
}

/// The map if the module may change it now; [`Status::BadArgument`] otherwise, as in Envoy.
fn writable<'a>(guest: &'a mut Guest<'_>, kind: u32) -> Result<&'a mut HeaderMap, Status> {
    let stream = guest.host().stream().ok_or(Status::BadArgument)?;
    if kind == REQUEST {
        // ABI 0.2.1: each write clears the route cache.
        stream.route_cache_clears += u32::from(stream.request.headers_open);
    }
    let message = match kind {
        REQUEST => &mut stream.request,
        RESPONSE => &mut stream.response,
        REQUEST_TRAILERS if stream.request.trailers_open => return Ok(&mut stream.request.trailers),
        RESPONSE_TRAILERS if stream.response.trailers_open => return Ok(&mut stream.response.trailers),
        _ => return Err(Status::BadArgument),
    };
    if message.headers_open { Ok(&mut message.headers) } else { Err(Status::BadArgument) }
}

fn get(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let name = guest.read(args.u32(1), args.u32(2))?;
    let map = readable(guest, args.u32(0))?.ok_or(Status::BadArgument)?;
    let value = map.first(&name).ok_or(Status::NotFound)?.to_vec();
    guest.give(&value, args.u32(3), args.u32(4))
}

fn name_and_value(guest: &mut Guest<'_>, args: &Args<'_>) -> Result<(Bytes, Bytes), Failure> {
    Ok((guest.read(args.u32(1), args.u32(2))?, guest.read(args.u32(3), args.u32(4))?))
}

fn add(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let (name, value) = name_and_value(guest, args)?;
    writable(guest, args.u32(0))?.add(name, value);
    Ok(())
}

fn replace(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let (name, value) = name_and_value(guest, args)?;
    writable(guest, args.u32(0))?.replace(&name, &value);
    Ok(())
}

fn remove(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let name = guest.read(args.u32(1), args.u32(2))?;
    writable(guest, args.u32(0))?.remove(&name);
    Ok(())
}

/// Unlike `get`, reading all pairs of a map that is not there succeeds with none, as in Envoy.
fn get_pairs(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let wire = readable(guest, args.u32(0))?.map(HeaderMap::to_wire).unwrap_or_default();
    guest.give(&wire, args.u32(1), args.u32(2))
}

fn set_pairs(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let wire = guest.read(args.u32(1), args.u32(2))?;
    let new = HeaderMap::from_wire(&wire).ok_or(Status::BadArgument)?;
    *writable(guest, args.u32(0))? = new;
    Ok(())
}

fn size(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let size = writable(guest, args.u32(0))?.byte_size() as u32;
    guest.write_u32(args.u32(1), size)
}

fn send_local_response(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let details = guest.read(args.u32(1), args.u32(2))?;
    let body = guest.read(args.u32(3), args.u32(4))?;
    let added = guest.read(args.u32(5), args.u32(6))?;
    let added = HeaderMap::from_wire(&added).ok_or(Status::BadArgument)?;
    let grpc_status = args.u32(7) as i32;
    let status = args.u32(0);
    guest.host().stop_iteration = true;
    // Envoy heeds the first one only, and says Ok to the others.
    if let Some(stream) = guest.host().stream().filter(|stream| !stream.replied) {
        stream.replied = true;
        stream.code_details = details;
        let grpc = is_grpc(&stream.request.headers);
        stream.local_reply = Some(match grpc {
            true => grpc_reply(status, grpc_status, &added, &body),
            false => plain_reply(status, &added, body),
        });
    }
    Ok(())
}

fn is_grpc(request: &HeaderMap) -> bool {
    let kind = request.first(b"content-type").unwrap_or_default();
    kind.strip_prefix(b"application/grpc").is_some_and(|rest| matches!(rest.first(), None | Some(b'+')))
}

fn plain_reply(status: u32, added: &HeaderMap, body: Bytes) -> Response {
    let mut headers = HeaderMap::from_iter([(":status", status.to_string())]);
    for (name, value) in added.pairs() {
        headers.add(name, value);
    }
    if !body.is_empty() {
        headers.replace(b"content-length", body.len().to_string().as_bytes());
        if headers.first(b"content-type").is_none() {
            headers.add("content-type", "text/plain");
        }
    }
    Response { headers, body, ..Response::default() }
}

/// A gRPC client gets HTTP 200 with the status in headers: the one that the module has put there, the given one,
/// else Envoy's translation of the HTTP status.
fn grpc_reply(status: u32, grpc_status: i32, added: &HeaderMap, body: &[u8]) -> Response {
    let grpc_status = if (0..=16).contains(&grpc_status) { grpc_status } else { grpc_status_of(status) };
    let mut headers = HeaderMap::from_iter([(":status", "200")]);
    for (name, value) in added.pairs() {
        headers.add(name, value);
    }
    headers.replace(b"content-type", b"application/grpc");
    if headers.first(b"grpc-status").is_none() {
        headers.add("grpc-status", grpc_status.to_string());
    }
    if !body.is_empty() {
        headers.replace(b"grpc-message", percent_encoded(body).as_bytes());
    }
    Response { headers, ..Response::default() }
}

fn percent_encoded(message: &[u8]) -> String {
    let encode = |byte: &u8| match byte {
        b' '..=b'~' if *byte != b'%' => char::from(*byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    message.iter().map(encode).collect()
}

/// Resumes the request (0) or response (1). As in Envoy, this closes the request's headers in both cases,
/// and it says Ok even if nothing was paused or the context is a root context.
fn continue_stream(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let kind = args.u32(0);
    if kind > 1 {
        return Err(Status::BadArgument.into());
    }
    if let Some(stream) = guest.host().stream() {
        let message = if kind == 0 { &mut stream.request } else { &mut stream.response };
        message.paused = false;
        stream.request.headers_open = false;
        stream.request.body_open = false;
    }
    Ok(())
}

fn close_stream(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    if args.u32(0) > 3 {
        return Err(Status::BadArgument.into());
    }
    if let Some(stream) = guest.host().stream() {
        stream.reset = true;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_clients_get_200_and_a_grpc_status() {
        let reply = grpc_reply(403, -1, &HeaderMap::new(), b"no way: 100%");
        assert_eq!(reply.code(), 200);
        assert_eq!(reply.headers.first(b"grpc-status"), Some(&b"7"[..]));
        assert_eq!(reply.headers.first(b"grpc-message"), Some(&b"no way: 100%25"[..]));
        assert_eq!(grpc_reply(503, 9, &HeaderMap::new(), b"").headers.first(b"grpc-status"), Some(&b"9"[..]));
        let said = HeaderMap::from_iter([("grpc-status", "8"), ("content-type", "text/plain")]);
        let reply = grpc_reply(503, 9, &said, b"");
        assert_eq!(reply.headers.values(b"grpc-status").collect::<Vec<_>>(), [b"8"]);
        assert_eq!(reply.headers.values(b"content-type").collect::<Vec<_>>(), [b"application/grpc"]);
    }

    #[test]
    fn grpc_web_is_not_grpc() {
        let of = |kind: &str| is_grpc(&HeaderMap::from_iter([("content-type", kind)]));
        assert!(of("application/grpc") && of("application/grpc+proto"));
        assert!(!of("application/grpc-web") && !of("application/grpc-web-text") && !of("application/grpcx"));
    }

    #[test]
    fn plain_replies_get_length_and_type() {
        let reply = plain_reply(503, &HeaderMap::new(), b"down".to_vec());
        assert_eq!(reply.headers.first(b"content-length"), Some(&b"4"[..]));
        assert_eq!(reply.headers.first(b"content-type"), Some(&b"text/plain"[..]));
        assert!(plain_reply(503, &HeaderMap::new(), vec![]).headers.len() == 1);
    }
}
