//! From branches to rules: what is never reached is left away, what depends on other flags is looked up.

use crate::model::{Assignment, Branch, ByName, Flag, Missing, Requirement, Variant};
use crate::names::{is_safe, of_value, safe};
use crate::unsupported::Unsupported;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What a flag becomes.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// The name of its headers, where it has several rules.
    pub(super) flag: Option<String>,
    /// Whether its variants have payloads, because their keys do not say their values.
    pub(super) has_payloads: bool,
    /// Variants that are called otherwise, by the vendor's name.
    pub(super) renamed: Vec<(String, String)>,
}

/// A branch as an experiment.
#[derive(Debug)]
pub(super) struct Rule<'f> {
    pub(super) branch: &'f Branch,
    pub(super) key: String,
    /// The keys of its variants.
    pub(super) variants: Vec<String>,
    pub(super) prerequisites: Vec<Value>,
}

/// A flag with its rules; without any, its units have the default.
#[derive(Debug)]
pub(super) struct Resolved<'f> {
    pub(super) flag: &'f Flag,
    pub(super) named: Named,
    pub(super) rules: Vec<Rule<'f>>,
    /// What one should know because of flags that it depends on.
    pub(super) notes: Vec<String>,
    by_chance: bool,
}

/// Finds out for each flag what it becomes, those that others depend on first.
pub(super) struct Resolver<'f> {
    flags: &'f ByName<'f>,
    /// Why flags are left out.
    left_out: &'f BTreeMap<String, String>,
    missing: Missing,
    done: BTreeMap<&'f str, Result<Resolved<'f>, Unsupported>>,
    open: BTreeSet<&'f str>,
}

impl<'f> Resolver<'f> {
    pub(super) fn new(
        flags: &'f ByName<'f>,
        left_out: &'f BTreeMap<String, String>,
        missing: Missing,
    ) -> Self {
        Self { flags, left_out, missing, done: BTreeMap::new(), open: BTreeSet::new() }
    }

    /// All flags, by name.
    pub(super) fn all(mut self) -> BTreeMap<&'f str, Result<Resolved<'f>, Unsupported>> {
        for (&name, &flag) in self.flags {
            self.resolve(name, flag);
        }
        self.done
    }

    fn resolve(&mut self, name: &'f str, flag: &'f Flag) {
        if self.done.contains_key(name) || !self.open.insert(name) {
            return;
        }
        let found = self.flag(flag);
        self.open.remove(name);
        self.done.insert(name, found);
    }

    fn flag(&mut self, flag: &'f Flag) -> Result<Resolved<'f>, Unsupported> {
        let (mut rules, mut notes): (Vec<Rule<'f>>, Vec<String>) = (Vec::new(), Vec::new());
        let mut by_chance = flag.seen.by_chance;
        // SDKs notice a circle before they ask what a rule does, and a flag that is left out may be part of one.
        for name in &flag.asks_for {
            if let Some((&key, &parent)) = self.flags.get_key_value(name.as_str()) {
                self.resolve(key, parent);
            }
            self.known(name)?;
        }
        for branch in &flag.branches {
            if branch.conditions.contains(&crate::condition::never()) {
                continue;
            }
            let mut prerequisites = Vec::new();
            let mut fulfilled = true;
            for requirement in &branch.requires {
                match self.required(requirement)? {
                    Needed::Always => {}
                    Needed::Never => fulfilled = false,
                    Needed::These(more) => prerequisites.extend(more),
                }
                if let Some(Ok(parent)) = self.done.get(requirement.flag.as_str())
                    && parent.by_chance
                {
                    by_chance = true;
                    let note = format!(
                        "it depends on {}, which Unleash draws again for some requests",
                        requirement.flag
                    );
                    if !notes.contains(&note) {
                        notes.push(note);
                    }
                }
            }
            if !fulfilled {
                continue;
            }
            prerequisites.dedup();
            let takes_all = takes_everybody(branch) && prerequisites.is_empty();
            rules.push(Rule { branch, key: String::new(), variants: Vec::new(), prerequisites });
            // What follows a branch that takes everybody is never reached.
            if takes_all {
                break;
            }
        }
        // Those who are left have the default anyway.
        while rules.last().is_some_and(|rule| gives_default(flag, rule.branch)) {
            rules.pop();
        }
        let named = name(flag, &mut rules)?;
        Ok(Resolved { flag, named, rules, notes, by_chance })
    }

    /// What a flag became that another one depends on, after it was resolved; `None` where there is no such flag.
    fn known(&self, name: &str) -> Result<Option<&Resolved<'f>>, Unsupported> {
        let left_out = |reason: &dyn std::fmt::Display| {
            Unsupported::from(format!("it depends on `{name}`, which is left out: {reason}"))
        };
        if let Some(reason) = self.left_out.get(name) {
            return Err(left_out(reason));
        }
        match self.done.get(name) {
            Some(Ok(resolved)) => Ok(Some(resolved)),
            Some(Err(reason)) => Err(left_out(reason)),
            None if self.flags.contains_key(name) => {
                Err(format!("it and `{name}` depend on each other").into())
            }
            None => Ok(None),
        }
    }

    /// What a requirement is as prerequisites.
    fn required(&mut self, requirement: &'f Requirement) -> Result<Needed, Unsupported> {
        let name = requirement.flag.as_str();
        if let Some((&key, &parent)) = self.flags.get_key_value(name) {
            self.resolve(key, parent);
        }
        let Some(resolved) = self.known(name)? else {
            let holds = match self.missing {
                Missing::Unsatisfied => false,
                Missing::Null => requirement.takes.accepts(None, &Value::Null) != requirement.not,
            };
            return Ok(if holds { Needed::Always } else { Needed::Never });
        };
        let parent = resolved.flag;
        let given = resolved.rules.iter().flat_map(|rule| rule.branch.assignment.variants());
        let mut values = given.filter_map(|it| it.value.as_ref()).chain([&parent.default_value]);
        if !values.all(|value| requirement.takes.can_judge(value)) {
            return Err(
                format!("a value of `{name}`, which it depends on, is too long for the condition").into()
            );
        }
        let accepts = |variant: Option<&Variant>| {
            requirement.takes.accepts(variant, &parent.default_value) != requirement.not
        };
        let default_does = accepts(None);
        let mut these = Vec::new();
        let mut decided_by_all = true;
        for rule in &resolved.rules {
            let all = rule.branch.assignment.variants();
            let picked = |wanted: bool| {
                let chosen =
                    all.iter().zip(&rule.variants).filter(move |(it, _)| accepts(Some(it)) == wanted);
                chosen.map(|(_, key)| key.clone()).collect::<Vec<String>>()
            };
            // Where the default does, those that do not are named; else those that do.
            let named = picked(!default_does);
            if named.is_empty() {
                decided_by_all = false;
                continue;
            }
            let mut one = json!({"experiment": rule.key});
            if named.len() < all.len() {
                decided_by_all = false;
                one["variants"] = json!(named);
            }
            these.push(one);
        }
        if these.is_empty() {
            return Ok(if default_does { Needed::Always } else { Needed::Never });
        }
        if decided_by_all && these.len() > 1 {
            // All that the flag gives.
            these = vec![json!({"experiment": resolved.named.flag})];
        }
        if default_does {
            these.iter_mut().for_each(|one| one["not"] = json!(true));
        } else if these.len() > 1 {
            these = vec![json!({"anyOf": these})];
        }
        Ok(Needed::These(these))
    }
}

enum Needed {
    Always,
    Never,
    These(Vec<Value>),
}

fn takes_everybody(branch: &Branch) -> bool {
    branch.conditions.iter().all(|it| *it == crate::condition::always())
        && branch.filters.is_empty()
        && branch.window == crate::model::Window::default()
        && matches!(branch.assignment, Assignment::Everyone(_))
}

/// Whether a branch gives nobody anything but the default.
fn gives_default(flag: &Flag, branch: &Branch) -> bool {
    match &branch.assignment {
        Assignment::Everyone(variant) if variant.is_named => flag.default_key.as_ref() == Some(&variant.key),
        Assignment::Everyone(variant) => variant.value.as_ref() == Some(&flag.default_value),
        Assignment::Split(_) => false,
    }
}

/// Gives keys to experiments and variants, as configurations take them.
fn name(flag: &Flag, rules: &mut [Rule<'_>]) -> Result<Named, Unsupported> {
    let base = safe(&flag.name);
    if base.is_empty() {
        return Err("a flag without a name".into());
    }
    let several = rules.len() > 1;
    let mut nulls = false;
    let mut named = Named { flag: several.then(|| base.clone()), ..Named::default() };
    for (number, rule) in rules.iter_mut().enumerate() {
        rule.key = if several { format!("{base}.{}", number + 1) } else { base.clone() };
        for variant in rule.branch.assignment.variants() {
            let key = match variant.is_named || is_safe(&variant.key) {
                true => safe(&variant.key),
                // The text of a value; the payload has it.
                false => "forced".to_owned(),
            };
            if rule.variants.contains(&key) {
                return Err(
                    format!("two of its variants would be called {key:?}: rename {:?}", variant.key).into()
                );
            }
            if variant.is_named && key != variant.key {
                let pair = (variant.key.clone(), key.clone());
                let clashes = |(from, to): &(String, String)| *to == pair.1 && *from != pair.0;
                let kept = |it: &Variant| it.is_named && it.key == pair.1;
                if named.renamed.iter().any(clashes)
                    || flag.branches.iter().any(|it| it.assignment.variants().iter().any(kept))
                {
                    return Err(format!(
                        "two of its variants would be called {key:?}: rename {:?}",
                        variant.key
                    )
                    .into());
                }
                if !named.renamed.contains(&pair) {
                    named.renamed.push(pair);
                }
            }
            // Null is the absence of a payload, beside those of the others.
            nulls |= variant.value.as_ref().is_some_and(|value| value.is_null() && key != "null");
            // A payload that says no more than the key is one header for nothing.
            named.has_payloads |=
                variant.value.as_ref().is_some_and(|value| !value.is_null() && of_value(value) != key);
            rule.variants.push(key);
        }
    }
    if nulls && !named.has_payloads {
        return Err(
            "a variation has the value null, but no other has a value that its key does not show".into()
        );
    }
    Ok(named)
}
