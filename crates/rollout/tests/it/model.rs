//! All interleavings within a bound: proxies that follow late, Prometheus that has no answer, gates of all verdicts,
//! programs that end between storing the state and writing the target, edits by somebody else, people, time.

use crate::support::{gate, small as plan};
use std::collections::{HashMap, VecDeque};
use weir_rollout::{
    Command, Content, Observation, Phase, Plan, Reason, Running, State, Verdict, advance, command,
};

/// Time does not go further than this.
const END: u64 = 5;
/// The deadline of the plan.
const DEADLINE: u64 = 4;
const FOREIGN: usize = 99;
const PROXIES: usize = 2;
const STEPS: usize = 2;

/// The rollout with its surroundings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    state: State,
    /// The version in the target, or [`FOREIGN`].
    file: usize,
    /// What each proxy runs.
    proxies: [usize; PROXIES],
    now: u64,
    /// Edits that somebody else may still make.
    edits: u8,
}

/// What can happen.
#[derive(Clone, Copy, Debug)]
enum Move {
    /// An evaluation: whether Prometheus answers, the gate's verdict, whether the program ends before it writes.
    Evaluate {
        answers: bool,
        verdict: Verdict,
        ends: bool,
    },
    /// A proxy takes what the target holds.
    Follow(usize),
    Tick,
    /// Somebody else writes something, or puts this version back.
    Edit(usize),
    Say(Command),
}

fn moves() -> Vec<Move> {
    let mut all = vec![Move::Tick, Move::Edit(FOREIGN), Move::Edit(0), Move::Edit(1)];
    all.extend((0..PROXIES).map(Move::Follow));
    all.extend([Command::Approve, Command::Abort, Command::Pause, Command::Resume].map(Move::Say));
    for ends in [false, true] {
        all.push(Move::Evaluate { answers: false, verdict: Verdict::Unknown, ends });
        for verdict in [Verdict::Pass, Verdict::Fail, Verdict::Unknown] {
            all.push(Move::Evaluate { answers: true, verdict, ends });
        }
    }
    all
}

impl World {
    fn running(&self) -> Running {
        let first = self.proxies[0];
        if self.proxies.iter().all(|version| *version == first) && first != FOREIGN {
            Running::All(first)
        } else {
            Running::Mixed
        }
    }

    fn seen(&self, answers: bool, verdict: Verdict) -> Observation {
        let content = if self.file == FOREIGN { Content::Foreign } else { Content::Version(self.file) };
        Observation {
            content,
            running: if answers { self.running() } else { Running::Unknown },
            gates: if answers { gate(verdict) } else { Vec::new() },
            units: answers.then_some(5),
            no_data: !answers,
        }
    }

    /// The world after a move; `None` where it cannot happen. Checks what must hold for each evaluation.
    fn after(&self, plan: &Plan, step: Move) -> Option<Self> {
        let mut next = self.clone();
        match step {
            Move::Tick => next.now = (self.now < END).then_some(self.now + 1)?,
            Move::Follow(proxy) => next.proxies[proxy] = self.file,
            Move::Edit(to) => {
                next.edits = self.edits.checked_sub(1)?;
                next.file = to;
            }
            Move::Say(said) => next.state = command(&self.state, said, self.now).ok()?.0,
            Move::Evaluate { answers, verdict, ends } => {
                let turn = advance(plan, &self.state, &self.seen(answers, verdict), self.now);
                self.check(plan, &turn.state, turn.write, (answers, verdict));
                next.state = turn.state;
                if let Some(version) = turn.write.filter(|_| !ends) {
                    next.file = version;
                }
            }
        }
        // Proxies are alike.
        next.proxies.sort_unstable();
        Some(next)
    }

    /// What must hold for each evaluation, whatever was before.
    fn check(&self, plan: &Plan, new: &State, write: Option<usize>, (answers, verdict): (bool, Verdict)) {
        let passed = answers && verdict == Verdict::Pass;
        let failed = answers && verdict == Verdict::Fail;
        let say = || format!("{self:?} {answers} {verdict:?} {new:?} {write:?}");
        if let Some(version) = write {
            assert!(self.file != FOREIGN, "an edit is overwritten: {}", say());
            assert!(version == 0 || version == self.file + 1, "steps are in order: {}", say());
            assert!(version != self.file, "nothing is written twice: {}", say());
            if version == 1 && self.file == 0 && self.state.phase == (Phase::Writing { step: 1 }) {
                assert!(answers && self.running() == Running::All(0), "nobody would see it: {}", say());
            }
            if version > 0 {
                assert!(
                    !self.state.paused && self.now - self.state.started < DEADLINE,
                    "stopped is stopped: {}",
                    say()
                );
                assert!(!failed, "{}", say());
            }
        }
        if self.state.phase.is_final() {
            assert!(*new == self.state && write.is_none(), "over is over: {}", say());
            return;
        }
        let (before, after) = (self.state.phase.step(), new.phase.step());
        if before < after || new.phase == Phase::Completed {
            let step = before.unwrap_or_default();
            assert!(passed && self.running() == Running::All(step) && self.file == step, "{}", say());
            let held = self.now.saturating_sub(self.state.since) >= plan.steps[step - 1].hold;
            assert!(held || matches!(self.state.phase, Phase::Waiting { .. }), "{}", say());
            let approval = plan.steps.get(step).is_some_and(|next| next.approval);
            assert!(!approval || self.state.approved, "{}", say());
        }
        if failed {
            assert!(new.phase.is_rollback(), "a failure rolls back: {}", say());
            let ours = self.file != FOREIGN && Some(self.file) == before;
            assert!(!ours || self.file == 0 || write == Some(0), "at once: {}", say());
        }
        if matches!(new.phase, Phase::RolledBack { .. }) {
            assert!(answers && self.file == 0 && self.running() == Running::All(0), "{}", say());
        }
        if new.phase == Phase::Completed {
            assert_eq!((self.file, self.running()), (STEPS, Running::All(STEPS)), "{}", say());
        }
        assert!(!self.state.phase.is_rollback() || new.phase.is_rollback(), "nothing comes back: {}", say());
    }

    /// What happens when all goes well from here on; the end that is reached.
    fn well_from_here(&self, plan: &Plan, verdict: Verdict) -> State {
        let mut world = self.clone();
        for _ in 0..30 {
            for said in [Command::Approve, Command::Resume] {
                if let Some(next) = world.after(plan, Move::Say(said)) {
                    world = next;
                }
            }
            for proxy in 0..PROXIES {
                world.proxies[proxy] = world.file;
            }
            let look = Move::Evaluate { answers: true, verdict, ends: false };
            world = world.after(plan, look).unwrap();
            world.now += 1;
            if world.state.phase.is_final() {
                break;
            }
        }
        world.state
    }
}

/// Every world that can be reached, with how many moves it takes.
fn explore(plan: &Plan) -> HashMap<World, u32> {
    let first = World { state: State::new(0), file: 0, proxies: [0; PROXIES], now: 0, edits: 1 };
    let (mut known, mut open) = (HashMap::from([(first.clone(), 0)]), VecDeque::from([first]));
    let moves = moves();
    while let Some(world) = open.pop_front() {
        let depth = known[&world] + 1;
        for next in moves.iter().filter_map(|step| world.after(plan, *step)) {
            if !known.contains_key(&next) {
                known.insert(next.clone(), depth);
                open.push_back(next);
            }
        }
    }
    known
}

fn check_all(plan: &Plan, rolls_back: bool) {
    let worlds = explore(plan);
    let (mut completed, mut rolled_back, mut stays) = (0, 0, 0);
    for world in worlds.keys() {
        // What somebody else wrote stays until a person sees to it.
        if world.file == FOREIGN {
            continue;
        }
        let mut own = world.clone();
        // Of a version of ours that somebody put back too early or too late, only a person knows what it means.
        if !plausible(&own) {
            continue;
        }
        own.edits = 0;
        match own.well_from_here(plan, Verdict::Pass).phase {
            Phase::Completed => completed += 1,
            Phase::RolledBack { .. } => rolled_back += 1,
            _ => {
                assert!(!rolls_back, "{world:?} does not end");
                stays += 1;
            }
        }
        let failed = own.well_from_here(plan, Verdict::Fail).phase;
        assert!(failed.is_final(), "{world:?} is not rolled back: {failed:?}");
        if !world.state.phase.is_final() {
            assert!(matches!(failed, Phase::RolledBack { .. }), "{world:?}: {failed:?}");
        }
    }
    let depth = worlds.values().max().unwrap();
    let number = worlds.len();
    println!(
        "{number} states, at most {depth} moves from the start; when all goes well {completed} complete, \
         {rolled_back} roll back, {stays} wait for a person after the deadline"
    );
    assert!(number > 10_000 && completed > 0 && rolled_back > 0);
    assert_eq!(stays > 0, !rolls_back);
}

/// Whether the target holds what the phase expects.
fn plausible(world: &World) -> bool {
    let file = world.file;
    match &world.state.phase {
        Phase::Writing { step } => file == *step || file + 1 == *step,
        Phase::Restoring { from, .. } => file == 0 || file == *from || file + 1 == *from,
        Phase::ConfirmingRestore { .. } => file == 0,
        phase if phase.is_final() => true,
        phase => phase.step() == Some(file),
    }
}

#[test]
fn all_interleavings_with_approval_and_a_deadline_that_holds() {
    check_all(&plan(true, "hold"), false);
}

#[test]
fn all_interleavings_without_approval_and_a_deadline_that_rolls_back() {
    check_all(&plan(false, "rollback"), true);
}

/// Ends between storing and writing change nothing: the same evaluations lead to the same end.
#[test]
fn programs_that_end_before_they_write_do_the_same_later() {
    let plan = plan(false, "hold");
    for ends_at in 0..12 {
        for verdict in [Verdict::Pass, Verdict::Fail] {
            let mut world = World { state: State::new(0), file: 0, proxies: [0; 2], now: 0, edits: 0 };
            for look in 0..40 {
                let ends = look == ends_at;
                let verdict = if look < 5 { Verdict::Pass } else { verdict };
                world = world.after(&plan, Move::Evaluate { answers: true, verdict, ends }).unwrap();
                world.proxies = [world.file; 2];
                world.now += u64::from(look % 5 == 4);
            }
            let name = "errors".to_owned();
            let reason = Reason::Gate { name, detail: String::new() };
            let expected = match verdict {
                Verdict::Fail => (Phase::RolledBack { reason }, 0),
                _ => (Phase::Completed, STEPS),
            };
            assert_eq!((world.state.phase, world.file), expected, "{ends_at}");
        }
    }
}
