//! The locations of a provider's tokens.

use super::Builder;
use crate::config::{From, FromHeader, FromSubprotocol, Provider};
use crate::token_sources::{
    CookieSource, HeaderSource, ParamSource, Prefix, SUBPROTOCOLS, Subprotocol, Subprotocols, TokenSources,
};
use weir_core::ids::OwnedHeader;
use weir_core::{At, SourceSpec};

impl Builder<'_, '_> {
    pub(super) fn places(&mut self, spec: &Provider, at: &At) -> TokenSources {
        let usual;
        let (from, at) = match &spec.from {
            Some(from) => (from, at.field("from")),
            // As Envoy's jwt_authn (RFC 6750 sections 2.1 and 2.3).
            None => {
                let bearer =
                    FromHeader { name: "authorization".into(), value_prefix: Some("Bearer ".into()) };
                let params = vec!["access_token".into()];
                usual = From { headers: vec![bearer], params, ..From::default() };
                (&usual, at.field("from"))
            }
        };
        let places = from.headers.len() + from.params.len() + from.cookies.len() + from.subprotocols.len();
        if places == 0 {
            let message =
                "is empty, so there could be no token; leave it out for `authorization: Bearer TOKEN`";
            self.compiler.problems.missing(&at, message);
        }
        let mut headers = Vec::with_capacity(from.headers.len());
        for (i, place) in from.headers.iter().enumerate() {
            headers.extend(self.header_place(place, spec.forward, &at.field("headers").index(i)));
        }
        let mut cookies = Vec::with_capacity(from.cookies.len());
        for (i, name) in from.cookies.iter().enumerate() {
            cookies.extend(self.cookie_place(name, &at.field("cookies").index(i)));
        }
        let mut params = Vec::with_capacity(from.params.len());
        for (i, name) in from.params.iter().enumerate() {
            params.extend(self.param_place(name, &at.field("params").index(i)));
        }
        let takes_cookies = !spec.forward && !cookies.is_empty();
        let cookie_header = if takes_cookies { self.guard("cookie", &at) } else { None };
        let subprotocols = self.subprotocols(&from.subprotocols, spec.forward, &at.field("subprotocols"));
        TokenSources {
            headers: headers.into(),
            params: params.into(),
            cookies: cookies.into(),
            cookie_header,
            subprotocols,
        }
    }

    fn subprotocols(
        &mut self,
        specs: &[FromSubprotocol],
        forward: bool,
        at: &At,
    ) -> Option<Box<Subprotocols>> {
        if specs.is_empty() {
            return None;
        }
        let mut places = Vec::with_capacity(specs.len());
        for (i, spec) in specs.iter().enumerate() {
            places.extend(self.subprotocol(spec, &at.index(i)));
        }
        let attribute = self.compiler.header(SUBPROTOCOLS, at)?;
        let guard = if forward { None } else { self.guard(SUBPROTOCOLS, at) };
        Some(Box::new(Subprotocols { attribute, places: places.into(), guard }))
    }

    fn subprotocol(&mut self, spec: &FromSubprotocol, at: &At) -> Option<Subprotocol> {
        let (mark, follows, at) = match (&spec.after, &spec.prefix) {
            (Some(after), None) => (after, true, at.field("after")),
            (None, Some(prefix)) => (prefix, false, at.field("prefix")),
            _ => {
                self.compiler.problems.missing(at, "needs exactly one of after, prefix");
                return None;
            }
        };
        // RFC 6455 section 4.1: the items are tokens of RFC 9110.
        if weir_core::header::name(mark).is_err() {
            let message =
                format!("invalid subprotocol {mark:?}: expected letters, digits and !#$%&'*+-.^_`|~");
            self.compiler.problems.add(&at, message);
            return None;
        }
        Some(Subprotocol { mark: mark.as_bytes().into(), follows, encoded: spec.base64url })
    }

    fn header_place(&mut self, spec: &FromHeader, forward: bool, at: &At) -> Option<HeaderSource> {
        let name_at = at.field("name");
        if spec.name.is_empty() {
            self.compiler.problems.missing(&name_at, "expected a header name");
            return None;
        }
        let attribute = self.compiler.header(&spec.name, &name_at)?;
        let guard = if forward { None } else { self.guard(&spec.name, &name_at) };
        Some(HeaderSource {
            attribute,
            prefix: Prefix::new(spec.value_prefix.as_deref().unwrap_or("")),
            guard,
        })
    }

    fn cookie_place(&mut self, name: &str, at: &At) -> Option<CookieSource> {
        let source = SourceSpec::Short(["cookie:", name].concat());
        let attribute = self.compiler.source(&source, at)?;
        Some(CookieSource { attribute, name: name.as_bytes().into() })
    }

    /// Names and values are read decoded, as upstreams read them: a token under `access%5Ftoken` is one too.
    fn param_place(&mut self, name: &str, at: &At) -> Option<ParamSource> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
        if name.is_empty() || !name.bytes().all(plain) {
            let message = format!("{name:?} is not a valid name: use letters, digits, `-`, `_`, `.` and `~`");
            self.compiler.problems.add(at, message);
            return None;
        }
        let source = SourceSpec::Short(["query:", name].concat());
        let attribute = self.compiler.source(&source, at)?;
        Some(ParamSource { attribute, name: name.as_bytes().into() })
    }

    fn guard(&mut self, name: &str, at: &At) -> Option<OwnedHeader> {
        let guard = self.compiler.guard_header(name, at)?;
        self.guards.put(guard);
        Some(guard)
    }
}
