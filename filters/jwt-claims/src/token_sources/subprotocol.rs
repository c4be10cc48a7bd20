//! Tokens among WebSocket subprotocols (RFC 6455 section 1.9). A script in a browser can set no other header of the
//! request that opens a WebSocket.

use super::items::{items, keep, so_far};
use weir_core::RequestView;
use weir_core::{AttrId, Effects, HostServices, OwnedHeader, Request};

/// The request header with the subprotocols that a client offers.
pub(crate) const SUBPROTOCOLS: &str = "sec-websocket-protocol";

/// Where tokens stand among the subprotocols.
#[derive(Clone, Debug)]
pub(crate) struct Subprotocols {
    pub(crate) attribute: AttrId,
    pub(crate) places: Box<[Subprotocol]>,
    /// Where they may be taken out.
    pub(crate) guard: Option<OwnedHeader>,
}

/// A subprotocol that is, or is followed by, a token.
#[derive(Clone, Debug)]
pub(crate) struct Subprotocol {
    /// In any case.
    pub(crate) mark: Box<[u8]>,
    /// Whether the token is the item behind it; else it is the rest of the item that begins so.
    pub(crate) follows: bool,
    /// Whether the token is in base64url once more.
    pub(crate) encoded: bool,
}

impl Subprotocol {
    /// The token in an item that comes behind another one.
    fn token<'i>(&self, before: &[u8], item: &'i [u8]) -> Option<&'i [u8]> {
        if self.follows {
            return before.eq_ignore_ascii_case(&self.mark).then_some(item);
        }
        let (start, rest) = item.split_at_checked(self.mark.len())?;
        (start.eq_ignore_ascii_case(&self.mark) && !rest.is_empty()).then_some(rest)
    }

    /// The first token among the items.
    fn find<'w>(&self, whole: &'w [u8]) -> Option<&'w [u8]> {
        pairs(whole).find_map(|(before, item)| self.token(before, item))
    }
}

/// Each item with the one before it.
fn pairs(whole: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut last: &[u8] = b"";
    items(whole, b',').map(move |item| (std::mem::replace(&mut last, item), item))
}

impl Subprotocols {
    pub(super) fn find<'r, O: HostServices>(&self, request: &'r Request<'_, O>) -> Option<&'r [u8]> {
        let whole = request.text(self.attribute)?;
        self.places.iter().find_map(|place| place.find(whole))
    }

    /// Whether `token`, which was found in this very request, stands here in an encoding.
    pub(super) fn is_encoded<O: HostServices>(&self, token: &[u8], request: &Request<'_, O>) -> bool {
        let Some(whole) = request.text(self.attribute) else { return false };
        let found = self.places.iter().find_map(|place| Some((place.find(whole)?, place.encoded)));
        found.is_some_and(|(found, encoded)| encoded && std::ptr::eq(found, token))
    }

    /// Takes out all items that are tokens, or hold one.
    pub(super) fn remove<O: HostServices>(&self, request: &Request<'_, O>, effects: &mut Effects) {
        if request.text(self.attribute).is_some()
            && let Some(header) = self.guard
        {
            self.remove_from(header, request, effects);
        }
    }

    #[cold]
    fn remove_from<O: HostServices>(
        &self,
        header: OwnedHeader,
        request: &Request<'_, O>,
        effects: &mut Effects,
    ) {
        // By what was sent, because behind a mark another item follows once the token is gone.
        let sent = request.sent(header).unwrap_or_default();
        let is_token = |(before, item): &(&[u8], &[u8])| {
            self.places.iter().any(|place| place.token(before, item).is_some())
        };
        let tokens: Vec<&[u8]> = pairs(sent).filter(is_token).map(|(_, item)| item).collect();
        if tokens.is_empty() {
            return;
        }
        let Some(whole) = so_far(header, request, effects) else { return };
        keep(header, items(&whole, b',').filter(|item| !tokens.contains(item)), b", ", effects);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(mark: &str, follows: bool) -> Subprotocol {
        Subprotocol { mark: mark.as_bytes().into(), follows, encoded: false }
    }

    fn found(place: &Subprotocol, whole: &str) -> Option<String> {
        place.find(whole.as_bytes()).map(|token| String::from_utf8_lossy(token).into_owned())
    }

    #[test]
    fn a_token_follows_its_mark_or_begins_with_it() {
        let after = place("bearer", true);
        for (whole, token) in [
            ("bearer, T", Some("T")),
            ("chat,Bearer,T , v2", Some("T")),
            ("bearer", None),
            ("bearer,,  ,T", Some("T")),
            ("T, bearer", None),
            ("bearerT", None),
            ("xbearer, T", None),
            ("", None),
        ] {
            assert_eq!(found(&after, whole).as_deref(), token, "{whole}");
        }
        let prefix = place("Bearer-", false);
        for (whole, token) in [
            ("chat, bearer-T, v2", Some("T")),
            ("Bearer-", None),
            ("Bearer-, T", None),
            ("xBearer-T", None),
            ("bearer-A, bearer-B", Some("A")),
        ] {
            assert_eq!(found(&prefix, whole).as_deref(), token, "{whole}");
        }
    }
}
