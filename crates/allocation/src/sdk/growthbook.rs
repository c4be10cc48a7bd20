//! GrowthBook, `hashVersion` 1 and 2.
//!
//! Source: `hash`, `getBucketRanges` and `inRange` of GrowthBook's JavaScript SDK; the same in its guide "Build your
//! own SDK". The seed defaults to the experiment's key. Weights are fractions of one; weights with another sum than
//! 0.99 to 1.01, where SDKs silently use equal weights, are divided by their sum here.

use super::boundaries::{Boundaries, Segment, first, sorted_spans};
use super::hash::{Decimal, Fnv32, utf16};
use super::rule::Sdk;
use super::{Algorithm, Definition, Layout, Refused, Span};

const SCALE_1: u64 = 1000;
const SCALE_2: u64 = 10_000;

/// FNV-1a over the UTF-16 units of seed and unit.
#[derive(Clone, Debug)]
pub(crate) enum GrowthBook {
    /// `fnv(unit ‖ seed) % 1000`, with the seed in UTF-16, ready to be hashed.
    Version1(Box<[u16]>),
    /// `fnv(decimal(fnv(seed ‖ unit))) % 10000`, with the state after the seed.
    Version2(Fnv32),
}

impl GrowthBook {
    pub(crate) fn number(&self, unit: &[u8]) -> u64 {
        let hash = match self {
            Self::Version1(seed) => Fnv32::new().update(utf16(unit)).update(seed.iter().copied()),
            Self::Version2(seeded) => {
                let inner = Decimal::new(seeded.update(utf16(unit)).finish());
                Fnv32::new().update(inner.as_bytes().iter().copied().map(u16::from))
            }
        };
        u64::from(hash.finish()) % self.scale()
    }

    pub(crate) const fn scale(&self) -> u64 {
        match self {
            Self::Version1(_) => SCALE_1,
            Self::Version2(_) => SCALE_2,
        }
    }
}

pub(crate) fn version_1(definition: &Definition<'_>) -> Result<Sdk<GrowthBook>, Refused> {
    prepare(definition, GrowthBook::Version1(definition.seed_or_key().encode_utf16().collect()))
}

pub(crate) fn version_2(definition: &Definition<'_>) -> Result<Sdk<GrowthBook>, Refused> {
    prepare(definition, GrowthBook::Version2(Fnv32::new().update(definition.seed_or_key().encode_utf16())))
}

/// An empty unit is a missing one to GrowthBook.
fn prepare(definition: &Definition<'_>, draw: GrowthBook) -> Result<Sdk<GrowthBook>, Refused> {
    let boundaries = boundaries(definition, draw.scale())?;
    Ok(Sdk { empty_is_missing: true, ..Sdk::without_gate(draw, boundaries) })
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
///
/// ```
/// use weir_allocation::sdk::{Algorithm, Span, growthbook_rollout};
///
/// // 10 % of 10,000 numbers, and the number 1,000 itself.
/// let span = growthbook_rollout(Algorithm::GrowthBook2, 0.1);
/// assert_eq!(span, Some(Span::new(0.0, 0.1001)));
/// assert_eq!(growthbook_rollout(Algorithm::GrowthBook2, 0.0), None);
/// ```
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
