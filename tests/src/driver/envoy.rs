//! Runs cases in the real Envoy: one for all cases of a module that call nobody (a few for the native module), and one for
//! each set of callouts. Native modules have the environment of Envoy, so there is also one for each environment.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::hash::{Hash as _, Hasher as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use weir_upstream::{Answer, Seen};

use super::refusals::Refusals;
use super::{Planned, callouts, plugin, report, verdict};
use crate::case::{
    self, Bin, Callouts, Case, CaseFile, Driver, Expect, Located, Observed, ResponseSeen, Step, UpstreamSeen,
};
use crate::client::{Client, Request, Response};
use crate::envoy::{Bootstrap, Cluster, Envoy, EnvoyError, Listener, Plugin, Shell};
use crate::origin::Origin;

/// How long Envoy may take to show a metric or a log line.
const PATIENCE: Duration = Duration::from_secs(3);
/// After what time a sample is in a histogram: Envoy collects them ten times a second (`stats_flush_interval`).
const COLLECTED: Duration = Duration::from_millis(250);
/// After what time a count of the native module has arrived: it passes them to Envoy twenty times a second.
const COUNTED: Duration = Duration::from_millis(100);
/// How long to wait before looking at them (again).
const SETTLE: Duration = Duration::from_millis(50);

/// Among how many Envoys the cases of the native module are divided that call nobody. Cases that look at metrics run alone
/// in their Envoy, and mostly wait; several Envoys wait at the same time. Cases in WebAssembly have an Envoy for each
/// module: one that runs two modules has compiled both, which costs seconds of CPU time.
const NATIVE_ENVOYS: u64 = 6;

/// How many cases run at a time: two for each of about as many Envoys, one of which may be alone.
pub const AT_A_TIME: usize = 12;

/// A test: its name, and what runs it.
pub type Test = (String, Box<dyn FnOnce() -> Result<(), String> + Send>);

/// A test for each case of `files` that `driver`, one with an Envoy, can run.
///
/// # Errors
/// A module is missing.
pub fn tests(files: &[Located], driver: Driver) -> Result<Vec<Test>, String> {
    let planned = super::plan(files, driver);
    let fleet = Arc::new(Fleet::new(&planned, driver)?);
    let refusals = Arc::new(Refusals::new(driver.shell()));
    let test = |planned: Planned<'_>| -> Test {
        let (file, case, fleet) = (planned.file.clone(), planned.case.clone(), Arc::clone(&fleet));
        let refusals = Arc::clone(&refusals);
        let run = move || match case.is_refusal() {
            true => refusals.run(&file, &case),
            false => fleet.run(&file, &case),
        };
        (planned.name, Box::new(run))
    };
    Ok(by_turns(planned, driver).into_iter().map(test).collect())
}

/// The cases of different Envoys by turns: those of one Envoy wait for each other.
fn by_turns(planned: Vec<Planned<'_>>, driver: Driver) -> Vec<Planned<'_>> {
    let mut queues: BTreeMap<String, Vec<Planned<'_>>> = BTreeMap::new();
    for planned in planned {
        let key = match planned.case.is_refusal() {
            true => format!("refusals {} {:?}", planned.file.module, planned.file.env),
            false => group_key(planned.file, planned.case, driver.shell()),
        };
        queues.entry(key).or_default().push(planned);
    }
    let mut numbered: Vec<_> = queues.into_values().flat_map(|queue| queue.into_iter().enumerate()).collect();
    numbered.sort_by_key(|(turn, _)| *turn);
    numbered.into_iter().map(|(_, planned)| planned).collect()
}

/// All Envoys that serve cases, each started when its first case runs.
pub struct Fleet {
    driver: Driver,
    groups: BTreeMap<String, Group>,
}

impl Fleet {
    /// Groups the cases of `planned` that are no refusals.
    ///
    /// # Errors
    /// A module is missing.
    pub fn new(planned: &[Planned<'_>], driver: Driver) -> Result<Self, String> {
        let shell = driver.shell();
        let mut groups: BTreeMap<String, Group> = BTreeMap::new();
        for Planned { file, case, .. } in planned.iter().filter(|planned| !planned.case.is_refusal()) {
            let group =
                groups.entry(group_key(file, case, shell)).or_insert_with(|| Group::new(file, case, driver));
            group.add(key(file, case), plugin(file, file.config_of(case), shell)?);
        }
        Ok(Self { driver, groups })
    }

    /// Runs one case.
    ///
    /// # Errors
    /// What differed from what is expected, as text.
    pub fn run(&self, file: &CaseFile, case: &Case) -> Result<(), String> {
        let key = group_key(file, case, self.driver.shell());
        let group = self.groups.get(&key).ok_or("no Envoy was planned for this case")?;
        group.with(|running| running.run(file, case))
    }
}

/// Cases that share an Envoy, which has a listener for each configuration. Cases whose module calls others
/// share one only if these answer the same.
struct Group {
    driver: Driver,
    callouts: Callouts,
    /// Number of the listener for each configuration: module, configuration, environment.
    listeners: BTreeMap<String, usize>,
    bootstrap: Bootstrap,
    /// How many cases have not run yet. Envoy ends with the last.
    left: AtomicUsize,
    slot: Mutex<Option<Result<Arc<Running>, String>>>,
}

impl Group {
    fn new(file: &CaseFile, case: &Case, driver: Driver) -> Self {
        let env = if driver == Driver::Native { file.env.clone() } else { BTreeMap::new() };
        Self {
            driver,
            callouts: file.callouts_of(case).clone(),
            listeners: BTreeMap::new(),
            bootstrap: Bootstrap::default().env(env),
            left: AtomicUsize::new(0),
            slot: Mutex::new(None),
        }
    }

    fn add(&mut self, key: String, plugin: Plugin) {
        *self.left.get_mut() += 1;
        let next = self.listeners.len();
        if let Entry::Vacant(entry) = self.listeners.entry(key) {
            entry.insert(next);
            self.bootstrap = std::mem::take(&mut self.bootstrap).listener(Listener::new().plugin(plugin));
        }
    }

    fn with(&self, run: impl FnOnce(&Running) -> Result<(), String>) -> Result<(), String> {
        let slot = || self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        let running = slot().get_or_insert_with(|| self.start().map(Arc::new)).clone();
        let result = running.and_then(|running| run(&running));
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            slot().take();
        }
        result
    }

    fn start(&self) -> Result<Running, String> {
        let mut bootstrap = self.bootstrap.clone();
        let mut origins = Vec::new();
        for (name, answers) in &self.callouts {
            let origin = callouts::serve(answers).map_err(|error| error.to_string())?;
            bootstrap = bootstrap.cluster(Cluster::new(name, origin.address()));
            origins.push(origin);
        }
        let envoy = Envoy::start(bootstrap).map_err(|error| error.to_string())?;
        Ok(Running {
            driver: self.driver,
            envoy,
            listeners: self.listeners.clone(),
            http1: Client::http1(),
            http2: Client::http2(),
            alone: RwLock::new(()),
            next_id: AtomicUsize::new(0),
            _origins: origins,
        })
    }
}

/// A running Envoy and what it needs.
struct Running {
    driver: Driver,
    envoy: Envoy,
    listeners: BTreeMap<String, usize>,
    http1: Client,
    http2: Client,
    /// Cases that look at metrics or at the log run alone, since all cases share these.
    alone: RwLock<()>,
    next_id: AtomicUsize,
    _origins: Vec<Origin>,
}

impl Running {
    fn run(&self, file: &CaseFile, case: &Case) -> Result<(), String> {
        let config = file.config_of(case);
        let listener = self.listeners.get(&key(file, case)).ok_or("no listener was made for this case")?;
        let steps = case.steps();
        let shared = || self.alone.read().unwrap_or_else(PoisonError::into_inner);
        let alone = || self.alone.write().unwrap_or_else(PoisonError::into_inner);
        let must_be_alone = steps.iter().any(|step| step.expect.is_about_all());
        let _guard = if must_be_alone { (None, Some(alone())) } else { (Some(shared()), None) };
        for (index, step) in steps.iter().enumerate() {
            std::thread::sleep(Duration::from_millis(step.after_ms));
            let seen = self.exchange(*listener, step).map_err(|error| report(&config, None, &[error]))?;
            verdict(&config, index, step, &seen, self.driver)?;
        }
        Ok(())
    }

    fn exchange(&self, listener: usize, step: &Step) -> Result<Observed, String> {
        let expect = &step.expect;
        if self.driver.shell() == Shell::Native && !expect.metrics.is_empty() {
            // Counts of the cases before this one arrive a moment later.
            std::thread::sleep(COUNTED);
        }
        let mut before = self.readings(expect)?;
        // What a case before this one observed is not in its histogram yet, perhaps.
        if expect.metrics.keys().any(|name| !before.is_exact(name)) {
            std::thread::sleep(COLLECTED);
            before = self.readings(expect)?;
        }
        let mark = self.envoy.log_mark();
        let mut seen = self.send(listener, step)?;
        if !expect.is_about_all() {
            return Ok(seen);
        }
        // Metrics and log lines arrive a moment after the response. What must not come gets time to come.
        std::thread::sleep(if self.driver.shell() == Shell::Native { COUNTED } else { SETTLE });
        let deadline = Instant::now() + PATIENCE;
        loop {
            let later = self.readings(expect)?;
            seen.samples = before.new_samples(&later);
            seen.metrics = before.changes(later);
            seen.log = self.envoy.log_since(mark).lines().map(str::to_owned).collect();
            if expect.check(&seen, self.driver).is_empty() || Instant::now() > deadline {
                return Ok(seen);
            }
            std::thread::sleep(SETTLE);
        }
    }

    /// Sends the request, for which the answer of the sample upstreams is prepared.
    fn send(&self, listener: usize, step: &Step) -> Result<Observed, String> {
        let id = self.next_id.fetch_add(1, Ordering::SeqCst).to_string();
        self.envoy.plans().prepare(&id, answer(&step.upstream));
        let client = if is_http2(step) { &self.http2 } else { &self.http1 };
        let start = Instant::now();
        let response = client.send(self.envoy.listener(listener), &request(step, &id));
        let upstream = self.envoy.plans().take(&id).pop().map(upstream_seen);
        let (response, elapsed) = match response {
            Ok(response) => (Some(response_seen(&response)), response.elapsed),
            Err(_) if step.expect.is_reset() => (None, start.elapsed()),
            Err(error) => return Err(error.to_string()),
        };
        Ok(Observed { upstream, response, elapsed, ..Observed::default() })
    }

    /// The metrics that are expected, as they are now.
    fn readings(&self, expect: &Expect) -> Result<Readings, String> {
        let mut readings = Readings::default();
        if expect.metrics.is_empty() {
            return Ok(readings);
        }
        let text = |error: EnvoyError| error.to_string();
        let shell = self.driver.shell();
        let names: Vec<String> = expect.metrics.keys().map(|name| shell.metric(name)).collect();
        let (gauges, counters) =
            (self.envoy.gauges_of(&names).map_err(text)?, self.envoy.counters_of(&names).map_err(text)?);
        let bins = self.envoy.histogram_bins_of(&names).map_err(text)?;
        for (name, full) in expect.metrics.keys().zip(&names) {
            if let Some(level) = gauges.get(full) {
                readings.levels.insert(name.clone(), *level);
            }
            if let Some(count) = counters.get(full) {
                readings.counts.insert(name.clone(), *count);
            }
            if let Some(bins) = bins.get(full) {
                readings.bins.insert(name.clone(), bins.clone());
            }
        }
        Ok(readings)
    }
}

#[derive(Default)]
struct Readings {
    /// Gauges.
    levels: BTreeMap<String, i64>,
    /// Counters.
    counts: BTreeMap<String, i64>,
    /// Samples of histograms.
    bins: BTreeMap<String, Vec<Bin>>,
}

impl Readings {
    /// Whether it is a counter or gauge, which Envoy shows as it is at any time.
    fn is_exact(&self, name: &str) -> bool {
        self.levels.contains_key(name) || self.counts.contains_key(name)
    }

    /// The samples that came between here and `later`.
    fn new_samples(&self, later: &Self) -> BTreeMap<String, Vec<Bin>> {
        let fresh = |(name, bins): (&String, &Vec<Bin>)| {
            let known = self.bins.get(name).map_or(&[][..], Vec::as_slice);
            let old = |bin: &Bin| known.iter().find(|old| old.lower == bin.lower).map_or(0, |old| old.count);
            let fresh = bins.iter().map(|bin| Bin { count: bin.count - old(bin), ..*bin });
            (name.clone(), fresh.filter(|bin| bin.count > 0).collect())
        };
        later.bins.iter().map(fresh).collect()
    }

    /// By how much counts grew from here to `later`, and where levels stand then.
    fn changes(&self, later: Self) -> BTreeMap<String, i64> {
        let sum = |bins: &[Bin]| bins.iter().map(|bin| bin.count as i64).sum::<i64>();
        let observed = |(name, bins): (&String, &Vec<Bin>)| {
            let known = self.bins.get(name).map_or(0, |known| sum(known));
            (name.clone(), sum(bins) - known)
        };
        let observed: Vec<_> = later.bins.iter().map(observed).collect();
        let grown = later.counts.into_iter().map(|(name, count)| {
            let start = self.counts.get(&name).copied().unwrap_or(0);
            (name, count - start)
        });
        observed.into_iter().chain(grown).chain(later.levels).collect()
    }
}

/// What cases must have in common to share a listener.
fn key(file: &CaseFile, case: &Case) -> String {
    format!("{} {:?} {}", file.module, file.env, file.config_of(case))
}

/// A number of a text, the same in each run.
fn number(text: &str) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// What cases must have in common to share an Envoy. Answers that change are for one configuration only.
fn group_key(file: &CaseFile, case: &Case, shell: Shell) -> String {
    let callouts = file.callouts_of(case);
    let env = if shell == Shell::Native { format!("{:?}", file.env) } else { String::new() };
    match callouts.values().any(|answers| answers.len() > 1) {
        true => format!("{callouts:?} {env} {} {}", key(file, case), case.name),
        // All cases of a listener are in one Envoy.
        false if shell == Shell::Native => {
            format!("{callouts:?} {env} {}", number(&key(file, case)) % NATIVE_ENVOYS)
        }
        false => format!("{callouts:?} {}", file.module),
    }
}

/// gRPC and trailers need it.
fn is_http2(step: &Step) -> bool {
    let is_grpc = |(name, value): &(String, Vec<u8>)| {
        name.eq_ignore_ascii_case("content-type") && value.starts_with(b"application/grpc")
    };
    let trailers = [&step.request.trailers, &step.upstream.trailers];
    trailers.iter().any(|trailers| !trailers.pairs().is_empty())
        || step.request.headers.pairs().iter().any(is_grpc)
}

fn request(step: &Step, id: &str) -> Request {
    let asked = &step.request;
    let mut headers = asked.headers.pairs();
    headers.push(("x-answer-id".to_owned(), id.as_bytes().to_vec()));
    Request {
        method: asked.method.clone(),
        path: asked.path.clone(),
        host: asked.host.clone().unwrap_or_default(),
        headers,
        body: asked.body.as_ref().map(case::Value::to_bytes).unwrap_or_default(),
        trailers: asked.trailers.pairs(),
    }
}

fn answer(upstream: &case::Answer) -> Answer {
    Answer {
        status: upstream.status,
        headers: upstream.headers.pairs(),
        body: upstream.body.as_ref().map(case::Body::to_bytes).unwrap_or_default(),
        trailers: upstream.trailers.pairs(),
        delay: Duration::from_millis(upstream.delay_ms),
    }
}

fn upstream_seen(seen: Seen) -> UpstreamSeen {
    let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, _) in &seen.headers {
        if !headers.iter().any(|(known, _)| known == name) {
            headers.extend(seen.header_bytes(name).into_iter().map(|value| (name.clone(), value)));
        }
    }
    let trailers = seen.trailers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
    UpstreamSeen { name: Some(seen.name), host: seen.authority, path: seen.path, headers, trailers }
}

fn response_seen(response: &Response) -> ResponseSeen {
    ResponseSeen {
        status: response.status,
        headers: response.headers.clone(),
        body: response.body.clone(),
        trailers: response.trailers.clone(),
    }
}
