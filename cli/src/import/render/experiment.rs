//! One branch as an experiment.

use super::Named;
use super::layers::Layers;
use crate::import::model::{Assignment, Branch, Flag, Layout, Split, Variant};
use crate::import::names::{of_value, safe};
use crate::yaml::write::Block;
use serde_json::{Value, json};
use weir_allocation::sdk::Span;

pub(super) fn block(
    layers: &mut Layers,
    flag: &Flag,
    branch: &Branch,
    named: &Named,
    condition: Value,
    prerequisites: Vec<Value>,
) -> Block {
    let mut members: Vec<(String, Block)> = vec![("key".into(), named.key.as_str().into())];
    let mut add = |name: &str, block: Block| members.push((name.to_owned(), block));
    if condition != json!({}) {
        add("condition", Block::Value(condition));
    }
    if !prerequisites.is_empty() {
        let list = prerequisites.into_iter().map(Block::Value).collect();
        add("prerequisites", Block::List(list));
    }
    if !branch.filters.is_empty() {
        add("layer", Block::List(branch.filters.iter().map(|filter| layers.block(filter)).collect()));
    }
    match &branch.assignment {
        Assignment::Everyone(variant) => {
            // One variant and no unit: all requests get it.
            add("variants", Block::List(vec![variant_block(variant, None, None)]));
        }
        Assignment::Split(split) => {
            add("unit", json!(split.unit).into());
            add("hash", split.hash.name().into());
            if let Some(seed) = &split.seed {
                add("seed", seed.as_str().into());
            }
            if split.coverage < 1.0 {
                add("coverage", split.coverage.into());
            }
            if let Some(seed) = &split.coverage_seed {
                add("coverageSeed", seed.as_str().into());
            }
            add("variants", Block::List(variant_blocks(split)));
        }
    }
    let mut comments =
        vec![format!("Flag {}; a unit without a variant has its default, {}.", flag.name, flag.default)];
    comments.extend(branch.name.clone());
    Block::Commented(comments, Box::new(Block::Map(members)))
}

/// Ranges as configurations have them.
pub(super) fn ranges_of(spans: &[Span]) -> Vec<[f64; 2]> {
    spans.iter().map(|span| [span.start, span.end]).collect()
}

fn variant_blocks(split: &Split) -> Vec<Block> {
    let part = |index: usize| match &split.layout {
        Layout::Weights(weights) => (weights.get(index).copied(), None),
        Layout::Ranges(ranges) => (None, ranges.get(index)),
    };
    let one = |(index, variant): (usize, &Variant)| {
        let (weight, ranges) = part(index);
        variant_block(variant, weight, ranges)
    };
    split.variants.iter().enumerate().map(one).collect()
}

fn variant_block(variant: &Variant, weight: Option<f64>, ranges: Option<&Vec<Span>>) -> Block {
    let mut members = serde_json::Map::from_iter([("key".to_owned(), json!(safe(&variant.key)))]);
    if let Some(weight) = weight {
        members.insert("weight".into(), json!(weight));
    }
    if let Some(ranges) = ranges {
        members.insert("ranges".into(), json!(ranges_of(ranges)));
    }
    // A payload that says no more than the key is one header for nothing.
    if let Some(value) = variant.value.as_ref().filter(|value| of_value(value) != safe(&variant.key)) {
        members.insert("payload".into(), value.clone());
    }
    Block::Value(Value::Object(members))
}
