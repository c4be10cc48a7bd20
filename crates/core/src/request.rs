//! One request, as the configuration at hand needs to see it.
//!
//! The host provides all headers as one buffer. [`Scratch::read`] scans it once and records the position of
//! each value that the [`AccessPlan`] lists; values are copied only if they must be decoded, joined or
//! lower-cased. Values that only the host has (properties, CEL) are read when a predicate needs them, at most
//! once.

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed.

use crate::access_plan::{AccessPlan, Attribute, Encoding, Source};
use crate::assigned::Assigned;
use crate::attribute::AttrId;
use crate::bot;
use crate::byte_span::ByteSpan;
use crate::claims::{Claim, Claims};
use crate::effect::OwnedHeader;
use crate::header::{Pair, equal};
use crate::predicate::{CelId, ExperimentId, PlainPlace, RequestView};
use crate::truth::Truth;
use crate::value::{Kind, Value};
use std::cell::{Cell, OnceCell};
use std::hint::cold_path;
use std::rc::Rc;
pub use weir_host_api::Signature;

/// JSON values longer than this, in bytes, are not read: what a client sends must not decide how much work
/// one request is.
const MAX_JSON_LEN: usize = 16 * 1024;

/// What evaluation needs from outside of the bytes at hand.
pub trait HostServices {
    /// A property by its path, segments with zero bytes between them; `None` when there is none.
    fn property(&self, path: &[u8]) -> Option<Box<[u8]>>;
    /// The verdict of a compiled expression; `None` when it cannot be evaluated.
    fn cel(&self, id: CelId) -> Option<bool>;
    /// Random bits that no client can predict.
    fn random(&self) -> u64;
    /// Nanoseconds since the Unix epoch.
    fn now(&self) -> u64;
    /// Whether a signature is right; `None` when the host cannot tell.
    fn verify_signature(&self, signature: &Signature<'_>) -> Option<bool> {
        let _ = signature;
        None
    }
}

/// Memory that requests use one after the other, so that none of them allocates.
#[derive(Debug, Default)]
pub struct Scratch {
    /// What was found, in the order of [`crate::access_plan::SlotOffsets`].
    places: Vec<ByteSpan>,
    arena: Vec<u8>,
    /// Names of headers that nothing reads or writes, and that clients must not send.
    reserved: Vec<ByteSpan>,
    /// The variants that were assigned so far, by experiment.
    variants: Vec<Cell<Option<Assigned>>>,
}

impl Scratch {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self { places: Vec::new(), arena: Vec::new(), reserved: Vec::new(), variants: Vec::new() }
    }

    /// Finds all that `shape` asks for in the host's buffer.
    #[inline]
    pub fn read(&mut self, shape: &AccessPlan, raw: &[u8]) {
        self.places.clear();
        self.places.resize(shape.places.all, ByteSpan::ABSENT);
        self.arena.clear();
        self.reserved.clear();
        for (slot, pair) in shape.find_all(raw) {
            let Some(slot) = slot else {
                self.note_reserved(shape, pair);
                continue;
            };
            match self.places.get_mut(slot) {
                Some(place) if place.is_absent() => {
                    *place = ByteSpan::raw(pair.value_offset, pair.value.len())
                }
                _ => self.add_line(shape, slot, raw),
            }
        }
        if shape.places.inside {
            self.read_inside::<true>(shape, raw);
        }
        if !shape.experiments.is_empty() {
            cold_path();
            self.variants.clear();
            self.variants.resize(shape.experiments.len(), Cell::new(None));
        }
    }

    /// A header that may be reserved.
    #[cold]
    fn note_reserved(&mut self, shape: &AccessPlan, pair: Pair<'_>) {
        if shape.reserved.has(pair.name) {
            self.reserved.push(ByteSpan::raw(pair.name_offset(), pair.name.len()));
        }
    }

    /// A further line of a header. The second joins all there are in one go: a hundred lines that were
    /// joined one by one would be copied a hundred times.
    #[cold]
    fn add_line(&mut self, shape: &AccessPlan, slot: usize, raw: &[u8]) {
        if self.places.get(slot).is_none_or(|place| place.is_arena()) {
            return;
        }
        // RFC 9110 section 5.3 joins with a comma, RFC 9113 section 8.2.3 cookies with a semicolon.
        let separator: &[u8] = if is_cookie(shape, slot) { b"; " } else { b"," };
        let start = self.arena.len();
        for (_, pair) in shape.find_headers(raw).filter(|(found, _)| *found == slot) {
            self.arena.extend_from_slice(pair.value);
            self.arena.extend_from_slice(separator);
        }
        self.arena.truncate(self.arena.len().saturating_sub(separator.len()));
        let len = self.arena.len().saturating_sub(start);
        if let Some(place) = self.places.get_mut(slot) {
            *place = ByteSpan::arena(start, len);
        }
    }

    /// What lies inside headers. Out of line, so that requests of which nothing of this is asked do not jump
    /// over it; generic, so that it is compiled with the pipeline, for speed.
    #[inline(never)]
    fn read_inside<const COMPILED_WITH_CALLER: bool>(&mut self, shape: &AccessPlan, raw: &[u8]) {
        self.read_path(shape, raw);
        self.read_cookies(shape, raw);
        self.lower(shape, raw);
    }

    fn place(&self, index: Option<u16>) -> ByteSpan {
        index.and_then(|index| self.places.get(usize::from(index)).copied()).unwrap_or_default()
    }

    /// Fills a place that nothing has filled before: of two cookies or parameters the first counts.
    #[inline]
    fn fill(&mut self, index: usize, found: ByteSpan) {
        if let Some(place) = self.places.get_mut(index)
            && place.is_absent()
        {
            *place = found;
        }
    }

    /// The path without the query, and the query parameters.
    #[inline]
    fn read_path(&mut self, shape: &AccessPlan, raw: &[u8]) {
        let place = self.place(shape.path);
        let Some(whole) = place.in_raw(raw) else { return };
        let start = place.start();
        let whole = whole.split(|b| *b == b'#').next().unwrap_or_default();
        let path = whole.split(|b| *b == b'?').next().unwrap_or_default();
        self.fill(shape.places.path, ByteSpan::raw(start, path.len()));
        if path.len() == whole.len() || (shape.queries.is_empty() && shape.raw_queries.is_empty()) {
            return;
        }
        let mut at = start + path.len() + 1;
        for part in slice(raw, at, start + whole.len() - at).split(|b| *b == b'&') {
            self.read_parameter(shape, part, at);
            at += part.len() + 1;
        }
    }

    /// One `name=value` of the query, which starts at `at` in the host's buffer.
    #[inline]
    fn read_parameter(&mut self, shape: &AccessPlan, part: &[u8], at: usize) {
        let name_len = part.iter().position(|b| *b == b'=').unwrap_or(part.len());
        let (name, value) = part.split_at_checked(name_len).unwrap_or_default();
        let value = value.split_first().map_or(&[][..], |(_, v)| v);
        let found = ByteSpan::raw(at + part.len() - value.len(), value.len());
        if let Some(slot) = shape.raw_queries.iter().position(|n| equal(n, name)) {
            self.fill(shape.places.raw_queries + slot, found);
        }
        if let Some(slot) = shape.queries.iter().position(|wanted| is_named(name, wanted)) {
            let found = if is_encoded(value) {
                let start = self.arena.len();
                self.arena.extend(decoded(value));
                ByteSpan::arena(start, self.arena.len() - start)
            } else {
                found
            };
            self.fill(shape.places.queries + slot, found);
        }
    }

    #[inline]
    fn read_cookies(&mut self, shape: &AccessPlan, raw: &[u8]) {
        let place = self.place(shape.cookie);
        let Self { places, arena, .. } = self;
        let (in_arena, base) = (place.is_arena(), place.start());
        let Some(text) = place.text(raw, arena) else { return };
        let mut at = base;
        for part in text.split(|b| *b == b';') {
            let trimmed = part.trim_ascii_start();
            let name_len = trimmed.iter().position(|b| *b == b'=').unwrap_or(trimmed.len());
            let (name, rest) = trimmed.split_at_checked(name_len).unwrap_or_default();
            let slot = shape.cookies.iter().position(|n| equal(n, name.trim_ascii_end()));
            let place = slot.and_then(|slot| places.get_mut(shape.places.cookies + slot));
            if let Some(place) = place.filter(|place| place.is_absent())
                && let Some((_, value)) = rest.split_first()
            {
                let mut start = at + part.len() - value.trim_ascii_start().len();
                let mut value = value.trim_ascii();
                // As Envoy: quotes around the value are not part of it.
                if let [b'"', inner @ .., b'"'] = value {
                    (start, value) = (start + 1, inner);
                }
                let len = value.len();
                *place = if in_arena { ByteSpan::arena(start, len) } else { ByteSpan::raw(start, len) };
            }
            at += part.len() + 1;
        }
    }

    /// Copies with their ASCII letters lowered.
    #[inline]
    fn lower(&mut self, shape: &AccessPlan, raw: &[u8]) {
        for lowered in &shape.places.lowered {
            let at = self.arena.len();
            let place = self.place(Some(lowered.from));
            match place.in_raw(raw) {
                Some(text) => self.arena.extend_from_slice(text),
                None if place.is_absent() => continue,
                None => self.arena.extend_from_within(place.start()..place.start() + place.len()),
            }
            if let Some(text) = self.arena.get_mut(at..) {
                text.make_ascii_lowercase();
            }
            let len = self.arena.len().saturating_sub(at);
            self.fill(usize::from(lowered.to), ByteSpan::arena(at, len));
        }
    }
}

/// Whether a header's lines are one list of cookies, however they were cut (RFC 9113 section 8.2.3).
fn is_cookie(shape: &AccessPlan, slot: usize) -> bool {
    shape.headers.get(slot).is_some_and(|name| **name == *b"cookie")
}

#[inline]
fn slice(bytes: &[u8], start: usize, len: usize) -> &[u8] {
    bytes.get(start..start + len).unwrap_or_default()
}

/// Whether a query parameter, by its name as it was sent, is the one of this name.
#[inline]
pub fn is_named(sent: &[u8], name: &[u8]) -> bool {
    if is_encoded(sent) { decoded(sent).eq(name.iter().copied()) } else { equal(name, sent) }
}

fn is_encoded(text: &[u8]) -> bool {
    text.iter().any(|b| matches!(b, b'%' | b'+'))
}

/// Percent-decoding as forms do it: `+` is a space, and a `%` that no two hex digits follow is kept as it is.
pub fn decoded(text: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (&first, tail) = rest.split_first()?;
        let hex = |b: &u8| char::from(*b).to_digit(16);
        if first == b'%'
            && let [high, low, behind @ ..] = tail
            && let (Some(high), Some(low)) = (hex(high), hex(low))
        {
            rest = behind;
            let [byte, ..] = (high << 4 | low).to_le_bytes();
            return Some(byte);
        }
        rest = tail;
        Some(if first == b'+' { b' ' } else { first })
    })
}

/// One request with everything that predicates may ask of it.
pub struct Request<'r, O> {
    shape: &'r AccessPlan,
    raw: &'r [u8],
    scratch: &'r Scratch,
    outside: &'r O,
    claims: OnceCell<Rc<Claims>>,
    late: OnceCell<Box<LazyValues>>,
}

/// Values that are read only when a predicate needs them, and then once.
#[derive(Default)]
struct LazyValues {
    properties: Vec<OnceCell<Option<Box<[u8]>>>>,
    json: Vec<OnceCell<Option<Box<serde_json::Value>>>>,
    bot: OnceCell<Truth>,
}

impl<'r, O: HostServices> Request<'r, O> {
    /// The request in `raw`, which `scratch` has read with the same `shape`.
    #[inline]
    pub fn new(shape: &'r AccessPlan, raw: &'r [u8], scratch: &'r Scratch, outside: &'r O) -> Self {
        crate::regex::renew();
        Self { shape, raw, scratch, outside, claims: OnceCell::new(), late: OnceCell::new() }
    }

    #[cold]
    fn late(&self) -> &LazyValues {
        self.late.get_or_init(|| {
            let mut late = LazyValues::default();
            late.properties.resize_with(self.shape.properties.len(), OnceCell::new);
            if self.shape.has_json {
                late.json.resize_with(self.shape.attributes.len(), OnceCell::new);
            }
            Box::new(late)
        })
    }

    /// What the configuration reads and writes.
    pub fn shape(&self) -> &'r AccessPlan {
        self.shape
    }

    /// All headers, as the host gave them; empty where none were read.
    pub(crate) fn raw(&self) -> &'r [u8] {
        self.raw
    }

    /// What the request needs from outside.
    pub fn outside(&self) -> &'r O {
        self.outside
    }

    /// What the client sent under an owned header's name, if anything.
    #[inline]
    pub fn sent(&self, header: OwnedHeader) -> Option<&[u8]> {
        let owned = self.shape.owned.get(header.index())?;
        self.bytes(*self.scratch.places.get(usize::from(owned.header))?)
    }

    /// Whether the client sent an owned header in several lines. What [`Request::sent`] shows of them is not
    /// what goes on.
    pub fn sent_in_lines(&self, header: OwnedHeader) -> bool {
        let place = self.shape.owned.get(header.index());
        let place = place.and_then(|owned| self.scratch.places.get(usize::from(owned.header)));
        // Only a header of several lines lies in the arena.
        place.is_some_and(|place| place.is_arena())
    }

    /// Whether there are headers that nothing reads or writes, and that clients must not send.
    #[inline]
    pub fn has_reserved(&self) -> bool {
        !self.scratch.reserved.is_empty()
    }

    /// The names of these headers; a name for each line.
    pub fn reserved(&self) -> impl Iterator<Item = &'r [u8]> {
        self.scratch.reserved.iter().filter_map(|place| place.in_raw(self.raw))
    }

    /// The names of the headers that earlier plugins of the same proxy wrote, as they recorded them, with
    /// commas between them; `None` where names are not shared.
    #[cold]
    pub fn written_before(&self) -> Option<&[u8]> {
        self.property(self.shape.shared?)
    }

    /// Whether an earlier plugin of the same proxy wrote the header of this name.
    #[cold]
    pub fn is_written_before(&self, name: &[u8]) -> bool {
        self.written_before().is_some_and(|names| names.split(|b| *b == b',').any(|known| known == name))
    }

    /// The whole `:path`, query included, when the configuration needs it.
    pub fn path_and_query(&self) -> Option<&[u8]> {
        self.bytes(self.scratch.place(self.shape.path))
    }

    /// Notes the variant that this request is assigned, for predicates and filters that come later.
    pub fn assign(&self, experiment: ExperimentId, assigned: impl Into<Assigned>) {
        if let Some(cell) = self.scratch.variants.get(experiment.index()) {
            cell.set(Some(assigned.into()));
        }
    }

    /// The variant that this request was assigned, how, and whether it counts.
    pub fn assigned(&self, experiment: ExperimentId) -> Option<Assigned> {
        self.scratch.variants.get(experiment.index())?.get()
    }

    /// Notes the claims of the token that was verified, for predicates and filters that come later. Only the
    /// first time counts.
    pub fn verified(&self, claims: Rc<Claims>) {
        // A second time is a mistake in a filter, and the first token stays the one that counts.
        let _ = self.claims.set(claims);
    }

    fn claim(&self, index: u16) -> Option<&Claim> {
        self.claims.get()?.get(index)
    }

    #[inline]
    fn bytes(&self, place: ByteSpan) -> Option<&[u8]> {
        place.text(self.raw, &self.scratch.arena)
    }

    /// Where the attribute lies; `None` when that is not in the request.
    #[inline]
    fn place_of(&self, index: usize) -> Option<ByteSpan> {
        let place = *self.shape.places.of_attributes.get(index)?;
        self.scratch.places.get(usize::from(place)).copied()
    }

    /// The text of an attribute that has no place in the request.
    #[cold]
    fn text_from_outside(&self, attribute: &Attribute) -> Option<&[u8]> {
        match attribute.source {
            Source::Property(index) => self.property(index),
            Source::Claim(index) => self.claim(index)?.text(),
            Source::Bot(header) => self.bot(header),
            _ => None,
        }
    }

    /// Whether one of several lines of a header passes; `None` when the attribute is no such header.
    #[cold]
    fn any_of_several(&self, attribute: &Attribute, passes: impl Fn(&[u8]) -> Truth) -> Option<Truth> {
        let Source::Header(slot) = attribute.source else { return None };
        let slot = usize::from(slot);
        // Only a header of several lines lies in the arena.
        let several = self.scratch.places.get(slot).is_some_and(|place| place.is_arena());
        if !several || attribute.lower || is_cookie(self.shape, slot) {
            return None;
        }
        let lines = self.shape.find_headers(self.raw).filter(|(found, _)| *found == slot);
        Some(Truth::any(lines.map(|(_, line)| passes(line.value))))
    }

    /// Whether a `user-agent` is a program's, as text; `None` without one.
    fn bot(&self, header: u16) -> Option<&[u8]> {
        let agent = self.bytes(self.scratch.place(Some(header))).filter(|agent| !agent.is_empty())?;
        Some(match self.late().bot.get_or_init(|| bot::is_bot(agent)) {
            Truth::True => &b"true"[..],
            Truth::False => &b"false"[..],
            Truth::Unknown => &b"unknown"[..],
        })
    }

    fn property(&self, index: u16) -> Option<&[u8]> {
        let fetch = || {
            let property = self.shape.properties.get(usize::from(index))?;
            let bytes = match property.lower_of {
                Some(original) => self.property(original)?.to_ascii_lowercase(),
                None => return self.outside.property(&property.path),
            };
            Some(bytes.into_boxed_slice())
        };
        self.late().properties.get(usize::from(index))?.get_or_init(fetch).as_deref()
    }

    fn property_value(&self, index: u16, attribute: &Attribute) -> Value<'_> {
        let Some(bytes) = self.property(index) else { return Value::Null };
        let encoding = self.shape.properties.get(usize::from(index)).map(|p| p.encoding);
        // A claim may be a number or a text of eight digits. Read as text first: the eight bytes of a
        // number look like digits only near 4e-43 or, for integers, beyond 3e18.
        let text = attribute.kind.read(bytes);
        if text != Value::Unreadable {
            return text;
        }
        match (attribute.kind, encoding, <[u8; 8]>::try_from(bytes)) {
            (Kind::Number, Some(Encoding::Double), Ok(eight)) => Value::Number(f64::from_le_bytes(eight)),
            (Kind::Number, Some(Encoding::Integer), Ok(eight)) => {
                Value::Number(i64::from_le_bytes(eight) as f64)
            }
            (Kind::Boolean, ..) => match bytes {
                [0] => Value::Bool(false),
                [1] => Value::Bool(true),
                _ => Value::Unreadable,
            },
            _ => Value::Unreadable,
        }
    }
}

impl<O: HostServices> RequestView for Request<'_, O> {
    #[inline]
    fn text(&self, id: AttrId) -> Option<&[u8]> {
        let index = usize::from(id.0);
        let attribute = self.shape.attributes.get(index)?;
        let found = match self.place_of(index) {
            Some(place) => self.bytes(place),
            None => self.text_from_outside(attribute),
        };
        found.or(attribute.default.as_deref())
    }

    #[inline]
    fn plain(&self, place: PlainPlace) -> Option<Option<&[u8]>> {
        let place = *self.scratch.places.get(place.index())?;
        if place.is_arena() { None } else { Some(place.in_raw(self.raw)) }
    }

    fn any_line(&self, id: AttrId, passes: impl Fn(&[u8]) -> Truth) -> Option<Truth> {
        let index = usize::from(id.0);
        if self.place_of(index).is_some_and(|place| place.is_arena())
            && let Some(attribute) = self.shape.attributes.get(index)
            && let Some(verdict) = self.any_of_several(attribute, &passes)
        {
            return Some(verdict);
        }
        self.text(id).map(passes)
    }

    fn value(&self, id: AttrId) -> Value<'_> {
        let index = usize::from(id.0);
        let Some(attribute) = self.shape.attributes.get(index) else { return Value::Null };
        if let Source::Claim(claim) = attribute.source
            && let Some(claim) = self.claim(claim)
        {
            return claim.value(attribute.kind);
        }
        if attribute.kind == Kind::Json {
            let Some(text) = self.text(id).filter(|text| !text.trim_ascii().is_empty()) else {
                return Value::Null;
            };
            let read = || {
                let text = if text.len() <= MAX_JSON_LEN { text } else { return None };
                serde_json::from_slice(text).ok().map(Box::new)
            };
            let json = self.late().json.get(index).and_then(|cell| cell.get_or_init(read).as_deref());
            return json.map_or(Value::Unreadable, Value::Json);
        }
        if let Source::Property(property) = attribute.source
            && self.property(property).is_some()
        {
            return self.property_value(property, attribute);
        }
        self.text(id).map_or(Value::Null, |text| attribute.kind.read(text))
    }

    fn cel(&self, id: CelId) -> Truth {
        self.outside.cel(id).map_or(Truth::Unknown, Truth::from)
    }

    fn variant(&self, experiment: ExperimentId) -> Option<u16> {
        self.assigned(experiment).map(|assigned| assigned.variant)
    }
}
