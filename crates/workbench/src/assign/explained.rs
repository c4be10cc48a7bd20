//! The report of a decision in words.

use super::report::{
    Answer, Chosen, ChosenBy, Decided, Fault, FaultVerdict, Hashed, Injected, Report, Routed, Taken,
    TokenResult, TokenStep, TriedRule, word,
};
use crate::text::percent;
use serde::Serialize;
use std::io::{self, Write};
use weir_experiment::{Step, Verdict};

/// A part of the decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Section {
    /// What it is about.
    pub kind: Kind,
    /// `checkout: b (by variant)`
    pub title: String,
    /// In their order.
    pub steps: Vec<Line>,
}

/// What a part of the decision is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// How tokens were looked at.
    Tokens,
    /// The proxy answers the request itself.
    Answer,
    /// The request waits for keys.
    Waits,
    /// An experiment.
    Experiment,
    /// The routing rules.
    Routing,
    /// What could be injected.
    Faults,
    /// The new path or host.
    Rewrite,
    /// The headers of the configuration that the request ends up with.
    Headers,
}

/// A step of a decision, or a header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The step, the rule, or the header's name.
    pub name: String,
    /// What it found.
    pub words: String,
}

impl Line {
    fn new(name: &str, words: impl Into<String>) -> Self {
        Self { name: name.to_owned(), words: words.into() }
    }
}

impl Section {
    fn new(kind: Kind, title: impl Into<String>, steps: Vec<Line>) -> Self {
        Self { kind, title: title.into(), steps }
    }
}

impl TokenStep {
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
                match result {
                    TokenResult::Good => "the token is good".to_owned(),
                    TokenResult::Waits => "the proxy would fetch its keys: give them with --jwks".to_owned(),
                    TokenResult::Refused(reason) => format!("refused: {reason}"),
                },
            ),
            Self::Require { holds: true } => return None,
            Self::Require { holds: false } => ("require", "does not hold".to_owned()),
        })
    }
}

impl Fault {
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
            FaultVerdict::Off => "off now".to_owned(),
            FaultVerdict::NotMeant => "not for this request".to_owned(),
            FaultVerdict::Undecided => "not for this request: a value cannot be judged".to_owned(),
            FaultVerdict::Meant => self.faults.iter().map(one).collect::<Vec<_>>().join("; "),
        }
    }
}

impl Routed {
    fn section(&self) -> Section {
        let mut steps: Vec<Line> = self.rules.iter().map(TriedRule::line).collect();
        steps.extend(self.split.as_ref().map(|split| Line::new("split", split.words())));
        let target = self.target.as_deref().unwrap_or("left alone");
        Section::new(Kind::Routing, format!("routing: {target}"), steps)
    }
}

impl TriedRule {
    fn line(&self) -> Line {
        let said = match (self.matches, self.undecided) {
            (true, _) => "matches",
            (false, true) => "does not match: a value cannot be judged",
            (false, false) => "does not match",
        };
        Line::new(&self.name, said)
    }
}

impl Chosen {
    fn words(&self) -> String {
        let Self { by, unit, bucket } = self;
        let at = bucket.map_or_else(String::new, |bucket| {
            format!("{bucket} of 1000000, at {}", percent(f64::from(bucket) / 1e6))
        });
        match by {
            ChosenBy::Key => format!("weir-1 of {:?} is {at}", unit.as_deref().unwrap_or_default()),
            ChosenBy::Cookie => format!("by the id of a cookie that the response sets: {at}"),
            ChosenBy::Random => format!("drawn again for each request: {at}"),
            ChosenBy::First => "no key: the request goes to the first target".to_owned(),
        }
    }
}

impl Taken {
    /// What the step found, in words.
    fn words(&self, experiment: &Decided) -> String {
        let variant = self.variant.map(|_| experiment.variant.as_deref().unwrap_or("?"));
        let said = match (self.step, self.verdict) {
            (Step::Trust, Verdict::On) => "no trusted peer has decided",
            (Step::Status, Verdict::On) => "running",
            (Step::Status, Verdict::Out) => "not running",
            (Step::Status, _) => "ended, with a winner",
            (Step::Override, Verdict::On) => "no tester has chosen",
            (Step::Override, _) => "a tester has chosen",
            (Step::Sticky, Verdict::On) => "nothing is remembered",
            (Step::Sticky, Verdict::Out) => "no new units, or an assignment that is too old",
            (Step::Sticky, _) => "remembered",
            (Step::Unit, _) => "the request has no unit",
            (Step::Targeting, Verdict::On) => "match, condition and cel hold",
            (Step::Targeting | Step::Prerequisites, Verdict::Unknown) => {
                "a value cannot be judged: it is too long or not of its type, or cel fails"
            }
            (Step::Targeting, _) => "match, condition or cel does not hold",
            (Step::Prerequisites, Verdict::On) => "fulfilled",
            (Step::Prerequisites, _) => "not fulfilled",
            (Step::Holdout, Verdict::Out) => "held out",
            (Step::Holdout, _) => "not held out",
            (Step::Layer, Verdict::On) => "in this experiment's ranges",
            (Step::Layer, _) => "not in this experiment's ranges",
            (Step::Coverage, Verdict::On) => "takes part",
            (Step::Coverage, _) => "outside of the coverage",
            (Step::Flag | Step::Trust | Step::Variant, verdict) => word(verdict),
        };
        let said = match (self.step, variant) {
            (Step::Variant, Some(variant)) => variant.to_owned(),
            (_, Some(variant)) => format!("{said}: {variant}"),
            (_, None) => said.to_owned(),
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
    fn section(&self) -> Section {
        let variant = self.variant.as_deref().unwrap_or("no variant");
        let title = match self.by {
            Some(by) => format!("{}: {variant} (by {})", self.key, by.name()),
            None => format!("{}: not decided", self.key),
        };
        let steps = self.steps.iter().map(|step| Line::new(step.step.name(), step.words(self)));
        Section::new(Kind::Experiment, title, steps.collect())
    }
}

impl Report {
    /// The decision in words, part by part.
    #[must_use]
    pub fn sections(&self) -> Vec<Section> {
        let mut all = Vec::new();
        let tokens: Vec<Line> = self
            .tokens
            .iter()
            .filter_map(|step| step.words())
            .map(|(step, words)| Line::new(step, words))
            .collect();
        if !tokens.is_empty() {
            all.push(Section::new(Kind::Tokens, "tokens:", tokens));
        }
        if let Some(Answer { status, body, .. }) = &self.answer {
            all.push(Section::new(Kind::Answer, format!("answer: {status} {}", body.trim_end()), Vec::new()));
        }
        if self.waits {
            let title = "the request waits for keys: nothing is decided";
            all.push(Section::new(Kind::Waits, title, Vec::new()));
        }
        all.extend(self.experiments.iter().map(Decided::section));
        all.extend(self.routing.as_ref().map(Routed::section));
        if !self.faults.is_empty() {
            let faults = self.faults.iter().map(|fault| Line::new(&fault.name, fault.words()));
            all.push(Section::new(Kind::Faults, "faults:", faults.collect()));
        }
        for (what, value) in [("path", &self.path), ("authority", &self.authority)] {
            all.extend(
                value
                    .as_ref()
                    .map(|value| Section::new(Kind::Rewrite, format!("{what}: {value}"), Vec::new())),
            );
        }
        if let Some(headers) = &self.headers {
            let kept = headers.iter().map(|(name, value)| Line::new(name, value.as_str()));
            let removed = self.removed.iter().map(|name| Line::new(name, "(removed)"));
            all.push(Section::new(Kind::Headers, "headers:", kept.chain(removed).collect()));
        }
        all
    }

    /// Writes the decision for people.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        for Section { kind, title, steps } in self.sections() {
            writeln!(out, "{title}")?;
            for Line { name, words } in steps {
                match kind {
                    Kind::Headers => writeln!(out, "  {name}: {words}")?,
                    _ => writeln!(out, "  {name:14} {words}")?,
                }
            }
        }
        Ok(())
    }
}
