//! The configuration that is released: its versions, one for each step.

use super::backend::Backend;
use super::record::Version;
use super::specification::Specification;
use crate::document::{self, Loaded};
use crate::environment;
use crate::subject::{Origin, Which};
use anyhow::{Context as _, anyhow, bail};
use weir_core::load::fingerprint_of;
use weir_rollout::Subject;
use weir_workbench::change::plan::Change;

/// The number that proxies report for a configuration.
pub(crate) fn fingerprint(loaded: &Loaded) -> u64 {
    let written = loaded.written.as_ref().map(|node| node.to_json()).unwrap_or_default();
    fingerprint_of(&written)
}

/// Which option of `weir plan` chooses what is divided.
pub(super) fn which(subject: &Subject) -> Which {
    match subject {
        Subject::Experiment(key) => Which::Experiment(key.clone()),
        Subject::Split(rule) => Which::Split(rule.clone()),
    }
}

/// The configuration in a text of the target.
///
/// # Errors
/// It cannot be used, or does not have what is divided.
pub(super) fn load(specification: &Specification, text: &str) -> anyhow::Result<Loaded> {
    let which = which(&specification.plan.subject);
    let name = specification.place.clone();
    let loaded = document::find(&name, text, &environment::inherited(), |loaded| which.find(loaded).is_ok())?;
    which.find(&loaded).with_context(|| name.clone())?;
    Ok(loaded)
}

/// The versions of the target: the given text, and what each step makes of the one before. Fills in the plan's names.
///
/// # Errors
/// A configuration that cannot be used or edited, names that there are not, steps that change nothing.
pub(super) fn versions(
    specification: &mut Specification,
    backend: &Backend,
    original: &str,
) -> anyhow::Result<Vec<Version>> {
    let name = specification.place.clone();
    let which = which(&specification.plan.subject);
    let loaded = load(specification, original)?;
    let texts = |weights: &[(String, f64)]| -> Vec<String> {
        weights.iter().map(|(name, weight)| format!("{name}={weight}")).collect()
    };
    let mut weights = texts(&resolve(specification, &loaded)?);
    let mut versions = vec![Version { text: original.to_owned(), hash: fingerprint(&loaded) }];
    for (index, step) in specification.plan.steps.iter().enumerate() {
        let place = format!("{}: steps[{index}]", specification.name);
        if let Some(new) = &step.share.weights {
            weights = texts(new);
        }
        let coverage = step.share.coverage.map(|part| part.to_string());
        let change = Change {
            which: &which,
            weights: &weights,
            add: &[],
            coverage: coverage.as_deref(),
            variables: &environment::inherited(),
        };
        let before = versions.last().map(|version| version.text.as_str()).unwrap_or_default();
        let text = change.applied(&name, before).with_context(|| place.clone())?;
        let text = backend.canonical(text).with_context(|| place.clone())?;
        let hash = fingerprint(&load(specification, &text)?);
        if versions.iter().any(|known| known.text == text || known.hash == hash) {
            bail!("{place}: {}: changes nothing, or leads back to an earlier step", step.name);
        }
        versions.push(Version { text, hash });
    }
    Ok(versions)
}

/// Fills in the plan's names; the weights of the configuration by variant, relative to each other.
///
/// # Errors
/// Names that there are not.
pub(super) fn resolve(
    specification: &mut Specification,
    loaded: &Loaded,
) -> anyhow::Result<Vec<(String, f64)>> {
    let subject = which(&specification.plan.subject).find(loaded)?;
    let variants = subject.ranges.variants.clone();
    let mut plan = specification.plan.clone();
    plan.resolve(&variants).map_err(|problems| anyhow!(specification.problems(&problems)))?;
    specification.plan = plan;
    let shares: Vec<f64> = (0..variants.len()).map(|index| subject.ranges.share_of(index)).collect();
    let weights = match &subject.origin {
        // Where nobody takes part yet, shares say nothing of weights.
        Origin::Experiment(_, experiment) if experiment.variants.iter().any(|it| it.weight.is_some()) => {
            experiment.variants.iter().map(|variant| variant.weight.unwrap_or_default()).collect()
        }
        Origin::Experiment(..) | Origin::Split(_) => shares,
    };
    Ok(variants.into_iter().zip(weights).collect())
}
