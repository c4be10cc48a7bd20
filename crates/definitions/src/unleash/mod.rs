//! Unleash's feature list, as its client API gives it (`/api/client/features`).
//!
//! Source: Yggdrasil, the engine of Unleash's SDKs. A feature is on where any of its strategies is; the
//! variant then depends on a second hash.

mod constraint;
mod dependency;
mod list;
mod nullable;
mod regex;
mod strategy;

use crate::condition::field;
use crate::model::{Assignment, Branch, Flag, Import, Missing, Requirement, Seen, Window};
use crate::report::Refused;
use crate::unsupported::Unsupported;
use list::{Feature, FeatureVariant, Features, List, Segment, Strategy};
use serde::Deserialize;
use serde_json::{Value, json};
use strategy::Rollout;

/// Reads a feature list.
///
/// # Errors
/// When it is none.
pub(crate) fn read(definitions: &Value) -> Result<Import, Unsupported> {
    let list = List::read(definitions)?;
    let mut import = Import { missing: Missing::Unsatisfied, ..Import::default() };
    let segments: Vec<(i64, Result<Segment, Unsupported>)> = list
        .segments
        .iter()
        .map(|it| {
            let id = it.get("id").and_then(Value::as_i64).unwrap_or_default();
            (id, Segment::deserialize(*it).map_err(|error| error.to_string().into()))
        })
        .collect();
    let mut features = Features::new();
    for (at, value) in &list.features {
        match Feature::deserialize(*value) {
            Ok(feature) => drop(features.insert(feature.name.clone(), (at.clone(), feature))),
            Err(error) => {
                let name = value.get("name").and_then(Value::as_str).unwrap_or("feature without a name");
                import.report.leave_out(name, Refused { message: error.to_string(), at: at.clone() });
            }
        }
    }
    for (name, (at, feature)) in &features {
        match flag(feature, at, &segments, &features) {
            Ok(flag) => import.flags.push(flag),
            Err(refused) => import.report.leave_out(name, refused),
        }
    }
    Ok(import)
}

fn flag(
    feature: &Feature,
    at: &str,
    segments: &[(i64, Result<Segment, Unsupported>)],
    features: &Features,
) -> Result<Flag, Refused> {
    let mut flag = Flag {
        name: feature.name.clone(),
        at: at.to_owned(),
        default: "off".into(),
        is_off: !feature.enabled,
        ..Flag::default()
    };
    if !feature.enabled {
        return Ok(flag);
    }
    let refused = |message: String, rest: String| Refused { message, at: format!("{at}{rest}") };
    let Some(requires) = dependency::requirements(feature, features)
        .map_err(|it| refused(it.into(), "/dependencies".into()))?
    else {
        // What it depends on never is so.
        return Ok(flag);
    };
    // A feature without strategies is on for all.
    let everyone = [Strategy { name: "default".into(), ..Strategy::default() }];
    let strategies = if feature.strategies.is_empty() { &everyone[..] } else { &feature.strategies };
    for (index, strategy) in strategies.iter().enumerate() {
        let mut reader = Reader { feature, strategy, segments, requires: &requires, seen: &mut flag.seen };
        let found = reader.branches().map_err(|message| {
            refused(format!("strategy {}: {message}", strategy.name), format!("/strategies/{index}"))
        })?;
        flag.branches.extend(found);
    }
    Ok(flag)
}

struct Reader<'r> {
    feature: &'r Feature,
    strategy: &'r Strategy,
    segments: &'r [(i64, Result<Segment, Unsupported>)],
    requires: &'r [Requirement],
    seen: &'r mut Seen,
}

impl Reader<'_> {
    /// A strategy: the overrides of its variants first, then the hash.
    fn branches(&mut self) -> Result<Vec<Branch>, Unsupported> {
        let (mut conditions, mut window) = (Vec::new(), Window::default());
        for id in &self.strategy.segments {
            let found = self.segments.iter().find(|(known, _)| known == id);
            let (_, segment) = found.ok_or_else(|| format!("segment {id} is not in the list"))?;
            let segment = segment.as_ref().map_err(|error| format!("segment {id}: {error}"))?;
            for it in &segment.constraints {
                conditions.push(constraint::condition(it, &mut window, self.seen)?);
            }
        }
        for it in &self.strategy.constraints {
            conditions.push(constraint::condition(it, &mut window, self.seen)?);
        }
        if window.is_empty() {
            return Ok(Vec::new());
        }
        let Some(rollout) = Rollout::of(self.feature, self.strategy, &mut conditions, self.seen)? else {
            return Ok(Vec::new());
        };
        let of_strategy = !self.strategy.variants.is_empty();
        let variants = if of_strategy { &self.strategy.variants } else { &self.feature.variants };
        let mut branches = Vec::new();
        // Overrides are of the feature's own variants only.
        for variant in variants.iter().filter(|_| !of_strategy) {
            for it in variant.overrides.iter().filter(|it| !it.values.is_empty()) {
                if it.context_name == "currentTime" {
                    return Err("a variant for a currentTime has no equivalent".into());
                }
                let mut conditions = conditions.clone();
                conditions.push(field(&it.context_name, json!({"$in": it.values})));
                self.seen.attributes.note_text(&it.context_name);
                let only = FeatureVariant { weight: 1.0, overrides: Vec::new(), ..variant.clone() };
                branches.push(self.branch(conditions, &window, &rollout, &[only])?);
            }
        }
        branches.push(self.branch(conditions, &window, &rollout, variants)?);
        Ok(branches)
    }

    fn branch(
        &mut self,
        mut conditions: Vec<Value>,
        window: &Window,
        rollout: &Rollout,
        variants: &[FeatureVariant],
    ) -> Result<Branch, Unsupported> {
        let assignment =
            rollout.assignment(self.feature, self.strategy, variants, &mut conditions, self.seen)?;
        if let Assignment::Split(split) = &assignment {
            split.unit.iter().for_each(|unit| self.seen.attributes.note_text(unit));
        }
        let requires = self.requires.to_vec();
        Ok(Branch { requires, window: window.clone(), ..Branch::new(conditions, assignment) })
    }
}
