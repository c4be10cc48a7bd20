//! The resources of an import, and the options that complete them.

use super::place::Place;
use super::report::Finding;
use crate::report::Refused;

/// What the resources do not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Sources of what identifies a user in a split, such as `header:x-user-id`; the first non-empty one wins.
    pub units: Vec<String>,
    /// Whether other users get a cookie with an anonymous ID. Without it, a request that has none of the `units` is drawn
    /// by itself, as Istio does it.
    pub cookie: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { units: Vec::new(), cookie: true }
    }
}

/// What a resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    VirtualService,
    DestinationRule,
    RequestAuthentication,
    AuthorizationPolicy,
    Other,
}

/// A resource of the file.
#[derive(Debug)]
pub(crate) struct Resource<'v> {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) namespace: String,
    /// Its kind and name, for people.
    pub(super) label: String,
    pub(super) place: Place<'v>,
}

impl<'v> Resource<'v> {
    pub(super) fn spec(&self) -> Result<Place<'v>, Refused> {
        self.place.get("spec").ok_or_else(|| self.place.refuse("it has no `spec`"))
    }

    pub(super) fn finding(&self, message: impl Into<String>, at: &Place<'_>) -> Finding {
        Finding::new(&self.label, message, at)
    }

    pub(super) fn pointer(&self) -> &str {
        &self.place.pointer
    }

    pub(super) fn annotation(&self, name: &str) -> Option<&'v str> {
        self.place.value.get("metadata")?.get("annotations")?.get(name)?.as_str()
    }
}
