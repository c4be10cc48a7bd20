//! Dependencies of a feature.
//!
//! Source: `is_parent_dependency_satisfied` of Yggdrasil. It evaluates the parent under the child's name, and
//! a parent that has parents itself is never satisfied.

use super::list::{Dependency, Feature, Features, Strategy};
use crate::model::{Requirement, Takes};
use crate::unsupported::Unsupported;

/// What a feature needs; `None` where it can never have it.
///
/// # Errors
/// What has no equivalent, for people.
pub(super) fn requirements(
    feature: &Feature,
    features: &Features,
) -> Result<Option<Vec<Requirement>>, Unsupported> {
    let mut all = Vec::new();
    for dependency in &feature.dependencies {
        let Some((_, parent)) = features.get(&dependency.feature) else { return Ok(None) };
        if !parent.dependencies.is_empty() {
            return Ok(None);
        }
        all.extend(requirement(dependency, parent)?);
    }
    Ok(Some(all))
}

fn requirement(dependency: &Dependency, parent: &Feature) -> Result<Vec<Requirement>, Unsupported> {
    let is_on = dependency.enabled.unwrap_or(true);
    let draws = |it: &Strategy| it.name == "flexibleRollout" && !it.parameters.contains_key("groupId");
    if parent.enabled && parent.strategies.iter().any(draws) {
        return Err(format!(
            "it depends on `{}`, whose rollout has no groupId: Unleash hashes it with this feature's name then",
            parent.name
        ).into());
    }
    let has_variants =
        !parent.variants.is_empty() || parent.strategies.iter().any(|strategy| !strategy.variants.is_empty());
    let needed = |takes: Takes, not: bool| Requirement { flag: parent.name.clone(), takes, not };
    if dependency.variants.is_empty() || !has_variants {
        return Ok(vec![needed(Takes::On, !is_on)]);
    }
    if !is_on {
        return Err(format!("it depends on `{}` being off, with a variant of its own", parent.name).into());
    }
    Ok(vec![needed(Takes::Variants(dependency.variants.clone()), false)])
}
