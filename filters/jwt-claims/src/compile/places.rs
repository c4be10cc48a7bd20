//! The locations of a provider's tokens.

use super::Builder;
use crate::config::{From, FromHeader, Provider};
use crate::places::{CookiePlace, HeaderPlace, ParamPlace, Places, Prefix};
use weir_core::effect::OwnedHeader;
use weir_core::{At, SourceSpec, header};

impl Builder<'_, '_> {
    pub(super) fn places(&mut self, spec: &Provider, at: &At) -> Places {
        let usual;
        let (from, at) = match &spec.from {
            Some(from) => (from, at.field("from")),
            // As Envoy's jwt_authn (RFC 6750 sections 2.1 and 2.3).
            None => {
                let bearer =
                    FromHeader { name: "authorization".into(), value_prefix: Some("Bearer ".into()) };
                let params = vec!["access_token".into()];
                usual = From { headers: vec![bearer], params, cookies: Vec::new() };
                (&usual, at.field("from"))
            }
        };
        if from.headers.is_empty() && from.params.is_empty() && from.cookies.is_empty() {
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
        Places { headers: headers.into(), params: params.into(), cookies: cookies.into(), cookie_header }
    }

    fn header_place(&mut self, spec: &FromHeader, forward: bool, at: &At) -> Option<HeaderPlace> {
        let name_at = at.field("name");
        if spec.name.is_empty() {
            self.compiler.problems.missing(&name_at, "expected a header name");
            return None;
        }
        let attribute = self.compiler.header(&spec.name, &name_at)?;
        let guard = if forward { None } else { self.guard(&spec.name, &name_at) };
        Some(HeaderPlace {
            attribute,
            prefix: Prefix::new(spec.value_prefix.as_deref().unwrap_or("")),
            guard,
        })
    }

    fn cookie_place(&mut self, name: &str, at: &At) -> Option<CookiePlace> {
        if header::name(name).is_err() {
            let message = format!("{name:?} is not a cookie name (an RFC 9110 token)");
            self.compiler.problems.add(at, message);
            return None;
        }
        let source = SourceSpec::Short(["cookie:", name].concat());
        let attribute = self.compiler.source(&source, at)?;
        Some(CookiePlace { attribute, name: name.as_bytes().into() })
    }

    /// Names and values are read decoded, as upstreams read them: a token under `access%5Ftoken` is one too.
    fn param_place(&mut self, name: &str, at: &At) -> Option<ParamPlace> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
        if name.is_empty() || !name.bytes().all(plain) {
            let message = format!("{name:?} is not a valid name: use letters, digits, `-`, `_`, `.` and `~`");
            self.compiler.problems.add(at, message);
            return None;
        }
        let source = SourceSpec::Short(["query:", name].concat());
        let attribute = self.compiler.source(&source, at)?;
        Some(ParamPlace { attribute, name: name.as_bytes().into() })
    }

    fn guard(&mut self, name: &str, at: &At) -> Option<OwnedHeader> {
        let guard = self.compiler.guard_header(name, at)?;
        self.guards.put(guard);
        Some(guard)
    }
}
