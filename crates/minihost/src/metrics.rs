//! The metric registry of a VM.

use std::collections::BTreeMap;

use super::status::Status;

/// What a metric counts. The numbers are those of the ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only goes up.
    Counter,
    /// Goes up and down; Envoy keeps it unsigned and wraps below zero.
    Gauge,
    /// A distribution of samples.
    Histogram,
}

/// One metric and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Counter, gauge or histogram.
    pub kind: MetricKind,
    /// The count, or the gauge's level. Unused for histograms.
    pub value: u64,
    /// The recorded samples of a histogram, in order.
    pub samples: Vec<u64>,
}

/// All metrics of a VM by name. Defining a name twice gives a new id for the same metric, as in Envoy.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    by_name: BTreeMap<String, Metric>,
    names: Vec<String>,
}

impl Metrics {
    /// The metric called `name` (without Envoy's `wasmcustom.` prefix).
    pub(crate) fn get(&self, name: &str) -> Option<&Metric> {
        self.by_name.get(name)
    }

    /// All metrics, sorted by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Metric)> {
        self.by_name.iter().map(|(name, metric)| (name.as_str(), metric))
    }

    pub(crate) fn define(&mut self, kind: u32, name: String) -> Result<u32, Status> {
        let kind = match kind {
            0 => MetricKind::Counter,
            1 => MetricKind::Gauge,
            2 => MetricKind::Histogram,
            _ => return Err(Status::BadArgument),
        };
        self.by_name.entry(name.clone()).or_insert(Metric { kind, value: 0, samples: Vec::new() });
        self.names.push(name);
        Ok(self.names.len() as u32)
    }

    fn by_id(&mut self, id: u32) -> Result<&mut Metric, Status> {
        let name = (id as usize).checked_sub(1).and_then(|index| self.names.get(index));
        name.and_then(|name| self.by_name.get_mut(name)).ok_or(Status::NotFound)
    }

    pub(crate) fn increment(&mut self, id: u32, offset: i64) -> Result<(), Status> {
        let metric = self.by_id(id)?;
        match metric.kind {
            MetricKind::Counter if offset > 0 => metric.value = metric.value.wrapping_add_signed(offset),
            MetricKind::Gauge => metric.value = metric.value.wrapping_add_signed(offset),
            _ => return Err(Status::BadArgument),
        }
        Ok(())
    }

    pub(crate) fn record(&mut self, id: u32, value: u64) -> Result<(), Status> {
        let metric = self.by_id(id)?;
        match metric.kind {
            MetricKind::Counter => metric.value = metric.value.wrapping_add(value),
            MetricKind::Gauge => metric.value = value,
            MetricKind::Histogram => metric.samples.push(value),
        }
        Ok(())
    }

    pub(crate) fn read(&mut self, id: u32) -> Result<u64, Status> {
        let metric = self.by_id(id)?;
        if metric.kind == MetricKind::Histogram { Err(Status::BadArgument) } else { Ok(metric.value) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_defined_twice_is_one_metric_with_two_ids() {
        let mut metrics = Metrics::default();
        let first = metrics.define(0, "hits".into()).unwrap();
        let second = metrics.define(0, "hits".into()).unwrap();
        assert_ne!(first, second);
        metrics.increment(first, 1).unwrap();
        metrics.increment(second, 2).unwrap();
        assert_eq!(metrics.get("hits").unwrap().value, 3);
    }

    #[test]
    fn misuse_gets_envoys_status() {
        let mut metrics = Metrics::default();
        let counter = metrics.define(0, "c".into()).unwrap();
        let histogram = metrics.define(2, "h".into()).unwrap();
        assert_eq!(metrics.increment(counter, 0), Err(Status::BadArgument));
        assert_eq!(metrics.read(histogram), Err(Status::BadArgument));
        assert_eq!(metrics.record(99, 1), Err(Status::NotFound));
        assert_eq!(metrics.define(7, "x".into()), Err(Status::BadArgument));
    }
}
