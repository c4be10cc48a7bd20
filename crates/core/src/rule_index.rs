//! Which of many rules a request can meet: an index over the texts and variants that rules require.
//!
//! Most rules require one certain text, or a variant: a path, the start of one, a host, the value of a header or a
//! claim. A rule whose predicate is false without that text need not be asked about requests that do not have it. The
//! index maps texts and variants to rules, so that a request is asked about the rules of its own ones and about those
//! that require none, in their order. A rule is left out only if its predicate is certainly false: where a value cannot
//! be read, so that the answer would be unknown, all rules that require a text of it are asked. Variants are those that
//! the request has when its rules are looked up: experiments are decided before.

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed; so are functions
// of the type of a request.

mod build;

pub use build::RuleCost;

use crate::attribute::AttrId;
use crate::header::equal;
use crate::host;
use crate::http_match::listed;
use crate::ids::ExperimentId;
use crate::need::{Need, Read, Source, needs_of_any};
use crate::predicate::Predicate;
use crate::table::Index;
use crate::truth::Truth;
use crate::value::Value;
use crate::view::RequestView;
use std::cell::Cell;
use std::fmt;
use std::ops::Range;

/// An index of rules by their positions.
#[derive(Debug)]
pub struct RuleIndex {
    /// The rules that all requests are asked about, a bit for each.
    always: Box<[u64]>,
    groups: Box<[Group]>,
    keys: Box<[Key]>,
    /// Those of an experiment lie together.
    variants: Box<[VariantKey]>,
    /// The positions of the keys by their hashes.
    by_hash: Index,
    /// The positions of the rules that require each of the keys and variants, one after the other.
    rules: Box<[usize]>,
    memory: Memory,
}

/// Memory that requests use one after the other, so that none of them allocates.
#[derive(Default)]
struct Memory(Cell<Vec<u64>>);

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}

/// The texts that rules require of one value of the request.
#[derive(Debug)]
struct Group {
    source: Source,
    /// The lengths of the texts that the value must start with, in order.
    lengths: Box<[usize]>,
    /// The length of the longest text that the value must be.
    longest: Option<usize>,
    /// The rules that require any text of it, a bit for each.
    all: Box<[u64]>,
}

/// A text that rules require.
#[derive(Debug)]
struct Key {
    group: usize,
    /// Whether the value only starts with it.
    start: bool,
    text: Box<[u8]>,
    rules: Range<usize>,
}

/// A variant that rules require.
#[derive(Debug)]
struct VariantKey {
    experiment: ExperimentId,
    variant: u16,
    rules: Range<usize>,
}

/// The rules that an index has found for a request.
#[derive(Debug)]
pub struct Candidates<'i> {
    index: &'i RuleIndex,
    bits: Vec<u64>,
}

impl Candidates<'_> {
    /// Their positions, in their order.
    pub fn iter(&self) -> Positions<'_> {
        Positions { candidates: self, from: 0 }
    }

    /// Whether a position is one of them.
    pub fn contains(&self, position: usize) -> bool {
        self.bits.get(position / 64).is_some_and(|word| word >> (position % 64) & 1 != 0)
    }

    /// The first position that is not before `from`.
    #[cold]
    #[inline(never)]
    pub fn next_from(&self, from: usize) -> Option<usize> {
        let mut number = from / 64;
        let mut word = *self.bits.get(number)? & u64::MAX << (from % 64);
        while word == 0 {
            number += 1;
            word = *self.bits.get(number)?;
        }
        Some(number * 64 + word.trailing_zeros() as usize)
    }
}

/// The positions of rules that were found.
#[derive(Clone, Debug)]
pub struct Positions<'c> {
    candidates: &'c Candidates<'c>,
    from: usize,
}

impl Iterator for Positions<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let position = self.candidates.next_from(self.from)?;
        self.from = position + 1;
        Some(position)
    }
}

impl Drop for Candidates<'_> {
    fn drop(&mut self) {
        self.index.memory.0.set(std::mem::take(&mut self.bits));
    }
}

/// The bits of a request while its texts are looked up.
type Bits<'b> = &'b [Cell<u64>];

impl RuleIndex {
    /// The rules that are not certainly false for a request.
    #[cold]
    #[inline(never)]
    pub fn find<F: RequestView>(&self, view: &F) -> Candidates<'_> {
        let mut bits = self.memory.0.take();
        bits.clear();
        bits.extend_from_slice(&self.always);
        let cells = Cell::from_mut(bits.as_mut_slice()).as_slice_of_cells();
        for (number, group) in self.groups.iter().enumerate() {
            self.mark(number, group, view, cells);
        }
        let (mut experiment, mut variant) = (None, None);
        for key in &self.variants {
            if experiment != Some(key.experiment) {
                (experiment, variant) = (Some(key.experiment), view.variant(key.experiment));
            }
            if variant == Some(key.variant) {
                self.mark_rules(&key.rules, cells);
            }
        }
        Candidates { index: self, bits }
    }

    /// Marks the rules that require what the request has of one value.
    #[inline]
    fn mark<F: RequestView>(&self, number: usize, group: &Group, view: &F, bits: Bits<'_>) {
        let attribute = group.source.attribute;
        match group.source.read {
            Read::Lines => {
                // All lines are looked at until one passes.
                view.any_line(attribute, |line| {
                    self.look_up(number, group, line, bits);
                    Truth::False
                });
            }
            Read::Host => {
                if let Some(text) = view.text(attribute) {
                    self.look_up_host(number, group, text, bits);
                }
            }
            Read::Claim | Read::Value | Read::HostValue => {
                self.mark_value(number, group, view.value(attribute), bits);
            }
        }
    }

    #[inline(never)]
    fn mark_value(&self, number: usize, group: &Group, value: Value<'_>, bits: Bits<'_>) {
        let look_up = |text: &[u8]| self.look_up(number, group, text, bits);
        match (group.source.read, value) {
            (Read::Claim, Value::Text(text)) => match listed(text) {
                Some(items) => items.for_each(look_up),
                None => look_up(text),
            },
            (Read::Claim, Value::List(list)) => list.items().for_each(look_up),
            (Read::Claim, Value::Json(serde_json::Value::Array(items))) => {
                items.iter().filter_map(|item| item.as_str()).for_each(|item| look_up(item.as_bytes()));
            }
            (Read::Claim, Value::Json(one)) => {
                one.as_str().into_iter().for_each(|one| look_up(one.as_bytes()));
            }
            (Read::Claim, Value::Null | Value::Bool(_) | Value::Number(_)) => {}
            // In JavaScript, the text of null.
            (_, Value::Null) => look_up(b"null"),
            (Read::HostValue, Value::Text(text)) => self.look_up_host(number, group, text, bits),
            (_, Value::Text(text)) => look_up(text),
            // What cannot be read; and many values have the same text, such as 1 and [1].
            _ => self.mark_all(number, bits),
        }
    }

    /// The same of a host, with and without its port.
    #[inline(never)]
    fn look_up_host(&self, number: usize, group: &Group, host: &[u8], bits: Bits<'_>) {
        self.look_up(number, group, host, bits);
        let bare = host::bare(host);
        if bare.len() < host.len() {
            self.look_up(number, group, bare, bits);
        }
    }

    /// Marks the rules that require a text, or the start of one.
    #[inline(never)]
    fn look_up(&self, number: usize, group: &Group, text: &[u8], bits: Bits<'_>) {
        let (mut hash, mut at) = (Hash::new(number), 0);
        for length in &group.lengths {
            let Some(piece) = text.get(at..*length) else { break };
            hash.add(piece);
            at = *length;
            self.mark_key(number, true, hash.finish(true), text.get(..at).unwrap_or_default(), bits);
        }
        if group.longest.is_some_and(|longest| text.len() <= longest) {
            hash.add(text.get(at..).unwrap_or_default());
            self.mark_key(number, false, hash.finish(false), text, bits);
        }
    }

    fn mark_key(&self, group: usize, start: bool, hash: u32, text: &[u8], bits: Bits<'_>) {
        let is = |position| {
            let key: Option<&Key> = self.keys.get(position);
            key.is_some_and(|key| key.group == group && key.start == start && equal(&key.text, text))
        };
        if let Some(key) = self.by_hash.find(hash, is).and_then(|position| self.keys.get(position)) {
            self.mark_rules(&key.rules, bits);
        }
    }

    fn mark_rules(&self, rules: &Range<usize>, bits: Bits<'_>) {
        for rule in self.rules.get(rules.clone()).unwrap_or_default() {
            if let Some(word) = bits.get(rule / 64) {
                word.set(word.get() | 1 << (rule % 64));
            }
        }
    }

    /// Marks all rules that require a text of a value.
    #[cold]
    fn mark_all(&self, group: usize, bits: Bits<'_>) {
        let all = self.groups.get(group).map(|group| &*group.all).unwrap_or_default();
        for (word, all) in bits.iter().zip(all) {
            word.set(word.get() | all);
        }
    }
}

/// FNV-1a with a finish, of a text piece by piece. Clients choose the texts that are looked up, but not those that
/// are found: no text makes a look-up longer than the longest run of a table that is half full.
#[derive(Clone, Copy)]
struct Hash(u64);

impl Hash {
    #[inline]
    fn new(group: usize) -> Self {
        Self(0xcbf2_9ce4_8422_2325 ^ group as u64)
    }

    #[inline]
    fn add(&mut self, piece: &[u8]) {
        for byte in piece {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "the upper half of a word")]
    fn finish(self, start: bool) -> u32 {
        let mixed = self.0 ^ (self.0 >> 32) ^ u64::from(start);
        (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
    }
}

impl Predicate {
    /// What the predicate needs: it is false for a request that does not have one of the texts or variants of a need,
    /// whatever else is known of that request.
    pub(crate) fn needs<'p>(&'p self, needs: &mut Vec<Need<'p>>) {
        /// The cost of a test that is a call and a look at an attribute.
        const CALL: usize = 12;
        /// The same of a variant, beyond what the index costs for it.
        const VARIANT: usize = 4;
        let source = |attribute: &AttrId, read| Source { attribute: *attribute, read };
        match self {
            Self::Const(false) => needs.push(Need::default()),
            Self::All(parts) => parts.iter().for_each(|part| part.needs(needs)),
            Self::Any(parts) => needs_of_any(parts, needs, Predicate::needs),
            Self::Is { attribute, text, .. } => {
                needs.push(Need::of(source(attribute, Read::Lines), false, text, 1));
            }
            Self::Text { attribute, test, absent_is_empty: false } => {
                needs.extend(test.need(source(attribute, Read::Lines), CALL));
            }
            Self::Host { attribute, test, absent_is_empty: false } => {
                needs.extend(test.need(source(attribute, Read::Host), CALL));
            }
            Self::Claim(claim) => needs.extend(claim.test.need(source(&claim.attribute, Read::Claim), CALL)),
            Self::Condition(condition) => condition.needs(needs),
            Self::Variant { experiment, variant } => {
                needs.push(Need::of_variant(*experiment, *variant, VARIANT));
            }
            _ => {}
        }
    }
}
