//! GrowthBook's SDK payload: `features`, as its API and its JSON export give it.
//!
//! Source: `evalFeature` and `runExperiment` of GrowthBook's JavaScript SDK, and its guide "Build your own
//! SDK". Rules are tried in order; one that does not take a user passes them on to the next.

mod groups;
mod payload;

use crate::model::{
    Assignment, Branch, Filter, Flag, Import, Layout, Requirement, Seen, Split, Takes, Variant, Window,
};
use crate::names;
use crate::report::{Refused, pointer};
use crate::unsupported::Unsupported;
use crate::value_test::ValueTest;
use payload::{Feature, Rule, RuleFilter};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::rc::Rc;
use weir_allocation::sdk::{Algorithm, Span, growthbook_rollout};

/// Reads a payload.
///
/// # Errors
/// When it is none.
pub(crate) fn read(payload: &Value) -> Result<Import, Unsupported> {
    let features = payload.get("features");
    let experiments =
        payload.get("experiments").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let empty = Map::new();
    let features = match features {
        Some(Value::Object(features)) => features,
        Some(Value::Array(_)) => {
            return Err("`features` is a list: this is the answer of GrowthBook's management API; take the payload of an \
                        SDK connection, GET /api/features/CLIENT_KEY"
                .into());
        }
        _ if payload.get("encryptedFeatures").is_some() => {
            return Err("the payload is encrypted (`encryptedFeatures`): decrypt it with the SDK connection's key, or \
                        take a connection without encryption"
                .into());
        }
        _ if experiments.is_empty() => {
            return Err("no `features` in it: this is not a payload for GrowthBook's SDKs".into());
        }
        _ => &empty,
    };
    let groups = payload.get("savedGroups").and_then(Value::as_object).unwrap_or(&empty);
    let mut import = Import::default();
    for (name, feature) in features {
        match flag(name, feature, groups) {
            Ok(flag) => import.flags.push(flag),
            Err(refused) => import.report.leave_out(name, refused),
        }
    }
    for (index, experiment) in experiments.iter().enumerate() {
        let key = experiment.get("key").and_then(Value::as_str).unwrap_or("experiment without a key");
        let message = "visual and redirect experiments run in the browser".to_owned();
        let at = pointer(&["experiments", &index.to_string()]);
        import.report.leave_out(key, Refused { message, at });
    }
    Ok(import)
}

fn flag(name: &str, feature: &Value, groups: &Map<String, Value>) -> Result<Flag, Refused> {
    let at = pointer(&["features", name]);
    let feature = Feature::deserialize(feature)
        .map_err(|error| Refused { message: error.to_string(), at: at.clone() })?;
    let mut reader =
        Reader { feature: name, groups, seen: Seen::default(), branches: Vec::new(), asks_for: Vec::new() };
    for (index, rule) in feature.rules.iter().enumerate() {
        reader.rule(rule).map_err(|message| Refused {
            message: format!("rule {}: {message}", index + 1),
            at: format!("{at}/rules/{index}"),
        })?;
    }
    Ok(Flag {
        name: name.to_owned(),
        at,
        default: names::of_value(&feature.default_value),
        default_key: None,
        default_value: feature.default_value,
        is_off: false,
        branches: reader.branches,
        asks_for: reader.asks_for,
        seen: reader.seen,
    })
}

struct Reader<'r> {
    feature: &'r str,
    groups: &'r Map<String, Value>,
    seen: Seen,
    branches: Vec<Branch>,
    asks_for: Vec<String>,
}

impl Reader<'_> {
    /// What a rule does, if it ever does anything.
    fn rule(&mut self, rule: &Rule) -> Result<(), Unsupported> {
        if rule.contextual_bandit_ref.is_some() || rule.contextual_variations.is_some() {
            return Err("contextual bandits have no equivalent".into());
        }
        let mut requires: Vec<Requirement> = Vec::new();
        for parent in &rule.parent_conditions {
            self.asks_for.push(parent.id.clone());
            let test = ValueTest::new(&parent.condition)
                .map_err(|message| format!("the condition of its prerequisite `{}`: {message}", parent.id))?;
            let requirement =
                Requirement { flag: parent.id.clone(), takes: Takes::Values(Rc::new(test)), not: false };
            if parent.gate {
                // A gate that is shut gives null, and ends the feature.
                let shut = Requirement { not: true, ..requirement.clone() };
                let null = Variant { is_named: false, ..Variant::named("null".into(), Some(Value::Null)) };
                let mut branch = Branch::new(Vec::new(), Assignment::Everyone(null));
                branch.name = Some(format!("The prerequisite {} is not fulfilled.", parent.id));
                branch.requires = requires.iter().cloned().chain([shut]).collect();
                self.branches.push(branch);
            }
            requires.push(requirement);
        }
        let Some(assignment) = self.assignment(rule)? else { return Ok(()) };
        let mut conditions = Vec::new();
        if let Some(condition) = &rule.condition {
            let condition = groups::written_out(condition, self.groups)?;
            self.seen.attributes.note(&condition);
            conditions.push(condition);
        }
        let Some(filters) = self.filters(rule) else { return Ok(()) };
        if filters.iter().any(|filter| filter.ranges.is_empty()) {
            return Ok(());
        }
        let units = match &assignment {
            Assignment::Split(split) => split.unit.clone(),
            Assignment::Everyone(_) => Vec::new(),
        };
        for unit in units.iter().chain(filters.iter().map(|filter| &filter.unit)) {
            self.seen.attributes.note_text(unit);
        }
        if rule.min_bucket_version.is_some_and(|version| version > 0) {
            self.seen.note("minBucketVersion needs sticky assignments, which the import does not make");
        }
        if rule.fallback_attribute.is_some() {
            self.seen.note("fallbackAttribute is used by SDKs with sticky buckets only, and is left out");
        }
        let name = rule.name.clone().or_else(|| rule.key.clone());
        self.branches.push(Branch {
            name,
            conditions,
            requires,
            filters,
            window: Window::default(),
            assignment,
        });
        Ok(())
    }

    fn assignment(&self, rule: &Rule) -> Result<Option<Assignment>, Unsupported> {
        match &rule.force {
            Some(value) => Ok(self.forced(rule, value)),
            None => self.experiment(rule),
        }
    }

    fn forced(&self, rule: &Rule, value: &Value) -> Option<Assignment> {
        let variant =
            Variant { is_named: false, ..Variant::named(names::of_value(value), Some(value.clone())) };
        if rule.range.is_none() && rule.coverage.is_none() {
            return Some(Assignment::Everyone(variant));
        }
        // Without a hash that the SDK knows nobody is in it.
        let hash = version(rule.hash_version, 1)?;
        let spans = match (rule.range, rule.coverage) {
            (Some(range), _) => spans(&[range]),
            (None, coverage) => {
                growthbook_rollout(hash, number(coverage).unwrap_or(1.0)).into_iter().collect()
            }
        };
        if spans.is_empty() {
            return None;
        }
        Some(Assignment::Split(Split {
            hash,
            unit: vec![attribute(rule)],
            seed: Some(
                rule.seed.clone().filter(|it| !it.is_empty()).unwrap_or_else(|| self.feature.to_owned()),
            ),
            coverage_seed: None,
            coverage: 1.0,
            variants: vec![variant],
            layout: Layout::Ranges(vec![spans]),
        }))
    }

    fn experiment(&self, rule: &Rule) -> Result<Option<Assignment>, Unsupported> {
        let count = rule.variations.len();
        // SDKs never run an experiment with one variation, or by a hash that they do not know.
        let Some(hash) = version(rule.hash_version, 1).filter(|_| count > 1) else { return Ok(None) };
        let all: Vec<Variant> =
            rule.variations.iter().enumerate().map(|(i, value)| variant(rule, i, value)).collect();
        let passes = |index: usize| rule.meta.get(index).is_some_and(|meta| meta.passthrough);
        let some_pass = (0..count).any(passes);
        let (layout, coverage) = match rule.ranges.as_deref() {
            None => {
                let weights = weights(&rule.weights, count);
                let coverage = number(rule.coverage).unwrap_or(1.0).clamp(0.0, 1.0);
                if some_pass {
                    (Layout::Ranges(side_by_side(&weights, coverage)), 1.0)
                } else {
                    (Layout::Weights(weights), coverage)
                }
            }
            Some([]) => return Ok(None),
            Some(ranges) if ranges.len() == count => {
                let ranges = ranges.iter().map(|range| spans(&[*range]));
                (Layout::Ranges(ranges.collect()), 1.0)
            }
            Some(ranges) => return Err(format!("{} ranges for {count} variations", ranges.len()).into()),
        };
        if matches!(&layout, Layout::Ranges(ranges) if ranges.iter().all(Vec::is_empty)) || coverage == 0.0 {
            return Ok(None);
        }
        // Who gets a variation that passes through goes on to the next rule, as if this one were not.
        let (variants, layout) = match layout {
            Layout::Ranges(ranges) if some_pass => {
                let kept = || (0..count).filter(|&index| !passes(index));
                let variants: Vec<Variant> = kept().filter_map(|i| all.get(i).cloned()).collect();
                let ranges: Vec<Vec<Span>> = kept().filter_map(|i| ranges.get(i).cloned()).collect();
                if ranges.iter().all(Vec::is_empty) {
                    return Ok(None);
                }
                (variants, Layout::Ranges(ranges))
            }
            layout => (all, layout),
        };
        let seeds = [&rule.seed, &rule.key].into_iter().flatten().find(|seed| !seed.is_empty());
        let seed = Some(seeds.cloned().unwrap_or_else(|| self.feature.to_owned()));
        let unit = vec![attribute(rule)];
        Ok(Some(Assignment::Split(Split {
            hash,
            unit,
            seed,
            coverage_seed: None,
            coverage,
            variants,
            layout,
        })))
    }

    /// The shares that a unit must be in; `None` where nobody is.
    fn filters(&self, rule: &Rule) -> Option<Vec<Filter>> {
        if let Some(filters) = &rule.filters {
            let one = |filter: &RuleFilter| {
                Some(Filter {
                    name: filter.seed.clone(),
                    hash: version(filter.hash_version, 2)?,
                    seed: filter.seed.clone(),
                    // Not the rule's attribute: the SDK takes the usual one.
                    unit: filter.attribute.clone().filter(|it| !it.is_empty()).unwrap_or_else(|| "id".into()),
                    ranges: spans(&filter.ranges),
                })
            };
            return filters.iter().map(one).collect();
        }
        // SDKs look at namespaces of experiments only.
        let namespace =
            rule.namespace.iter().filter(|_| rule.force.is_none()).map(|(name, start, end)| Filter {
                name: name.clone(),
                hash: Algorithm::GrowthBook1,
                seed: format!("__{name}"),
                unit: attribute(rule),
                ranges: spans(&[[*start, *end]]),
            });
        Some(namespace.collect())
    }
}

/// A variation: called by its own key, or its index.
fn variant(rule: &Rule, index: usize, value: &Value) -> Variant {
    let own = rule.meta.get(index).and_then(|meta| meta.key.clone());
    Variant::named(own.unwrap_or_else(|| index.to_string()), Some(value.clone()))
}

/// SDKs take equal weights where these do not fit or do not sum to one.
fn weights(written: &[f64], count: usize) -> Vec<f64> {
    let sum: f64 = written.iter().sum();
    if written.len() == count && (0.99..=1.01).contains(&sum) { written.to_vec() } else { vec![1.0; count] }
}

/// The ranges of weights, as the SDK adds them up.
fn side_by_side(weights: &[f64], coverage: f64) -> Vec<Vec<Span>> {
    let sum: f64 = weights.iter().sum();
    // Equal weights are written as ones.
    let scale = if (0.99..=1.01).contains(&sum) { 1.0 } else { sum };
    let mut start = 0.0;
    let one = |weight: &f64| {
        let weight = weight / scale;
        let span = Span::new(start, start + coverage * weight);
        start += weight;
        vec![span]
    };
    weights.iter().map(one).collect()
}

/// Ranges without those of nobody. Hashes are from 0 to below 1.
fn spans(ranges: &[[f64; 2]]) -> Vec<Span> {
    let within = ranges.iter().map(|[start, end]| (start.max(0.0), end.min(1.0)));
    within.filter(|(start, end)| start < end).map(|(start, end)| Span::new(start, end)).collect()
}

/// A number that is there; JavaScript counts with null as with zero.
fn number(written: Option<Option<f64>>) -> Option<f64> {
    written.map(Option::unwrap_or_default)
}

fn attribute(rule: &Rule) -> String {
    rule.hash_attribute.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| "id".into())
}

/// The algorithm of a hash version; `None` where the SDK knows none, and nobody takes part.
fn version(version: Option<u32>, default: u32) -> Option<Algorithm> {
    match version.filter(|version| *version != 0).unwrap_or(default) {
        1 => Some(Algorithm::GrowthBook1),
        2 => Some(Algorithm::GrowthBook2),
        _ => None,
    }
}
