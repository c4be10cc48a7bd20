//! Random numbers without asking the host for each.

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed.

use std::cell::Cell;

/// SplitMix64 (G. Steele, D. Lea, C. Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014; the
/// constants are those of S. Vigna's splitmix64.c). It is seeded once by the host. Clients may guess faults from
/// it, which does no harm; nothing secret is made of it.
#[derive(Debug, Default)]
pub(crate) struct Chance {
    state: Cell<Option<u64>>,
}

impl Chance {
    /// The next 64 bits; `seed` is asked the first time only.
    #[inline]
    pub(crate) fn next(&self, seed: impl FnOnce() -> u64) -> u64 {
        let state = self.state.get().unwrap_or_else(seed).wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.state.set(Some(state));
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// A number between 0 and 1, neither of which it can be, from the upper 52 of 64 random bits.
pub(crate) fn unit_interval(bits: u64) -> f64 {
    const STEPS: f64 = (1_u64 << 52) as f64;
    ((bits >> 12) as f64 + 0.5) / STEPS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_reference_implementation() {
        // splitmix64.c with the state 1234567.
        let chance = Chance::default();
        let first: Vec<u64> = (0..3).map(|_| chance.next(|| 1_234_567)).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn the_unit_interval_is_open() {
        assert!(unit_interval(0) > 0.0);
        assert!(unit_interval(u64::MAX) < 1.0);
    }
}
