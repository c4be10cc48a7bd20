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
            (None, Some(value)) if !matches!(given, Given::Lines(_)) => {
                host.edit(HeaderMap::Request, name, Edit::Add(value))
            }
            (sent, value) => apply_otherwise(name, sent, value, *given, host),
        }
    }
    if effects.path != Given::Nothing || effects.authority != Given::Nothing {
        rewrite(shape, effects, host);
    }
    tell(shape, effects, host);
}

/// Writes the filter state alone: what access logs say of a request that goes no further.
#[inline]
pub fn tell<H: Host>(shape: &Shape, effects: &Effects, host: &H) {
    for (state, given) in &effects.states {
        if let (Some(name), Some(value)) = (shape.states.get(state.index()), effects.bytes(*given, shape)) {
            host.set_state(name.as_bytes(), value);
        }
    }
}

/// What becomes of a header that the client sent under a name that we own, or that gets several lines.
#[cold]
fn apply_otherwise<H: Host>(name: &[u8], sent: Option<&[u8]>, value: Option<&[u8]>, given: Given, host: &H) {
    let edit = match (sent, value) {
        (_, Some(lines)) if matches!(given, Given::Lines(_)) => {
            if sent.is_some() {
                host.edit(HeaderMap::Request, name, Edit::Remove);
            }
            for line in lines.split(|b| *b == b'\n') {
                host.edit(HeaderMap::Request, name, Edit::Add(line));
            }
            return;
        }
        (Some(sent), Some(value)) if equal(sent, value) => return,
        (_, Some(value)) => Edit::Replace(value),
        (_, None) if given == Given::AsSent => return,
        (_, None) => Edit::Remove,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FakeHost;
    use weir_core::header::encode_pairs;
    use weir_core::{At, AttributeMap, Compiler, Problems, Scratch};

    struct Nothing;

    impl Outside for Nothing {
        fn property(&self, _: &[u8]) -> Option<Box<[u8]>> {
            None
        }
        fn cel(&self, _: weir_core::predicate::CelId) -> Option<bool> {
            None
        }
        fn random(&self) -> u64 {
            0
        }
        fn now(&self) -> u64 {
            0
        }
    }

    #[test]
    fn lines_become_lines_of_the_header_in_the_place_of_what_was_sent() {
        let (named, env) = (AttributeMap::default(), |_: &str| None);
        let mut compiler = Compiler::new(&named, &env, Problems::default());
        let header = compiler.own_header("x-role", &At::root()).unwrap();
        let shape = compiler.finish().unwrap();
        for sent in [&[][..], &[("x-role", &b"root"[..])]] {
            let host = FakeHost::with_request(sent);
            let (raw, mut scratch) = (encode_pairs(sent), Scratch::default());
            scratch.read(&shape, &raw);
            let request = Request::new(&shape, &raw, &scratch, &Nothing);
            let mut effects = Effects::default();
            effects.reset(&shape);
            let made = effects.make(|out| out.extend_from_slice(b"reader\nwriter"));
            effects.set(header, Given::Lines(made));
            apply(&shape, &request, &effects, &host);
            let lines: Vec<Vec<u8>> = host.request.borrow().iter().map(|(_, value)| value.to_vec()).collect();
            assert_eq!(lines, [b"reader", b"writer"]);
        }
    }
}
