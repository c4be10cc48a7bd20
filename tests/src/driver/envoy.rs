//! Runs cases in the real Envoy: one for all cases, and a short-lived one for each refused configuration.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::{Planned, report, verdict};
use crate::case::{self, Case, CaseFile, Driver, Expect, Observed, ResponseSeen, Step, UpstreamSeen};
use crate::client::{Client, Request, Response};
use crate::envoy::{Bootstrap, Envoy, EnvoyError, Listener, Plugin};

/// How long Envoy may take to show a metric or a log line.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long to wait before looking at them (again).
const SETTLE: Duration = Duration::from_millis(50);
/// The prefix that Envoy gives to metrics of Wasm modules.
const METRIC_PREFIX: &str = "wasmcustom.";

/// The Envoy that serves all cases that are no refusals, with a listener for each configuration.
pub struct Fleet {
    envoy: Envoy,
    /// Listener of each configuration: module, configuration, environment.
    listeners: BTreeMap<String, usize>,
    client: Client,
    /// Cases that look at metrics or at the log run alone, since all cases share these.
    alone: RwLock<()>,
}

impl Fleet {
    /// Starts Envoy for all of `planned` that need it. `None` when none does.
    ///
    /// # Errors
    /// A module is missing, or Envoy refuses a configuration that should be fine.
    pub fn start(planned: &[Planned<'_>]) -> Result<Option<Self>, String> {
        let mut listeners = BTreeMap::new();
        let mut bootstrap = Bootstrap::default();
        for Planned { file, case, .. } in planned.iter().filter(|planned| !planned.case.is_refusal()) {
            let next = listeners.len();
            if let std::collections::btree_map::Entry::Vacant(entry) = listeners.entry(key(file, case)) {
                entry.insert(next);
                bootstrap = bootstrap.listener(Listener::new().plugin(plugin(file, case)?));
            }
        }
        if listeners.is_empty() {
            return Ok(None);
        }
        let envoy = Envoy::start(bootstrap).map_err(|error| error.to_string())?;
        Ok(Some(Self { envoy, listeners, client: Client::http1(), alone: RwLock::new(()) }))
    }

    /// Runs one case.
    ///
    /// # Errors
    /// What differed from what is expected, as text.
    pub fn run(&self, file: &CaseFile, case: &Case) -> Result<(), String> {
        let config = file.config_of(case);
        let listener = self.listeners.get(&key(file, case)).ok_or("no listener was made for this case")?;
        let steps = case.steps();
        let shared = || self.alone.read().unwrap_or_else(PoisonError::into_inner);
        let alone = || self.alone.write().unwrap_or_else(PoisonError::into_inner);
        let must_be_alone = steps.iter().any(|step| step.expect.is_about_all());
        let _guard = if must_be_alone { (None, Some(alone())) } else { (Some(shared()), None) };
        for (index, step) in steps.iter().enumerate() {
            let seen = self.exchange(*listener, step).map_err(|error| report(&config, None, &[error]))?;
            verdict(&config, index, step, &seen, Driver::Envoy)?;
        }
        Ok(())
    }

    fn exchange(&self, listener: usize, step: &Step) -> Result<Observed, String> {
        let expect = &step.expect;
        let before = self.readings(expect)?;
        let mark = self.envoy.log_mark();
        let address = self.envoy.listener(listener);
        let response = self.client.send(address, &request(step)).map_err(|error| error.to_string())?;
        let mut seen = observed(response);
        if !expect.is_about_all() {
            return Ok(seen);
        }
        // Metrics and log lines arrive a moment after the response. What must not come gets time to come.
        std::thread::sleep(SETTLE);
        let deadline = Instant::now() + PATIENCE;
        loop {
            seen.metrics = before.changes(self.readings(expect)?);
            seen.log = self.envoy.log_since(mark).lines().map(str::to_owned).collect();
            if expect.check(&seen, Driver::Envoy).is_empty() || Instant::now() > deadline {
                return Ok(seen);
            }
            std::thread::sleep(SETTLE);
        }
    }

    /// The metrics that are expected, as they are now.
    fn readings(&self, expect: &Expect) -> Result<Readings, String> {
        let mut readings = Readings::default();
        if expect.metrics.is_empty() {
            return Ok(readings);
        }
        let text = |error: EnvoyError| error.to_string();
        let (gauges, counters) = (self.envoy.gauges().map_err(text)?, self.envoy.counters().map_err(text)?);
        let histograms = self.envoy.histograms().map_err(text)?;
        for name in expect.metrics.keys() {
            let full = format!("{METRIC_PREFIX}{name}");
            if let Some(level) = gauges.get(&full) {
                readings.levels.insert(name.clone(), *level);
            }
            let samples = histograms.get(&full).map(|histogram| histogram.samples() as i64);
            if let Some(count) = counters.get(&full).copied().or(samples) {
                readings.counts.insert(name.clone(), count);
            }
        }
        Ok(readings)
    }
}

#[derive(Default)]
struct Readings {
    /// Gauges.
    levels: BTreeMap<String, i64>,
    /// Counters, and numbers of samples of histograms.
    counts: BTreeMap<String, i64>,
}

impl Readings {
    /// By how much counts grew from here to `later`, and where levels stand then.
    fn changes(&self, later: Self) -> BTreeMap<String, i64> {
        let grown = later.counts.into_iter().map(|(name, count)| {
            let start = self.counts.get(&name).copied().unwrap_or(0);
            (name, count - start)
        });
        grown.chain(later.levels).collect()
    }
}

/// Runs a case whose configuration must be refused: Envoy must not start, and its log must say why.
///
/// # Errors
/// What differed from what is expected, as text.
pub fn run_refusal(file: &CaseFile, case: &Case) -> Result<(), String> {
    let config = file.config_of(case);
    let bootstrap = Bootstrap::default().listener(Listener::new().plugin(plugin(file, case)?));
    let problems = match Envoy::start(bootstrap) {
        Ok(_) => vec!["Envoy started with this configuration".to_owned()],
        Err(EnvoyError::Ended(log)) => case::check_refusal(&case.config_errors, case.exact, &log),
        Err(error) => vec![error.to_string()],
    };
    if problems.is_empty() { Ok(()) } else { Err(report(&config, None, &problems)) }
}

/// What cases must have in common to share a listener.
fn key(file: &CaseFile, case: &Case) -> String {
    format!("{} {:?} {}", file.module, file.env, file.config_of(case))
}

fn plugin(file: &CaseFile, case: &Case) -> Result<Plugin, String> {
    Ok(Plugin::new(&file.module)?.config(&file.config_of(case)).env(file.env.clone()))
}

/// The request with the headers that make the sample upstream answer as the case says.
fn request(step: &Step) -> Request {
    let asked = &step.request;
    let mut headers = asked.headers.pairs();
    let mut steer = |name: &str, value: Vec<u8>| headers.push((format!("x-answer-{name}"), value));
    let answer = &step.upstream;
    if answer.status != 200 {
        steer("status", answer.status.to_string().into_bytes());
    }
    if answer.delay_ms > 0 {
        steer("delay-ms", answer.delay_ms.to_string().into_bytes());
    }
    for (name, value) in answer.headers.pairs() {
        steer("header", [name.as_bytes(), b"=", &value].concat());
    }
    Request {
        method: asked.method.clone(),
        path: asked.path.clone(),
        host: asked.host.clone(),
        headers,
        body: asked.body.as_ref().map(case::Value::to_bytes).unwrap_or_default(),
    }
}

fn observed(response: Response) -> Observed {
    let upstream = response.seen().map(|seen| UpstreamSeen {
        headers: seen.headers.iter().map(|(name, _)| name).fold(Vec::new(), |mut pairs, name| {
            if !pairs.iter().any(|(known, _)| known == name) {
                pairs.extend(seen.header_bytes(name).into_iter().map(|value| (name.clone(), value)));
            }
            pairs
        }),
        name: Some(seen.name),
        host: seen.authority,
        path: seen.path,
    });
    Observed {
        upstream,
        elapsed: response.elapsed,
        response: Some(ResponseSeen {
            status: response.status,
            headers: response.headers,
            body: response.body,
        }),
        ..Observed::default()
    }
}
