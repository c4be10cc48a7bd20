//! The faults of a request, and their conversion to effects.

use crate::control::Commands;
use crate::kind::Kind;
use crate::plan::{FaultAction, Plan, Rule, STATE};
use crate::response::Suffers;
use weir_core::{Delay, Disposition, Effects, HostServices, Reply, Request};

/// The faults of a request: the first of each kind, with the position of its rule.
#[derive(Default)]
pub(super) struct Injected {
    pub(super) any: bool,
    /// How many conditions could not be judged.
    pub(super) undecided: u16,
    delay: Option<(u16, Time)>,
    abort: Option<(u16, Box<Reply>)>,
    /// In bytes a second.
    rate: Option<(u16, u64)>,
    response: Option<u16>,
    /// Rules that had enough active delays, once for each kind that was not injected.
    full: Vec<u16>,
}

/// How long a delay is.
enum Time {
    /// To be drawn from the rule's distribution.
    Drawn,
    /// In nanoseconds, as a header said.
    HeaderValue(u64),
}

impl Injected {
    /// Whether a kind is still open, and the rule has room. A rule without is noted.
    fn takes(&mut self, index: u16, rule: &Rule, kind: Kind) -> bool {
        let open = match kind {
            Kind::Delay => self.delay.is_none(),
            Kind::Abort => self.abort.is_none(),
            Kind::Rate => self.rate.is_none(),
            Kind::Response => self.response.is_none(),
        };
        self.any |= open;
        if open && rule.active.is_full() {
            self.full.push(index);
            return false;
        }
        open
    }

    /// Adds what a rule does.
    pub(super) fn add(&mut self, index: u16, rule: &Rule, kind: Kind) {
        if !self.takes(index, rule, kind) {
            return;
        }
        match rule.action(kind) {
            Some(FaultAction::Delay { .. }) => self.delay = Some((index, Time::Drawn)),
            Some(FaultAction::Abort(reply)) => self.abort = Some((index, reply.clone())),
            Some(FaultAction::Rate(rate)) => self.rate = Some((index, *rate)),
            Some(FaultAction::Response(_)) => self.response = Some(index),
            None => {}
        }
    }

    /// Adds what headers ask for.
    pub(super) fn command(&mut self, index: u16, rule: &Rule, kind: Kind, commands: &Commands) {
        if !self.takes(index, rule, kind) {
            return;
        }
        match kind {
            Kind::Delay => self.delay = commands.delay.map(|time| (index, Time::HeaderValue(time))),
            Kind::Abort => {
                let name = &rule.name;
                self.abort = commands.abort.map(|abort| (index, Box::new(abort.reply(name))));
            }
            Kind::Rate => self.rate = commands.rate.map(|rate| (index, rate)),
            Kind::Response => {}
        }
    }
}

impl Plan {
    /// Carries out the decision.
    #[cold]
    #[inline(never)]
    pub(super) fn inject<O: HostServices>(
        &self,
        injected: Injected,
        request: &Request<'_, O>,
        effects: &mut Effects,
    ) {
        let Injected { mut delay, mut abort, mut rate, mut response, full, .. } = injected;
        let services = request.services();
        // The proxy redirected it, and it was hit already.
        let earlier = request.earlier_state(STATE);
        if earlier.is_some() {
            (delay, abort) = (None, None);
        }
        for rule in full.iter().filter_map(|index| self.rule(*index)) {
            effects.counts.push(rule.metrics.overflows);
        }
        let delay = delay.and_then(|(index, time)| {
            let drawn = || self.rule(index)?.action(Kind::Delay)?.nanoseconds(&mut || self.bits(services));
            Some((index, if let Time::HeaderValue(time) = time { time } else { drawn()? }))
        });
        if abort.is_some() {
            // What the proxy itself answers is as the rule says.
            (rate, response) = (None, None);
        }
        let mut reason = Reason { text: Vec::with_capacity(REASON), rule: None };
        if let Some((index, time)) = delay
            && let Some(rule) = self.rule(index)
        {
            effects.counts.push(rule.metrics.delays);
            reason.add(rule, "delay", |out| milliseconds(time, out));
        }
        if let Some((index, reply)) = &abort
            && let Some(rule) = self.rule(*index)
        {
            effects.counts.push(rule.metrics.aborts);
            reason.add(rule, "abort", |out| match reply.grpc_status {
                Some(status) => {
                    out.extend_from_slice(b"grpc-");
                    decimal(u64::from(status), out);
                }
                None => decimal(u64::from(reply.status), out),
            });
        }
        if rate.is_some() || response.is_some() {
            let suffers = Suffers { change: response, rate: rate.map(|(_, rate)| rate) };
            effects.response_mark = self.marks.mark(suffers);
        }
        if effects.response_mark.is_some() {
            let counted = earlier.is_none_or(|text| !tells_of_response(&text));
            let before = effects.counts.len();
            self.tell_response(rate, response, &mut reason, effects);
            if !counted {
                effects.counts.truncate(before);
            }
        }
        if !reason.text.is_empty() {
            let text = effects.make(|out| out.extend_from_slice(&reason.text));
            effects.states.push((self.state, text.into()));
        }
        self.set_way(delay, abort.map(|(_, reply)| reply), effects);
    }

    /// Counts response faults, and marks responses for them.
    fn tell_response<'p>(
        &'p self,
        rate: Option<(u16, u64)>,
        response: Option<u16>,
        reason: &mut Reason<'p>,
        effects: &mut Effects,
    ) {
        if let Some((index, rate)) = rate
            && let Some(rule) = self.rule(index)
        {
            effects.counts.push(rule.metrics.rate_limits);
            reason.add(rule, "rate", |out| {
                decimal(rate / 1024, out);
                out.extend_from_slice(b"KiB/s");
            });
        }
        if let Some(rule) = response.and_then(|index| self.rule(index)) {
            effects.counts.push(rule.metrics.responses);
            let status = match rule.action(Kind::Response) {
                Some(FaultAction::Response(fault)) => fault.status,
                _ => None,
            };
            reason.add(rule, "response", |out| match status {
                Some(status) => decimal(u64::from(status), out),
                None => out.extend_from_slice(b"changed"),
            });
        }
    }

    fn set_way(&self, delay: Option<(u16, u64)>, abort: Option<Box<Reply>>, effects: &mut Effects) {
        effects.disposition = match (delay, abort) {
            (Some((mark, nanoseconds @ 1..)), then) => {
                if let Some(rule) = self.rule(mark) {
                    rule.active.begin();
                }
                Disposition::Delay(Box::new(Delay { nanoseconds, mark, then }))
            }
            (_, Some(reply)) => Disposition::Reply(reply),
            _ => Disposition::On,
        };
    }

    fn rule(&self, index: u16) -> Option<&Rule> {
        self.rules.get(usize::from(index))
    }

    fn bits<O: HostServices>(&self, services: &O) -> u64 {
        self.chance.next(|| services.random())
    }
}

/// Whether a reason tells of a response, whose fault was lost with it.
fn tells_of_response(reason: &[u8]) -> bool {
    reason.split(|b| *b == b';').any(|part| part.starts_with(b"response=") || part.starts_with(b"rate="))
}

/// Room for most reasons, so that they are written without being moved, in bytes.
const REASON: usize = 96;

/// What happened, for access logs: `rule=a;delay=5000ms;abort=503`, and a `,` before the next rule.
struct Reason<'r> {
    text: Vec<u8>,
    rule: Option<&'r str>,
}

impl<'r> Reason<'r> {
    fn add(&mut self, rule: &'r Rule, what: &str, value: impl FnOnce(&mut Vec<u8>)) {
        if self.rule != Some(&rule.name) {
            let begin: &[u8] = if self.rule.is_some() { b",rule=" } else { b"rule=" };
            self.text.extend_from_slice(begin);
            self.text.extend_from_slice(rule.name.as_bytes());
            self.rule = Some(&rule.name);
        }
        self.text.push(b';');
        self.text.extend_from_slice(what.as_bytes());
        self.text.push(b'=');
        value(&mut self.text);
    }
}

/// Milliseconds, with three decimals where they are not whole.
fn milliseconds(nanoseconds: u64, out: &mut Vec<u8>) {
    let microseconds = nanoseconds / 1000;
    decimal(microseconds / 1000, out);
    let rest = microseconds % 1000;
    if rest > 0 {
        out.push(b'.');
        for digit in [rest / 100, rest / 10 % 10, rest % 10] {
            out.push(b'0' + (digit % 10) as u8);
        }
    }
    out.extend_from_slice(b"ms");
}

fn decimal(number: u64, out: &mut Vec<u8>) {
    if number > 9 {
        decimal(number / 10, out);
    }
    out.push(b'0' + (number % 10) as u8);
}
