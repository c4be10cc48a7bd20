//! Unleash's feature list, as its client API gives it (`/api/client/features`).
//!
//! Source: Yggdrasil, the engine of Unleash's SDKs. A feature is on where any of its strategies is; the
//! variant then depends on a second hash.

use super::condition::field;
use super::constraint::{self, Constraint};
use super::model::{Assignment, Branch, Flag, Import, Kind, Layout, Requirement, Split, Variant};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use weir_allocation::sdk::Algorithm;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Features {
    features: Vec<Feature>,
    segments: Vec<Segment>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Segment {
    id: u64,
    constraints: Vec<Constraint>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Feature {
    name: String,
    enabled: bool,
    strategies: Vec<Strategy>,
    variants: Vec<FeatureVariant>,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Strategy {
    name: String,
    parameters: BTreeMap<String, Value>,
    constraints: Vec<Constraint>,
    segments: Vec<u64>,
    variants: Vec<FeatureVariant>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct FeatureVariant {
    name: String,
    weight: f64,
    stickiness: Option<String>,
    payload: Option<Payload>,
    overrides: Option<Vec<Override>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Override {
    context_name: String,
    values: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Payload {
    value: String,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    feature: String,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default)]
    variants: Vec<String>,
}

fn yes() -> bool {
    true
}

/// Reads a feature list.
///
/// # Errors
/// When it is none.
pub(crate) fn read(text: &str) -> Result<Import, String> {
    let list: Features = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if list.features.is_empty() {
        return Err("no `features` in it: this is not an answer of Unleash's client API".into());
    }
    let mut import = Import::default();
    for feature in &list.features {
        match flag(feature, &list.segments, &mut import) {
            Ok(flag) => import.flags.push(flag),
            Err(message) => import.report.leave_out(&feature.name, message),
        }
    }
    Ok(import)
}

fn flag(feature: &Feature, segments: &[Segment], import: &mut Import) -> Result<Flag, String> {
    let requires: Vec<Requirement> = feature.dependencies.iter().map(requirement).collect();
    let mut branches = Vec::new();
    // A feature without strategies is on for all.
    let everyone = [Strategy { name: "default".into(), ..Strategy::default() }];
    let strategies = if feature.strategies.is_empty() { &everyone[..] } else { &feature.strategies };
    for strategy in strategies.iter().filter(|_| feature.enabled) {
        let found = of_strategy(feature, strategy, segments, import);
        let found = found.map_err(|message| format!("strategy {}: {message}", strategy.name))?;
        branches.extend(found.into_iter().map(|branch| Branch { requires: requires.clone(), ..branch }));
    }
    Ok(Flag { name: feature.name.clone(), default: "off".into(), disjoint: false, branches })
}

fn requirement(dependency: &Dependency) -> Requirement {
    let Dependency { feature, enabled, variants } = dependency;
    Requirement { flag: feature.clone(), variants: variants.clone(), not: !enabled }
}

/// A strategy: the overrides of its variants first, then the hash.
fn of_strategy(
    feature: &Feature,
    strategy: &Strategy,
    segments: &[Segment],
    import: &mut Import,
) -> Result<Vec<Branch>, String> {
    let mut conditions = Vec::new();
    let segments = strategy.segments.iter().map(|id| {
        let found = segments.iter().find(|segment| segment.id == *id);
        found.map(|it| &it.constraints).ok_or_else(|| format!("segment {id} is not in the list"))
    });
    for constraints in segments.chain([Ok(&strategy.constraints)]) {
        for constraint in constraints? {
            conditions.push(constraint::condition(constraint, &mut import.attributes)?);
        }
    }
    let rollout = Rollout::of(feature, strategy, &mut conditions)?;
    let variants = if strategy.variants.is_empty() { &feature.variants } else { &strategy.variants };
    let mut branches = Vec::new();
    for variant in variants {
        for it in variant.overrides.iter().flatten() {
            let mut conditions = conditions.clone();
            conditions.push(field(&it.context_name, json!({"$in": it.values})));
            import.attributes.note(&it.context_name, Kind::Text);
            let only = FeatureVariant { weight: 1.0, ..variant.clone() };
            branches.push(branch(conditions, rollout.assignment(feature, strategy, &[only])?));
        }
    }
    branches.push(branch(conditions, rollout.assignment(feature, strategy, variants)?));
    for branch in &branches {
        if let Assignment::Split(split) = &branch.assignment {
            split.unit.iter().for_each(|unit| import.attributes.note(unit, Kind::Text));
        }
    }
    Ok(branches)
}

fn branch(conditions: Vec<Value>, assignment: Assignment) -> Branch {
    Branch { name: None, conditions, requires: Vec::new(), filters: Vec::new(), assignment }
}

/// Who a strategy is on for.
struct Rollout {
    /// From 0 to 1.
    coverage: f64,
    group: String,
    stickiness: String,
}

impl Rollout {
    fn of(feature: &Feature, strategy: &Strategy, conditions: &mut Vec<Value>) -> Result<Self, String> {
        let text = |name: &str| strategy.parameters.get(name).map(super::names::of_value);
        let group = text("groupId").unwrap_or_else(|| feature.name.clone());
        let of = |coverage: f64, stickiness: String| Ok(Self { coverage, group: group.clone(), stickiness });
        match strategy.name.as_str() {
            "default" => of(1.0, String::new()),
            "flexibleRollout" => {
                let stickiness = text("stickiness").unwrap_or_else(|| "default".into());
                of(percent(text("rollout"))?, stickiness)
            }
            "gradualRolloutUserId" => of(percent(text("percentage"))?, "userId".into()),
            "gradualRolloutSessionId" => of(percent(text("percentage"))?, "sessionId".into()),
            "userWithId" => {
                let ids = text("userIds").unwrap_or_default();
                let ids: Vec<&str> = ids.split(',').map(str::trim).filter(|id| !id.is_empty()).collect();
                conditions.push(field("userId", json!({"$in": ids})));
                of(1.0, String::new())
            }
            _ => Err("this kind of strategy has no equivalent".into()),
        }
    }

    fn assignment(
        &self,
        feature: &Feature,
        strategy: &Strategy,
        variants: &[FeatureVariant],
    ) -> Result<Assignment, String> {
        let on = FeatureVariant { name: "on".into(), weight: 1000.0, ..FeatureVariant::default() };
        let variants = if variants.is_empty() { std::slice::from_ref(&on) } else { variants };
        let named: Vec<Variant> = variants.iter().map(variant).collect();
        let of_strategy = !strategy.variants.is_empty();
        if let ([only], 1.0, "") = (named.as_slice(), self.coverage, self.stickiness.as_str()) {
            return Ok(Assignment::Everyone(only.clone()));
        }
        // Without a stickiness of its own, the strategy keeps to that of its variants.
        let of_variants = variants.first().and_then(|it| it.stickiness.clone());
        let variants_by = of_variants.unwrap_or_else(|| "default".into());
        let stickiness = if self.stickiness.is_empty() { &variants_by } else { &self.stickiness };
        if named.len() > 1 && self.coverage < 1.0 && !of_strategy && *stickiness != variants_by {
            return Err(format!(
                "the rollout is by {stickiness} and the variants by {variants_by}: one experiment has one unit"
            ));
        }
        let by = if named.len() > 1 && !of_strategy { &variants_by } else { stickiness };
        let group = if of_strategy { &self.group } else { &feature.name };
        Ok(Assignment::Split(Split {
            hash: Algorithm::Unleash,
            unit: unit(by)?,
            seed: Some(group.clone()),
            coverage_seed: (self.coverage < 1.0).then(|| self.group.clone()),
            coverage: self.coverage,
            variants: named,
            layout: Layout::Weights(variants.iter().map(|it| it.weight).collect()),
        }))
    }
}

fn percent(text: Option<String>) -> Result<f64, String> {
    let text = text.ok_or("it has no percentage")?;
    let percent: f64 = text.parse().map_err(|_| format!("{text:?} is not a percentage"))?;
    Ok(percent / 100.0)
}

fn unit(stickiness: &str) -> Result<Vec<String>, String> {
    match stickiness {
        "default" => Ok(vec!["userId".into(), "sessionId".into()]),
        "random" => Err("random stickiness has no equivalent: a unit keeps its variant".into()),
        name => Ok(vec![name.to_owned()]),
    }
}

fn variant(it: &FeatureVariant) -> Variant {
    let value = it.payload.as_ref().map(|payload| Value::String(payload.value.clone()));
    Variant { key: it.name.clone(), value }
}
