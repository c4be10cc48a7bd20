//! Plugins: a VM with a configuration.

use std::fmt;
use std::time::Duration;

use super::report::{LogLine, Trap};
use super::state::Root;
use super::vm::Vm;

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
    /// ```
    /// use weir_minihost::{ConfigureError, Module, Options};
    ///
    /// // A module that refuses every configuration, and says why.
    /// let module = Module::from_bytes(br#"(module
    ///   (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
    ///   (memory (export "memory") 1) (data (i32.const 0) "invalid path")
    ///   (func (export "proxy_on_configure") (param i32 i32) (result i32)
    ///     (drop (call $log (i32.const 4) (i32.const 0) (i32.const 12)))
    ///     (i32.const 0)))"#)?;
    /// match module.start(&Options::default())?.configure("{}") {
    ///     Err(ConfigureError::Refused(lines)) => assert_eq!(lines[0].to_string(), "[error] invalid path"),
    ///     _ => unreachable!("it refuses everything"),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
}

/// One plugin: a root context with its configuration.
///
/// ```
/// use weir_minihost::{Module, Options, Plugin};
///
/// let module = Module::from_bytes(b"(module (memory (export \"memory\") 1))")?;
/// let vm = module.start(&Options::default())?;
/// // Two filters of one proxy share a VM.
/// let (routes, faults): (Plugin, Plugin) = (vm.configure_as("routes", "{}")?, vm.configure_as("faults", "{}")?);
/// assert_eq!((routes.tick_period(), faults.vm().open_streams()), (None, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
