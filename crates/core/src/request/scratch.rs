//! One pass over a request's headers, which finds all that is looked for.

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed.

use super::access_plan::AccessPlan;
use super::byte_span::ByteSpan;
use super::form::{decoded, is_encoded, is_named};
use crate::assigned::Assigned;
use crate::header::{Pair, equal};
use std::cell::Cell;
use std::hint::cold_path;

/// Memory that requests use one after the other, so that none of them allocates.
#[derive(Debug, Default)]
pub struct Scratch {
    /// What was found, in the order of [`crate::access_plan::SlotOffsets`].
    pub(super) places: Vec<ByteSpan>,
    pub(super) arena: Vec<u8>,
    /// Names of headers that nothing reads or writes, and that clients must not send.
    pub(super) reserved: Vec<ByteSpan>,
    /// The variants that were assigned so far, by experiment.
    pub(super) variants: Vec<Cell<Option<Assigned>>>,
}

impl Scratch {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self { places: Vec::new(), arena: Vec::new(), reserved: Vec::new(), variants: Vec::new() }
    }

    /// Finds all that `access_plan` asks for in the host's buffer.
    #[inline]
    pub fn read(&mut self, access_plan: &AccessPlan, raw: &[u8]) {
        self.places.clear();
        self.places.resize(access_plan.places.all, ByteSpan::ABSENT);
        self.arena.clear();
        self.reserved.clear();
        for (slot, pair) in access_plan.find_all(raw) {
            let Some(slot) = slot else {
                self.note_reserved(access_plan, pair);
                continue;
            };
            match self.places.get_mut(slot) {
                Some(place) if place.is_absent() => {
                    *place = ByteSpan::raw(pair.value_offset, pair.value.len())
                }
                _ => self.add_line(access_plan, slot, raw),
            }
        }
        if access_plan.places.inside {
            self.read_inside::<true>(access_plan, raw);
        }
        if !access_plan.experiments.is_empty() {
            cold_path();
            self.variants.clear();
            self.variants.resize(access_plan.experiments.len(), Cell::new(None));
        }
    }

    /// A header that may be reserved.
    #[cold]
    fn note_reserved(&mut self, access_plan: &AccessPlan, pair: Pair<'_>) {
        if access_plan.reserved.has(pair.name) {
            self.reserved.push(ByteSpan::raw(pair.name_offset(), pair.name.len()));
        }
    }

    /// A further line of a header. The second joins all there are in one go: a hundred lines that were
    /// joined one by one would be copied a hundred times.
    #[cold]
    fn add_line(&mut self, access_plan: &AccessPlan, slot: usize, raw: &[u8]) {
        if self.places.get(slot).is_none_or(|place| place.is_arena()) {
            return;
        }
        // RFC 9110 section 5.3 joins with a comma, RFC 9113 section 8.2.3 cookies with a semicolon.
        let separator: &[u8] = if is_cookie(access_plan, slot) { b"; " } else { b"," };
        let start = self.arena.len();
        for (_, pair) in access_plan.find_headers(raw).filter(|(found, _)| *found == slot) {
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
    fn read_inside<const COMPILED_WITH_CALLER: bool>(&mut self, access_plan: &AccessPlan, raw: &[u8]) {
        self.read_path(access_plan, raw);
        self.read_cookies(access_plan, raw);
        self.lower(access_plan, raw);
    }

    pub(super) fn place(&self, index: Option<u16>) -> ByteSpan {
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
    fn read_path(&mut self, access_plan: &AccessPlan, raw: &[u8]) {
        let place = self.place(access_plan.path);
        let Some(whole) = place.in_raw(raw) else { return };
        let start = place.start();
        let path = whole.iter().position(|b| matches!(b, b'?' | b'#')).unwrap_or(whole.len());
        self.fill(access_plan.places.path, ByteSpan::raw(start, path));
        let Some((b'?', query)) = whole.get(path..).and_then(<[u8]>::split_first) else { return };
        if access_plan.queries.is_empty() && access_plan.raw_queries.is_empty() {
            return;
        }
        let query = query.split(|b| *b == b'#').next().unwrap_or_default();
        let mut at = start + path + 1;
        for part in query.split(|b| *b == b'&') {
            self.read_parameter(access_plan, part, at);
            at += part.len() + 1;
        }
    }

    /// One `name=value` of the query, which starts at `at` in the host's buffer.
    #[inline]
    fn read_parameter(&mut self, access_plan: &AccessPlan, part: &[u8], at: usize) {
        let name_len = part.iter().position(|b| *b == b'=').unwrap_or(part.len());
        let (name, value) = part.split_at_checked(name_len).unwrap_or_default();
        let value = value.split_first().map_or(&[][..], |(_, v)| v);
        let found = ByteSpan::raw(at + part.len() - value.len(), value.len());
        if let Some(slot) = access_plan.raw_queries.iter().position(|n| equal(n, name)) {
            self.fill(access_plan.places.raw_queries + slot, found);
        }
        if let Some(slot) = access_plan.queries.iter().position(|wanted| is_named(name, wanted)) {
            let found = if is_encoded(value) {
                let start = self.arena.len();
                self.arena.extend(decoded(value));
                ByteSpan::arena(start, self.arena.len() - start)
            } else {
                found
            };
            self.fill(access_plan.places.queries + slot, found);
        }
    }

    #[inline]
    fn read_cookies(&mut self, access_plan: &AccessPlan, raw: &[u8]) {
        let place = self.place(access_plan.cookie);
        let Self { places, arena, .. } = self;
        let (in_arena, base) = (place.is_arena(), place.start());
        let Some(text) = place.text(raw, arena) else { return };
        let mut at = base;
        for part in text.split(|b| *b == b';') {
            let trimmed = part.trim_ascii_start();
            let name_len = trimmed.iter().position(|b| *b == b'=').unwrap_or(trimmed.len());
            let (name, rest) = trimmed.split_at_checked(name_len).unwrap_or_default();
            let slot = access_plan.cookies.iter().position(|n| equal(n, name.trim_ascii_end()));
            let place = slot.and_then(|slot| places.get_mut(access_plan.places.cookies + slot));
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
    fn lower(&mut self, access_plan: &AccessPlan, raw: &[u8]) {
        for lowered in &access_plan.places.lowered {
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
pub(super) fn is_cookie(access_plan: &AccessPlan, slot: usize) -> bool {
    access_plan.headers.get(slot).is_some_and(|name| **name == *b"cookie")
}
