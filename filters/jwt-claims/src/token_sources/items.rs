//! Headers that are lists: how items are taken out.

use weir_core::effect::HeaderValue;
use weir_core::{Effects, HostServices, OwnedHeader, Request};

/// The items of a header, without white space around them and without empty ones.
pub(super) fn items(whole: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    whole.split(move |b| *b == separator).map(<[u8]>::trim_ascii).filter(|item| !item.is_empty())
}

/// What an earlier token's removal has left of a header, or what the client sent.
pub(super) fn so_far<O: HostServices>(
    header: OwnedHeader,
    request: &Request<'_, O>,
    effects: &Effects,
) -> Option<Vec<u8>> {
    let so_far = effects.headers.get(header.index()).copied().unwrap_or_default();
    match effects.bytes(so_far, request.access_plan()) {
        Some(left) => Some(left.to_vec()),
        None if so_far == HeaderValue::Nothing => None,
        None => Some(request.sent(header).unwrap_or_default().to_vec()),
    }
}

/// Gives a header these items; without any it goes.
pub(super) fn keep<'i>(
    header: OwnedHeader,
    items: impl Iterator<Item = &'i [u8]>,
    separator: &[u8],
    effects: &mut Effects,
) {
    let mut any = false;
    let made = effects.make(|out| {
        for item in items {
            if any {
                out.extend_from_slice(separator);
            }
            out.extend_from_slice(item);
            any = true;
        }
    });
    effects.set(header, if any { made.into() } else { HeaderValue::Nothing });
}
