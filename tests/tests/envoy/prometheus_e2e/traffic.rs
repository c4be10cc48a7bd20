//! What is sent, and what it must come to.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::hmac;
use weir_tests::client::{Client, Request, Response};
use weir_tests::envoy::Envoy;

pub(crate) const UNITS: usize = 120;
/// Requests of the first unit, which a fault delays or aborts.
pub(crate) const DELAYED: usize = 3;
pub(crate) const ABORTED: usize = 8;
/// Requests without a token.
pub(crate) const REFUSED: usize = 5;
/// Testers' orders, and prefetches.
pub(crate) const UNCOUNTED: usize = 5;
/// What testers know.
pub(crate) const TESTERS: &str = "for-tests-only-testers";
/// Orders with a plan that no label knows.
pub(crate) const STRANGE: usize = 4;

/// The variants' names.
pub(crate) const VARIANTS: [&str; 2] = ["control", "one-page"];

/// What the upstreams saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Units by variant.
    pub(crate) units: BTreeMap<String, usize>,
    /// Orders by variant.
    pub(crate) orders: BTreeMap<String, usize>,
    /// Units that have ordered, by variant.
    pub(crate) converted: BTreeMap<String, BTreeSet<usize>>,
    /// Requests that the upstreams answered, by variant.
    pub(crate) answered: BTreeMap<String, usize>,
    /// The same of testers, who are in no result.
    pub(crate) uncounted: BTreeMap<String, usize>,
    /// Those with the variant of the first unit are hit by faults.
    pub(crate) first: String,
    pub(crate) delayed: usize,
    pub(crate) aborted: usize,
    pub(crate) strange: usize,
    pub(crate) allowed: usize,
    pub(crate) refused: usize,
    cookies: BTreeMap<usize, String>,
}

/// A key set with one secret.
pub(crate) fn key_set() -> String {
    format!(r#"{{"keys":[{{"kty":"oct","kid":"one","k":"{}"}}]}}"#, base64url(&SECRET))
}

const SECRET: [u8; 64] = [b'k'; 64];

/// HS256 (RFC 7515).
fn token() -> String {
    let text = format!("{}.{}", base64url(br#"{"alg":"HS256","kid":"one"}"#), base64url(br#"{"sub":"ada"}"#));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &SECRET), text.as_bytes());
    format!("{text}.{}", base64url(signature.as_ref()))
}

/// Base64url without padding (RFC 4648 section 5).
fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = (0..3).fold(0, |word, i| word << 8 | u32::from(chunk.get(i).copied().unwrap_or(0)));
        let digits = (0..=chunk.len()).map(|i| char::from(ALPHABET[(word >> (18 - 6 * i) & 63) as usize]));
        text.extend(digits);
    }
    text
}

impl Seen {
    /// All units comes, some order, some are hit. A second time nobody is a new unit.
    pub(crate) fn round(&mut self, envoy: &Envoy) {
        for unit in 0..UNITS {
            let variant = self.visit(envoy, unit);
            if unit % 3 == 0 {
                let plan = if unit / 3 < STRANGE { "strange" } else { "gold" };
                self.strange += usize::from(plan == "strange");
                let order = Request { method: "POST".to_owned(), ..self.by(unit, "/orders") };
                let order = order.header("x-plan", plan).header("x-answer-header", "x-total=12.5");
                let answer = send(envoy, &order);
                assert_eq!(answer.status, 200);
                self.cookies.extend(set_cookie(&answer).map(|cookie| (unit, cookie)));
                self.answered(&variant);
                self.converted.entry(variant.clone()).or_default().insert(unit);
                *self.orders.entry(variant).or_default() += 1;
            }
        }
        for unit in 0..UNCOUNTED {
            // A tester orders, and a browser prefetches a page that nobody opens.
            let tester = Request { method: "POST".to_owned(), ..self.by(unit, "/orders") };
            let tester = tester.header("x-force", format!("checkout=one-page~{TESTERS}"));
            let prefetch = self.by(UNITS + unit, "/").header("sec-purpose", "prefetch");
            let answer = send(envoy, &tester.header("x-plan", "gold"));
            assert_eq!((answer.status, set_cookie(&answer)), (200, None));
            *self.uncounted.entry(variant(&answer)).or_default() += 1;
            self.allowed += 1;
            // That one is a request of its variant, and no unit.
            let answer = send(envoy, &prefetch);
            assert_eq!((answer.status, set_cookie(&answer)), (200, None));
            self.answered(&variant(&answer));
        }
        for _ in 0..DELAYED {
            assert_eq!(send(envoy, &self.by(0, "/slow")).status, 200);
            self.answered(&self.first.clone());
            self.delayed += 1;
        }
        for _ in 0..ABORTED {
            assert_eq!(send(envoy, &self.by(0, "/broken")).status, 503);
            self.allowed += 1;
            self.aborted += 1;
        }
        for _ in 0..REFUSED {
            assert_eq!(send(envoy, &Request::get("/")).status, 401);
            self.refused += 1;
        }
    }

    /// A unit asks; returns its variant.
    fn visit(&mut self, envoy: &Envoy, unit: usize) -> String {
        let answer = send(envoy, &self.by(unit, "/"));
        let variant = variant(&answer);
        self.answered(&variant);
        if let Some(cookie) = set_cookie(&answer) {
            self.cookies.insert(unit, cookie);
            *self.units.entry(variant.clone()).or_default() += 1;
        }
        if unit == 0 {
            self.first.clone_from(&variant);
        }
        variant
    }

    fn answered(&mut self, variant: &str) {
        self.allowed += 1;
        *self.answered.entry(variant.to_owned()).or_default() += 1;
    }

    /// A request of a unit, with the cookie that it has.
    fn by(&self, unit: usize, path: &str) -> Request {
        let request = Request::get(path)
            .header("authorization", format!("Bearer {}", token()))
            .header("x-user-id", format!("user-{unit}"));
        match self.cookies.get(&unit) {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        }
    }
}

/// The variant that the upstream received.
fn variant(answer: &Response) -> String {
    let seen = answer.seen().expect("an upstream's answer").header_bytes("x-weir-experiment-checkout");
    String::from_utf8(seen.concat()).unwrap()
}

/// One request, answered before the next one goes.
pub(crate) fn send(envoy: &Envoy, request: &Request) -> Response {
    Client::http1().send(envoy.listener(0), request).unwrap()
}

fn set_cookie(response: &Response) -> Option<String> {
    let value = response.header("set-cookie")?;
    String::from_utf8_lossy(value).split(';').next().map(str::to_owned)
}
