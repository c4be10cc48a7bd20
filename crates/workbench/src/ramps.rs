//! Configurations as they are at one moment: ramps are resolved to the coverage and the weights that they have then.

use crate::document::Loaded;
use crate::error::Error;
use weir_experiment::FractionSpec;
use weir_pipeline::{Document, Plans};

impl Loaded {
    /// Whether anything in it changes with time.
    #[must_use]
    pub fn has_ramps(&self) -> bool {
        let experiments = self.document.experiments.iter().flat_map(|section| &section.list);
        let rules = self.document.routing.iter().flat_map(|routing| &routing.rules);
        experiments.into_iter().any(|experiment| experiment.ramp.is_some())
            || rules.filter_map(|rule| rule.split.as_ref()).any(|split| split.ramp.is_some())
    }

    /// The same at a moment, in nanoseconds since the Unix epoch: with the coverage and the weights of that moment, and
    /// without ramps.
    ///
    /// # Errors
    /// It cannot be loaded again; a message for people.
    pub fn at(&self, now: u64) -> Result<Self, Error> {
        let document = at(&self.document, now);
        let json = serde_json::to_vec(&document).map_err(Error::because)?;
        let plans = Plans::load_offline(&json, &|_| None).map_err(Error::because)?;
        Ok(Self { document, written: self.written.clone(), plans, variables: self.variables.clone() })
    }
}

fn at(document: &Document, now: u64) -> Document {
    let mut document = document.clone();
    for experiment in document.experiments.iter_mut().flat_map(|section| &mut section.list) {
        if let Some(steps) = experiment.ramp.as_ref().and_then(|ramp| ramp.when.valid()) {
            experiment.coverage = Some(FractionSpec(experiment.coverage_after(steps.taken(now))));
            experiment.ramp = None;
        }
    }
    let rules = document.routing.iter_mut().flat_map(|routing| &mut routing.rules);
    for split in rules.filter_map(|rule| rule.split.as_mut()) {
        if let Some(steps) = split.ramp.as_ref().and_then(weir_core::StepsSpec::valid) {
            let weights = split.weights_after(steps.taken(now));
            for (target, weight) in split.targets.iter_mut().zip(weights) {
                target.weight = Some(weight);
            }
            split.ramp = None;
        }
    }
    document
}
