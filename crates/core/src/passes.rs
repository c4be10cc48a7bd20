//! Requests that pass the filters more than once: the proxy redirects them itself.

use crate::attribute::AttrId;
use crate::header::{Pair, Pairs};
use crate::request::{HostServices, Request};

/// How a pass of a request through the filters tells that there was one before: Envoy's internal redirects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passes {
    /// The header that the proxy gives to what it redirects. Clients may send it too, so it proves nothing; filter
    /// state does, see [`Passes::state`].
    pub redirected: AttrId,
}

impl Passes {
    /// The header's name.
    pub const HEADER: &'static str = "x-envoy-original-url";

    /// The property that reads filter state of ours, which lasts from pass to pass where it is declared so
    /// ([`crate::Compiler::lasting_state`]).
    pub fn state(name: &str) -> Vec<u8> {
        [&b"filter_state\0wasm."[..], name.as_bytes()].concat()
    }
}

impl<O: HostServices> Request<'_, O> {
    /// The filter state of this name that an earlier pass of this request has set. It asks the proxy, unless the
    /// headers show that there was none.
    #[cold]
    pub fn earlier_state(&self, name: &str) -> Option<Box<[u8]>> {
        let header = |pair: Pair<'_>| pair.name == Passes::HEADER.as_bytes();
        let possible = self.raw().is_empty() || Pairs::new(self.raw()).any(header);
        if !possible {
            return None;
        }
        self.services().property(&Passes::state(name)).map(|value| Box::from(&*value))
    }
}
