//! Envoy's own weighted clusters with `use_hash_policy`, hashed by one header.

use xxhash_rust::xxh64::xxh64;

use super::pieces::Pieces;
use super::rule::Sdk;
use super::{Definition, DefinitionPart, Layout, Refusal, Refused};

/// `xxh64(unit) % total`. The bytes are hashed as they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envoy {
    total: u32,
}

impl Envoy {
    pub(crate) fn number(self, unit: &[u8]) -> u64 {
        // The total is never zero.
        xxh64(unit, 0).checked_rem(self.scale()).unwrap_or_default()
    }

    pub(crate) const fn scale(self) -> u64 {
        self.total as u64
    }
}

/// Source: `weighted_cluster_specifier.cc` and `http/hash_policy.cc` of Envoy.
///
/// There is no seed: all routes that hash the same header make the same choice. Weights are whole numbers, and their
/// sum is the divisor: 90 and 10 is another assignment than 9 and 1.
pub(crate) fn envoy_xxh64(definition: &Definition<'_>) -> Result<Sdk<Envoy>, Refused> {
    let mut problems = Vec::new();
    definition.refuse_coverage_seed(&mut problems);
    definition.refuse_coverage("envoy-xxh64 has no coverage: add a variant for the rest", &mut problems);
    if definition.seed.is_some() {
        problems.push(Refusal::new(DefinitionPart::Seed, "envoy-xxh64 has no seed"));
    }
    if matches!(definition.layout, Layout::Ranges(_)) {
        problems.push(Refusal::new(DefinitionPart::Layout, "envoy-xxh64 has no ranges: use weights"));
    }
    let pieces = Pieces::whole(definition, 1, &mut problems);
    let (boundaries, total) = pieces.into_boundaries(problems)?;
    Ok(Sdk::without_gate(Envoy { total }, boundaries))
}
