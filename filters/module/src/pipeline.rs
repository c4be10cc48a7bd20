//! One pass over a request: read once, let every filter decide, apply everything at once.

use crate::counters::Counters;
use weir_core::predicate::CelId;
use weir_core::{Outside, Problems, Request};
use weir_document::Plans;
use weir_host::{Host, Plugin, ResponsePlan, Workspace, apply, respond};

/// A configured plugin: the filters that its document switches on.
pub struct Pipeline {
    plans: Plans,
    /// Tokens of the CEL expressions, in the order of the shape.
    cel: Box<[u32]>,
    counters: Counters,
}

/// What a request may ask of the host, with the names that the plan uses.
struct Asked<'p, H> {
    host: &'p H,
    cel: &'p [u32],
}

impl<H: Host> Outside for Asked<'_, H> {
    fn property(&self, path: &[u8]) -> Option<Box<[u8]>> {
        self.host.property(path).map(|bytes| Box::from(&*bytes))
    }

    fn cel(&self, id: CelId) -> Option<bool> {
        self.host.evaluate_cel(*self.cel.get(id.index())?)
    }

    fn random(&self) -> u64 {
        self.host.random()
    }

    fn now(&self) -> u64 {
        self.host.now()
    }
}

impl Pipeline {
    /// The host's tokens for the plan's CEL expressions.
    fn compile_cel<H: Host>(plans: &Plans, host: &H) -> Result<Box<[u32]>, Problems> {
        let (mut tokens, mut problems) = (Vec::new(), Problems::default());
        for (expression, at) in plans.shape.cel.iter().zip(&plans.shape.cel_at) {
            match host.compile_cel(expression) {
                Ok(token) => tokens.push(token),
                Err(message) => problems.add(at, message),
            }
        }
        if problems.is_empty() { Ok(tokens.into()) } else { Err(problems) }
    }
}

impl<H: Host> Plugin<H> for Pipeline {
    fn configure(host: &H, configuration: &[u8]) -> Result<Self, Problems> {
        let plans = Plans::load(configuration, &|name| std::env::var(name).ok())?;
        let cel = Self::compile_cel(&plans, host)?;
        let counters = plans.shape.counters.iter().map(|name| host.define_counter(name)).collect();
        Ok(Self { plans, cel, counters: Counters::new(counters) })
    }

    fn on_request_headers(&self, host: &H, workspace: &mut Workspace) -> Option<ResponsePlan> {
        let shape = &self.plans.shape;
        let Workspace { scratch, effects } = workspace;
        let raw = host.request_pairs();
        scratch.read(shape, &raw);
        let asked = Asked { host, cel: &self.cel };
        let request = Request::new(shape, &raw, scratch, &asked);
        effects.reset(shape);
        // Variants first: routes can depend on them.
        #[cfg(feature = "experiment")]
        if let Some(experiments) = &self.plans.experiments {
            experiments.decide(&request, effects);
        }
        #[cfg(feature = "ab-routing")]
        if let Some(routing) = &self.plans.routing {
            routing.decide(&request, effects);
        }
        apply(shape, &request, effects, host);
        self.counters.count(&effects.counts, host);
        (!effects.response.is_empty()).then(|| std::mem::take(&mut effects.response))
    }

    fn on_response_headers(&self, host: &H, plan: ResponsePlan) {
        respond(&plan, host);
    }

    fn retire(&self, host: &H) {
        self.counters.flush(host);
    }
}
