//! The vendors that hash with MurmurHash3: Unleash, Optimizely, flagd and Split.

use super::boundaries::{Boundaries, first};
use super::hash::{Murmur3, text};
use super::pieces::Pieces;
use super::rule::{Gate, Sdk};
use super::{Definition, DefinitionPart, Refusal, Refused};

/// `onto(murmur3(prefix ‖ unit ‖ suffix))`.
#[derive(Clone, Debug)]
pub(crate) struct Murmur {
    /// The state after the prefix.
    seeded: Murmur3,
    suffix: Box<str>,
    onto: Onto,
}

/// How 32 bits become a number on the vendor's scale.
#[derive(Clone, Copy, Debug)]
enum Onto {
    /// `hash % scale + 1`: Unleash and Split, who count from one.
    RemainderFromOne(u32),
    /// `hash * scale / 2^32`: Optimizely and flagd-2.
    Product(u32),
    /// `abs(hash as i32)`, up to 2^31 inclusive: flagd-1.
    Magnitude,
}

impl Murmur {
    fn new(seed: u32, prefix: &str, suffix: &str, onto: Onto) -> Self {
        Self { seeded: Murmur3::new(seed).update(prefix.as_bytes()), suffix: suffix.into(), onto }
    }

    pub(crate) fn number(&self, unit: &[u8]) -> u64 {
        let hash = text(unit).fold(self.seeded, |state, part| state.update(part.as_bytes()));
        let hash = hash.update(self.suffix.as_bytes()).finish();
        match self.onto {
            // A scale is never zero.
            Onto::RemainderFromOne(scale) => u64::from(hash.checked_rem(scale).unwrap_or_default()),
            Onto::Product(scale) => (u64::from(hash) * u64::from(scale)) >> u32::BITS,
            Onto::Magnitude => u64::from(hash.cast_signed().unsigned_abs()),
        }
    }

    pub(crate) const fn scale(&self) -> u64 {
        match self.onto {
            Onto::RemainderFromOne(scale) | Onto::Product(scale) => scale as u64,
            Onto::Magnitude => MAGNITUDES,
        }
    }

    pub(crate) const fn origin(&self) -> u64 {
        matches!(self.onto, Onto::RemainderFromOne(_)) as u64
    }
}

/// Unleash. Source: `normalized_hash` and the variant selection of Yggdrasil, the engine of Unleash's SDKs.
///
/// The seed is the group id and defaults to the key, which is the flag's name. Coverage is the percentage of a
/// flexible rollout; its seed is the strategy's group id where that is not the variants'. Weights are whole numbers as
/// Unleash sends them: their sum, usually 1000, is the scale.
pub(crate) fn unleash(definition: &Definition<'_>) -> Result<Sdk<Murmur>, Refused> {
    const VARIANT_SEED: u32 = 86_028_157;
    const RANGES_OF: u32 = 1000;
    let group = [definition.seed_or_key(), ":"].concat();
    let coverage_group = [definition.coverage_seed.unwrap_or(definition.seed_or_key()), ":"].concat();
    let mut problems = Vec::new();
    let gate = percent_gate(definition, Murmur::new(0, &coverage_group, "", PERCENT), &mut problems);
    let pieces = Pieces::whole(definition, RANGES_OF, &mut problems);
    let (boundaries, total) = pieces.into_boundaries(problems)?;
    let draw = Murmur::new(VARIANT_SEED, &group, "", Onto::RemainderFromOne(total));
    Ok(Sdk { gate, ..Sdk::without_gate(draw, boundaries) })
}

/// Split (Harness), algorithm 2. Source: `engineUtils` and `murmur3` of Split's JavaScript SDK.
///
/// The seeds are the split's `seed` and `trafficAllocationSeed`, both signed 32-bit numbers as text.
pub(crate) fn split(definition: &Definition<'_>) -> Result<Sdk<Murmur>, Refused> {
    let mut problems = Vec::new();
    let seed = signed(definition.seed, DefinitionPart::Seed, &mut problems);
    let gate = if definition.coverage < 1.0 {
        let seed = signed(definition.coverage_seed, DefinitionPart::CoverageSeed, &mut problems);
        percent_gate(definition, Murmur::new(seed, "", "", PERCENT), &mut problems)
    } else {
        None
    };
    let pieces = Pieces::on_grid(definition, 100, &mut problems);
    let (boundaries, _) = pieces.into_boundaries(problems)?;
    let draw = Murmur::new(seed, "", "", PERCENT);
    Ok(Sdk { gate, empty_is_missing: true, ..Sdk::without_gate(draw, boundaries) })
}

/// Optimizely. Source: `bucket_value_generator` and `bucketer` of Optimizely's JavaScript SDK.
///
/// The seed is the experiment's id (not its key). Weights and ranges are in steps of 0.01 %, as
/// `trafficAllocation` has them; coverage leaves a gap after each variant, as Optimizely does.
pub(crate) fn optimizely(definition: &Definition<'_>) -> Result<Sdk<Murmur>, Refused> {
    const HASH_SEED: u32 = 1;
    const SCALE: u32 = 10_000;
    let mut problems = Vec::new();
    definition.refuse_coverage_seed(&mut problems);
    let id = definition.required_seed("optimizely needs the experiment's id as its seed", &mut problems);
    let pieces = Pieces::narrowed(definition, SCALE, &mut problems);
    let (boundaries, _) = pieces.into_boundaries(problems)?;
    let draw = Murmur::new(HASH_SEED, "", id, Onto::Product(SCALE));
    Ok(Sdk::without_gate(draw, boundaries))
}

/// flagd's `fractional`, high precision. Source: `fractional.go` of flagd's core.
///
/// The seed is what precedes the unit: the flag's key by default, nothing where the operator's first element
/// is an expression of its own. Weights are whole numbers.
pub(crate) fn flagd_2(definition: &Definition<'_>) -> Result<Sdk<Murmur>, Refused> {
    let (boundaries, total) =
        flagd_pieces(definition).and_then(|pieces| pieces.into_boundaries(Vec::new()))?;
    let draw = Murmur::new(0, definition.seed_or_key(), "", Onto::Product(total));
    // An empty targeting key is none; an expression's empty result is hashed as it is.
    Ok(Sdk { empty_is_missing: definition.seed.is_none(), ..Sdk::without_gate(draw, boundaries) })
}

/// The numbers of flagd-1: 0 to 2^31 inclusive.
const MAGNITUDES: u64 = (1 << 31) + 1;

/// flagd's `fractional` as it was up to core 0.13. Source: `fractional.go` of that version.
pub(crate) fn flagd_1(definition: &Definition<'_>) -> Result<Sdk<Murmur>, Refused> {
    let pieces = flagd_pieces(definition)?;
    let total = pieces.total() as f64;
    let mut sum = 0.0;
    let ends: Vec<u64> = pieces
        .weights()
        .map(|weight| {
            sum += 100.0 * weight as f64 / total;
            first(MAGNITUDES, |number| number as f64 / f64::from(i32::MAX) * 100.0 >= sum)
        })
        .collect();
    let boundaries = Boundaries::side_by_side(pieces.owners(), &ends);
    let draw = Murmur::new(0, definition.seed_or_key(), "", Onto::Magnitude);
    Ok(Sdk::without_gate(draw, boundaries))
}

fn flagd_pieces(definition: &Definition<'_>) -> Result<Pieces, Refused> {
    const RANGES_OF: u32 = 1_000_000;
    let mut problems = Vec::new();
    definition.refuse_coverage_seed(&mut problems);
    definition.refuse_coverage("flagd has no coverage: add a variant for the rest", &mut problems);
    let pieces = Pieces::whole(definition, RANGES_OF, &mut problems);
    if problems.is_empty() { Ok(pieces) } else { Err(Refused(problems)) }
}

/// 1 to 100.
const PERCENT: Onto = Onto::RemainderFromOne(100);

/// Lets whole percentages through; `None` where everybody takes part.
fn percent_gate(
    definition: &Definition<'_>,
    draw: Murmur,
    problems: &mut Vec<Refusal>,
) -> Option<Gate<Murmur>> {
    if definition.coverage == 1.0 {
        return None;
    }
    let end = definition.coverage_on(100, "coverage must be a whole percentage", problems);
    Some(Gate { draw, end })
}

/// A seed of Split's, in two's complement.
fn signed(seed: Option<&str>, place: DefinitionPart, problems: &mut Vec<Refusal>) -> u32 {
    match seed.and_then(|seed| seed.parse::<i32>().ok()) {
        Some(seed) => seed.cast_unsigned(),
        None => {
            problems.push(Refusal::new(place, "split needs its seeds, as signed 32-bit numbers"));
            0
        }
    }
}
