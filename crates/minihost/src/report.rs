//! What the mini host reports: calls and their cost, log lines, traps.

use std::collections::BTreeMap;
use std::fmt;

/// A log line of the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How grave it is.
    pub level: LogLevel,
    /// The text. Bytes that are no UTF-8 are replaced.
    pub message: String,
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.level.name(), self.message)
    }
}

/// Log levels with the numbers of the ABI and the names that Envoy prints.
///
/// ```
/// use weir_minihost::{LogLevel, LogLine};
///
/// assert_eq!(LogLevel::from_abi(4), Some(LogLevel::Error));
/// let line = LogLine { level: LogLevel::Warning, message: "the key set is old".to_owned() };
/// assert_eq!(line.to_string(), "[warning] the key set is old");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warning,
    Error,
    Critical,
}

impl LogLevel {
    const ALL: [Self; 6] = [Self::Trace, Self::Debug, Self::Info, Self::Warning, Self::Error, Self::Critical];

    /// The level with this number in the ABI.
    pub fn from_abi(number: u32) -> Option<Self> {
        Self::ALL.get(number as usize).copied()
    }

    /// The name as Envoy's log prints it.
    pub fn name(self) -> &'static str {
        ["trace", "debug", "info", "warning", "error", "critical"][self as usize]
    }
}

/// What one callback into the module did and cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallStats {
    /// The exported function, e.g. `proxy_on_request_headers`.
    pub callback: String,
    /// Fuel that the interpreter burnt, nested allocator calls included. About one per instruction.
    pub fuel: u64,
    /// How often each imported function was called.
    pub hostcalls: BTreeMap<String, u64>,
    /// Bytes that the host wrote into the module's memory.
    pub bytes_in: u64,
    /// Bytes that the host read from the module's memory.
    pub bytes_out: u64,
}

/// The sum of several callbacks, e.g. of all that served one request.
///
/// ```
/// use weir_minihost::{CallStats, Cost};
///
/// let call = |callback: &str, fuel| CallStats { callback: callback.to_owned(), fuel, ..CallStats::default() };
/// let calls = [call("proxy_on_request_headers", 900), call("proxy_on_log", 100)];
/// let cost: Cost = calls.iter().collect();
/// assert_eq!((cost.fuel, cost.callbacks["proxy_on_log"]), (1_000, 1));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Fuel of all callbacks.
    pub fuel: u64,
    /// Number of calls of each imported function.
    pub hostcalls: BTreeMap<String, u64>,
    /// Number of calls of each exported callback.
    pub callbacks: BTreeMap<String, u64>,
    /// Bytes written into the module's memory.
    pub bytes_in: u64,
    /// Bytes read from the module's memory.
    pub bytes_out: u64,
}

impl<'a> FromIterator<&'a CallStats> for Cost {
    fn from_iter<I: IntoIterator<Item = &'a CallStats>>(calls: I) -> Self {
        let mut cost = Self::default();
        for call in calls {
            cost.fuel += call.fuel;
            cost.bytes_in += call.bytes_in;
            cost.bytes_out += call.bytes_out;
            *cost.callbacks.entry(call.callback.clone()).or_default() += 1;
            for (name, count) in &call.hostcalls {
                *cost.hostcalls.entry(name.clone()).or_default() += count;
            }
        }
        cost
    }
}

/// The module trapped (a Rust panic ends in one) or broke the ABI. The VM is dead from then on, as it
/// would be in Envoy.
#[derive(Clone, Debug)]
pub struct Trap {
    /// The callback in which it happened.
    pub callback: String,
    /// The interpreter's reason.
    pub reason: String,
    /// What the module logged at error level or above in this callback: the panic message.
    pub messages: Vec<String>,
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "trap in {}: {}", self.callback, self.reason)?;
        for message in &self.messages {
            write!(f, "\n  the module said: {message}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Trap {}
