//! The parts of a configuration that assign units: experiments, and the splits of routing rules.

use crate::document::Loaded;
use crate::error::Error;
use crate::movement::Ranges;
use serde_json::json;
use weir_ab_routing::{Rule, Split};
use weir_allocation::sdk::{Algorithm, Assigner, Assignment, Definition, Layout, Segment, Span};
use weir_allocation::{Allocation, BUCKETS, Salt, Weights, anchored, purpose};
use weir_experiment::{Experiment, ExperimentPlan, Status};
use weir_pipeline::Document;

/// From a unit to the index of its variant.
type Assign = Box<dyn Fn(&[u8]) -> Option<usize>>;

/// One experiment or split.
pub struct Subject {
    /// `experiment checkout`, `split canary`.
    pub name: String,
    /// Which numbers of the hash each variant has.
    pub ranges: Ranges,
    /// The hash and what salts it: ranges of one hash say nothing about those of another.
    pub hash: Vec<String>,
    /// What else decides about a unit, by name: whether it is asked at all, and what it is.
    others: Vec<(&'static str, serde_json::Value)>,
    assign: Assign,
    /// Its type.
    pub origin: Origin,
    /// Whether more than the hash decides about a unit: holdouts, layers, other experiments.
    pub depends: bool,
    /// Whether its coverage or weights rise with time. Its ranges are those at the end.
    pub has_ramp: bool,
}

/// What divides units.
#[derive(Clone, Debug)]
pub enum Origin {
    /// An experiment, with its position in the configuration.
    Experiment(usize, Box<Experiment>),
    /// The split of a rule, by the rule's name.
    Split(String),
}

impl Subject {
    /// Makes sure that ranges, one list for each variant, mean to a module what was planned.
    ///
    /// # Errors
    /// When the algorithm does not take them as they stand.
    pub fn verify(&self, ranges: &[Vec<[f64; 2]>], planned: &Ranges) -> Result<(), Error> {
        let Origin::Experiment(_, experiment) = &self.origin else {
            return Err(Error::because("only experiments have ranges"));
        };
        let spans: Vec<Vec<Span>> = ranges
            .iter()
            .map(|list| list.iter().map(|&[start, end]| Span::new(start, end)).collect())
            .collect();
        let assigner = with_ranges(experiment, &spans)?;
        if assigner.scale() == planned.scale && assigner.segments() == planned.segments {
            return Ok(());
        }
        let hash = assigner.algorithm().name();
        Err(Error::because(format_args!(
            "{} with ranges counts differently than with weights ({hash}): it cannot be planned",
            self.name
        )))
    }

    /// The names of what else differs.
    pub fn also_changed(&self, other: &Self) -> Vec<String> {
        let pairs = self.others.iter().zip(&other.others);
        pairs.filter(|(a, b)| a.1 != b.1).map(|(a, _)| a.0.to_owned()).collect()
    }

    /// The index of the variant that a unit gets.
    pub fn assign_index(&self, unit: &[u8]) -> Option<usize> {
        (self.assign)(unit)
    }

    /// The name of the variant that a unit gets.
    pub fn assign(&self, unit: &[u8]) -> Option<&str> {
        let variant = self.assign_index(unit)?;
        self.ranges.variants.get(variant).map(String::as_str)
    }
}

/// Which of them is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// An experiment, by its key.
    Experiment(String),
    /// The split of a routing rule, by the rule's name.
    Split(String),
}

impl Which {
    fn is(&self, subject: &Subject) -> bool {
        match (self, &subject.origin) {
            (Self::Experiment(key), Origin::Experiment(_, experiment)) => experiment.key == *key,
            (Self::Split(wanted), Origin::Split(rule)) => rule == wanted,
            _ => false,
        }
    }

    /// The chosen one.
    ///
    /// # Errors
    /// That it is not there, and what is.
    pub fn find(&self, loaded: &Loaded) -> Result<Subject, Error> {
        let name = match self {
            Self::Experiment(key) => format!("experiment {key}"),
            Self::Split(rule) => format!("split {rule}"),
        };
        let mut all = subjects(loaded);
        match all.iter().position(|it| self.is(it)) {
            Some(index) => Ok(all.swap_remove(index)),
            None if all.is_empty() => {
                let hint = "; the configuration has none that assigns units".to_owned();
                Err(Error::Unknown { what: name, hint })
            }
            None => {
                let names: Vec<&str> = all.iter().map(|it| it.name.as_str()).collect();
                let hint = weir_core::problem::suggestion(&name, &names);
                Err(Error::Unknown { what: name, hint })
            }
        }
    }
}

/// All that assigns units, in the order of the document.
pub fn subjects(loaded: &Loaded) -> Vec<Subject> {
    subjects_of(loaded, Draws::OfThisVersion)
}

/// How splits without a seed draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draws {
    /// By the rule's name and `/split`.
    OfThisVersion,
    /// By the rule's name alone, as modules did before.
    ByName,
}

/// The same, as modules with other draws assign.
pub fn subjects_of(loaded: &Loaded, draws: Draws) -> Vec<Subject> {
    let document = &loaded.document;
    let experiments = document.experiments.iter().flat_map(|section| &section.list).enumerate();
    let experiments = experiments.filter_map(|(index, experiment)| {
        let plan = loaded.plans.experiments.as_ref()?.experiment(&experiment.key)?;
        Some(of_experiment(index, experiment, plan, document))
    });
    let rules = document.routing.iter().flat_map(|routing| &routing.rules);
    let splits = rules.filter_map(|rule| rule.split.as_ref().and_then(|split| of_split(rule, split, draws)));
    let mut all: Vec<Subject> = experiments.chain(splits).collect();
    // A variant that an earlier plugin has decided is a matter of requests.
    if document.experiments.is_none() {
        all.iter_mut().for_each(|subject| subject.depends = false);
    }
    all
}

fn of_experiment(
    index: usize,
    experiment: &Experiment,
    plan: &ExperimentPlan,
    document: &Document,
) -> Subject {
    let assigner = plan.assigner().cloned();
    let ranges = ranges_of(plan);
    let hash = assigner.as_ref().map_or("none", |assigner| assigner.algorithm().name());
    let seed = |seed: &Option<String>| seed.clone().unwrap_or_else(|| experiment.key.clone());
    Subject {
        name: format!("experiment {}", experiment.key),
        ranges: in_its_life(experiment, ranges),
        hash: vec![hash.into(), seed(&experiment.seed), seed(&experiment.coverage_seed)],
        others: others(experiment, document),
        assign: assignment(experiment, assigner),
        origin: Origin::Experiment(index, Box::new(experiment.clone())),
        depends: !experiment.holdout.is_empty()
            || !experiment.layer.is_empty()
            || !experiment.prerequisites.is_empty(),
        has_ramp: experiment.ramp.is_some(),
    }
}

/// Who gets what while the experiment runs.
fn ranges_of(plan: &ExperimentPlan) -> Ranges {
    let variants = plan.variants().map(str::to_owned).collect();
    match plan.assigner() {
        Some(it) => Ranges { variants, segments: it.segments(), scale: it.scale(), gate: it.gate_share() },
        // One variant for everybody.
        None => {
            let all = Segment { start: 0, end: 1, variant: 0 };
            Ranges { variants, segments: vec![all], scale: 1, gate: 1.0 }
        }
    }
}

/// The variants of an experiment with their parts of all units, as they are while it runs, whatever its status.
/// `None` where there is no such experiment.
pub fn shares(loaded: &Loaded, key: &str) -> Option<Vec<(String, f64)>> {
    let ranges = ranges_of(loaded.plans.experiments.as_ref()?.experiment(key)?);
    let share = |(index, key): (usize, &String)| (key.clone(), ranges.share_of(index));
    Some(ranges.variants.iter().enumerate().map(share).collect())
}

fn assignment(experiment: &Experiment, assigner: Option<Assigner>) -> Assign {
    let winner = winner(experiment);
    match (experiment.status.unwrap_or_default(), assigner) {
        (Status::Draft, _) => Box::new(|_| None),
        (Status::Ended, _) => Box::new(move |_| winner),
        (_, None) => Box::new(|_| Some(0)),
        (_, Some(assigner)) => Box::new(move |unit| match assigner.assign(unit) {
            Assignment::Variant(variant) => Some(variant),
            Assignment::NotCovered => None,
        }),
    }
}

fn winner(experiment: &Experiment) -> Option<usize> {
    experiment.variants.iter().position(|variant| experiment.winner.as_ref() == Some(&variant.key))
}

/// A draft has nobody, and when it has ended everybody has the winner.
fn in_its_life(experiment: &Experiment, ranges: Ranges) -> Ranges {
    match experiment.status.unwrap_or_default() {
        Status::Running | Status::Paused => ranges,
        Status::Draft => Ranges { segments: Vec::new(), ..ranges },
        Status::Ended => {
            let all = winner(experiment).map(|variant| Segment { start: 0, end: ranges.scale, variant });
            Ranges { segments: all.into_iter().collect(), gate: 1.0, ..ranges }
        }
    }
}

/// What decides about units besides the hash.
fn others(experiment: &Experiment, document: &Document) -> Vec<(&'static str, serde_json::Value)> {
    let it = experiment;
    let section = document.experiments.as_ref();
    let unit = if it.unit.is_empty() { section.map(|section| &section.unit) } else { Some(&it.unit) };
    vec![
        ("whether it is paused", json!(it.status == Some(Status::Paused))),
        ("start or end", json!([it.start, it.end])),
        ("ramp", json!(it.ramp)),
        ("unit", json!([unit, it.anonymous.unwrap_or(true)])),
        ("targeting", json!(it.targeting)),
        ("sticky", json!([it.sticky, it.bucket_version, it.min_bucket_version])),
    ]
}

fn with_ranges(experiment: &Experiment, ranges: &[Vec<Span>]) -> Result<Assigner, Error> {
    let hash = experiment.hash.as_deref().unwrap_or("weir-1");
    let algorithm =
        Algorithm::from_name(hash).ok_or_else(|| Error::because(format_args!("unknown hash {hash}")))?;
    let definition = Definition {
        key: &experiment.key,
        seed: experiment.seed.as_deref(),
        coverage_seed: experiment.coverage_seed.as_deref(),
        coverage: 1.0,
        layout: Layout::Ranges(ranges),
    };
    Assigner::new(algorithm, &definition).map_err(Error::because)
}

/// `None` for weights that the check has refused.
fn of_split(rule: &Rule, split: &Split, draws: Draws) -> Option<Subject> {
    let weights: Vec<f64> = split.targets.iter().map(|target| target.weight.unwrap_or_default()).collect();
    let allocation = anchored(&Weights::from_relative(&weights).ok()?);
    let derived = || match draws {
        Draws::OfThisVersion => format!("{}/{}", rule.name, purpose::SPLIT),
        Draws::ByName => rule.name.clone(),
    };
    let seed = split.seed.clone().unwrap_or_else(derived);
    let salt = Salt::new(&seed);
    let variants = split.targets.iter().map(|target| target.name.clone()).collect();
    Some(Subject {
        name: format!("split {}", rule.name),
        ranges: Ranges { variants, segments: segments(&allocation), scale: BUCKETS.into(), gate: 1.0 },
        hash: vec!["weir-1".into(), seed],
        others: vec![
            ("match", json!(rule.targeting.http_match)),
            ("condition", json!(rule.targeting.condition)),
            ("cel", json!(rule.targeting.cel)),
            ("ramp", json!(split.ramp)),
            ("stickyBy", json!([split.sticky_by, split.mint_cookie, split.without_key])),
        ],
        assign: Box::new(move |unit| allocation.pick(salt.bucket(unit))),
        origin: Origin::Split(rule.name.clone()),
        depends: !rule.variant.is_empty(),
        has_ramp: split.ramp.is_some(),
    })
}

fn segments(allocation: &Allocation) -> Vec<Segment> {
    let segment = |(range, variant): (weir_allocation::BucketRange, usize)| Segment {
        start: range.start.into(),
        end: range.end.into(),
        variant,
    };
    allocation.ranges().map(segment).collect()
}
