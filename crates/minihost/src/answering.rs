//! How a VM's callouts are answered.

use super::callouts::{Answer, Open};
use super::report::Trap;
use super::state::{Callout, Response};
use super::vm::Vm;

impl Vm {
    /// Sets who answers callouts from now on. Without it they end in their timeout, when the test moves the
    /// clock.
    ///
    /// ```
    /// use weir_minihost::{Answer, Callout, Module, Options, Response};
    ///
    /// let module = Module::from_bytes(b"(module (memory (export \"memory\") 1))")?;
    /// let vm = module.start(&Options { clusters: vec!["jwks".to_owned()], ..Options::default() })?;
    /// vm.on_callout(|callout: &Callout| match callout.headers.first(b":path") {
    ///     Some(b"/keys") => Answer::now(Response::status(200).body(r#"{"keys": []}"#)),
    ///     _ => Answer::unreachable(),
    /// });
    /// assert_eq!(vm.open_callouts(), 0, "the module makes them");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_callout(&self, answerer: impl FnMut(&Callout) -> Answer + 'static) {
        self.pending(|pending| pending.answerer = Some(Box::new(answerer)));
    }

    /// Runs what is due at this very moment: answers that take no time, until none is left.
    ///
    /// # Errors
    /// The module traps.
    pub fn answer_callouts(&self) -> Result<(), Trap> {
        let now = self.timer_clock();
        while self.next_callout().is_some_and(|due| due <= now) {
            self.run_callout(now)?;
        }
        Ok(())
    }

    /// How many callouts are under way.
    pub fn open_callouts(&self) -> usize {
        self.accept_callouts();
        self.pending(|pending| pending.open.len())
    }

    /// When the next answer or timeout is due.
    pub(super) fn next_callout(&self) -> Option<u64> {
        self.accept_callouts();
        self.pending(|pending| pending.open.values().filter_map(|open| open.due).min())
    }

    /// Delivers the first answer or timeout that is due at `now`, if there is one.
    pub(super) fn run_callout(&self, now: u64) -> Result<bool, Trap> {
        self.accept_callouts();
        let due = self.pending(|pending| {
            let is_due = |open: &&Open| open.due.is_some_and(|due| due <= now);
            let first = pending.open.values().filter(is_due).min_by_key(|open| open.due)?;
            let token = first.callout.token;
            pending.open.remove(&token)
        });
        let Some(open) = due else { return Ok(false) };
        self.deliver(&open.callout, open.response)?;
        Ok(true)
    }

    /// Asks the answerer about callouts that are new since the last look.
    fn accept_callouts(&self) {
        let (clock, new) = self.host(|host| (host.clock, std::mem::take(&mut host.callouts)));
        for callout in new {
            // The answerer may look at the VM, so nothing is borrowed while it runs.
            let mut answerer = self.pending(|pending| pending.answerer.take());
            let answer = answerer.as_mut().map(|answerer| answerer(&callout));
            self.pending(|pending| {
                if let Some(answerer) = answerer {
                    pending.answerer.get_or_insert(answerer);
                }
                pending.open.insert(callout.token, Open::new(callout, answer, clock));
            });
        }
    }

    fn deliver(&self, callout: &Callout, response: Option<Response>) -> Result<(), Trap> {
        let sizes = response.as_ref().map_or((0, 0), |r| (r.headers.len() as u32, r.body.len() as u32));
        self.host(|host| host.roots.entry(callout.root).or_default().callout_response = response);
        let arguments = [callout.root, callout.token, sizes.0, sizes.1, 0];
        let result = self.call("proxy_on_http_call_response", callout.root, &arguments);
        self.host(|host| host.roots.entry(callout.root).or_default().callout_response = None);
        result.map(|_| ())
    }
}
