//! Claims: their providers, their names, and where they are not available yet.

use super::Compiler;
use crate::access_plan::Source;
use crate::attribute::{AttrId, AttributeSpec};
use crate::claims::{ClaimName, ClaimSource};
use crate::problem::{At, did_you_mean};
use crate::value::Kind;

impl Compiler<'_> {
    /// An attribute that is declared, in a place of its use.
    pub(super) fn declared(&mut self, name: &str, spec: &AttributeSpec, at: &At) -> Option<AttrId> {
        // Who asks for the claim `role` must not be given the header that somebody has called `role`.
        if self.claims_by_name && spec.claim.is_none() {
            let message = format!(
                "{name:?} is an attribute that reads something else than a claim: write \"claim:{name}\" for the claim"
            );
            self.problems.add(at, message);
            return None;
        }
        self.long(spec, at, true)
    }

    /// Whether a name that is no attribute's can only be a claim's, however it is read: `[a][b]`, or one without
    /// dots.
    pub(crate) fn is_claim(&self, name: &str) -> bool {
        self.claims_by_name && ClaimName::Text(name.to_owned()).path().is_ok()
    }

    /// From here on, `claim` is read from the tokens that this configuration verifies itself, which are of
    /// these providers.
    pub fn verifies_tokens<'p>(&mut self, providers: impl Iterator<Item = &'p str>) {
        self.providers = Some(providers.map(str::to_owned).collect());
    }

    /// Compiles something that is asked before tokens are verified. Claims in it are a problem: they would be
    /// absent for every request, in silence.
    pub fn before_tokens<T>(&mut self, compile: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.before_tokens, true);
        let compiled = compile(self);
        self.before_tokens = before;
        compiled
    }

    /// Compiles something in which a name that is no attribute's is a claim's, such as `roles` in a
    /// condition on a token.
    pub fn with_claims_by_name<T>(&mut self, compile: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.claims_by_name, true);
        let compiled = compile(self);
        self.claims_by_name = before;
        compiled
    }

    pub(super) fn own_claim(&mut self, path: Vec<String>, provider: Option<String>, kind: Kind) -> Source {
        Source::Claim(self.tables.claims.put(ClaimSource { path, provider, kind }))
    }

    /// Where a claim is read: of our own tokens, or of what `jwt_authn` has left.
    pub(super) fn claim_source(
        &mut self,
        claim: &ClaimName,
        spec: &AttributeSpec,
        (kind, lower): (Kind, bool),
        at: &At,
        short: bool,
    ) -> Option<Source> {
        let part = |name: &str| if short { at.clone() } else { at.field(name) };
        let path = self.problems.accept(claim.path(), &part("claim"))?;
        let Some(providers) = &self.providers else {
            let payload = spec.payload.as_deref().unwrap_or("payload");
            let place = ["metadata", "filter_metadata", "envoy.filters.http.jwt_authn", payload];
            return self.property(&place, &path, lower, &part("claim"));
        };
        if self.before_tokens {
            let message = "no token is verified yet where rules are chosen, so this claim would always be absent; \
                           ask for it with `require`";
            self.problems.add(at, message);
            return None;
        }
        if let Some(name) =
            spec.payload.as_deref().filter(|name| !providers.iter().any(|known| known == name))
        {
            let hint = did_you_mean(name, providers.iter().map(String::as_str));
            let message = format!("unknown provider {name:?} in `jwt`{hint}");
            self.problems.add(&part("payload"), message);
            return None;
        }
        Some(self.own_claim(path, spec.payload.clone(), kind))
    }
}
