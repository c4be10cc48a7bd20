//! The decision: one request's attributes in, effects out.

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed. What most
// requests never come to is `#[cold]`, so that it lies apart.

use crate::facts::TokenFacts;
use crate::failure::{CLAIM_MISSING, Failure, Kind, REQUIREMENT, Unmet};
use crate::outputs::Verified;
use crate::plan::{Needs, Plan, Preflight, Provider, Rule};
use crate::trace::{Found, Note, Trace};
use std::rc::Rc;
use weir_core::claims::Claims;
use weir_core::effect::Given;
use weir_core::predicate::Facts;
use weir_core::{Effects, Outside, Predicate, Request, Way};
use weir_jose::Refusal;

/// A token that is good enough.
struct Admitted<'p> {
    provider: &'p Provider,
    token: Rc<Verified>,
    /// Whether it was remembered.
    remembered: bool,
}

/// A token that is not remembered.
#[derive(Clone, Copy)]
struct Missed<'t> {
    /// Whose it is: the position of a provider.
    provider: u16,
    text: &'t [u8],
}

/// A request that asks for more than one remembered token.
struct Turn<'t, 'r, O, T> {
    plan: &'t Plan,
    request: &'t Request<'r, O>,
    trace: &'t mut T,
    now: u64,
    missed: Option<Missed<'t>>,
    admitted: Vec<Admitted<'t>>,
    /// Why tokens that are optional were not good enough.
    ignored: Vec<&'static str>,
}

impl Plan {
    /// Decides whether a request may go on, and what services learn of its token.
    #[inline]
    pub fn decide<O: Outside>(&self, request: &Request<'_, O>, effects: &mut Effects) {
        self.decide_traced(request, effects, &mut ());
    }

    /// Decides, and tells `trace` about each step.
    #[inline]
    pub fn decide_traced<O: Outside, T: Trace>(
        &self,
        request: &Request<'_, O>,
        effects: &mut Effects,
        trace: &mut T,
    ) {
        for guard in &self.guards {
            effects.set(*guard, Given::AsSent);
        }
        let rule = self.rules.iter().enumerate().find(|(_, rule)| holds(&rule.when, request));
        trace.token_step(Note::Rule(rule.map(|(position, _)| position)));
        let rule = rule.map(|(_, rule)| rule);
        let (mut now, mut missed) = (None, None);
        if let Some(rule) = rule
            && let Needs::Token(index) = *rule.needs.of_who_has_a_token()
            && let Some(provider) = self.providers.get(usize::from(index))
            && let Some(text) = provider.places.find(request)
        {
            let known = provider.recall(text, *now.insert(request.outside().now()));
            if let Some(token) = &known
                && provider.accepts(token, request).is_ok()
            {
                request.verified(token.claims.clone());
                trace.token_step(Note::Token(&provider.name, Found::Good));
                let required = holds(&rule.require, request);
                trace.token_step(Note::Required(required));
                if !required {
                    return self.refuse(REQUIREMENT, Some(rule), effects);
                }
                token.tell(effects);
                if !provider.forward {
                    provider.places.remove(request, effects);
                }
                return effects.counts.push(self.counters.hit);
            }
            missed = known.is_none().then_some(Missed { provider: index, text });
        }
        self.decide_otherwise(rule, now, missed, request, effects, trace);
    }

    #[cold]
    #[inline(never)]
    fn decide_otherwise<'t, O: Outside, T: Trace>(
        &'t self,
        rule: Option<&'t Rule>,
        now: Option<u64>,
        missed: Option<Missed<'t>>,
        request: &'t Request<'_, O>,
        effects: &mut Effects,
        trace: &'t mut T,
    ) {
        let asked = rule.filter(|rule| !matches!(rule.needs, Needs::Nothing));
        let Some(rule) = asked.filter(|_| !self.is_preflight(request)) else {
            trace.token_step(Note::NotAsked);
            return effects.counts.push(self.counters.without);
        };
        let now = now.unwrap_or_else(|| request.outside().now());
        let (admitted, ignored) = (Vec::new(), Vec::new());
        let mut turn = Turn { plan: self, request, trace, now, missed, admitted, ignored };
        match turn.meet(&rule.needs) {
            Ok(()) => turn.finish(rule, effects),
            Err(Unmet::Failed(failure)) => self.refuse(failure, None, effects),
            Err(Unmet::Wait) => {
                effects.counts.push(self.counters.waiting);
                effects.way = Way::Hold;
            }
        }
    }

    fn is_preflight<O: Outside>(&self, request: &Request<'_, O>) -> bool {
        let has = |attribute| request.text(attribute).is_some_and(|text| !text.is_empty());
        self.preflight.as_ref().is_some_and(|Preflight { method, origin, asked }| {
            request.text(*method) == Some(b"OPTIONS") && has(*origin) && has(*asked)
        })
    }

    #[cold]
    fn refuse(&self, failure: Failure, rule: Option<&Rule>, effects: &mut Effects) {
        if let Some((refused, _)) = self.counters.of(failure.reason) {
            effects.counts.push(refused);
        }
        let name = rule.and_then(|rule| rule.name.as_deref());
        effects.way = Way::Reply(Box::new(self.replies.reply(&failure, name)));
    }
}

impl<'t, O: Outside, T: Trace> Turn<'t, '_, O, T> {
    fn meet(&mut self, needs: &'t Needs) -> Result<(), Unmet> {
        match needs {
            Needs::Nothing => Ok(()),
            Needs::Token(provider) => {
                let met = self.token(*provider);
                self.note(*provider, &met);
                met
            }
            Needs::Any(parts) => self.any(parts),
            Needs::All(parts) => self.all(parts),
            Needs::Optional(part) => self.optional(part, |failure| failure.kind == Kind::Missing),
            Needs::OptionalOrFailed(part) => self.optional(part, |_| true),
        }
    }

    #[inline]
    fn note(&mut self, provider: u16, met: &Result<(), Unmet>) {
        let found = match met {
            Ok(()) => Found::Good,
            Err(Unmet::Wait) => Found::Waiting,
            Err(Unmet::Failed(failure)) => Found::Refused(failure.reason),
        };
        let provider = self.plan.providers.get(usize::from(provider));
        self.trace.token_step(Note::Token(provider.map_or("", |provider| &provider.name), found));
    }

    fn token(&mut self, index: u16) -> Result<(), Unmet> {
        let plan = self.plan;
        let provider = plan.providers.get(usize::from(index)).ok_or(Refusal::Missing)?;
        let (text, known) = match self.missed {
            Some(missed) if missed.provider == index => (missed.text, None),
            _ => {
                let text = provider.places.find(self.request).ok_or(Refusal::Missing)?;
                (text, provider.recall(text, self.now))
            }
        };
        let (token, remembered) = match known {
            Some(token) => (token, true),
            None => (plan.verify(provider, text, self.now, self.request)?, false),
        };
        provider.accepts(&token, self.request)?;
        self.admitted.push(Admitted { provider, token, remembered });
        Ok(())
    }

    fn any(&mut self, parts: &'t [Needs]) -> Result<(), Unmet> {
        let mut worst: Option<Failure> = None;
        let mut waits = false;
        let before = self.admitted.len();
        for part in parts {
            match self.meet(part) {
                Ok(()) => return Ok(()),
                Err(Unmet::Wait) => waits = true,
                Err(Unmet::Failed(failure)) => {
                    if worst.is_none_or(|worst| worst.kind < failure.kind) {
                        worst = Some(failure);
                    }
                }
            }
            self.admitted.truncate(before);
        }
        match worst {
            _ if waits => Err(Unmet::Wait),
            Some(failure) => Err(failure.into()),
            None => Err(Refusal::Missing.into()),
        }
    }

    /// All parts are looked at: who cannot pass need not wait.
    fn all(&mut self, parts: &'t [Needs]) -> Result<(), Unmet> {
        let mut met = Ok(());
        for part in parts {
            match self.meet(part) {
                Err(Unmet::Wait) => met = Err(Unmet::Wait),
                other => other?,
            }
        }
        met
    }

    fn optional(&mut self, part: &'t Needs, forgives: impl Fn(&Failure) -> bool) -> Result<(), Unmet> {
        let before = self.admitted.len();
        match self.meet(part) {
            Err(Unmet::Failed(failure)) if forgives(&failure) => {
                self.admitted.truncate(before);
                if failure.kind != Kind::Missing {
                    self.ignored.push(failure.reason);
                }
                Ok(())
            }
            other => other,
        }
    }

    /// All that is needed is there, but for what the rule asks of the claims.
    fn finish(self, rule: &Rule, effects: &mut Effects) {
        let Self { plan, request, trace, admitted, ignored, .. } = self;
        if let Some(claims) = merged(&admitted) {
            request.verified(claims);
        }
        let required = rule.require.holds(request);
        trace.token_step(Note::Required(required));
        if !required {
            // Who has no token may meet it with one.
            let failure = if admitted.is_empty() { Refusal::Missing.into() } else { REQUIREMENT };
            return plan.refuse(failure, Some(rule), effects);
        }
        // Where two tokens have a claim for one header, the first counts.
        for Admitted { token, .. } in admitted.iter().rev() {
            token.tell(effects);
        }
        for Admitted { provider, .. } in admitted.iter().filter(|one| !one.provider.forward) {
            provider.places.remove(request, effects);
        }
        for (_, counter) in ignored.iter().filter_map(|reason| plan.counters.of(reason)) {
            effects.counts.push(counter);
        }
        effects.counts.push(match admitted.iter().all(|one| one.remembered) {
            _ if admitted.is_empty() => plan.counters.without,
            true => plan.counters.hit,
            false => plan.counters.miss,
        });
    }
}

impl Needs {
    /// What is needed of a request that has a token.
    #[inline]
    fn of_who_has_a_token(&self) -> &Needs {
        if let Needs::Optional(part) = self { part } else { self }
    }
}

/// The claims of all tokens; of those that several have, the first token's.
fn merged(admitted: &[Admitted<'_>]) -> Option<Rc<Claims>> {
    let (first, others) = admitted.split_first()?;
    if others.is_empty() {
        return Some(first.token.claims.clone());
    }
    let mut all = Claims::clone(&first.token.claims);
    for other in others {
        for (claim, more) in all.0.iter_mut().zip(&other.token.claims.0) {
            if claim.is_none() {
                claim.clone_from(more);
            }
        }
    }
    Some(Rc::new(all))
}

impl Provider {
    /// Whether a token that was verified has what the provider asks of it.
    #[inline]
    fn accepts<O: Outside>(&self, token: &Verified, request: &Request<'_, O>) -> Result<(), Failure> {
        if token.lacks_claim {
            return Err(CLAIM_MISSING);
        }
        if matches!(self.require, Predicate::Const(true)) {
            return Ok(());
        }
        self.require_of(token, request)
    }

    #[inline(never)]
    fn require_of<O: Outside>(&self, token: &Verified, request: &Request<'_, O>) -> Result<(), Failure> {
        let facts = TokenFacts { request, claims: &token.claims };
        if self.require.holds(&facts) { Ok(()) } else { Err(REQUIREMENT) }
    }
}

impl Verified {
    /// Tells services what the token says.
    #[inline]
    fn tell(&self, effects: &mut Effects) {
        for (header, value) in &self.headers {
            let made = effects.make(|out| value.append_to(out));
            effects.set(*header, if value.lines { Given::Lines(made) } else { made.into() });
        }
        for (state, value) in &self.states {
            let made = effects.make(|out| out.extend_from_slice(value));
            effects.states.push((*state, made.into()));
        }
        if !self.counts.is_empty() {
            effects.counts.extend_from_slice(&self.counts);
        }
    }
}

/// Whether a predicate holds; most rules have none, and a call would cost more than this look.
#[inline]
fn holds<O: Outside>(predicate: &Predicate, request: &Request<'_, O>) -> bool {
    matches!(predicate, Predicate::Const(true)) || predicate.holds(request)
}
