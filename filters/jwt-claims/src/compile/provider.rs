//! An issuer of tokens.

use super::Builder;
use crate::config::{EmbeddedKeys, Padding, Provider as Spec};
use crate::plan::{Keys, Provider};
use crate::verify::{MAX_TOKEN_LEN, bare_audience};
use std::cell::RefCell;
use weir_core::At;
use weir_core::http_match::TextRequirement;
use weir_core::problem::suggestion;
use weir_jose::{Algorithm, Form, TimeRules};

const HOUR: u64 = 3600;
const YEAR: u64 = 366 * 24 * HOUR;

impl Builder<'_, '_> {
    /// A provider; `audiences` may be others than its own. `None` when something is wrong with its keys.
    pub(super) fn provider(
        &mut self,
        name: &str,
        spec: &Spec,
        audiences: &[String],
        keys: Option<Keys>,
    ) -> Option<Provider> {
        let at = self.at.field(name);
        let audiences = audiences.iter().map(|audience| bare_audience(audience).into()).collect();
        let subject = self.subject(spec, &at);
        let algorithms = self.algorithms(spec, &at.field("algorithms"));
        let times = self.times(spec, &at);
        let places = self.places(spec, &at);
        let payload = self.payload_header(spec, &at);
        let headers = self.header_rules(spec, &at);
        let states = self.state_rules(spec, &at);
        let require = self.required(spec.require.as_ref(), &spec.require_in_claim, &at);
        let token_header = self.token_header(spec, &at.field("tokenHeader"));
        Some(Provider {
            name: name.into(),
            issuers: spec.issuer.iter().map(|issuer| issuer.as_str().into()).collect(),
            audiences,
            subject,
            token_header,
            form: Form {
                max_bytes: MAX_TOKEN_LEN,
                ignores_embedded_keys: spec.embedded_keys == Some(EmbeddedKeys::Ignore),
                accepts_padding: spec.padding == Some(Padding::Accept),
            },
            // Last, so that everything else that is wrong is found too.
            keys: keys?,
            algorithms,
            times,
            places,
            forward: spec.forward,
            payload,
            headers,
            states,
            require,
            cache: RefCell::default(),
            denied: RefCell::default(),
            header: RefCell::default(),
        })
    }

    fn subject(&mut self, spec: &Spec, at: &At) -> Option<TextRequirement> {
        spec.subjects.as_ref()?.asks(false, &mut self.compiler.problems, &at.field("subjects"))
    }

    /// What the header's members must be.
    fn token_header(&mut self, spec: &Spec, at: &At) -> Box<[crate::plan::RequiredMember]> {
        let mut members = Vec::with_capacity(spec.token_header.0.len());
        for (name, texts) in spec.token_header.iter() {
            let at = at.field(name);
            if texts.0.is_empty() {
                self.compiler.problems.missing(&at, "is empty, so no token could pass");
            }
            if matches!(name, "alg" | "crit" | "b64" | "jwk" | "jku" | "x5c" | "x5u") {
                let message = "is decided elsewhere: by `algorithms`, `jwks` and `embeddedKeys`";
                self.compiler.problems.add(&at, message);
            }
            let texts = texts.0.iter().map(|text| text.as_str().into()).collect();
            members.push((name.into(), texts));
        }
        members.into()
    }

    fn times(&mut self, spec: &Spec, at: &At) -> TimeRules {
        let seconds = |nanoseconds: u64| nanoseconds as f64 / 1e9;
        let skew = self.time(spec.clock_skew.as_deref(), 60, HOUR, &at.field("clockSkew"));
        let lifetime = spec.max_lifetime.as_deref().map(|text| {
            let at = at.field("maxLifetime");
            let time = self.time(Some(text), 0, YEAR, &at);
            if time == 0 {
                self.compiler.problems.add(&at, "must be more than 0");
            }
            seconds(time)
        });
        TimeRules { skew: seconds(skew), require_expiration: spec.require_expiration, max_lifetime: lifetime }
    }

    /// The algorithms that are named; `None` where none is.
    fn algorithms(&mut self, spec: &Spec, at: &At) -> Option<Box<[Algorithm]>> {
        if spec.algorithms.is_empty() {
            return None;
        }
        let mut allowed = Vec::with_capacity(spec.algorithms.len());
        for (i, name) in spec.algorithms.iter().enumerate() {
            let Some(algorithm) = Algorithm::from_name(name) else {
                let at = if spec.algorithms.len() == 1 { at.clone() } else { at.index(i) };
                let known = Algorithm::ALL.map(Algorithm::name);
                let message = format!("unknown algorithm {name:?}{}", suggestion(name, &known));
                self.compiler.problems.add(&at, message);
                continue;
            };
            allowed.push(algorithm);
        }
        Some(allowed.into())
    }
}
