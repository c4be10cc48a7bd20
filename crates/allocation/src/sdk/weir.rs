//! `weir-1` in the terms of the other algorithms.

use super::boundaries::sorted_spans;
use super::{Definition, DefinitionPart, Layout, Reason, Refusal, Refused, Span};
use crate::{Allocation, BucketRange, Fraction, Salt, Weights, contiguous};

/// The seed defaults to the key. Coverage narrows each variant's range, so it has no seed.
pub(crate) fn prepare(definition: &Definition<'_>) -> Result<(Salt, Allocation), Refused> {
    let mut problems = Vec::new();
    definition.refuse_coverage_seed(&mut problems);
    if let Layout::Ranges(ranges) = definition.layout {
        sorted_spans(ranges, &mut problems);
    }
    if !problems.is_empty() {
        return Err(Refused(problems));
    }
    let allocation = match definition.layout {
        Layout::Weights(weights) => of_weights(weights, definition.coverage)?,
        Layout::Ranges(ranges) => of_ranges(ranges)?,
    };
    Ok((Salt::new(definition.seed_or_key()), allocation))
}

fn of_weights(weights: &[f64], coverage: f64) -> Result<Allocation, Refused> {
    let Ok(coverage) = Fraction::from_fraction(coverage) else {
        return Err(Refusal::new(DefinitionPart::Coverage, "coverage must be in whole millionths").into());
    };
    Weights::from_relative(weights).and_then(|weights| contiguous(&weights, coverage)).map_err(|invalid| {
        let refusal = |weight| Refusal { place: DefinitionPart::Layout, reason: Reason::Weight(weight) };
        Refused(invalid.0.into_iter().map(refusal).collect())
    })
}

fn of_ranges(ranges: &[Vec<Span>]) -> Result<Allocation, Refused> {
    let mut problems = Vec::new();
    let mut by_variant = Vec::with_capacity(ranges.len());
    for (variant, spans) in ranges.iter().enumerate() {
        let mut whole = Vec::with_capacity(spans.len());
        for (index, span) in spans.iter().enumerate() {
            match (Fraction::from_fraction(span.start), Fraction::from_fraction(span.end)) {
                (Ok(start), Ok(end)) => whole.push(BucketRange::new(start.millionths(), end.millionths())),
                _ => problems.push(Refusal::new(
                    DefinitionPart::Range { variant, index },
                    "a range must start and end at whole millionths",
                )),
            }
        }
        by_variant.push(whole);
    }
    if !problems.is_empty() {
        return Err(Refused(problems));
    }
    Allocation::new(&by_variant).map_err(|invalid| {
        let refusal = |range| Refusal { place: DefinitionPart::Layout, reason: Reason::Range(range) };
        Refused(invalid.0.into_iter().map(refusal).collect())
    })
}
