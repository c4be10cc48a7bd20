//! What a warning is.

use weir_core::At;

/// A warning: a code that does not change, a place, and what follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Warning {
    pub(super) code: &'static str,
    pub(super) at: At,
    pub(super) message: String,
}

pub(super) fn warn(all: &mut Vec<Warning>, code: &'static str, at: At, message: String) {
    all.push(Warning { code, at, message });
}
