//! Carries out what the filters decided: the effects of a request, with the fewest hostcalls.

use weir_core::access_plan::Owned;
use weir_core::effect::HeaderValue;
use weir_core::header::{Pairs, equal, is_safe_value};
use weir_core::ownership::SHARED_STATE;
use weir_core::{AccessPlan, Effects, HostServices, OwnedHeader, Request};
use weir_host::{Edit, HeaderMap, Host};

/// Applies all request-phase effects, with as few hostcalls as the request allows: a header that
/// the client did not send is added (4k instructions; a replacement looks it up first, 12k), one
/// that has its value already is left alone, and one that the client must not send is removed.
/// Every write makes Envoy choose the route again, so all of them happen in one callback.
///
/// A request that the proxy answers gets them too: access logs and telemetry read its headers.
#[inline]
pub(crate) fn apply<O: HostServices, H: Host>(
    access_plan: &AccessPlan,
    request: &Request<'_, O>,
    effects: &Effects,
    host: &H,
) {
    if let Some(set) = effects.headers_set() {
        apply_some(set, access_plan, request, effects, host);
    } else {
        for (index, (owned, given)) in (0u16..).zip(access_plan.owned.iter().zip(&effects.headers)) {
            apply_one(access_plan, request, effects, OwnedHeader::at(index), owned, *given, host);
        }
    }
    if request.has_reserved() && !effects.trusted {
        remove_reserved(request, host);
    }
    if effects.path != HeaderValue::Nothing || effects.authority != HeaderValue::Nothing {
        rewrite(access_plan, effects, host);
    }
    for (state, given) in &effects.states {
        if let (Some(name), Some(value)) =
            (access_plan.states.get(state.index()), effects.bytes(*given, access_plan))
        {
            set_state(name, value, host);
        }
    }
    if access_plan.shared.is_some() {
        record(access_plan, request, effects, host);
    }
}

/// What becomes of a header that we own.
#[inline(always)]
fn apply_one<O: HostServices, H: Host>(
    access_plan: &AccessPlan,
    request: &Request<'_, O>,
    effects: &Effects,
    header: OwnedHeader,
    owned: &Owned,
    given: HeaderValue,
    host: &H,
) {
    match (request.sent(header), effects.bytes(given, access_plan)) {
        (None, None) => {}
        (None, Some(value)) if !matches!(given, HeaderValue::Lines(_)) => {
            host.edit(HeaderMap::Request, owned.name.as_bytes(), Edit::Add(value))
        }
        _ => apply_otherwise(access_plan, request, effects, header, host),
    }
}

/// The same of all headers that we own, in their order, without a look at the many that are neither set nor sent.
#[cold]
#[inline(never)]
fn apply_some<O: HostServices, H: Host>(
    set: &[OwnedHeader],
    access_plan: &AccessPlan,
    request: &Request<'_, O>,
    effects: &Effects,
    host: &H,
) {
    let mut bits = vec![0u64; access_plan.owned.len().div_ceil(64)];
    for header in request.sent_owned().chain(set.iter().copied()) {
        if let Some(word) = bits.get_mut(header.index() / 64) {
            *word |= 1 << (header.index() % 64);
        }
    }
    for (number, mut word) in bits.into_iter().enumerate() {
        while word != 0 {
            let index = number * 64 + word.trailing_zeros() as usize;
            word &= word - 1;
            if let (Ok(header), Some(owned), Some(given)) = (
                u16::try_from(index).map(OwnedHeader::at),
                access_plan.owned.get(index),
                effects.headers.get(index),
            ) {
                apply_one(access_plan, request, effects, header, owned, *given, host);
            }
        }
    }
}

/// Sets filter state. Access logs in text show it as it is: it must not begin another line there.
pub(crate) fn set_state<H: Host>(name: &str, value: &[u8], host: &H) {
    if is_safe_value(value) {
        host.set_state(name.as_bytes(), value);
    }
}

/// Removes trailers with owned names: nothing writes them, and some servers treat them as headers.
#[cold]
pub(crate) fn clean_trailers<H: Host>(access_plan: &AccessPlan, host: &H) {
    let trailers = host.request_trailers();
    for trailer in Pairs::new(&trailers).filter(|trailer| access_plan.owns(trailer.name)) {
        host.edit(HeaderMap::RequestTrailers, trailer.name, Edit::Remove);
    }
}

/// Removes headers that no plugin of this proxy wrote, and that clients must not send.
#[cold]
fn remove_reserved<O: HostServices, H: Host>(request: &Request<'_, O>, host: &H) {
    for name in request.reserved().filter(|name| !request.is_written_before(name)) {
        host.edit(HeaderMap::Request, name, Edit::Remove);
    }
}

/// Records which headers were written, for the plugins that come later.
#[cold]
fn record<O: HostServices, H: Host>(
    access_plan: &AccessPlan,
    request: &Request<'_, O>,
    effects: &Effects,
    host: &H,
) {
    let written = |given: &HeaderValue| !matches!(given, HeaderValue::Nothing | HeaderValue::AsSent);
    let ours = access_plan.owned.iter().zip(&effects.headers).filter(|(_, given)| written(given));
    let mut names = request.written_before().unwrap_or_default().to_vec();
    let before = names.len();
    for (owned, _) in ours.filter(|(owned, _)| !request.is_written_before(owned.name.as_bytes())) {
        if !names.is_empty() {
            names.push(b',');
        }
        names.extend_from_slice(owned.name.as_bytes());
    }
    if names.len() > before {
        host.set_state(SHARED_STATE.as_bytes(), &names);
    }
}

/// What becomes of a header that the client sent under a name that we own, or that gets several lines.
#[cold]
fn apply_otherwise<O: HostServices, H: Host>(
    access_plan: &AccessPlan,
    request: &Request<'_, O>,
    effects: &Effects,
    header: OwnedHeader,
    host: &H,
) {
    let (Some(owned), Some(given)) =
        (access_plan.owned.get(header.index()), effects.headers.get(header.index()))
    else {
        return;
    };
    let name = owned.name.as_bytes();
    let sent = request.sent(header);
    let edit = match (sent, effects.bytes(*given, access_plan)) {
        (_, Some(lines)) if matches!(given, HeaderValue::Lines(_)) => {
            if sent.is_some() {
                host.edit(HeaderMap::Request, name, Edit::Remove);
            }
            for line in lines.split(|b| *b == b'\n') {
                host.edit(HeaderMap::Request, name, Edit::Add(line));
            }
            return;
        }
        // Several lines are not our one, whatever they are when joined.
        (Some(sent), Some(value)) if equal(sent, value) && !request.sent_in_lines(header) => return,
        (_, Some(value)) => Edit::Replace(value),
        (_, None) if *given == HeaderValue::AsSent => return,
        (_, None) if request.is_written_before(name) => return,
        (_, None) => Edit::Remove,
    };
    host.edit(HeaderMap::Request, name, edit);
}

#[cold]
fn rewrite<H: Host>(access_plan: &AccessPlan, effects: &Effects, host: &H) {
    for (name, given) in [(&b":path"[..], effects.path), (b":authority", effects.authority)] {
        if let Some(value) = effects.bytes(given, access_plan) {
            host.edit(HeaderMap::Request, name, Edit::Replace(value));
        }
    }
}

/// Writes the headers that were left for the response.
pub(crate) fn respond<H: Host>(headers: &[weir_core::ResponseHeader], host: &H) {
    for header in headers {
        let edit = if header.replace { Edit::Replace(&header.value) } else { Edit::Add(&header.value) };
        host.edit(HeaderMap::Response, header.name.as_bytes(), edit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_core::header::encode_pairs;
    use weir_core::{At, AttributeMap, Compiler, Problems, Scratch};
    use weir_host::FakeHost;
    use weir_testkit::Services;

    #[test]
    fn lines_become_lines_of_the_header_in_the_place_of_what_was_sent() {
        let (named, env) = (AttributeMap::default(), |_: &str| None);
        let mut compiler = Compiler::new(&named, &env, Problems::default());
        let header = compiler.own_header("x-role", &At::root()).unwrap();
        let access_plan = compiler.finish().unwrap();
        for sent in [&[][..], &[("x-role", &b"root"[..])]] {
            let host = FakeHost::with_request(sent);
            let (raw, mut scratch) = (encode_pairs(sent), Scratch::default());
            scratch.read(&access_plan, &raw);
            let services = Services::default();
            let request = Request::new(&access_plan, &raw, &scratch, &services);
            let mut effects = Effects::default();
            effects.reset(&access_plan);
            let made = effects.make(|out| out.extend_from_slice(b"reader\nwriter"));
            effects.set(header, HeaderValue::Lines(made));
            apply(&access_plan, &request, &effects, &host);
            let lines: Vec<Vec<u8>> = host.request.borrow().iter().map(|(_, value)| value.to_vec()).collect();
            assert_eq!(lines, [b"reader", b"writer"]);
        }
    }

    /// Of many headers that we own, each becomes what it would become among few, in the same order.
    #[test]
    fn many_headers_are_written_as_few_are() {
        let (named, env) = (AttributeMap::default(), |_: &str| None);
        let mut compiler = Compiler::new(&named, &env, Problems::default());
        let owned: Vec<OwnedHeader> =
            (0..200).map(|i| compiler.own_header(&format!("x-{i}"), &At::root()).unwrap()).collect();
        let value = compiler.text(b"ours");
        let access_plan = compiler.finish().unwrap();
        let services = Services::default();
        // Effects are used again: what one request was given, the next is not.
        let (mut scratch, mut effects) = (Scratch::default(), Effects::default());
        for round in 0..50 {
            let sent: Vec<(String, &[u8])> = (0..round % 9)
                .map(|i| {
                    (format!("x-{}", (i * 31 + round * 7) % 220), [&b"theirs"[..], b"ours", b"more"][i % 3])
                })
                .collect();
            let sent: Vec<(&str, &[u8])> = sent.iter().map(|(name, value)| (name.as_str(), *value)).collect();
            let twice = [&sent[..], &sent[..sent.len() / 2]].concat();
            let raw = encode_pairs(&twice);
            scratch.read(&access_plan, &raw);
            let request = Request::new(&access_plan, &raw, &scratch, &services);
            effects.reset(&access_plan);
            for i in 0..round % 7 {
                let given = if i == 3 { HeaderValue::AsSent } else { HeaderValue::Text(value) };
                // Later ones come first, and some twice.
                effects.set(owned[(round + 600 - i * 41) % 200], given);
                effects.set(owned[(round * 3) % 200], given);
            }
            assert!(effects.headers_set().is_some());
            let [all, some] = [true, false].map(|all| {
                let host = FakeHost::with_request(&twice);
                if all {
                    for (index, (owned, given)) in
                        (0u16..).zip(access_plan.owned.iter().zip(&effects.headers))
                    {
                        apply_one(
                            &access_plan,
                            &request,
                            &effects,
                            OwnedHeader::at(index),
                            owned,
                            *given,
                            &host,
                        );
                    }
                } else {
                    apply(&access_plan, &request, &effects, &host);
                }
                format!("{:?}", host.request.borrow())
            });
            assert_eq!(some, all, "round {round}");
        }
    }
}
