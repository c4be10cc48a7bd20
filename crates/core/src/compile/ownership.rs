//! The request headers that belong to a configuration.

use super::Compiler;
use crate::access_plan::{Encoding, Property, Source};
use crate::header;
use crate::ids::OwnedHeader;
use crate::ownership::{BAGGAGE, Ownership, SHARED_STATE};
use crate::problem::At;

impl Compiler<'_> {
    /// Declares that a request header belongs to this configuration.
    pub fn own_header(&mut self, name: &str, at: &At) -> Option<OwnedHeader> {
        let name = self.problems.accept(header::writable_name(name), at)?;
        let header = self.header_slot(name.as_bytes());
        Some(self.tables.owned.put(header))
    }

    /// Takes over what belongs to the configuration as a whole. To be called before its sections are compiled.
    pub fn ownership(&mut self, ownership: &Ownership, at: &At) {
        self.owns_namespace = ownership.namespace.unwrap_or(true);
        for (i, written) in ownership.reserved.iter().enumerate() {
            self.reserve(written, &at.field("reserved").index(i));
        }
        if ownership.shared {
            let path = ["filter_state", &["wasm.", SHARED_STATE].concat()].join("\0");
            let encoding = Encoding::Integer;
            let property = Property { path: path.into_bytes().into(), encoding, lower_of: None };
            self.access_plan.shared = Some(self.intern_property(property));
        }
    }

    /// A name, or the beginning of names.
    fn reserve(&mut self, written: &str, at: &At) {
        const MIN_LEN: usize = 4;
        let Some(prefix) = written.strip_suffix('*') else {
            self.own_header(written, at);
            return;
        };
        match header::name(prefix) {
            Ok(prefix) if prefix.len() >= MIN_LEN => {
                self.access_plan.reserved.prefixes.push(prefix.into_bytes().into())
            }
            _ => {
                let message = format!(
                    "invalid name {written:?}: expected a header name, or at least {MIN_LEN} characters of one and `*`"
                );
                self.problems.add(at, message);
            }
        }
    }

    /// Declares that the experiments' part of Weir's namespace belongs to this configuration, if it is to. Gives the
    /// header in which services carry on variants.
    pub fn own_names_of_experiments(&mut self, at: &At) -> Option<OwnedHeader> {
        if !self.owns_namespace {
            return None;
        }
        self.access_plan.reserved.experiments = true;
        self.own_header(BAGGAGE, at)
    }

    /// Declares that the rest of Weir's namespace belongs to this configuration, if it is to.
    pub fn own_names_of_routing(&mut self) {
        self.access_plan.reserved.routing = self.owns_namespace;
    }

    /// A request header that an earlier section has declared its own.
    pub fn owned_header(&self, name: &str) -> Option<OwnedHeader> {
        let header = self.tables.headers.find(name.to_ascii_lowercase().as_bytes())?;
        self.tables.owned.find(&header)
    }

    /// Declares that a request header which is not ours may be taken out or changed, such as one that carries
    /// a token. It goes to the upstream only when it is given [`crate::effect::HeaderValue::AsSent`] or a value.
    pub fn guard_header(&mut self, name: &str, at: &At) -> Option<OwnedHeader> {
        let Source::Header(header) = self.header_source(name, at)? else { return None };
        if self.tables.owned.find(&header).is_none() {
            self.access_plan.guarded.push(header);
        }
        Some(self.tables.owned.put(header))
    }
}
