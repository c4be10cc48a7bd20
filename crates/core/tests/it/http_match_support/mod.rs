//! What the tests of matches and requests share: compiled matches.

#![allow(dead_code, reason = "each test file uses a part of it")]

use weir_core::header::encode_pairs;
use weir_core::http_match::HttpMatch;
use weir_core::{
    AccessPlan, At, AttributeMap, Compiler, Predicate, Problems, Request, Scratch, Targeting, Truth, load,
};
pub(crate) use weir_testkit::Services;

/// Where a claim lies among the properties.
pub(crate) fn claim(path: &str) -> String {
    format!("metadata.filter_metadata.envoy.filters.http.jwt_authn.payload.{path}")
}

/// A header as a test writes it.
pub(crate) type Header<'a> = (&'a str, &'a [u8]);

/// A `match` list that is compiled and ready for requests.
#[derive(Debug)]
pub(crate) struct Matcher {
    pub(crate) access_plan: AccessPlan,
    pub(crate) predicate: Predicate,
}

impl Matcher {
    /// Loads and compiles a `match` list as a filter does; the problems are given one a line.
    pub(crate) fn new(json: &str) -> Result<Self, Problems> {
        let (named, env) = (AttributeMap::default(), |_: &str| None);
        let mut problems = Problems::default();
        let http_match: Vec<HttpMatch> = load(json.as_bytes(), &mut problems);
        let mut compiler = Compiler::new(&named, &env, problems);
        let targeting = Targeting { http_match, ..Default::default() };
        let predicate = targeting.compile(&mut compiler, &At::root().field("rules").index(0));
        let access_plan = compiler.finish()?;
        Ok(Self { access_plan, predicate })
    }

    /// Whether it certainly holds for a request with exactly these headers.
    pub(crate) fn holds(&self, headers: &[Header<'_>], host: &Services) -> bool {
        self.judge(headers, host) == Truth::True
    }

    /// What it says of a request with exactly these headers.
    pub(crate) fn judge(&self, headers: &[Header<'_>], host: &Services) -> Truth {
        let raw = encode_pairs(headers);
        let mut scratch = Scratch::default();
        scratch.read(&self.access_plan, &raw);
        self.predicate.judge(&Request::new(&self.access_plan, &raw, &scratch, host))
    }
}

/// A plain request, with these headers in place of its own or beside them.
pub(crate) fn request<'a>(headers: &[Header<'a>]) -> Vec<Header<'a>> {
    const PLAIN: [Header<'static>; 4] =
        [(":authority", b"shop.example.com"), (":path", b"/"), (":method", b"GET"), (":scheme", b"https")];
    let kept = PLAIN.iter().filter(|(name, _)| !headers.iter().any(|(other, _)| other == name));
    kept.copied().chain(headers.iter().copied()).collect()
}
