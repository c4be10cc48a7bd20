//! The host of a request.

use super::Compiler;
use crate::access_plan::{Attribute, Source};
use crate::attribute::{AttrId, AttributeSpec, RequestPart};
use crate::never::Form;
use crate::value::Kind;

/// Where requests have their host.
const AUTHORITY: &[u8] = b":authority";

impl Compiler<'_> {
    /// The request's `:authority` in lower case: hosts have no case.
    pub fn authority(&mut self) -> AttrId {
        let source = Source::Header(self.header_slot(AUTHORITY));
        self.intern(Attribute { source, kind: Kind::Text, lower: true, default: None })
    }

    /// What all values of an attribute have in common.
    pub(crate) fn form(&self, id: AttrId) -> Option<Form> {
        let attribute = self.tables.attributes.get(id)?;
        // What is inside JSON has no form.
        if attribute.kind == Kind::Json {
            return None;
        }
        Some(match attribute.source {
            Source::Header(slot) => match &**self.tables.headers.get(slot)? {
                AUTHORITY => Form::Host,
                b":method" => Form::Method,
                b":scheme" => Form::Scheme,
                b":path" | b"cookie" => return None,
                _ => Form::Header,
            },
            Source::Path => Form::Path,
            Source::RawQuery(_) => Form::Query,
            _ => return None,
        })
    }

    /// Whether an attribute that the request does not have still has a value.
    pub(crate) fn has_default(&self, id: AttrId) -> bool {
        self.tables.attributes.get(id).is_some_and(|attribute| attribute.default.is_some())
    }

    /// Whether an attribute's letters are in lower case.
    pub(crate) fn is_lowered(&self, id: AttrId) -> bool {
        self.tables.attributes.get(id).is_some_and(|attribute| attribute.lower)
    }
}

/// Whether this is the request's host.
pub(super) fn is_host(spec: &AttributeSpec) -> bool {
    spec.request == Some(RequestPart::Host)
        || spec.header.as_deref().is_some_and(|name| name.eq_ignore_ascii_case("host"))
}
