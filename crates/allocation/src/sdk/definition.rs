//! The definition of an assigner, and its errors.

use std::error::Error;
use std::fmt;

use super::grid::on_grid;
use crate::{InvalidRange, InvalidWeight};

/// An experiment as far as assignment goes. Numbers are those of the vendor's own definition, unchanged.
///
/// ```
/// use weir_allocation::sdk::{Algorithm, Assigner, Assignment, Definition, Layout, Span};
///
/// // A GrowthBook namespace: the units of the first 40 % are inside.
/// let namespace = Definition {
///     key: "pricing",
///     seed: Some("__pricing"),
///     coverage_seed: None,
///     coverage: 1.0,
///     layout: Layout::Ranges(&[vec![Span::new(0.0, 0.4)]]),
/// };
/// let assigner = Assigner::new(Algorithm::GrowthBook1, &namespace)?;
/// assert_eq!((assigner.variants(), assigner.scale(), assigner.share_of(0)), (1, 1_000, 0.4));
/// assert!([Assignment::Variant(0), Assignment::NotCovered].contains(&assigner.assign(b"user-42")));
/// # Ok::<(), weir_allocation::sdk::Refused>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Definition<'a> {
    /// The experiment's key. The seed where `seed` is absent and the algorithm has a default.
    pub key: &'a str,
    /// What the hash that picks the variant is salted with; each algorithm says what it takes.
    pub seed: Option<&'a str>,
    /// What the hash that decides about coverage is salted with, for algorithms that hash twice.
    pub coverage_seed: Option<&'a str>,
    /// The part of all units that takes part, from 0 to 1.
    pub coverage: f64,
    /// The allocation.
    pub layout: Layout<'a>,
}

impl Definition<'_> {
    /// The seed of algorithms that fall back to the experiment's key.
    pub(crate) fn seed_or_key(&self) -> &str {
        self.seed.unwrap_or(self.key)
    }

    /// How many variants there are.
    pub(crate) const fn variants(&self) -> usize {
        match self.layout {
            Layout::Weights(weights) => weights.len(),
            Layout::Ranges(ranges) => ranges.len(),
        }
    }

    /// What no algorithm accepts.
    pub(crate) fn check(&self) -> Vec<Refusal> {
        let mut problems = Vec::new();
        let whole = self.coverage == 1.0;
        if !(0.0..=1.0).contains(&self.coverage) {
            problems.push(Refusal::new(DefinitionPart::Coverage, "coverage must be from 0 to 1"));
        } else if !whole && matches!(self.layout, Layout::Ranges(_)) {
            problems.push(Refusal::new(
                DefinitionPart::Coverage,
                "ranges already define the coverage: omit `coverage`",
            ));
        }
        if self.variants() == 0 {
            problems.push(Refusal::new(DefinitionPart::Layout, "there must be at least one variant"));
        }
        if let Layout::Weights(weights) = self.layout {
            check_weights(weights, &mut problems);
        }
        problems
    }

    /// The seed of algorithms that have no default, because it is not the key.
    pub(crate) fn required_seed(&self, missing: &'static str, problems: &mut Vec<Refusal>) -> &str {
        match self.seed {
            Some(seed) if !seed.is_empty() => seed,
            _ => {
                problems.push(Refusal::new(DefinitionPart::Seed, missing));
                ""
            }
        }
    }

    /// The seed of the coverage where not everybody takes part.
    pub(crate) fn coverage_seed_where_needed(
        &self,
        missing: &'static str,
        problems: &mut Vec<Refusal>,
    ) -> Option<&str> {
        if self.coverage == 1.0 {
            return None;
        }
        if self.coverage_seed.is_none() {
            problems.push(Refusal::new(DefinitionPart::CoverageSeed, missing));
        }
        self.coverage_seed
    }

    /// The coverage as a whole number of parts.
    pub(crate) fn coverage_on(&self, grid: u32, off_grid: &'static str, problems: &mut Vec<Refusal>) -> u64 {
        on_grid(self.coverage, grid).unwrap_or_else(|| {
            problems.push(Refusal::new(DefinitionPart::Coverage, off_grid));
            0
        })
    }

    /// For algorithms that give everybody a variant.
    pub(crate) fn refuse_coverage(&self, text: &'static str, problems: &mut Vec<Refusal>) {
        if self.coverage != 1.0 {
            problems.push(Refusal::new(DefinitionPart::Coverage, text));
        }
    }

    /// For algorithms that hash only once.
    pub(crate) fn refuse_coverage_seed(&self, problems: &mut Vec<Refusal>) {
        if self.coverage_seed.is_some() {
            problems.push(Refusal::new(
                DefinitionPart::CoverageSeed,
                "this algorithm hashes once, for coverage and variant together: it has no seed for coverage",
            ));
        }
    }
}

fn check_weights(weights: &[f64], problems: &mut Vec<Refusal>) {
    for (index, &weight) in weights.iter().enumerate() {
        // Written so that NaN fails.
        if !(weight >= 0.0 && weight.is_finite()) {
            problems.push(Refusal::new(DefinitionPart::Weight(index), "a weight must be a number from 0 up"));
        }
    }
    let total: f64 = weights.iter().sum();
    if !weights.is_empty() && (total == 0.0 || total == f64::INFINITY) {
        problems
            .push(Refusal::new(DefinitionPart::Layout, "the sum of the weights must be above 0 and finite"));
    }
}

/// The allocation, one entry for each variant.
#[derive(Clone, Copy, Debug)]
pub enum Layout<'a> {
    /// A weight for each variant, as the vendor's definition has it.
    Weights(&'a [f64]),
    /// Any number of ranges for each variant. Coverage must be 1: what no range has does not take part.
    Ranges(&'a [Vec<Span>]),
}

/// A part of all units: from `start` up to, but without, `end`, both from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// Where the range begins.
    pub start: f64,
    /// Where it ends.
    pub end: f64,
}

impl Span {
    /// The range `[start, end)`.
    pub const fn new(start: f64, end: f64) -> Self {
        Self { start, end }
    }
}

/// The part of a [`Definition`] that is refused. Indexes count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefinitionPart {
    /// `seed`.
    Seed,
    /// `coverage_seed`.
    CoverageSeed,
    /// `coverage`.
    Coverage,
    /// The layout as a whole.
    Layout,
    /// One variant's weight.
    Weight(usize),
    /// One range of one variant.
    Range {
        /// The variant's index.
        variant: usize,
        /// The range's index among those of the variant.
        index: usize,
    },
}

/// Why something is refused.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// A plain sentence.
    Text(&'static str),
    /// A weight that `weir-1` cannot lay out.
    Weight(InvalidWeight),
    /// A range that `weir-1` cannot lay out.
    Range(InvalidRange),
}

/// One mistake in a [`Definition`].
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Where it is.
    pub place: DefinitionPart,
    /// Its type.
    pub reason: Reason,
}

impl Refusal {
    pub(crate) const fn new(place: DefinitionPart, text: &'static str) -> Self {
        Self { place, reason: Reason::Text(text) }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::Text(text) => f.write_str(text),
            Reason::Weight(weight) => weight.fmt(f),
            Reason::Range(range) => range.fmt(f),
        }
    }
}

/// All mistakes of a [`Definition`].
///
/// ```
/// use weir_allocation::sdk::{Algorithm, Assigner, Definition, DefinitionPart, Layout, Reason, Refusal};
///
/// let (key, layout) = ("checkout", Layout::Weights(&[90.0, 10.0]));
/// let half = Definition { key, seed: None, coverage_seed: None, coverage: 0.5, layout };
/// let refused = Assigner::new(Algorithm::EnvoyXxh64, &half).unwrap_err();
/// let reason = Reason::Text("envoy-xxh64 has no coverage: add a variant for the rest");
/// assert_eq!(refused.0, [Refusal { place: DefinitionPart::Coverage, reason }]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Refused(pub Vec<Refusal>);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, refusal) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            refusal.fmt(f)?;
        }
        Ok(())
    }
}

impl Error for Refused {}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(vec![refusal])
    }
}
