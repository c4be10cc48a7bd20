//! From weights or ranges to the allocation.

use crate::config::{Experiment, Ramp as Spec};
use crate::fraction::FractionSpec;
use crate::plan::{Ramp, Rule};
use weir_allocation::sdk::{Algorithm, Assigner, Definition, DefinitionPart, Layout, Refusal, Refused, Span};
use weir_core::problem::suggestion;
use weir_core::{At, Compiler, Steps};

/// How the units of an experiment become variants. `has_unit` says whether there can be any.
pub(super) fn rule(
    experiment: &Experiment,
    has_unit: bool,
    compiler: &mut Compiler<'_>,
    at: &At,
) -> Option<Rule> {
    if !has_unit {
        return everyone(experiment, compiler, at);
    }
    let by_ranges = experiment.variants.iter().any(|variant| variant.ranges.is_some());
    let weights = weights(experiment, by_ranges, compiler, at);
    let ranges: Vec<Vec<Span>> = experiment
        .variants
        .iter()
        .map(|variant| {
            variant.ranges.iter().flatten().map(|[start, end]| Span::new(start.0, end.0)).collect()
        })
        .collect();
    let algorithm = algorithm(experiment.hash.as_deref(), compiler, &at.field("hash"));
    let assigner = |taken| {
        let definition = Definition {
            key: &experiment.key,
            seed: experiment.seed.as_deref(),
            coverage_seed: experiment.coverage_seed.as_deref(),
            coverage: experiment.coverage_after(taken),
            layout: if by_ranges { Layout::Ranges(&ranges) } else { Layout::Weights(&weights) },
        };
        Assigner::new(algorithm, &definition)
    };
    let last = match assigner(u32::MAX) {
        Ok(last) => last,
        Err(refused) => {
            refused.0.iter().for_each(|refusal| report(refusal, compiler, at));
            return None;
        }
    };
    match &experiment.ramp {
        None => Some(Rule::Hash(last)),
        Some(spec) => ramp(experiment, spec, by_ranges, assigner, compiler, &at.field("ramp")),
    }
}

/// A coverage that rises.
fn ramp(
    experiment: &Experiment,
    spec: &Spec,
    by_ranges: bool,
    assigner: impl Fn(u32) -> Result<Assigner, Refused>,
    compiler: &mut Compiler<'_>,
    at: &At,
) -> Option<Rule> {
    let steps = Steps::compile(&spec.when, compiler, at);
    if by_ranges {
        compiler.problems.add(at, "needs weights and a coverage: ranges have none that could rise");
        return None;
    }
    if experiment.coverage_after(0) >= experiment.coverage_after(u32::MAX) {
        compiler.problems.add(&at.field("from"), "is not below `coverage`, to which it rises");
        return None;
    }
    let steps = steps?;
    let mut stages = Vec::new();
    for taken in 0..=steps.number() {
        match assigner(taken) {
            Ok(stage) => stages.push(stage),
            Err(refused) => {
                compiler.problems.add(at, format!("step {taken}: {refused}"));
                return None;
            }
        }
    }
    Some(Rule::Ramp(Box::new(Ramp { steps, stages: stages.into() })))
}

/// An experiment without units: only what asks for none is allowed.
fn everyone(experiment: &Experiment, compiler: &mut Compiler<'_>, at: &At) -> Option<Rule> {
    let whole = experiment.coverage.is_none_or(|coverage| coverage == FractionSpec::ALL);
    let asks =
        !whole || experiment.ramp.is_some() || !experiment.holdout.is_empty() || !experiment.layer.is_empty();
    if asks || experiment.variants.len() != 1 || experiment.variants.iter().any(|v| v.ranges.is_some()) {
        let message = "specify the source of the unit (such as header:x-user-id), here or for the whole section, or a mintCookie";
        compiler.problems.missing(&at.field("unit"), message);
        return None;
    }
    Some(Rule::Everyone)
}

/// The weights; 1 for those that are missing, which is right for a single variant only.
fn weights(experiment: &Experiment, by_ranges: bool, compiler: &mut Compiler<'_>, at: &At) -> Vec<f64> {
    let single = experiment.variants.len() == 1;
    for (i, variant) in experiment.variants.iter().enumerate() {
        let at = at.field("variants").index(i).field("weight");
        match (variant.weight, by_ranges) {
            (Some(_), true) => {
                let message = "other variants have ranges: use ranges for all variants, or weights for all";
                compiler.problems.add(&at, message);
            }
            (None, false) if !single => compiler.problems.missing(&at, "expected a weight, such as 50"),
            _ => {}
        }
    }
    experiment.variants.iter().map(|variant| variant.weight.unwrap_or(1.0)).collect()
}

fn report(refusal: &Refusal, compiler: &mut Compiler<'_>, at: &At) {
    let variants = at.field("variants");
    let at = match refusal.place {
        DefinitionPart::Seed => at.field("seed"),
        DefinitionPart::CoverageSeed => at.field("coverageSeed"),
        DefinitionPart::Coverage => at.field("coverage"),
        DefinitionPart::Layout => variants,
        DefinitionPart::Weight(i) => variants.index(i).field("weight"),
        DefinitionPart::Range { variant, index } => variants.index(variant).field("ranges").index(index),
    };
    // What is wrong with all of them is often the consequence of one.
    compiler.problems.missing(&at, refusal.to_string());
}

/// The algorithm of this name; `weir-1` without one.
pub(super) fn algorithm(name: Option<&str>, compiler: &mut Compiler<'_>, at: &At) -> Algorithm {
    let Some(name) = name else { return Algorithm::Weir1 };
    Algorithm::from_name(name).unwrap_or_else(|| {
        let known: Vec<&str> = Algorithm::ALL.iter().map(|algorithm| algorithm.name()).collect();
        compiler.problems.add(at, format!("unknown hash {name:?}{}", suggestion(name, &known)));
        Algorithm::Weir1
    })
}
