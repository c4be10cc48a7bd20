//! The decision: pure, so that its tests need no proxy.

use crate::plan::Plan;
use weir_host::header::Pairs;

/// What becomes of a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// What the upstream is told.
    pub greeting: Option<Vec<u8>>,
    /// Whether the client sent a header of that name.
    pub forged: bool,
}

impl Plan {
    /// Decides a request by its headers, in one pass. Header values are bytes, not text.
    pub fn decide(&self, headers: Pairs<'_>) -> Decision {
        let (mut path, mut user, mut forged) = (&b""[..], &b"stranger"[..], false);
        for header in headers {
            match header.name {
                b":path" => path = header.value,
                b"x-user-id" => user = header.value,
                name => forged |= name == self.header,
            }
        }
        let greeting = path.starts_with(&self.prefix).then(|| [&self.greeting[..], b", ", user].concat());
        Decision { greeting, forged }
    }
}
