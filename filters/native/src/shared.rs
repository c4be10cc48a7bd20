//! A configuration, which all workers share: checked on the main thread, compiled once more by each worker.

use crate::abi::{Config, ConfigAtEnd};
use crate::callouts::Callouts;
use crate::counts::Counts;
use crate::families::Families;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

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
    /// A configuration that was checked, with its metrics.
    pub(crate) fn new(
        config: Config,
        name: &[u8],
        document: &[u8],
        families: Families,
        fails_closed: bool,
    ) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let counts = Counts::new(config.scheduler());
        counts.take_over(config, &families);
        Arc::new(Self {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            name: name.into(),
            document: document.into(),
            families,
            callouts: Callouts::new(config.scheduler()),
            counts,
            at_end: config.at_end(),
            fails_closed,
            closed: AtomicBool::new(false),
        })
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
