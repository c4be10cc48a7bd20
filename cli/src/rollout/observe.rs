//! What is asked of Prometheus, and what it says of a rollout.

use super::judge::{self, Measurements};
use super::record::Record;
use super::specification::Specification;
use crate::document::Loaded;
use crate::output::in_words;
use crate::report::counters::{Series, Span};
use crate::report::measure::{Goal, Measured, Wanted, measure};
use crate::report::{goals_of, label};
use anyhow::bail;
use std::collections::BTreeMap;
use weir_core::problem::did_you_mean;
use weir_metrics::Style;
use weir_rollout::{Check, GateResult, Plan, Running, Subject};

const HASH: &str = "weir_config_hash";

/// What is known from Prometheus.
#[derive(Debug)]
pub(super) struct Observed {
    pub(super) running: Running,
    pub(super) gates: Vec<GateResult>,
    pub(super) units: Option<u64>,
    pub(super) no_data: bool,
    /// Why there are no data, in words.
    pub(super) trouble: Option<String>,
}

/// What Prometheus says.
type Answer = anyhow::Result<Vec<Series>>;

/// How Prometheus is asked.
pub(super) struct Ask<'a> {
    /// A query at a time, in seconds since 1970.
    pub(super) at: &'a dyn Fn(&str, u64) -> Answer,
    /// A query over a span.
    pub(super) range: &'a dyn Fn(&str, &Span) -> Answer,
}

/// What is released.
#[derive(Clone, Copy)]
pub(super) struct Released<'a> {
    pub(super) plan: &'a Plan,
    /// The configuration before the rollout.
    pub(super) loaded: &'a Loaded,
    /// Its weights by variant.
    pub(super) weights: &'a [(String, f64)],
}

/// Makes sure that the configuration counts what the gates and `minUnits` need.
///
/// # Errors
/// What is missing.
pub(super) fn needs(specification: &Specification, loaded: &Loaded) -> anyhow::Result<()> {
    let plan = &specification.plan;
    let name = &specification.name;
    let Subject::Experiment(experiment) = &plan.subject else { return Ok(()) };
    let metrics = loaded.document.metrics.as_ref();
    let has = |check: fn(&Check) -> bool| plan.gates.iter().any(|gate| check(&gate.check));
    let (errors, latency) =
        (has(|it| matches!(it, Check::Errors { .. })), has(|it| matches!(it, Check::Latency { .. })));
    let goals: Vec<&String> = plan.gates.iter().filter_map(|gate| goal_of(&gate.check)).collect();
    let units =
        has(|it| *it == Check::Srm) || plan.steps.iter().any(|step| step.min_units > 0) || !goals.is_empty();
    if (errors || latency || units) && metrics.is_some_and(|metrics| metrics.style == Style::Istio) {
        bail!("{name}: metrics.style is istio, whose labels have other names: use `query` gates");
    }
    let red = metrics.and_then(|it| it.red.as_ref()).filter(|red| red.experiments.unwrap_or(true));
    if errors && red.is_none() {
        bail!("{name}: the gate `errors` needs requests by variant: set metrics: {{red: {{}}}}");
    }
    if latency && red.is_none_or(|red| !red.duration.unwrap_or(true)) {
        bail!("{name}: the gate `latency` needs durations by variant: set metrics: {{red: {{}}}}");
    }
    let section = loaded.document.experiments.as_ref();
    if units && section.is_none_or(|section| section.assignment_cookie.is_none()) {
        bail!(
            "{name}: `srm`, goals and `minUnits` need counted units: set experiments.assignmentCookie, or choose other gates"
        );
    }
    let known = goals_of(loaded, experiment);
    let names = || known.iter().map(|(name, _)| *name);
    if let Some(unknown) = goals.into_iter().find(|goal| !names().any(|known| known == goal.as_str())) {
        let hint = did_you_mean(unknown, names());
        bail!(
            "{name}: unknown goal {unknown:?}: expected a goal of metrics.goals, or a counter of metrics.list with the \
             experiment{hint}"
        );
    }
    Ok(())
}

fn goal_of(check: &Check) -> Option<&String> {
    match check {
        Check::Goal { metric, .. } => Some(metric),
        _ => None,
    }
}

/// Asks for everything that matters in this state. `now` is in milliseconds since 1970.
pub(super) fn observe(released: &Released<'_>, record: &Record, ask: &Ask<'_>, now: u64) -> Observed {
    match try_observe(*released, record, ask, now) {
        Ok(observed) => observed,
        Err(error) => Observed { no_data: true, trouble: Some(in_words(&error)), ..Observed::nothing() },
    }
}

fn try_observe(
    Released { plan, loaded, weights }: Released<'_>,
    record: &Record,
    ask: &Ask<'_>,
    now: u64,
) -> anyhow::Result<Observed> {
    let state = &record.state;
    let seconds = now / 1000;
    let (running, trouble) = running(plan, record, ask, seconds)?;
    let no_data = trouble.is_some();
    let mut observed = Observed { running, no_data, trouble, ..Observed::nothing() };
    let (Some(step), Some(since)) = (state.phase.step(), state.measured_since) else { return Ok(observed) };
    let gates: Vec<_> = plan.gates.iter().filter(|gate| plan.applies(gate, step)).collect();
    let asks = |check: fn(&Check) -> bool| gates.iter().any(|gate| check(&gate.check));
    let goals: Vec<Goal> = match &plan.subject {
        Subject::Experiment(key) => {
            let known = goals_of(loaded, key);
            let find =
                |name: &String| known.iter().find(|(known, _)| known == name).map(|(_, goal)| goal.clone());
            gates.iter().filter_map(|gate| find(goal_of(&gate.check)?)).collect()
        }
        Subject::Split(_) => Vec::new(),
    };
    let min_units = step.checked_sub(1).and_then(|index| plan.steps.get(index)).map_or(0, |it| it.min_units);
    let exposures = min_units > 0 || !goals.is_empty() || asks(|check| *check == Check::Srm);
    let (requests, durations) = (
        asks(|check| matches!(check, Check::Errors { .. })),
        asks(|check| matches!(check, Check::Latency { .. })),
    );
    let wanted = |exposures: bool, requests: bool, durations: bool, goals: Vec<Goal>| Wanted {
        experiment: match &plan.subject {
            Subject::Experiment(key) => label(key),
            Subject::Split(_) => String::new(),
        },
        arms: vec![label(&plan.baseline), label(&plan.variant)],
        goals,
        matchers: plan.matchers.clone(),
        requests,
        durations,
        exposures,
    };
    let measured = |wanted: &Wanted, since: u64| -> anyhow::Result<Option<Measured>> {
        let Some(span) = Span::between(since / 1000, seconds) else { return Ok(None) };
        measure(wanted, span, &|query| (ask.range)(query, &span)).map(Some)
    };
    let mut measurements = Measurements::default();
    // What has no answer is unknown by itself: another gate may have failed, and then the rollout must roll back.
    let mut known = |answer: anyhow::Result<Option<Measured>>| note(&mut observed, answer).flatten();
    if exposures {
        measurements.units = known(measured(&wanted(true, false, false, goals), state.started));
    }
    if requests || durations {
        measurements.requests = known(measured(&wanted(false, requests, durations, Vec::new()), since));
    }
    for gate in &gates {
        if let Check::Query { query, .. } = &gate.check {
            let answer = note(&mut observed, (ask.at)(query, seconds));
            measurements.queries.push(answer.and_then(|series| number(&series)));
        }
    }
    observed.units = measurements.units.as_ref().map(judge::fewest);
    observed.gates = judge::judge(plan, &gates, weights, &measurements);
    Ok(observed)
}

/// An answer; without one there is no data, and the first reason is kept.
fn note<T>(observed: &mut Observed, answer: anyhow::Result<T>) -> Option<T> {
    match answer {
        Ok(answer) => Some(answer),
        Err(error) => {
            observed.no_data = true;
            observed.trouble.get_or_insert_with(|| in_words(&error));
            None
        }
    }
}

/// The value of a query that has exactly one.
fn number(series: &[Series]) -> Option<f64> {
    match series {
        [Series { samples, .. }] => samples.last().map(|(_, value)| *value),
        _ => None,
    }
}

/// What the proxies run; with what is wrong where there are too few.
fn running(
    plan: &Plan,
    record: &Record,
    ask: &Ask<'_>,
    now: u64,
) -> anyhow::Result<(Running, Option<String>)> {
    let mut matchers: Vec<String> = plan.plugin.iter().map(|plugin| format!("plugin={plugin:?}")).collect();
    matchers.extend(plan.matchers.iter().cloned());
    let selector = format!("{HASH}{{{}}}", matchers.join(","));
    let reported = (ask.at)(&selector, now)?;
    let least = plan.proxies as usize;
    if reported.len() < least {
        let number = reported.len();
        let hint = if number == 0 {
            ": are the proxies scraped, is the module of this version, and do labels come out as labels (weir render \
             bootstrap)?"
        } else {
            ""
        };
        let trouble = format!("{number} of {least} proxies report {selector}{hint}");
        return Ok((Running::Unknown, Some(trouble)));
    }
    let times = (ask.at)(&format!("timestamp({selector})"), now)?;
    let times: BTreeMap<&BTreeMap<String, String>, f64> =
        times.iter().filter_map(|it| Some((&it.labels, it.samples.last()?.1))).collect();
    // What was scraped before the target was written says nothing of it.
    let since = record.state.since as f64 / 1000.0;
    let version = |series: &Series| {
        let hash = series.samples.last()?.1;
        let fresh = times.get(&series.labels).is_some_and(|time| *time > since);
        let version = record.versions.iter().position(|version| version.hash as f64 == hash);
        version.filter(|_| fresh)
    };
    let versions: Vec<Option<usize>> = reported.iter().map(version).collect();
    let first = versions.first().copied().flatten();
    let same = first.filter(|first| versions.iter().all(|version| *version == Some(*first)));
    Ok(match same {
        Some(version) => (Running::All(version), None),
        None => (Running::Mixed, None),
    })
}
