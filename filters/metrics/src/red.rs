//! The standard metrics, written as a user would write them.

use crate::config::{Config, Metric, MetricType, Red, TimeUnit, ValueSpec};
use crate::label::LabelSpec;
use weir_core::OrderedMap;

/// The metrics of a configuration: those of `red`, then the list. `experiments` says whether there are any.
pub(crate) fn all(config: &Config, experiments: bool) -> Vec<(Option<usize>, Metric)> {
    let mut all = Vec::new();
    if let Some(red) = &config.red {
        all.extend(of_red(red, experiments).into_iter().map(|metric| (None, metric)));
    }
    all.extend(config.list.iter().cloned().enumerate().map(|(i, metric)| (Some(i), metric)));
    all
}

fn of_red(red: &Red, experiments: bool) -> Vec<Metric> {
    let label = |name: &str, short: &str| (name.to_owned(), LabelSpec::Short(short.to_owned()));
    let route = || red.route.unwrap_or(true).then(|| label("route", "route"));
    let class = || label("code_class", "codeClass");
    let duration = |name: &str| Metric {
        name: name.to_owned(),
        kind: MetricType::Histogram,
        value: Some(ValueSpec { duration: Some(TimeUnit::Milliseconds), ..ValueSpec::default() }),
        buckets: red.buckets.clone(),
        ..Metric::default()
    };
    let mut metrics = vec![Metric {
        name: "weir_requests_total".to_owned(),
        labels: OrderedMap(std::iter::once(class()).chain(route()).collect()),
        ..Metric::default()
    }];
    let with_duration = red.duration.unwrap_or(true);
    if with_duration {
        metrics.push(Metric {
            labels: OrderedMap(route().into_iter().collect()),
            ..duration("weir_request_duration_milliseconds")
        });
    }
    if experiments && red.experiments.unwrap_or(true) {
        let every = || vec!["*".to_owned()];
        metrics.push(Metric {
            name: "weir_experiment_requests_total".to_owned(),
            labels: OrderedMap(vec![class()]),
            experiments: every(),
            ..Metric::default()
        });
        if with_duration {
            metrics.push(Metric {
                experiments: every(),
                ..duration("weir_experiment_request_duration_milliseconds")
            });
        }
    }
    metrics
}
