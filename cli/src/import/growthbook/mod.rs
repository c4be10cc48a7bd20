//! GrowthBook's SDK payload: `features`, as its API and its JSON export give it.
//!
//! Source: `evalFeature` and `runExperiment` of GrowthBook's JavaScript SDK, and its guide "Build your own
//! SDK". Rules are tried in order; one that does not take a user passes them on to the next.

mod payload;
mod prerequisite;

use crate::import::model::{
    Assignment, Branch, Filter, Flag, Import, Kind, Layout, Requirement, Split, Variant,
};
use crate::import::names;
use payload::{Feature, Payload, Rule, RuleFilter};
use prerequisite::requirement;
use serde_json::{Map, Value};
use weir_allocation::sdk::{Algorithm, Span, growthbook_rollout};

/// Reads a payload.
///
/// # Errors
/// When it is none.
pub(crate) fn read(text: &str) -> Result<Import, String> {
    let payload: Payload = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if payload.features.is_empty() && payload.experiments.is_empty() {
        return Err("no `features` in it: this is not a payload for GrowthBook's SDKs".into());
    }
    let mut import = Import::default();
    for (name, feature) in &payload.features {
        match flag(name, feature, &payload, &mut import) {
            Ok(flag) => import.flags.push(flag),
            Err(message) => import.report.leave_out(name, message),
        }
    }
    for experiment in &payload.experiments {
        let key = experiment.get("key").and_then(Value::as_str).unwrap_or("experiment without a key");
        import.report.leave_out(key, "visual and redirect experiments run in the browser");
    }
    Ok(import)
}

fn flag(name: &str, feature: &Feature, payload: &Payload, import: &mut Import) -> Result<Flag, String> {
    let mut branches = Vec::new();
    // A failed gate ends the whole feature, so that what follows needs it too.
    let mut gates = Vec::new();
    for (index, rule) in feature.rules.iter().enumerate() {
        let branch = branch(name, rule, payload, import, &mut gates);
        let branch = branch.map_err(|message| format!("rule {}: {message}", index + 1))?;
        branches.extend(branch);
        if rule.min_bucket_version.is_some_and(|version| version > 0) {
            import
                .report
                .note(name, "minBucketVersion needs sticky assignments, which the import does not make");
        }
        if rule.fallback_attribute.is_some() {
            import
                .report
                .note(name, "fallbackAttribute is used by SDKs with sticky buckets only, and is left out");
        }
    }
    Ok(Flag {
        name: name.to_owned(),
        default: names::of_value(&feature.default_value),
        disjoint: false,
        branches,
    })
}

/// What a rule does; `None` where it never does anything.
fn branch(
    feature: &str,
    rule: &Rule,
    payload: &Payload,
    import: &mut Import,
    gates: &mut Vec<Requirement>,
) -> Result<Option<Branch>, String> {
    if rule.contextual_bandit_ref.is_some() {
        return Err("contextual bandits have no equivalent".into());
    }
    if rule.meta.iter().any(|meta| meta.passthrough) {
        return Err("holdouts (variations with passthrough) have no equivalent; use `holdout`".into());
    }
    let mut requires = gates.clone();
    for parent in &rule.parent_conditions {
        let requirement = requirement(parent, payload)?;
        requires.push(requirement.clone());
        if parent.gate {
            gates.push(requirement);
        }
    }
    let Some(assignment) = assignment(feature, rule)? else { return Ok(None) };
    let mut conditions = Vec::new();
    if let Some(condition) = &rule.condition {
        let condition = without_groups(condition, payload)?;
        names::note_attributes(&condition, &mut import.attributes);
        conditions.push(condition);
    }
    let filters = filters(rule)?;
    let units = match &assignment {
        Assignment::Split(split) => split.unit.clone(),
        Assignment::Everyone(_) => Vec::new(),
    };
    for unit in units.iter().chain(filters.iter().map(|filter| &filter.unit)) {
        import.attributes.note(unit, Kind::Text);
    }
    let name = rule.name.clone().or_else(|| rule.key.clone());
    Ok(Some(Branch { name, conditions, requires, filters, assignment }))
}

fn assignment(feature: &str, rule: &Rule) -> Result<Option<Assignment>, String> {
    match (&rule.force, rule.variations.as_slice()) {
        (Some(value), _) => forced(feature, rule, value),
        (None, []) => Ok(None),
        (None, variations) => experiment(feature, rule, variations).map(Some),
    }
}

fn forced(feature: &str, rule: &Rule, value: &Value) -> Result<Option<Assignment>, String> {
    let variant = Variant { key: names::of_value(value), value: Some(value.clone()) };
    let hash = version(rule.hash_version, 1)?;
    let span = match (rule.range, rule.coverage) {
        (None, None) => return Ok(Some(Assignment::Everyone(variant))),
        (Some([start, end]), _) => Some(Span::new(start, end)),
        (None, Some(coverage)) => growthbook_rollout(hash, coverage),
    };
    let Some(span) = span else { return Ok(None) };
    Ok(Some(Assignment::Split(Split {
        hash,
        unit: vec![attribute(rule)],
        seed: Some(rule.seed.clone().unwrap_or_else(|| feature.to_owned())),
        coverage_seed: None,
        coverage: 1.0,
        variants: vec![variant],
        layout: Layout::Ranges(vec![vec![span]]),
    })))
}

fn experiment(feature: &str, rule: &Rule, variations: &[Value]) -> Result<Assignment, String> {
    let variant =
        |(i, value): (usize, &Value)| Variant { key: variation_key(rule, i), value: Some(value.clone()) };
    let variants: Vec<Variant> = variations.iter().enumerate().map(variant).collect();
    if variants.len() < 2 {
        return Err("an experiment with one variation never runs in SDKs".into());
    }
    let ranges = rule.ranges.iter().map(|&[start, end]| vec![Span::new(start, end)]);
    let layout = match rule.ranges.len() {
        0 => Layout::Weights(weights(&rule.weights, variants.len())),
        count if count == variants.len() => Layout::Ranges(ranges.collect()),
        count => return Err(format!("{count} ranges for {} variations", variants.len())),
    };
    let weighted = matches!(layout, Layout::Weights(_));
    let coverage = if weighted { rule.coverage.unwrap_or(1.0).clamp(0.0, 1.0) } else { 1.0 };
    let seed = rule.seed.as_ref().or(rule.key.as_ref()).cloned().unwrap_or_else(|| feature.to_owned());
    Ok(Assignment::Split(Split {
        hash: version(rule.hash_version, 1)?,
        unit: vec![attribute(rule)],
        seed: Some(seed),
        coverage_seed: None,
        coverage,
        variants,
        layout,
    }))
}

/// What a variation is called: its own key, or its index.
fn variation_key(rule: &Rule, index: usize) -> String {
    let own = rule.meta.get(index).and_then(|meta| meta.key.clone());
    own.unwrap_or_else(|| index.to_string())
}

/// SDKs take equal weights where these do not fit or do not sum to one.
fn weights(written: &[f64], count: usize) -> Vec<f64> {
    let sum: f64 = written.iter().sum();
    if written.len() == count && (0.99..=1.01).contains(&sum) { written.to_vec() } else { vec![1.0; count] }
}

fn filters(rule: &Rule) -> Result<Vec<Filter>, String> {
    if !rule.filters.is_empty() {
        let one = |filter: &RuleFilter| {
            Ok(Filter {
                name: filter.seed.clone(),
                hash: version(filter.hash_version, 2)?,
                seed: filter.seed.clone(),
                unit: filter.attribute.clone().unwrap_or_else(|| attribute(rule)),
                ranges: filter.ranges.iter().map(|&[start, end]| Span::new(start, end)).collect(),
            })
        };
        return rule.filters.iter().map(one).collect();
    }
    let namespace = rule.namespace.iter().map(|(name, start, end)| Filter {
        name: name.clone(),
        hash: Algorithm::GrowthBook1,
        seed: format!("__{name}"),
        unit: attribute(rule),
        ranges: vec![Span::new(*start, *end)],
    });
    Ok(namespace.collect())
}

fn attribute(rule: &Rule) -> String {
    rule.hash_attribute.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| "id".into())
}

fn version(version: Option<u32>, default: u32) -> Result<Algorithm, String> {
    match version.unwrap_or(default) {
        1 => Ok(Algorithm::GrowthBook1),
        2 => Ok(Algorithm::GrowthBook2),
        other => Err(format!("hashVersion {other} is unknown")),
    }
}

/// Writes the values of saved groups where their names stand.
fn without_groups(condition: &Value, payload: &Payload) -> Result<Value, String> {
    match condition {
        Value::Array(items) => {
            items.iter().map(|item| without_groups(item, payload)).collect::<Result<_, _>>().map(Value::Array)
        }
        Value::Object(object) => {
            let mut written = Map::new();
            for (key, value) in object {
                let operator = match key.as_str() {
                    "$inGroup" => "$in",
                    "$notInGroup" => "$nin",
                    _ => {
                        written.insert(key.clone(), without_groups(value, payload)?);
                        continue;
                    }
                };
                let group = value.as_str().and_then(|id| payload.saved_groups.get(id));
                let group = group.ok_or_else(|| format!("the saved group {value} is not in the payload"))?;
                written.insert(operator.to_owned(), group.clone());
            }
            Ok(Value::Object(written))
        }
        literal => Ok(literal.clone()),
    }
}
