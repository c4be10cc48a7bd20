//! The series of metrics, each a combination of values of labels: they belong to a worker and come with requests.
//! Filters name series by one text that has all of it, see [`weir_metrics::decode`].

use crate::abi::{Filter, Slice};
use crate::counts::{Counted, Counts};
use crate::families::{Families, key};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use weir_host::{MetricId, MetricKind};

/// The series of a worker, by number.
#[derive(Default)]
pub(crate) struct AllSeries {
    list: RefCell<Vec<Series>>,
    known: RefCell<HashMap<(u8, String), u32>>,
}

struct Series {
    kind: MetricKind,
    metric: usize,
    /// The values of its labels; `views` are the same for Envoy.
    _values: Box<[Box<str>]>,
    views: Box<[Slice]>,
    /// Where it is added up; `None` where each count goes to Envoy.
    counted: Option<(Arc<Counts>, Arc<Counted>)>,
}

impl AllSeries {
    /// The number of a series; the same name is always the same series. `None` where its metric was not defined.
    pub(crate) fn define(
        &self,
        families: &Families,
        counts: Option<&Arc<Counts>>,
        kind: MetricKind,
        name: &str,
    ) -> Option<MetricId> {
        let known_as = (kind as u8, name.to_owned());
        if let Some(number) = self.known.try_borrow().ok()?.get(&known_as) {
            return Some(MetricId(*number));
        }
        let decoded = weir_metrics::decode(name);
        let family = key(kind, &decoded);
        let metric = families.find(&family)?;
        let values: Box<[Box<str>]> = decoded.labels.iter().map(|(_, value)| Box::from(*value)).collect();
        let views = values.iter().map(|value| Slice::of(value.as_bytes())).collect();
        // Without labels Envoy has the counter at hand.
        let counts = counts.filter(|_| kind == MetricKind::Counter && !values.is_empty());
        let counted =
            counts.and_then(|counts| Some((Arc::clone(counts), counts.counter(&family, metric, &values)?)));
        let mut list = self.list.try_borrow_mut().ok()?;
        let number = u32::try_from(list.len()).ok()?;
        list.push(Series { kind, metric, _values: values, views, counted });
        self.known.try_borrow_mut().ok()?.insert(known_as, number);
        Some(MetricId(number))
    }

    /// Adds to a counter or a gauge.
    #[inline]
    pub(crate) fn increment(&self, filter: Filter, id: MetricId, by: i64) {
        let Ok(list) = self.list.try_borrow() else { return };
        let Some(series) = list.get(id.0 as usize) else { return };
        match series.kind {
            MetricKind::Counter => {
                let Ok(by) = u64::try_from(by) else { return };
                match &series.counted {
                    Some((counts, counted)) => counts.add(counted, by),
                    None => filter.count(series.metric, &series.views, by),
                }
            }
            MetricKind::Gauge => filter.change_gauge(series.metric, &series.views, by),
            MetricKind::Histogram => {}
        }
    }

    /// Records a number in a histogram, or sets a gauge.
    #[inline]
    pub(crate) fn record(&self, filter: Filter, id: MetricId, value: u64) {
        let Ok(list) = self.list.try_borrow() else { return };
        let Some(series) = list.get(id.0 as usize) else { return };
        match series.kind {
            MetricKind::Histogram => filter.record(series.metric, &series.views, value),
            MetricKind::Gauge => filter.set_gauge(series.metric, &series.views, value),
            MetricKind::Counter => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_of_a_metric_share_it_and_names_are_known_again() {
        let name = |variant: &str| format!("variant=.={variant};.;x_total");
        let families = Families::of(&[("Counter x_total variant", 3)]);
        let all = AllSeries::default();
        let define = |kind, name: &str| all.define(&families, None, kind, name).map(|id| id.0);
        assert_eq!(define(MetricKind::Counter, &name("a")), Some(0));
        assert_eq!(define(MetricKind::Counter, &name("b")), Some(1));
        assert_eq!(define(MetricKind::Counter, &name("a")), Some(0));
        assert_eq!(
            define(MetricKind::Gauge, &name("a")),
            None,
            "that was not defined with the configuration"
        );
        assert_eq!(define(MetricKind::Counter, "x_total"), None, "nor that, without labels");
        assert_eq!(all.list.borrow().iter().map(|series| series.metric).collect::<Vec<_>>(), [3, 3]);
    }
}
