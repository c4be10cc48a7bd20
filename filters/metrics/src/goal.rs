//! Goals of experiments: counted once a unit where its cookie can remember them, by requests otherwise.
//!
//! A goal is decided at the response's headers, because the cookie that remembers it is set there.

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed.

use crate::bound::{FIRST, NONE};
use crate::end::Asked;
use crate::measured::{Measured, Values};
use crate::number::divided;
use crate::plan::{Counted, GoalValue, Metric, Plan};
use weir_core::ids::ExperimentId;
use weir_core::{Effects, HostServices, Remembered, Request};
use weir_host_api::{Metrics, ResponseView};

/// The largest value of a goal, so that its square is at most what a counter goes up by at once. Larger ones count as
/// this.
pub(crate) const MAX_VALUE: u64 = (1 << 25) - 1;

impl GoalValue {
    /// The value; 0 for a response that has no number, or one below 0.
    fn of<E: ResponseView>(&self, asked: &Asked<'_, E>, started: u64) -> u64 {
        let value = match self {
            Self::Header(late, scale) => {
                let number = asked.late(*late).and_then(weir_core::value::number).unwrap_or_default();
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "out of range it is the nearest that is in it"
                )]
                let whole = (number * scale).round() as u64;
                whole
            }
            Self::Duration(by) => divided(asked.now().saturating_sub(started), *by),
        };
        value.min(MAX_VALUE)
    }
}

impl Plan {
    /// Notes which goals the request may reach. Whether one of them needs the time.
    #[cold]
    #[inline(never)]
    pub(crate) fn start_goals<O: HostServices>(
        &self,
        request: &Request<'_, O>,
        effects: &Effects,
        measured: &mut Measured,
        registry: &impl Metrics,
    ) -> bool {
        let (mut clock, mut goals) = (false, 0u32);
        for (position, goal) in (0u32..).zip(&self.goals) {
            // What cannot be judged is no goal.
            if let Some(requests) = &goal.requests
                && !self.holds(requests.judge(request), registry)
            {
                continue;
            }
            for reading in &goal.at_request {
                self.read(*reading, request, effects, &mut measured.values);
            }
            if goal.experiments.iter().any(|it| measured.values.get(it.variant) != NONE) {
                goals |= 1 << position;
                clock |= matches!(goal.value, Some(GoalValue::Duration(_)));
            }
        }
        if goals == 0 || (self.visits_only && !request.is_visit()) {
            return false;
        }
        measured.rare().goals = goals;
        clock
    }

    /// Counts the goals that a request has reached, at its response's headers. `remember` adds a goal to what is
    /// remembered of the unit, and says whether it was there.
    #[cold]
    #[inline(never)]
    pub fn respond(
        &self,
        measured: &mut Measured,
        ending: &impl ResponseView,
        registry: &impl Metrics,
        mut remember: impl FnMut(ExperimentId, u16, &str) -> Remembered,
    ) {
        let asked = Asked::new(&self.response_sources, ending);
        let goals = std::mem::take(&mut measured.rare().goals);
        for (position, goal) in (0u32..).zip(&self.goals) {
            if goals >> position & 1 == 0 {
                continue;
            }
            if let Some(responses) = &goal.responses
                && !self.holds(responses.judge(&asked), registry)
            {
                continue;
            }
            let value = goal.value.as_ref().map(|value| value.of(&asked, measured.started));
            for (place, experiment) in goal.experiments.iter().enumerate() {
                let Some(variant) = measured.values.get(experiment.variant).checked_sub(FIRST) else {
                    continue;
                };
                let remembered = experiment.id.map(|id| remember(id, variant, &goal.name));
                let counted = match remembered {
                    Some(Remembered::New) => &goal.units,
                    Some(Remembered::Unable) | None => &goal.each,
                    Some(Remembered::Already) => continue,
                    Some(Remembered::Full) => {
                        self.count_forgotten(registry);
                        continue;
                    }
                };
                self.count_goal(counted, place, value, &measured.values, registry);
            }
        }
    }

    fn count_goal(
        &self,
        counted: &Counted,
        place: usize,
        value: Option<u64>,
        values: &Values,
        registry: &impl Metrics,
    ) {
        let add = |metric: &Metric, amount: u64| {
            let id = metric.series.get(place).and_then(|series| self.id(metric, series, values, registry));
            // Envoy refuses to add nothing.
            if let Some(id) = id.filter(|_| amount > 0) {
                registry.increment(id, amount as i64);
            }
        };
        add(&counted.total, 1);
        if let Some(([sum, squares], value)) = counted.values.as_ref().zip(value) {
            add(sum, value);
            add(squares, value * value);
        }
    }
}
