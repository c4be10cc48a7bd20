//! What single observations do.

use crate::support::{plan, seen};
use Content::{Foreign, Unreadable, Version};
use Running::{All, Mixed};
use Verdict::{Fail, Pass, Unknown};
use weir_rollout::{
    Command, Content, EventKind, Held, Observation, Phase, Reason, Refused, Running, State, Verdict, advance,
    command,
};

fn aborted() -> Phase {
    Phase::RolledBack { reason: Reason::Aborted }
}

/// Evaluates once, a millisecond later than the last time.
struct Run {
    state: State,
    now: u64,
    plan: weir_rollout::Plan,
    events: Vec<EventKind>,
}

impl Run {
    fn new(approval: bool, on_deadline: &str) -> Self {
        Self { state: State::new(0), now: 0, plan: plan(approval, on_deadline), events: Vec::new() }
    }

    fn see(&mut self, observation: &Observation) -> Option<usize> {
        let turn = advance(&self.plan, &self.state, observation, self.now);
        self.now += 1;
        self.events.extend(turn.events.iter().map(|event| event.event));
        self.state = turn.state;
        turn.write
    }

    fn see_all(&mut self, version: usize, verdict: Verdict) -> Option<usize> {
        self.see(&seen(Version(version), All(version), verdict))
    }

    fn command(&mut self, said: Command) -> Result<(), Refused> {
        let (state, _) = command(&self.state, said, self.now)?;
        self.state = state;
        Ok(())
    }
}

#[test]
fn a_healthy_release_goes_through_its_steps() {
    let mut run = Run::new(true, "hold");
    assert_eq!(run.see(&seen(Version(0), All(0), Unknown)), Some(1));
    assert_eq!(run.see(&seen(Version(1), All(0), Unknown)), None);
    assert_eq!(run.state.phase, Phase::Confirming { step: 1 });
    assert_eq!(run.see(&seen(Version(1), Mixed, Unknown)), None);
    assert_eq!(run.see_all(1, Pass), None);
    assert_eq!(run.state.phase, Phase::Watching { step: 1 });
    // The hold is 2 ms: too early now, and right the next time.
    assert_eq!(run.see_all(1, Pass), None);
    assert_eq!(run.state.phase, Phase::Watching { step: 1 });
    assert_eq!(run.see_all(1, Pass), None);
    assert_eq!(run.state.phase, Phase::Waiting { step: 1 });
    assert_eq!(run.command(Command::Approve), Ok(()));
    assert_eq!(run.command(Command::Approve), Err(Refused::NothingWaits), "twice");
    assert_eq!(run.see_all(1, Pass), Some(2));
    // The deadline of 8 ms is reached here: it says so, and still follows what proxies report.
    run.now = 8;
    assert_eq!(run.see_all(2, Pass), None);
    assert_eq!(run.state.held, Some(Held::Deadline));
    run.plan.deadline = None;
    assert_eq!(run.see_all(2, Pass), None);
    assert_eq!(run.state.phase, Phase::Completed);
    assert_eq!(run.see(&seen(Foreign, Mixed, Fail)), None, "over is over");
    assert_eq!(run.state.phase, Phase::Completed);
    use EventKind::{Advancing, Completed, Held as Holds, Running as Runs, Waiting};
    assert_eq!(run.events, [Runs, Waiting, Advancing, Runs, Holds, Completed]);
}

#[test]
fn units_and_verdicts_that_are_not_known_only_hold() {
    for change in [
        (|seen: &mut Observation| seen.units = Some(4)) as fn(&mut Observation),
        |seen| seen.units = None,
        |seen| seen.gates[0].verdict = Unknown,
        |seen| seen.gates.clear(),
        |seen| seen.running = Mixed,
        |seen| seen.running = All(0),
        |seen| seen.running = Running::Unknown,
    ] {
        let mut run = Run::new(false, "hold");
        run.plan.deadline = None;
        run.see_all(0, Unknown);
        run.see_all(1, Unknown);
        let mut observation = seen(Version(1), All(1), Pass);
        change(&mut observation);
        for _ in 0..20 {
            assert_eq!(run.see(&observation), None, "{observation:?}");
        }
        assert_eq!(run.state.phase, Phase::Watching { step: 1 });
        assert_eq!(run.see_all(1, Pass), Some(2));
    }
}

#[test]
fn a_failure_rolls_back_wherever_it_is_seen() {
    // In each phase, paused or not, late or not.
    for steps in 0..5 {
        for (paused, late) in [(false, false), (true, false), (false, true)] {
            let mut run = Run::new(true, "hold");
            let looks = [(0, 0), (1, 0), (1, 1), (1, 1), (1, 1)];
            for (content, running) in &looks[..steps] {
                run.see(&seen(Version(*content), All(*running), Pass));
            }
            if paused {
                run.command(Command::Pause).unwrap();
            }
            run.now += if late { 100 } else { 0 };
            let content = usize::from(steps > 0);
            let written = run.see(&seen(Version(content), Mixed, Fail));
            assert_eq!(written, (content > 0).then_some(0), "{steps} {paused} {late}");
            assert!(run.state.phase.is_rollback());
            // Proxies that still report the step, or nothing, are waited for.
            assert_eq!(run.see(&seen(Version(0), Mixed, Pass)), None);
            assert!(!run.state.phase.is_final());
            run.see_all(0, Unknown);
            assert!(
                matches!(&run.state.phase, Phase::RolledBack { reason: Reason::Gate { name, .. } } if name == "errors")
            );
        }
    }
}

#[test]
fn what_somebody_else_wrote_is_not_overwritten() {
    for content in [Foreign, Unreadable, Version(0), Version(2)] {
        let mut run = Run::new(false, "hold");
        run.see_all(0, Pass);
        run.see_all(1, Pass);
        assert_eq!(run.see(&seen(content, All(1), Pass)), None);
        let held = if content == Unreadable { Held::Unreadable } else { Held::Foreign };
        assert_eq!((run.state.held, &run.state.phase), (Some(held), &Phase::Watching { step: 1 }));
        // The release fails meanwhile: that is remembered, and nothing is written.
        if content != Version(0) {
            assert_eq!(run.see(&seen(content, All(1), Fail)), None);
            assert!(run.state.phase.is_rollback(), "{content:?}");
            assert_eq!(run.see(&seen(Version(1), All(1), Pass)), Some(0), "{content:?}: it is ours again");
        }
    }
}

#[test]
fn a_deadline_holds_or_rolls_back() {
    let mut run = Run::new(false, "hold");
    run.see_all(0, Unknown);
    run.see_all(1, Unknown);
    run.now = 8;
    assert_eq!(run.see_all(1, Pass), None);
    assert_eq!(run.state.held, Some(Held::Deadline));

    let mut run = Run::new(false, "rollback");
    run.see_all(0, Unknown);
    run.see_all(1, Unknown);
    run.now = 7;
    assert_eq!(run.see_all(1, Unknown), None);
    assert_eq!(run.see_all(1, Unknown), Some(0));
    run.see_all(0, Unknown);
    assert_eq!(run.state.phase, Phase::RolledBack { reason: Reason::Deadline });
}

#[test]
fn commands_are_followed_where_they_make_sense() {
    let mut run = Run::new(false, "hold");
    run.see_all(0, Unknown);
    run.see_all(1, Pass);
    assert_eq!(run.command(Command::Resume), Err(Refused::NotPaused));
    run.command(Command::Pause).unwrap();
    assert_eq!(run.command(Command::Pause), Err(Refused::AlreadyPaused));
    run.now = 5;
    assert_eq!(run.see_all(1, Pass), None);
    assert_eq!(run.state.held, Some(Held::Paused));
    run.command(Command::Abort).unwrap();
    for said in [Command::Abort, Command::Pause, Command::Resume, Command::Approve] {
        assert_eq!(run.command(said), Err(Refused::Over));
    }
    assert_eq!(run.see_all(1, Pass), Some(0));
    assert_eq!(run.see(&seen(Version(0), All(0), Pass)), None);
    assert_eq!(run.state.phase, aborted());
}

#[test]
fn a_clock_that_goes_back_makes_nothing_shorter() {
    let mut run = Run::new(false, "hold");
    run.now = 1000;
    run.state = State::new(1000);
    run.see_all(0, Unknown);
    run.see_all(1, Pass);
    run.now = 0;
    assert_eq!(run.see_all(1, Pass), None);
    assert_eq!((run.state.held, &run.state.phase), (None, &Phase::Watching { step: 1 }));
}
