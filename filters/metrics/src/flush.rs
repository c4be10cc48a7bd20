//! Flushes a value to the proxy: finds the series, defines it the first time, adds the value.

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed.

use crate::bound::{OTHER, Value};
use crate::encoding;
use crate::measured::Values;
use crate::plan::{LabelValue, Metric, Plan, ResponseSource, Series};
use crate::series::{Found, Id, number, number_of_the_rest};
use std::cell::Cell;
use weir_core::Truth;
use weir_host_api::{MetricId, MetricKind, Metrics};

/// The counter of what became `other`.
const OVERFLOW: &str = "weir_metrics_overflow_total";
/// The counter of conditions that could not be judged.
const UNDECIDED: &str = "weir_metrics_undecided_total";

/// The counter of goals that no cookie had room for.
const FORGOTTEN: &str = "weir_goals_not_remembered_total";

/// Maximum of one increment, so that no client can make a counter overflow.
const MAX_INCREMENT: u64 = 1 << 50;

impl Plan {
    /// Defines the metrics that have no labels, or constant ones only. The others are defined when they
    /// are first met.
    pub fn define_all(&self, registry: &impl Metrics) {
        for metric in &self.metrics {
            for series in metric.series.iter().filter(|series| series.digits.is_empty()) {
                self.define(metric, series, 0, &Values::default(), registry);
            }
        }
    }

    /// All metrics that may be defined, each with the name of one of its series: for hosts that must know metrics and
    /// the names of their labels in advance.
    pub fn examples(&self) -> Vec<(MetricKind, String)> {
        let overflow = encoding::name(self.style, &[("label", "label"), ("metric", "metric")], OVERFLOW);
        let own =
            [overflow, UNDECIDED.to_owned(), FORGOTTEN.to_owned()].map(|name| (MetricKind::Counter, name));
        let counted = self.goals.iter().flat_map(|goal| [&goal.units, &goal.each]);
        let of_goals = counted
            .flat_map(|counted| std::iter::once(&counted.total).chain(counted.values.iter().flatten()));
        let all = self.metrics.iter().chain(of_goals);
        let series = all.flat_map(|metric| metric.series.iter().map(move |one| (metric, one)));
        let of_series = series.map(|(metric, one)| (metric.kind, self.name(metric, one, &|_| OTHER)));
        own.into_iter().chain(of_series).collect()
    }

    /// The properties that may be read at the end of a request, segments with zero bytes between them.
    pub fn properties(&self) -> impl Iterator<Item = &[u8]> {
        self.response_sources.iter().filter_map(|source| match source {
            ResponseSource::Property(path) => Some(&**path),
            ResponseSource::Header(_) => None,
        })
    }

    /// Flushes a value to all series of a metric. The labels must have been read.
    #[inline]
    pub(crate) fn flush(&self, metric: &Metric, amount: u64, values: &Values, registry: &impl Metrics) {
        let amount = amount.min(MAX_INCREMENT);
        // Envoy refuses to add nothing.
        if amount == 0 && metric.kind == MetricKind::Counter {
            return;
        }
        for series in &metric.series {
            let Some(id) = self.id(metric, series, values, registry) else { continue };
            if metric.kind == MetricKind::Counter {
                registry.increment(id, amount as i64);
            } else {
                registry.record(id, amount);
            }
        }
    }

    /// The id of the series that a request is in.
    #[inline]
    pub(crate) fn id(
        &self,
        metric: &Metric,
        series: &Series,
        values: &Values,
        registry: &impl Metrics,
    ) -> Option<MetricId> {
        if let Some(variant) = series.only_with
            && values.get(variant) == crate::bound::NONE
        {
            return None;
        }
        let mut others = false;
        let number = number(&series.digits, |label| {
            let value = values.get(label);
            others |= value == OTHER;
            value
        });
        if others {
            self.count_others(metric, series, values, registry);
        }
        let id = match series.ids.find(number) {
            Found::Id(Id::Unknown) => self.define(metric, series, number, values, registry),
            Found::Id(id) => id,
            Found::Full => self.rest(metric, series, registry),
        };
        match id {
            Id::Known(id) => Some(id),
            _ => None,
        }
    }

    #[cold]
    #[inline(never)]
    fn define(
        &self,
        metric: &Metric,
        series: &Series,
        number: u64,
        values: &Values,
        registry: &impl Metrics,
    ) -> Id {
        let name = self.name(metric, series, &|label| values.get(label));
        let id = Id::of(registry.define_metric(metric.kind, &name));
        series.ids.keep(number, id);
        id
    }

    /// The series of all combinations beyond the limit.
    #[cold]
    #[inline(never)]
    fn rest(&self, metric: &Metric, series: &Series, registry: &impl Metrics) -> Id {
        self.count_overflow(metric, series, series.digits.len(), "series", registry);
        let number = number_of_the_rest(&series.digits);
        match series.ids.find(number) {
            Found::Id(id @ (Id::Known(_) | Id::Refused)) => id,
            _ => {
                let name = self.name(metric, series, &|_| OTHER);
                let id = Id::of(registry.define_metric(metric.kind, &name));
                series.ids.keep(number, id);
                id
            }
        }
    }

    /// Counts the labels that became `other`.
    #[cold]
    #[inline(never)]
    fn count_others(&self, metric: &Metric, series: &Series, values: &Values, registry: &impl Metrics) {
        for (position, digit) in series.digits.iter().enumerate() {
            if values.get(digit.label) == OTHER {
                let label = series
                    .labels
                    .iter()
                    .find(|(_, value)| matches!(value, LabelValue::Read(label) if *label == digit.label));
                let label = label.map_or("", |(label, _)| label);
                self.count_overflow(metric, series, position, label, registry);
            }
        }
    }

    fn count_overflow(
        &self,
        metric: &Metric,
        series: &Series,
        position: usize,
        label: &str,
        registry: &impl Metrics,
    ) {
        let Some(cell) = series.overflows.get(position) else { return };
        if cell.get() == Id::Unknown {
            let labels = [("label", label), ("metric", &*metric.name)];
            let name = encoding::name(self.style, &labels, OVERFLOW);
            cell.set(Id::of(registry.define_metric(MetricKind::Counter, &name)));
        }
        if let Id::Known(id) = cell.get() {
            registry.increment(id, 1);
        }
    }

    /// Counts a condition that could not be judged.
    #[cold]
    #[inline(never)]
    pub(crate) fn count_undecided(&self, registry: &impl Metrics) {
        count(&self.undecided, UNDECIDED, registry);
    }

    /// Counts a goal that no cookie has room for.
    #[cold]
    pub(crate) fn count_forgotten(&self, registry: &impl Metrics) {
        count(&self.forgotten, FORGOTTEN, registry);
    }

    /// Whether a condition holds; one that cannot be judged is counted, and does not.
    #[inline]
    pub(crate) fn holds(&self, condition: Truth, registry: &impl Metrics) -> bool {
        if condition == Truth::Unknown {
            self.count_undecided(registry);
        }
        condition == Truth::True
    }

    /// The name of a series.
    fn name(&self, metric: &Metric, series: &Series, value: &dyn Fn(u16) -> Value) -> String {
        let texts: Vec<(&str, String)> = series
            .labels
            .iter()
            .map(|(label, text)| {
                let text = match text {
                    LabelValue::Constant(text) => (**text).to_owned(),
                    LabelValue::Read(label) => self
                        .readings
                        .get(usize::from(*label))
                        .map_or_else(String::new, |reading| reading.name(value(*label))),
                };
                (&**label, text)
            })
            .collect();
        let labels: Vec<(&str, &str)> = texts.iter().map(|(label, text)| (*label, text.as_str())).collect();
        encoding::name(self.style, &labels, &metric.name)
    }
}

/// Counts in a counter without labels, which is defined the first time.
fn count(counter: &Cell<Id>, name: &str, registry: &impl Metrics) {
    if counter.get() == Id::Unknown {
        counter.set(Id::of(registry.define_metric(MetricKind::Counter, name)));
    }
    if let Id::Known(id) = counter.get() {
        registry.increment(id, 1);
    }
}
