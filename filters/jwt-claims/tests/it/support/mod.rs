//! A section, decided without a proxy, and tokens signed by other hands than ours.
#![allow(dead_code, unused_macros, reason = "each test file uses its own part")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests stop where they fail")]

use hmac::{Hmac, Mac};
use sha2::Sha256;
use weir_core::effect::HeaderValue;
use weir_core::header::encode_pairs;
use weir_core::{
    AccessPlan, At, AttributeMap, Compiler, Disposition, Effects, Hold, OrderedMap, Problems, Reply, Request,
    RequestView, Scratch, load,
};
use weir_jwt_claims::{Config, Plan};
use weir_testkit::Services;

/// The time at which nothing else is said: 2026-03-01T00:00:00Z, in seconds.
pub(crate) const NOW: u64 = 1_772_323_200;

/// Nanoseconds of a second.
pub(crate) const SECOND: u64 = 1_000_000_000;

/// The secret of a key, 32 bytes.
pub(crate) const SECRET: &[u8; 32] = b"a secret of thirty-two bytes, ok";

pub(crate) struct Lab {
    pub(crate) access_plan: AccessPlan,
    pub(crate) plan: Plan,
    pub(crate) host: Services,
    /// Attributes whose values are told with each decision.
    watched: Vec<(String, weir_core::AttrId)>,
}

/// What was decided, in texts.
#[derive(Debug, Default)]
pub(crate) struct Decided {
    /// Headers that are written, by name; of several lines with line feeds between.
    pub(crate) headers: Vec<(String, String)>,
    /// Headers that stay as they were sent.
    pub(crate) kept: Vec<String>,
    pub(crate) states: Vec<(String, String)>,
    pub(crate) counts: Vec<String>,
    pub(crate) path: Option<String>,
    pub(crate) reply: Option<Reply>,
    pub(crate) held: bool,
    /// What the watched attributes read.
    pub(crate) watched: Vec<(String, Option<String>)>,
}

impl Decided {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn keeps(&self, name: &str) -> bool {
        self.kept.iter().any(|kept| kept == name)
    }

    /// `on`, `hold`, or the status with the reason, such as `401 expired`.
    pub(crate) fn way(&self) -> String {
        match &self.reply {
            Some(reply) => format!("{} {}", reply.status, &reply.details["weir_jwt_".len()..]),
            None if self.held => "hold".to_owned(),
            None => "on".to_owned(),
        }
    }

    pub(crate) fn reply_header(&self, name: &str) -> Option<String> {
        let headers = &self.reply.as_ref()?.headers;
        headers.iter().find(|(known, _)| **known == *name).map(|(_, value)| text(value))
    }

    pub(crate) fn body(&self) -> String {
        self.reply.as_ref().map(|reply| text(&reply.body)).unwrap_or_default()
    }

    pub(crate) fn value(&self, attribute: &str) -> Option<&str> {
        self.watched.iter().find(|(name, _)| name == attribute)?.1.as_deref()
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Base64url without padding.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for i in 0..=chunk.len() {
            out.push(char::from(ALPHABET[(word >> (18 - 6 * i) & 63) as usize]));
        }
    }
    out
}

/// A key set with one secret under each of these names.
pub(crate) fn key_set(kids: &[&str]) -> String {
    let key = |kid: &&str| format!(r#"{{"kty": "oct", "kid": "{kid}", "k": "{}"}}"#, base64url(SECRET));
    format!(r#"{{"keys": [{}]}}"#, kids.iter().map(key).collect::<Vec<_>>().join(", "))
}

/// A token with these claims, signed with the key of that name.
pub(crate) fn token_by(kid: &str, claims: &str) -> String {
    token_of(&format!(r#"{{"alg": "HS256", "kid": "{kid}"}}"#), claims, base64url)
}

/// A token with this header and these claims, in this encoding.
pub(crate) fn token_of(header: &str, claims: &str, encode: impl Fn(&[u8]) -> String) -> String {
    let signed = format!("{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", encode(&mac.finalize().into_bytes()))
}

/// Base64url with padding.
pub(crate) fn padded(bytes: &[u8]) -> String {
    let text = base64url(bytes);
    let missing = (4 - text.len() % 4) % 4;
    text + &"=".repeat(missing)
}

/// A token with these claims, signed with the key `one`.
pub(crate) fn token(claims: &str) -> String {
    token_by("one", claims)
}

/// `Bearer` and the token.
pub(crate) fn bearer(claims: &str) -> String {
    format!("Bearer {}", token(claims))
}

impl Lab {
    /// A section with `KEYS` in the place of `{"inline": …}`, or all problems.
    pub(crate) fn new(section: &str) -> Result<Self, Problems> {
        Self::watching(section, &[])
    }

    pub(crate) fn watching(section: &str, attributes: &[&str]) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let keys = format!(r#"{{"inline": {}}}"#, key_set(&["one"]));
        let document = format!("{{\"jwt\": {}}}", section.replace("KEYS", &keys));
        let document: OrderedMap<Config> = load(document.as_bytes(), &mut problems);
        let config = document.get("jwt").cloned().unwrap_or_default();
        let named = AttributeMap::default();
        let env = |name: &str| (name == "WEIR_JWKS").then(|| key_set(&["one"]));
        let mut compiler = Compiler::new(&named, &env, problems);
        let plan = Plan::compile(&config, &mut compiler, &At::root().field("jwt"));
        let watch = |name: &&str| Some(((*name).to_owned(), compiler.attribute(name, &At::root())?));
        let watched = attributes.iter().filter_map(watch).collect();
        let access_plan = compiler.finish()?;
        let host = Services::at(NOW * SECOND);
        Ok(Self { access_plan, plan, host, watched })
    }

    pub(crate) fn at(&self, seconds: u64) -> &Self {
        self.host.now.set(seconds * SECOND);
        self
    }

    pub(crate) fn now(&self) -> u64 {
        self.host.now.get()
    }

    pub(crate) fn decide(&self, headers: &[(&str, &str)]) -> Decided {
        let mut all = vec![(":method", "GET"), (":authority", "example.com")];
        if !headers.iter().any(|(name, _)| *name == ":path") {
            all.push((":path", "/"));
        }
        all.retain(|(name, _)| !headers.iter().any(|(given, _)| given == name));
        all.extend(headers);
        let (raw, mut scratch) = (encode_pairs(&all), Scratch::default());
        scratch.read(&self.access_plan, &raw);
        let request = Request::new(&self.access_plan, &raw, &scratch, &self.host);
        let mut effects = Effects::default();
        effects.reset(&self.access_plan);
        self.plan.decide(&request, &mut effects);
        if matches!(effects.disposition, Disposition::Hold(Hold { crowded: true, .. })) {
            // Nobody of those that wait has gone.
            effects.reset(&self.access_plan);
            effects.held = true;
            self.plan.decide(&request, &mut effects);
        }
        let given = |given: HeaderValue| effects.bytes(given, &self.access_plan).map(text);
        let set = || self.access_plan.owned.iter().zip(&effects.headers);
        let states = effects.states.iter().map(|(state, value)| {
            (self.access_plan.states[state.index()].clone(), given(*value).unwrap_or_default())
        });
        let watched = self.watched.iter().map(|(name, id)| (name.clone(), request.text(*id).map(text)));
        Decided {
            headers: set().filter_map(|(owned, value)| Some((owned.name.clone(), given(*value)?))).collect(),
            kept: set()
                .filter(|(_, g)| **g == HeaderValue::AsSent)
                .map(|(owned, _)| owned.name.clone())
                .collect(),
            states: states.collect(),
            counts: effects.counts.iter().map(|c| self.access_plan.counters[c.index()].clone()).collect(),
            path: given(effects.path),
            held: matches!(effects.disposition, Disposition::Hold(_)),
            watched: watched.collect(),
            reply: match effects.disposition {
                Disposition::Reply(reply) => Some(*reply),
                _ => None,
            },
        }
    }

    /// The way of a request with this token as its bearer.
    pub(crate) fn way(&self, claims: &str) -> String {
        self.decide(&[("authorization", &bearer(claims))]).way()
    }
}

/// A test natively, and as WebAssembly under Node.
#[macro_export]
macro_rules! tests {
    ($($(#[$doc:meta])* fn $name:ident() $body:block)*) => {$(
        $(#[$doc])*
        #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
        #[cfg_attr(not(target_arch = "wasm32"), test)]
        fn $name() $body
    )*};
}
