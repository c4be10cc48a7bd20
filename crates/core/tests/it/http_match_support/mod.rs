//! What the tests of matches and requests share: a host that counts its calls, and compiled matches.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use weir_core::header::encode_pairs;
use weir_core::http_match::HttpMatch;
use weir_core::predicate::CelId;
use weir_core::{
    AccessPlan, At, AttributeMap, Compiler, HostServices, Predicate, Problems, Request, Scratch, Truth, load,
};

/// Properties by their path with dots, and every path that was asked for.
#[derive(Default)]
pub(crate) struct Host {
    properties: BTreeMap<String, Vec<u8>>,
    pub(crate) asked: RefCell<Vec<String>>,
}

impl Host {
    pub(crate) fn with(properties: &[(&str, &[u8])]) -> Self {
        let properties =
            properties.iter().map(|(path, value)| ((*path).to_owned(), value.to_vec())).collect();
        Self { properties, asked: RefCell::default() }
    }
}

impl HostServices for Host {
    fn property(&self, path: &[u8]) -> Option<Box<[u8]>> {
        let path = String::from_utf8(path.to_vec()).unwrap().replace('\0', ".");
        self.asked.borrow_mut().push(path.clone());
        self.properties.get(&path).map(|bytes| bytes.as_slice().into())
    }
    fn cel(&self, _: CelId) -> Option<bool> {
        None
    }
    fn now(&self) -> u64 {
        0
    }
    fn random(&self) -> u64 {
        0
    }
}

/// Where a claim lies among the properties.
pub(crate) fn claim(path: &str) -> String {
    format!("metadata.filter_metadata.envoy.filters.http.jwt_authn.payload.{path}")
}

/// A header as a test writes it.
pub(crate) type Header<'a> = (&'a str, &'a [u8]);

/// A `match` list that is compiled and ready for requests.
#[derive(Debug)]
pub(crate) struct Matcher {
    pub(crate) shape: AccessPlan,
    pub(crate) predicate: Predicate,
}

impl Matcher {
    /// Loads and compiles a `match` list as a filter does; the problems are given one a line.
    pub(crate) fn new(json: &str) -> Result<Self, String> {
        let (named, env) = (AttributeMap::default(), |_: &str| None);
        let mut problems = Problems::default();
        let list: Vec<HttpMatch> = load(json.as_bytes(), &mut problems);
        let mut compiler = Compiler::new(&named, &env, problems);
        let predicate = compiler.when(&list, None, None, &At::root().field("rules").index(0));
        let shape = compiler.finish().map_err(|problems| problems.to_string())?;
        Ok(Self { shape, predicate })
    }

    /// Whether it certainly holds for a request with exactly these headers.
    pub(crate) fn holds(&self, headers: &[Header<'_>], host: &Host) -> bool {
        self.judge(headers, host) == Truth::True
    }

    /// What it says of a request with exactly these headers.
    pub(crate) fn judge(&self, headers: &[Header<'_>], host: &Host) -> Truth {
        let raw = encode_pairs(headers);
        let mut scratch = Scratch::default();
        scratch.read(&self.shape, &raw);
        self.predicate.judge(&Request::new(&self.shape, &raw, &scratch, host))
    }
}

/// A plain request, with these headers in place of its own or beside them.
pub(crate) fn request<'a>(headers: &[Header<'a>]) -> Vec<Header<'a>> {
    const PLAIN: [Header<'static>; 4] =
        [(":authority", b"shop.example.com"), (":path", b"/"), (":method", b"GET"), (":scheme", b"https")];
    let kept = PLAIN.iter().filter(|(name, _)| !headers.iter().any(|(other, _)| other == name));
    kept.copied().chain(headers.iter().copied()).collect()
}
