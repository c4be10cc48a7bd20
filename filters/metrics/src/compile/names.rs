//! Valid names of metrics and labels.

use crate::config::{Metric, MetricType};
use crate::encoding::{self, ISTIO_CLASS, ISTIO_CODE, ISTIO_LABELS, Style};
use weir_core::{At, Compiler};

/// Labels of Weir's own metrics, those of the other filters among them.
const OWN_LABELS: [&str; 9] =
    ["experiment", "variant", "metric", "label", "fault", "token", "reason", "provider", "result"];

/// The names of a section.
pub(super) struct Names {
    style: Style,
    /// The metrics with their types and labels.
    metrics: Vec<(String, MetricType, Vec<String>)>,
    labels: Vec<String>,
}

impl Names {
    pub(super) fn new(style: Style) -> Self {
        let labels = OWN_LABELS.iter().map(|label| (*label).to_owned()).collect();
        Self { style, metrics: Vec::new(), labels }
    }

    /// Checks the names of a metric; `own` says that a user wrote them.
    pub(super) fn metric(&mut self, metric: &Metric, own: bool, compiler: &mut Compiler<'_>, at: &At) {
        if own {
            self.name(&metric.name, compiler, &at.field("name"));
        }
        let labels = self.labels(metric, compiler, at);
        let known = self.metrics.iter().find(|(name, ..)| *name == metric.name);
        match known {
            Some((_, kind, others)) if *kind != metric.kind || !same(others, &labels) => {
                let message = format!(
                    "{:?} is defined before with another type or other labels, which Prometheus refuses",
                    metric.name
                );
                compiler.problems.add(&at.field("name"), message);
            }
            Some(_) => {}
            None => self.metrics.push((metric.name.clone(), metric.kind, labels)),
        }
    }

    fn name(&self, name: &str, compiler: &mut Compiler<'_>, at: &At) {
        let wrong = if !encoding::is_name(name) {
            "is not a valid metric name: use letters, digits and `_`, not a digit first, at most 120"
        } else if name.starts_with("weir_") {
            "starts with `weir_`, as only Weir's own metrics do"
        } else if encoding::ends_in_code(name) {
            "ends as names do of which Istio and Envoy cut off a response code"
        } else if self.style == Style::Istio
            && (name.starts_with("shadow_") || name.starts_with("istio_dry_run_"))
        {
            "starts as names do of which Istio cuts off a verdict"
        } else {
            return;
        };
        compiler.problems.add(at, format!("{name:?} {wrong}"));
    }

    fn labels(&mut self, metric: &Metric, compiler: &mut Compiler<'_>, at: &At) -> Vec<String> {
        let mut names: Vec<String> = metric.labels.iter().map(|(name, _)| name.to_owned()).collect();
        for name in &names {
            let at = at.field("labels").field(name);
            self.label(name, compiler, &at);
            if !metric.experiments.is_empty() && matches!(name.as_str(), "experiment" | "variant") {
                compiler.problems.add(&at, "`experiments` adds this label already");
            }
        }
        if names.len() > 8 {
            compiler.problems.add(&at.field("labels"), "more than 8 labels");
        }
        if !metric.experiments.is_empty() {
            names.extend(["experiment".to_owned(), "variant".to_owned()]);
        }
        if self.style == Style::Istio {
            self.istio(&names, compiler, at);
        }
        names
    }

    fn label(&mut self, name: &str, compiler: &mut Compiler<'_>, at: &At) {
        if !encoding::is_name(name) || name.starts_with("__") {
            let message =
                format!("{name:?} is not a valid label name: use letters, digits and `_`, not a digit first");
            compiler.problems.add(at, message);
            return;
        }
        if matches!(name, "le" | "quantile") {
            compiler.problems.add(at, format!("{name:?} is a label that histograms have"));
        }
        if self.style == Style::Istio {
            return;
        }
        if ISTIO_LABELS.contains(&name) || [ISTIO_CODE, ISTIO_CLASS].contains(&name) {
            let message = format!("{name:?} has a special meaning in Istio's metric names; use another name");
            compiler.problems.add(at, message);
        }
        // The expressions that find labels are not anchored.
        let part = |a: &str, b: &str| a != b && a.ends_with(b);
        if let Some(other) = self.labels.iter().find(|other| part(other, name) || part(name, other)) {
            let message = format!(
                "of the labels {name:?} and {other:?} one ends in the other, so that proxies would mix them up"
            );
            compiler.problems.add(at, message);
        } else if !self.labels.iter().any(|known| known == name) {
            self.labels.push(name.to_owned());
        }
    }

    /// An unmodified sidecar knows few labels, each once.
    fn istio(&self, names: &[String], compiler: &mut Compiler<'_>, at: &At) {
        let mut taken: Vec<&str> = Vec::new();
        for name in names {
            let istio = encoding::istio_name(name);
            let class = |name: &str| matches!(name, ISTIO_CODE | ISTIO_CLASS);
            let message = if !ISTIO_LABELS.contains(&istio) && !class(istio) {
                format!(
                    "{name:?} is not a label of an unmodified Istio sidecar, which extracts wasm_filter, component, \
                     cache, tag, response_code and response_code_class; name it as one of these, or use the \
                     style `tags`"
                )
            } else if taken.iter().any(|t| *t == istio || (class(t) && class(istio))) {
                format!("{name:?} is {istio:?} to Istio, which is another label")
            } else {
                taken.push(istio);
                continue;
            };
            compiler.problems.add(&at.field("labels").field(name), message);
        }
    }
}

/// Whether two metrics have the same labels, in whatever order.
fn same(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a.iter().all(|name| b.contains(name))
}
