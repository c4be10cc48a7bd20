//! A specification that was checked: everything has its unit, and all that is wrong is reported at once.

use crate::spec::{DeadlineSpec, Spec, StepSpec, Target};
use std::fmt;
use weir_core::problem::{At, did_you_mean};
use weir_core::{Problems, duration};

mod gates;
mod place;

pub use gates::{Check, Gate};
pub use place::{Kind, Place, Resource};

/// More steps are refused: their versions are all kept.
const MAX_STEPS: usize = 100;
/// Default time between evaluations, in milliseconds.
const INTERVAL: u64 = 15_000;
/// Default probability of a wrong judgement of one gate, in the whole rollout.
const ALPHA: f64 = 0.001;

/// A rollout.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Where the configuration is.
    pub place: Place,
    /// What is divided.
    pub subject: Subject,
    /// The old version; empty before [`Plan::resolve`] where it was not written.
    pub baseline: String,
    /// The new version; as `baseline`.
    pub variant: String,
    /// The plugin that reports; any where `None`.
    pub plugin: Option<String>,
    /// How many proxies must report, 1 and up.
    pub proxies: u32,
    /// The steps; at least one.
    pub steps: Vec<Step>,
    /// The gates.
    pub gates: Vec<Gate>,
    /// The probability of a wrong judgement of one gate in one step, between 0 and 1.
    pub alpha: f64,
    /// Milliseconds from the start; no limit where `None`.
    pub deadline: Option<u64>,
    /// What happens then.
    pub on_deadline: OnDeadline,
    /// Milliseconds between evaluations, 1 and up.
    pub interval: u64,
    /// Further matchers of labels.
    pub matchers: Vec<String>,
    /// Where events go.
    pub webhook: Option<String>,
}

/// What is divided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An experiment, by its key.
    Experiment(String),
    /// The split of a routing rule, by the rule's name.
    Split(String),
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What it does, for people: `coverage 10 %`.
    pub name: String,
    /// What it changes.
    pub share: Share,
    /// How long it lasts at least, in milliseconds.
    pub hold: u64,
    /// Units that each version must have had.
    pub min_units: u64,
    /// Whether a person must approve it before it begins.
    pub approval: bool,
}

/// What a step changes; one of them at least.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Share {
    /// The part of all units that takes part, 0 to 1; as before where `None`.
    pub coverage: Option<f64>,
    /// Weights by name, 0 and up, not all 0; as before where `None`.
    pub weights: Option<Vec<(String, f64)>>,
}

/// What happens at the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDeadline {
    /// It stays, and needs a person.
    Hold,
    /// It is rolled back.
    Rollback,
}

impl Plan {
    /// Checks a specification.
    ///
    /// # Errors
    /// Everything that is wrong with it, `problems` included.
    pub fn compile(spec: &Spec, mut problems: Problems) -> Result<Self, Problems> {
        let at = At::root();
        let target = at.field("target");
        let place = place::compile(&spec.target, &target, &mut problems);
        let subject = subject(&spec.target, &target, &mut problems);
        if spec.target.proxies == Some(0) {
            problems.add(&target.field("proxies"), "0: expected the number of proxies, at least 1");
        }
        let steps = steps(spec, &at, &mut problems);
        let is_experiment = !is_split(&spec.target);
        let gates = match &spec.gates {
            Some(gates) => gates::all(gates, is_experiment, &at.field("gates"), &mut problems),
            None if is_experiment => {
                let keeps_weights = steps.first().is_some_and(|step| step.share.weights.is_none());
                gates::by_default(keeps_weights)
            }
            None => Vec::new(),
        };
        let confidence = spec.confidence.map_or(1.0 - ALPHA, |part| part.0);
        if confidence <= 0.0 || confidence >= 1.0 {
            problems.add(
                &at.field("confidence"),
                format!("{confidence}: expected a part between 0 and 1, such as 99.9%"),
            );
        }
        let mut time = |name: &str, text: &Option<String>, least: u64| {
            let text = text.as_ref()?;
            milliseconds(text, least, &at.field(name), &mut problems)
        };
        let deadline = time("deadline", &spec.deadline, 1);
        let interval = time("interval", &spec.interval, 1).unwrap_or(INTERVAL);
        for (index, matcher) in spec.metrics.matchers.iter().enumerate() {
            if !matcher.contains(['=', '~']) || matcher.contains(['{', '}']) {
                let at = at.field("metrics").field("matchers").index(index);
                problems.add(
                    &at,
                    format!("invalid matcher {matcher:?}: expected one such as namespace=\"shop\""),
                );
            }
        }
        if spec
            .webhook
            .as_ref()
            .is_some_and(|url| !["http://", "https://"].iter().any(|it| url.starts_with(it)))
        {
            problems
                .add(&at.field("webhook"), "invalid URL: expected one that begins with http:// or https://");
        }
        let (Some(subject), Some(place), true) = (subject, place, problems.is_empty()) else {
            return Err(problems);
        };
        let count = u32::try_from(steps.len()).unwrap_or(u32::MAX).max(1);
        Ok(Self {
            place,
            subject,
            baseline: spec.target.baseline.clone().unwrap_or_default(),
            variant: spec.target.variant.clone().unwrap_or_default(),
            plugin: spec.target.plugin.clone(),
            proxies: spec.target.proxies.unwrap_or(1),
            steps,
            gates,
            // What is measured begins again with each step, and once while the first one reaches the proxies.
            alpha: (1.0 - confidence) / f64::from(count.saturating_add(1)),
            deadline,
            on_deadline: match spec.on_deadline {
                Some(DeadlineSpec::Rollback) => OnDeadline::Rollback,
                _ => OnDeadline::Hold,
            },
            interval,
            matchers: spec.metrics.matchers.clone(),
            webhook: spec.webhook.clone(),
        })
    }

    /// Takes the names of the variants, in the configuration's order: fills in the two versions, and checks all names.
    ///
    /// # Errors
    /// Names that there are not, or that are missing.
    pub fn resolve(&mut self, variants: &[String]) -> Result<(), Problems> {
        let mut problems = Problems::default();
        let target = At::root().field("target");
        let known = || variants.iter().map(String::as_str);
        for (option, name, place) in [("baseline", &mut self.baseline, 0), ("variant", &mut self.variant, 1)]
        {
            if name.is_empty() {
                match variants.get(place) {
                    Some(first) => name.clone_from(first),
                    None => problems.add(&target, "fewer than two variants: there is nothing to release"),
                }
            } else if !variants.contains(name) {
                let hint = did_you_mean(name, known());
                problems.add(&target.field(option), format!("unknown variant {name:?}{hint}"));
            }
        }
        if self.baseline == self.variant && problems.is_empty() {
            let message = format!("{:?}: expected another variant than the baseline", self.variant);
            problems.add(&target.field("variant"), message);
        }
        for (index, step) in self.steps.iter().enumerate() {
            let Some(weights) = &step.share.weights else { continue };
            let at = At::root().field("steps").index(index).field("weights");
            let unknown: Vec<&String> =
                weights.iter().map(|(name, _)| name).filter(|name| !variants.contains(name)).collect();
            for name in &unknown {
                let hint = did_you_mean(name, known());
                problems.add(&at.field(name), format!("unknown variant {name:?}{hint}"));
            }
            // A name that is misspelt is not also missing.
            let missing = variants.iter().filter(|name| !weights.iter().any(|(known, _)| known == *name));
            for name in missing.filter(|_| unknown.is_empty()) {
                problems.missing(&at, format!("missing: the weight of {name:?}; 0 leaves it empty"));
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Whether a gate can say something while a step runs: those that compare need both versions, and weights that
    /// changed make a mismatch of units.
    #[must_use]
    pub fn applies(&self, gate: &Gate, step: usize) -> bool {
        let until = self.steps.get(..step).unwrap_or(&self.steps);
        let last = until.iter().rev().find_map(|step| step.share.weights.as_ref());
        let has_units = |name: &String| {
            last.is_none_or(|weights| weights.iter().any(|(known, weight)| known == name && *weight > 0.0))
        };
        match gate.check {
            Check::Query { .. } => true,
            Check::Srm => last.is_none(),
            _ => has_units(&self.baseline) && has_units(&self.variant),
        }
    }

    /// How many gates apply to a step.
    #[must_use]
    pub fn gates_of(&self, step: usize) -> usize {
        self.gates.iter().filter(|gate| self.applies(gate, step)).count()
    }
}

/// What is neither, or both, is refused elsewhere.
fn is_split(target: &Target) -> bool {
    target.split.is_some() && target.experiment.is_none()
}

fn subject(target: &Target, at: &At, problems: &mut Problems) -> Option<Subject> {
    match (&target.experiment, &target.split) {
        (Some(key), None) => Some(Subject::Experiment(key.clone())),
        (None, Some(rule)) => Some(Subject::Split(rule.clone())),
        (Some(_), Some(_)) => {
            problems.add(&at.field("split"), "expected either `experiment` or `split`");
            None
        }
        (None, None) => {
            problems.missing(at, "missing: `experiment` or `split`, which says what is released");
            None
        }
    }
}

fn steps(spec: &Spec, at: &At, problems: &mut Problems) -> Vec<Step> {
    let at = at.field("steps");
    if spec.steps.is_empty() {
        problems.missing(&at, "missing: expected at least one step, such as {coverage: 10%, hold: 10m}");
    }
    if spec.steps.len() > MAX_STEPS {
        problems.add(&at, format!("{} steps: expected at most {MAX_STEPS}", spec.steps.len()));
    }
    let is_split = is_split(&spec.target);
    let steps = spec.steps.iter().take(MAX_STEPS).enumerate();
    steps.filter_map(|(index, step)| self::step(step, is_split, index, &at.index(index), problems)).collect()
}

fn step(step: &StepSpec, is_split: bool, index: usize, at: &At, problems: &mut Problems) -> Option<Step> {
    if step.coverage.is_none() && step.weights.is_none() {
        problems.missing(at, "missing: expected `coverage` or `weights`");
    }
    let coverage = step.coverage.map(|part| part.0);
    if let Some(part) = coverage.filter(|part| is_split || *part > 1.0) {
        let expected = match is_split {
            true => "a split has no coverage, all of its units have a target",
            false => "expected a part from 0 to 1, or a percentage such as \"10%\"",
        };
        problems.add(&at.field("coverage"), format!("{part}: {expected}"));
    }
    let weights =
        step.weights.as_ref().map(|weights| weights_of(weights.iter(), &at.field("weights"), problems));
    if step.approval == Some(true) && index == 0 {
        problems.add(&at.field("approval"), "true: the first step begins when you start the rollout");
    }
    let hold = step.hold.as_ref().map(|text| milliseconds(text, 0, &at.field("hold"), problems));
    if is_split && step.min_units.is_some_and(|units| units > 0) {
        problems.add(&at.field("minUnits"), "units of a split are not counted: expected none");
    }
    let share = Share { coverage, weights };
    Some(Step {
        name: share.to_string(),
        share,
        hold: hold.unwrap_or(Some(0))?,
        min_units: step.min_units.unwrap_or_default(),
        approval: step.approval.unwrap_or_default(),
    })
}

fn weights_of<'a>(
    weights: impl Iterator<Item = (&'a str, &'a f64)>,
    at: &At,
    problems: &mut Problems,
) -> Vec<(String, f64)> {
    let weights: Vec<(String, f64)> = weights.map(|(name, weight)| (name.to_owned(), *weight)).collect();
    for (name, weight) in weights.iter().filter(|(_, weight)| !weight.is_finite() || *weight < 0.0) {
        problems.add(&at.field(name), format!("{weight}: expected a weight of 0 or more"));
    }
    if !weights.iter().any(|(_, weight)| *weight > 0.0) {
        problems.missing(at, "expected a weight above 0");
    }
    weights
}

impl fmt::Display for Share {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(coverage) = self.coverage {
            write!(out, "coverage {} %", rounded(coverage * 100.0))?;
        }
        let texts =
            self.weights.iter().flatten().map(|(name, weight)| format!("{name} {}", rounded(*weight)));
        let texts: Vec<String> = texts.collect();
        match (texts.is_empty(), self.coverage) {
            (true, _) => Ok(()),
            (false, None) => write!(out, "weights {}", texts.join(", ")),
            (false, Some(_)) => write!(out, ", weights {}", texts.join(", ")),
        }
    }
}

/// A number for people, with up to four decimals.
fn rounded(number: f64) -> String {
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn milliseconds(text: &str, least: u64, at: &At, problems: &mut Problems) -> Option<u64> {
    match duration::parse(text) {
        Ok(time) => {
            let number = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            if number < least {
                problems.add(at, format!("{text:?}: expected a duration of at least {least}ms"));
                return None;
            }
            Some(number)
        }
        Err(invalid) => {
            problems.add(at, invalid.to_string());
            None
        }
    }
}
