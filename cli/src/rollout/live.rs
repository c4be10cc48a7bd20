//! What a terminal shows of a rollout between its events.

use super::evaluate::Evaluated;
use super::specification::Specification;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::fmt::Write as _;
use weir_core::escape::escape;
use weir_rollout::{Observation, Phase, Plan, State, Step, Verdict};

/// The width of a bar, in characters.
const BAR: usize = 20;

/// The part of the terminal below the events, which is drawn again after each evaluation. Without a terminal on standard
/// error there is none.
pub(super) struct Live(ProgressBar);

impl Live {
    /// Nothing is drawn yet.
    pub(super) fn new(shown: bool) -> Self {
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Draws where the rollout is. `now` is in milliseconds since 1970.
    pub(super) fn draw(&self, specification: &Specification, evaluated: &Evaluated, now: u64) {
        if !self.0.is_hidden() {
            let state = &evaluated.record.state;
            self.0.set_message(text(&specification.plan, state, &evaluated.observation, now));
        }
    }

    /// Runs what writes to the terminal, while nothing is drawn there.
    pub(super) fn beside<R>(&self, write: impl FnOnce() -> R) -> R {
        self.0.suspend(write)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// All steps, how far the one is that is watched, and what the gates say.
fn text(plan: &Plan, state: &State, observed: &Observation, now: u64) -> String {
    let mut text = String::new();
    let current = state.phase.step().unwrap_or(0);
    for (number, step) in (1..).zip(&plan.steps) {
        let mark = match number {
            _ if state.phase.is_rollback() => '✗',
            number if number < current => '✓',
            number if number == current => '▶',
            _ => ' ',
        };
        let _ = write!(text, "{mark} {number}  {}", escape(&step.name));
        if number == current {
            let _ = write!(text, "  {}", progress(step, state, observed, now));
        }
        text.push('\n');
    }
    for gate in &observed.gates {
        let verdict = match gate.verdict {
            Verdict::Pass => "passes",
            Verdict::Fail => "fails",
            Verdict::Unknown => "unknown",
        };
        let _ = writeln!(text, "  {} {verdict}: {}", escape(&gate.name), escape(&gate.detail));
    }
    text.truncate(text.trim_end().len());
    text
}

/// How much of a step's time and units it has had.
fn progress(step: &Step, state: &State, observed: &Observation, now: u64) -> String {
    match state.phase {
        Phase::Writing { .. } => return "is being written".to_owned(),
        Phase::Confirming { .. } => return "waits for the proxies".to_owned(),
        Phase::Waiting { .. } if !state.approved => {
            return "waits for approval (weir rollout approve)".to_owned();
        }
        _ => {}
    }
    let passed = now.saturating_sub(state.since).min(step.hold);
    let of = |part: u64, whole: u64| if whole == 0 { 1.0 } else { part as f64 / whole as f64 };
    let units = observed.units.unwrap_or(0);
    let part = of(passed, step.hold).min(of(units.min(step.min_units), step.min_units));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of the bar")]
    let full = (part * BAR as f64) as usize;
    let mut text = format!("{}{}", "█".repeat(full), "░".repeat(BAR - full));
    if step.hold > 0 {
        let _ = write!(text, "  {} of {} s", passed / 1000, step.hold.div_ceil(1000));
    }
    if step.min_units > 0 {
        let units = observed.units.map_or("?".to_owned(), |units| units.to_string());
        let _ = write!(text, "  {units} of {} units", step.min_units);
    }
    if let Some(held) = &state.held {
        let _ = write!(text, "  nothing goes on: {held}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_rollout::{Content, GateResult, Held, Running};

    fn plan() -> Plan {
        let text = r#"{"target": {"file": "a", "experiment": "e"},
            "steps": [{"coverage": "2%", "hold": "1m", "minUnits": 100},
                      {"coverage": "10%", "hold": "1m", "minUnits": 1000},
                      {"coverage": "100%", "approval": true}]}"#;
        let mut problems = weir_core::Problems::default();
        let spec: weir_rollout::Spec = weir_core::load(text.as_bytes(), &mut problems);
        Plan::compile(&spec, problems).unwrap()
    }

    fn state(phase: Phase) -> State {
        State {
            started: 0,
            phase,
            since: 1_000_000,
            measured_since: None,
            paused: false,
            approved: false,
            held: None,
        }
    }

    fn observed(units: Option<u64>) -> Observation {
        let gate = |name: &str, verdict, detail: &str| GateResult {
            name: name.to_owned(),
            verdict,
            detail: detail.to_owned(),
        };
        Observation {
            content: Content::Version(2),
            running: Running::All(2),
            gates: vec![
                gate("errors", Verdict::Pass, "0.1 % against 0.1 %"),
                gate("latency", Verdict::Unknown, "too few"),
            ],
            units,
            no_data: false,
        }
    }

    #[test]
    fn the_step_that_is_watched_has_a_bar_of_what_it_lacks_most() {
        let mut watched = state(Phase::Watching { step: 2 });
        let text = |state: &State, units, seconds: u64| {
            text(&plan(), state, &observed(units), 1_000_000 + seconds * 1000)
        };
        let expected = "\
✓ 1  coverage 2 %
▶ 2  coverage 10 %  █████░░░░░░░░░░░░░░░  30 of 60 s  250 of 1000 units
  3  coverage 100 %
  errors passes: 0.1 % against 0.1 %
  latency unknown: too few";
        assert_eq!(text(&watched, Some(250), 30), expected);
        let bar = |text: String| text.lines().nth(1).unwrap_or_default().to_owned();
        assert_eq!(
            bar(text(&watched, None, 600)),
            "▶ 2  coverage 10 %  ░░░░░░░░░░░░░░░░░░░░  60 of 60 s  ? of 1000 units"
        );
        assert_eq!(
            bar(text(&watched, Some(5000), 15)),
            "▶ 2  coverage 10 %  █████░░░░░░░░░░░░░░░  15 of 60 s  5000 of 1000 units"
        );
        watched.held = Some(Held::Paused);
        assert!(bar(text(&watched, Some(1), 1)).ends_with("  nothing goes on: it is paused"));
        let waits = state(Phase::Waiting { step: 2 });
        assert!(bar(text(&waits, Some(1), 1)).ends_with("waits for approval (weir rollout approve)"));
        let rolling = state(Phase::ConfirmingRestore { reason: weir_rollout::Reason::Aborted });
        assert!(text(&rolling, None, 0).starts_with("✗ 1  coverage 2 %\n✗ 2"));
    }

    #[test]
    fn without_a_terminal_nothing_is_drawn() {
        assert!(Live::new(false).0.is_hidden());
    }
}
