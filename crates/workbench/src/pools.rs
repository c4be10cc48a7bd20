//! All that draws: each pool of units that a configuration divides by a hash, with what it is salted with.

use weir_allocation::purpose;
use weir_core::attribute::AttributeSpec;
use weir_core::{At, AttributeMap, SourceSpec};
use weir_pipeline::Document;
use weir_pipeline::faults::{Rolls, Sampling};

/// A pool of units.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    /// `experiment checkout`, `split canary`, `layer cart`, `holdout all`, `fault slow`.
    pub(crate) name: String,
    /// Where its salt stands, or what it is derived from.
    pub(crate) at: At,
    pub(crate) hash: String,
    pub(crate) salt: String,
    /// Whether the salt is in the configuration as it is.
    pub(crate) said: bool,
    /// What identifies its units.
    units: Vec<SourceSpec>,
}

impl Pool {
    /// Whether one unit has the same place in both, and nobody has said so. Two that name the same seed have
    /// said so.
    pub(crate) fn is_tied_to(&self, other: &Self) -> bool {
        self.hash == other.hash
            && self.salt == other.salt
            && !(self.said && other.said)
            && self.units.iter().any(|unit| other.units.contains(unit))
    }
}

/// All pools of a document, in its order. Pools of one layer are one.
pub(crate) fn of(document: &Document) -> Vec<Pool> {
    let root = At::root();
    let mut pools = Pools { named: &document.attributes, all: Vec::new() };
    if let Some(section) = &document.experiments {
        let at = root.field("experiments");
        for (i, holdout) in section.holdouts.iter().enumerate() {
            let at = at.field("holdouts").index(i).field("name");
            let users = section.list.iter().filter(|it| it.holdout.contains(&holdout.name));
            let units: Vec<SourceSpec> = users
                .flat_map(|it| if it.unit.is_empty() { &section.unit } else { &it.unit })
                .cloned()
                .collect();
            pools.derived("holdout", &holdout.name, purpose::HOLDOUT, &units, at);
        }
        for (i, experiment) in section.list.iter().enumerate() {
            let at = at.field("list").index(i);
            let units = if experiment.unit.is_empty() { &section.unit } else { &experiment.unit };
            let hash = experiment.hash.as_deref().unwrap_or("weir-1");
            let seed = experiment.seed.as_deref();
            let salt = seed.unwrap_or(&experiment.key);
            let place = at.field(if seed.is_some() { "seed" } else { "key" });
            pools.add("experiment", &experiment.key, hash, (salt, seed.is_some()), units, place);
            for (i, layer) in experiment.layer.iter().enumerate() {
                let at = at.field("layer");
                let at = if experiment.layer.len() == 1 { at } else { at.index(i) };
                if pools.all.iter().any(|known| known.name == format!("layer {}", layer.name)) {
                    continue;
                }
                let units = if layer.unit.is_empty() { units } else { &layer.unit };
                match &layer.seed {
                    None => pools.derived("layer", &layer.name, purpose::LAYER, units, at.field("name")),
                    Some(seed) => {
                        let hash = layer.hash.as_deref().unwrap_or("weir-1");
                        pools.add("layer", &layer.name, hash, (seed, true), units, at.field("seed"));
                    }
                }
            }
        }
    }
    for (i, rule) in document.routing.iter().flat_map(|routing| &routing.rules).enumerate() {
        let (Some(split), at) = (&rule.split, root.field("routing").field("rules").index(i)) else {
            continue;
        };
        match &split.seed {
            None => pools.derived("split", &rule.name, purpose::SPLIT, &split.sticky_by, at.field("name")),
            Some(seed) => {
                let at = at.field("split").field("seed");
                pools.add("split", &rule.name, "weir-1", (seed, true), &split.sticky_by, at);
            }
        }
    }
    for (i, fault) in document.faults.iter().flat_map(|faults| &faults.0).enumerate() {
        let Some(Sampling::Sticky(sticky)) = &fault.sampling else { continue };
        let at = root.field("faults").index(i).field("sampling").field("sticky");
        let name = fault.name.clone().unwrap_or_else(|| format!("fault-{i}"));
        let salt = format!("{}/{}", sticky.seed.as_deref().unwrap_or(&name), purpose::FAULT);
        let independent = fault.rolls == Rolls::Independent;
        let kinds: &[&str] = if independent { &["/delay", "/abort", "/rate", "/response"] } else { &[""] };
        for kind in kinds {
            let salt = format!("{salt}{kind}");
            pools.add("fault", &name, "weir-1", (&salt, sticky.seed.is_some()), &sticky.unit, at.clone());
        }
    }
    pools.all
}

struct Pools<'d> {
    named: &'d AttributeMap,
    all: Vec<Pool>,
}

impl Pools<'_> {
    fn derived(&mut self, kind: &str, name: &str, purpose: &str, units: &[SourceSpec], at: At) {
        self.add(kind, name, "weir-1", (&format!("{name}/{purpose}"), false), units, at);
    }

    fn add(
        &mut self,
        kind: &str,
        name: &str,
        hash: &str,
        (salt, said): (&str, bool),
        units: &[SourceSpec],
        at: At,
    ) {
        let units = units.iter().map(|unit| self.resolved(unit)).collect();
        let (name, hash, salt) = (format!("{kind} {name}"), hash.to_owned(), salt.to_owned());
        self.all.push(Pool { name, at, hash, salt, said, units });
    }

    /// A source in its long form, so that two ways to write it are one.
    fn resolved(&self, source: &SourceSpec) -> SourceSpec {
        let long = |text: &str| AttributeSpec::of_short(text).map(Box::new).map(SourceSpec::Long);
        match source {
            SourceSpec::Long(_) => source.clone(),
            SourceSpec::Short(text) => match self.named.get(text) {
                Some(SourceSpec::Short(inner)) => long(inner).unwrap_or_else(|| source.clone()),
                Some(named) => named.clone(),
                None => long(text).unwrap_or_else(|| source.clone()),
            },
        }
    }
}
