//! What a vendor's algorithm makes of an experiment: a number for each unit, and a variant for each number.

use super::boundaries::Boundaries;

/// What becomes of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Assignment {
    /// The unit does not take part.
    NotCovered,
    /// The unit gets the variant with this index.
    Variant(usize),
}

impl From<Option<usize>> for Assignment {
    #[inline]
    fn from(variant: Option<usize>) -> Self {
        variant.map_or(Self::NotCovered, Self::Variant)
    }
}

/// A vendor's algorithm.
#[derive(Clone, Debug)]
pub(crate) struct Sdk<D> {
    /// Whether a unit takes part at all, for algorithms that ask this of a hash of its own.
    pub(crate) gate: Option<Gate<D>>,
    pub(crate) draw: D,
    pub(crate) boundaries: Boundaries,
    /// What becomes of requests without a unit.
    pub(crate) missing: Assignment,
    /// Whether the SDK takes an empty unit for a missing one.
    pub(crate) empty_is_missing: bool,
}

/// Lets through the numbers below `end`.
#[derive(Clone, Debug)]
pub(crate) struct Gate<D> {
    pub(crate) draw: D,
    pub(crate) end: u64,
}

impl<D> Sdk<D> {
    pub(crate) const fn without_gate(draw: D, boundaries: Boundaries) -> Self {
        Self { gate: None, draw, boundaries, missing: Assignment::NotCovered, empty_is_missing: false }
    }

    /// The same with both of its hashes in another form.
    pub(crate) fn map<E>(self, form: impl Fn(D) -> E) -> Sdk<E> {
        Sdk {
            gate: self.gate.map(|gate| Gate { draw: form(gate.draw), end: gate.end }),
            draw: form(self.draw),
            boundaries: self.boundaries,
            missing: self.missing,
            empty_is_missing: self.empty_is_missing,
        }
    }
}
