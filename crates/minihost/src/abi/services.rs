//! Metrics, shared data, callouts, foreign functions.

use std::time::Duration;

use super::row::{Args, Row, unimplemented};
use super::signature;
use crate::guest::{Guest, Outcome};
use crate::headers::{Bytes, HeaderMap};
use crate::state::Callout;
use crate::status::Status;

pub(super) const ROWS: &[Row] = &[
    ("proxy_define_metric", "iiii", define_metric),
    ("proxy_increment_metric", "iI", increment_metric),
    ("proxy_record_metric", "iI", record_metric),
    ("proxy_get_metric", "ii", get_metric),
    ("proxy_get_shared_data", "iiiii", get_shared_data),
    ("proxy_set_shared_data", "iiiii", set_shared_data),
    ("proxy_register_shared_queue", "iii", unimplemented),
    ("proxy_resolve_shared_queue", "iiiii", unimplemented),
    ("proxy_dequeue_shared_queue", "iii", unimplemented),
    ("proxy_enqueue_shared_queue", "iii", unimplemented),
    ("proxy_http_call", "iiiiiiiiii", http_call),
    ("proxy_grpc_call", "iiiiiiiiiiii", unimplemented),
    ("proxy_grpc_stream", "iiiiiiiii", unimplemented),
    ("proxy_grpc_send", "iiii", unimplemented),
    ("proxy_grpc_cancel", "i", unimplemented),
    ("proxy_grpc_close", "i", unimplemented),
    ("proxy_call_foreign_function", "iiiiii", call_foreign_function),
];

fn define_metric(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let name = guest.read_text(args.u32(1), args.u32(2))?;
    let id = guest.host().metrics.define(args.u32(0), name)?;
    guest.write_u32(args.u32(3), id)
}

fn increment_metric(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    Ok(guest.host().metrics.increment(args.u32(0), args.i64(1))?)
}

fn record_metric(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    Ok(guest.host().metrics.record(args.u32(0), args.i64(1) as u64)?)
}

fn get_metric(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let value = guest.host().metrics.read(args.u32(0))?;
    guest.write_u64(args.u32(1), value)
}

fn get_shared_data(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let key = guest.read(args.u32(0), args.u32(1))?;
    let (value, cas) = guest.host().shared_data.get(&key).cloned().ok_or(Status::NotFound)?;
    guest.give(&value, args.u32(2), args.u32(3))?;
    guest.write_u32(args.u32(4), cas)
}

/// A `cas` of 0 writes whatever is there; any other must be the one of the stored value, if there is one.
fn set_shared_data(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let key = guest.read(args.u32(0), args.u32(1))?;
    let value = guest.read(args.u32(2), args.u32(3))?;
    let expected = args.u32(4);
    let data = &mut guest.host().shared_data;
    let cas = data.get(&key).map(|(_, cas)| *cas);
    if expected != 0 && cas.is_some_and(|cas| cas != expected) {
        return Err(Status::CasMismatch.into());
    }
    data.insert(key, (value, cas.unwrap_or(0) + 1));
    Ok(())
}

/// Queues the call for the test to answer. The statuses are Envoy's: an empty or unknown cluster and missing
/// pseudo-headers fail at once.
fn http_call(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let cluster = guest.read_text(args.u32(0), args.u32(1))?;
    let headers = guest.read(args.u32(2), args.u32(3))?;
    let body = guest.read(args.u32(4), args.u32(5))?;
    let headers = HeaderMap::from_wire(&headers).ok_or(Status::BadArgument)?;
    if cluster.is_empty() {
        return Err(Status::InternalFailure.into());
    }
    let known = guest.host().clusters.contains(&cluster);
    let complete = [":method", ":path", ":authority"].iter().all(|n| headers.first(n.as_bytes()).is_some());
    if !known || !complete {
        return Err(Status::BadArgument.into());
    }
    let timeout = Duration::from_millis(u64::from(args.u32(8)));
    let host = guest.host();
    let root = host.root_id();
    let token = host.next_token;
    // Tokens are opaque to modules; odd steps keep them from counting on 1, 2, 3.
    host.next_token += 7;
    host.callouts.push_back(Callout { token, root, cluster, headers, body, timeout });
    guest.write_u32(args.u32(9), token)
}

fn call_foreign_function(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let name = guest.read_text(args.u32(0), args.u32(1))?;
    let argument = guest.read(args.u32(2), args.u32(3))?;
    let answer = foreign(guest, &name, &argument)?;
    guest.give(&answer, args.u32(4), args.u32(5))
}

fn foreign(guest: &mut Guest<'_>, name: &str, argument: &[u8]) -> Result<Bytes, Status> {
    if let Some(function) = &mut guest.host().foreign
        && let Some(answer) = function(name, argument)
    {
        return answer;
    }
    match name {
        "clear_route_cache" => {
            if let Some(stream) = guest.host().stream() {
                stream.route_cache_clears += 1;
            }
            Ok(Bytes::new())
        }
        "declare_property" => Ok(Bytes::new()),
        "verify_signature" if guest.host().verify_signature => signature::verify(argument),
        _ => Err(Status::NotFound),
    }
}
