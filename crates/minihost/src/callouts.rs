//! HTTP callouts of a VM: who answers them, when, and what happens if nobody does.

use std::collections::BTreeMap;
use std::time::Duration;

use super::report::Trap;
use super::state::{Callout, Response};
use super::vm::Vm;

/// The answer to a callout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// What comes; `None` is a connection that broke inside the answer.
    pub response: Option<Response>,
    /// How long it takes. The callout's own timeout may come first.
    pub after: Duration,
}

impl Answer {
    /// This response, at once.
    pub fn now(response: Response) -> Self {
        Self { response: Some(response), after: Duration::ZERO }
    }

    /// What a module sees of a cluster that is down, or closes the connection before it answers: Envoy's own
    /// 503.
    pub fn unreachable() -> Self {
        let mut response = Response::status(503);
        response.body = b"upstream connect error or disconnect/reset before headers".to_vec();
        Self::now(response)
    }

    /// A connection that broke inside the answer: the module sees neither headers nor body.
    pub fn broken() -> Self {
        Self::default()
    }

    /// The same answer, so much later.
    pub fn after(mut self, time: Duration) -> Self {
        self.after = time;
        self
    }
}

/// Answers callouts.
pub type Answerer = Box<dyn FnMut(&Callout) -> Answer>;

/// What is under way, by the module's token.
#[derive(Default)]
pub(super) struct Pending {
    answerer: Option<Answerer>,
    open: BTreeMap<u32, Open>,
}

struct Open {
    callout: Callout,
    /// When something happens, by the timers' clock. `None`: nothing ever does.
    due: Option<u64>,
    response: Option<Response>,
}

impl Vm {
    /// Sets who answers callouts from now on. Without it they end in their timeout, when the test moves the
    /// clock.
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

impl Open {
    fn new(callout: Callout, answer: Option<Answer>, clock: u64) -> Self {
        // A timeout of 0 means none.
        let timeout = Some(callout.timeout).filter(|timeout| !timeout.is_zero());
        let at = |time: Duration| clock + time.as_nanos() as u64;
        match answer {
            Some(answer) if timeout.is_none_or(|timeout| answer.after < timeout) => {
                Self { callout, due: Some(at(answer.after)), response: answer.response }
            }
            _ => Self { callout, due: timeout.map(at), response: Some(timed_out()) },
        }
    }
}

fn timed_out() -> Response {
    let mut response = Response::status(504);
    response.body = b"upstream request timeout".to_vec();
    response
}
