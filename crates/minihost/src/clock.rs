//! The clock of a VM: only the test moves it, and what is due then happens.

use std::time::Duration;

use super::report::Trap;
use super::vm::Vm;

impl Vm {
    /// Moves the clock, running ticks, answers and timeouts of callouts at their times.
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

    /// Sets the time of day, as a correction of the machine's clock does. Timers do not notice: Envoy's
    /// run by another clock.
    ///
    /// ```
    /// use std::time::Duration;
    /// use weir_minihost::{Module, Options};
    ///
    /// let module = Module::from_bytes(b"(module (memory (export \"memory\") 1))")?;
    /// let vm = module.start(&Options::default())?;
    /// vm.set_clock(1_800_000_000_000_000_000);
    /// vm.advance(Duration::from_millis(5))?;
    /// assert_eq!(vm.clock(), 1_800_000_000_005_000_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_clock(&self, nanos_since_epoch: u64) {
        self.host(|host| host.skew = nanos_since_epoch.wrapping_sub(host.clock));
    }

    /// The time of day, in nanoseconds since the epoch.
    pub fn clock(&self) -> u64 {
        self.host(|host| host.time_of_day())
    }

    /// The clock by which timers run, in nanoseconds: it is never set.
    pub(crate) fn timer_clock(&self) -> u64 {
        self.host(|host| host.clock)
    }

    /// When the next tick, answer or timeout is due, by the timers' clock.
    pub(crate) fn next_event(&self) -> Option<u64> {
        let callout = self.next_callout();
        let tick = self.host(|host| host.roots.values().filter_map(|root| Some(root.tick?.due)).min());
        callout.into_iter().chain(tick).min()
    }

    /// Runs one of the events that are due at `due`: callouts first, then ticks.
    pub(crate) fn run_event(&self, due: u64) -> Result<(), Trap> {
        self.host(|host| host.clock = host.clock.max(due));
        if self.run_callout(due)? {
            return Ok(());
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
}
