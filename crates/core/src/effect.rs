//! What filters want done to a request. Filters only record; the host applies everything at once.

use crate::compile::Shape;
use std::rc::Rc;

/// A request header that belongs to this configuration: copies that clients send are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnedHeader(pub(crate) u16);

impl OwnedHeader {
    /// The header at a position in [`Shape::owned`].
    pub fn at(index: u16) -> Self {
        Self(index)
    }

    /// The position in [`Shape::owned`].
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A counter of this configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter(pub(crate) u16);

impl Counter {
    /// The position in [`Shape::counters`].
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A header for the response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHeader {
    /// The name, in lower case.
    pub name: Rc<str>,
    /// The value, already known to be safe.
    pub value: Rc<[u8]>,
    /// Whether it takes the place of what the upstream sent under this name.
    pub replace: bool,
}

/// Everything that the filters decided for one request. A later filter's word replaces an earlier
/// one's.
#[derive(Debug, Default)]
pub struct Effects<'r> {
    /// The values of the owned headers, by position; `None` means that the header must not be there.
    pub headers: Vec<Option<&'r [u8]>>,
    /// A new path, query included.
    pub path: Option<Vec<u8>>,
    /// A new host.
    pub authority: Option<&'r [u8]>,
    /// Headers for the response.
    pub response: Vec<ResponseHeader>,
    /// Counters that go up by one.
    pub counts: Vec<Counter>,
}

impl<'r> Effects<'r> {
    /// No effect yet but the removal of what clients must not send.
    pub fn new(shape: &Shape) -> Self {
        Self { headers: vec![None; shape.owned.len()], ..Self::default() }
    }

    /// Sets an owned request header. The value must be safe, see [`crate::header::is_safe_value`].
    pub fn set(&mut self, header: OwnedHeader, value: &'r [u8]) {
        if let Some(slot) = self.headers.get_mut(header.index()) {
            *slot = Some(value);
        }
    }
}
