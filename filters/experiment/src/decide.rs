//! The decision: one request's attributes in, effects out.

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed. What most
// requests never come to is `#[cold]`, so that it lies apart.

mod pools;
mod rare;

use crate::config::Status;
use crate::decision::{Decision, find, values};
use crate::overrides::Chosen;
use crate::passes::Earlier;
use crate::plan::{Experiment, Plan, Rule, Trust, Variant};
use crate::sticky::NewAssignments;
use crate::stored::StickyStore;
use crate::trace::{Note, Step, Trace, Verdict};
use weir_allocation::sdk::{Assigner, Assignment};
use weir_core::RequestView;
use weir_core::effect::{HeaderValue, Provisional};
use weir_core::{Assigned, DecidedBy, Effects, HostServices, Request, Truth, regex};

/// Results of the previous experiment, which the next one often needs again.
struct Last<'t> {
    units: u16,
    unit: Option<&'t [u8]>,
    pool: (u16, u16),
    place: Assignment,
}

impl Default for Last<'_> {
    #[inline]
    fn default() -> Self {
        let (pool, place) = ((u16::MAX, 0), Assignment::NotCovered);
        Self { units: u16::MAX, unit: None, pool, place }
    }
}

impl Plan {
    /// Decides all experiments for a request.
    #[inline]
    pub fn decide<O: HostServices>(&self, request: &Request<'_, O>, effects: &mut Effects) {
        self.decide_traced(request, effects, &mut ());
    }

    /// Decides all experiments, and reports each step to `trace`.
    #[inline]
    pub fn decide_traced<O: HostServices, T: Trace>(
        &self,
        request: &Request<'_, O>,
        effects: &mut Effects,
        trace: &mut T,
    ) {
        let earlier = self.passes.and_then(|passes| Earlier::of(self, passes, request));
        let decision = Decision::new(self, request, earlier.as_deref());
        let trusted = self.trust.as_ref().is_some_and(|trust| trust.accept(&decision, effects));
        // A trace asks each experiment. Those that requests are not asked about take nothing of a request's work.
        let index = || self.index.as_deref().filter(|_| !trusted);
        let explained = if T::EACH_EXPERIMENT { index().and_then(|it| decision.find(it)) } else { None };
        if !T::EACH_EXPERIMENT
            && let Some(index) = index()
        {
            decision.find_asked(index);
        }
        let (mut last, mut has_uncounted) = (Last::default(), trusted);
        let mut fresh = NewAssignments::default();
        let counted_before = effects.counts.len();
        // All of them in one run, or those that are asked one by one.
        let (mut first, mut run) = decision.first_asked();
        loop {
            for (position, experiment) in (first..).zip(run) {
                if !experiment.earlier.is_empty() && experiment.flag_is_decided(request) {
                    experiment.note(trace, Step::Flag, Verdict::Out);
                    continue;
                }
                let inherited = if trusted { decision.inherited(position, experiment, trace) } else { None };
                let decided = match inherited {
                    Some(assigned) => Some(assigned),
                    None if T::EACH_EXPERIMENT
                        && explained.as_ref().is_some_and(|it| !it.contains(position)) =>
                    {
                        regex::aside(|| decision.experiment(experiment, &mut last, trace))
                    }
                    None => decision.experiment(experiment, &mut last, trace),
                };
                let Some(mut assigned) = decided else { continue };
                let Some(variant) = experiment.variants.get(usize::from(assigned.variant)) else { continue };
                if self.may_not_count {
                    assigned = decision.judged(assigned);
                }
                request.assign(experiment.id, assigned);
                variant.apply(effects);
                if !assigned.counts {
                    has_uncounted = true;
                    variant.mark(assigned, effects);
                } else if assigned.by == DecidedBy::Hash {
                    match (&self.memory, variant.counters) {
                        (None, Some(counters)) => {
                            if decision.earlier.is_none() || decision.is_counted_now(experiment, variant) {
                                effects.counts.push(counters.assignments);
                            }
                        }
                        (None, None) => {}
                        (Some(_), _) => fresh.note(&decision, position, assigned.variant),
                    }
                }
            }
            match decision.asked.get().and_then(|asked| decision.one_asked(asked, first + 1)) {
                Some(next) => (first, run) = next,
                None => break,
            }
        }
        if has_uncounted {
            self.write_decided(trusted, &decision, effects);
        }
        if self.outputs.any {
            self.write_outputs(trusted, &decision, effects);
        }
        decision.finish(effects);
        let states_before = effects.states.len();
        fresh.finish(&decision, effects);
        if self.exposes_requests {
            decision.expose_all(effects);
        }
        if decision.provisional.get() {
            defer(counted_before, states_before, effects);
        }
    }
}

impl Trust {
    /// Whether the peer is trusted; its headers are kept then, unless they are decided again.
    #[cold]
    #[inline(never)]
    fn accept<O: HostServices>(&self, decision: &Decision<'_, O>, effects: &mut Effects) -> bool {
        // An unknown result counts as untrusted.
        let trusted = decision.judge(&self.when) == Truth::True;
        if trusted {
            effects.trusted = true;
            for header in &self.headers {
                effects.set(*header, HeaderValue::AsSent);
            }
        }
        trusted
    }
}

impl Variant {
    #[inline]
    fn apply(&self, effects: &mut Effects) {
        for (header, value) in &self.headers {
            effects.set(*header, *value);
        }
        if let Some((state, value)) = self.state {
            effects.states.push((state, value.into()));
        }
    }

    /// Says in filter state, which was set just before, that it does not count.
    #[cold]
    #[inline(never)]
    fn mark(&self, assigned: Assigned, effects: &mut Effects) {
        let Some((state, _)) = self.state else { return };
        let made = effects.make(|out| {
            out.extend_from_slice(self.key.as_bytes());
            out.push(Assigned::SEPARATOR);
            out.extend_from_slice(assigned.word().as_bytes());
        });
        effects.states.pop();
        effects.states.push((state, made.into()));
    }
}

impl<'a, O: HostServices> Decision<'a, O> {
    /// The variant that a trusted peer has decided, which counts as it was decided there.
    #[cold]
    #[inline(never)]
    fn inherited<T: Trace>(
        &self,
        position: usize,
        experiment: &Experiment,
        trace: &mut T,
    ) -> Option<Assigned> {
        let outputs = &self.plan.outputs;
        let own = outputs.headers.get(position).copied().flatten();
        let own = own.and_then(|header| experiment.position(self.request.sent(header)?));
        let combined = || find(self.request.sent(outputs.combined?)?, b',', experiment);
        let variant = own.or_else(combined);
        experiment.note(trace, Step::Trust, variant.map_or(Verdict::On, Verdict::Variant));
        let decided = outputs.decided.and_then(|header| self.request.sent(header));
        let word = decided.and_then(|list| values(list, b',', experiment.name()).next());
        Some(Assigned::by_peer(u16::try_from(variant?).ok()?, word))
    }

    /// The decision about one experiment, in the order of [`Step`].
    #[inline]
    fn experiment<'t, T: Trace>(
        &'t self,
        experiment: &'t Experiment,
        last: &mut Last<'t>,
        trace: &mut T,
    ) -> Option<Assigned> {
        let mut paused = false;
        if experiment.status != Status::Running || experiment.window.is_some() {
            match self.status(experiment) {
                Status::Running => {}
                Status::Paused => paused = true,
                Status::Draft => return experiment.end(trace, Step::Status, None),
                Status::Ended => {
                    return experiment.end(trace, Step::Status, experiment.winner.map(usize::from));
                }
            }
        }
        experiment.note(trace, Step::Status, Verdict::On);
        if let Some(overrides) = &self.plan.overrides {
            match self.chosen(overrides, experiment) {
                Chosen::Nothing => experiment.note(trace, Step::Override, Verdict::On),
                Chosen::Another => return experiment.end(trace, Step::Override, None),
                Chosen::Variant(variant) => return experiment.end(trace, Step::Override, Some(variant)),
            }
        }
        if experiment.sticky || paused {
            match self.memo(experiment) {
                StickyStore::Variant(variant) => return experiment.end(trace, Step::Sticky, Some(variant)),
                StickyStore::Nothing if !paused => experiment.note(trace, Step::Sticky, Verdict::On),
                _ => return experiment.end(trace, Step::Sticky, None),
            }
        }
        self.assign(experiment, last, trace)
    }

    /// The steps that look at the unit.
    #[inline]
    fn assign<'t, T: Trace>(
        &'t self,
        experiment: &'t Experiment,
        last: &mut Last<'t>,
        trace: &mut T,
    ) -> Option<Assigned> {
        if last.units != experiment.units {
            let units = self.plan.units.get(usize::from(experiment.units))?;
            (last.units, last.unit) = (experiment.units, self.unit(units));
        }
        if last.unit.is_none() {
            last.unit = self.mint_for(experiment, trace)?;
        }
        let unit = last.unit;
        if !experiment.holdouts.is_empty() || !experiment.layers.is_empty() {
            self.pools(experiment, last, trace)?;
        }
        self.is_for(experiment, true, trace)?;
        let Rule::Hash(assigner) = &experiment.rule else {
            return self.unusual(experiment, unit, trace);
        };
        match assign(assigner, unit) {
            Assignment::Variant(variant) => {
                experiment.hashed(trace, Step::Coverage, Verdict::On, unit, None, assigner);
                experiment.hashed(trace, Step::Variant, Verdict::Variant(variant), unit, None, assigner);
                Some(Assigned::from(position(variant)))
            }
            Assignment::NotCovered => {
                if unit.is_none() {
                    self.lacks_unit.set(true);
                }
                experiment.hashed(trace, Step::Coverage, Verdict::Out, unit, None, assigner);
                None
            }
        }
    }

    /// Whether the experiment's targeting selects the request; `None` if it does not, or if that is unknown:
    /// a value that cannot be judged never makes a unit part of an experiment. The trace gets the steps that
    /// end the experiment, and with `each` also the others.
    #[inline]
    fn is_for<T: Trace>(&self, experiment: &Experiment, each: bool, trace: &mut T) -> Option<()> {
        let conditions =
            [(Step::Targeting, &experiment.when), (Step::Prerequisites, &experiment.prerequisites)];
        for (step, predicate) in conditions {
            let verdict = match self.judge(predicate) {
                Truth::True => Verdict::On,
                Truth::False => Verdict::Out,
                Truth::Unknown => Verdict::Unknown,
            };
            if each || verdict != Verdict::On {
                experiment.note(trace, step, verdict);
            }
            if verdict != Verdict::On {
                return None;
            }
        }
        Some(())
    }
}

/// Lets counters that went up since, and exposures that were written since, wait for the response.
#[cold]
#[inline(never)]
fn defer(counts: usize, states: usize, effects: &mut Effects) {
    let exposures: Vec<_> = effects.states.drain(states..).collect();
    let counts = effects.counts.drain(counts..).collect();
    effects.provisional = Some(Provisional { counts, states: exposures });
}

/// The position of a variant, of which there are at most 4096.
#[allow(clippy::cast_possible_truncation, reason = "variants are counted in u16")]
#[inline]
fn position(variant: usize) -> u16 {
    variant as u16
}

/// What becomes of a unit, or of a request without one.
#[inline]
fn assign(assigner: &Assigner, unit: Option<&[u8]>) -> Assignment {
    match unit {
        Some(unit) => assigner.assign(unit),
        None => assigner.assign_missing(),
    }
}

impl Experiment {
    /// Whether an experiment before it in its flag has given a variant.
    #[cold]
    #[inline(never)]
    fn flag_is_decided<O: HostServices>(&self, request: &Request<'_, O>) -> bool {
        self.earlier.iter().any(|earlier| request.variant(*earlier).is_some())
    }

    /// Tells about a step that hashes nothing.
    #[inline(always)]
    fn note<T: Trace>(&self, trace: &mut T, step: Step, verdict: Verdict) {
        trace.note(Note { experiment: self, step, verdict, unit: None, pool: None, assigner: None });
    }

    /// Tells about a step that hashes the unit.
    #[inline(always)]
    fn hashed<T: Trace>(
        &self,
        trace: &mut T,
        step: Step,
        verdict: Verdict,
        unit: Option<&[u8]>,
        pool: Option<&str>,
        assigner: &Assigner,
    ) {
        trace.note(Note { experiment: self, step, verdict, unit, pool, assigner: Some(assigner) });
    }

    /// The last step before the hash is asked.
    #[inline(always)]
    fn end<T: Trace>(&self, trace: &mut T, step: Step, variant: Option<usize>) -> Option<Assigned> {
        self.note(trace, step, variant.map_or(Verdict::Out, Verdict::Variant));
        let (by, counts) = match step {
            Step::Status => (DecidedBy::Winner, false),
            Step::Override => (DecidedBy::Override, false),
            _ => (DecidedBy::Sticky, true),
        };
        variant.map(|variant| Assigned { variant: position(variant), by, counts })
    }
}
