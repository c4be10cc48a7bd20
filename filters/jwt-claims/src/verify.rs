//! A token that is not remembered: read, verified, and prepared for all requests that bring it again.

use crate::failure::{Failure, Unmet};
use crate::keys::Ask;
use crate::outputs::{self, Verified};
use crate::plan::{Keys, Plan, Provider};
use std::rc::Rc;
use weir_core::request::Signature;
use weir_core::{Outside, Request, Shape};
use weir_jose::{Cache, Payload, Refusal, SignatureService, Token, Validity};

/// Longer tokens are refused, in bytes. Envoy takes no more than 60 KiB of headers in all.
const LONGEST_TOKEN: usize = 16 * 1024;

/// How much memory a token that is remembered may take on average, in bytes.
const BYTES_PER_TOKEN: usize = 8 * 1024;

/// Nanoseconds as the seconds that tokens have.
#[inline]
pub(crate) fn seconds(now: u64) -> f64 {
    now as f64 / 1e9
}

/// The host's own verification.
struct Service<'o, O>(&'o O);

impl<O: Outside> SignatureService for Service<'_, O> {
    fn verify(&self, hash: &str, key: &[u8], signature: &[u8], message: &[u8]) -> Option<bool> {
        self.0.verify_signature(&Signature { hash, key, signature, message })
    }
}

impl Plan {
    /// Verifies a token and remembers it.
    #[cold]
    #[inline(never)]
    pub(crate) fn verify<O: Outside>(
        &self,
        provider: &Provider,
        text: &[u8],
        now: u64,
        request: &Request<'_, O>,
    ) -> Result<Rc<Verified>, Unmet> {
        let known = provider.header.try_borrow().ok().and_then(|known| known.clone());
        let token = Token::parse_after(known.as_ref(), text, LONGEST_TOKEN)?;
        // What costs little comes first, and only a token that may be ours lets keys be fetched.
        provider.check_issuer(token.payload())?;
        let validity = provider.times.check(token.payload(), seconds(now))?;
        let generation = provider.check_signature(&token, now, request.outside())?;
        // Only what was signed: nobody else is to say what is kept.
        if !known.is_some_and(|known| Rc::ptr_eq(&known, token.header()))
            && let Ok(mut known) = provider.header.try_borrow_mut()
        {
            *known = Some(token.header().clone());
        }
        provider.check_audience(token.payload())?;
        provider.check_subject(token.payload())?;
        let verified = Rc::new(self.prepare(provider, &token, generation, request.shape()));
        let weight = token.payload().weight();
        self.remember(provider, text, &verified, weight, validity, now, request.outside());
        Ok(verified)
    }

    pub(crate) fn prepare(
        &self,
        provider: &Provider,
        token: &Token<'_>,
        generation: u32,
        shape: &Shape,
    ) -> Verified {
        let payload = token.payload();
        let mut headers = outputs::headers(provider, payload, token.section(), &self.counters);
        let states = outputs::states(provider, payload, &self.counters, &mut headers.counts);
        Verified {
            generation,
            claims: Rc::new(outputs::claims(provider, &shape.claims, payload)),
            headers: headers.values.into(),
            states,
            counts: headers.counts.into(),
            lacks_claim: headers.lacks_claim,
        }
    }

    #[allow(clippy::too_many_arguments, reason = "one call, of everything that is known about a token")]
    fn remember<O: Outside>(
        &self,
        provider: &Provider,
        text: &[u8],
        verified: &Rc<Verified>,
        weight: usize,
        validity: Validity,
        now: u64,
        outside: &O,
    ) {
        if self.remembered == 0 || text.len() > self.longest_remembered {
            return;
        }
        let Ok(mut cache) = provider.cache.try_borrow_mut() else { return };
        // Only here can chance be asked for, which nobody outside must know.
        let cache = cache.get_or_insert_with(|| {
            Cache::new(self.remembered, self.remembered.saturating_mul(BYTES_PER_TOKEN), outside.random())
        });
        cache.insert(text, verified.clone(), weight, validity, seconds(now));
    }
}

impl Provider {
    /// What is remembered of a token, if that is still good.
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

    fn check_issuer(&self, payload: &Payload) -> Result<(), Refusal> {
        let issuer = payload.iss()?;
        let ours =
            self.issuers.is_empty() || self.issuers.iter().any(|known| Some(&**known) == issuer.as_deref());
        if ours { Ok(()) } else { Err(Refusal::Issuer) }
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
    fn check_signature<O: Outside>(&self, token: &Token<'_>, now: u64, outside: &O) -> Result<u32, Unmet> {
        if !self.algorithms.contains(&token.algorithm()) {
            return Err(Refusal::AlgorithmNotAllowed.into());
        }
        let service = Service(outside);
        let remote = match &self.keys {
            Keys::Fixed(keys) => {
                keys.0.verify(token, &self.algorithms, &service)?;
                return Ok(0);
            }
            Keys::Remote(remote) => remote,
        };
        match remote.ask(now) {
            Ask::Wait => Err(Unmet::Wait),
            Ask::Unavailable { retry_after } => Err(Failure::unavailable(retry_after).into()),
            Ask::Keys(current) => match current.keys.0.verify(token, &self.algorithms, &service) {
                Ok(()) => Ok(current.generation),
                Err(Refusal::UnknownKey) if remote.ask_again(now) => Err(Unmet::Wait),
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
