//! Exact movement of units between variants, by the ranges of two allocations of one hash.

use serde::Serialize;
use weir_allocation::sdk::Segment;

/// Who has which numbers of a hash, and how many numbers there are.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranges {
    /// The variants' names, by the segments' indexes.
    pub variants: Vec<String>,
    /// Half-open ranges of numbers; those of nobody are in none.
    pub segments: Vec<Segment>,
    /// How many numbers the hash has.
    pub scale: u64,
    /// The part of all units, from 0 to 1, that a second, independent hash lets through.
    pub gate: f64,
}

/// The part of all units that goes from one variant to another. `None` stands for no variant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Transition {
    /// The variant before.
    pub from: Option<String>,
    /// The variant after.
    pub to: Option<String>,
    /// From 0 to 1.
    pub share: f64,
}

impl Ranges {
    fn owner(&self, number: u64) -> Option<&str> {
        let segment = self.segments.iter().find(|it| it.start <= number && number < it.end)?;
        self.variants.get(segment.variant).map(String::as_str)
    }

    /// The part of all units, from 0 to 1, that gets the variant with this index.
    pub fn share_of(&self, variant: usize) -> f64 {
        let own = self.segments.iter().filter(|it| it.variant == variant);
        let numbers: u64 = own.map(|it| it.end - it.start).sum();
        self.gate * numbers as f64 / self.scale as f64
    }

    /// Cuts the scale wherever either has a boundary.
    fn pieces(&self, other: &Self) -> Vec<(u64, u64)> {
        let both = self.segments.iter().chain(&other.segments);
        let mut cuts: Vec<u64> = both.flat_map(|it| [it.start, it.end]).chain([0, self.scale]).collect();
        cuts.sort_unstable();
        cuts.dedup();
        cuts.iter().copied().zip(cuts.iter().copied().skip(1)).collect()
    }
}

/// All that moves between two allocations of the same hash, by names; none where nothing moves. Sorted by
/// share, the largest first.
///
/// The gate's hash is independent of the other one, and the same before and after: of the smaller gate's
/// units all pass the larger one too.
pub fn transitions(old: &Ranges, new: &Ranges) -> Vec<Transition> {
    let mut moved = Transitions::default();
    let both = old.gate.min(new.gate);
    for (start, end) in old.pieces(new) {
        let share = (end - start) as f64 / old.scale as f64;
        let (from, to) = (old.owner(start), new.owner(start));
        moved.add(from, to, share * both);
        moved.add(from, None, share * (old.gate - both));
        moved.add(None, to, share * (new.gate - both));
    }
    moved.sorted()
}

/// Sums by pair.
#[derive(Debug, Default)]
pub struct Transitions(Vec<Transition>);

impl Transitions {
    /// Adds what moves; what stays, or is nothing, does not.
    pub fn add(&mut self, from: Option<&str>, to: Option<&str>, share: f64) {
        if from == to || share <= 0.0 {
            return;
        }
        match self.0.iter_mut().find(|it| it.from.as_deref() == from && it.to.as_deref() == to) {
            Some(known) => known.share += share,
            None => {
                self.0.push(Transition { from: from.map(str::to_owned), to: to.map(str::to_owned), share })
            }
        }
    }

    /// All of them, the largest share first.
    pub fn sorted(mut self) -> Vec<Transition> {
        self.0.sort_by(|a, b| {
            b.share.total_cmp(&a.share).then_with(|| (&a.from, &a.to).cmp(&(&b.from, &b.to)))
        });
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(segments: &[(u64, u64, usize)], gate: f64) -> Ranges {
        let segments = segments.iter().map(|&(start, end, variant)| Segment { start, end, variant });
        Ranges { variants: vec!["a".into(), "b".into()], segments: segments.collect(), scale: 100, gate }
    }

    fn told(old: &Ranges, new: &Ranges) -> Vec<String> {
        let name = |variant: &Option<String>| variant.clone().unwrap_or_else(|| "-".into());
        let moved = transitions(old, new);
        moved.iter().map(|it| format!("{}>{} {:.3}", name(&it.from), name(&it.to), it.share)).collect()
    }

    #[test]
    fn ranges_move_exactly() {
        let old = ranges(&[(0, 50, 0), (50, 100, 1)], 1.0);
        assert_eq!(told(&old, &old), [""; 0]);
        assert_eq!(told(&old, &ranges(&[(0, 25, 0), (25, 90, 1)], 1.0)), ["a>b 0.250", "b>- 0.100"]);
        assert_eq!(told(&ranges(&[], 1.0), &old), ["->a 0.500", "->b 0.500"]);
    }

    #[test]
    fn a_gate_opens_for_both_alike() {
        let (narrow, wide) =
            (ranges(&[(0, 50, 0), (50, 100, 1)], 0.5), ranges(&[(0, 60, 0), (60, 100, 1)], 0.8));
        assert_eq!(told(&narrow, &wide), ["->a 0.180", "->b 0.120", "b>a 0.050"]);
        assert_eq!(told(&wide, &narrow), ["a>- 0.180", "b>- 0.120", "a>b 0.050"]);
    }

    #[test]
    fn variants_are_compared_by_name() {
        let old = ranges(&[(0, 50, 0), (50, 100, 1)], 1.0);
        let mut new = ranges(&[(0, 50, 1), (50, 100, 0)], 1.0);
        new.variants.reverse();
        assert_eq!(told(&old, &new), [""; 0]);
    }
}
