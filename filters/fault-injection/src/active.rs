//! The active faults of one rule, and their counters.

use std::cell::Cell;
use weir_core::ids::{Counter, Gauge};

/// The metrics of a rule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metrics {
    pub(crate) delays: Counter,
    pub(crate) aborts: Counter,
    pub(crate) rate_limits: Counter,
    pub(crate) responses: Counter,
    /// Faults that were not injected because the limit of active delays was reached.
    pub(crate) overflows: Counter,
    pub(crate) active: Gauge,
}

/// How many delays of a rule are active.
#[derive(Debug)]
pub(crate) struct Active {
    now: Cell<u32>,
    most: u32,
}

impl Active {
    pub(crate) fn new(most: Option<u32>) -> Self {
        Self { now: Cell::new(0), most: most.unwrap_or(u32::MAX) }
    }

    pub(crate) fn now(&self) -> u32 {
        self.now.get()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.now.get() >= self.most
    }

    pub(crate) fn begin(&self) {
        self.now.set(self.now.get().saturating_add(1));
    }

    pub(crate) fn end(&self) {
        self.now.set(self.now.get().saturating_sub(1));
    }
}
