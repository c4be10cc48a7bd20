//! Which request headers decide about the answer that a client gets: caches must know them.

use super::Compiler;
use crate::access_plan::Source;
use crate::ids::OwnedHeader;
use crate::response_header::ResponseHeader;

/// Where Envoy's filter `jwt_authn` leaves the claims of tokens that it has verified.
const JWT_AUTHN: &[u8] = b"metadata\0filter_metadata\0envoy.filters.http.jwt_authn\0";
/// Under which Envoy has the request's headers.
const REQUEST_HEADERS: &[u8] = b"request\0headers\0";

impl Compiler<'_> {
    /// Compiles something that decides nothing about the answer that a client gets, or nothing that caches
    /// keep: faults, metrics. What is read there is not named in `vary`.
    pub fn aside<T>(&mut self, compile: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.aside, true);
        let compiled = compile(self);
        self.aside = before;
        compiled
    }

    /// Notes that a header of ours decides too as it is sent: a trusted peer's variants are believed.
    pub fn decided_by(&mut self, header: OwnedHeader) {
        if let Some(slot) = self.tables.owned.get(header).copied() {
            self.note_deciding(Source::Header(slot));
        }
    }

    /// Notes the header that an attribute lies in.
    pub(super) fn note_deciding(&mut self, source: Source) {
        if self.aside {
            return;
        }
        let name: &[u8] = match source {
            Source::Header(slot) => match self.tables.headers.get(slot) {
                // The request line is part of every cache's key.
                Some(name) if !name.starts_with(b":") => name,
                _ => return,
            },
            Source::Cookie(_) => b"cookie",
            Source::Bot(_) => b"user-agent",
            Source::Property(index) => match self.tables.properties.get(index) {
                // This is where it finds tokens, unless told otherwise.
                Some(property) if property.path.starts_with(JWT_AUTHN) => b"authorization",
                Some(property) => match property.path.strip_prefix(REQUEST_HEADERS) {
                    Some(name) if !name.starts_with(b":") => name,
                    _ => return,
                },
                None => return,
            },
            _ => return,
        };
        if self.deciding.find(name).is_none() {
            self.deciding.put(name.into());
        }
    }

    /// The header that names them all, where a filter asked for it.
    pub(super) fn vary_header(&self) -> Option<ResponseHeader> {
        let deciding = self.deciding.items();
        if !self.vary || deciding.is_empty() {
            return None;
        }
        let value = deciding.join(&b", "[..]).into();
        Some(ResponseHeader { name: "vary".into(), value, replace: false })
    }
}
