//! Metrics in memory.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests stop where they fail")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use weir_host_api::{MetricId, MetricKind, Metrics};

/// The metrics of a proxy, as Envoy keeps them: every definition has a new id, names are shared.
///
/// ```
/// use weir_host_api::{MetricKind, Metrics as _};
/// use weir_testkit::MetricStore;
///
/// let proxy = MetricStore::default();
/// let served = proxy.define_metric(MetricKind::Counter, "served_total").unwrap();
/// let size = proxy.define_metric(MetricKind::Histogram, "body_bytes").unwrap();
/// proxy.increment(served, 2);
/// proxy.record(size, 512);
/// assert_eq!(proxy.shown(), ["served_total 2", "body_bytes [512]"]);
/// assert_eq!((proxy.defined(), proxy.calls.get()), ((2, 2), 4));
/// ```
#[derive(Debug, Default)]
pub struct MetricStore {
    defined: RefCell<Vec<(MetricKind, String)>>,
    /// Counters and gauges, by name.
    pub values: RefCell<BTreeMap<String, i64>>,
    /// The numbers in histograms, by name.
    pub recorded: RefCell<BTreeMap<String, Vec<u64>>>,
    /// Whether nothing can be defined.
    pub refuses: Cell<bool>,
    /// How many calls there were.
    pub calls: Cell<u32>,
}

impl Metrics for MetricStore {
    fn define_metric(&self, kind: MetricKind, name: &str) -> Option<MetricId> {
        self.calls.set(self.calls.get() + 1);
        if self.refuses.get() {
            return None;
        }
        let mut defined = self.defined.borrow_mut();
        defined.push((kind, name.to_owned()));
        self.values.borrow_mut().entry(name.to_owned()).or_default();
        u32::try_from(defined.len() - 1).ok().map(MetricId)
    }

    fn increment(&self, metric: MetricId, by: i64) {
        self.calls.set(self.calls.get() + 1);
        let (kind, name) = &self.defined.borrow()[metric.0 as usize];
        assert!(
            *kind == MetricKind::Gauge && by != 0 || *kind == MetricKind::Counter && by > 0,
            "{name} {by}"
        );
        let mut values = self.values.borrow_mut();
        let value = values.get_mut(name).unwrap();
        *value += by;
        assert!(*value >= 0, "{name} is below zero");
    }

    fn record(&self, metric: MetricId, value: u64) {
        self.calls.set(self.calls.get() + 1);
        let (kind, name) = &self.defined.borrow()[metric.0 as usize];
        assert_ne!(*kind, MetricKind::Counter, "{name}");
        if *kind == MetricKind::Gauge {
            self.values.borrow_mut().insert(name.clone(), value.cast_signed());
        } else {
            self.recorded.borrow_mut().entry(name.clone()).or_default().push(value);
        }
    }
}

impl MetricStore {
    /// How many definitions there were, and of how many names.
    pub fn defined(&self) -> (usize, usize) {
        (self.defined.borrow().len(), self.values.borrow().len())
    }

    /// Everything that is not zero, as text.
    pub fn shown(&self) -> Vec<String> {
        let mut all: Vec<String> = self
            .values
            .borrow()
            .iter()
            .filter(|(_, value)| **value != 0)
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        all.extend(self.recorded.borrow().iter().map(|(name, values)| format!("{name} {values:?}")));
        all
    }
}
