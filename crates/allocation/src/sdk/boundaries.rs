//! Which numbers of a scale belong to which variant.

use super::{DefinitionPart, Refusal, Span};
use crate::ranges::insert_sorted;

/// Numbers from `start` up to, but without, `end`, and the variant that has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment {
    /// The first number.
    pub start: u64,
    /// One past the last number.
    pub end: u64,
    /// The variant's index.
    pub variant: usize,
}

/// Sorted, non-empty, disjoint segments of a scale.
#[derive(Clone, Debug)]
pub(crate) struct Boundaries {
    segments: Box<[Segment]>,
}

impl Boundaries {
    /// The variant that has this number. Zero or one comparison for each doubling of the segments.
    pub(crate) fn pick(&self, number: u64) -> Option<usize> {
        let position = self.segments.partition_point(|segment| segment.end <= number);
        let segment = self.segments.get(position)?;
        (segment.start <= number).then_some(segment.variant)
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Takes segments that are disjoint by construction, in any order; empty ones are dropped.
    pub(crate) fn from_disjoint(unsorted: impl IntoIterator<Item = Segment>) -> Self {
        let mut segments = Vec::new();
        for segment in unsorted {
            if segment.start < segment.end {
                insert_sorted(&mut segments, segment);
            }
        }
        Self { segments: segments.into_boxed_slice() }
    }

    /// Lays pieces side by side, in order, up to their ends. The numbers of a piece without an owner are unassigned.
    pub(crate) fn side_by_side(owners: &[Option<usize>], ends: &[u64]) -> Self {
        let mut start = 0;
        let mut segments = Vec::with_capacity(owners.len());
        for (owner, &end) in owners.iter().zip(ends) {
            let end = end.max(start);
            if let Some(variant) = *owner {
                segments.push(Segment { start, end, variant });
            }
            start = end;
        }
        Self::from_disjoint(segments)
    }
}

/// The first number below `scale` that `reached` holds for, or `scale` where it holds for none. Once it holds it must
/// hold for all larger numbers: so a vendor's comparison becomes an exact integer boundary.
pub(crate) fn first(scale: u64, reached: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, scale);
    while low < high {
        let middle = low + (high - low) / 2;
        if reached(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// Checks explicit ranges: finite, within 0 to 1, not reversed, disjoint. Returns them in ascending order, each with
/// its variant.
pub(crate) fn sorted_spans(ranges: &[Vec<Span>], problems: &mut Vec<Refusal>) -> Vec<(Span, usize)> {
    let mut sorted: Vec<(Span, usize)> = Vec::new();
    for (variant, spans) in ranges.iter().enumerate() {
        for (index, &span) in spans.iter().enumerate() {
            let place = DefinitionPart::Range { variant, index };
            // Written so that NaN fails.
            if !(span.start >= 0.0 && span.start < span.end && span.end <= 1.0) {
                problems.push(Refusal::new(place, "a range needs 0 <= start < end <= 1"));
                continue;
            }
            let at = sorted.partition_point(|(known, _)| known.start <= span.start);
            let before = at.checked_sub(1).and_then(|before| sorted.get(before));
            let overlaps = before.is_some_and(|(known, _)| known.end > span.start)
                || sorted.get(at).is_some_and(|(known, _)| span.end > known.start);
            if overlaps {
                problems.push(Refusal::new(place, "this range overlaps another one"));
            } else {
                sorted.insert(at, (span, variant));
            }
        }
    }
    sorted
}
