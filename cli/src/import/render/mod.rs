//! From what was read to a Weir configuration.
//!
//! A flag has branches, of which the first that takes a unit decides; a Weir experiment has none. So each
//! branch becomes an experiment, and a later one excludes those whom the earlier ones take: by condition
//! where a condition says it, else by a prerequisite.

mod experiment;
mod layers;

use crate::import::condition::{all, not};
use crate::import::model::{Assignment, Branch, Flag, Import, Kind, Requirement, Variant};
use crate::import::names::safe;
use crate::import::report::Report;
use crate::yaml::write::Block;
use experiment::block;
use layers::Layers;
use serde_json::{Value, json};
use std::collections::BTreeMap;

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
        conditions.push(crate::import::condition::any(split.unit.iter().map(present).collect()));
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
    crate::yaml::write::write(&Block::Commented(head.to_vec(), Box::new(Block::Map(members))))
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
