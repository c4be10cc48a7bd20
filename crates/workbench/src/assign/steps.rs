//! Collects the steps that the filters report while they decide.

use super::report::{Fault, Taken, TokenStep};
use weir_core::{Effects, HostServices, Request, Truth};
use weir_experiment as experiment;
use weir_pipeline::{Trace, faults, jwt, routing};

/// All steps of one decision. Faults are explained, not suffered.
#[derive(Debug, Default)]
pub(super) struct Steps {
    pub(super) tokens: Vec<TokenStep>,
    /// With the experiment's position in the configuration.
    pub(super) experiments: Vec<(usize, Taken)>,
    /// Rules by position, and whether they match.
    pub(super) rules: Vec<(usize, Truth)>,
    pub(super) split: Option<Split>,
    pub(super) faults: Vec<Fault>,
}

/// How a split has chosen.
#[derive(Debug)]
pub(super) struct Split {
    /// What was hashed; `None` where all without a key go to the first target.
    pub(super) key: Option<Key>,
    pub(super) target: usize,
}

#[derive(Debug)]
pub(super) struct Key {
    /// `None`: the id of a cookie that the request gets, or a random draw for this request.
    pub(super) unit: Option<String>,
    pub(super) bucket: u32,
    pub(super) random: bool,
}

impl jwt::Trace for Steps {
    fn token_step(&mut self, note: jwt::Note<'_>) {
        self.tokens.push(TokenStep::new(note));
    }
}

impl experiment::Trace for Steps {
    fn note(&mut self, note: experiment::Note<'_>) {
        self.experiments.push((note.experiment.index(), Taken::new(&note)));
    }
}

impl routing::Trace for Steps {
    fn routing_step(&mut self, note: routing::Note<'_>) {
        match note {
            routing::Note::Rule { position, truth } => match self.rules.last_mut() {
                // Of several matches one will do.
                Some((last, before)) if *last == position => *before = Truth::any([*before, truth]),
                _ => self.rules.push((position, truth)),
            },
            routing::Note::First => self.split = Some(Split { key: None, target: 0 }),
            routing::Note::Split { key, bucket, target } => {
                let unit = match key {
                    routing::Key::Sent(key) => Some(String::from_utf8_lossy(key).into_owned()),
                    routing::Key::Minted | routing::Key::Random => None,
                };
                let key = Key { unit, bucket: bucket.index(), random: key == routing::Key::Random };
                self.split = Some(Split { key: Some(key), target });
            }
        }
    }
}

impl Trace for Steps {
    fn faults<O: HostServices>(
        &mut self,
        plan: &faults::Plan,
        request: &Request<'_, O>,
        effects: &mut Effects,
    ) {
        plan.explain(request, effects, &mut |explained| self.faults.push(Fault::new(&explained)));
    }
}
