//! Gates, checked as they are written, and those that there are by default.

use crate::spec::{CheckSpec, GateSpec, WorseSpec};
use weir_core::Problems;
use weir_core::problem::At;

/// A gate.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// How it is called.
    pub name: String,
    /// What it checks.
    pub check: Check,
}

/// What a gate checks.
#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    /// Units against weights.
    Srm,
    /// The part of requests with 5xx; the tolerance is a part of all requests.
    Errors {
        /// How much higher it may be.
        tolerance: f64,
    },
    /// The mean duration of requests; the tolerance is relative to the old version.
    Latency {
        /// How much higher it may be.
        tolerance: f64,
    },
    /// A goal; the tolerance is relative to the old version.
    Goal {
        /// The counter.
        metric: String,
        /// Whether less is worse.
        lower_is_worse: bool,
        /// How much worse it may be.
        tolerance: f64,
    },
    /// A number that Prometheus computes.
    Query {
        /// PromQL.
        query: String,
        /// It fails above.
        max: Option<f64>,
        /// It fails below.
        min: Option<f64>,
    },
}

/// Those that fit an experiment where none are written. Units are held against weights where the first step keeps these.
pub(super) fn by_default(keeps_weights: bool) -> Vec<Gate> {
    let srm = keeps_weights.then_some(CheckSpec::Srm);
    let checks = srm.into_iter().chain([CheckSpec::Errors, CheckSpec::Latency]);
    let gates = checks.map(|check| GateSpec { check: Some(check), ..GateSpec::default() });
    let gates: Vec<GateSpec> = gates.collect();
    all(&gates, true, &At::root(), &mut Problems::default())
}

/// Checks all of them.
pub(super) fn all(specs: &[GateSpec], is_experiment: bool, at: &At, problems: &mut Problems) -> Vec<Gate> {
    let mut gates: Vec<Gate> = Vec::new();
    for (index, spec) in specs.iter().enumerate() {
        let at = at.index(index);
        let Some(gate) = gate(spec, is_experiment, &at, problems) else { continue };
        if gates.iter().any(|known| known.name == gate.name) {
            let message = format!("{:?}: another gate has this name: set `name`", gate.name);
            problems.add(&at.field("name"), message);
        }
        gates.push(gate);
    }
    gates
}

fn gate(spec: &GateSpec, is_experiment: bool, at: &At, problems: &mut Problems) -> Option<Gate> {
    let Some(kind) = spec.check else {
        problems.missing(&at.field("check"), "missing: expected one of srm, errors, latency, goal, query");
        return None;
    };
    let is = |kinds: &[CheckSpec]| kinds.contains(&kind);
    let options: [(&str, bool, bool); 6] = [
        (
            "tolerance",
            spec.tolerance.is_some(),
            is(&[CheckSpec::Errors, CheckSpec::Latency, CheckSpec::Goal]),
        ),
        ("metric", spec.metric.is_some(), is(&[CheckSpec::Goal])),
        ("worse", spec.worse.is_some(), is(&[CheckSpec::Goal])),
        ("query", spec.query.is_some(), is(&[CheckSpec::Query])),
        ("max", spec.max.is_some(), is(&[CheckSpec::Query])),
        ("min", spec.min.is_some(), is(&[CheckSpec::Query])),
    ];
    for (name, _, _) in options.iter().filter(|(_, given, belongs)| *given && !*belongs) {
        problems.add(&at.field(name), "does not belong to this check");
    }
    if !is_experiment && !is(&[CheckSpec::Query]) {
        let message =
            "only `query` can be checked for a split, whose units and requests are not counted by version";
        problems.add(&at.field("check"), message);
        return None;
    }
    let tolerance = |default: f64| spec.tolerance.map_or(default, |part| part.0);
    let (name, check) = match kind {
        CheckSpec::Srm => ("srm".to_owned(), Check::Srm),
        CheckSpec::Errors => ("errors".to_owned(), Check::Errors { tolerance: tolerance(0.01) }),
        CheckSpec::Latency => ("latency".to_owned(), Check::Latency { tolerance: tolerance(0.1) }),
        CheckSpec::Goal => {
            let Some(metric) = spec.metric.clone() else {
                problems
                    .missing(&at.field("metric"), "missing: a counter of metrics.list with this experiment");
                return None;
            };
            let lower_is_worse = spec.worse != Some(WorseSpec::Higher);
            (format!("goal {metric}"), Check::Goal { metric, lower_is_worse, tolerance: tolerance(0.05) })
        }
        CheckSpec::Query => {
            let Some(query) = spec.query.clone().filter(|query| !query.trim().is_empty()) else {
                problems.missing(&at.field("query"), "missing: a PromQL expression");
                return None;
            };
            if spec.max.is_none() && spec.min.is_none() {
                problems.missing(at, "missing: expected `max` or `min`");
            }
            ("query".to_owned(), Check::Query { query, max: spec.max, min: spec.min })
        }
    };
    Some(Gate { name: spec.name.clone().unwrap_or(name), check })
}
