//! Modules: loading, linking, starting VMs.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::path::Path;

use wasmi::{CompilationMode, Config, Engine, ExternType, Linker, Store};

use super::abi;
use super::guest::Guest;
use super::metrics::Metrics;
use super::report::{CallStats, LogLevel, Trap};
use super::state::HostState;
use super::vm::{FUEL_PER_CALL, Vm};

/// The clock of a new VM: 2026-01-02 03:04:05 UTC, in nanoseconds since the epoch.
const START_OF_TIME: u64 = 1_767_323_045_000_000_000;

/// A compiled module. Compile once, start many VMs from it.
///
/// ```
/// use weir_minihost::{LoadError, LogLevel, Module, Options};
///
/// let module = Module::from_bytes(b"(module (memory (export \"memory\") 1))")?;
/// let options = Options {
///     env: [("STAGE".to_owned(), "canary".to_owned())].into(),
///     log_level: LogLevel::Warning,
///     clusters: vec!["jwks".to_owned()],
///     verify_signature: false,
/// };
/// let vm = module.start(&options)?;
/// assert!(!vm.exports("proxy_on_request_headers"));
///
/// // What Envoy does not offer cannot be imported.
/// let error: Option<LoadError> = Module::from_bytes(b"(module (import \"env\" \"proxy_teleport\" (func)))").err();
/// assert!(error.is_some_and(|error| error.to_string().contains("env.proxy_teleport")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    /// Whether there is a foreign function `verify_signature`.
    pub verify_signature: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { env: BTreeMap::new(), log_level: LogLevel::Info, clusters: Vec::new(), verify_signature: true }
    }
}

impl Module {
    /// Compiles a module from a file.
    ///
    /// # Errors
    /// The file cannot be read, is no module, or imports what Envoy does not offer.
    pub fn from_file(path: &Path) -> Result<Self, LoadError> {
        let bytes = std::fs::read(path)
            .map_err(|error| LoadError(format!("cannot read {}: {error}", path.display())))?;
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
        let vm = Vm::new(store, instance);
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
        skew: 0,
        random: 0,
        log: Vec::new(),
        log_level: options.log_level,
        metrics: Metrics::default(),
        shared_data: BTreeMap::new(),
        foreign: None,
        verify_signature: options.verify_signature,
        callouts: VecDeque::new(),
        clusters: options.clusters.clone(),
        next_token: 3,
        call: CallStats::default(),
        stop_iteration: false,
    }
}
