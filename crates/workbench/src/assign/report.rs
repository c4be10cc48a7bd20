//! The report of a decision.

use crate::text::percent;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use weir_allocation::sdk::Number;
use weir_experiment::{Experiment, Note, Step, Verdict};
use weir_pipeline::{faults, jwt};

/// What becomes of a request, step by step. The JSON form is documented in `docs/cli.md`.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// How the request's tokens were looked at, where the configuration verifies any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tokens: Vec<TokenStep>,
    /// What the proxy answers because of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) answer: Option<Answer>,
    /// Whether the request waits for keys that the proxy would fetch.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) waits: bool,
    pub(super) experiments: Vec<Decided>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) routing: Option<Routed>,
    /// What could be injected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) faults: Vec<Fault>,
    /// The headers of the configuration that the request ends up with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) headers: Option<BTreeMap<String, String>>,
    /// Headers that were sent, and are removed: the configuration owns them, or clients must not send them.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) removed: BTreeSet<String>,
    /// The new path and host, where they are rewritten.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) authority: Option<String>,
    /// Filter state and headers of responses.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) state: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) response: Vec<(String, String)>,
    /// Counters that go up by one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) counts: Vec<String>,
}

/// An answer of the proxy itself.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) details: String,
    pub(super) body: String,
}

/// A step of looking at tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "camelCase")]
pub(super) enum TokenStep {
    /// The rule that the request comes under, by position.
    Rule { position: Option<usize> },
    /// Whether this rule is for the request is unknown, so the request must meet it too.
    Undecided { position: usize },
    /// The rule asks for none.
    NotAsked,
    /// `result`: `good`, `waits`, or the reason why it is refused.
    Token { provider: String, result: String },
    /// Whether the claims are as the rule requires.
    Require { holds: bool },
}

impl TokenStep {
    pub(super) fn new(note: jwt::Note<'_>) -> Self {
        match note {
            jwt::Note::Rule(position) => Self::Rule { position },
            jwt::Note::Undecided(position) => Self::Undecided { position },
            jwt::Note::NotAsked => Self::NotAsked,
            jwt::Note::Token(provider, found) => {
                let result = match found {
                    jwt::Found::Good => "good",
                    jwt::Found::Waiting => "waits",
                    jwt::Found::Refused(reason) => reason,
                };
                Self::Token { provider: provider.to_owned(), result: result.to_owned() }
            }
            jwt::Note::Required(holds) => Self::Require { holds },
        }
    }

    fn words(&self) -> Option<(&str, String)> {
        Some(match self {
            Self::Rule { position: Some(position) } => ("rule", format!("rules[{position}]")),
            Self::Rule { position: None } => {
                ("rule", "none is for this request: no token is needed".to_owned())
            }
            Self::Undecided { position } => {
                ("rule", format!("rules[{position}] must be met too: a value cannot be judged"))
            }
            Self::NotAsked => ("token", "not asked for".to_owned()),
            Self::Token { provider, result } => (
                provider,
                match result.as_str() {
                    "good" => "the token is good".to_owned(),
                    "waits" => "the proxy would fetch its keys: give them with --jwks".to_owned(),
                    reason => format!("refused: {reason}"),
                },
            ),
            Self::Require { holds: true } => return None,
            Self::Require { holds: false } => ("require", "does not hold".to_owned()),
        })
    }
}

/// Where the request goes.
#[derive(Debug, Serialize)]
pub(super) struct Routed {
    /// The rules that were tried, in order.
    pub(super) rules: Vec<TriedRule>,
    /// `RULE`, `RULE/TARGET`, `default`, or null where nothing is done.
    pub(super) target: Option<String>,
    /// How a split chose its target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) split: Option<Chosen>,
}

#[derive(Debug, Serialize)]
pub(super) struct TriedRule {
    pub(super) name: String,
    pub(super) matches: bool,
    /// Whether that is unknown; such a rule counts as one that does not match.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) undecided: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Chosen {
    /// `key`: by the unit; `cookie`: by the id that the request gets; `random`; `first`: there is no key.
    pub(super) by: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bucket: Option<u32>,
}

/// What a fault could do to the request.
#[derive(Debug, Serialize)]
pub(super) struct Fault {
    pub(super) name: String,
    /// `meant`, `notMeant`, `undecided` (it is unknown, so it is not injected) or `off`.
    pub(super) verdict: &'static str,
    pub(super) faults: Vec<Injected>,
}

#[derive(Debug, Serialize)]
pub(super) struct Injected {
    kind: &'static str,
    what: String,
    /// The part of such requests that is hit, from 0 to 1.
    share: f64,
    /// Whether this one is; null where it is chance.
    hit: Option<bool>,
    /// Whether a header of the request asks for it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    asked: bool,
}

impl Fault {
    pub(super) fn new(explained: &faults::Explained<'_>) -> Self {
        let injected = explained.faults.iter().map(|possible| Injected {
            kind: possible.kind,
            what: possible.what.clone(),
            share: f64::from(possible.share.millionths()) / 1e6,
            hit: possible.hit,
            asked: possible.asked,
        });
        Self {
            name: explained.rule.to_owned(),
            verdict: match explained.verdict {
                faults::Verdict::Meant => "meant",
                faults::Verdict::NotMeant => "notMeant",
                faults::Verdict::Undecided => "undecided",
                faults::Verdict::Off => "off",
            },
            faults: injected.collect(),
        }
    }

    fn words(&self) -> String {
        let one = |it: &Injected| {
            let how = match it.hit {
                Some(true) => "this request".to_owned(),
                Some(false) => "not this request".to_owned(),
                None => format!("{} of such requests", percent(it.share)),
            };
            let asked = if it.asked { ", as its header asks" } else { "" };
            format!("{} {}: {how}{asked}", it.kind, it.what)
        };
        match self.verdict {
            "off" => "off now".to_owned(),
            "notMeant" => "not for this request".to_owned(),
            "undecided" => "not for this request: a value cannot be judged".to_owned(),
            _ => self.faults.iter().map(one).collect::<Vec<_>>().join("; "),
        }
    }
}

impl Routed {
    fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "routing: {}", self.target.as_deref().unwrap_or("left alone"))?;
        for TriedRule { name, matches, undecided } in &self.rules {
            let said = match (matches, undecided) {
                (true, _) => "matches",
                (false, true) => "does not match: a value cannot be judged",
                (false, false) => "does not match",
            };
            writeln!(out, "  {name:14} {said}")?;
        }
        let Some(Chosen { by, unit, bucket }) = &self.split else { return Ok(()) };
        let at = bucket.map_or_else(String::new, |bucket| {
            format!("{bucket} of 1000000, at {}", percent(f64::from(bucket) / 1e6))
        });
        let said = match *by {
            "key" => format!("weir-1 of {:?} is {at}", unit.as_deref().unwrap_or_default()),
            "cookie" => format!("by the id of a cookie that the response sets: {at}"),
            "random" => format!("drawn again for each request: {at}"),
            _ => "no key: the request goes to the first target".to_owned(),
        };
        writeln!(out, "  {:14} {said}", "split")
    }
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
    /// `on`: the next step decides; `out`: no variant; `unknown`: that is unknown, so no variant; `variant`:
    /// this one.
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
            ("unit", _) => "the request has no unit".to_owned(),
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
            ("coverage", _) => "outside of the coverage".to_owned(),
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
        match self.by {
            Some(by) => writeln!(out, "{}: {variant} (by {by})", self.key)?,
            None => writeln!(out, "{}: not decided", self.key)?,
        }
        self.steps.iter().try_for_each(|step| writeln!(out, "  {:14} {}", step.step, step.words(self)))
    }
}

impl Report {
    /// Writes it for people.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        let tokens: Vec<_> = self.tokens.iter().filter_map(TokenStep::words).collect();
        if !tokens.is_empty() {
            writeln!(out, "tokens:")?;
            tokens.iter().try_for_each(|(step, words)| writeln!(out, "  {step:14} {words}"))?;
        }
        if let Some(Answer { status, body, .. }) = &self.answer {
            writeln!(out, "answer: {status} {}", body.trim_end())?;
        }
        if self.waits {
            writeln!(out, "the request waits for keys: nothing is decided")?;
        }
        self.experiments.iter().try_for_each(|experiment| experiment.write_text(out))?;
        if let Some(routing) = &self.routing {
            routing.write_text(out)?;
        }
        if !self.faults.is_empty() {
            writeln!(out, "faults:")?;
            self.faults
                .iter()
                .try_for_each(|fault| writeln!(out, "  {:14} {}", fault.name, fault.words()))?;
        }
        let rewritten = [("path", &self.path), ("authority", &self.authority)];
        for (what, value) in rewritten.into_iter().filter_map(|(what, value)| Some((what, value.as_ref()?))) {
            writeln!(out, "{what}: {value}")?;
        }
        let Some(headers) = &self.headers else { return Ok(()) };
        writeln!(out, "headers:")?;
        headers.iter().try_for_each(|(name, value)| writeln!(out, "  {name}: {value}"))?;
        self.removed.iter().try_for_each(|name| writeln!(out, "  {name}: (removed)"))
    }
}
