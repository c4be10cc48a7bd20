//! Goals of experiments.

use super::builder::Builder;
use super::labels::Compiled;
use super::names::Names;
use crate::config::{Goal as Spec, GoalValue as ValueSpec, Metric as MetricSpec, TimeUnit};
use crate::encoding;
use crate::label::{Label, LabelSpec};
use crate::plan::{Counted, Goal, GoalExperiment, GoalValue, Reading};
use weir_core::{At, OrderedMap};

/// How many goals there can be: which of them a request may reach is one number.
const MAX_GOALS: usize = 16;
/// The longest name, in bytes: it is in the cookie of each unit that reaches the goal.
const MAX_NAME_LEN: usize = 32;
/// The largest scale of a value.
const MAX_SCALE: u32 = 1_000_000;

/// The metrics of goals that count units: how many, the sum of their values, the sum of the squares.
pub(crate) const OF_UNITS: [&str; 3] =
    ["weir_conversions_total", "weir_conversion_value_total", "weir_conversion_value_squares_total"];
/// The same by requests.
pub(crate) const OF_REQUESTS: [&str; 3] =
    ["weir_goal_requests_total", "weir_goal_request_value_total", "weir_goal_request_value_squares_total"];

/// The label with the goal's name.
pub(crate) const GOAL: &str = "goal";
/// The label with the part of all units.
pub(crate) const BUCKET: &str = "bucket";

impl Builder<'_, '_> {
    pub(super) fn goals(&mut self, specs: &[Spec], names: &mut Names, at: &At) -> Box<[Goal]> {
        if specs.len() > MAX_GOALS {
            self.compiler.problems.add(at, format!("more than {MAX_GOALS} goals"));
        }
        let mut known: Vec<&str> = Vec::new();
        let mut goals = Vec::new();
        let parts = specs.first().is_some_and(|spec| spec.sub_bucket.is_some());
        for (i, spec) in specs.iter().enumerate() {
            let at = at.index(i);
            self.goal_name(&spec.name, &known, &at.field("name"));
            known.push(&spec.name);
            if spec.sub_bucket.is_some() == parts {
                goals.extend(self.goal(spec, names, &at));
            } else {
                let message = "is for all goals, or for none: their metrics have the same names, and so the same labels";
                self.compiler.problems.missing(&at.field("subBucket"), message);
            }
        }
        if !goals.is_empty() {
            self.compiler.remember_goals();
        }
        goals.into()
    }

    fn goal_name(&mut self, name: &str, known: &[&str], at: &At) {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if name.is_empty() {
            self.compiler.problems.missing(at, "expected a name, such as order");
        } else if name.len() > MAX_NAME_LEN || !name.bytes().all(plain) {
            let message =
                format!("invalid name {name:?}: use letters, digits, `-` and `_` (at most {MAX_NAME_LEN})");
            self.compiler.problems.add(at, message);
        } else if known.contains(&name) {
            self.compiler.duplicate_name(name, "goal", at);
        }
    }

    fn goal(&mut self, spec: &Spec, names: &mut Names, at: &At) -> Option<Goal> {
        let requests = self.requests(&spec.targeting, at);
        let responses = spec.response.as_ref().and_then(|it| self.responses(it, &at.field("response")));
        if spec.response.as_ref().is_some_and(|it| !it.grpc_status.is_empty()) {
            let message =
                "a goal is decided at the response's headers, before gRPC's status is known: use `headers`";
            self.compiler.problems.add(&at.field("response").field("grpcStatus"), message);
        }
        let value = spec.value.as_ref().and_then(|value| self.goal_value(value, &at.field("value")));
        let mut labels = vec![(GOAL.to_owned(), constant(&spec.name))];
        if let Some(parts) = &spec.sub_bucket {
            let label = Label { sub_bucket: Some(parts.clone()), ..Label::default() };
            let label = LabelSpec::Long(Box::new(label));
            // What is wrong with it is reported here, once.
            let Some(Compiled::Read(_)) = self.label(&label, at) else { return None };
            labels.push((BUCKET.to_owned(), label));
        }
        let mut experiments = spec.experiments.clone();
        if experiments.is_empty() {
            experiments.push("*".to_owned());
        }
        let problems = self.compiler.problems.len();
        let mut metrics = Vec::new();
        for name in OF_UNITS.iter().chain(&OF_REQUESTS) {
            let metric = MetricSpec {
                name: (*name).to_owned(),
                labels: OrderedMap(labels.clone()),
                experiments: experiments.clone(),
                ..MetricSpec::default()
            };
            names.metric(&metric, false, self.compiler, at);
            metrics.push(self.metric(&metric, at)?);
            // All six have the same problems.
            if self.compiler.problems.len() > problems {
                return None;
            }
        }
        let mut metrics = metrics.into_iter();
        let mut counted = || {
            let (total, sum, squares) = (metrics.next()?, metrics.next()?, metrics.next()?);
            Some(Counted { total, values: value.is_some().then_some([sum, squares]) })
        };
        let (units, each) = (counted()?, counted()?);
        let experiments = units.total.series.iter().filter_map(|series| {
            let variant = series.only_with?;
            let id = match self.readings.get(usize::from(variant)) {
                Some(Reading::Variant(id, _)) => Some(*id),
                _ => None,
            };
            Some(GoalExperiment { id, variant })
        });
        Some(Goal {
            name: spec.name.as_str().into(),
            requests,
            responses: responses.map(Box::new),
            value,
            at_request: units.total.at_request.clone(),
            experiments: experiments.collect(),
            units,
            each,
        })
    }

    fn goal_value(&mut self, value: &ValueSpec, at: &At) -> Option<GoalValue> {
        let scale = value.scale.unwrap_or(1);
        if !(1..=MAX_SCALE).contains(&scale) {
            self.compiler.problems.add(&at.field("scale"), format!("{scale} is not from 1 to {MAX_SCALE}"));
        }
        match (&value.response_header, value.duration) {
            (Some(name), None) => {
                let late = self.response_header(name, &at.field("responseHeader"))?;
                Some(GoalValue::Header(late, f64::from(scale)))
            }
            (None, Some(unit)) => {
                if value.scale.is_some() {
                    let message = "is for `responseHeader`: choose another unit of the duration";
                    self.compiler.problems.add(&at.field("scale"), message);
                }
                Some(GoalValue::Duration(match unit {
                    TimeUnit::Microseconds => 1_000,
                    TimeUnit::Milliseconds => 1_000_000,
                    TimeUnit::Seconds => 1_000_000_000,
                }))
            }
            _ => {
                self.compiler.problems.missing(at, "needs exactly one of responseHeader, duration");
                None
            }
        }
    }
}

fn constant(text: &str) -> LabelSpec {
    LabelSpec::Long(Box::new(Label { constant: Some(encoding::text(text.as_bytes())), ..Label::default() }))
}
