//! The order in which the filters decide.

use crate::{Plans, experiments, faults, jwt, metrics, routing};
use weir_core::{Disposition, Effects, HostServices, Request, ResponseHeader};

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
    /// What is measured at the end.
    pub measured: Option<metrics::Measured>,
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
            if !matches!(effects.way, Disposition::On) {
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
        registry: &impl metrics::Registry,
    ) -> Left {
        Left {
            response: std::mem::take(&mut effects.response),
            response_mark: effects.response_mark,
            measured: (self.metrics.as_ref())
                .and_then(|metrics| metrics.start(request, effects, now, registry)),
        }
    }
}
