//! Tokens that are taken for verified, for explanations only: nothing in a module comes here.

use crate::plan::{Keys, Plan, Provider};
use crate::verify::seconds;
use std::rc::Rc;
use weir_core::AccessPlan;
use weir_jose::{Cache, Form, Refusal, Token, Validity};

/// More room than one token needs.
const ROOM: usize = 1 << 20;

/// A key set of one key.
const STAND_IN: &[u8] = br#"{"keys": [{"kty": "oct", "k": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}"#;

impl Plan {
    /// The providers whose keys a server answers with: their numbers, as [`Plan::on_fetched`] takes them, and
    /// their names.
    pub fn key_servers(&self) -> impl Iterator<Item = (u16, &str)> {
        (0_u16..).zip(&self.remotes).map(|(number, server)| (number, &*server.provider))
    }

    /// Remembers a token of a provider as if it had been verified. Its claims are believed, signature, issuer,
    /// audience and time are not looked at. To be called before anything is decided, and for one token of each
    /// provider.
    ///
    /// `access_plan` is that of the configuration, `now` in nanoseconds since the Unix epoch.
    ///
    /// # Errors
    /// What of the token's form is wrong, as a word.
    pub fn assume_verified(
        &self,
        provider: &str,
        token: &[u8],
        access_plan: &AccessPlan,
        now: u64,
    ) -> Result<(), &'static str> {
        // The same provider with other audiences remembers for itself.
        for provider in self.providers.iter().filter(|known| *known.name == *provider) {
            let form = Form { max_bytes: ROOM, ..provider.form };
            let parsed =
                Token::parse_after(None, token, form).map_err(|refusal: Refusal| refusal.reason())?;
            let generation = provider.assumed_generation(now);
            let verified = Rc::new(self.prepare(provider, &parsed, generation, access_plan));
            let validity = Validity { from: f64::NEG_INFINITY, until: f64::INFINITY };
            let mut cache = Cache::new(2, ROOM, 0);
            cache.insert(token, verified, parsed.payload().weight(), validity, seconds(now));
            *provider.cache.try_borrow_mut().map_err(|_| "busy")? = Some(cache);
        }
        Ok(())
    }
}

impl Provider {
    fn assumed_generation(&self, now: u64) -> u32 {
        match &self.keys {
            Keys::Fixed(_) => 0,
            Keys::Remote(remote) => remote.generation(now).unwrap_or_else(|| {
                // Nothing is verified with them: they stand for those that the proxy would have.
                let _ = remote.on_fetched(now, Ok((200, STAND_IN)));
                remote.generation(now).unwrap_or_default()
            }),
        }
    }
}
