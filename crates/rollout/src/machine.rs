//! One evaluation of a rollout.

use crate::plan::{OnDeadline, Plan};
use crate::state::{Event, EventKind, Held, Phase, Reason, State};
use std::fmt;

/// What was observed. Nothing in it is remembered but what the machine makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// What the target holds.
    pub content: Content,
    /// What proxies report.
    pub running: Running,
    /// The gates, in the order of the plan; none where nothing was measured.
    pub gates: Vec<GateResult>,
    /// Units that each of the two versions has had since the rollout began, at least; `None` where that is not known.
    pub units: Option<u64>,
    /// Whether measurements were expected and there are none: Prometheus has no answer, or no proxy reports.
    pub no_data: bool,
}

/// What the target holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Content {
    /// The version of this number, byte for byte: 0 is what was there before, n is what step n wrote.
    Version(usize),
    /// Something else.
    Foreign,
    /// It cannot be read.
    Unreadable,
}

/// Which configuration the proxies run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Running {
    /// All report this version, since the target has held it.
    All(usize),
    /// They differ, or report something else.
    Mixed,
    /// Nothing is known.
    Unknown,
}

/// What a gate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It holds.
    Pass,
    /// It does not.
    Fail,
    /// Too little is known. It neither lets a rollout go on nor rolls it back.
    Unknown,
}

/// A gate's verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateResult {
    /// The gate's name.
    pub name: String,
    /// What it says.
    pub verdict: Verdict,
    /// What was measured, in words.
    pub detail: String,
}

/// What comes of an evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advance {
    /// The state from now on. It must be stored before anything is written.
    pub state: State,
    /// The version to write into the target.
    pub write: Option<usize>,
    /// What happened.
    pub events: Vec<Event>,
}

/// What a person says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// The step that waits for approval may begin.
    Approve,
    /// Roll back.
    Abort,
    /// Go no further; gates are watched.
    Pause,
    /// Go on.
    Resume,
}

/// Why a command cannot be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The rollout is over, or is being rolled back.
    Over,
    /// No step waits for approval.
    NothingWaits,
    /// It is paused already.
    AlreadyPaused,
    /// It is not paused.
    NotPaused,
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Over => "the rollout is over, or is being rolled back",
            Self::NothingWaits => "no step waits for approval",
            Self::AlreadyPaused => "the rollout is paused already",
            Self::NotPaused => "the rollout is not paused",
        })
    }
}

impl std::error::Error for Refused {}

impl State {
    /// A rollout that begins now, in milliseconds since 1970.
    #[must_use]
    pub fn new(now: u64) -> Self {
        let phase = Phase::Writing { step: 1 };
        Self {
            started: now,
            phase,
            since: now,
            measured_since: None,
            paused: false,
            approved: false,
            held: None,
        }
    }
}

/// Evaluates a rollout. `now` is in milliseconds since 1970; a clock that goes back makes steps longer, never shorter.
///
/// ```
/// use weir_core::{Problems, load};
/// use weir_rollout::{
///     Advance, Content, Event, EventKind, Held, Observation, Plan, Running, Spec, State, advance,
/// };
///
/// let mut problems = Problems::default();
/// let spec: Spec = load(br#"{"target": {"file": "weir.json", "split": "canary", "baseline": "v1", "variant": "v2"},
///     "steps": [{"weights": {"v1": 90, "v2": 10}}], "gates": []}"#, &mut problems);
/// let plan = Plan::compile(&spec, problems)?;
/// let foreign = Observation {
///     content: Content::Foreign, running: Running::All(0), gates: vec![], units: None, no_data: false,
/// };
/// let Advance { state, write, events } = advance(&plan, &State::new(0), &foreign, 1_000);
/// assert_eq!((state.held, write), (Some(Held::Foreign), None));
/// let message = "nothing goes on: the target was changed by something else, and is not overwritten".to_owned();
/// assert_eq!(events, [Event { at: 1_000, event: EventKind::Held, step: Some(1), message }]);
/// # Ok::<(), Problems>(())
/// ```
#[must_use]
pub fn advance(plan: &Plan, state: &State, seen: &Observation, now: u64) -> Advance {
    let mut turn = Turn { plan, seen, now, state: state.clone(), write: None, events: Vec::new() };
    if !state.phase.is_final() {
        turn.run();
    }
    Advance { state: turn.state, write: turn.write, events: turn.events }
}

/// Follows a person's command; nothing is written before the next evaluation.
///
/// # Errors
/// Why the command cannot be followed; the state is as it was then.
pub fn command(state: &State, command: Command, now: u64) -> Result<(State, Event), Refused> {
    let mut state = state.clone();
    if state.phase.is_final() || state.phase.is_rollback() {
        return Err(Refused::Over);
    }
    let step = state.phase.step();
    let (event, message) = match command {
        Command::Approve => {
            let Phase::Waiting { step } = state.phase else { return Err(Refused::NothingWaits) };
            if state.approved {
                return Err(Refused::NothingWaits);
            }
            state.approved = true;
            (EventKind::Approved, format!("step {} was approved", step + 1))
        }
        Command::Abort => {
            let from = step.unwrap_or_default();
            state.phase = Phase::Restoring { from, reason: Reason::Aborted };
            state.since = now;
            (EventKind::RollingBack, Reason::Aborted.to_string())
        }
        Command::Pause => {
            if state.paused {
                return Err(Refused::AlreadyPaused);
            }
            state.paused = true;
            (EventKind::Paused, "it was paused".to_owned())
        }
        Command::Resume => {
            if !state.paused {
                return Err(Refused::NotPaused);
            }
            state.paused = false;
            (EventKind::Resumed, "it was resumed".to_owned())
        }
    };
    Ok((state, Event { at: now, event, step, message }))
}

/// One evaluation.
struct Turn<'a> {
    plan: &'a Plan,
    seen: &'a Observation,
    now: u64,
    state: State,
    write: Option<usize>,
    events: Vec<Event>,
}

impl Turn<'_> {
    fn run(&mut self) {
        if !self.state.phase.is_rollback() {
            let failed = self.seen.gates.iter().find(|gate| gate.verdict == Verdict::Fail);
            if let Some(GateResult { name, detail, .. }) = failed {
                self.roll_back(Reason::Gate { name: name.clone(), detail: detail.clone() });
            } else if self.is_late() && self.plan.on_deadline == OnDeadline::Rollback {
                self.roll_back(Reason::Deadline);
            }
        }
        let Some(content) = self.own_content() else {
            let held = match self.seen.content {
                Content::Unreadable => Held::Unreadable,
                _ => Held::Foreign,
            };
            return self.hold(Some(held));
        };
        self.proceed(content);
        let held = self.what_holds();
        self.hold(held);
    }

    /// The version in the target, if it is one that this rollout may have put there.
    fn own_content(&self) -> Option<usize> {
        let Content::Version(content) = self.seen.content else { return None };
        let own = match &self.state.phase {
            Phase::Writing { step } => content == *step || content + 1 == *step,
            Phase::Confirming { step } | Phase::Watching { step } | Phase::Waiting { step } => {
                content == *step
            }
            Phase::Restoring { from, .. } => content == 0 || content == *from || content + 1 == *from,
            Phase::ConfirmingRestore { .. } => content == 0,
            Phase::Completed | Phase::RolledBack { .. } => true,
        };
        own.then_some(content)
    }

    fn proceed(&mut self, content: usize) {
        match self.state.phase.clone() {
            Phase::Writing { step } if content == step => {
                self.enter(Phase::Confirming { step });
                self.confirm(step);
            }
            Phase::Writing { step } => {
                // Proxies that cannot be seen are given nothing: nobody would watch it.
                let are_seen = step > 1 || self.seen.running == Running::All(0);
                if are_seen && !self.is_stopped() {
                    self.write = Some(step);
                }
            }
            Phase::Confirming { step } => self.confirm(step),
            Phase::Watching { step } => self.watch(step),
            Phase::Waiting { step } => {
                if self.state.approved && self.may_proceed(step) {
                    self.begin(step + 1);
                }
            }
            Phase::Restoring { reason, .. } if content == 0 => {
                self.enter(Phase::ConfirmingRestore { reason: reason.clone() });
                self.confirm_restore(reason);
            }
            Phase::Restoring { .. } => self.write = Some(0),
            Phase::ConfirmingRestore { reason } => self.confirm_restore(reason),
            Phase::Completed | Phase::RolledBack { .. } => {}
        }
    }

    fn confirm(&mut self, step: usize) {
        if self.seen.running == Running::All(step) {
            self.enter(Phase::Watching { step });
            self.tell(EventKind::Running, Some(step), format!("all proxies run step {step}"));
        }
    }

    fn watch(&mut self, step: usize) {
        let Some(plan) = step.checked_sub(1).and_then(|index| self.plan.steps.get(index)) else { return };
        let held = self.now.saturating_sub(self.state.since) >= plan.hold;
        let units = plan.min_units == 0 || self.seen.units.is_some_and(|units| units >= plan.min_units);
        if !held || !units || !self.may_proceed(step) {
            return;
        }
        match self.plan.steps.get(step) {
            None => {
                self.enter(Phase::Completed);
                self.tell(EventKind::Completed, Some(step), "the rollout is complete".to_owned());
            }
            Some(next) if next.approval => {
                self.enter(Phase::Waiting { step });
                let message = format!("step {} waits for approval", step + 1);
                self.tell(EventKind::Waiting, Some(step), message);
            }
            Some(_) => self.begin(step + 1),
        }
    }

    /// Whether everything allows the step after this one.
    fn may_proceed(&self, step: usize) -> bool {
        !self.is_stopped()
            && self.seen.running == Running::All(step)
            && self.seen.gates.len() == self.plan.gates_of(step)
            && self.seen.gates.iter().all(|gate| gate.verdict == Verdict::Pass)
    }

    fn begin(&mut self, step: usize) {
        self.state.approved = false;
        self.enter(Phase::Writing { step });
        self.write = Some(step);
        let name =
            step.checked_sub(1).and_then(|index| self.plan.steps.get(index)).map(|step| step.name.clone());
        let message = format!("step {step} begins: {}", name.unwrap_or_default());
        self.tell(EventKind::Advancing, Some(step), message);
    }

    fn roll_back(&mut self, reason: Reason) {
        let step = self.state.phase.step();
        self.tell(EventKind::RollingBack, step, reason.to_string());
        self.state.approved = false;
        self.enter(Phase::Restoring { from: step.unwrap_or_default(), reason });
    }

    fn confirm_restore(&mut self, reason: Reason) {
        if self.seen.running == Running::All(0) {
            let message = "all proxies run what was there before the rollout".to_owned();
            self.tell(EventKind::RolledBack, None, message);
            self.enter(Phase::RolledBack { reason });
        }
    }

    fn enter(&mut self, phase: Phase) {
        // The first step may reach some proxies long before it reaches all, and is watched meanwhile.
        if matches!(phase, Phase::Confirming { step: 1 } | Phase::Watching { .. }) {
            self.state.measured_since = Some(self.now);
        }
        self.state.phase = phase;
        self.state.since = self.now;
    }

    fn is_late(&self) -> bool {
        let taken = self.now.saturating_sub(self.state.started);
        self.plan.deadline.is_some_and(|deadline| taken >= deadline)
    }

    /// Whether it must not go further.
    fn is_stopped(&self) -> bool {
        self.state.paused || self.is_late()
    }

    fn what_holds(&self) -> Option<Held> {
        match &self.state.phase {
            phase if phase.is_final() => None,
            phase if !phase.is_rollback() && self.state.paused => Some(Held::Paused),
            phase if !phase.is_rollback() && self.is_late() => Some(Held::Deadline),
            _ => self.seen.no_data.then_some(Held::NoData),
        }
    }

    fn hold(&mut self, held: Option<Held>) {
        if self.state.held == held {
            return;
        }
        self.state.held = held;
        let step = self.state.phase.step();
        match held {
            Some(held) => self.tell(EventKind::Held, step, format!("nothing goes on: {held}")),
            None if self.state.phase.is_final() => {}
            None => self.tell(EventKind::Released, step, "it goes on".to_owned()),
        }
    }

    fn tell(&mut self, event: EventKind, step: Option<usize>, message: String) {
        self.events.push(Event { at: self.now, event, step, message });
    }
}
