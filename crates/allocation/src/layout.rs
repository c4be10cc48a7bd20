//! Two ways to lay out an allocation from weights alone, without any memory of an earlier one.
//!
//! [`contiguous`] is for experiments: raising the coverage moves no unit between variants. [`anchored`] is
//! for weighted splits: shifting weight from the base moves no unit between other targets.

use crate::ranges::{Segment, insert_sorted};
use crate::{Allocation, BUCKETS, BucketRange, Fraction, InvalidWeight, InvalidWeights, Weights};

/// Places variants side by side in order. Each starts where it would start at full coverage and takes
/// `coverage` of its share from there; the rest of its range has no owner. (The layout of GrowthBook's SDKs.)
///
/// - Raising the coverage only adds units: nobody changes variant, nobody drops out.
/// - Changing weights moves units between neighbours, more of them the more variants there are: an allocation
///   from [`replan`](crate::replan) moves the fewest.
/// - Each variant's part is rounded to the nearest millionth, so all of them together may differ from the
///   coverage by half a millionth for each variant. At 0 % and 100 % everything is exact.
///
/// ```
/// use weir_allocation::{Fraction, Salt, Weights, contiguous};
///
/// let weights = Weights::from_relative(&[90.0, 10.0])?;
/// let allocation = contiguous(&weights, Fraction::ALL)?;
/// let variant = allocation.pick(Salt::new("checkout").bucket(b"ada"));
/// assert_eq!(variant, allocation.pick(Salt::new("checkout").bucket(b"ada")), "always the same one");
/// assert_eq!(allocation.share_of(1).millionths(), 100_000);
/// # Ok::<(), weir_allocation::InvalidWeights>(())
/// ```
///
/// # Errors
/// [`InvalidWeight::CoverageRoundsToZero`] for each variant with a share of which a positive coverage leaves
/// nothing.
pub fn contiguous(weights: &Weights, coverage: Fraction) -> Result<Allocation, InvalidWeights> {
    let mut problems = Vec::new();
    let mut segments = Vec::new();
    let mut start = 0;
    for (owner, &share) in weights.shares().iter().enumerate() {
        let length = coverage.of(share).millionths();
        if length > 0 {
            segments.push(Segment { range: BucketRange::new(start, start + length), owner });
        } else if !share.is_none() && !coverage.is_none() {
            problems.push(InvalidWeight::CoverageRoundsToZero { index: owner, share, coverage });
        }
        start += share.millionths();
    }
    if problems.is_empty() {
        Ok(Allocation::from_disjoint(segments, weights.shares().len()))
    } else {
        Err(InvalidWeights(problems))
    }
}

/// Gives every target a fixed home to grow from, so that shifting weight between the first target, the *base*,
/// and one other moves units between these two only.
///
/// The base (position 0) owns whatever nobody else claims. The others claim in the order of their positions:
/// target 1 grows upward from bucket 0, target 2 downward from the top, 3 and 4 upward and downward from 500
/// 000, 5 and 6 from 250 000, 7 and 8 from 750 000, and so on by halves (the van der Corput sequence). Growth
/// skips what an earlier target has claimed, goes on after it and wraps around at the end, so shares are
/// always exact. A weight of 0 keeps its home: set a target to 0 rather than to remove it from the middle.
///
/// Guarantees: targets never depend on later ones. Appending a target, changing the last one's weight, or
/// removing the last one moves units only between it and the base. With up to three targets, shifting weight
/// between the base and one other moves only these units.
///
/// With four or more targets the second holds as long as no two growths meet in any of the two layouts. Where
/// an earlier target grows into the place of a later one, the later one is pushed on: it takes as much from
/// the base or others as it loses.
///
/// That this cannot be avoided: it would need, for each target but the base, sets that depend on its own weight
/// only, grow with it, and are disjoint from the others' for all weights that sum to at most 100 %. At full
/// weight of one other target, a target's set is the complement of that one's; with three such targets each
/// pair would have to be complements, which is impossible.
///
/// What does not hold: shifting weight between two targets neither of which is the base moves up to twice that
/// weight (one gives to the base, the base to the other), unless their growths have met. And as weights are
/// relative, raising one of them without lowering another shrinks all others a little: percentages that sum to
/// 100 say what is meant. Use [`replan`](crate::replan) where the least movement matters for any change.
///
/// ```
/// use weir_allocation::{Weights, anchored, moved};
///
/// // A canary grows from 5 % to 10 %, at the cost of the base; the shadow (the last one) keeps its units.
/// let before = anchored(&Weights::from_relative(&[90.0, 5.0, 5.0])?);
/// let after = anchored(&Weights::from_relative(&[85.0, 10.0, 5.0])?);
/// let moves = moved(&before, &after);
/// assert_eq!(moves.len(), 1);
/// assert_eq!((moves[0].from, moves[0].to), (Some(0), Some(1)));
/// assert_eq!(moves[0].share.to_string(), "5%");
/// # Ok::<(), weir_allocation::InvalidWeights>(())
/// ```
pub fn anchored(weights: &Weights) -> Allocation {
    let mut segments = Vec::new();
    let mut free = vec![BucketRange::new(0, BUCKETS)];
    for (owner, share) in weights.shares().iter().enumerate().skip(1) {
        let (claimed, rest) = claim(free, Home::of(owner), share.millionths());
        segments.extend(claimed.into_iter().map(|range| Segment { range, owner }));
        free = rest;
    }
    segments.extend(free.into_iter().map(|range| Segment { range, owner: 0 }));
    Allocation::from_disjoint(segments, weights.shares().len())
}

/// Where a target's growth begins, and in which direction it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Home {
    point: u32,
    direction: Direction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

impl Home {
    /// The home of the target at a position from 1. Two targets share a point and grow apart; downward from 0
    /// wraps around at once, which is downward from the top.
    fn of(position: usize) -> Self {
        let index = position.saturating_sub(1);
        let direction = if index.is_multiple_of(2) { Direction::Up } else { Direction::Down };
        Self { point: van_der_corput(index / 2), direction }
    }
}

/// The van der Corput sequence in base 2, in buckets: 0, 1/2, 1/4, 3/4, 1/8, 5/8 …
/// (J. G. van der Corput, "Verteilungsfunktionen", 1935.) Each point halves one of the largest gaps.
#[allow(clippy::cast_possible_truncation, reason = "a fraction of BUCKETS")]
fn van_der_corput(index: usize) -> u32 {
    let fraction = (index as u64).reverse_bits();
    ((u128::from(fraction) * u128::from(BUCKETS)) >> u64::BITS) as u32
}

/// Takes `wanted` buckets out of the `free` ranges, which are in ascending order, and returns them and what
/// is left, in ascending order again. The free ranges must have that many buckets.
fn claim(free: Vec<BucketRange>, home: Home, mut wanted: u32) -> (Vec<BucketRange>, Vec<BucketRange>) {
    let mut claimed = Vec::new();
    let mut rest = Vec::new();
    for range in on_the_way(free, home) {
        let length = range.length().min(wanted);
        wanted -= length;
        let (near, far) = match home.direction {
            Direction::Up => split(range, range.start + length),
            Direction::Down => {
                let (far, near) = split(range, range.end - length);
                (near, far)
            }
        };
        claimed.push(near);
        insert_sorted(&mut rest, far);
    }
    claimed.retain(|range| !range.is_empty());
    rest.retain(|range| !range.is_empty());
    (claimed, rest)
}

/// The free ranges in the order in which growth from `home` meets them, once around.
fn on_the_way(free: Vec<BucketRange>, home: Home) -> Vec<BucketRange> {
    let halves = free.into_iter().map(|range| split(range, home.point.clamp(range.start, range.end)));
    let (mut below, above): (Vec<_>, Vec<_>) = halves.unzip();
    match home.direction {
        Direction::Up => above.into_iter().chain(below).collect(),
        Direction::Down => {
            below.reverse();
            below.into_iter().chain(above.into_iter().rev()).collect()
        }
    }
}

/// Cuts a range at a point within it or at its ends.
fn split(range: BucketRange, at: u32) -> (BucketRange, BucketRange) {
    (BucketRange::new(range.start, at), BucketRange::new(at, range.end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Change, changes, moved_share};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test;

    fn weights(relative: &[f64]) -> Weights {
        Weights::from_relative(relative).unwrap()
    }

    fn range(start: u32, end: u32) -> BucketRange {
        BucketRange::new(start, end)
    }

    fn ranges(allocation: &Allocation) -> Vec<(u32, u32, usize)> {
        allocation.ranges().map(|(range, owner)| (range.start, range.end, owner)).collect()
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn contiguous_leaves_a_gap_behind_each_variant() {
        let half = Fraction::from_percent(50.0).unwrap();
        let allocation = contiguous(&weights(&[60.0, 40.0]), half).unwrap();
        assert_eq!(ranges(&allocation), [(0, 300_000, 0), (600_000, 800_000, 1)]);
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn contiguous_is_exact_at_no_and_at_full_coverage() {
        let thirds = weights(&[1.0, 1.0, 1.0]);
        assert!(contiguous(&thirds, Fraction::NONE).unwrap().unowned().is_all());
        let full = contiguous(&thirds, Fraction::ALL).unwrap();
        assert_eq!(ranges(&full), [(0, 333_334, 0), (333_334, 666_667, 1), (666_667, 1_000_000, 2)]);
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn coverage_that_loses_a_variant_is_refused() {
        let coverage = Fraction::from_millionths(10).unwrap();
        let problems = contiguous(&weights(&[99.0, 1.0]), coverage).unwrap_err().0;
        let share = Fraction::from_percent(1.0).unwrap();
        assert_eq!(problems, [InvalidWeight::CoverageRoundsToZero { index: 1, share, coverage }]);
        assert_eq!(
            problems[0].to_string(),
            "coverage 0.001% of the 1% of entry 1 is less than the smallest step of 0.0001%: raise the \
             coverage, or set it to 0"
        );
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn homes_halve_the_gaps() {
        let points: Vec<_> = (0..8).map(van_der_corput).collect();
        assert_eq!(points, [0, 500_000, 250_000, 750_000, 125_000, 625_000, 375_000, 875_000]);
        assert_eq!(Home::of(1), Home { point: 0, direction: Direction::Up });
        assert_eq!(Home::of(2), Home { point: 0, direction: Direction::Down });
        assert_eq!(Home::of(3), Home { point: 500_000, direction: Direction::Up });
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn raising_a_canary_moves_exactly_the_difference() {
        let old = anchored(&weights(&[90.0, 10.0]));
        let new = anchored(&weights(&[75.0, 25.0]));
        assert_eq!(
            changes(&old, &new),
            [Change { range: range(100_000, 250_000), from: Some(0), to: Some(1) }]
        );
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn targets_grow_from_their_homes() {
        let allocation = anchored(&weights(&[60.0, 10.0, 10.0, 10.0, 10.0]));
        assert_eq!(
            ranges(&allocation),
            [
                (0, 100_000, 1),
                (100_000, 400_000, 0),
                (400_000, 500_000, 4),
                (500_000, 600_000, 3),
                (600_000, 900_000, 0),
                (900_000, 1_000_000, 2),
            ]
        );
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn growth_skips_what_is_taken_and_wraps_around() {
        // Target 3 starts at 500 000, finds [600 000, 1 000 000) taken by target 2, wraps, finds [0, 200 000)
        // taken by target 1, and goes on after it.
        let allocation = anchored(&weights(&[15.0, 20.0, 40.0, 25.0]));
        assert_eq!(
            ranges(&allocation),
            [
                (0, 200_000, 1),
                (200_000, 350_000, 3),
                (350_000, 500_000, 0),
                (500_000, 600_000, 3),
                (600_000, 1_000_000, 2),
            ]
        );
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn a_base_of_zero_leaves_no_gap() {
        let old = anchored(&weights(&[0.0, 30.0, 70.0]));
        assert_eq!(ranges(&old), [(0, 300_000, 1), (300_000, 1_000_000, 2)]);
        let new = anchored(&weights(&[0.0, 50.0, 50.0]));
        assert_eq!(moved_share(&old, &new).millionths(), 200_000, "growths that have met trade directly");
        assert_eq!(ranges(&anchored(&weights(&[0.0, 1.0]))), [(0, 1_000_000, 1)]);
        assert_eq!(ranges(&anchored(&weights(&[1.0, 0.0]))), [(0, 1_000_000, 0)]);
    }
}
