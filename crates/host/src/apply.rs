//! Carries out what the filters decided.

use crate::{Edit, HeaderMap, Host};
use weir_core::effect::Given;
use weir_core::header::equal;
use weir_core::{Effects, Outside, OwnedHeader, Request, Shape};

/// Applies all request-phase effects, with as few hostcalls as the request allows: a header that
/// the client did not send is added (4k instructions; a replacement looks it up first, 12k), one
/// that has its value already is left alone, and one that the client must not send is removed.
/// Every write makes Envoy choose the route again, so all of them happen in one callback.
#[inline]
pub fn apply<O: Outside, H: Host>(shape: &Shape, request: &Request<'_, O>, effects: &Effects, host: &H) {
    for (index, (owned, given)) in (0u16..).zip(shape.owned.iter().zip(&effects.headers)) {
        let name = owned.name.as_bytes();
        match (request.sent(OwnedHeader::at(index)), effects.bytes(*given, shape)) {
            (None, None) => {}
            (None, Some(value)) => host.edit(HeaderMap::Request, name, Edit::Add(value)),
            (Some(sent), value) => apply_to_sent(name, sent, value, *given, host),
        }
    }
    if effects.path != Given::Nothing || effects.authority != Given::Nothing {
        rewrite(shape, effects, host);
    }
    for (state, given) in &effects.states {
        if let (Some(name), Some(value)) = (shape.states.get(state.index()), effects.bytes(*given, shape)) {
            host.set_state(name.as_bytes(), value);
        }
    }
}

/// What becomes of a header that the client sent under a name that we own.
#[cold]
fn apply_to_sent<H: Host>(name: &[u8], sent: &[u8], value: Option<&[u8]>, given: Given, host: &H) {
    let edit = match value {
        Some(value) if equal(sent, value) => return,
        Some(value) => Edit::Replace(value),
        None if given == Given::AsSent => return,
        None => Edit::Remove,
    };
    host.edit(HeaderMap::Request, name, edit);
}

#[cold]
fn rewrite<H: Host>(shape: &Shape, effects: &Effects, host: &H) {
    for (name, given) in [(&b":path"[..], effects.path), (b":authority", effects.authority)] {
        if let Some(value) = effects.bytes(given, shape) {
            host.edit(HeaderMap::Request, name, Edit::Replace(value));
        }
    }
}

/// Writes the headers that were left for the response.
pub fn respond<H: Host>(headers: &[weir_core::ResponseHeader], host: &H) {
    for header in headers {
        let edit = if header.replace { Edit::Replace(&header.value) } else { Edit::Add(&header.value) };
        host.edit(HeaderMap::Response, header.name.as_bytes(), edit);
    }
}
