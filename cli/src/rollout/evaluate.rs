//! One evaluation: look, decide, store, write.

use super::backend::Backend;
use super::error::EvaluationError;
use super::events::Webhook;
use super::observe::{self, Observed};
use super::record::Record;
use super::snapshot::{Snapshot, Stored};
use super::specification::Specification;
use super::target;
use crate::kubernetes::ClusterContext;
use crate::output::in_words;
use crate::report::prometheus::Prometheus;
use anyhow::{Context as _, bail, ensure};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use weir_rollout::{Command, Content, Event, EventKind, Observation, Running, advance};

/// How often an evaluation begins again because another one was quicker.
const ATTEMPTS: usize = 20;
/// No further event is sent after this time, in one evaluation.
const SENDING: Duration = Duration::from_secs(5);

/// Whether an evaluation is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// It is.
    Apply,
    /// It is only said what would be done.
    DryRun,
}

/// A rollout with all that it needs.
pub(super) struct Rollout {
    pub(super) specification: Specification,
    prometheus: Option<Prometheus>,
    /// Whether a rollout that is over begins again.
    restart: bool,
    /// Whether a rollout that is under way goes on with the specification that it began with.
    pub(super) stays: bool,
    pub(super) backend: Backend,
    webhook: Option<Webhook>,
    /// Why Prometheus had no answer the last time.
    trouble: Option<String>,
    /// When the newest state began that was seen here, and how often it had been stored.
    newest: Option<(u64, u64)>,
}

/// What an evaluation did.
pub(super) struct Evaluated {
    pub(super) record: Record,
    pub(super) events: Vec<Event>,
    /// The version that was written.
    pub(super) write: Option<usize>,
    /// What it was decided by.
    pub(super) observation: Observation,
    /// What could not be done although the state is stored.
    pub(super) error: Option<EvaluationError>,
}

/// What a person's command did.
pub(super) struct Followed {
    pub(super) events: Vec<Event>,
    /// What could not be done although the state is stored.
    pub(super) error: Option<EvaluationError>,
}

impl Rollout {
    /// A rollout with this specification.
    ///
    /// # Errors
    /// There is no way to the target.
    pub(super) fn open(
        mut specification: Specification,
        connection: &ClusterContext,
        prometheus: Option<Prometheus>,
        restart: bool,
    ) -> anyhow::Result<Self> {
        let backend = Backend::open(&mut specification, connection)?;
        let webhook = specification.plan.webhook.as_deref().map(Webhook::new);
        Ok(Self {
            specification,
            prometheus,
            restart,
            stays: false,
            backend,
            webhook,
            trouble: None,
            newest: None,
        })
    }

    /// What is stored, without an evaluation.
    ///
    /// # Errors
    /// It cannot be read, or nothing is stored.
    pub(super) fn stored(&self) -> Result<Record, EvaluationError> {
        let none = || format!("{}: no rollout of it has begun", self.specification.place);
        Ok(self.backend.snapshot()?.record.with_context(none)?)
    }

    /// Evaluates once.
    ///
    /// # Errors
    /// Files or resources that cannot be used; the state is as it was, or the next evaluation does what this one could
    /// not.
    pub(super) fn evaluate(&mut self, mode: Mode) -> Result<Evaluated, EvaluationError> {
        for _ in 0..ATTEMPTS {
            if let Some(evaluated) = self.attempt(mode)? {
                self.restart = false;
                return Ok(evaluated);
            }
        }
        Err(self.too_slow())
    }

    fn too_slow(&self) -> EvaluationError {
        EvaluationError::Transient(format!(
            "{}: something else is always quicker to change it",
            self.specification.place
        ))
    }

    /// Takes over what was seen of the same target's state.
    pub(super) fn succeed(&mut self, before: &Self) {
        if self.specification.place == before.specification.place {
            self.newest = before.newest;
        }
    }

    /// Looks, and does not accept a state that is older than what has been seen: something has put it back, and the
    /// configuration with it, so that nothing else would show that steps are lost.
    fn snapshot(&mut self) -> Result<Snapshot, EvaluationError> {
        let snapshot = self.backend.snapshot()?;
        let found = snapshot.record.as_ref().map(position);
        if let (Some((_, revision)), Some((_, newest))) = (found, self.newest)
            && found < self.newest
        {
            return Err(EvaluationError::Permanent(format!(
                "{}: nothing goes on: its state is an older one (revision {revision}) than it was (revision {newest}): \
                 something puts it back, such as a Git tool whose manifest has the annotation weir/rollout; remove it \
                 there, and put the newer state back, or start this program again to go on from the older one",
                self.specification.place
            )));
        }
        // One that was deleted was given up.
        self.newest = found;
        Ok(snapshot)
    }

    /// `None` where something else has changed the state meanwhile.
    fn attempt(&mut self, mode: Mode) -> Result<Option<Evaluated>, EvaluationError> {
        let first = self.snapshot()?;
        if let Some(record) = first.record.as_ref().filter(|_| self.stays) {
            self.keep(record)?;
        }
        let known = self.current(first.record)?;
        let mut events = Vec::new();
        let begun = match &known {
            Some(record) => record.clone(),
            None => self.begin(first.text.as_ref().map_err(EvaluationError::of)?, &mut events)?,
        };
        // Prometheus may take its time: nobody waits for the lock meanwhile.
        let observed = self.observe(&begun)?;
        let _lock = match mode {
            Mode::Apply => self.backend.lock()?,
            Mode::DryRun => None,
        };
        let snapshot = self.backend.snapshot()?;
        let again = self.current(snapshot.record.clone())?;
        let revision =
            |record: &Option<Record>| record.as_ref().map(|record| (record.state.started, record.revision));
        if revision(&again) != revision(&known) {
            return Ok(None);
        }
        // What is put back in the end is what there is now, not what there was a moment ago.
        if again.is_none() && snapshot.text.as_ref().ok() != first.text.as_ref().ok() {
            return Ok(None);
        }
        let mut record = again.unwrap_or(begun);
        let observation = observed.with(snapshot.content(&record));
        let turn = advance(&self.specification.plan, &record.state, &observation, now());
        events.extend(turn.events);
        let changed = turn.state != record.state || !events.is_empty();
        record.state = turn.state;
        let mut error = None;
        if mode == Mode::Apply {
            if changed || turn.write.is_some() {
                record.note(&events, self.webhook.is_some());
                match self.store(&snapshot, &mut record, turn.write)? {
                    Stored::Done => {}
                    Stored::Conflict => return Ok(None),
                    Stored::Rejected(why) => error = Some(why),
                }
            }
            // What is stored has happened, and is said whatever else fails.
            let told = self.tell(&snapshot, &mut record);
            error = error.or(told.err());
        }
        Ok(Some(Evaluated { record, events, write: turn.write, observation, error }))
    }

    fn store(
        &mut self,
        snapshot: &Snapshot,
        record: &mut Record,
        write: Option<usize>,
    ) -> Result<Stored, EvaluationError> {
        let status = super::view::line(&self.specification, record);
        let stored = self.backend.store(snapshot, record, write, &status)?;
        if stored != Stored::Conflict {
            self.newest = Some(position(record));
        }
        Ok(stored)
    }

    /// Follows a person's command. An abort is carried out at once.
    ///
    /// # Errors
    /// The command makes no sense now, or files or resources cannot be used.
    pub(super) fn command(&mut self, given: Command) -> Result<Followed, EvaluationError> {
        for _ in 0..ATTEMPTS {
            if let Some(followed) = self.try_command(given)? {
                return Ok(followed);
            }
        }
        Err(self.too_slow())
    }

    fn try_command(&mut self, given: Command) -> Result<Option<Followed>, EvaluationError> {
        let _lock = self.backend.lock()?;
        let name = self.specification.place.clone();
        let snapshot = self.backend.snapshot()?;
        let stored =
            snapshot.record.clone().with_context(|| format!("{name}: no rollout of it has begun"))?;
        if given != Command::Abort {
            self.same_specification(&stored)?;
        }
        let mut record = stored;
        let (state, event) =
            weir_rollout::command(&record.state, given, now()).with_context(|| name.clone())?;
        record.state = state;
        let mut events = vec![event];
        let mut write = None;
        if given == Command::Abort {
            let observation = Observed::nothing().with(snapshot.content(&record));
            let turn = advance(&self.specification.plan, &record.state, &observation, now());
            record.state = turn.state;
            events.extend(turn.events);
            write = turn.write;
        }
        record.note(&events, self.webhook.is_some());
        let error = match self.store(&snapshot, &mut record, write)? {
            Stored::Done => None,
            Stored::Conflict => return Ok(None),
            Stored::Rejected(why) => Some(why),
        };
        let told = self.tell(&snapshot, &mut record);
        Ok(Some(Followed { events, error: error.or(told.err()) }))
    }

    /// The stored rollout, unless a new one is to begin.
    fn current(&self, stored: Option<Record>) -> anyhow::Result<Option<Record>> {
        let Some(record) = stored else { return Ok(None) };
        let is_over = record.state.phase.is_final();
        if is_over && (self.restart || record.specification != self.specification.text) {
            return Ok(None);
        }
        if self.restart && !is_over {
            bail!("--restart: the rollout is not over; `weir rollout abort` ends it");
        }
        // A rollback needs nothing of the specification but the target.
        if !record.state.phase.is_rollback() {
            self.same_specification(&record)?;
        }
        Ok(Some(record))
    }

    /// Takes up the specification that a rollout began with.
    fn keep(&mut self, record: &Record) -> anyhow::Result<()> {
        if record.state.phase.is_final() || record.specification == self.specification.text {
            return Ok(());
        }
        let own = &self.specification;
        let mut kept = Specification::parse(&own.name, &record.specification, &own.folder)?;
        (kept.title, kept.place) = (own.title.clone(), own.place.clone());
        self.specification = kept;
        Ok(())
    }

    fn same_specification(&self, record: &Record) -> anyhow::Result<()> {
        ensure!(
            record.specification == self.specification.text,
            "{}: it has changed since the rollout began: put it back, or end the rollout with `weir rollout abort`",
            self.specification.name
        );
        Ok(())
    }

    fn begin(&mut self, original: &str, events: &mut Vec<Event>) -> anyhow::Result<Record> {
        let versions = target::versions(&mut self.specification, &self.backend, original)?;
        self.can_be_measured(original)?;
        let record = Record::new(&self.specification, versions, now());
        let steps = self.specification.plan.steps.len();
        let first = self.specification.plan.steps.first().map(|step| step.name.clone()).unwrap_or_default();
        events.push(Event {
            at: record.state.started,
            event: EventKind::Started,
            step: Some(1),
            message: format!("the rollout begins: {steps} steps, the first is {first}"),
        });
        Ok(record)
    }

    /// Gates that the configuration cannot feed would be unknown for ever.
    fn can_be_measured(&self, original: &str) -> anyhow::Result<()> {
        let loaded = target::load(&self.specification, original)?;
        observe::needs(&self.specification, &loaded)
    }

    fn observe(&mut self, record: &Record) -> anyhow::Result<Observed> {
        if record.state.phase.is_final() {
            return Ok(Observed::nothing());
        }
        let original = record.versions.first().map(|version| version.text.clone()).unwrap_or_default();
        let loaded = target::load(&self.specification, &original)?;
        let weights = match record.state.phase.is_rollback() {
            true => Vec::new(),
            false => target::resolve(&mut self.specification, &loaded)?,
        };
        let Some(prometheus) = &self.prometheus else { return Ok(Observed::nothing()) };
        let at = |query: &str, time: u64| prometheus.at(query, time);
        let range = |query: &str, span: &crate::report::counters::Span| prometheus.range(query, span);
        let ask = observe::Ask { at: &at, range: &range };
        let subject =
            observe::Released { plan: &self.specification.plan, loaded: &loaded, weights: &weights };
        let observed = observe::observe(&subject, record, &ask, now());
        // Once, not with each evaluation.
        if observed.trouble != self.trouble {
            if let Some(trouble) = &observed.trouble {
                crate::output::complain(trouble);
            }
            self.trouble.clone_from(&observed.trouble);
        }
        Ok(observed)
    }

    /// Tells the cluster, and sends what the webhook does not have yet. What it does not take is sent again with the next
    /// evaluation.
    fn tell(&mut self, snapshot: &Snapshot, record: &mut Record) -> Result<(), EvaluationError> {
        self.backend.announce(snapshot, &record.events);
        let Some(webhook) = &self.webhook else { return Ok(()) };
        let (before, start) = (record.unsent.len(), Instant::now());
        // Others wait for the lock: what is left is sent with the next evaluation.
        while let Some(event) = record.unsent.first().filter(|_| start.elapsed() < SENDING) {
            if let Err(problem) = webhook.send(event, &self.specification) {
                crate::output::complain(&format!("webhook: {}", in_words(&problem)));
                break;
            }
            record.unsent.remove(0);
        }
        if record.unsent.len() == before {
            return Ok(());
        }
        // Where something else has been quicker, the same events are sent once more.
        let snapshot = self.backend.snapshot()?;
        if snapshot.record.as_ref().is_some_and(|stored| stored.revision == record.revision) {
            self.store(&snapshot, record, None)?;
        }
        Ok(())
    }
}

/// How far a state is: a later one has a greater one.
fn position(record: &Record) -> (u64, u64) {
    (record.state.started, record.revision)
}

/// Milliseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

impl Observed {
    /// Without Prometheus.
    pub(super) fn nothing() -> Self {
        Self { running: Running::Unknown, gates: Vec::new(), units: None, no_data: false, trouble: None }
    }

    fn with(self, content: Content) -> Observation {
        let Self { running, gates, units, no_data, .. } = self;
        Observation { content, running, gates, units, no_data }
    }
}
