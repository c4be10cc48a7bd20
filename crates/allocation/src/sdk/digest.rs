//! The vendors that hash with SHA-1, SHA-256 or MD5: LaunchDarkly, PlanOut, ConfigCat, Statsig and Flagsmith.

use md5::Md5;
use sha1::Sha1;
use sha2::Sha256;

use super::boundaries::{Boundaries, first};
use super::hash::text;
use super::pieces::{Pieces, parts_of_sum};
use super::rule::{Gate, Sdk};
use super::{Definition, DefinitionPart, Layout, Refusal, Refused};

/// `onto(digest(prefix ‖ unit))`.
#[derive(Clone, Debug)]
pub(crate) struct Digest {
    prefix: Box<str>,
    onto: Onto,
}

/// Which digest, and how its first bits become a number.
#[derive(Clone, Copy, Debug)]
enum Onto {
    /// The first 15 hex digits of SHA-1: LaunchDarkly and PlanOut.
    Sha1Hex15,
    /// The first 7 hex digits of SHA-1, modulo 100: ConfigCat.
    Sha1Percent,
    /// The first 8 bytes of SHA-256, modulo this: Statsig.
    Sha256(u64),
    /// All of MD5 modulo 9999, and again with the text repeated as long as that gives 9998: Flagsmith.
    Md5Repeated,
}

/// 15 hex digits.
const HEX_15: u64 = 1 << 60;
/// `0xfffffffffffffff` as both LaunchDarkly and PlanOut have it: a double, which rounds it up.
const HEX_15_DIVISOR: f64 = 0x0fff_ffff_ffff_ffff_u64 as f64;
/// 9998 itself is never the result.
const FLAGSMITH_SCALE: u64 = 9998;

impl Digest {
    fn new(prefix: &str, onto: Onto) -> Self {
        Self { prefix: prefix.into(), onto }
    }

    pub(crate) fn number(&self, unit: &[u8]) -> u64 {
        match self.onto {
            Onto::Sha1Hex15 => self.sha1(unit) >> 4,
            Onto::Sha1Percent => (self.sha1(unit) >> 36) % 100,
            // A scale is never zero.
            Onto::Sha256(scale) => {
                leading(&self.hashed::<Sha256>(unit, 1)).checked_rem(scale).unwrap_or_default()
            }
            Onto::Md5Repeated => self.md5_repeated(unit),
        }
    }

    fn sha1(&self, unit: &[u8]) -> u64 {
        leading(&self.hashed::<Sha1>(unit, 1))
    }

    fn md5_repeated(&self, unit: &[u8]) -> u64 {
        const REMAINDERS: u128 = 9999;
        let mut times = 1;
        loop {
            let digest = self.hashed::<Md5>(unit, times);
            let value = digest.iter().fold(0_u128, |value, &byte| (value << u8::BITS) | u128::from(byte));
            // Below 9999. One unit in 9999 goes round again.
            let number = (value % REMAINDERS) as u64;
            if number != FLAGSMITH_SCALE {
                return number;
            }
            times += 1;
        }
    }

    /// The digest of the text, written `times` times with commas between.
    fn hashed<D: sha1::Digest>(&self, unit: &[u8], times: u32) -> sha1::digest::Output<D> {
        let mut digest = D::new();
        for time in 0..times {
            if time > 0 {
                digest.update(",");
            }
            digest.update(&*self.prefix);
            for part in text(unit) {
                digest.update(part);
            }
        }
        digest.finalize()
    }

    pub(crate) const fn scale(&self) -> u64 {
        match self.onto {
            Onto::Sha1Hex15 => HEX_15,
            Onto::Sha1Percent => 100,
            Onto::Sha256(scale) => scale,
            Onto::Md5Repeated => FLAGSMITH_SCALE,
        }
    }
}

/// The first eight bytes as a number, the first byte highest.
fn leading(digest: &[u8]) -> u64 {
    digest.first_chunk().copied().map_or(0, u64::from_be_bytes)
}

/// LaunchDarkly. Source: `bucket_context` and `variation_index_for_context` of its Python server SDK.
///
/// The seed is `<flag key>.<salt>`, or the rollout's own `seed`. Weights are in steps of 0.001 %. A unit beyond the
/// last boundary, which rounding makes possible, gets the last variation; a missing one gets bucket 0, so the first.
pub(crate) fn launchdarkly(definition: &Definition<'_>) -> Result<Sdk<Digest>, Refused> {
    const WEIGHTS_OF: u32 = 100_000;
    let mut problems = Vec::new();
    definition.refuse_coverage_seed(&mut problems);
    definition.refuse_coverage(
        "launchdarkly has no coverage: give ranges, or add a variant for the rest",
        &mut problems,
    );
    let seed =
        definition.required_seed("launchdarkly needs <flag key>.<salt> or the rollout's seed", &mut problems);
    let pieces = Pieces::on_grid(definition, WEIGHTS_OF, &mut problems);
    if !problems.is_empty() {
        return Err(Refused(problems));
    }
    let mut sum = 0.0;
    let mut ends: Vec<u64> = pieces
        .weights()
        .map(|weight| {
            sum += weight as f64 / f64::from(WEIGHTS_OF);
            first(HEX_15, |number| number as f64 / HEX_15_DIVISOR >= sum)
        })
        .collect();
    if let Some(last) = ends.last_mut() {
        *last = HEX_15;
    }
    let boundaries = Boundaries::side_by_side(pieces.owners(), &ends);
    let missing = boundaries.pick(0).into();
    let draw = Digest::new(&[seed, "."].concat(), Onto::Sha1Hex15);
    Ok(Sdk { missing, ..Sdk::without_gate(draw, boundaries) })
}

/// PlanOut's `WeightedChoice`. Source: `ops/random.py` of its Python library.
///
/// The seed is the full salt: `<experiment salt>.<parameter>`. Weights are any numbers.
pub(crate) fn planout(definition: &Definition<'_>) -> Result<Sdk<Digest>, Refused> {
    let mut problems = Vec::new();
    definition.refuse_coverage_seed(&mut problems);
    definition.refuse_coverage("planout has no coverage: add a variant for the rest", &mut problems);
    let seed =
        definition.required_seed("planout needs <experiment salt>.<parameter> as its seed", &mut problems);
    let Layout::Weights(weights) = definition.layout else {
        problems.push(Refusal::new(DefinitionPart::Layout, "planout has no ranges: use weights"));
        return Err(Refused(problems));
    };
    if !problems.is_empty() {
        return Err(Refused(problems));
    }
    let total: f64 = weights.iter().sum();
    let mut sum = 0.0;
    let ends: Vec<u64> = weights
        .iter()
        .map(|weight| {
            sum += weight;
            // The first variant whose sum is at least the draw: the boundary itself is inside.
            first(HEX_15, |number| total * (number as f64 / HEX_15_DIVISOR) > sum)
        })
        .collect();
    let owners: Vec<_> = (0..weights.len()).map(Some).collect();
    let draw = Digest::new(&[seed, "."].concat(), Onto::Sha1Hex15);
    Ok(Sdk::without_gate(draw, Boundaries::side_by_side(&owners, &ends)))
}

/// ConfigCat. Source: `RolloutEvaluator` of its SDKs. The seed is the setting's key; weights are whole percentages.
pub(crate) fn configcat(definition: &Definition<'_>) -> Result<Sdk<Digest>, Refused> {
    let mut problems = Vec::new();
    definition.refuse_coverage_seed(&mut problems);
    definition.refuse_coverage("configcat has no coverage: add a variant for the rest", &mut problems);
    let (boundaries, _) = Pieces::on_grid(definition, 100, &mut problems).into_boundaries(problems)?;
    let draw = Digest::new(definition.seed_or_key(), Onto::Sha1Percent);
    Ok(Sdk::without_gate(draw, boundaries))
}

/// Statsig's experiments. Source: `Evaluator` of its server SDKs, condition `user_bucket`.
///
/// The seed is the experiment's salt; the seed of the coverage is the salt of its allocation, which is the layer's.
/// Both count in steps of 0.1 %.
pub(crate) fn statsig(definition: &Definition<'_>) -> Result<Sdk<Digest>, Refused> {
    const SCALE: u32 = 1000;
    let mut problems = Vec::new();
    let seed = definition.required_seed("statsig needs the experiment's salt as its seed", &mut problems);
    let gate =
        definition.coverage_seed_where_needed("statsig needs the layer's salt", &mut problems).map(|layer| {
            Gate {
                draw: Digest::new(&[layer, "."].concat(), Onto::Sha256(SCALE.into())),
                end: definition.coverage_on(SCALE, "coverage must be in steps of 0.1 %", &mut problems),
            }
        });
    let (boundaries, _) = Pieces::on_grid(definition, SCALE, &mut problems).into_boundaries(problems)?;
    let draw = Digest::new(&[seed, "."].concat(), Onto::Sha256(SCALE.into()));
    Ok(Sdk { gate, ..Sdk::without_gate(draw, boundaries) })
}

/// Statsig's feature gates. Source: `Evaluator` of its server SDKs, `_eval_pass_percentage`.
///
/// The seed is `<gate's salt>.<rule's salt>`, where a rule without a salt has its id. A gate's pass percentage is the
/// coverage of a single variant, in steps of 0.01 %; coverage narrows each variant's range.
pub(crate) fn statsig_gate(definition: &Definition<'_>) -> Result<Sdk<Digest>, Refused> {
    const SCALE: u32 = 10_000;
    let mut problems = Vec::new();
    definition.refuse_coverage_seed(&mut problems);
    let seed =
        definition.required_seed("statsig-gate needs <gate's salt>.<rule's salt> as its seed", &mut problems);
    let (boundaries, _) = Pieces::narrowed(definition, SCALE, &mut problems).into_boundaries(problems)?;
    let draw = Digest::new(&[seed, "."].concat(), Onto::Sha256(SCALE.into()));
    Ok(Sdk::without_gate(draw, boundaries))
}

/// Flagsmith's multivariate features. Source: `utils/hashing.py` and `segments/evaluator.py` of its flag engine.
///
/// The seed is what precedes the unit: `<feature key>,`, and where identities have no key of their own
/// `<feature key>,<environment key>_`. The last variant, usually the control, has all that the others leave.
/// Coverage is a segment's percentage split, inclusive; its seed has the same form with the segment's key.
pub(crate) fn flagsmith(definition: &Definition<'_>) -> Result<Sdk<Digest>, Refused> {
    let mut problems = Vec::new();
    let seed = definition
        .required_seed("flagsmith needs <feature key>,<environment key>_ as its seed", &mut problems);
    for (text, place) in
        [(definition.seed, DefinitionPart::Seed), (definition.coverage_seed, DefinitionPart::CoverageSeed)]
    {
        if text.is_some_and(|text| !text.is_empty() && !text.as_bytes().contains(&b',')) {
            problems
                .push(Refusal::new(place, "flagsmith needs a comma after the key of a feature or a segment"));
        }
    }
    // Decimals of a percentage, without the error of the multiplication.
    let percent = (definition.coverage * 1e10).round() / 1e8;
    let gate = definition.coverage_seed_where_needed("flagsmith needs the segment's key", &mut problems).map(
        |segment| Gate {
            draw: Digest::new(segment, Onto::Md5Repeated),
            end: first(FLAGSMITH_SCALE, |number| flagsmith_percentage(number) > percent),
        },
    );
    let Layout::Weights(weights) = definition.layout else {
        problems.push(Refusal::new(DefinitionPart::Layout, "flagsmith has no ranges: use weights"));
        return Err(Refused(problems));
    };
    if !problems.is_empty() {
        return Err(Refused(problems));
    }
    let sum: f64 = weights.iter().sum();
    let percentages = (sum - 100.0).abs() < 1e-6;
    let mut limit = 0.0;
    let mut ends: Vec<u64> = parts_of_sum(weights)
        .zip(weights)
        .map(|(part, weight)| {
            limit += if percentages { *weight } else { part * 100.0 };
            first(FLAGSMITH_SCALE, |number| flagsmith_percentage(number) >= limit)
        })
        .collect();
    if let Some(last) = ends.last_mut() {
        *last = FLAGSMITH_SCALE;
    }
    let owners: Vec<_> = (0..weights.len()).map(Some).collect();
    let draw = Digest::new(seed, Onto::Md5Repeated);
    Ok(Sdk { gate, ..Sdk::without_gate(draw, Boundaries::side_by_side(&owners, &ends)) })
}

fn flagsmith_percentage(number: u64) -> f64 {
    number as f64 / FLAGSMITH_SCALE as f64 * 100.0
}
