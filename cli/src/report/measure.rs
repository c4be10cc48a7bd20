//! What is asked of Prometheus, and what it comes to: counts by arm and window.

use super::counters::{Counter, Series, Span};
use std::collections::BTreeSet;

/// Counts by arm and window.
pub(crate) type Windows = Vec<Vec<f64>>;

/// What is to be measured.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// The experiment's key, as labels have it.
    pub(crate) experiment: String,
    /// The variants' keys, as labels have them.
    pub(crate) arms: Vec<String>,
    pub(crate) goals: Vec<Goal>,
    /// Further matchers of labels, as PromQL writes them.
    pub(crate) matchers: Vec<String>,
    /// Whether `metrics.red` counts requests by variant, …
    pub(crate) requests: bool,
    /// … and measures their durations.
    pub(crate) durations: bool,
    /// Whether units are asked for.
    pub(crate) exposures: bool,
}

/// A counter by variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Goal {
    pub(crate) metric: String,
    /// The goal of `metrics.goals` whose units the metric counts; none for a counter of `metrics.list`, which counts
    /// requests.
    pub(crate) of_units: Option<String>,
    /// The label with the part of all units, and how many parts there are.
    pub(crate) parts: Option<(String, usize)>,
    /// Whether it adds 1 for each request, not a value.
    pub(crate) counts: bool,
}

impl Goal {
    /// As the configuration and gates of rollouts name it.
    pub(crate) fn name(&self) -> &str {
        self.of_units.as_deref().unwrap_or(&self.metric)
    }

    /// As reports name it.
    pub(crate) fn title(&self) -> String {
        match &self.of_units {
            Some(goal) => format!("{}{{goal=\"{goal}\"}}", self.metric),
            None => self.metric.clone(),
        }
    }
}

/// What was measured.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) span: Span,
    pub(crate) exposures: Windows,
    pub(crate) requests: Windows,
    /// Requests that ended with 5xx.
    pub(crate) errors: Windows,
    /// Milliseconds, and …
    pub(crate) durations: Windows,
    /// … of how many requests.
    pub(crate) timed: Windows,
    pub(crate) goals: Vec<GoalCounts>,
    /// Proxies that counted exposures.
    pub(crate) proxies: usize,
}

/// A goal by arm.
#[derive(Clone, Debug)]
pub(crate) struct GoalCounts {
    pub(crate) goal: Goal,
    pub(crate) all: Windows,
    /// By arm, part and window; empty where there are no parts.
    pub(crate) parts: Vec<Windows>,
}

/// Asks for everything.
///
/// # Errors
/// Those of `ask`; that there are no exposures.
pub(crate) fn measure(
    wanted: &Wanted,
    span: Span,
    ask: &dyn Fn(&str) -> anyhow::Result<Vec<Series>>,
) -> anyhow::Result<Measured> {
    let counters_with = |metric: &str, goal: Option<&str>| {
        let own = format!("experiment=\"{}\"", wanted.experiment);
        let goal = goal.map(|goal| format!("goal=\"{goal}\""));
        let matchers: Vec<&str> =
            std::iter::once(&own).chain(&goal).chain(&wanted.matchers).map(String::as_str).collect();
        let plain = format!("{metric}{{{}}}", matchers.join(","));
        let selector = format!("{plain}[{}s]", span.step);
        let last = ask(&format!("last_over_time({selector})"))?;
        let highest = if last.is_empty() { Vec::new() } else { ask(&format!("max_over_time({selector})"))? };
        let mut counters = Counter::join(last, highest, &span);
        if !counters.is_empty() {
            // A window may be shorter than the time between two scrapes, and a scrape may fail.
            Counter::begin(&mut counters, ask(&format!("last_over_time({plain}[1h])"))?, &span);
        }
        Ok::<_, anyhow::Error>(counters)
    };
    let counters = |metric: &str| counters_with(metric, None);
    let only_if = |wanted: bool, metric: &str| if wanted { counters(metric) } else { Ok(Vec::new()) };
    let exposures = only_if(wanted.exposures, "weir_exposures_total")?;
    let requests = only_if(wanted.requests, "weir_experiment_requests_total")?;
    let histogram = "weir_experiment_request_duration_milliseconds";
    let durations = only_if(wanted.durations, &format!("{histogram}_sum"))?;
    let timed = only_if(wanted.durations, &format!("{histogram}_count"))?;
    let of_goal = |goal: &Goal| counters_with(&goal.metric, goal.of_units.as_deref());
    let goals = wanted.goals.iter().map(of_goal).collect::<anyhow::Result<Vec<_>>>()?;

    let all = [&exposures, &requests, &durations, &timed].into_iter().chain(&goals);
    let began = all.flatten().filter_map(Counter::first).min().unwrap_or_default();
    let sum = |counters: &[Counter], is: &dyn Fn(&Counter) -> bool| {
        let mut sums = vec![vec![0.0; span.windows]; wanted.arms.len()];
        for counter in counters.iter().filter(|counter| is(counter)) {
            let Some(arm) = arm(counter, &wanted.arms) else { continue };
            for (sum, increase) in sums[arm].iter_mut().zip(counter.increases(began)) {
                *sum += increase;
            }
        }
        sums
    };
    let any = |_: &Counter| true;
    let failed = |counter: &Counter| counter.labels.get("code_class").is_some_and(|class| class == "5xx");
    let of_goal = |(goal, counters): (&Goal, &Vec<Counter>)| {
        let (label, number) = goal.parts.clone().unwrap_or_default();
        let part = |part: usize| {
            let part = part.to_string();
            sum(counters, &|counter| counter.labels.get(&label).is_some_and(|value| *value == part))
        };
        let by_part: Vec<Windows> = (0..number).map(part).collect();
        let of_arm = |arm: usize| by_part.iter().map(|part| part[arm].clone()).collect();
        let arms = if number > 0 { wanted.arms.len() } else { 0 };
        GoalCounts { goal: goal.clone(), all: sum(counters, &any), parts: (0..arms).map(of_arm).collect() }
    };
    let proxy = |counter: &Counter| ["job", "instance"].map(|label| counter.labels.get(label).cloned());
    Ok(Measured {
        span,
        proxies: exposures.iter().map(proxy).collect::<BTreeSet<_>>().len(),
        requests: sum(&requests, &any),
        errors: sum(&requests, &failed),
        durations: sum(&durations, &any),
        timed: sum(&timed, &any),
        goals: wanted.goals.iter().zip(&goals).map(of_goal).collect(),
        exposures: sum(&exposures, &any),
    })
}

fn arm(counter: &Counter, arms: &[String]) -> Option<usize> {
    let variant = counter.labels.get("variant")?;
    arms.iter().position(|arm| arm == variant)
}

/// The sum of the first windows of an arm.
pub(crate) fn until(windows: &[f64], end: usize) -> f64 {
    windows.iter().take(end).sum()
}

/// A sum of the first windows as a whole number.
pub(crate) fn count(windows: &[f64], end: usize) -> u64 {
    until(windows, end).round() as u64
}

/// The units of each arm at the end of a window.
pub(crate) fn units(measured: &Measured, end: usize) -> Vec<u64> {
    measured.exposures.iter().map(|arm| count(arm, end)).collect()
}
