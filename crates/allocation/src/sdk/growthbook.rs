//! GrowthBook, `hashVersion` 1 and 2.
//!
//! Source: `hash`, `getBucketRanges` and `inRange` of GrowthBook's JavaScript SDK; the same in its guide "Build your
//! own SDK". The seed defaults to the experiment's key. Weights are fractions of one; weights with another sum than
//! 0.99 to 1.01, where SDKs silently use equal weights, are divided by their sum here.

use super::assigner::Sdk;
use super::boundaries::{Boundaries, Segment, first, sorted_spans};
use super::draw::Draw;
use super::hash::{Decimal, Fnv32, utf16};
use super::{Algorithm, Definition, Layout, Refused, Span};

pub(crate) const SCALE_1: u64 = 1000;
pub(crate) const SCALE_2: u64 = 10_000;

/// `fnv(unit ‖ seed) % 1000`.
#[derive(Clone, Debug)]
pub(crate) struct Version1 {
    /// In UTF-16, ready to be hashed.
    seed: Box<[u16]>,
}

impl Version1 {
    pub(crate) fn number(&self, unit: &[u8]) -> Option<u64> {
        let hash = Fnv32::new().update(utf16(unit)).update(self.seed.iter().copied()).finish();
        (!unit.is_empty()).then_some(u64::from(hash) % SCALE_1)
    }
}

/// `fnv(decimal(fnv(seed ‖ unit))) % 10000`.
#[derive(Clone, Debug)]
pub(crate) struct Version2 {
    /// The state after the seed.
    seeded: Fnv32,
}

impl Version2 {
    pub(crate) fn number(&self, unit: &[u8]) -> Option<u64> {
        let inner = Decimal::new(self.seeded.update(utf16(unit)).finish());
        let hash = Fnv32::new().update(inner.as_bytes().iter().copied().map(u16::from)).finish();
        (!unit.is_empty()).then_some(u64::from(hash) % SCALE_2)
    }
}

pub(crate) fn version_1(definition: &Definition<'_>) -> Result<Sdk, Refused> {
    let seed = definition.seed_or_key().encode_utf16().collect();
    Ok(Sdk::without_gate(Draw::GrowthBook1(Version1 { seed }), boundaries(definition, SCALE_1)?))
}

pub(crate) fn version_2(definition: &Definition<'_>) -> Result<Sdk, Refused> {
    let seeded = Fnv32::new().update(definition.seed_or_key().encode_utf16());
    Ok(Sdk::without_gate(Draw::GrowthBook2(Version2 { seeded }), boundaries(definition, SCALE_2)?))
}

fn boundaries(definition: &Definition<'_>, scale: u64) -> Result<Boundaries, Refused> {
    let mut problems = Vec::new();
    definition.refuse_coverage_seed(&mut problems);
    let spans = match definition.layout {
        Layout::Weights(weights) => bucket_ranges(weights, definition.coverage),
        Layout::Ranges(ranges) => sorted_spans(ranges, &mut problems),
    };
    if !problems.is_empty() {
        return Err(Refused(problems));
    }
    // `n >= start && n < end`, with n = number / scale.
    let boundary = |at: f64| first(scale, |number| number as f64 / scale as f64 >= at);
    Ok(Boundaries::from_disjoint(spans.into_iter().map(|(span, variant)| Segment {
        start: boundary(span.start),
        end: boundary(span.end),
        variant,
    })))
}

/// The ranges that the SDKs derive from weights, with the rounding errors of their sums.
fn bucket_ranges(weights: &[f64], coverage: f64) -> Vec<(Span, usize)> {
    let total: f64 = weights.iter().sum();
    let divisor = if (0.99..=1.01).contains(&total) { 1.0 } else { total };
    let mut start = 0.0;
    let mut spans = Vec::with_capacity(weights.len());
    for (variant, weight) in weights.iter().enumerate() {
        let weight = weight / divisor;
        spans.push((Span::new(start, start + coverage * weight), variant));
        start += weight;
    }
    spans
}

/// The range of a GrowthBook feature's rollout rule, whose upper end is inclusive: `n <= coverage`. For importers: a
/// single variant with this range gets exactly the units that the rule includes.
///
/// `None` where nobody is included (a coverage of 0), and for algorithms that are not GrowthBook's.
pub fn growthbook_rollout(algorithm: Algorithm, coverage: f64) -> Option<Span> {
    let scale = match algorithm {
        Algorithm::GrowthBook1 => SCALE_1,
        Algorithm::GrowthBook2 => SCALE_2,
        _ => return None,
    };
    if coverage.is_nan() || coverage <= 0.0 {
        return None;
    }
    let end = first(scale, |number| number as f64 / scale as f64 > coverage);
    Some(Span::new(0.0, end as f64 / scale as f64))
}
