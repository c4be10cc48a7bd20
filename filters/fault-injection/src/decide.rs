//! The decision: one request's attributes in, effects out.

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed. What most
// requests never come to is `#[cold]`, so that it lies apart.

mod inject;
#[cfg(test)]
mod many;

use crate::control::Commands;
use crate::kind::Kind;
use crate::plan::{FaultAction, Gate, Plan, Rule, Sticky};
use inject::Injected;
use weir_allocation::{Bucket, Fraction, Salt};
use weir_core::RequestView;
use weir_core::{Disposition, Effects, HostServices, Predicate, Request, RuleIndex, Truth, Value};

/// The draws about one request and one rule, by kind.
#[derive(Clone, Copy, Default)]
pub(crate) struct Draws {
    buckets: [Option<Bucket>; 4],
    hit: bool,
}

impl Draws {
    #[inline]
    fn note(&mut self, kind: Kind, bucket: Bucket, hit: bool) {
        if let Some(slot) = self.buckets.get_mut(kind as usize) {
            *slot = Some(bucket);
        }
        self.hit |= hit;
    }

    pub(crate) fn of(&self, kind: Kind) -> Option<Bucket> {
        self.buckets.get(kind as usize).copied().flatten()
    }
}

impl Plan {
    /// Decides which faults a request suffers. A request that an earlier filter answers or holds has none.
    ///
    /// The draw comes first, then whether the request is meant: for chance it is the same, and what only the proxy
    /// knows (properties, the time) is asked about the few requests that were drawn.
    #[inline]
    pub fn decide<O: HostServices>(&self, request: &Request<'_, O>, effects: &mut Effects) {
        if !matches!(effects.disposition, Disposition::On) {
            return;
        }
        let mut injected = Injected::default();
        match self.index.as_deref() {
            None => {
                for (index, rule) in (0_u16..).zip(&self.rules) {
                    self.ask(index, rule, request, effects, &mut injected);
                }
            }
            Some(rules) => self.ask_some(rules, request, effects, &mut injected),
        }
        for _ in 0..injected.undecided {
            effects.counts.push(self.undecided);
        }
        if injected.any {
            self.inject(injected, request, effects);
        }
    }

    /// Asks the rules that can be for a request. The draws about others are of no use to anyone.
    #[cold]
    #[inline(never)]
    fn ask_some<O: HostServices>(
        &self,
        rules: &RuleIndex,
        request: &Request<'_, O>,
        effects: &mut Effects,
        injected: &mut Injected,
    ) {
        for position in rules.find(request).iter() {
            if let (Ok(index), Some(rule)) = (u16::try_from(position), self.rules.get(position)) {
                self.ask(index, rule, request, effects, injected);
            }
        }
    }

    /// Whether a rule hits a request.
    #[inline(always)]
    fn ask<O: HostServices>(
        &self,
        index: u16,
        rule: &Rule,
        request: &Request<'_, O>,
        effects: &mut Effects,
        injected: &mut Injected,
    ) {
        let commands = match &rule.control {
            Some(control) if control.is_asked(request) => control.read(request, self.undecided, effects),
            _ => Commands::NONE,
        };
        let draws = match &rule.sticky {
            Some(sticky) => sticky.draw(rule, request),
            None => self.draw(rule, request),
        };
        if (draws.hit || commands.any) && holds(&rule.when, request, &mut injected.undecided) {
            self.hit(index, rule, draws, &commands, request, injected);
        }
    }

    #[inline]
    fn draw<O: HostServices>(&self, rule: &Rule, request: &Request<'_, O>) -> Draws {
        let mut draws = Draws::default();
        let next = || self.next(request.services());
        let mut bucket = None;
        for part in &rule.parts {
            let drawn = match bucket {
                Some(bucket) if rule.one_draw => bucket,
                _ => next(),
            };
            bucket = Some(drawn);
            draws.note(part.action.kind(), drawn, part.hits(drawn));
        }
        draws
    }

    #[inline]
    fn next<O: HostServices>(&self, services: &O) -> Bucket {
        Bucket::from_hash(self.chance.next(|| services.random()))
    }

    /// A rule has hit a request, as far as is known without the proxy.
    #[cold]
    #[inline(never)]
    fn hit<O: HostServices>(
        &self,
        index: u16,
        rule: &Rule,
        draws: Draws,
        commands: &Commands,
        request: &Request<'_, O>,
        injected: &mut Injected,
    ) {
        let scale = match &rule.gate {
            Some(gate) => gate.open(&rule.name, request, &mut injected.undecided),
            None => Some(Fraction::ALL),
        };
        let Some(scale) = scale.filter(|_| holds(&rule.late, request, &mut injected.undecided)) else {
            return;
        };
        for part in &rule.parts {
            let kind = part.action.kind();
            let hit = draws.of(kind).is_some_and(|bucket| part.hits_now(bucket, scale));
            if hit && !commands.mentions(kind) {
                injected.add(index, rule, kind);
            }
        }
        for (kind, most) in commands.requested() {
            let bucket = self.bucket(rule, kind, &draws, request);
            if bucket.is_some_and(|bucket| bucket.index() < scale.of(most).millionths()) {
                injected.command(index, rule, kind, commands);
            }
        }
    }

    /// The draw about a kind that the rule itself may not have; `None` for a request without unit.
    fn bucket<O: HostServices>(
        &self,
        rule: &Rule,
        kind: Kind,
        draws: &Draws,
        request: &Request<'_, O>,
    ) -> Option<Bucket> {
        let drawn =
            if rule.one_draw { draws.buckets.iter().flatten().next().copied() } else { draws.of(kind) };
        match (drawn, &rule.sticky) {
            (Some(bucket), _) => Some(bucket),
            (None, Some(sticky)) => Some(sticky.salt(kind)?.bucket(sticky.unit(request)?)),
            (None, None) => Some(self.next(request.services())),
        }
    }
}

impl Sticky {
    /// What identifies the request.
    #[inline]
    pub(crate) fn unit<'r, O: HostServices>(&self, request: &'r Request<'_, O>) -> Option<&'r [u8]> {
        request.first_text(&self.units)
    }

    #[inline]
    pub(crate) fn salt(&self, kind: Kind) -> Option<&Salt> {
        self.salts.get(kind as usize).or_else(|| self.salts.first())
    }

    #[inline]
    pub(crate) fn draw<O: HostServices>(&self, rule: &Rule, request: &Request<'_, O>) -> Draws {
        let mut draws = Draws::default();
        let Some(unit) = self.unit(request) else { return draws };
        for part in &rule.parts {
            let kind = part.action.kind();
            if let Some(salt) = self.salt(kind) {
                let bucket = salt.bucket(unit);
                draws.note(kind, bucket, part.hits(bucket));
            }
        }
        draws
    }
}

impl Gate {
    /// The part of the percentages that is in force; `None` when the rule is off. A switch that cannot be judged
    /// switches off: no fault is the safe side.
    pub(crate) fn open<O: HostServices>(
        &self,
        name: &str,
        request: &Request<'_, O>,
        undecided: &mut u16,
    ) -> Option<Fraction> {
        let mut scale = Fraction::ALL;
        if self.window.is_some() || self.ramp.is_some() {
            let now = request.now();
            if self.window.is_some_and(|(start, end)| !(start..end).contains(&now)) {
                return None;
            }
            scale = self.ramp.map_or(scale, |ramp| ramp.at(now));
        }
        let by_header = match &self.kill_header {
            Some((header, allow)) if request.sent(*header).is_some() => allow.judge(request),
            _ => Truth::False,
        };
        let by_route = match self.kill_route.map(|route| request.value(route)) {
            Some(Value::Unreadable) => Truth::Unknown,
            value => (value == Some(Value::Bool(true))).into(),
        };
        let killed = Truth::any([by_header, by_route]);
        if killed == Truth::Unknown {
            *undecided = undecided.saturating_add(1);
        }
        if killed.unknown_as(true) {
            return None;
        }
        if let Some(route) = self.route {
            let Value::List(list) = request.value(route) else { return None };
            let named = |item: &[u8]| item == b"*" || item == name.as_bytes();
            if !list.items().any(named) {
                return None;
            }
        }
        Some(scale)
    }
}

/// Whether a predicate holds; a request that cannot be judged suffers nothing. A call would cost more than the look
/// at a predicate that always holds.
#[inline]
fn holds<O: HostServices>(predicate: &Predicate, request: &Request<'_, O>, undecided: &mut u16) -> bool {
    if matches!(predicate, Predicate::Const(true)) {
        return true;
    }
    let truth = predicate.judge(request);
    if truth == Truth::Unknown {
        *undecided = undecided.saturating_add(1);
    }
    truth.unknown_as(false)
}

impl FaultAction {
    /// The delay in nanoseconds; `None` when this is none.
    fn nanoseconds(&self, bits: &mut dyn FnMut() -> u64) -> Option<u64> {
        let Self::Delay { time, max } = self else { return None };
        #[allow(clippy::cast_possible_truncation, reason = "out of range it is the nearest that is in it")]
        let drawn = time.draw(bits) as u64;
        Some(drawn.min(*max))
    }
}
