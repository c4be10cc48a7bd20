//! Which of many experiments a request can get a variant of: an index of their targeting.

use crate::config::Status;
use crate::plan::{Experiment, Index};
use weir_core::{Compiler, Predicate, RuleCost, RuleIndex};

/// What is looked at before the targeting: the status, the unit, and room for the variant.
const COST: RuleCost = RuleCost { before: 4, judged: true };

/// The targeting of an experiment that gives no request a variant.
const NOBODY: &Predicate = &Predicate::Const(false);

impl Index {
    /// An index of experiments; `None` where they are few, or most have no targeting that it can use.
    pub(super) fn new(experiments: &[Experiment], compiler: &Compiler<'_>) -> Option<Box<Self>> {
        // Reading the cookie has effects of its own. With one of these, all requests have them.
        let reads_memory = experiments.iter().any(|it| it.sticky && it.is_asked_always());
        let targetings: Vec<Option<&Predicate>> =
            experiments.iter().map(|it| it.targeting().filter(|_| !it.sticky || reads_memory)).collect();
        let rules = RuleIndex::new(&targetings, COST, compiler)?;
        let mut units = Vec::new();
        for (experiment, targeting) in experiments.iter().zip(&targetings) {
            let is_for_some = targeting.is_some() && !matches!(experiment.when, Predicate::Const(true));
            let left_out = is_for_some && experiment.status == Status::Running;
            if left_out && !experiment.layers.is_empty() && !units.contains(&experiment.units) {
                units.push(experiment.units);
            }
        }
        Some(Box::new(Self { rules, reads_memory, units: units.into() }))
    }
}

impl Experiment {
    /// Whether its status is the same at all times, and lets requests take part.
    fn is_asked_always(&self) -> bool {
        let takes_part = matches!(self.status, Status::Running | Status::Paused);
        takes_part && self.window.is_none() && self.earlier.is_empty()
    }

    /// What must hold for a request that gets a variant of it, unless that is remembered, or a tester or a peer has
    /// chosen it. `None` where other requests can get one.
    fn targeting(&self) -> Option<&Predicate> {
        match self.status {
            Status::Draft => Some(NOBODY),
            _ if self.winner.is_some() && (self.status == Status::Ended || self.window.is_some()) => None,
            Status::Ended | Status::Paused => Some(NOBODY),
            Status::Running => Some(&self.when),
        }
    }
}
