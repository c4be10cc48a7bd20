//! Modules, VMs and plugins: loading, configuring, time.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use wasmi::{CompilationMode, Config, Engine, ExternType, Instance, Linker, Store, Val};

use super::abi;
use super::guest::Guest;
use super::metrics::{Metric, Metrics};
use super::report::{CallStats, LogLevel, LogLine, Trap};
use super::state::{Callout, ForeignFunction, HostState, Response, Root};

/// More fuel than any callback may burn: a module that runs away is stopped here.
const FUEL_PER_CALL: u64 = 500_000_000;

/// The clock of a new VM: 2026-01-02 03:04:05 UTC, in nanoseconds since the epoch.
const START_OF_TIME: u64 = 1_767_323_045_000_000_000;

/// A compiled module. Compile once, start many VMs from it.
#[derive(Clone)]
pub struct Module {
    module: wasmi::Module,
    linker: Linker<HostState>,
}

/// Why a module cannot be loaded; Envoy would refuse it as well.
#[derive(Debug)]
pub struct LoadError(String);

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LoadError {}

/// What surrounds a VM.
#[derive(Clone, Debug)]
pub struct Options {
    /// Environment variables of the VM (`vm_config.environment_variables`).
    pub env: BTreeMap<String, String>,
    /// The proxy's log level for Wasm: what `proxy_get_log_level` says, and what is kept.
    pub log_level: LogLevel,
    /// Clusters that callouts may name.
    pub clusters: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { env: BTreeMap::new(), log_level: LogLevel::Info, clusters: Vec::new() }
    }
}

impl Module {
    /// Compiles a module from a file.
    ///
    /// # Errors
    /// The file cannot be read, is no module, or imports what Envoy does not offer.
    pub fn from_file(path: &Path) -> Result<Self, LoadError> {
        let bytes = std::fs::read(path).map_err(|error| {
            LoadError(format!("cannot read {}: {error}; `make wasm` builds the modules", path.display()))
        })?;
        Self::from_bytes(&bytes).map_err(|error| LoadError(format!("{}: {error}", path.display())))
    }

    /// Compiles a module from its binary or text (WAT) form. Errors are those of [`Module::from_file`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LoadError> {
        let mut config = Config::default();
        // Eager, or the first call of each function would be charged for its compilation.
        config.consume_fuel(true).compilation_mode(CompilationMode::Eager);
        let engine = Engine::new(&config);
        let module = wasmi::Module::new(&engine, bytes).map_err(|error| LoadError(error.to_string()))?;
        let linker = link(&engine, &module)?;
        Ok(Self { module, linker })
    }

    /// Starts a VM: instantiates the module and runs its `_initialize`.
    ///
    /// # Errors
    /// The module traps while it starts.
    pub fn start(&self, options: &Options) -> Result<Vm, Trap> {
        let mut store = Store::new(self.linker.engine(), host_state(options));
        let trap = |error: wasmi::Error| Trap {
            callback: "instantiation".into(),
            reason: error.to_string(),
            messages: Vec::new(),
        };
        store.set_fuel(FUEL_PER_CALL).map_err(trap)?;
        let instance = self.linker.instantiate_and_start(&mut store, &self.module).map_err(trap)?;
        let running = Running {
            store,
            instance,
            dead: false,
            calls: Vec::new(),
            answer: None,
            deadlines: VecDeque::new(),
        };
        let vm = Vm(Rc::new(RefCell::new(running)));
        let entry = if vm.exports("_initialize") { "_initialize" } else { "_start" };
        vm.call(entry, 0, &[])?;
        Ok(vm)
    }
}

fn link(engine: &Engine, module: &wasmi::Module) -> Result<Linker<HostState>, LoadError> {
    let mut linker = Linker::new(engine);
    let mut seen = std::collections::BTreeSet::new();
    for declared in module.imports() {
        let (from, name) = (declared.module(), declared.name());
        let refuse = |why: &str| LoadError(format!("import {from}.{name}: {why}"));
        let ExternType::Func(kind) = declared.ty() else {
            return Err(refuse("only functions can be imported"));
        };
        let import = abi::find(from, name).ok_or_else(|| refuse("Envoy offers no such function"))?;
        if !import.accepts(kind) {
            return Err(refuse("Envoy's function has another signature"));
        }
        if seen.insert((from.to_owned(), name.to_owned())) {
            linker
                .func_new(from, name, kind.clone(), move |caller, args, results| {
                    import.call(&mut Guest::new(caller), args, results)
                })
                .map_err(|error| refuse(&error.to_string()))?;
        }
    }
    Ok(linker)
}

fn host_state(options: &Options) -> HostState {
    HostState {
        roots: BTreeMap::new(),
        streams: BTreeMap::new(),
        current: 0,
        effective: None,
        next_context: 1,
        env: options.env.clone().into_iter().collect(),
        clock: START_OF_TIME,
        random: 0,
        log: Vec::new(),
        log_level: options.log_level,
        metrics: Metrics::default(),
        shared_data: BTreeMap::new(),
        foreign: None,
        callouts: VecDeque::new(),
        clusters: options.clusters.clone(),
        next_token: 3,
        call: CallStats::default(),
        stop_iteration: false,
    }
}

/// Answers a callout; `None` is a connection that broke.
pub type Answer = Box<dyn FnMut(&Callout) -> Option<Response>>;

struct Running {
    store: Store<HostState>,
    instance: Instance,
    dead: bool,
    calls: Vec<CallStats>,
    answer: Option<Answer>,
    /// Token and time of timeout of the callouts that nobody has answered yet.
    deadlines: VecDeque<(u32, u64)>,
}

/// A running VM. Clones are handles to the same VM. One VM can hold several plugins.
#[derive(Clone)]
pub struct Vm(Rc<RefCell<Running>>);

/// Why a plugin did not start.
#[derive(Debug)]
pub enum ConfigureError {
    /// The module refused the configuration; these are the lines that it logged meanwhile.
    Refused(Vec<LogLine>),
    /// The module trapped.
    Trap(Trap),
}

impl From<Trap> for ConfigureError {
    fn from(trap: Trap) -> Self {
        Self::Trap(trap)
    }
}

impl fmt::Display for ConfigureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trap(trap) => trap.fmt(f),
            Self::Refused(log) => {
                f.write_str("the module refused its configuration")?;
                log.iter().try_for_each(|line| write!(f, "\n  {line}"))
            }
        }
    }
}

impl std::error::Error for ConfigureError {}

impl Vm {
    /// Starts a plugin (a root context) with this configuration, given to the module as it is.
    ///
    /// # Errors
    /// The module refuses the configuration or traps.
    pub fn configure(&self, configuration: &str) -> Result<Plugin, ConfigureError> {
        self.configure_as("weir", configuration)
    }

    /// As [`Vm::configure`], with the plugin's name (property `plugin_name`).
    pub fn configure_as(&self, name: &str, configuration: &str) -> Result<Plugin, ConfigureError> {
        let first_line = self.log_len();
        let id = self.host(|host| {
            let id = host.new_context();
            let configuration = configuration.as_bytes().to_vec();
            host.roots.insert(id, Root { name: name.to_owned(), configuration, ..Root::default() });
            id
        });
        self.call("proxy_on_context_create", id, &[id, 0])?;
        let started = self.call("proxy_on_vm_start", id, &[id, 0])?;
        let refused = || ConfigureError::Refused(self.log_since(first_line));
        if started == Some(0) {
            return Err(refused());
        }
        self.host(|host| host.roots.entry(id).or_default().configuring = true);
        let configured = self.call("proxy_on_configure", id, &[id, configuration.len() as u32]);
        self.host(|host| host.roots.entry(id).or_default().configuring = false);
        if configured? == Some(0) { Err(refused()) } else { Ok(Plugin { vm: self.clone(), id }) }
    }

    /// Sets who answers foreign functions before the host's own few do.
    pub fn on_foreign_function(&self, function: ForeignFunction) {
        self.host(|host| host.foreign = Some(function));
    }

    /// Sets who answers callouts. Without it they end in their timeout, when the test moves the clock.
    pub fn on_callout(&self, answer: Answer) {
        self.0.borrow_mut().answer = Some(answer);
    }

    /// Moves the clock, running ticks and timeouts of callouts at their times.
    ///
    /// # Errors
    /// The module traps.
    pub fn advance(&self, time: Duration) -> Result<(), Trap> {
        let target = self.host(|host| host.clock) + time.as_nanos() as u64;
        while let Some(due) = self.next_event().filter(|due| *due <= target) {
            self.run_event(due)?;
        }
        self.host(|host| host.clock = target);
        Ok(())
    }

    /// Sets the clock without running what was due: a jump, as a clock correction makes it.
    pub fn set_clock(&self, nanos_since_epoch: u64) {
        self.host(|host| host.clock = nanos_since_epoch);
    }

    /// The clock, in nanoseconds since the epoch.
    pub fn clock(&self) -> u64 {
        self.host(|host| host.clock)
    }

    /// Hands all open callouts to the answerer, if one is set, until none is left.
    ///
    /// # Errors
    /// The module traps.
    pub fn answer_callouts(&self) -> Result<(), Trap> {
        loop {
            self.note_deadlines();
            let Some(mut answer) = self.0.borrow_mut().answer.take() else { return Ok(()) };
            let callout = self.host(|host| host.callouts.pop_front());
            let response = callout.as_ref().map(&mut answer);
            self.0.borrow_mut().answer.get_or_insert(answer);
            let (Some(callout), Some(response)) = (callout, response) else { return Ok(()) };
            self.deliver(&callout, response)?;
        }
    }

    /// When the next tick or timeout is due.
    pub(crate) fn next_event(&self) -> Option<u64> {
        self.note_deadlines();
        let timeout = self.0.borrow().deadlines.iter().map(|(_, due)| *due).min();
        let tick = self.host(|host| host.roots.values().filter_map(|root| Some(root.tick?.due)).min());
        timeout.into_iter().chain(tick).min()
    }

    pub(crate) fn run_event(&self, due: u64) -> Result<(), Trap> {
        self.host(|host| host.clock = host.clock.max(due));
        let timed_out = self.0.borrow().deadlines.iter().find(|(_, at)| *at <= due).map(|(token, _)| *token);
        if let Some(token) = timed_out {
            return self.time_out(token);
        }
        let ticking = self.host(|host| {
            let (id, root) = host.roots.iter_mut().find(|(_, r)| r.tick.is_some_and(|t| t.due <= due))?;
            let tick = root.tick.as_mut()?;
            tick.due += tick.period;
            Some(*id)
        });
        if let Some(id) = ticking {
            self.call("proxy_on_tick", id, &[id])?;
        }
        Ok(())
    }

    /// Gives callouts that are new since the last look their time of timeout.
    fn note_deadlines(&self) {
        let (clock, open) = self.host(|host| {
            (host.clock, host.callouts.iter().map(|c| (c.token, c.timeout)).collect::<Vec<_>>())
        });
        let deadlines = &mut self.0.borrow_mut().deadlines;
        deadlines.retain(|(token, _)| open.iter().any(|(other, _)| other == token));
        for (token, timeout) in open {
            let known = deadlines.iter().any(|(other, _)| *other == token);
            // A timeout of 0 means none.
            if !known && !timeout.is_zero() {
                deadlines.push_back((token, clock + timeout.as_nanos() as u64));
            }
        }
    }

    fn time_out(&self, token: u32) -> Result<(), Trap> {
        let callout = self.host(|host| {
            let at = host.callouts.iter().position(|callout| callout.token == token)?;
            host.callouts.remove(at)
        });
        let Some(callout) = callout else { return Ok(()) };
        let mut response = Response::status(504);
        response.body = b"upstream request timeout".to_vec();
        self.deliver(&callout, Some(response))
    }

    fn deliver(&self, callout: &Callout, response: Option<Response>) -> Result<(), Trap> {
        let sizes = response.as_ref().map_or((0, 0), |r| (r.headers.len() as u32, r.body.len() as u32));
        self.host(|host| host.roots.entry(callout.root).or_default().callout_response = response);
        let arguments = [callout.root, callout.token, sizes.0, sizes.1, 0];
        let result = self.call("proxy_on_http_call_response", callout.root, &arguments);
        self.host(|host| host.roots.entry(callout.root).or_default().callout_response = None);
        result.map(|_| ())
    }

    /// The metric called `name`, if the module defined it.
    pub fn metric(&self, name: &str) -> Option<Metric> {
        self.host(|host| host.metrics.get(name).cloned())
    }

    /// All metrics by name.
    pub fn metrics(&self) -> BTreeMap<String, Metric> {
        self.host(|host| {
            host.metrics.iter().map(|(name, metric)| (name.to_owned(), metric.clone())).collect()
        })
    }

    /// All lines that the module logged so far, at the VM's log level or above.
    pub fn log(&self) -> Vec<LogLine> {
        self.log_since(0)
    }

    pub(crate) fn log_len(&self) -> usize {
        self.host(|host| host.log.len())
    }

    pub(crate) fn log_since(&self, line: usize) -> Vec<LogLine> {
        self.host(|host| host.log.get(line..).unwrap_or_default().to_vec())
    }

    /// The callbacks since the last call of this function, with their cost.
    pub fn take_calls(&self) -> Vec<CallStats> {
        std::mem::take(&mut self.0.borrow_mut().calls)
    }

    /// Size of the module's memory in pages of 64 KiB. It never shrinks.
    pub fn memory_pages(&self) -> u64 {
        let running = &*self.0.borrow();
        let memory = running.instance.get_memory(&running.store, "memory");
        memory.map_or(0, |memory| memory.size(&running.store))
    }

    /// How many stream contexts are open.
    pub fn open_streams(&self) -> usize {
        self.host(|host| host.streams.len())
    }

    /// Whether the module exports a function of this name.
    pub fn exports(&self, function: &str) -> bool {
        let running = &*self.0.borrow();
        running.instance.get_func(&running.store, function).is_some()
    }

    pub(crate) fn host<R>(&self, act: impl FnOnce(&mut HostState) -> R) -> R {
        act(self.0.borrow_mut().store.data_mut())
    }

    /// Calls an exported function for a context. `None` when the module does not export it; 0 when it
    /// returns nothing.
    ///
    /// # Errors
    /// The module traps, or has trapped before.
    pub(crate) fn call(&self, callback: &str, context: u32, args: &[u32]) -> Result<Option<i32>, Trap> {
        self.0.borrow_mut().call(callback, context, args)
    }
}

impl HostState {
    pub(crate) fn new_context(&mut self) -> u32 {
        let id = self.next_context;
        self.next_context += 1;
        id
    }
}

impl Running {
    fn call(&mut self, callback: &str, context: u32, args: &[u32]) -> Result<Option<i32>, Trap> {
        if self.dead {
            let reason = "the VM is dead since an earlier trap".to_owned();
            return Err(Trap { callback: callback.to_owned(), reason, messages: Vec::new() });
        }
        let Some(function) = self.instance.get_func(&self.store, callback) else { return Ok(None) };
        let host = self.store.data_mut();
        host.current = context;
        host.effective = None;
        host.stop_iteration = false;
        host.call = CallStats { callback: callback.to_owned(), ..CallStats::default() };
        let first_line = host.log.len();
        let args: Vec<Val> = args.iter().map(|arg| Val::I32(*arg as i32)).collect();
        let mut results = vec![Val::I32(0); function.ty(&self.store).results().len()];
        let outcome = self
            .store
            .set_fuel(FUEL_PER_CALL)
            .and_then(|()| function.call(&mut self.store, &args, &mut results));
        let fuel = FUEL_PER_CALL - self.store.get_fuel().unwrap_or(0);
        let host = self.store.data_mut();
        host.call.fuel = fuel;
        self.calls.push(std::mem::take(&mut host.call));
        if let Err(error) = outcome {
            self.dead = true;
            return Err(trap(callback, &error, &host.log[first_line..]));
        }
        Ok(Some(results.first().and_then(Val::i32).unwrap_or(0)))
    }
}

fn trap(callback: &str, error: &wasmi::Error, log: &[LogLine]) -> Trap {
    let grave = log.iter().filter(|line| line.level >= LogLevel::Error);
    let messages = grave.map(|line| line.message.clone()).collect();
    Trap { callback: callback.to_owned(), reason: error.to_string(), messages }
}

/// One plugin: a root context with its configuration.
#[derive(Clone)]
pub struct Plugin {
    pub(crate) vm: Vm,
    pub(crate) id: u32,
}

impl Plugin {
    /// The VM in which the plugin runs.
    pub fn vm(&self) -> &Vm {
        &self.vm
    }

    /// The period that the plugin asked to be ticked with, if any.
    pub fn tick_period(&self) -> Option<Duration> {
        let tick = self.vm.host(|host| host.roots.get(&self.id).and_then(|root| root.tick));
        tick.map(|tick| Duration::from_nanos(tick.period))
    }
}
