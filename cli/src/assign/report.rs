//! What is told about a decision.

use crate::output::percent;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{self, Write};
use weir_allocation::sdk::Number;
use weir_experiment::{Experiment, Note, Step, Verdict};

#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) experiments: Vec<Decided>,
    /// The headers of the configuration that the request ends up with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) headers: Option<BTreeMap<String, String>>,
}

/// The decision about one experiment.
#[derive(Debug, Serialize)]
pub(super) struct Decided {
    key: String,
    /// The variant's key; null when the unit gets none.
    variant: Option<String>,
    /// The variant's payload.
    payload: Option<Value>,
    /// The step that decided.
    by: Option<&'static str>,
    steps: Vec<Taken>,
}

/// A step of the decision.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Taken {
    step: &'static str,
    /// `on`: the next step decides; `out`: no variant; `unknown`: that cannot be told, so no variant;
    /// `variant`: this one.
    verdict: &'static str,
    /// The variant's index, when the step gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<usize>,
    /// The unit, when the step hashes one.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    /// The holdout or layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pool: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<&'static str>,
    /// The number that the unit was hashed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<Hashed>,
    /// The number below which units take part, where coverage has a hash of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    below: Option<u64>,
}

/// A number of a hash: from `origin` on there are `scale` of them.
#[derive(Clone, Copy, Debug, Serialize)]
struct Hashed {
    value: u64,
    origin: u64,
    scale: u64,
}

impl From<Number> for Hashed {
    fn from(number: Number) -> Self {
        Self { value: number.value, origin: number.origin, scale: number.scale }
    }
}

impl Taken {
    pub(super) fn new(note: &Note<'_>) -> Self {
        let explained = note.explanation();
        // A hash of its own decides about coverage in some algorithms; in the others it is one number.
        let gate = explained.and_then(|it| it.coverage).filter(|_| note.step == Step::Coverage);
        let draw = explained.and_then(|it| it.draw);
        Self {
            step: note.step.name(),
            verdict: match note.verdict {
                Verdict::On => "on",
                Verdict::Out => "out",
                Verdict::Unknown => "unknown",
                Verdict::Variant(_) => "variant",
            },
            variant: match note.verdict {
                Verdict::Variant(index) => Some(index),
                Verdict::On | Verdict::Out | Verdict::Unknown => None,
            },
            unit: note.unit.map(|unit| String::from_utf8_lossy(unit).into_owned()),
            pool: note.pool.map(str::to_owned),
            hash: note.assigner.map(|assigner| assigner.algorithm().name()),
            number: gate.map(|(number, _)| number).or(draw).map(Hashed::from),
            below: gate.map(|(_, end)| end),
        }
    }

    /// What the step found, in words.
    fn words(&self, experiment: &Decided) -> String {
        let variant = self.variant.map(|_| experiment.variant.as_deref().unwrap_or("?"));
        let said = match (self.step, self.verdict) {
            ("trust", "on") => "no trusted peer has decided".to_owned(),
            ("status", "on") => "running".to_owned(),
            ("status", "out") => "not running".to_owned(),
            ("status", _) => "ended, with a winner".to_owned(),
            ("override", "on") => "no tester has chosen".to_owned(),
            ("override", _) => "a tester has chosen".to_owned(),
            ("sticky", "on") => "nothing is remembered".to_owned(),
            ("sticky", "out") => "no new units, or an assignment that is too old".to_owned(),
            ("sticky", _) => "remembered".to_owned(),
            ("unit", _) => "there is no unit".to_owned(),
            ("targeting", "on") => "match, condition and cel hold".to_owned(),
            ("targeting" | "prerequisites", "unknown") => {
                "a value cannot be judged: it is too long or not of its type, or cel fails".to_owned()
            }
            ("targeting", _) => "match, condition or cel does not hold".to_owned(),
            ("prerequisites", "on") => "fulfilled".to_owned(),
            ("prerequisites", _) => "not fulfilled".to_owned(),
            ("holdout", "out") => "held out".to_owned(),
            ("holdout", _) => "not held out".to_owned(),
            ("layer", "on") => "in this experiment's ranges".to_owned(),
            ("layer", _) => "not in this experiment's ranges".to_owned(),
            ("coverage", "on") => "takes part".to_owned(),
            ("coverage", _) => "takes no part".to_owned(),
            (_, verdict) => verdict.to_owned(),
        };
        let said = match (self.step, variant) {
            ("variant", Some(variant)) => variant.to_owned(),
            (_, Some(variant)) => format!("{said}: {variant}"),
            (_, None) => said,
        };
        [Some(said), self.pool.as_ref().map(|pool| format!("({pool})")), self.numbers()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn numbers(&self) -> Option<String> {
        let (Hashed { value, origin, scale }, hash) = (self.number?, self.hash?);
        let unit = self.unit.as_deref().unwrap_or_default();
        let place = percent((value - origin) as f64 / scale as f64);
        let below = self.below.map(|end| format!(", takes part below {end}")).unwrap_or_default();
        Some(format!("- {hash} of {unit:?} is {value} of {scale}, at {place}{below}"))
    }
}

impl Decided {
    pub(super) fn new(experiment: &Experiment, steps: Vec<Taken>) -> Self {
        let last = steps.last();
        let variant = last.and_then(|step| step.variant).and_then(|index| experiment.variants.get(index));
        Self {
            key: experiment.key.clone(),
            variant: variant.map(|variant| variant.key.clone()),
            payload: variant.and_then(|variant| variant.payload.clone()),
            by: last.map(|step| step.step),
            steps,
        }
    }

    fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        let variant = self.variant.as_deref().unwrap_or("no variant");
        writeln!(out, "{}: {variant} (by {})", self.key, self.by.unwrap_or("nothing"))?;
        self.steps.iter().try_for_each(|step| writeln!(out, "  {:14} {}", step.step, step.words(self)))
    }
}

impl Report {
    pub(super) fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        self.experiments.iter().try_for_each(|experiment| experiment.write_text(out))?;
        let Some(headers) = &self.headers else { return Ok(()) };
        writeln!(out, "headers:")?;
        headers.iter().try_for_each(|(name, value)| writeln!(out, "  {name}: {value}"))
    }
}
