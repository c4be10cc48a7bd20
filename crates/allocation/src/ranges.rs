//! Which ranges of buckets belong to whom.

use std::error::Error;
use std::fmt;

use crate::{BUCKETS, Bucket, Fraction};

/// A half-open range of buckets: from `start` up to, but without, `end`. Written `[100000, 250000)`.
///
/// A plain pair, checked by [`Allocation::new`]: non-empty, and within `[0, 1000000)`.
///
/// ```
/// use weir_allocation::{Bucket, BucketRange};
///
/// let range = BucketRange::new(100_000, 250_000);
/// assert_eq!(range.length(), 150_000, "15 % of all units");
/// assert!(range.contains(Bucket::new(100_000).unwrap()) && !range.contains(Bucket::new(250_000).unwrap()));
/// assert_eq!(range.to_string(), "[100000, 250000)");
/// assert!(BucketRange::new(7, 7).is_empty());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketRange {
    /// The first bucket.
    pub start: u32,
    /// One past the last bucket, at most 1 000 000.
    pub end: u32,
}

impl BucketRange {
    /// The range `[start, end)`.
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// The number of buckets; zero where the range is empty or reversed.
    pub const fn length(self) -> u32 {
        self.end.saturating_sub(self.start)
    }

    /// Whether the range has no bucket.
    pub const fn is_empty(self) -> bool {
        self.length() == 0
    }

    /// Whether the range has this bucket.
    #[inline]
    pub const fn contains(self, bucket: Bucket) -> bool {
        self.start <= bucket.index() && bucket.index() < self.end
    }
}

impl fmt::Display for BucketRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {})", self.start, self.end)
    }
}

/// A range and the index of its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Segment {
    pub(crate) range: BucketRange,
    pub(crate) owner: usize,
}

/// The owner of each bucket. Owners are numbered from 0, in the order of the configuration; each owns any
/// number of ranges, and buckets without an owner are allowed.
///
/// ```
/// use weir_allocation::{Allocation, Bucket, BucketRange, InvalidRange};
///
/// // The control has the first half, the treatment a tenth at the end; 40 % of all units do not take part.
/// let control = [BucketRange::new(0, 500_000)];
/// let treatment = [BucketRange::new(900_000, 1_000_000)];
/// let allocation = Allocation::new(&[control, treatment])?;
/// assert_eq!(allocation.pick(Bucket::new(499_999).unwrap()), Some(0));
/// assert_eq!(allocation.pick(Bucket::new(500_000).unwrap()), None);
/// assert_eq!(allocation.share_of(1).to_string(), "10%");
/// assert_eq!(allocation.unowned().to_string(), "40%");
/// assert!(allocation.ranges_of(1).eq(treatment));
///
/// let twice = Allocation::new(&[control, control]).unwrap_err();
/// assert!(matches!(twice.0[..], [InvalidRange::Overlap { owners: (0, 1), .. }]), "{twice}");
/// # Ok::<(), weir_allocation::InvalidRanges>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// Sorted, non-empty, not overlapping; neighbours with the same owner are one segment.
    segments: Box<[Segment]>,
    owners: usize,
}

/// From this many segments on, the one of a bucket is searched by halves.
const FEW: usize = 8;

impl Allocation {
    /// Builds an allocation from each owner's ranges, in any order. An owner may have none.
    ///
    /// # Errors
    /// All ranges that are empty, out of bounds or overlapping, at once.
    pub fn new(ranges_by_owner: &[impl AsRef<[BucketRange]>]) -> Result<Self, InvalidRanges> {
        let mut problems = Vec::new();
        let mut segments = Vec::new();
        for (owner, ranges) in ranges_by_owner.iter().enumerate() {
            for &range in ranges.as_ref() {
                match check(range, owner) {
                    Ok(()) => insert_sorted(&mut segments, Segment { range, owner }),
                    Err(problem) => problems.push(problem),
                }
            }
        }
        problems.extend(overlaps(&segments));
        if problems.is_empty() {
            Ok(Self::from_disjoint(segments, ranges_by_owner.len()))
        } else {
            Err(InvalidRanges(problems))
        }
    }

    /// Builds an allocation from segments that are non-empty, in bounds and disjoint by construction.
    pub(crate) fn from_disjoint(unsorted: Vec<Segment>, owners: usize) -> Self {
        let mut segments = Vec::with_capacity(unsorted.len());
        for segment in unsorted {
            insert_sorted(&mut segments, segment);
        }
        segments.dedup_by(|next, last| {
            let joins = next.owner == last.owner && next.range.start == last.range.end;
            if joins {
                last.range.end = next.range.end;
            }
            joins
        });
        Self { segments: segments.into_boxed_slice(), owners }
    }

    /// The index of the bucket's owner, or `None` where nobody owns it.
    #[inline]
    pub fn pick(&self, bucket: Bucket) -> Option<usize> {
        let ends_behind = |segment: &&Segment| segment.range.end > bucket.index();
        // Most allocations have two or three segments: then a search by halves only costs more.
        let segment = match self.segments.get(..FEW) {
            None => self.segments.iter().find(ends_behind),
            Some(_) => self.segments.get(self.segments.partition_point(|segment| !ends_behind(&segment))),
        }?;
        segment.range.contains(bucket).then_some(segment.owner)
    }

    /// The number of owners, with those that own nothing.
    pub fn owners(&self) -> usize {
        self.owners
    }

    /// All owned ranges in ascending order, each with its owner. Neighbouring ranges have different owners.
    pub fn ranges(&self) -> impl Iterator<Item = (BucketRange, usize)> {
        self.segments.iter().map(|segment| (segment.range, segment.owner))
    }

    /// The ranges of one owner in ascending order; none for an index that is not an owner's.
    pub fn ranges_of(&self, owner: usize) -> impl Iterator<Item = BucketRange> {
        self.ranges().filter_map(move |(range, other)| (other == owner).then_some(range))
    }

    /// The share of all units that one owner gets.
    pub fn share_of(&self, owner: usize) -> Fraction {
        Fraction::saturating(self.ranges_of(owner).map(BucketRange::length).sum())
    }

    /// The share of all units without an owner.
    pub fn unowned(&self) -> Fraction {
        Fraction::saturating(self.ranges().map(|(range, _)| range.length()).sum()).rest()
    }
}

fn check(range: BucketRange, owner: usize) -> Result<(), InvalidRange> {
    if range.end > BUCKETS {
        Err(InvalidRange::OutOfBounds { owner, range })
    } else if range.is_empty() {
        Err(InvalidRange::Empty { owner, range })
    } else {
        Ok(())
    }
}

/// Reports each range that begins before an earlier one has ended. `segments` is sorted.
fn overlaps(segments: &[Segment]) -> Vec<InvalidRange> {
    let mut found = Vec::new();
    let mut furthest: Option<Segment> = None;
    for &segment in segments {
        if let Some(earlier) = furthest
            && segment.range.start < earlier.range.end
        {
            found.push(InvalidRange::Overlap {
                owners: (earlier.owner, segment.owner),
                ranges: (earlier.range, segment.range),
            });
        }
        if furthest.is_none_or(|earlier| earlier.range.end < segment.range.end) {
            furthest = Some(segment);
        }
    }
    found
}

/// Inserts into a sorted list. Ranges are few, and usually come in order; the standard library's sorts add
/// 5 kB to a module for each type.
pub(crate) fn insert_sorted<T: Ord>(sorted: &mut Vec<T>, item: T) {
    let at = sorted.partition_point(|known| *known <= item);
    sorted.insert(at, item);
}

/// Why a range cannot be part of an allocation. Owners are given by index, from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidRange {
    /// The range ends where it starts, or before.
    Empty {
        /// The owner's index.
        owner: usize,
        /// The range.
        range: BucketRange,
    },
    /// The range goes beyond the last bucket.
    OutOfBounds {
        /// The owner's index.
        owner: usize,
        /// The range.
        range: BucketRange,
    },
    /// Two ranges share buckets. Both may belong to the same owner.
    Overlap {
        /// The indexes of the owners.
        owners: (usize, usize),
        /// The ranges, in the same order.
        ranges: (BucketRange, BucketRange),
    },
}

impl fmt::Display for InvalidRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { owner, range } => {
                write!(f, "range {range} of entry {owner} is empty: its start must be below its end")
            }
            Self::OutOfBounds { owner, range } => {
                write!(f, "range {range} of entry {owner} must end at {BUCKETS} or below")
            }
            Self::Overlap { owners: (first, second), ranges: (a, b) } => {
                write!(f, "range {a} of entry {first} overlaps range {b} of entry {second}")
            }
        }
    }
}

impl Error for InvalidRange {}

/// All that is wrong with the ranges of an allocation; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidRanges(pub Vec<InvalidRange>);

impl fmt::Display for InvalidRanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(f, &self.0)
    }
}

impl Error for InvalidRanges {}

/// Writes problems one after the other, separated by semicolons.
pub(crate) fn write_list(f: &mut fmt::Formatter<'_>, problems: &[impl fmt::Display]) -> fmt::Result {
    for (position, problem) in problems.iter().enumerate() {
        let separator = if position == 0 { "" } else { "; " };
        write!(f, "{separator}{problem}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test;

    fn range(start: u32, end: u32) -> BucketRange {
        BucketRange::new(start, end)
    }

    fn pick(allocation: &Allocation, index: u32) -> Option<usize> {
        allocation.pick(Bucket::new(index).unwrap())
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn ranges_are_half_open_and_gaps_belong_to_nobody() {
        let ranges = [vec![range(500_000, 1_000_000)], vec![range(0, 10), range(20, 30)]];
        let allocation = Allocation::new(&ranges).unwrap();
        assert_eq!(pick(&allocation, 0), Some(1));
        assert_eq!(pick(&allocation, 9), Some(1));
        assert_eq!(pick(&allocation, 10), None);
        assert_eq!(pick(&allocation, 19), None);
        assert_eq!(pick(&allocation, 20), Some(1));
        assert_eq!(pick(&allocation, 30), None);
        assert_eq!(pick(&allocation, 499_999), None);
        assert_eq!(pick(&allocation, 500_000), Some(0));
        assert_eq!(pick(&allocation, 999_999), Some(0));
        assert_eq!(allocation.share_of(1).millionths(), 20);
        assert_eq!(allocation.unowned().millionths(), 499_980);
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn nobody_and_everybody_are_exact() {
        let nobody = Allocation::new(&[vec![], vec![]]).unwrap();
        let everybody = Allocation::new(&[vec![], vec![range(0, BUCKETS)]]).unwrap();
        for index in [0, 1, 499_999, 500_000, 999_998, 999_999] {
            assert_eq!(pick(&nobody, index), None);
            assert_eq!(pick(&everybody, index), Some(1));
        }
        assert!(nobody.unowned().is_all());
        assert!(everybody.unowned().is_none());
        assert!(everybody.share_of(0).is_none());
        assert!(everybody.share_of(1).is_all());
        assert!(everybody.share_of(7).is_none());
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn neighbouring_ranges_of_one_owner_are_joined() {
        let allocation =
            Allocation::new(&[[range(20, 30), range(10, 20)], [range(0, 10), range(30, 40)]]).unwrap();
        let ranges: Vec<_> = allocation.ranges().collect();
        assert_eq!(ranges, [(range(0, 10), 1), (range(10, 30), 0), (range(30, 40), 1)]);
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn all_problems_are_reported_at_once() {
        let ranges = [
            vec![range(0, 100), range(50, 60), range(5, 5)],
            vec![range(90, 110), range(9, 8), range(999_999, 1_000_001), range(0, u32::MAX)],
        ];
        let problems = Allocation::new(&ranges).unwrap_err().0;
        assert_eq!(
            problems,
            [
                InvalidRange::Empty { owner: 0, range: range(5, 5) },
                InvalidRange::Empty { owner: 1, range: range(9, 8) },
                InvalidRange::OutOfBounds { owner: 1, range: range(999_999, 1_000_001) },
                InvalidRange::OutOfBounds { owner: 1, range: range(0, u32::MAX) },
                InvalidRange::Overlap { owners: (0, 0), ranges: (range(0, 100), range(50, 60)) },
                InvalidRange::Overlap { owners: (0, 1), ranges: (range(0, 100), range(90, 110)) },
            ]
        );
        assert_eq!(problems[5].to_string(), "range [0, 100) of entry 0 overlaps range [90, 110) of entry 1");
    }
}
