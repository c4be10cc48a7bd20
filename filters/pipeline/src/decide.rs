//! The order in which the filters decide.

use crate::plans::Plans;
use crate::sections::{experiments, faults, jwt, metrics, routing};
use weir_core::effect::Provisional;
use weir_core::ids::{Counter, State};
use weir_core::{AccessPlan, Disposition, Effects, HostServices, Remembered, Request, ResponseHeader};

/// Receives each step of all filters. Requests are decided with `()`, which ignores the steps and costs
/// nothing.
pub trait Trace: jwt::Trace + experiments::Trace + routing::Trace {
    /// Whether and how the filter fault-injection decides. A trace that only explains asks the plan for what
    /// could happen instead.
    #[inline]
    fn faults<O: HostServices>(
        &mut self,
        plan: &faults::Plan,
        request: &Request<'_, O>,
        effects: &mut Effects,
    ) {
        plan.decide(request, effects);
    }
}

impl Trace for () {}

/// The remaining steps after the decision about a request's headers.
#[derive(Debug)]
pub struct Left {
    /// Headers for the response.
    pub response: Vec<ResponseHeader>,
    /// What the filter that changes responses is to remember.
    pub response_mark: Option<u16>,
    /// What is measured at the end, and goals with the response.
    pub measured: Option<metrics::Measured>,
    /// What else waits for the response's headers; nothing for most requests.
    pub deferred: Option<Box<Deferred>>,
}

/// What makes a request a visit.
#[derive(Debug)]
pub struct Visit {
    /// Counters that go up.
    pub counts: Vec<Counter>,
    /// Filter state to set, with its values.
    pub states: Vec<(State, Vec<u8>)>,
}

/// What waits for the headers of a response.
#[derive(Debug)]
pub struct Deferred {
    /// What is counted and logged, unless the client is redirected to https ([`is_redirect_to_https`]).
    pub provisional: Option<Visit>,
    /// What is remembered of the unit, where the request may reach a goal.
    pub memory: Option<Vec<u8>>,
}

impl Deferred {
    #[cold]
    #[inline(never)]
    fn of(effects: &mut Effects, access_plan: &AccessPlan) -> Box<Self> {
        let provisional = effects.provisional.take().map(|Provisional { counts, states }| {
            // What was made for this request is gone when its response comes.
            let bytes = |(state, given)| Some((state, effects.bytes(given, access_plan)?.to_vec()));
            Visit { counts, states: states.into_iter().filter_map(bytes).collect() }
        });
        Box::new(Self { provisional, memory: effects.memory().map(Vec::from) })
    }
}

/// Whether a response sends its client to https. The request that it answers was nobody's visit: the next one is.
#[must_use]
pub fn is_redirect_to_https(location: Option<&[u8]>, status: impl FnOnce() -> Option<u16>) -> bool {
    let https = location.and_then(|location| location.get(..8));
    https.is_some_and(|start| start.eq_ignore_ascii_case(b"https://"))
        && status().is_some_and(|status| (300..400).contains(&status))
}

impl Plans {
    /// Lets every filter decide, in their order.
    #[inline]
    pub fn decide<O: HostServices>(&self, request: &Request<'_, O>, effects: &mut Effects) {
        self.decide_traced(request, effects, &mut ());
    }

    /// Lets every filter decide, in their order, and reports each step to `trace`. A request that waits for
    /// its token's keys, or is refused for its token, is seen by none of the other filters; one that is
    /// delayed or aborted by all of them.
    #[inline]
    pub fn decide_traced<O: HostServices, T: Trace>(
        &self,
        request: &Request<'_, O>,
        effects: &mut Effects,
        trace: &mut T,
    ) {
        if let Some(jwt) = &self.jwt {
            jwt.decide_traced(request, effects, trace);
            if !matches!(effects.disposition, Disposition::On) {
                // Access logs read what is left of a request that is answered.
                if let Some(experiments) = &self.experiments {
                    experiments.hide(request, effects);
                }
                return;
            }
        }
        // Variants first: routes and faults can depend on them.
        if let Some(experiments) = &self.experiments {
            experiments.decide_traced(request, effects, trace);
        }
        if let Some(routing) = &self.routing {
            routing.decide_traced(request, effects, trace);
        }
        if let Some(faults) = &self.faults {
            trace.faults(faults, request, effects);
        }
    }

    /// Begins to measure a request that goes on or is answered, and says what is left of it for later. `now`
    /// tells nanoseconds since the Unix epoch; it is asked at most once.
    #[inline]
    pub fn finish<O: HostServices>(
        &self,
        request: &Request<'_, O>,
        effects: &mut Effects,
        now: impl FnOnce() -> u64,
        registry: &impl weir_host_api::Metrics,
    ) -> Left {
        let measured =
            self.metrics.as_ref().and_then(|metrics| metrics.start(request, effects, now, registry));
        let may_reach = measured.as_ref().is_some_and(metrics::Measured::awaits_response);
        let defers = may_reach || effects.provisional.is_some();
        Left {
            response: std::mem::take(&mut effects.response),
            response_mark: effects.response_mark,
            measured,
            deferred: if defers { Some(Deferred::of(effects, &self.access_plan)) } else { None },
        }
    }

    /// Counts the goals that a request has reached, at the headers of its response, and remembers them in the cookie
    /// that the response sets. `now` tells nanoseconds since the Unix epoch.
    #[cold]
    pub fn reach_goals(
        &self,
        measured: &mut metrics::Measured,
        mut memory: Option<Vec<u8>>,
        response: &mut Vec<ResponseHeader>,
        now: impl FnOnce() -> u64,
        view: &impl weir_host_api::ResponseView,
        registry: &impl weir_host_api::Metrics,
    ) {
        let Some(metrics) = &self.metrics else { return };
        let mut changed = false;
        metrics.respond(measured, view, registry, |experiment, variant, goal| {
            let (Some(experiments), Some(memory)) = (&self.experiments, &mut memory) else {
                return Remembered::Unable;
            };
            let remembered = experiments.remember(memory, experiment, variant, goal);
            changed |= remembered == Remembered::New;
            remembered
        });
        if let (true, Some(experiments), Some(memory)) = (changed, &self.experiments, &memory) {
            experiments.set_memory(memory, now, response);
        }
    }
}
