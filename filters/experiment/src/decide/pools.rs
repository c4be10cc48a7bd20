//! Holdouts and layers.

use super::{Last, assign};
use crate::decision::Decision;
use crate::plan::Experiment;
use crate::trace::{Step, Trace, Verdict};
use weir_allocation::sdk::Assignment;
use weir_core::HostServices;

impl<O: HostServices> Decision<'_, O> {
    /// Holdouts and layers; `None` when the unit does not take part.
    #[inline(never)]
    pub(super) fn pools<'t, T: Trace>(
        &'t self,
        experiment: &'t Experiment,
        last: &mut Last<'t>,
        trace: &mut T,
    ) -> Option<()> {
        for pool in &experiment.holdouts {
            let held = self.place(*pool, experiment.units, last)? != Assignment::NotCovered;
            let verdict = if held { Verdict::Out } else { Verdict::On };
            self.pooled(experiment, Step::Holdout, verdict, *pool, last.unit, trace);
            if held {
                return None;
            }
        }
        for layer in &experiment.layers {
            let ours = self.place(layer.pool, layer.units, last)? == Assignment::Variant(layer.member);
            let verdict = if ours { Verdict::On } else { Verdict::Out };
            self.pooled(experiment, Step::Layer, verdict, layer.pool, last.unit, trace);
            if !ours {
                if last.unit.is_none() {
                    self.lacks_unit.set(true);
                }
                return None;
            }
        }
        Some(())
    }

    /// Where the unit is in a holdout or layer.
    #[inline]
    fn place<'t>(&'t self, pool: u16, units: u16, last: &mut Last<'t>) -> Option<Assignment> {
        if last.pool != (pool, units) {
            let unit = if units == last.units {
                last.unit
            } else {
                self.unit_apart(self.plan.units.get(usize::from(units))?)
            };
            let pooled = self.plan.pools.get(usize::from(pool))?;
            last.place = assign(&pooled.assigner, unit);
            last.pool = (pool, units);
        }
        Some(last.place)
    }

    /// Tells about a step that looked at a holdout or layer.
    #[inline(always)]
    fn pooled<T: Trace>(
        &self,
        experiment: &Experiment,
        step: Step,
        verdict: Verdict,
        pool: u16,
        unit: Option<&[u8]>,
        trace: &mut T,
    ) {
        if let Some(pool) = self.plan.pools.get(usize::from(pool)) {
            experiment.hashed(trace, step, verdict, unit, Some(&pool.name), &pool.assigner);
        }
    }
}
