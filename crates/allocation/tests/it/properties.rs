//! Guarantees of the layouts, for any weights.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
#![cfg(not(target_arch = "wasm32"))]

use std::ops::RangeInclusive;

use proptest::collection::vec;
use proptest::prelude::*;
use weir_allocation::{
    Allocation, BUCKETS, Bucket, Fraction, Weights, anchored, changes, contiguous, moved, moved_share,
    replan, total_variation,
};

fn relative() -> impl Strategy<Value = Vec<f64>> {
    vec(prop_oneof![Just(0.0), 0.01..1000.0], 1..12)
        .prop_filter("a positive weight", |it| it.iter().sum::<f64>() > 0.0)
}

fn weights() -> impl Strategy<Value = Weights> {
    relative().prop_map(|relative| Weights::from_relative(&relative).unwrap())
}

fn share() -> impl Strategy<Value = Fraction> {
    (0..=BUCKETS).prop_map(|millionths| Fraction::from_millionths(millionths).unwrap())
}

/// Normalised weights in millionths: any mix of targets, so that growths meet often.
fn shares(targets: RangeInclusive<usize>) -> impl Strategy<Value = Vec<u32>> {
    vec(prop_oneof![1 => Just(0.0), 4 => 0.01..1000.0], targets)
        .prop_filter("a positive weight", |it| it.iter().sum::<f64>() > 0.0)
        .prop_map(|relative| {
            let weights = Weights::from_relative(&relative).unwrap();
            weights.shares().iter().map(|share| share.millionths()).collect()
        })
}

fn of_millionths(millionths: &[u32]) -> Weights {
    let shares: Vec<_> = millionths.iter().map(|&value| Fraction::from_millionths(value).unwrap()).collect();
    Weights::from_shares(&shares).unwrap()
}

/// Every bucket has the owner that a plain scan of the ranges finds; every share is what was asked for.
fn assert_partition(allocation: &Allocation, shares: &[Fraction]) {
    assert_eq!(allocation.owners(), shares.len());
    for (owner, &share) in shares.iter().enumerate() {
        assert_eq!(allocation.share_of(owner), share, "owner {owner}");
    }
    let mut position = 0;
    for (range, owner) in allocation.ranges() {
        assert!(position <= range.start && range.start < range.end && range.end <= BUCKETS);
        position = range.end;
        for index in [range.start, range.end - 1] {
            assert_eq!(allocation.pick(Bucket::new(index).unwrap()), Some(owner));
        }
    }
    let owned: u32 = shares.iter().map(|share| share.millionths()).sum();
    assert_eq!(allocation.unowned().millionths(), BUCKETS - owned);
}

/// Whether all that moves goes between these two owners.
fn only_between(old: &Allocation, new: &Allocation, a: usize, b: usize) -> bool {
    moved(old, new)
        .iter()
        .all(|it| (it.from, it.to) == (Some(a), Some(b)) || (it.from, it.to) == (Some(b), Some(a)))
}

proptest! {
    #[test]
    fn normalised_weights_sum_to_all_and_stay_close(relative in relative()) {
        let weights = Weights::from_relative(&relative).unwrap();
        let total: f64 = relative.iter().sum();
        prop_assert_eq!(weights.shares().iter().map(|share| share.millionths()).sum::<u32>(), BUCKETS);
        for (share, weight) in weights.shares().iter().zip(&relative) {
            let exact = weight / total * f64::from(BUCKETS);
            prop_assert!((f64::from(share.millionths()) - exact).abs() < 1.000_001);
            prop_assert_eq!(share.is_none(), *weight == 0.0);
        }
    }

    #[test]
    fn layouts_partition_all_buckets(weights in weights()) {
        assert_partition(&anchored(&weights), weights.shares());
        assert_partition(&contiguous(&weights, Fraction::ALL).unwrap(), weights.shares());
    }

    #[test]
    fn an_allocation_can_be_rebuilt_from_its_ranges(weights in weights()) {
        let allocation = anchored(&weights);
        let ranges: Vec<Vec<_>> =
            (0..allocation.owners()).map(|owner| allocation.ranges_of(owner).collect()).collect();
        prop_assert_eq!(Allocation::new(&ranges).unwrap(), allocation);
    }

    #[test]
    fn coverage_is_exact_and_never_reassigns(weights in weights(), a in share(), b in share()) {
        let (low, high) = (a.min(b), a.max(b));
        let (Ok(old), Ok(new)) = (contiguous(&weights, low), contiguous(&weights, high)) else {
            return Ok(());
        };
        let parts: Vec<_> = weights.shares().iter().map(|&share| low.of(share)).collect();
        assert_partition(&old, &parts);
        prop_assert!(changes(&old, &new).iter().all(|change| change.from.is_none()));
    }

    #[test]
    fn shifting_from_the_base_moves_nobody_else_up_to_three_targets(
        millionths in shares(2..=3),
        part in share(),
        target in 1_usize..3,
    ) {
        let target = target.min(millionths.len() - 1);
        let (old, new) = shift_from_base(&millionths, part, target);
        prop_assert!(only_between(&old, &new, 0, target));
        prop_assert_eq!(moved_share(&old, &new), total_variation(&old, &new));
    }

    #[test]
    fn shifting_from_the_base_moves_nobody_else_where_growths_do_not_meet(
        // Eight targets besides the base have an eighth of all buckets each before they can meet another.
        millionths in vec(0..=BUCKETS / 8, 8),
        target in 0_usize..8,
        weight in 0..=BUCKETS / 8,
    ) {
        let with_base = |others: &[u32]| [&[BUCKETS - others.iter().sum::<u32>()], others].concat();
        let mut raised = millionths.clone();
        raised[target] = weight;
        let old = anchored(&of_millionths(&with_base(&millionths)));
        let new = anchored(&of_millionths(&with_base(&raised)));
        prop_assert!(only_between(&old, &new, 0, target + 1));
        prop_assert_eq!(moved_share(&old, &new), total_variation(&old, &new));
    }

    #[test]
    fn shifting_from_the_base_never_moves_earlier_targets(
        millionths in shares(2..=12),
        part in share(),
        target in 1_usize..12,
    ) {
        let target = target.min(millionths.len() - 1);
        let (old, new) = shift_from_base(&millionths, part, target);
        for earlier in 1..target {
            prop_assert!(old.ranges_of(earlier).eq(new.ranges_of(earlier)), "target {} moved", earlier);
        }
    }

    #[test]
    fn appending_a_target_takes_from_the_base_only(millionths in shares(2..=12), part in share()) {
        let appended = part.of(Fraction::from_millionths(millionths[0]).unwrap()).millionths();
        let mut longer = millionths.clone();
        longer[0] -= appended;
        longer.push(appended);
        let old = anchored(&of_millionths(&millionths));
        let new = anchored(&of_millionths(&longer));
        prop_assert!(only_between(&old, &new, 0, millionths.len()));
        prop_assert_eq!(moved_share(&old, &new).millionths(), appended);
    }

    #[test]
    fn replanning_moves_the_total_variation(old in weights(), new in weights(), a in share(), b in share()) {
        let Ok(before) = contiguous(&old, a) else { return Ok(()) };
        let shares: Vec<_> = new.shares().iter().map(|&share| b.of(share)).collect();
        let total: u32 = shares.iter().map(|share| share.millionths()).sum();
        prop_assume!(total <= BUCKETS);
        let after = replan(&before, &shares).unwrap();
        assert_partition(&after, &shares);
        prop_assert_eq!(moved_share(&before, &after), total_variation(&before, &after));
    }

    #[test]
    fn moved_units_are_those_whose_owner_differs(old in weights(), new in weights(), step in 1_u32..997) {
        let (old, new) = (anchored(&old), anchored(&new));
        let changes = changes(&old, &new);
        for bucket in (0..BUCKETS).step_by(step as usize * 97).filter_map(Bucket::new) {
            let change = changes.iter().find(|change| change.range.contains(bucket));
            let (from, to) = (old.pick(bucket), new.pick(bucket));
            prop_assert_eq!(change.map(|change| (change.from, change.to)), (from != to).then_some((from, to)));
        }
        let sum: u32 = moved(&old, &new).iter().map(|it| it.share.millionths()).sum();
        prop_assert_eq!(sum, moved_share(&old, &new).millionths());
    }
}

/// The anchored layouts before and after a part of the base's weight goes to a target.
fn shift_from_base(millionths: &[u32], part: Fraction, target: usize) -> (Allocation, Allocation) {
    let shifted = part.of(Fraction::from_millionths(millionths[0]).unwrap()).millionths();
    let mut raised = millionths.to_vec();
    raised[0] -= shifted;
    raised[target] += shifted;
    (anchored(&of_millionths(millionths)), anchored(&of_millionths(&raised)))
}
