//! From what was read to a Weir configuration.
//!
//! A flag has branches, of which the first that takes a unit decides; a Weir experiment has none. So each
//! branch becomes an experiment, and a later one excludes those whom the earlier ones take: by condition
//! where a condition says it, else by a prerequisite.

use super::condition::{all, not};
use super::model::{Assignment, Branch, Filter, Flag, Import, Kind, Layout, Requirement, Split, Variant};
use super::names::{of_value, safe};
use super::report::Report;
use super::yaml::Block;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use weir_allocation::sdk::Span;

/// Attributes and where they come from, as the user says.
pub(crate) type Sources = BTreeMap<String, String>;

/// An experiment and the flag that it comes from.
pub(crate) struct Experiment {
    pub(crate) flag: String,
    block: Block,
}

/// Turns every flag that can be into experiments; what cannot be is reported.
pub(crate) fn experiments(import: &Import, report: &mut Report) -> Vec<Experiment> {
    let mut rendered = Vec::new();
    let mut layers = Layers::default();
    let keys: BTreeMap<String, Vec<Named>> =
        import.flags.iter().map(|flag| (flag.name.clone(), named(flag))).collect();
    for flag in &import.flags {
        let branches = keys.get(&flag.name).map(Vec::as_slice).unwrap_or_default();
        if branches.is_empty() {
            report.constant.push(flag.name.clone());
            continue;
        }
        match of_flag(&mut layers, flag, branches, &keys) {
            Ok(experiments) => rendered.extend(experiments),
            Err(message) => report.leave_out(&flag.name, message),
        }
    }
    rendered
}

/// The experiment that a branch becomes.
#[derive(Clone, Debug)]
struct Named {
    /// The branch's index in its flag.
    branch: usize,
    key: String,
    variants: Vec<String>,
}

/// The branches that become experiments. One that gives the default to everybody does nothing but stop
/// later ones.
fn named(flag: &Flag) -> Vec<Named> {
    let gives = |branch: &Branch| match &branch.assignment {
        Assignment::Everyone(variant) => variant.key != flag.default,
        Assignment::Split(_) => true,
    };
    let mut kept: Vec<usize> = (0..flag.branches.len()).filter(|&i| gives(&flag.branches[i])).collect();
    // What stands behind a branch that takes everybody is never reached.
    if let Some(last) = flag.branches.iter().position(takes_everybody) {
        kept.retain(|&index| index <= last);
    }
    let several = kept.len() > 1;
    let key = |number: usize| {
        let flag = safe(&flag.name);
        if several { format!("{flag}.{number}") } else { flag }
    };
    let named = kept.iter().enumerate().map(|(number, &branch)| Named {
        branch,
        key: key(number + 1),
        variants: variants(&flag.branches[branch]).iter().map(|it| safe(&it.key)).collect(),
    });
    named.collect()
}

fn takes_everybody(branch: &Branch) -> bool {
    branch.conditions.is_empty()
        && branch.requires.is_empty()
        && branch.filters.is_empty()
        && matches!(branch.assignment, Assignment::Everyone(_))
}

fn variants(branch: &Branch) -> &[Variant] {
    match &branch.assignment {
        Assignment::Everyone(variant) => std::slice::from_ref(variant),
        Assignment::Split(split) => &split.variants,
    }
}

fn of_flag(
    layers: &mut Layers,
    flag: &Flag,
    named: &[Named],
    keys: &BTreeMap<String, Vec<Named>>,
) -> Result<Vec<Experiment>, String> {
    let mut experiments = Vec::new();
    for it in named {
        let branch = &flag.branches[it.branch];
        let mut prerequisites = Vec::new();
        for requirement in &branch.requires {
            prerequisites.extend(required(requirement, keys)?);
        }
        let mut conditions = branch.conditions.clone();
        let earlier = if flag.disjoint { &[] } else { &flag.branches[..it.branch] };
        for (index, earlier) in earlier.iter().enumerate() {
            match exclusion(earlier) {
                Some(condition) => conditions.push(condition),
                None => prerequisites.push(none_of(index, named)?),
            }
        }
        let condition = all(conditions);
        experiments.push(Experiment {
            flag: flag.name.clone(),
            block: block(layers, flag, branch, it, condition, prerequisites),
        });
    }
    Ok(experiments)
}

/// The condition that holds for exactly those whom a branch leaves to later ones, if a condition can say it.
fn exclusion(branch: &Branch) -> Option<Value> {
    if !branch.requires.is_empty() || !branch.filters.is_empty() {
        return None;
    }
    let mut conditions = branch.conditions.clone();
    if let Assignment::Split(split) = &branch.assignment {
        if split.leaves_some() {
            return None;
        }
        // Who has no identity passes a split by.
        let present = |name: &String| json!({name: {"$exists": true}});
        conditions.push(super::condition::any(split.unit.iter().map(present).collect()));
    }
    Some(not(all(conditions)))
}

/// A prerequisite that an earlier branch has not taken the unit.
fn none_of(branch: usize, named: &[Named]) -> Result<Value, String> {
    let earlier = named.iter().find(|it| it.branch == branch);
    let earlier = earlier.ok_or("a rule behind one that gives the default to some has no equivalent")?;
    Ok(json!({"experiment": earlier.key, "not": true}))
}

/// Prerequisites that another flag has, or has not, one of some variants.
fn required(requirement: &Requirement, keys: &BTreeMap<String, Vec<Named>>) -> Result<Vec<Value>, String> {
    let Requirement { flag, variants, not } = requirement;
    let named = keys.get(flag).ok_or_else(|| format!("it depends on `{flag}`, which is left out"))?;
    let wanted: Vec<String> = variants.iter().map(|key| safe(key)).collect();
    let has = |it: &&Named| wanted.is_empty() || it.variants.iter().any(|key| wanted.contains(key));
    let having: Vec<&Named> = named.iter().filter(has).collect();
    if !not && having.len() != 1 {
        return Err(format!("it depends on `{flag}`, where {} rules give what it asks for", having.len()));
    }
    let one = |it: &Named| {
        let own: Vec<&String> = wanted.iter().filter(|key| it.variants.contains(key)).collect();
        let mut prerequisite = json!({"experiment": it.key});
        if !own.is_empty() && own.len() < it.variants.len() {
            prerequisite["variants"] = json!(own);
        }
        if *not {
            prerequisite["not"] = json!(true);
        }
        prerequisite
    };
    Ok(having.into_iter().map(one).collect())
}

fn block(
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

/// The layers so far. Experiments of one layer may not overlap; those of GrowthBook's namespaces may, and
/// then they get layers of their own over the same hash.
#[derive(Default)]
struct Layers(Vec<(String, Filter)>);

impl Layers {
    fn block(&mut self, filter: &Filter) -> Block {
        let base = safe(&filter.name);
        let names = std::iter::once(base.clone()).chain((2..).map(|number| format!("{base}.{number}")));
        let free = |name: &String| self.0.iter().all(|(known, it)| known != name || shares(it, filter));
        let name = names.into_iter().find(free).unwrap_or(base);
        self.0.push((name.clone(), filter.clone()));
        Block::Value(json!({
            "name": name,
            "hash": filter.hash.name(),
            "seed": filter.seed,
            "unit": [filter.unit],
            "ranges": ranges_of(&filter.ranges),
        }))
    }
}

/// Whether two can be in one layer: the same hash over the same units, and no unit in both.
fn shares(a: &Filter, b: &Filter) -> bool {
    let apart = |a: &Span| b.ranges.iter().all(|b| a.end <= b.start || b.end <= a.start);
    (a.hash, &a.seed, &a.unit) == (b.hash, &b.seed, &b.unit) && a.ranges.iter().all(apart)
}

/// Ranges as configurations have them.
fn ranges_of(spans: &[Span]) -> Vec<[f64; 2]> {
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

/// The whole configuration.
pub(crate) fn document(
    import: &Import,
    experiments: Vec<Experiment>,
    sources: &Sources,
    head: &[String],
) -> String {
    let attributes: Vec<(String, Block)> = import
        .attributes
        .iter()
        .map(|(name, kind)| (name.to_owned(), attribute(name, kind, sources.get(name).map(String::as_str))))
        .collect();
    let guessed = import.attributes.iter().any(|(name, _)| !sources.contains_key(name));
    let mut members = Vec::new();
    if !attributes.is_empty() {
        let remark =
            guessed.then(|| "Where requests have these is a guess; say it with --source.".to_owned());
        let block = Block::Commented(remark.into_iter().collect(), Box::new(Block::Map(attributes)));
        members.push(("attributes".to_owned(), block));
    }
    let list = experiments.into_iter().map(|it| it.block).collect();
    let section = vec![("list".to_owned(), Block::List(list))];
    members.push(("experiments".to_owned(), Block::Map(section)));
    super::yaml::write(&Block::Commented(head.to_vec(), Box::new(Block::Map(members))))
}

fn attribute(name: &str, kind: Kind, source: Option<&str>) -> Block {
    let guess = format!("header:x-{}", header_name(name));
    let (place, value) = source.unwrap_or(&guess).split_once(':').unwrap_or(("header", name));
    let word = match kind {
        Kind::Text => return format!("{place}:{value}").into(),
        Kind::Boolean => "boolean",
        Kind::Number => "number",
        Kind::List => "list",
        Kind::Json => "json",
    };
    json!({place: value, "type": word}).into()
}

/// `userId` as headers are written: `user-id`.
fn header_name(name: &str) -> String {
    let mut text = String::new();
    for c in safe(name).chars() {
        if c.is_ascii_uppercase() && !text.is_empty() && !text.ends_with('-') {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
    }
    text.replace('.', "-")
}
