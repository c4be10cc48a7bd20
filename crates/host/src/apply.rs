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
        let edit = match (request.sent(OwnedHeader::at(index)), effects.bytes(*given, shape)) {
            (None, None) => continue,
            (None, Some(value)) => Edit::Add(value),
            (Some(sent), Some(value)) if equal(sent, value) => continue,
            (Some(_), Some(value)) => Edit::Replace(value),
            (Some(_), None) if *given == Given::AsSent => continue,
            (Some(_), None) => Edit::Remove,
        };
        host.edit(HeaderMap::Request, owned.name.as_bytes(), edit);
    }
    if let Some(path) = effects.bytes(effects.path, shape) {
        host.edit(HeaderMap::Request, b":path", Edit::Replace(path));
    }
    if let Some(authority) = effects.bytes(effects.authority, shape) {
        host.edit(HeaderMap::Request, b":authority", Edit::Replace(authority));
    }
    for (state, given) in &effects.states {
        if let (Some(name), Some(value)) = (shape.states.get(state.index()), effects.bytes(*given, shape)) {
            host.set_state(name.as_bytes(), value);
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
