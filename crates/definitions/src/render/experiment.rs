//! One branch as an experiment.

use super::flags::{Named, Rule};
use super::layers::Layers;
use super::ranges::ranges_of;
use crate::condition::{all, always};
use crate::document::Experiment;
use crate::model::{Assignment, Flag, Layout, Split, Variant};
use serde_json::{Map, Value, json};

/// The experiment of a rule. `first` says that it is the flag's first.
pub(super) fn experiment(
    layers: &mut Layers,
    flag: &Flag,
    named: &Named,
    rule: &Rule<'_>,
    first: bool,
) -> Experiment {
    let branch = rule.branch;
    let mut members: Vec<(&'static str, Value)> = vec![("key", json!(rule.key))];
    if let Some(flag) = &named.flag {
        members.push(("flag", json!(flag)));
    }
    members.extend(branch.window.start.as_ref().map(|time| ("start", json!(time))));
    members.extend(branch.window.end.as_ref().map(|time| ("end", json!(time))));
    let condition = all(branch.conditions.clone());
    if condition != always() {
        members.push(("condition", condition));
    }
    if !rule.prerequisites.is_empty() {
        members.push(("prerequisites", json!(rule.prerequisites)));
    }
    let layer: Vec<Value> = branch.filters.iter().map(|filter| layers.member(filter)).collect();
    if !layer.is_empty() {
        members.push(("layer", json!(layer)));
    }
    let variants = |weigh: &dyn Fn(usize) -> Option<(&'static str, Value)>| {
        let all = branch.assignment.variants().iter().zip(&rule.variants).enumerate();
        all.map(|(index, (variant, key))| one(variant, key, named, weigh(index))).collect::<Vec<Value>>()
    };
    match &branch.assignment {
        Assignment::Everyone(_) => {
            // A layer or a prerequisite may need a unit; one variant and no unit is all requests.
            if let Some(filter) = branch.filters.first() {
                members.push(("unit", json!([filter.unit])));
                members.push(("variants", json!(variants(&|_| Some(("weight", json!(1)))))));
            } else {
                members.push(("variants", json!(variants(&|_| None))));
            }
        }
        Assignment::Split(split) => {
            members.extend(hash(split));
            let weigh = |index: usize| match &split.layout {
                Layout::Weights(weights) => weights.get(index).map(|weight| ("weight", json!(weight))),
                Layout::Ranges(ranges) => ranges.get(index).map(|spans| ("ranges", json!(ranges_of(spans)))),
            };
            members.push(("variants", json!(variants(&weigh))));
        }
    }
    Experiment { flag: flag.name.clone(), comments: comments(flag, named, rule, first), members }
}

fn hash(split: &Split) -> Vec<(&'static str, Value)> {
    let mut members = vec![("unit", json!(split.unit)), ("hash", json!(split.hash.name()))];
    members.extend(split.seed.as_ref().map(|seed| ("seed", json!(seed))));
    if split.coverage < 1.0 {
        members.push(("coverage", json!(split.coverage)));
    }
    members.extend(split.coverage_seed.as_ref().map(|seed| ("coverageSeed", json!(seed))));
    members
}

fn one(variant: &Variant, key: &str, named: &Named, weight: Option<(&'static str, Value)>) -> Value {
    let mut members = Map::from_iter([("key".to_owned(), json!(key))]);
    members.extend(weight.map(|(name, value)| (name.to_owned(), value)));
    // Null is the header's absence.
    if let Some(value) = variant.value.as_ref().filter(|value| named.has_payloads && !value.is_null()) {
        members.insert("payload".into(), value.clone());
    }
    Value::Object(members)
}

fn comments(flag: &Flag, named: &Named, rule: &Rule<'_>, first: bool) -> Vec<String> {
    let mut comments = Vec::new();
    if first {
        comments
            .push(format!("Flag {}; a unit without a variant has its default, {}.", flag.name, flag.default));
        comments.extend(flag.seen.comments.iter().cloned());
    }
    comments.extend(rule.branch.name.clone());
    for (variant, key) in rule.branch.assignment.variants().iter().zip(&rule.variants) {
        if variant.is_named
            && variant.key != *key
            && named.renamed.iter().any(|(from, _)| *from == variant.key)
        {
            comments.push(format!("The variant {:?} is called {key} here.", variant.key));
        }
    }
    comments
}
