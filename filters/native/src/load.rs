//! Takes up a configuration, on the main thread.

use crate::abi::{self, Config};
use crate::families::Families;
use crate::host::Native;
use crate::shared::{PANICS, Shared};
use std::sync::Arc;
use weir::Pipeline;
use weir_host::{MetricKind, Plugin as _};

/// Checks a configuration and defines its metrics. `None` refuses it: the log says why.
pub(crate) fn load(config: Config, name: &[u8], document: &[u8]) -> Option<Arc<Shared>> {
    let checking = Native::checking();
    let pipeline = match Pipeline::configure(&checking, document) {
        Ok(pipeline) => pipeline,
        Err(refusal) => {
            abi::log(log::Level::Error, &format!("weir: the configuration is refused, {refusal}"));
            return None;
        }
    };
    let plans = pipeline.plans();
    let mut families = Families::default();
    families.declare(config, MetricKind::Counter, PANICS);
    families.declare(config, MetricKind::Counter, "weir_responses_forgotten_total");
    for name in weir::running_metrics(name) {
        families.declare(config, MetricKind::Gauge, &name);
    }
    for name in &plans.access_plan.counters {
        families.declare(config, MetricKind::Counter, name);
    }
    for name in &plans.access_plan.gauges {
        families.declare(config, MetricKind::Gauge, name);
    }
    for (kind, name) in plans.metrics.iter().flat_map(weir_metrics::Plan::examples) {
        families.declare(config, kind, &name);
    }
    // A configuration that writes headers keeps clients from sending them; without it they could.
    let fails_closed = plans.jwt.is_some() || !plans.access_plan.owned.is_empty();
    Some(Shared::new(config, name, document, families, fails_closed))
}
