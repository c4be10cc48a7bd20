//! From a unit to a variant, by any algorithm.

use super::draw::Draw;
use super::rule::{Assignment, Sdk};
use super::{Algorithm, Definition, Refused, Segment, digest, envoy, growthbook, murmur, weir};
use crate::{Allocation, BUCKETS, Salt};

/// An experiment's assignment, prepared at configure time.
///
/// ```
/// use weir_allocation::sdk::{
///     Algorithm, Assigner, Assignment, Definition, Explanation, Layout, Number, Segment,
/// };
///
/// // Envoy's weighted clusters: the sum of the weights is the divisor.
/// let (key, layout) = ("canary", Layout::Weights(&[9.0, 1.0]));
/// let split = Definition { key, seed: None, coverage_seed: None, coverage: 1.0, layout };
/// let assigner = Assigner::new(Algorithm::EnvoyXxh64, &split)?;
/// assert_eq!(assigner.segments()[1], Segment { start: 9, end: 10, variant: 1 });
/// assert_eq!((assigner.scale(), assigner.share_of(1), assigner.gate_share()), (10, 0.1, 1.0));
///
/// // What led to the assignment: one of ten numbers. This algorithm does not hash the coverage apart.
/// let Explanation { assignment, coverage: None, draw: Some(draw) } = assigner.explain(b"user-42") else {
///     unreachable!()
/// };
/// assert_eq!(draw, Number { value: draw.value, origin: 0, scale: 10 });
/// assert_eq!(assignment, Assignment::Variant(usize::from(draw.value == 9)));
/// # Ok::<(), weir_allocation::sdk::Refused>(())
/// ```
#[derive(Clone, Debug)]
pub struct Assigner {
    algorithm: Algorithm,
    variants: usize,
    rule: Rule,
}

/// `weir-1` apart, so that it costs no more than its salt and its allocation.
#[derive(Clone, Debug)]
enum Rule {
    Weir { salt: Salt, allocation: Allocation },
    Sdk(Box<Sdk<Draw>>),
}

/// The number that a hash gave a unit, from `origin` up to, but without, `origin + scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// The number, as the vendor counts.
    pub value: u64,
    /// The first number: 0, or 1 where the vendor counts from one.
    pub origin: u64,
    /// How many numbers there are.
    pub scale: u64,
}

/// An assignment with the numbers that led to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What becomes of the unit.
    pub assignment: Assignment,
    /// The number that decides about coverage, for algorithms that hash it apart, and one past the last number that
    /// takes part.
    pub coverage: Option<(Number, u64)>,
    /// The number that decides about the variant. `None` where the SDK takes the unit for a missing one, or where
    /// coverage has decided already.
    pub draw: Option<Number>,
}

impl Assigner {
    /// Prepares an experiment.
    ///
    /// # Errors
    /// All mistakes that no algorithm accepts; where there are none, all that this one does not: seeds, steps of
    /// weights, ranges or a coverage that the vendor does not have.
    pub fn new(algorithm: Algorithm, definition: &Definition<'_>) -> Result<Self, Refused> {
        let problems = definition.check();
        if !problems.is_empty() {
            return Err(Refused(problems));
        }
        let sdk = match algorithm {
            Algorithm::Weir1 => None,
            Algorithm::GrowthBook1 => Some(growthbook::version_1(definition)?.map(Draw::GrowthBook)),
            Algorithm::GrowthBook2 => Some(growthbook::version_2(definition)?.map(Draw::GrowthBook)),
            Algorithm::Unleash => Some(murmur::unleash(definition)?.map(Draw::Murmur)),
            Algorithm::Optimizely => Some(murmur::optimizely(definition)?.map(Draw::Murmur)),
            Algorithm::Flagd1 => Some(murmur::flagd_1(definition)?.map(Draw::Murmur)),
            Algorithm::Flagd2 => Some(murmur::flagd_2(definition)?.map(Draw::Murmur)),
            Algorithm::LaunchDarkly => Some(digest::launchdarkly(definition)?.map(Draw::Digest)),
            Algorithm::Statsig => Some(digest::statsig(definition)?.map(Draw::Digest)),
            Algorithm::StatsigGate => Some(digest::statsig_gate(definition)?.map(Draw::Digest)),
            Algorithm::PlanOut => Some(digest::planout(definition)?.map(Draw::Digest)),
            Algorithm::Split => Some(murmur::split(definition)?.map(Draw::Murmur)),
            Algorithm::Flagsmith => Some(digest::flagsmith(definition)?.map(Draw::Digest)),
            Algorithm::ConfigCat => Some(digest::configcat(definition)?.map(Draw::Digest)),
            Algorithm::EnvoyXxh64 => Some(envoy::envoy_xxh64(definition)?.map(Draw::Envoy)),
        };
        let rule = match sdk {
            Some(sdk) => Rule::Sdk(Box::new(sdk)),
            None => {
                let (salt, allocation) = weir::prepare(definition)?;
                Rule::Weir { salt, allocation }
            }
        };
        Ok(Self { algorithm, variants: definition.variants(), rule })
    }

    /// What becomes of a unit. Integers only, and nothing is allocated.
    #[inline]
    pub fn assign(&self, unit: &[u8]) -> Assignment {
        match &self.rule {
            Rule::Weir { salt, allocation } => allocation.pick(salt.bucket(unit)).into(),
            Rule::Sdk(sdk) => sdk.assign(unit),
        }
    }

    /// What becomes of a request that has no unit (no such header, no such cookie).
    ///
    /// ```
    /// use weir_allocation::sdk::{Algorithm, Assigner, Assignment, Definition, Layout};
    ///
    /// let (key, layout) = ("checkout", Layout::Weights(&[90.0, 10.0]));
    /// let flag = Definition { key, seed: Some("a salt"), coverage_seed: None, coverage: 1.0, layout };
    /// let missing = |algorithm| Assigner::new(algorithm, &flag).map(|assigner| assigner.assign_missing());
    /// assert_eq!(missing(Algorithm::Weir1), Ok(Assignment::NotCovered));
    /// assert_eq!(missing(Algorithm::LaunchDarkly), Ok(Assignment::Variant(0)), "their SDK takes the number 0");
    /// ```
    pub fn assign_missing(&self) -> Assignment {
        match &self.rule {
            Rule::Weir { .. } => Assignment::NotCovered,
            Rule::Sdk(sdk) => sdk.missing,
        }
    }

    /// What becomes of a unit, and why. For people; requests want [`assign`](Self::assign).
    pub fn explain(&self, unit: &[u8]) -> Explanation {
        match &self.rule {
            Rule::Weir { salt, allocation } => {
                let bucket = salt.bucket(unit);
                Explanation {
                    assignment: allocation.pick(bucket).into(),
                    coverage: None,
                    draw: Some(Number { value: bucket.index().into(), origin: 0, scale: BUCKETS.into() }),
                }
            }
            Rule::Sdk(sdk) => sdk.explain(unit),
        }
    }

    /// The algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The number of variants, with those that nobody gets.
    pub const fn variants(&self) -> usize {
        self.variants
    }

    /// How many numbers the hash that picks the variant can give.
    pub fn scale(&self) -> u64 {
        match &self.rule {
            Rule::Weir { .. } => BUCKETS.into(),
            Rule::Sdk(sdk) => sdk.draw.scale(),
        }
    }

    /// Which numbers belong to which variant, in ascending order, counted from 0. Numbers that no segment has
    /// do not take part.
    pub fn segments(&self) -> Vec<Segment> {
        match &self.rule {
            Rule::Weir { allocation, .. } => allocation
                .ranges()
                .map(|(range, variant)| Segment { start: range.start.into(), end: range.end.into(), variant })
                .collect(),
            Rule::Sdk(sdk) => sdk.boundaries.segments().to_vec(),
        }
    }

    /// The part of all units, from 0 to 1, that passes a coverage which is hashed apart; 1 for all other algorithms.
    pub fn gate_share(&self) -> f64 {
        match &self.rule {
            Rule::Sdk(sdk) => {
                sdk.gate.as_ref().map_or(1.0, |gate| gate.end as f64 / gate.draw.scale() as f64)
            }
            Rule::Weir { .. } => 1.0,
        }
    }

    /// The part of all units, from 0 to 1, that gets a variant.
    pub fn share_of(&self, variant: usize) -> f64 {
        let segments = self.segments();
        let numbers: u64 =
            segments.iter().filter(|it| it.variant == variant).map(|it| it.end - it.start).sum();
        self.gate_share() * numbers as f64 / self.scale() as f64
    }
}

impl Sdk<Draw> {
    /// Out of line: `weir-1` must not pay for the vendors' stack frames.
    #[inline(never)]
    fn assign(&self, unit: &[u8]) -> Assignment {
        if self.empty_is_missing && unit.is_empty() {
            return self.missing;
        }
        if self.gate.as_ref().is_some_and(|gate| gate.draw.number(unit) >= gate.end) {
            return Assignment::NotCovered;
        }
        self.boundaries.pick(self.draw.number(unit)).into()
    }

    fn explain(&self, unit: &[u8]) -> Explanation {
        let hashed = !(self.empty_is_missing && unit.is_empty());
        let coverage = self.gate.as_ref().filter(|_| hashed).map(|gate| {
            let number = Number::of(&gate.draw, unit);
            (number, number.origin + gate.end)
        });
        let covered = hashed && coverage.is_none_or(|(number, end)| number.value < end);
        let draw = covered.then(|| Number::of(&self.draw, unit));
        Explanation { assignment: self.assign(unit), coverage, draw }
    }
}

impl Number {
    fn of(draw: &Draw, unit: &[u8]) -> Self {
        let origin = draw.origin();
        Self { value: draw.number(unit) + origin, origin, scale: draw.scale() }
    }
}
