//! The decision: one request's attributes in, effects out.

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed. What most
// requests never come to is `#[cold]`, so that it lies apart.

use crate::failure::{CLAIM_MISSING, Failure, Kind, REQUIREMENT, Unmet};
use crate::plan::{Needs, Plan, Preflight, Provider, Rule};
use crate::token_view::TokenView;
use crate::trace::{Found, Note, Trace};
use crate::verified::Verified;
use std::rc::Rc;
use weir_core::RequestView;
use weir_core::claims::Claims;
use weir_core::effect::HeaderValue;
use weir_core::{Disposition, Effects, Hold, HostServices, Predicate, Request, Truth};
use weir_jose::{Form, Refusal};

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
    /// The position of the provider.
    provider: u16,
    text: &'t [u8],
}

/// A token of another issuer than that of a provider that was asked about it.
pub(crate) struct Foreign<'t> {
    pub(crate) text: &'t [u8],
    /// How it was read.
    pub(crate) form: Form,
    pub(crate) issuer: Option<Box<str>>,
}

/// A request that asks for more than one remembered token.
struct Decision<'t, 'r, O, T> {
    plan: &'t Plan,
    request: &'t Request<'r, O>,
    trace: &'t mut T,
    now: u64,
    missed: Option<Missed<'t>>,
    /// The last token of another issuer: it is read once, however many providers there are.
    foreign: Option<Foreign<'t>>,
    /// Whether the request may wait for keys.
    patient: bool,
    admitted: Vec<Admitted<'t>>,
    /// Why tokens that are optional were not good enough.
    ignored: Vec<&'static str>,
}

impl Plan {
    /// Decides whether a request may go on, and what services learn of its token.
    #[inline]
    pub fn decide<O: HostServices>(&self, request: &Request<'_, O>, effects: &mut Effects) {
        self.decide_traced(request, effects, &mut ());
    }

    /// Decides, and reports each step to `trace`.
    #[inline]
    pub fn decide_traced<O: HostServices, T: Trace>(
        &self,
        request: &Request<'_, O>,
        effects: &mut Effects,
        trace: &mut T,
    ) {
        for guard in &self.guards {
            effects.set(*guard, HeaderValue::AsSent);
        }
        let asked = |position, rule: &'_ Rule| match judge(&rule.when, request) {
            Truth::False => None,
            truth => Some((position, truth)),
        };
        let found = match &self.index {
            None => self.rules.iter().enumerate().find_map(|(position, rule)| asked(position, rule)),
            Some(index) => {
                index.find(request).iter().find_map(|position| asked(position, self.rules.get(position)?))
            }
        };
        if let Some((position, Truth::Unknown)) = found {
            return self.decide_undecided(position, request, effects, trace);
        }
        trace.token_step(Note::Rule(found.map(|(position, _)| position)));
        let rule = found.and_then(|(position, _)| self.rules.get(position));
        let mut missed = None;
        if let Some(rule) = rule
            && let Needs::Token(index) = *rule.needs.of_who_has_a_token()
            && let Some(provider) = self.providers.get(usize::from(index))
            && let Some(text) = provider.places.find(request)
        {
            let known = provider.recall(text, request.now());
            if let Some(token) = &known
                && provider.accepts(token, request).is_ok()
            {
                request.verified(token.claims.clone());
                trace.token_step(Note::Token(&provider.name, Found::Good));
                let required = self.is_met(&rule.require, request, effects);
                trace.token_step(Note::Required(required));
                if !required {
                    return self.refuse(REQUIREMENT, Some(rule), request, effects);
                }
                token.tell(effects);
                if !provider.forward {
                    provider.places.remove(request, effects);
                }
                return effects.counts.push(self.counters.hit);
            }
            missed = known.is_none().then_some(Missed { provider: index, text });
        }
        self.decide_otherwise(rule.as_slice(), missed, request, effects, trace);
    }

    /// It is unknown whether the rule at `position` is for this request: it must meet that rule, and the one
    /// that it had without it. So neither a condition that fails nor a value that is too long to be judged is
    /// a way around a rule, or a way from the rule of one provider to that of another.
    #[cold]
    #[inline(never)]
    fn decide_undecided<O: HostServices, T: Trace>(
        &self,
        position: usize,
        request: &Request<'_, O>,
        effects: &mut Effects,
        trace: &mut T,
    ) {
        effects.counts.push(self.counters.undecided);
        trace.token_step(Note::Undecided(position));
        let mut rules: Vec<&Rule> = self.rules.get(position).into_iter().collect();
        // A client chooses what cannot be judged, so this must not cost a look at each of many rules either.
        let later: Vec<usize> = match &self.index {
            None => (position + 1..self.rules.len()).collect(),
            Some(index) => index.find(request).iter().filter(|later| *later > position).collect(),
        };
        for position in later {
            let Some(rule) = self.rules.get(position) else { continue };
            let truth = judge(&rule.when, request);
            if truth != Truth::False {
                rules.push(rule);
            }
            if truth == Truth::Unknown {
                trace.token_step(Note::Undecided(position));
            }
            if truth == Truth::True {
                trace.token_step(Note::Rule(Some(position)));
                break;
            }
        }
        self.decide_otherwise(&rules, None, request, effects, trace);
    }

    /// Whether the requirement on claims holds; unknown counts as not met.
    #[inline]
    fn is_met<F: RequestView>(&self, require: &Predicate, view: &F, effects: &mut Effects) -> bool {
        match judge(require, view) {
            Truth::True => true,
            Truth::False => false,
            Truth::Unknown => {
                effects.counts.push(self.counters.undecided);
                false
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn decide_otherwise<'t, O: HostServices, T: Trace>(
        &'t self,
        rules: &[&'t Rule],
        missed: Option<Missed<'t>>,
        request: &'t Request<'_, O>,
        effects: &mut Effects,
        trace: &'t mut T,
    ) {
        let asked = rules.iter().any(|rule| !matches!(rule.needs, Needs::Nothing));
        if !asked || self.is_preflight(request) {
            trace.token_step(Note::NotAsked);
            return effects.counts.push(self.counters.without);
        }
        self.decide_by_tokens(rules, missed, request, effects, trace);
    }

    /// A function of its own, as it is a large one: requests that need no token do not come here.
    #[cold]
    #[inline(never)]
    fn decide_by_tokens<'t, O: HostServices, T: Trace>(
        &'t self,
        rules: &[&'t Rule],
        missed: Option<Missed<'t>>,
        request: &'t Request<'_, O>,
        effects: &mut Effects,
        trace: &'t mut T,
    ) {
        let mut turn = Decision {
            plan: self,
            request,
            trace,
            now: request.now(),
            missed,
            foreign: None,
            patient: true,
            admitted: Vec::new(),
            ignored: Vec::new(),
        };
        let mut met = turn.meet_all(rules.iter().map(|rule| &rule.needs));
        if let Err(Unmet::Wait(mark)) = met {
            let remote = self.remotes.get(usize::from(mark)).map(|fetched| &fetched.remote);
            if remote.is_some_and(|remote| remote.take_place(request.now())) {
                effects.counts.push(self.counters.waiting);
                effects.disposition = Disposition::Hold(Hold { mark, crowded: false });
                return;
            }
            if !effects.held {
                // Perhaps some of those that wait have gone.
                effects.disposition = Disposition::Hold(Hold { mark, crowded: true });
                return;
            }
            turn.admitted.clear();
            turn.ignored.clear();
            turn.patient = false;
            met = turn.meet_all(rules.iter().map(|rule| &rule.needs));
        }
        match met {
            Ok(()) => turn.finish(rules, effects),
            Err(Unmet::Failed(failure)) => self.refuse(failure, None, request, effects),
            // Not without patience.
            Err(Unmet::Wait(_)) => self.refuse(Failure::unavailable(0), None, request, effects),
        }
    }

    fn is_preflight<O: HostServices>(&self, request: &Request<'_, O>) -> bool {
        let has = |attribute| request.text(attribute).is_some_and(|text| !text.is_empty());
        self.preflight.as_ref().is_some_and(|Preflight { method, origin, asked }| {
            request.text(*method) == Some(b"OPTIONS") && has(*origin) && has(*asked)
        })
    }

    #[cold]
    fn refuse<O: HostServices>(
        &self,
        failure: Failure,
        rule: Option<&Rule>,
        request: &Request<'_, O>,
        effects: &mut Effects,
    ) {
        if let Some((refused, _)) = self.counters.of(failure.reason) {
            effects.counts.push(refused);
        }
        if failure.remembered {
            effects.counts.push(self.counters.denied_again);
        }
        // Access logs see the request. A token that is refused here may be good elsewhere.
        for provider in self.providers.iter().filter(|provider| !provider.forward) {
            provider.places.hide(request, effects);
        }
        let name = rule.and_then(|rule| rule.name.as_deref());
        effects.disposition = Disposition::Reply(Box::new(self.replies.reply(&failure, name)));
    }
}

impl<'t, O: HostServices, T: Trace> Decision<'t, '_, O, T> {
    fn meet(&mut self, needs: &'t Needs) -> Result<(), Unmet> {
        match needs {
            Needs::Nothing => Ok(()),
            Needs::Token(provider) => {
                let met = self.token(*provider);
                self.note(*provider, &met);
                met
            }
            Needs::Any(parts) => self.any(parts),
            Needs::All(parts) => self.meet_all(parts),
            Needs::Optional(part) => self.optional(part, |failure| failure.kind == Kind::Missing),
            Needs::OptionalOrFailed(part) => self.optional(part, |_| true),
        }
    }

    #[inline]
    fn note(&mut self, provider: u16, met: &Result<(), Unmet>) {
        let found = match met {
            Ok(()) => Found::Good,
            Err(Unmet::Wait(_)) => Found::Waiting,
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
                if self.foreign.as_ref().is_some_and(|foreign| provider.finds_foreign(text, foreign)) {
                    return Err(Refusal::Issuer.into());
                }
                (text, provider.recall(text, self.now))
            }
        };
        let (token, remembered) = match known {
            Some(token) => (token, true),
            None => {
                let (now, patient, foreign) = (self.now, self.patient, &mut self.foreign);
                (plan.verify(provider, text, now, patient, self.request, foreign)?, false)
            }
        };
        provider.accepts(&token, self.request)?;
        self.admitted.push(Admitted { provider, token, remembered });
        Ok(())
    }

    fn any(&mut self, parts: &'t [Needs]) -> Result<(), Unmet> {
        let mut worst: Option<Failure> = None;
        let mut waits = None;
        let before = self.admitted.len();
        for part in parts {
            match self.meet(part) {
                Ok(()) => return Ok(()),
                Err(Unmet::Wait(mark)) => waits = waits.or(Some(mark)),
                Err(Unmet::Failed(failure)) => {
                    if worst.is_none_or(|worst| worst.kind < failure.kind) {
                        worst = Some(failure);
                    }
                }
            }
            self.admitted.truncate(before);
        }
        match (waits, worst) {
            (Some(mark), _) => Err(Unmet::Wait(mark)),
            (None, Some(failure)) => Err(failure.into()),
            (None, None) => Err(Refusal::Missing.into()),
        }
    }

    /// All parts are checked: a request that cannot pass need not wait.
    fn meet_all(&mut self, parts: impl IntoIterator<Item = &'t Needs>) -> Result<(), Unmet> {
        let mut met = Ok(());
        for part in parts {
            match self.meet(part) {
                Err(Unmet::Wait(mark)) => met = met.and(Err(Unmet::Wait(mark))),
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

    /// All required tokens are present; the requirements on claims are still to be checked.
    fn finish(self, rules: &[&Rule], effects: &mut Effects) {
        let Self { plan, request, trace, admitted, ignored, .. } = self;
        if let Some(claims) = merged(&admitted) {
            request.verified(claims);
        }
        let unmet = rules.iter().find(|rule| !plan.is_met(&rule.require, request, effects));
        trace.token_step(Note::Required(unmet.is_none()));
        if let Some(rule) = unmet {
            // A request without a token could meet it with one.
            let failure = if admitted.is_empty() { Refusal::Missing.into() } else { REQUIREMENT };
            return plan.refuse(failure, Some(rule), request, effects);
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
    /// The requirement for a request with a token.
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
    /// Whether a verified token meets the provider's requirements.
    #[inline]
    fn accepts<O: HostServices>(&self, token: &Verified, request: &Request<'_, O>) -> Result<(), Failure> {
        if token.lacks_claim {
            return Err(CLAIM_MISSING);
        }
        if matches!(self.require, Predicate::Const(true)) {
            return Ok(());
        }
        self.require_of(token, request)
    }

    #[inline(never)]
    fn require_of<O: HostServices>(&self, token: &Verified, request: &Request<'_, O>) -> Result<(), Failure> {
        let view = TokenView { request, claims: &token.claims };
        // What cannot be judged is not met.
        if self.require.judge(&view).unknown_as(false) { Ok(()) } else { Err(REQUIREMENT) }
    }
}

impl Verified {
    /// Forwards the claims to services.
    #[inline]
    fn tell(&self, effects: &mut Effects) {
        for (header, value) in &self.headers {
            let made = effects.make(|out| value.append_to(out));
            effects.set(*header, if value.lines { HeaderValue::Lines(made) } else { made.into() });
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

/// The result of a predicate; most rules have none, and a call would cost more than this check.
#[inline]
fn judge<F: RequestView>(predicate: &Predicate, view: &F) -> Truth {
    if matches!(predicate, Predicate::Const(true)) { Truth::True } else { predicate.judge(view) }
}
