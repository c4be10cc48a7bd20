//! Random choices that are the same in each run.

/// A linear congruential generator (Knuth's constants of MMIX), for configurations and requests that tests make up.
///
/// ```
/// use weir_testkit::Chance;
///
/// let (mut one, mut same) = (Chance(7), Chance(7));
/// assert_eq!(one.below(100), same.below(100));
/// assert!(["a", "b"].contains(one.one(&["a", "b"])));
/// ```
#[derive(Clone, Debug)]
pub struct Chance(pub u64);

impl Chance {
    /// A number from 0 to `bound` - 1.
    ///
    /// # Panics
    /// `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    /// One of the items.
    ///
    /// # Panics
    /// There are none.
    #[expect(clippy::indexing_slicing, reason = "tests stop where there is nothing to choose")]
    pub fn one<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}
