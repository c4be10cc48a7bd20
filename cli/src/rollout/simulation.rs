//! Made-up releases: how often a good one is rolled back by chance, and how soon a bad one.
//!
//! Everything but Prometheus is real: counts go through `judge` into the state machine, evaluation by evaluation.

use super::judge::{Measurements, fewest, judge};
use crate::report::counters::Span;
use crate::report::measure::Measured;
use weir_core::Problems;
use weir_rollout::{Content, Gate, Observation, Phase, Plan, Running, Spec, State, advance};
use weir_statistics::simulate::{binomial, normal};

/// Seconds between evaluations; a window of measurements.
const LOOK: u64 = 60;
/// Requests of each version in a second at full coverage.
const RATE: f64 = 50.0;

fn plan(tolerances: [&str; 2]) -> Plan {
    let [errors, latency] = tolerances;
    let text = format!(
        r#"{{"target": {{"file": "a", "experiment": "e"}},
            "steps": [{{"coverage": "4%", "hold": "5m", "minUnits": 50}}, {{"coverage": "20%", "hold": "5m"}},
                      {{"coverage": "80%", "hold": "5m"}}, {{"coverage": "100%", "hold": "5m"}}],
            "gates": [{{"check": "srm"}}, {{"check": "errors", "tolerance": "{errors}"}},
                      {{"check": "latency", "tolerance": "{latency}"}}]}}"#
    );
    let mut problems = Problems::default();
    let spec: Spec = weir_core::load(text.as_bytes(), &mut problems);
    let mut plan = Plan::compile(&spec, problems).unwrap();
    plan.resolve(&["old".to_owned(), "new".to_owned()]).unwrap();
    plan
}

/// How a release behaves.
#[derive(Clone, Copy)]
struct Release {
    /// The part of requests with 5xx, of the old and of the new version.
    errors: [f64; 2],
    /// Milliseconds of a request.
    milliseconds: [f64; 2],
    /// The part of exposed units that is counted.
    counted: [f64; 2],
}

const SAME: Release = Release { errors: [0.01; 2], milliseconds: [50.0; 2], counted: [1.0; 2] };

fn nothing(start: u64) -> Measured {
    let none = || vec![Vec::new(); 2];
    Measured {
        span: Span { start, step: LOOK, windows: 0 },
        exposures: none(),
        requests: none(),
        errors: none(),
        durations: none(),
        timed: none(),
        goals: Vec::new(),
        proxies: 1,
    }
}

fn about(random: &mut impl FnMut() -> u64, mean: f64) -> u64 {
    (mean + mean.sqrt() * normal(random)).round().max(0.0) as u64
}

/// A window of requests. Both versions share what happens to all: load goes up and down, and some windows are bad.
fn measure(random: &mut impl FnMut() -> u64, release: &Release, coverage: f64, into: &mut Measured) {
    let load = (1.0 + 0.3 * normal(random)).max(0.1);
    let trouble = if random().is_multiple_of(20) { 3.0 } else { 1.0 };
    for arm in 0..2 {
        let requests = about(random, RATE * LOOK as f64 * coverage * load);
        let errors = binomial(random, requests, release.errors[arm] * trouble);
        // Durations of single requests have a standard deviation as large as their mean.
        let mean = release.milliseconds[arm] * trouble.sqrt();
        let sum = requests as f64 * mean + (requests as f64).sqrt() * mean * normal(random);
        into.requests[arm].push(requests as f64);
        into.timed[arm].push(requests as f64);
        into.errors[arm].push(errors as f64);
        into.durations[arm].push(sum.max(0.0));
    }
    into.span.windows += 1;
}

fn expose(random: &mut impl FnMut() -> u64, release: &Release, coverage: f64, into: &mut Measured) {
    let new = about(random, 20.0 * coverage * LOOK as f64);
    let first = binomial(random, new, 0.5);
    for (arm, units) in [first, new - first].into_iter().enumerate() {
        into.exposures[arm].push(binomial(random, units, release.counted[arm]) as f64);
    }
    into.span.windows += 1;
}

/// A whole rollout, of `looks` evaluations at most; its last phase, and how many seconds it took.
fn roll_out(plan: &Plan, release: &Release, looks: u64, seed: u64) -> (Phase, u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut random = move || rng.u64(..);
    let (mut state, mut file) = (State::new(0), 0);
    let (mut units, mut requests) = (nothing(0), nothing(0));
    for look in 0..looks {
        let now = look * LOOK;
        let step = state.phase.step().unwrap_or_default();
        if file > 0 {
            let coverage = plan.steps[file - 1].share.coverage.unwrap();
            expose(&mut random, release, coverage, &mut units);
            measure(&mut random, release, coverage, &mut requests);
        }
        let gates: Vec<&Gate> = plan.gates.iter().filter(|gate| plan.applies(gate, step)).collect();
        let measurements = Measurements { units: Some(units), requests: Some(requests), queries: Vec::new() };
        let weights = [("old".to_owned(), 1.0), ("new".to_owned(), 1.0)];
        let seen = Observation {
            content: Content::Version(file),
            running: Running::All(file),
            gates: if state.measured_since.is_some() {
                judge(plan, &gates, &weights, &measurements)
            } else {
                vec![]
            },
            units: measurements.units.as_ref().map(fewest),
            no_data: false,
        };
        (units, requests) = (measurements.units.unwrap(), measurements.requests.unwrap());
        let since = state.measured_since;
        let turn = advance(plan, &state, &seen, now * 1000);
        state = turn.state;
        if state.measured_since != since {
            requests = nothing(now);
        }
        file = turn.write.unwrap_or(file);
        if state.phase.is_final() || state.phase.is_rollback() {
            return (state.phase, now);
        }
    }
    (state.phase, looks * LOOK)
}

/// How many of the rollouts complete and how many are rolled back, and the longest time to the latter.
fn ends(plan: &Plan, release: &Release, looks: u64, rollouts: u64) -> (usize, usize, u64) {
    let (mut completed, mut rolled_back, mut longest) = (0, 0, 0);
    for seed in 0..rollouts {
        match roll_out(plan, release, looks, seed) {
            (Phase::Completed, _) => completed += 1,
            (phase, seconds) if phase.is_rollback() => {
                rolled_back += 1;
                longest = longest.max(seconds);
            }
            _ => {}
        }
    }
    (completed, rolled_back, longest)
}

#[test]
fn good_releases_are_hardly_ever_rolled_back() {
    let (completed, rolled_back, _) = ends(&plan(["1%", "10%"]), &SAME, 1000, 1000);
    println!("as by default: {completed} of 1000 complete, {rolled_back} are rolled back");
    assert!(rolled_back < 5, "{rolled_back}");
    assert!(completed > 990, "{completed}");
}

/// Without any tolerance only the confidence sequences stand between chance and a rollback.
#[test]
fn good_releases_are_hardly_ever_rolled_back_without_tolerance() {
    let (completed, rolled_back, _) = ends(&plan(["0%", "0%"]), &SAME, 100, 1000);
    println!("without tolerance: {rolled_back} of 1000 are rolled back");
    assert!(rolled_back < 5 && completed == 0, "{rolled_back} {completed}");
}

#[test]
fn bad_releases_are_rolled_back_soon() {
    let bad = [
        ("20 % errors", Release { errors: [0.01, 0.2], ..SAME }),
        ("twice as slow", Release { milliseconds: [50.0, 100.0], ..SAME }),
        ("a fifth of the units is lost", Release { counted: [1.0, 0.8], ..SAME }),
    ];
    for (what, release) in bad {
        let (completed, rolled_back, longest) = ends(&plan(["1%", "10%"]), &release, 1000, 60);
        println!("{what}: {rolled_back} of 60 are rolled back, all within {longest} s, {completed} complete");
        assert_eq!((rolled_back, completed), (60, 0), "{what}");
    }
}
