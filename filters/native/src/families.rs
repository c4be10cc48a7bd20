//! Metrics with labels of Envoy's own: each is defined with the configuration, once, by its name and the names of its
//! labels.

use crate::abi::{self, Config};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use weir_host::MetricKind;

/// The metrics of a configuration: kind, name and names of labels lead to Envoy's number.
#[derive(Default)]
pub(crate) struct Families(HashMap<String, usize>);

impl Families {
    /// Envoy's number of the metric with this key.
    pub(crate) fn find(&self, key: &str) -> Option<usize> {
        self.0.get(key).copied()
    }

    #[cfg(test)]
    pub(crate) fn of(all: &[(&str, usize)]) -> Self {
        Self(all.iter().map(|(key, id)| ((*key).to_owned(), *id)).collect())
    }

    /// Defines the metric that a series with this name belongs to.
    pub(crate) fn declare(&mut self, config: Config, kind: MetricKind, name: &str) {
        let decoded = weir_metrics::decode(name);
        let key = key(kind, &decoded);
        if let Entry::Vacant(new) = self.0.entry(key) {
            let labels: Vec<&str> = decoded.labels.iter().map(|(label, _)| *label).collect();
            match config.define(kind, decoded.metric, &labels) {
                Some(id) => drop(new.insert(id)),
                None => abi::log(
                    log::Level::Warn,
                    &format!(
                        "weir: Envoy refused to define the metric {}: it is not counted",
                        decoded.metric
                    ),
                ),
            }
        }
    }
}

/// What tells a metric from others.
pub(crate) fn key(kind: MetricKind, decoded: &weir_metrics::Decoded<'_>) -> String {
    let mut key = format!("{kind:?} {}", decoded.metric);
    for (label, _) in &decoded.labels {
        key.push(' ');
        key.push_str(label);
    }
    key
}
