//! VMs: calls into the module, and what there is to see from outside.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use wasmi::{Instance, Store, Val};

use super::callouts::Pending;
use super::metrics::Metric;
use super::report::{CallStats, LogLevel, LogLine, Trap};
use super::state::{ForeignFunction, HostState};

/// More fuel than any callback may burn: a module that runs away is stopped here.
pub(super) const FUEL_PER_CALL: u64 = 500_000_000;

/// A running VM. Clones are handles to the same VM. One VM can hold several plugins.
///
/// ```
/// use std::time::Duration;
/// use weir_minihost::{Metric, MetricKind, Module, Options, Request, Response};
///
/// // A module that counts requests, and asks to be called each 10 ms.
/// let module = Module::from_bytes(br#"(module
///   (import "env" "proxy_define_metric" (func $define (param i32 i32 i32 i32) (result i32)))
///   (import "env" "proxy_increment_metric" (func $increment (param i32 i64) (result i32)))
///   (import "env" "proxy_set_tick_period_milliseconds" (func $period (param i32) (result i32)))
///   (memory (export "memory") 1) (data (i32.const 0) "served_total")
///   (func (export "proxy_on_configure") (param i32 i32) (result i32)
///     (drop (call $define (i32.const 0) (i32.const 0) (i32.const 12) (i32.const 16)))
///     (drop (call $period (i32.const 10)))
///     (i32.const 1))
///   (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
///     (call $increment (i32.load (i32.const 16)) (i64.const 1)))
///   (func (export "proxy_on_tick") (param i32)))"#)?;
/// let vm = module.start(&Options::default())?;
/// let plugin = vm.configure("{}")?;
/// assert_eq!(plugin.tick_period(), Some(Duration::from_millis(10)));
/// for _ in 0..3 {
///     plugin.exchange(Request::get("/"), Response::status(200))?;
/// }
/// let served = Metric { kind: MetricKind::Counter, value: 3, samples: vec![] };
/// assert_eq!(vm.metric("served_total"), Some(served));
///
/// // The clock stands still until the test moves it.
/// vm.take_calls();
/// vm.advance(Duration::from_millis(35))?;
/// let ticks = vm.take_calls();
/// assert!(ticks.len() == 3 && ticks.iter().all(|call| call.callback == "proxy_on_tick"));
/// assert_eq!((vm.memory_pages(), vm.open_streams(), vm.log().len()), (1, 0, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Vm(Rc<RefCell<Running>>);

struct Running {
    store: Store<HostState>,
    instance: Instance,
    dead: bool,
    calls: Vec<CallStats>,
    pending: Pending,
}

impl Vm {
    pub(super) fn new(store: Store<HostState>, instance: Instance) -> Self {
        let pending = Pending::default();
        Self(Rc::new(RefCell::new(Running { store, instance, dead: false, calls: Vec::new(), pending })))
    }

    /// Sets who answers foreign functions before the host's own few do.
    ///
    /// ```
    /// use weir_minihost::{Module, Options, Status};
    ///
    /// let module = Module::from_bytes(b"(module (memory (export \"memory\") 1))")?;
    /// let vm = module.start(&Options::default())?;
    /// vm.on_foreign_function(Box::new(|name, argument| match name {
    ///     "compress" => Some(Ok(argument.iter().copied().take(1).collect())),
    ///     "expr_create" => Some(Err(Status::BadArgument)), // as Envoy answers to what is not CEL
    ///     _ => None, // the host's own, or "not found"
    /// }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_foreign_function(&self, function: ForeignFunction) {
        self.host(|host| host.foreign = Some(function));
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

    pub(super) fn pending<R>(&self, act: impl FnOnce(&mut Pending) -> R) -> R {
        act(&mut self.0.borrow_mut().pending)
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

impl Running {
    fn call(&mut self, callback: &str, context: u32, args: &[u32]) -> Result<Option<i32>, Trap> {
        if self.dead {
            let reason = "the VM is dead since an earlier trap".to_owned();
            return Err(Trap { callback: callback.to_owned(), reason, messages: Vec::new() });
        }
        // Before anything else: what an earlier callback asked for is over, also if there is no callback now.
        self.store.data_mut().stop_iteration = false;
        let Some(function) = self.instance.get_func(&self.store, callback) else { return Ok(None) };
        let host = self.store.data_mut();
        host.current = context;
        host.effective = None;
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
