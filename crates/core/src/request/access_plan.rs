//! What a configuration reads and writes of each request: the content of a snapshot.
//!
//! Everything that a request can show is given a *place* when the configuration is read: one for each
//! header, cookie and query parameter that is looked for, one for the path, one for each text that is
//! lowered. A request is then one pass that fills the places, and an attribute is a look at one of them.

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed.

use crate::claims::ClaimSource;
use crate::header::{Pair, Pairs, equal};
use crate::ids::{OwnedHeader, State};
use crate::ownership::Reserved;
use crate::problem::At;
use crate::response_header::ResponseHeader;
use crate::sort::sort_by;
use crate::value::Kind;
use weir_host_api::Callbacks;

/// Where the bytes of an attribute lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A header, by position in [`AccessPlan::headers`].
    Header(u16),
    /// A cookie, by position in [`AccessPlan::cookies`].
    Cookie(u16),
    /// A query parameter, by position in [`AccessPlan::queries`].
    Query(u16),
    /// A query parameter as the client sent it, by position in [`AccessPlan::raw_queries`].
    RawQuery(u16),
    /// The path without the query.
    Path,
    /// A property, by position in [`AccessPlan::properties`].
    Property(u16),
    /// A claim of a token that this configuration verifies, by position in [`AccessPlan::claims`].
    Claim(u16),
    /// Whether the header `user-agent`, by position in [`AccessPlan::headers`], is a program's: `true`, `false`, or
    /// `unknown` when it is too long to tell.
    Bot(u16),
    /// Nowhere: the attribute's default is its value.
    Constant,
}

/// An attribute as it is evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attribute {
    /// Where its bytes lie.
    pub source: Source,
    /// How they are understood.
    pub kind: Kind,
    /// Whether ASCII letters are lowered first.
    pub lower: bool,
    /// Its text when the request has none.
    pub default: Option<Box<[u8]>>,
}

/// How the host encodes a property that is not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Numbers in dynamic and route metadata: `f64`, little endian.
    Double,
    /// Numbers among Envoy's own attributes: `i64`, little endian.
    Integer,
}

/// A property path as `proxy_get_property` takes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Property {
    /// The segments with a zero byte between two of them.
    pub path: Box<[u8]>,
    /// How numbers are encoded.
    pub encoding: Encoding,
    /// When this is another property with its ASCII letters lowered: its position. The host is asked
    /// for that one only.
    pub lower_of: Option<u16>,
}

/// An owned request header.
#[derive(Debug)]
pub struct Owned {
    /// Its name, lower case.
    pub name: String,
    /// Its position in [`AccessPlan::headers`], to see whether the client sent it.
    pub header: u16,
}

/// An experiment, as other filters see it.
#[derive(Debug)]
pub struct Experiment {
    /// Its key.
    pub key: String,
    /// The flag that it is a rule of.
    pub flag: Option<String>,
    /// The keys of its variants, in order.
    pub variants: Vec<String>,
}

/// What a configuration reads and writes of each request.
#[derive(Debug, Default)]
pub struct AccessPlan {
    /// The attributes.
    pub attributes: Vec<Attribute>,
    /// Names of the headers that are looked for, lower case, pseudo-headers included.
    pub headers: Vec<Box<[u8]>>,
    /// Names of the cookies that are looked for.
    pub cookies: Vec<Box<[u8]>>,
    /// Names of the query parameters that are looked for.
    pub queries: Vec<Box<[u8]>>,
    /// Names of the query parameters that are looked for as the client sent them, not decoded.
    pub raw_queries: Vec<Box<[u8]>>,
    /// Properties that may be asked of the host, each at most once a request.
    pub properties: Vec<Property>,
    /// Claims that attributes read, of tokens that this configuration verifies.
    pub claims: Vec<ClaimSource>,
    /// CEL expressions for the host to compile.
    pub cel: Vec<String>,
    /// The host's tokens of the CEL expressions, in the same order; until the host has compiled them, their positions.
    pub cel_tokens: Box<[u32]>,
    /// Where each CEL expression stands, for messages.
    pub cel_at: Vec<At>,
    /// The request headers that belong to this configuration.
    pub owned: Vec<Owned>,
    /// Positions, among the headers, of those that are taken out or left as they were sent, but not written.
    pub guarded: Vec<u16>,
    /// Further names of request headers that clients must not send.
    pub reserved: Reserved,
    /// Where names are shared with other plugins: the property with the headers that earlier ones wrote.
    pub shared: Option<u16>,
    /// Texts that effects may give to headers and state.
    pub texts: Vec<Box<[u8]>>,
    /// Names of the filter state that effects may set, without the host's own prefix.
    pub states: Vec<String>,
    /// Those that last as long as the client's request, see [`crate::Compiler::lasting_state`].
    pub lasting: Vec<State>,
    /// Names of the counters.
    pub counters: Vec<String>,
    /// Names of the gauges.
    pub gauges: Vec<String>,
    /// The experiments, in the order in which they are decided.
    pub experiments: Vec<Experiment>,
    /// The `vary` header of responses, when a filter asked for it: caches must know on which headers the
    /// answer depends.
    pub vary: Option<ResponseHeader>,
    /// Where `:path` is among the headers, when it is needed.
    pub path: Option<u16>,
    /// Where `cookie` is among the headers, when it is needed.
    pub cookie: Option<u16>,
    /// Whether any attribute is a JSON document.
    pub has_json: bool,
    /// Whether goals are remembered in the cookie that has the assignments, so that its content is kept for the
    /// response.
    pub remembers_goals: bool,
    /// What the plugin must be called for besides the request's headers.
    pub callbacks: Callbacks,
    /// Whether requests that are nobody's visit count like all others.
    pub counts_every_request: bool,
    pub(crate) places: SlotOffsets,
    /// Bit n says that there is a header whose name has n bytes, or n + 64, n + 128 and so on.
    lengths: u64,
    /// The headers, sorted by length of the name; see [`AccessPlan::find_header`].
    by_length: Vec<Candidate>,
    /// For each length of name, where in `by_length` its names start and end.
    of_length: Vec<(u16, u16)>,
    /// The owned header at each position in [`AccessPlan::headers`], or [`SlotOffsets::NOWHERE`].
    owner: Vec<u16>,
}

/// A header that is looked for.
#[derive(Debug)]
struct Candidate {
    name: Box<[u8]>,
    /// Its position in [`AccessPlan::headers`].
    slot: u16,
}

/// Where each kind of place starts. Headers start at 0, in their order.
#[derive(Debug, Default)]
pub(crate) struct SlotOffsets {
    pub(crate) cookies: usize,
    pub(crate) queries: usize,
    pub(crate) raw_queries: usize,
    pub(crate) path: usize,
    /// The number of places.
    pub(crate) all: usize,
    /// The place of each attribute; of those that have none (properties, constants) [`SlotOffsets::NOWHERE`].
    pub(crate) of_attributes: Vec<u16>,
    /// Which places are lowered copies of which others.
    pub(crate) lowered: Vec<Lowered>,
    /// Whether something inside headers is looked for: the path, cookies, query parameters, or something
    /// lowered.
    pub(crate) inside: bool,
}

/// A place whose text is another's with its ASCII letters lowered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lowered {
    pub(crate) from: u16,
    pub(crate) to: u16,
}

impl SlotOffsets {
    /// No place at all.
    pub(crate) const NOWHERE: u16 = u16::MAX;
}

impl AccessPlan {
    /// The headers of a request that are among [`AccessPlan::headers`], with their positions there.
    #[inline]
    pub fn find_headers<'a>(&self, raw: &'a [u8]) -> impl Iterator<Item = (usize, Pair<'a>)> {
        Pairs::new(raw)
            .with_name_lengths(self.lengths)
            .filter_map(|pair| Some((self.find_header(pair.name)?, pair)))
    }

    /// Whether requests can be decided without a look at their headers.
    #[inline]
    pub fn reads_no_header(&self) -> bool {
        self.headers.is_empty() && self.reserved.is_empty()
    }

    /// The headers of a request that are among [`AccessPlan::headers`], with their positions there, and those whose
    /// names may be reserved.
    #[inline]
    pub(crate) fn find_all<'a>(&self, raw: &'a [u8]) -> impl Iterator<Item = (Option<usize>, Pair<'a>)> {
        let start = self.reserved.start();
        let (lengths, data) = (self.lengths, Pairs::new(raw));
        let wanted = move |len: usize, data: &'a [u8], at| {
            lengths >> (len & 63) & 1 != 0 || start.may_be(len, data, at)
        };
        data.selected(wanted).filter_map(move |pair| match self.find_header(pair.name) {
            None if !start.may_be(pair.name.len(), raw, pair.name_offset()) => None,
            found => Some((found, pair)),
        })
    }

    /// Whether clients must not send a header of this name.
    pub fn owns(&self, name: &[u8]) -> bool {
        match self.find_header(name) {
            Some(slot) => self.owned.iter().any(|owned| usize::from(owned.header) == slot),
            None => self.reserved.has(name),
        }
    }

    /// The headers that this configuration would take from another one in the same proxy, or that one from it: both
    /// own them, and they do not share names.
    pub fn clashes(&self, other: &Self) -> Vec<&str> {
        if self.shared.is_some() && other.shared.is_some() {
            return Vec::new();
        }
        let written = |access_plan: &Self, header| !access_plan.guarded.contains(&header);
        let ours = self.owned.iter().filter(|o| written(self, o.header));
        ours.filter(|o| other.owns(o.name.as_bytes())).map(|o| o.name.as_str()).collect()
    }

    /// The owned headers that a request has, one for each line.
    pub(crate) fn find_owned<'a>(&'a self, raw: &'a [u8]) -> impl Iterator<Item = OwnedHeader> + 'a {
        let owner =
            |slot: usize| self.owner.get(slot).copied().filter(|owner| *owner != SlotOffsets::NOWHERE);
        self.find_headers(raw).filter_map(move |(slot, _)| owner(slot).map(OwnedHeader::at))
    }

    /// The position of a header among [`AccessPlan::headers`].
    #[inline]
    pub fn find_header(&self, name: &[u8]) -> Option<usize> {
        let (start, end) = *self.of_length.get(name.len())?;
        let candidates = self.by_length.get(usize::from(start)..usize::from(end))?;
        candidates.iter().find(|known| equal(&known.name, name)).map(|known| usize::from(known.slot))
    }

    /// Gives everything its place, once all is known that is looked for.
    pub(crate) fn settle(&mut self) {
        self.index_headers();
        self.owner = vec![SlotOffsets::NOWHERE; self.headers.len()];
        for (index, owned) in (0u16..).zip(&self.owned) {
            if let Some(owner) = self.owner.get_mut(usize::from(owned.header)) {
                *owner = index;
            }
        }
        self.reserved.settle();
        self.has_json = self.attributes.iter().any(|a| a.kind == Kind::Json);
        let places = &mut self.places;
        places.cookies = self.headers.len();
        places.queries = places.cookies + self.cookies.len();
        places.raw_queries = places.queries + self.queries.len();
        places.path = places.raw_queries + self.raw_queries.len();
        places.all = places.path + 1;
        for attribute in &self.attributes {
            let place = match attribute.source {
                Source::Header(slot) => usize::from(slot),
                Source::Cookie(slot) => places.cookies + usize::from(slot),
                Source::Query(slot) => places.queries + usize::from(slot),
                Source::RawQuery(slot) => places.raw_queries + usize::from(slot),
                Source::Path => places.path,
                Source::Property(_) | Source::Claim(_) | Source::Bot(_) | Source::Constant => {
                    usize::from(SlotOffsets::NOWHERE)
                }
            };
            let mut place = u16::try_from(place).unwrap_or(SlotOffsets::NOWHERE);
            if attribute.lower && place != SlotOffsets::NOWHERE {
                let to = u16::try_from(places.all).unwrap_or(SlotOffsets::NOWHERE);
                places.all += 1;
                places.lowered.push(Lowered { from: place, to });
                place = to;
            }
            places.of_attributes.push(place);
        }
        places.inside = self.path.is_some() || self.cookie.is_some() || !places.lowered.is_empty();
    }

    fn index_headers(&mut self) {
        self.lengths = self.headers.iter().fold(0, |bits, n| bits | 1 << (n.len() & 63));
        let named = (0u16..).zip(&self.headers);
        self.by_length = named.map(|(slot, name)| Candidate { name: name.clone(), slot }).collect();
        sort_by(&mut self.by_length, |a, b| (a.name.len(), a.slot) < (b.name.len(), b.slot));
        for (next, candidate) in (1u16..).zip(&self.by_length) {
            let length = candidate.name.len();
            if self.of_length.len() <= length {
                self.of_length.resize(length, (0, 0));
                self.of_length.push((next - 1, next));
            } else if let Some((_, end)) = self.of_length.last_mut() {
                *end = next;
            }
        }
    }
}
