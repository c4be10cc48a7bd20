//! The locations of tokens in a request, and how tokens are removed.

mod items;
mod subprotocol;

pub(crate) use subprotocol::{SUBPROTOCOLS, Subprotocol, Subprotocols};

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed.

use items::{items, keep, so_far};
use weir_core::RequestView;
use weir_core::effect::HeaderValue;
use weir_core::header::equal;
use weir_core::request::is_named;
use weir_core::{AttrId, Effects, HostServices, OwnedHeader, Request, query};
use weir_jose::Refusal;

/// The locations of a provider's tokens. The first location with a token wins.
#[derive(Clone, Debug, Default)]
pub(crate) struct TokenSources {
    pub(crate) headers: Box<[HeaderSource]>,
    pub(crate) params: Box<[ParamSource]>,
    pub(crate) cookies: Box<[CookieSource]>,
    /// The header `cookie`, where one of its cookies may be taken out.
    pub(crate) cookie_header: Option<OwnedHeader>,
    /// WebSocket subprotocols, where they are looked at.
    pub(crate) subprotocols: Option<Box<Subprotocols>>,
}

/// A request header.
#[derive(Clone, Debug)]
pub(crate) struct HeaderSource {
    pub(crate) attribute: AttrId,
    pub(crate) prefix: Prefix,
    /// Where it may be taken out.
    pub(crate) guard: Option<OwnedHeader>,
}

/// A query parameter.
#[derive(Clone, Debug)]
pub(crate) struct ParamSource {
    pub(crate) attribute: AttrId,
    pub(crate) name: Box<[u8]>,
}

/// A cookie.
#[derive(Clone, Debug)]
pub(crate) struct CookieSource {
    pub(crate) attribute: AttrId,
    pub(crate) name: Box<[u8]>,
}

/// What precedes a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prefix {
    /// In any case.
    text: Box<[u8]>,
    /// Whether at least one space must follow.
    space: bool,
}

impl Prefix {
    pub(crate) fn new(written: &str) -> Self {
        let text = written.trim_ascii_end();
        Self { text: text.as_bytes().into(), space: text.len() < written.len() }
    }

    /// What follows it, without the white space around.
    #[inline]
    fn strip<'v>(&self, value: &'v [u8]) -> Option<&'v [u8]> {
        let (start, rest) = value.split_at_checked(self.text.len())?;
        // Nearly all clients write it in the usual way.
        if !equal(start, &self.text) && !start.eq_ignore_ascii_case(&self.text) {
            return None;
        }
        if self.space && !matches!(rest, [b' ' | b'\t', ..]) {
            return None;
        }
        let token = rest.trim_ascii();
        if token.is_empty() { None } else { Some(token) }
    }
}

impl HeaderSource {
    #[inline]
    fn find<'r, O: HostServices>(&self, request: &'r Request<'_, O>) -> Option<&'r [u8]> {
        self.prefix.strip(request.text(self.attribute)?)
    }
}

impl TokenSources {
    /// The token of a request.
    #[inline]
    pub(crate) fn find<'r, O: HostServices>(&self, request: &'r Request<'_, O>) -> Option<&'r [u8]> {
        let found = self.headers.iter().find_map(|place| place.find(request));
        if found.is_some() { found } else { self.find_elsewhere(request) }
    }

    fn find_elsewhere<'r, O: HostServices>(&self, request: &'r Request<'_, O>) -> Option<&'r [u8]> {
        let params = self.params.iter().map(|place| place.attribute);
        let mut all = params.chain(self.cookies.iter().map(|place| place.attribute));
        let found = all.find_map(|attribute| request.text(attribute).filter(|text| !text.is_empty()));
        if found.is_some() { found } else { self.subprotocols.as_ref()?.find(request) }
    }

    /// What stands in the encoding of `text`, the token that was found, if its place has tokens encoded.
    ///
    /// # Errors
    /// It is not in that encoding.
    #[cold]
    pub(crate) fn decoded<O: HostServices>(
        &self,
        text: &[u8],
        request: &Request<'_, O>,
    ) -> Result<Option<Vec<u8>>, Refusal> {
        match &self.subprotocols {
            Some(subprotocols) if subprotocols.is_encoded(text, request) => {
                weir_jose::decode_base64url(text).map(Some).ok_or(Refusal::Malformed)
            }
            _ => Ok(None),
        }
    }

    /// Takes tokens out of all places, also those that were not looked at.
    #[inline]
    pub(crate) fn remove<O: HostServices>(&self, request: &Request<'_, O>, effects: &mut Effects) {
        for place in &self.headers {
            if let Some(guard) = place.guard
                && place.find(request).is_some()
            {
                effects.set(guard, HeaderValue::Nothing);
            }
        }
        if self.params.iter().any(|place| request.text(place.attribute).is_some()) {
            self.remove_params(request, effects);
        }
        if self.cookies.iter().any(|place| request.text(place.attribute).is_some()) {
            self.remove_cookies(request, effects);
        }
        if let Some(subprotocols) = &self.subprotocols {
            subprotocols.remove(request, effects);
        }
    }

    /// Removes everything from all token locations, because a rejected request must not show it.
    #[cold]
    pub(crate) fn hide<O: HostServices>(&self, request: &Request<'_, O>, effects: &mut Effects) {
        for guard in self.headers.iter().filter_map(|place| place.guard) {
            effects.set(guard, HeaderValue::Nothing);
        }
        self.remove(request, effects);
    }

    #[cold]
    fn remove_params<O: HostServices>(&self, request: &Request<'_, O>, effects: &mut Effects) {
        let is_ours = |name: &[u8]| self.params.iter().any(|place| is_named(name, &place.name));
        query::remove(request, effects, &is_ours);
    }

    #[cold]
    fn remove_cookies<O: HostServices>(&self, request: &Request<'_, O>, effects: &mut Effects) {
        let Some(header) = self.cookie_header else { return };
        let Some(whole) = so_far(header, request, effects) else { return };
        let is_ours = |part: &&[u8]| {
            let name = part.split(|b| *b == b'=').next().unwrap_or_default().trim_ascii();
            self.cookies.iter().any(|place| *place.name == *name)
        };
        keep(header, items(&whole, b';').filter(|part| !is_ours(part)), b"; ", effects);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_have_no_case_and_spaces_no_number() {
        let bearer = Prefix::new("Bearer ");
        for value in ["Bearer t", "bearer   t ", "BEARER\tt"] {
            assert_eq!(bearer.strip(value.as_bytes()), Some(&b"t"[..]), "{value}");
        }
        for value in ["Bearert", "Bearer", "Bearer ", "Basic t", "", "Basic x, Bearer t"] {
            assert_eq!(bearer.strip(value.as_bytes()), None, "{value}");
        }
        assert_eq!(Prefix::default().strip(b" t "), Some(&b"t"[..]));
        assert_eq!(Prefix::new("jwt=").strip(b"jwt=t"), Some(&b"t"[..]));
    }
}
