//! Compiles the configuration to a plan.

mod builder;
pub(crate) mod goals;
mod labels;
mod log;
mod names;
mod series;
mod values;

use crate::config::{Config, Metric as Spec, MetricType, When};
use crate::plan::{Amount, Metric, Moment, Plan, Reading};
use crate::red;
use builder::Builder;
use names::Names;
use std::cell::Cell;
use weir_core::{At, Callbacks, Compiler, Table};
use weir_host_api::MetricKind;

/// How many metrics there can be, so that which of them wait for the end is one number.
const MAX_METRICS: usize = 60;

impl Plan {
    /// Compiles a section to its plan. Problems go to the compiler, and a plan with problems must not be
    /// used. Filters that assign variants or set headers must be compiled earlier.
    pub fn compile(config: &Config, compiler: &mut Compiler<'_>, at: &At) -> Self {
        let measures = config.red.is_some() || !config.list.is_empty() || !config.goals.is_empty();
        if !measures && config.access_log.is_none() {
            compiler.problems.missing(at, "nothing to measure: specify red, list, goals or accessLog");
        }
        let experiments = !compiler.experiments().is_empty();
        let specs = red::all(config, experiments);
        let list = at.field("list");
        if specs.len() > MAX_METRICS {
            compiler.problems.add(&list, "more than 56 metrics: use labels instead");
        }
        let mut names = Names::new(config.style);
        let mut builder = Builder {
            compiler,
            readings: Vec::new(),
            known: Vec::new(),
            variants: Table::default(),
            of_variants: Vec::new(),
            response_sources: Vec::new(),
        };
        let mut metrics = Vec::new();
        for (index, spec) in &specs {
            let at = index.map_or_else(|| at.field("red"), |index| list.index(index));
            names.metric(spec, index.is_some(), builder.compiler, &at);
            metrics.extend(builder.metric(spec, &at));
        }
        let goals = builder.goals(&config.goals, &mut names, &at.field("goals"));
        let visits_only = !goals.is_empty() && !builder.compiler.counts_every_request();
        if visits_only {
            builder.compiler.need_headers();
        }
        let log = config.access_log.as_ref().and_then(|log| builder.log(log, &at.field("accessLog")));
        let Builder { readings, response_sources, compiler, .. } = builder;
        if readings.len().max(response_sources.len()) > usize::from(u16::MAX) {
            compiler.problems.add(at, "more than 65535 different labels, or things that are measured");
        }
        let of_status = |metric: &Metric| metric.responses.as_ref().is_some_and(|it| !it.status.is_empty());
        let waits = |metric: &Metric| metric.moment != Moment::Request;
        if metrics.iter().any(waits) || !goals.is_empty() || log.is_some() {
            compiler.callback(Callbacks::LOG);
        }
        let reads_status = metrics.iter().any(of_status)
            || readings.iter().any(|reading| matches!(reading, Reading::Code(_) | Reading::Class));
        Self {
            style: config.style,
            reads_status,
            metrics: metrics.into(),
            readings: readings.into(),
            response_sources: response_sources.into(),
            log: log.map(Box::new),
            goals,
            visits_only,
            undecided: Cell::default(),
            forgotten: Cell::default(),
        }
    }
}

impl Builder<'_, '_> {
    fn metric(&mut self, spec: &Spec, at: &At) -> Option<Metric> {
        let moment = self.moment(spec, at);
        let amount = self.amount(spec, at);
        let requests = self.requests(&spec.targeting, at);
        let responses = spec.response.as_ref().and_then(|r| self.responses(r, &at.field("response")));
        let series = self.series(spec, at);
        let (mut at_request, mut at_end) = (Table::<u16>::default(), Table::<u16>::default());
        let read = series
            .iter()
            .flat_map(|series| series.digits.iter().map(|digit| digit.label).chain(series.only_with));
        for label in read {
            let of_request = self.readings.get(usize::from(label)).is_some_and(Reading::is_of_request);
            let positions = if of_request { &mut at_request } else { &mut at_end };
            positions.put(label);
        }
        let amount = amount?;
        let needs_end = responses.is_some()
            || !at_end.items().is_empty()
            || matches!(amount, Amount::Duration | Amount::LateText(_) | Amount::LateInteger(_));
        if needs_end && moment != Moment::End {
            let message = if moment == Moment::Active {
                "active requests are counted before there is a response: neither `response` nor labels of it \
                 are possible"
            } else {
                "when the request's headers come nothing is known of its end: no `response`, duration, \
                 response size, or label of the response or the route; measure it at the `end`"
            };
            self.compiler.problems.add(&at.field("when"), message);
        }
        let kind = match spec.kind {
            MetricType::Counter => MetricKind::Counter,
            MetricType::Gauge => MetricKind::Gauge,
            MetricType::Histogram => MetricKind::Histogram,
        };
        Some(Metric {
            name: spec.name.as_str().into(),
            kind,
            moment,
            requests,
            responses: responses.map(Box::new),
            amount,
            divide_by: values::divisor(spec.value.as_ref()),
            at_request: at_request.into_items().into(),
            at_end: at_end.into_items().into(),
            series: series.into(),
        })
    }

    fn moment(&mut self, spec: &Spec, at: &At) -> Moment {
        match (spec.kind, &spec.value, spec.when) {
            (MetricType::Gauge, None, None) => Moment::Active,
            (MetricType::Gauge, None, Some(_)) => {
                let message = "active requests are counted from the request to the end; omit `when`";
                self.compiler.problems.add(&at.field("when"), message);
                Moment::Active
            }
            (_, _, Some(When::Request)) => Moment::Request,
            (_, _, Some(When::End) | None) => Moment::End,
        }
    }
}
