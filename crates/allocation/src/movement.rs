//! The effect of a change of allocation on units: exact, by sweeping over the ranges.

use std::collections::BTreeMap;

use crate::{Allocation, BUCKETS, Bucket, BucketRange, Fraction};

/// A range of buckets whose owner changes. `None` means no owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The buckets.
    pub range: BucketRange,
    /// The owner's index before.
    pub from: Option<usize>,
    /// The owner's index after.
    pub to: Option<usize>,
}

/// How many units move from one owner to another. `None` means no owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Movement {
    /// The owner's index before.
    pub from: Option<usize>,
    /// The owner's index after.
    pub to: Option<usize>,
    /// The share of all units that moves.
    pub share: Fraction,
}

/// All ranges whose owner differs, in ascending order. An index must mean the same owner in both.
///
/// ```
/// use weir_allocation::{BucketRange, Change, Fraction, Weights, changes, contiguous};
///
/// let of = |weights| contiguous(&Weights::from_relative(weights)?, Fraction::ALL);
/// let range = BucketRange::new(500_000, 600_000);
/// let expected = Change { range, from: Some(1), to: Some(0) };
/// assert_eq!(changes(&of(&[50.0, 50.0])?, &of(&[60.0, 40.0])?), [expected]);
/// # Ok::<(), weir_allocation::InvalidWeights>(())
/// ```
pub fn changes(old: &Allocation, new: &Allocation) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    for range in common_pieces(old, new) {
        // Within a piece neither allocation changes owners, so its first bucket speaks for all.
        let owner = |allocation: &Allocation| Bucket::new(range.start).and_then(|it| allocation.pick(it));
        let change = Change { range, from: owner(old), to: owner(new) };
        if change.from == change.to {
            continue;
        }
        match changes.last_mut() {
            Some(last) if continues(last, &change) => last.range.end = range.end,
            _ => changes.push(change),
        }
    }
    changes
}

fn continues(last: &Change, next: &Change) -> bool {
    last.range.end == next.range.start && last.from == next.from && last.to == next.to
}

/// Cuts all buckets wherever either allocation has a boundary.
fn common_pieces(old: &Allocation, new: &Allocation) -> Vec<BucketRange> {
    let mut cuts = vec![0, BUCKETS];
    cuts.extend(old.ranges().chain(new.ranges()).flat_map(|(range, _)| [range.start, range.end]));
    cuts.sort_unstable();
    cuts.dedup();
    cuts.iter().zip(cuts.iter().skip(1)).map(|(&start, &end)| BucketRange::new(start, end)).collect()
}

/// How many units move between whom, ordered by `from`, then `to`. An index must mean the same owner in both.
///
/// ```
/// use weir_allocation::{Fraction, Movement, Weights, contiguous, moved};
///
/// // A third variant takes 20 % from two that had one half each.
/// let of = |weights| contiguous(&Weights::from_relative(weights)?, Fraction::ALL);
/// let ten = Fraction::from_millionths(100_000).unwrap();
/// let twenty = Fraction::from_millionths(200_000).unwrap();
/// assert_eq!(
///     moved(&of(&[50.0, 50.0])?, &of(&[40.0, 40.0, 20.0])?),
///     [
///         Movement { from: Some(0), to: Some(1), share: ten },
///         Movement { from: Some(1), to: Some(2), share: twenty },
///     ],
/// );
/// # Ok::<(), weir_allocation::InvalidWeights>(())
/// ```
pub fn moved(old: &Allocation, new: &Allocation) -> Vec<Movement> {
    let mut totals = BTreeMap::new();
    for change in changes(old, new) {
        *totals.entry((change.from, change.to)).or_insert(0) += change.range.length();
    }
    totals
        .into_iter()
        .map(|((from, to), millionths)| Movement { from, to, share: Fraction::saturating(millionths) })
        .collect()
}

/// The share of all units that changes owner.
///
/// ```
/// use weir_allocation::{Fraction, Weights, contiguous, moved_share};
///
/// let of = |weights| contiguous(&Weights::from_relative(weights)?, Fraction::ALL);
/// assert_eq!(moved_share(&of(&[90.0, 10.0])?, &of(&[80.0, 20.0])?).millionths(), 100_000);
/// # Ok::<(), weir_allocation::InvalidWeights>(())
/// ```
pub fn moved_share(old: &Allocation, new: &Allocation) -> Fraction {
    Fraction::saturating(changes(old, new).iter().map(|change| change.range.length()).sum())
}

/// The total variation distance of the two allocations' shares, nobody's share included: half the sum of the
/// differences. No way to get from the old shares to the new ones moves fewer units than this.
///
/// ```
/// use weir_allocation::{Fraction, Weights, contiguous, moved_share, total_variation};
///
/// let of = |weights| contiguous(&Weights::from_relative(weights)?, Fraction::ALL);
/// let (old, new) = (of(&[50.0, 50.0])?, of(&[40.0, 40.0, 20.0])?);
/// assert_eq!(total_variation(&old, &new).to_string(), "20%", "10 % from each would do");
/// assert_eq!(moved_share(&old, &new).to_string(), "30%", "what this layout moves");
/// # Ok::<(), weir_allocation::InvalidWeights>(())
/// ```
pub fn total_variation(old: &Allocation, new: &Allocation) -> Fraction {
    let owners = old.owners().max(new.owners());
    let differences = (0..owners)
        .map(|owner| (old.share_of(owner), new.share_of(owner)))
        .chain([(old.unowned(), new.unowned())])
        .map(|(before, after)| before.millionths().abs_diff(after.millionths()))
        .sum::<u32>();
    Fraction::saturating(differences / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test;

    fn allocation(ranges: &[&[(u32, u32)]]) -> Allocation {
        let ranges: Vec<Vec<_>> = ranges
            .iter()
            .map(|ranges| ranges.iter().map(|&(start, end)| BucketRange::new(start, end)).collect())
            .collect();
        Allocation::new(&ranges).unwrap()
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn nothing_moves_where_nothing_changes() {
        let same = allocation(&[&[(0, 10)], &[(20, 30)]]);
        assert_eq!(changes(&same, &same), []);
        assert_eq!(moved(&same, &same), []);
        assert_eq!(total_variation(&same, &same), Fraction::NONE);
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn every_kind_of_movement_is_seen() {
        let old = allocation(&[&[(0, 100)], &[(100, 200)]]);
        let new = allocation(&[&[(0, 60), (90, 120)], &[(130, 250)]]);
        let change = |start, end, from, to| Change { range: BucketRange::new(start, end), from, to };
        assert_eq!(
            changes(&old, &new),
            [
                change(60, 90, Some(0), None),
                change(100, 120, Some(1), Some(0)),
                change(120, 130, Some(1), None),
                change(200, 250, None, Some(1)),
            ]
        );
        assert_eq!(moved_share(&old, &new).millionths(), 110);
        // Shares: 100 -> 90 and 100 -> 120, nobody 999800 -> 999790.
        assert_eq!(total_variation(&old, &new).millionths(), 20);
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn movements_are_summed_by_pair() {
        let old = allocation(&[&[(0, BUCKETS)], &[]]);
        let new = allocation(&[&[(10, 20), (30, BUCKETS)], &[(0, 10), (20, 30)]]);
        let movement = Movement { from: Some(0), to: Some(1), share: Fraction::from_millionths(20).unwrap() };
        assert_eq!(moved(&old, &new), [movement]);
    }
}
