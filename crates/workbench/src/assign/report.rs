//! The report of a decision, as programs read it.

use serde::{Serialize, Serializer};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
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

impl Report {
    /// Whether the request does not pass: the proxy answers it, or holds it until it has keys.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.answer.is_some() || self.waits
    }
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
    /// What came of a provider's token.
    Token { provider: String, result: TokenResult },
    /// Whether the claims are as the rule requires.
    Require { holds: bool },
}

/// What came of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenResult {
    Good,
    /// The keys are not there.
    Waits,
    /// Why it is refused.
    Refused(&'static str),
}

impl Serialize for TokenResult {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(match self {
            Self::Good => "good",
            Self::Waits => "waits",
            Self::Refused(reason) => reason,
        })
    }
}

impl TokenStep {
    pub(super) fn new(note: jwt::Note<'_>) -> Self {
        match note {
            jwt::Note::Rule(position) => Self::Rule { position },
            jwt::Note::Undecided(position) => Self::Undecided { position },
            jwt::Note::NotAsked => Self::NotAsked,
            jwt::Note::Token(provider, found) => {
                let result = match found {
                    jwt::Found::Good => TokenResult::Good,
                    jwt::Found::Waiting => TokenResult::Waits,
                    jwt::Found::Refused(reason) => TokenResult::Refused(reason),
                };
                Self::Token { provider: provider.to_owned(), result }
            }
            jwt::Note::Required(holds) => Self::Require { holds },
        }
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

/// What a split chose by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ChosenBy {
    /// The unit.
    Key,
    /// The id that the request gets.
    Cookie,
    /// Chance.
    Random,
    /// There is no key.
    First,
}

#[derive(Debug, Serialize)]
pub(super) struct Chosen {
    pub(super) by: ChosenBy,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bucket: Option<u32>,
}

/// Whether a fault is for the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum FaultVerdict {
    Meant,
    NotMeant,
    /// It is unknown, so it is not injected.
    Undecided,
    /// It is off now.
    Off,
}

/// What a fault could do to the request.
#[derive(Debug, Serialize)]
pub(super) struct Fault {
    pub(super) name: String,
    pub(super) verdict: FaultVerdict,
    pub(super) faults: Vec<Injected>,
}

#[derive(Debug, Serialize)]
pub(super) struct Injected {
    pub(super) kind: &'static str,
    pub(super) what: String,
    /// The part of such requests that is hit, from 0 to 1.
    pub(super) share: f64,
    /// Whether this one is; null where it is chance.
    pub(super) hit: Option<bool>,
    /// Whether a header of the request asks for it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) asked: bool,
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
                faults::Verdict::Meant => FaultVerdict::Meant,
                faults::Verdict::NotMeant => FaultVerdict::NotMeant,
                faults::Verdict::Undecided => FaultVerdict::Undecided,
                faults::Verdict::Off => FaultVerdict::Off,
            },
            faults: injected.collect(),
        }
    }
}

/// The decision about one experiment.
#[derive(Debug, Serialize)]
pub(super) struct Decided {
    pub(super) key: String,
    /// The variant's key; null when the unit gets none.
    pub(super) variant: Option<String>,
    /// The variant's payload.
    pub(super) payload: Option<Value>,
    /// The step that decided.
    #[serde(serialize_with = "name_if_any")]
    pub(super) by: Option<Step>,
    pub(super) steps: Vec<Taken>,
}

/// A step of the decision.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Taken {
    #[serde(serialize_with = "name")]
    pub(super) step: Step,
    /// `on`: the next step decides; `out`: no variant; `unknown`: that is unknown, so no variant; `variant`:
    /// this one.
    #[serde(serialize_with = "word_of")]
    pub(super) verdict: Verdict,
    /// The variant's index, when the step gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) variant: Option<usize>,
    /// The unit, when the step hashes one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unit: Option<String>,
    /// The holdout or layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pool: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hash: Option<&'static str>,
    /// The number that the unit was hashed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) number: Option<Hashed>,
    /// The number below which units take part, where coverage has a hash of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) below: Option<u64>,
}

fn name<S: Serializer>(step: &Step, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(step.name())
}

fn name_if_any<S: Serializer>(step: &Option<Step>, to: S) -> Result<S::Ok, S::Error> {
    step.map(Step::name).serialize(to)
}

fn word_of<S: Serializer>(verdict: &Verdict, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(word(*verdict))
}

/// A verdict as programs read it.
pub(super) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::On => "on",
        Verdict::Out => "out",
        Verdict::Unknown => "unknown",
        Verdict::Variant(_) => "variant",
    }
}

/// A number of a hash: from `origin` on there are `scale` of them.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Hashed {
    pub(super) value: u64,
    pub(super) origin: u64,
    pub(super) scale: u64,
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
            step: note.step,
            verdict: note.verdict,
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
}

impl Decided {
    pub(super) fn new(experiment: &Experiment, steps: Vec<Taken>) -> Self {
        let last = steps.last();
        let variant = last.and_then(|step| step.variant).and_then(|index| experiment.variants.get(index));
        Self {
            key: experiment.key.clone(),
            variant: variant.map(|variant| variant.key.clone()),
            payload: variant.and_then(|variant| variant.payload.as_deref().cloned()),
            by: last.map(|step| step.step),
            steps,
        }
    }
}
