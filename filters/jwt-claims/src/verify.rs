//! An uncached token: parsed, verified, and prepared for later requests with the same token.

use crate::decide::Foreign;
use crate::failure::{Failure, Unmet};
use crate::keys::{Ask, AskAgain};
use crate::outputs;
use crate::plan::{Keys, Plan, Provider};
use crate::verified::Verified;
use std::rc::Rc;
use weir_core::{AccessPlan, HostServices, Request};
use weir_jose::{Allowed, Cache, NegativeCache, Payload, Refusal, Token, Validity};

/// Longer tokens are refused, in bytes. Envoy takes no more than 60 KiB of headers in all.
pub(crate) const MAX_TOKEN_LEN: usize = 16 * 1024;

/// How many tokens of each provider are remembered that were refused.
const REMEMBERED_DENIED: usize = 1024;

/// How much memory a token that is remembered may take on average, in bytes.
const BYTES_PER_TOKEN: usize = 8 * 1024;

/// Nanoseconds as the seconds that tokens have.
#[inline]
pub(crate) fn seconds(now: u64) -> f64 {
    now as f64 / 1e9
}

impl Plan {
    /// Verifies a token and remembers it; notes one of another issuer in `foreign`.
    #[cold]
    #[inline(never)]
    pub(crate) fn verify<'t, O: HostServices>(
        &self,
        provider: &Provider,
        text: &'t [u8],
        now: u64,
        patient: bool,
        request: &Request<'_, O>,
        foreign: &mut Option<Foreign<'t>>,
    ) -> Result<Rc<Verified>, Unmet> {
        if let Some(refusal) = provider.recall_denied(text, now) {
            return Err(Failure { remembered: true, ..refusal.into() }.into());
        }
        let known = provider.header.try_borrow().ok().and_then(|known| known.clone());
        let decoded = provider.places.decoded(text, request)?;
        let token = Token::parse_after(known.as_ref(), decoded.as_deref().unwrap_or(text), provider.form)?;
        // What costs little comes first, and only a token that may be ours lets keys be fetched.
        if !provider.is_issuer(token.payload().iss()?.as_deref()) {
            if decoded.is_none() {
                let issuer = token.payload().iss()?.map(Into::into);
                *foreign = Some(Foreign { text, form: provider.form, issuer });
            }
            return Err(Refusal::Issuer.into());
        }
        provider.check_header(&token)?;
        let validity = provider.times.check(token.payload(), seconds(now))?;
        let generation = match provider.check_signature(&token, now, patient, request.services()) {
            Ok(generation) => generation,
            Err(unmet) => {
                provider.remember_denied(text, &unmet, now, request.services());
                return Err(unmet);
            }
        };
        // Only signed content, so that others cannot influence the cache.
        if !known.is_some_and(|known| Rc::ptr_eq(&known, token.header()))
            && let Ok(mut known) = provider.header.try_borrow_mut()
        {
            *known = Some(token.header().clone());
        }
        provider.check_audience(token.payload())?;
        provider.check_subject(token.payload())?;
        let verified = Rc::new(self.prepare(provider, &token, generation, request.access_plan()));
        let weight = token.payload().weight();
        self.remember(provider, text, &verified, weight, validity, now, request.services());
        Ok(verified)
    }

    pub(crate) fn prepare(
        &self,
        provider: &Provider,
        token: &Token<'_>,
        generation: u32,
        access_plan: &AccessPlan,
    ) -> Verified {
        let payload = token.payload();
        let mut headers = outputs::headers(provider, payload, token.section(), &self.counters);
        let states = outputs::states(provider, payload, &self.counters, &mut headers.counts);
        Verified {
            generation,
            claims: Rc::new(outputs::claims(provider, &access_plan.claims, payload)),
            headers: headers.values.into(),
            states,
            counts: headers.counts.into(),
            lacks_claim: headers.lacks_claim,
        }
    }

    #[allow(clippy::too_many_arguments, reason = "one call, of everything that is known about a token")]
    fn remember<O: HostServices>(
        &self,
        provider: &Provider,
        text: &[u8],
        verified: &Rc<Verified>,
        weight: usize,
        validity: Validity,
        now: u64,
        services: &O,
    ) {
        if self.remembered == 0 || text.len() > self.longest_remembered {
            return;
        }
        let Ok(mut cache) = provider.cache.try_borrow_mut() else { return };
        // Random numbers are only available here, and must stay secret.
        let cache = cache.get_or_insert_with(|| {
            Cache::new(self.remembered, self.remembered.saturating_mul(BYTES_PER_TOKEN), services.random())
        });
        cache.insert(text, verified.clone(), weight, validity, seconds(now));
    }
}

impl Provider {
    /// The cache entry of a token, if it is still valid.
    #[inline]
    pub(crate) fn recall(&self, text: &[u8], now: u64) -> Option<Rc<Verified>> {
        let cache = self.cache.try_borrow().ok()?;
        let verified = cache.as_ref()?.get(text, seconds(now))?;
        let same_keys = match &self.keys {
            Keys::Fixed(_) => true,
            Keys::Remote(remote) => remote.generation(now) == Some(verified.generation),
        };
        if same_keys { Some(verified.clone()) } else { None }
    }

    /// The number of the keys at hand; 0 of those that are in the configuration.
    #[inline]
    fn generation(&self, now: u64) -> Option<u32> {
        match &self.keys {
            Keys::Fixed(_) => Some(0),
            Keys::Remote(remote) => remote.generation(now),
        }
    }

    /// Why the signature of this very token was refused a short while ago, with the same keys.
    fn recall_denied(&self, text: &[u8], now: u64) -> Option<Refusal> {
        let denied = self.denied.try_borrow().ok()?;
        denied.as_ref()?.get(text, self.generation(now)?, seconds(now))
    }

    /// Remembers a token whose signature was looked at in vain. Everything else that can be wrong with a token is
    /// found with less, and some of it passes.
    fn remember_denied<O: HostServices>(&self, text: &[u8], unmet: &Unmet, now: u64, services: &O) {
        let Unmet::Failed(failure) = unmet else { return };
        let found = [Refusal::BadSignature, Refusal::TooManyKeys];
        let Some(refusal) = found.into_iter().find(|refusal| refusal.reason() == failure.reason) else {
            return;
        };
        let (Some(generation), Ok(mut denied)) = (self.generation(now), self.denied.try_borrow_mut()) else {
            return;
        };
        let denied = denied.get_or_insert_with(|| NegativeCache::new(REMEMBERED_DENIED, services.random()));
        denied.insert(text, generation, refusal, seconds(now));
    }

    fn is_issuer(&self, issuer: Option<&str>) -> bool {
        self.issuers.is_empty() || self.issuers.iter().any(|known| Some(&**known) == issuer)
    }

    /// Whether this token is one that another provider has found to be of an issuer which is not this one's either.
    /// Then it is not remembered here, and reading it again would lead to the same refusal.
    #[inline]
    pub(crate) fn finds_foreign(&self, text: &[u8], foreign: &Foreign<'_>) -> bool {
        std::ptr::eq(text, foreign.text)
            && self.form == foreign.form
            // What is encoded there may be another token.
            && self.places.subprotocols.is_none()
            && !self.is_issuer(foreign.issuer.as_deref())
    }

    fn check_header(&self, token: &Token<'_>) -> Result<(), Refusal> {
        let is = |(name, texts): &(Box<str>, Box<[Box<str>]>)| {
            texts.iter().any(|text| token.header_is(name, text))
        };
        if self.token_header.iter().all(is) { Ok(()) } else { Err(Refusal::TokenHeader) }
    }

    fn check_audience(&self, payload: &Payload) -> Result<(), Refusal> {
        let audiences = payload.aud()?;
        let wanted = |audience: &str| self.audiences.iter().any(|known| **known == *bare_audience(audience));
        let ours = self.audiences.is_empty() || audiences.iter().any(wanted);
        if ours { Ok(()) } else { Err(Refusal::Audience) }
    }

    fn check_subject(&self, payload: &Payload) -> Result<(), Refusal> {
        let subject = payload.sub()?;
        let subject = subject.as_deref().map(str::as_bytes);
        // A subject that cannot be judged is not ours.
        let ours = self.subject.as_ref().is_none_or(|asks| asks.judge(subject).unknown_as(false));
        if ours { Ok(()) } else { Err(Refusal::Subject) }
    }

    /// The number of the keys that the signature was verified with.
    fn check_signature<O: HostServices>(
        &self,
        token: &Token<'_>,
        now: u64,
        patient: bool,
        services: &O,
    ) -> Result<u32, Unmet> {
        let allowed = self.algorithms.as_deref().map_or(Allowed::Usual, Allowed::Named);
        if !allowed.may_be(token.algorithm()) {
            return Err(Refusal::AlgorithmNotAllowed.into());
        }
        let remote = match &self.keys {
            Keys::Fixed(keys) => {
                keys.0.verify(token, allowed, services)?;
                return Ok(0);
            }
            Keys::Remote(remote) => remote,
        };
        match remote.ask(now) {
            Ask::Wait if patient => Err(Unmet::Wait(remote.mark)),
            Ask::Wait => Err(Failure::unavailable(remote.server.wait).into()),
            Ask::Unavailable { retry_after } => Err(Failure::unavailable(retry_after).into()),
            Ask::Keys(current) => match current.keys.0.verify(token, allowed, services) {
                Ok(()) => Ok(current.generation),
                Err(Refusal::UnknownKey) => {
                    match remote.ask_again(token.kid().unwrap_or_default().as_bytes(), now) {
                        AskAgain::Wait if patient => Err(Unmet::Wait(remote.mark)),
                        AskAgain::Wait => Err(Failure::unavailable(remote.server.wait).into()),
                        AskAgain::Later { retry_after } => Err(Failure::unavailable(retry_after).into()),
                        AskAgain::Unknown => Err(Refusal::UnknownKey.into()),
                    }
                }
                Err(refusal) => Err(refusal.into()),
            },
        }
    }
}

/// An audience as it is compared: without scheme and slash at the end, as Envoy does it.
pub(crate) fn bare_audience(audience: &str) -> &str {
    let bare = audience.strip_prefix("https://").or_else(|| audience.strip_prefix("http://"));
    let bare = bare.unwrap_or(audience);
    bare.strip_suffix('/').unwrap_or(bare)
}
