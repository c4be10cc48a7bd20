//! The filters of a configuration, with what they have of the host.

use weir_core::{At, Problems};
use weir_host::{Counters, Host, MetricId, MetricKind, Refusal};
use weir_pipeline::Plans;

/// A configured plugin: the filters that its document switches on.
pub struct Pipeline {
    pub(crate) plans: Plans,
    pub(crate) counters: Counters,
    /// In the order of the access plan; `None` where the proxy has no metrics.
    pub(crate) gauges: Box<[Option<MetricId>]>,
    #[cfg_attr(not(feature = "jwt-claims"), allow(dead_code, reason = "nothing runs"))]
    pub(crate) running: Running,
}

/// The callouts that run, with the providers whose keys they fetch.
#[cfg(feature = "jwt-claims")]
pub(crate) type Running = weir_host::Callouts<u16>;
/// No keys are fetched.
#[cfg(not(feature = "jwt-claims"))]
#[derive(Default)]
pub(crate) struct Running;

impl Pipeline {
    /// The host's tokens for the plan's CEL expressions.
    fn compile_cel<H: Host>(plans: &Plans, host: &H) -> Result<Box<[u32]>, Problems> {
        let (mut tokens, mut problems) = (Vec::new(), Problems::default());
        for (expression, at) in plans.access_plan.cel.iter().zip(&plans.access_plan.cel_at) {
            match host.compile_cel(expression) {
                Ok(token) => tokens.push(token),
                Err(message) => problems.add(at, message),
            }
        }
        if problems.is_empty() { Ok(tokens.into()) } else { Err(problems) }
    }

    /// The pipeline for a configuration, or all that is wrong with it.
    pub(crate) fn configured<H: Host>(host: &H, configuration: &[u8]) -> Result<Self, Refusal> {
        let refusal = |problems: Problems| Refusal::new(problems.iter());
        let mut plans = Plans::load(configuration, &|name| std::env::var(name).ok()).map_err(refusal)?;
        plans.access_plan.cel_tokens = Self::compile_cel(&plans, host).map_err(refusal)?;
        Self::check_properties(&plans, host).map_err(refusal)?;
        // The dispatcher asks too, but what follows reports that the configuration runs.
        if let Some(refusal) = Refusal::of_trimmed(plans.access_plan.callbacks, host) {
            return Err(refusal);
        }
        for name in
            plans.access_plan.lasting.iter().filter_map(|state| plans.access_plan.states.get(state.index()))
        {
            host.declare_lasting(name.as_bytes());
        }
        let counters = Counters::define(&plans.access_plan.counters, host);
        if let Some(metrics) = &plans.metrics {
            metrics.define_all(host);
        }
        let gauge = |name: &String| host.define_metric(MetricKind::Gauge, name);
        let gauges = plans.access_plan.gauges.iter().map(gauge).collect();
        for warning in plans.jwt.iter().flat_map(|jwt| jwt.warnings()) {
            host.log(log::Level::Warn, &weir_core::escape::escape(warning));
        }
        crate::running::report(host, plans.fingerprint);
        Ok(Self { counters, gauges, running: Running::default(), plans })
    }

    /// What the host cannot read of what the plan reads.
    fn check_properties<H: Host>(plans: &Plans, host: &H) -> Result<(), Problems> {
        if H::READS_EVERY_PROPERTY {
            return Ok(());
        }
        let mut problems = Problems::default();
        let of_requests = plans.access_plan.properties.iter().map(|property| &*property.path);
        let of_responses = plans.metrics.iter().flat_map(|metrics| metrics.properties());
        for message in of_requests.chain(of_responses).filter_map(|path| host.check_property(path).err()) {
            problems.add(&At::root(), message);
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// The plans of its filters.
    pub fn plans(&self) -> &Plans {
        &self.plans
    }
}
