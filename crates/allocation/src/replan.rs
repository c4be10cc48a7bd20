//! New shares for an existing allocation, with the least possible movement.
//!
//! No layout that is computed from weights alone moves as few units as possible for every change of three or
//! more weights (M. Bavarian et al., "The Optimality of Correlated Sampling"). With the old ranges it is
//! simple: shrinking owners give up exactly their surplus, and growing owners take exactly that.

use std::collections::VecDeque;

use crate::ranges::Segment;
use crate::{Allocation, BUCKETS, BucketRange, Fraction, InvalidWeight, InvalidWeights};

/// Changes `old` so that owner `i` has exactly `shares[i]`, moving exactly [`total_variation`] units: no
/// other way moves fewer. What the shares leave below 100 % has no owner.
///
/// An index must mean the same owner before and after; owners that `shares` does not list lose everything,
/// and new ones come after the old.
///
/// ```
/// use weir_allocation::{Fraction, Weights, contiguous, moved_share, replan};
///
/// let old = contiguous(&Weights::from_relative(&[50.0, 50.0])?, Fraction::ALL)?;
/// let shares = Weights::from_relative(&[40.0, 60.0])?;
/// let new = replan(&old, shares.shares())?;
/// assert_eq!(moved_share(&old, &new).millionths(), 100_000, "nobody moves without need");
/// # Ok::<(), weir_allocation::InvalidWeights>(())
/// ```
///
/// # Errors
/// [`InvalidWeight::SharesAboveAll`] where the shares sum to more than 100 %.
///
/// [`total_variation`]: crate::total_variation
pub fn replan(old: &Allocation, shares: &[Fraction]) -> Result<Allocation, InvalidWeights> {
    let sum: u64 = shares.iter().map(|share| u64::from(share.millionths())).sum();
    if sum > u64::from(BUCKETS) {
        return Err(InvalidWeights(vec![InvalidWeight::SharesAboveAll { millionths: sum }]));
    }
    let wanted = |owner: usize| shares.get(owner).map_or(0, |share| share.millionths());

    let mut segments = Vec::new();
    let mut free: VecDeque<BucketRange> = gaps(old).into();
    for owner in 0..old.owners() {
        keep_first(old.ranges_of(owner), wanted(owner), owner, &mut segments, &mut free);
    }
    // Nobody is the last to be served, and simply keeps what is left.
    for owner in 0..shares.len() {
        let missing = wanted(owner).saturating_sub(old.share_of(owner).millionths());
        take(&mut free, missing, owner, &mut segments);
    }
    Ok(Allocation::from_disjoint(segments, shares.len()))
}

/// The ranges without an owner.
fn gaps(allocation: &Allocation) -> Vec<BucketRange> {
    let mut gaps = Vec::new();
    let mut position = 0;
    for (range, _) in allocation.ranges() {
        gaps.push(BucketRange::new(position, range.start));
        position = range.end;
    }
    gaps.push(BucketRange::new(position, BUCKETS));
    gaps.retain(|gap| !gap.is_empty());
    gaps
}

/// Leaves an owner its first `wanted` buckets and gives the others up. What is given up is taken before what
/// nobody owned, so that nobody shrinks only where the shares say so.
fn keep_first(
    ranges: impl Iterator<Item = BucketRange>,
    mut wanted: u32,
    owner: usize,
    kept: &mut Vec<Segment>,
    free: &mut VecDeque<BucketRange>,
) {
    for range in ranges {
        let length = range.length().min(wanted);
        wanted -= length;
        let cut = range.start + length;
        let (keep, give) = (BucketRange::new(range.start, cut), BucketRange::new(cut, range.end));
        if !keep.is_empty() {
            kept.push(Segment { range: keep, owner });
        }
        if !give.is_empty() {
            free.push_front(give);
        }
    }
}

/// Gives an owner `missing` buckets from the front of the free ranges.
fn take(free: &mut VecDeque<BucketRange>, mut missing: u32, owner: usize, segments: &mut Vec<Segment>) {
    while missing > 0
        && let Some(range) = free.pop_front()
    {
        let length = range.length().min(missing);
        missing -= length;
        let cut = range.start + length;
        segments.push(Segment { range: BucketRange::new(range.start, cut), owner });
        if cut < range.end {
            free.push_front(BucketRange::new(cut, range.end));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Weights, contiguous, moved_share, total_variation};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test;

    fn shares(percents: &[f64]) -> Vec<Fraction> {
        percents.iter().map(|&percent| Fraction::from_percent(percent).unwrap()).collect()
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn a_full_reshuffle_moves_only_the_difference() {
        let weights = Weights::from_relative(&[50.0, 30.0, 20.0]).unwrap();
        let old = contiguous(&weights, Fraction::ALL).unwrap();
        let new = replan(&old, &shares(&[20.0, 30.0, 50.0])).unwrap();
        assert_eq!(moved_share(&old, &new).millionths(), 300_000);
        assert_eq!(moved_share(&old, &new), total_variation(&old, &new));
        assert_eq!(new.ranges_of(1).collect::<Vec<_>>(), [BucketRange::new(500_000, 800_000)]);
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn owners_come_and_go() {
        let old = contiguous(&Weights::from_relative(&[1.0, 1.0]).unwrap(), Fraction::ALL).unwrap();
        let added = replan(&old, &shares(&[40.0, 40.0, 20.0])).unwrap();
        assert_eq!(moved_share(&old, &added).millionths(), 200_000);
        let removed = replan(&added, &shares(&[60.0])).unwrap();
        assert_eq!(removed.owners(), 1);
        assert_eq!(removed.share_of(0).millionths(), 600_000);
        assert_eq!(removed.unowned().millionths(), 400_000);
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn shares_above_all_are_refused() {
        let old = contiguous(&Weights::from_relative(&[1.0]).unwrap(), Fraction::ALL).unwrap();
        let problems = replan(&old, &shares(&[60.0, 50.0])).unwrap_err().0;
        assert_eq!(problems, [InvalidWeight::SharesAboveAll { millionths: 1_100_000 }]);
    }
}
