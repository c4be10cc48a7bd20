//! A configuration, which all workers share: checked on the main thread, compiled once more by each worker.

use crate::abi::{self, Config, ConfigAtEnd, ConfigScheduler};
use crate::callouts::Callouts;
use crate::counts::Counts;
use crate::host::Native;
use crate::metrics::Families;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use weir::Pipeline;
use weir_host::{MetricKind, Plugin as _};

/// Counts the callbacks in which this module panicked.
pub(crate) const PANICS: &str = "weir_panics_total";

/// What all workers know of a configuration.
pub(crate) struct Shared {
    /// What no other configuration of this process has.
    pub(crate) number: u64,
    /// The filter's name (`filter_name`): metrics have it as the name of the plugin.
    pub(crate) name: Box<[u8]>,
    pub(crate) document: Box<[u8]>,
    pub(crate) families: Families,
    pub(crate) callouts: Callouts,
    pub(crate) counts: Arc<Counts>,
    at_end: ConfigAtEnd,
    /// Whether a request in which this module fails is refused. Otherwise it goes on without the module.
    pub(crate) fails_closed: bool,
    /// Whether Envoy has dropped the configuration: no new stream comes.
    closed: AtomicBool,
}

impl Shared {
    /// Checks a configuration and defines its metrics. `None` refuses it: the log says why.
    pub(crate) fn load(config: Config, name: &[u8], document: &[u8]) -> Option<Arc<Self>> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
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
        for name in &plans.shape.counters {
            families.declare(config, MetricKind::Counter, name);
        }
        for name in &plans.shape.gauges {
            families.declare(config, MetricKind::Gauge, name);
        }
        for (kind, name) in plans.metrics.iter().flat_map(weir_metrics::Plan::examples) {
            families.declare(config, kind, &name);
        }
        let counts = Counts::new(config.scheduler());
        counts.take_over(config, &families);
        Some(Arc::new(Self {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            name: name.into(),
            document: document.into(),
            families,
            callouts: Callouts::new(config.scheduler()),
            counts,
            at_end: config.at_end(),
            // A configuration that writes headers keeps clients from sending them; without it they could.
            fails_closed: plans.jwt.is_some() || !plans.shape.owned.is_empty(),
            closed: AtomicBool::new(false),
        }))
    }

    /// Envoy drops the configuration.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.counts.flush_last(&self.at_end);
    }

    /// Whether Envoy has dropped it.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

/// What a configuration scheduler is for this crate.
pub(crate) type Main = Option<ConfigScheduler>;
