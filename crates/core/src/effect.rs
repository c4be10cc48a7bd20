//! The effects of filters on a request. Filters only record them; the host applies all at once.

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed.

use crate::access_plan::AccessPlan;
use crate::attribute::AttrId;
use crate::ids::{Counter, OwnedHeader, State, TextId};
use crate::response_header::ResponseHeader;
use std::hint::cold_path;
use weir_host_api::Disposition;

/// The value of a header or of filter state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeaderValue {
    /// Nothing; an owned header that the client sent is removed.
    #[default]
    Nothing,
    /// Whatever the client sent.
    AsSent,
    /// A text of the configuration.
    Text(TextId),
    /// A text that was made for this request, see [`Effects::make`].
    Made(Made),
    /// As [`HeaderValue::Made`], for a request header: each line of the text, at least one, is a line of it.
    Lines(Made),
}

impl From<TextId> for HeaderValue {
    fn from(text: TextId) -> Self {
        Self::Text(text)
    }
}

impl From<Made> for HeaderValue {
    fn from(made: Made) -> Self {
        Self::Made(made)
    }
}

/// A text that was made for this request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    start: usize,
    len: usize,
}

/// What is counted and logged only once the response shows that the request was a visit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provisional {
    /// Counters that go up by one.
    pub counts: Vec<Counter>,
    /// Filter state to set, in order.
    pub states: Vec<(State, HeaderValue)>,
}

/// Up to so many owned headers, it is not noted which are set.
const FEW: usize = 32;

/// Everything that the filters decided for one request. A later filter's word replaces an earlier
/// one's. One request after the other uses the same memory, see [`Effects::reset`].
#[derive(Debug, Default)]
pub struct Effects {
    /// What the owned headers are given, by position. Written by [`Effects::set`] alone.
    pub headers: Vec<HeaderValue>,
    /// Those that were set, in order, some of them more than once; of a few headers, none is noted.
    set: Vec<OwnedHeader>,
    /// A new path, query included.
    pub path: HeaderValue,
    /// A new host.
    pub authority: HeaderValue,
    /// Filter state to set, in order.
    pub states: Vec<(State, HeaderValue)>,
    /// Headers for the response.
    pub response: Vec<ResponseHeader>,
    /// Counters that go up by one.
    pub counts: Vec<Counter>,
    /// Whether the sender is trusted, so that names which clients must not send stay where nothing is written.
    pub trusted: bool,
    /// What becomes of the request when all of this is done.
    pub disposition: Disposition,
    /// Whether the request was held before: then it is not decided for the first time.
    pub held: bool,
    /// What the filter that changes responses is to remember for this one.
    pub response_mark: Option<u16>,
    /// Where the response may show that the request was nobody's visit, because it redirects the client to https:
    /// what is counted and logged only if it does not.
    pub provisional: Option<Provisional>,
    /// What the cookie with assignments holds after this request, where goals can be added to it.
    memory: Option<Made>,
    /// The values of cookies that the response sets, by the attribute that will read them.
    cookies: Vec<(AttrId, Made)>,
    made: Vec<u8>,
}

impl Effects {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self {
            headers: Vec::new(),
            set: Vec::new(),
            path: HeaderValue::Nothing,
            authority: HeaderValue::Nothing,
            states: Vec::new(),
            response: Vec::new(),
            counts: Vec::new(),
            trusted: false,
            disposition: Disposition::On,
            held: false,
            response_mark: None,
            provisional: None,
            memory: None,
            cookies: Vec::new(),
            made: Vec::new(),
        }
    }

    /// No effect, but the removal of what clients must not send.
    #[inline]
    pub fn reset(&mut self, access_plan: &AccessPlan) {
        if self.headers.len() > FEW {
            self.reset_many(access_plan);
        } else {
            self.headers.clear();
            self.headers.resize(access_plan.owned.len(), HeaderValue::Nothing);
        }
        self.path = HeaderValue::Nothing;
        self.authority = HeaderValue::Nothing;
        self.states.clear();
        if !self.response.is_empty() {
            cold_path();
            self.response.clear();
        }
        if !matches!(self.disposition, Disposition::On) {
            cold_path();
            self.disposition = Disposition::On;
        }
        self.trusted = false;
        self.response_mark = None;
        if self.provisional.is_some() {
            cold_path();
            self.provisional = None;
        }
        self.memory = None;
        self.cookies.clear();
        self.counts.clear();
        self.made.clear();
    }

    /// Takes back what was set, of many headers.
    #[cold]
    #[inline(never)]
    fn reset_many(&mut self, access_plan: &AccessPlan) {
        if self.headers.len() == access_plan.owned.len() {
            for header in &self.set {
                if let Some(slot) = self.headers.get_mut(header.index()) {
                    *slot = HeaderValue::Nothing;
                }
            }
        } else {
            self.headers.clear();
            self.headers.resize(access_plan.owned.len(), HeaderValue::Nothing);
        }
        self.set.clear();
    }

    /// The owned headers that were set, in order, some of them more than once; `None` where a look at each owned header
    /// costs less: they are few, or most of them are set.
    #[inline]
    pub fn headers_set(&self) -> Option<&[OwnedHeader]> {
        (self.headers.len() > FEW.max(4 * self.set.len())).then_some(&*self.set)
    }

    /// Notes that one of many headers was set.
    #[cold]
    #[inline(never)]
    fn note_set(&mut self, header: OwnedHeader) {
        self.set.push(header);
    }

    /// Sets an owned request header. The value must be safe, see [`crate::header::is_safe_value`].
    #[inline]
    pub fn set(&mut self, header: OwnedHeader, value: impl Into<HeaderValue>) {
        if let Some(slot) = self.headers.get_mut(header.index()) {
            *slot = value.into();
            if self.headers.len() > FEW {
                self.note_set(header);
            }
        }
    }

    /// Sets a cookie by the response. Filters that come later see its value, so that all of them know a
    /// client that is new by the same id.
    pub fn set_cookie(&mut self, attribute: AttrId, value: &[u8], header: ResponseHeader) {
        let value = self.make(|out| out.extend_from_slice(value));
        self.cookies.push((attribute, value));
        self.response.push(header);
    }

    /// The value of a cookie that an earlier filter has set.
    pub fn cookie(&self, attribute: AttrId) -> Option<&[u8]> {
        let (_, Made { start, len }) = self.cookies.iter().find(|(known, _)| *known == attribute)?;
        self.made.get(*start..)?.get(..*len)
    }

    /// Keeps what the cookie with assignments holds after this request.
    pub fn keep_memory(&mut self, entries: &[u8]) {
        self.memory = Some(self.make(|out| out.extend_from_slice(entries)));
    }

    /// What the cookie with assignments holds after this request; `None` where nothing is remembered.
    pub fn memory(&self) -> Option<&[u8]> {
        let Made { start, len } = self.memory?;
        self.made.get(start..)?.get(..len)
    }

    /// Writes a text for this request; `write` appends to what it is handed.
    #[inline]
    pub fn make(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Made {
        let start = self.made.len();
        write(&mut self.made);
        Made { start, len: self.made.len().saturating_sub(start) }
    }

    /// The bytes of what was given; `None` when that is nothing, or what the client sent.
    #[inline]
    pub fn bytes<'e>(&'e self, given: HeaderValue, access_plan: &'e AccessPlan) -> Option<&'e [u8]> {
        match given {
            HeaderValue::Nothing | HeaderValue::AsSent => None,
            HeaderValue::Text(TextId(index)) => access_plan.texts.get(usize::from(index)).map(|text| &**text),
            HeaderValue::Made(Made { start, len }) | HeaderValue::Lines(Made { start, len }) => {
                self.made.get(start..)?.get(..len)
            }
        }
    }
}
