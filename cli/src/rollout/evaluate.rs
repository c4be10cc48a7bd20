//! One evaluation: look, decide, store, write.

use super::events::Webhook;
use super::observe::{self, Observed};
use super::specification::Specification;
use super::store::{Record, Store};
use super::target;
use crate::change::plan::overwrite;
use crate::report::prometheus::Prometheus;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use weir_rollout::{Command, Content, Event, EventKind, Observation, Running, advance, command};

/// How often an evaluation begins again because another one was quicker.
const ATTEMPTS: usize = 20;
/// No further event is sent after this time, in one evaluation.
const SENDING: Duration = Duration::from_secs(5);

/// Whether something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Yes.
    Really,
    /// It is only said what would be done.
    Pretend,
}

/// A rollout with all that it needs.
pub(super) struct Rollout {
    pub(super) specification: Specification,
    prometheus: Option<Prometheus>,
    /// Whether a rollout that is over begins again.
    restart: bool,
    store: Store,
    webhook: Option<Webhook>,
    /// Why Prometheus had no answer the last time.
    trouble: Option<String>,
}

/// What an evaluation did.
pub(super) struct Evaluated {
    pub(super) record: Record,
    pub(super) events: Vec<Event>,
    /// The version that was written.
    pub(super) write: Option<usize>,
}

impl Rollout {
    pub(super) fn new(specification: Specification, prometheus: Option<Prometheus>, restart: bool) -> Self {
        let store = Store::beside(&specification.target);
        let webhook = specification.plan.webhook.as_deref().map(Webhook::new);
        Self { specification, prometheus, restart, store, webhook, trouble: None }
    }

    /// Evaluates once.
    ///
    /// # Errors
    /// Files that cannot be used; the state is as it was, or the next evaluation does what this one could not.
    pub(super) fn evaluate(&mut self, way: Way) -> Result<Evaluated, String> {
        for _ in 0..ATTEMPTS {
            if let Some(evaluated) = self.attempt(way)? {
                self.restart = false;
                return Ok(evaluated);
            }
        }
        Err(format!("{}: other evaluations are always quicker", self.specification.target.display()))
    }

    /// `None` where something else has changed the state meanwhile.
    fn attempt(&mut self, way: Way) -> Result<Option<Evaluated>, String> {
        let known = self.current()?;
        let mut events = Vec::new();
        let begun = match &known {
            Some(record) => record.clone(),
            None => self.begin(&mut events)?,
        };
        // Prometheus may take its time: nobody waits for the lock meanwhile.
        let observed = self.observe(&begun)?;
        let _lock = match way {
            Way::Really => Some(self.store.lock()?),
            Way::Pretend => None,
        };
        let again = self.current()?;
        let revision =
            |record: &Option<Record>| record.as_ref().map(|record| (record.state.started, record.revision));
        if revision(&again) != revision(&known) {
            return Ok(None);
        }
        let mut record = again.unwrap_or(begun);
        let content = self.content(&record);
        let observation = observed.with(content);
        let turn = advance(&self.specification.plan, &record.state, &observation, now());
        events.extend(turn.events);
        let changed = turn.state != record.state || !events.is_empty();
        record.state = turn.state;
        if way == Way::Really {
            if changed {
                record.note(&events, self.webhook.is_some());
                self.store.save(&mut record)?;
            }
            if let Some(version) = turn.write {
                self.write(&record, content, version)?;
            }
            self.send(&mut record)?;
        }
        Ok(Some(Evaluated { record, events, write: turn.write }))
    }

    /// Follows a person's command. An abort is carried out at once.
    ///
    /// # Errors
    /// The command makes no sense now, or files cannot be used.
    pub(super) fn say(&mut self, said: Command) -> Result<Vec<Event>, String> {
        let _lock = self.store.lock()?;
        let name = self.specification.target.display().to_string();
        let stored = self.store.load()?.ok_or_else(|| format!("{name}: no rollout of it has begun"))?;
        if said != Command::Abort {
            self.same_specification(&stored)?;
        }
        let mut record = stored;
        let (state, event) =
            command(&record.state, said, now()).map_err(|refused| format!("{name}: {refused}"))?;
        record.state = state;
        let mut events = vec![event];
        let mut write = None;
        let content = self.content(&record);
        if said == Command::Abort {
            let turn =
                advance(&self.specification.plan, &record.state, &Observed::nothing().with(content), now());
            record.state = turn.state;
            events.extend(turn.events);
            write = turn.write;
        }
        record.note(&events, self.webhook.is_some());
        self.store.save(&mut record)?;
        if let Some(version) = write {
            self.write(&record, content, version)?;
        }
        self.send(&mut record)?;
        Ok(events)
    }

    /// The stored rollout, unless a new one is to begin.
    fn current(&self) -> Result<Option<Record>, String> {
        let Some(record) = self.store.load()? else { return Ok(None) };
        let is_over = record.state.phase.is_final();
        if is_over && (self.restart || record.specification != self.specification.text) {
            return Ok(None);
        }
        if self.restart && !is_over {
            return Err("--restart: the rollout is not over; `weir rollout abort` ends it".to_owned());
        }
        // A rollback needs nothing of the specification but the target.
        if !record.state.phase.is_rollback() {
            self.same_specification(&record)?;
        }
        Ok(Some(record))
    }

    fn same_specification(&self, record: &Record) -> Result<(), String> {
        if record.specification == self.specification.text {
            return Ok(());
        }
        Err(format!(
            "{}: it has changed since the rollout began: put it back, or end the rollout with `weir rollout abort`",
            self.specification.name
        ))
    }

    fn begin(&mut self, events: &mut Vec<Event>) -> Result<Record, String> {
        let original = target::read(&self.specification)?;
        let versions = target::versions(&mut self.specification, &original)?;
        self.can_be_measured(&original)?;
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
    fn can_be_measured(&self, original: &str) -> Result<(), String> {
        let loaded = target::load(&self.specification, original)?;
        observe::needs(&self.specification, &loaded)
    }

    /// Which version the target holds.
    fn content(&self, record: &Record) -> Content {
        match target::read(&self.specification) {
            Err(_) => Content::Unreadable,
            Ok(text) => {
                let version = record.versions.iter().position(|version| version.text == text);
                version.map_or(Content::Foreign, Content::Version)
            }
        }
    }

    fn observe(&mut self, record: &Record) -> Result<Observed, String> {
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

    /// Writes a version, unless the target has changed since it was looked at.
    fn write(&self, record: &Record, seen: Content, version: usize) -> Result<(), String> {
        let Some(wanted) = record.versions.get(version) else { return Ok(()) };
        // The next evaluation says so.
        if self.content(record) != seen {
            return Ok(());
        }
        let path = &self.specification.target;
        overwrite(path, &wanted.text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Sends what the webhook does not have yet. What it does not take is sent again with the next evaluation.
    fn send(&self, record: &mut Record) -> Result<(), String> {
        let Some(webhook) = &self.webhook else { return Ok(()) };
        let (before, start) = (record.unsent.len(), Instant::now());
        // Others wait for the lock: what is left is sent with the next evaluation.
        while let Some(event) = record.unsent.first().filter(|_| start.elapsed() < SENDING) {
            if let Err(problem) = webhook.send(event, &self.specification) {
                crate::output::complain(&format!("webhook: {problem}"));
                break;
            }
            record.unsent.remove(0);
        }
        if record.unsent.len() == before { Ok(()) } else { self.store.save(record) }
    }
}

/// Milliseconds since 1970.
fn now() -> u64 {
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
