//! One request, as the configuration at hand needs to see it.
//!
//! The host provides all headers as one buffer. [`Scratch::read`] scans it once and records the position of
//! each value that the [`AccessPlan`] lists; values are copied only if they must be decoded, joined or
//! lower-cased. Values that only the host has (properties, CEL) are read when a predicate needs them, at most
//! once.

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed.

pub mod access_plan;
pub mod bot;
mod byte_span;
mod form;
mod scratch;

pub use form::{decoded, is_named};
pub use scratch::Scratch;
pub use weir_host_api::{HostServices, Signature};

use crate::assigned::Assigned;
use crate::attribute::AttrId;
use crate::claims::{Claim, Claims};
use crate::ids::{CelId, ExperimentId, OwnedHeader, PlainHeader};
use crate::truth::Truth;
use crate::value::{Kind, Value};
use crate::view::RequestView;
use access_plan::{AccessPlan, Attribute, Encoding, Source};
use byte_span::ByteSpan;
use scratch::is_cookie;
use std::cell::OnceCell;
use std::rc::Rc;

/// JSON values longer than this, in bytes, are not read: what a client sends must not decide how much work
/// one request is.
const MAX_JSON_LEN: usize = 16 * 1024;

/// One request with everything that predicates may ask of it.
pub struct Request<'r, O> {
    access_plan: &'r AccessPlan,
    raw: &'r [u8],
    scratch: &'r Scratch,
    services: &'r O,
    claims: OnceCell<Rc<Claims>>,
    now: OnceCell<u64>,
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
    /// The request in `raw`, which `scratch` has read with the same `access_plan`.
    #[inline]
    pub fn new(access_plan: &'r AccessPlan, raw: &'r [u8], scratch: &'r Scratch, services: &'r O) -> Self {
        crate::regex::renew();
        let (claims, now, late) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Self { access_plan, raw, scratch, services, claims, now, late }
    }

    #[cold]
    fn late(&self) -> &LazyValues {
        self.late.get_or_init(|| {
            let mut late = LazyValues::default();
            late.properties.resize_with(self.access_plan.properties.len(), OnceCell::new);
            if self.access_plan.has_json {
                late.json.resize_with(self.access_plan.attributes.len(), OnceCell::new);
            }
            Box::new(late)
        })
    }

    /// What the configuration reads and writes.
    pub fn access_plan(&self) -> &'r AccessPlan {
        self.access_plan
    }

    /// All headers, as the host gave them; empty where none were read.
    pub(crate) fn raw(&self) -> &'r [u8] {
        self.raw
    }

    /// The host, as far as filters need it.
    pub fn services(&self) -> &'r O {
        self.services
    }

    /// When the request came, in nanoseconds since the Unix epoch: the clock is read once, as tokens, experiments, faults
    /// and durations all ask for it.
    #[inline]
    pub fn now(&self) -> u64 {
        *self.now.get_or_init(|| self.services.now())
    }

    /// What the client sent under an owned header's name, if anything.
    #[inline]
    pub fn sent(&self, header: OwnedHeader) -> Option<&[u8]> {
        let owned = self.access_plan.owned.get(header.index())?;
        self.bytes(*self.scratch.places.get(usize::from(owned.header))?)
    }

    /// Whether the client sent an owned header in several lines. What [`Request::sent`] shows of them is not
    /// what goes on.
    pub fn sent_in_lines(&self, header: OwnedHeader) -> bool {
        let place = self.access_plan.owned.get(header.index());
        let place = place.and_then(|owned| self.scratch.places.get(usize::from(owned.header)));
        // Only a header of several lines lies in the arena.
        place.is_some_and(|place| place.is_arena())
    }

    /// The owned headers that the client sent, one for each line.
    pub fn sent_owned(&self) -> impl Iterator<Item = OwnedHeader> {
        self.access_plan.find_owned(self.raw)
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
        self.property(self.access_plan.shared?)
    }

    /// Whether an earlier plugin of the same proxy wrote the header of this name.
    #[cold]
    pub fn is_written_before(&self, name: &[u8]) -> bool {
        self.written_before().is_some_and(|names| names.split(|b| *b == b',').any(|known| known == name))
    }

    /// The whole `:path`, query included, when the configuration needs it.
    pub fn path_and_query(&self) -> Option<&[u8]> {
        self.bytes(self.scratch.place(self.access_plan.path))
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
        let place = *self.access_plan.places.of_attributes.get(index)?;
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
        if !several || attribute.lower || is_cookie(self.access_plan, slot) {
            return None;
        }
        let lines = self.access_plan.find_headers(self.raw).filter(|(found, _)| *found == slot);
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
            let property = self.access_plan.properties.get(usize::from(index))?;
            let bytes = match property.lower_of {
                Some(original) => self.property(original)?.to_ascii_lowercase(),
                None => return self.services.property(&property.path).map(|bytes| Box::from(&*bytes)),
            };
            Some(bytes.into_boxed_slice())
        };
        self.late().properties.get(usize::from(index))?.get_or_init(fetch).as_deref()
    }

    fn property_value(&self, index: u16, attribute: &Attribute) -> Value<'_> {
        let Some(bytes) = self.property(index) else { return Value::Null };
        let encoding = self.access_plan.properties.get(usize::from(index)).map(|p| p.encoding);
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
        let attribute = self.access_plan.attributes.get(index)?;
        let found = match self.place_of(index) {
            Some(place) => self.bytes(place),
            None => self.text_from_outside(attribute),
        };
        found.or(attribute.default.as_deref())
    }

    #[inline]
    fn plain(&self, place: PlainHeader) -> Option<Option<&[u8]>> {
        let place = *self.scratch.places.get(place.index())?;
        if place.is_arena() { None } else { Some(place.in_raw(self.raw)) }
    }

    fn any_line(&self, id: AttrId, passes: impl Fn(&[u8]) -> Truth) -> Option<Truth> {
        let index = usize::from(id.0);
        if self.place_of(index).is_some_and(|place| place.is_arena())
            && let Some(attribute) = self.access_plan.attributes.get(index)
            && let Some(verdict) = self.any_of_several(attribute, &passes)
        {
            return Some(verdict);
        }
        self.text(id).map(passes)
    }

    fn value(&self, id: AttrId) -> Value<'_> {
        let index = usize::from(id.0);
        let Some(attribute) = self.access_plan.attributes.get(index) else { return Value::Null };
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
                crate::load::Json::parse(text).ok().map(|json| Box::new(json.into_value()))
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
        let token = self.access_plan.cel_tokens.get(id.index());
        token.and_then(|token| self.services.evaluate_cel(*token)).map_or(Truth::Unknown, Truth::from)
    }

    fn variant(&self, experiment: ExperimentId) -> Option<u16> {
        self.assigned(experiment).map(|assigned| assigned.variant)
    }
}
