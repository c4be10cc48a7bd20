//! What most requests never come to.

use super::{assign, position};
use crate::config::Status;
use crate::decision::Decision;
use crate::plan::{Experiment, Rule};
use crate::stored::StickyStore;
use crate::trace::{Step, Trace, Verdict};
use weir_allocation::sdk::Assignment;
use weir_core::{Assigned, HostServices};

impl<O: HostServices> Decision<'_, O> {
    #[cold]
    #[inline(never)]
    pub(super) fn status(&self, experiment: &Experiment) -> Status {
        match &experiment.window {
            Some(window) if experiment.status != Status::Draft => match self.now() {
                now if now >= window.end => Status::Ended,
                now if now < window.start && experiment.status != Status::Ended => Status::Draft,
                _ => experiment.status,
            },
            _ => experiment.status,
        }
    }

    /// The sticky assignment; none for an experiment that is not sticky.
    #[cold]
    #[inline(never)]
    pub(super) fn memo(&self, experiment: &Experiment) -> StickyStore {
        let recalled = if experiment.sticky { self.recalled() } else { None };
        recalled.map_or(StickyStore::Nothing, |recalled| experiment.memo(recalled))
    }

    /// An experiment without units, or with a coverage that rises with time. Apart, for speed: see the top of the file.
    #[cold]
    #[inline(never)]
    pub(super) fn unusual<T: Trace>(
        &self,
        experiment: &Experiment,
        unit: Option<&[u8]>,
        trace: &mut T,
    ) -> Option<Assigned> {
        let assigner = match &experiment.rule {
            Rule::Hash(assigner) => assigner,
            Rule::Ramp(ramp) => ramp.at(self.now())?,
            Rule::Everyone => {
                experiment.note(trace, Step::Variant, Verdict::Variant(0));
                return Some(Assigned::from(0));
            }
        };
        let assignment = assign(assigner, unit);
        let Assignment::Variant(variant) = assignment else {
            if unit.is_none() {
                self.lacks_unit.set(true);
            }
            experiment.hashed(trace, Step::Coverage, Verdict::Out, unit, None, assigner);
            return None;
        };
        experiment.hashed(trace, Step::Coverage, Verdict::On, unit, None, assigner);
        experiment.hashed(trace, Step::Variant, Verdict::Variant(variant), unit, None, assigner);
        Some(Assigned::from(position(variant)))
    }

    /// A unit for clients without one. The outer `None` ends the experiment: no ID and no cookie for an
    /// experiment that excludes the client.
    #[cold]
    #[inline(never)]
    pub(super) fn mint_for<'t, T: Trace>(
        &'t self,
        experiment: &Experiment,
        trace: &mut T,
    ) -> Option<Option<&'t [u8]>> {
        let units = self.plan.units.get(usize::from(experiment.units))?;
        if units.minted && self.consent() && self.is_visit() {
            self.is_for(experiment, false, trace)?;
            return Some(self.mint());
        }
        experiment.note(trace, Step::Unit, Verdict::On);
        Some(None)
    }
}
