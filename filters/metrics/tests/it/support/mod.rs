//! A section, measured without a proxy.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::indexing_slicing, reason = "tests stop where they fail")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use weir_core::header::encode_pairs;
use weir_core::ids::{CelId, ExperimentId};
use weir_core::{
    AccessPlan, At, AttributeMap, Compiler, Effects, HostServices, OwnedHeader, Problems, Request, Scratch,
    load,
};
use weir_metrics::{Config, Kind, Level, Measured, Plan, Registry, ResponseView};

/// A clock that is set by hand, and properties.
#[derive(Default)]
pub(crate) struct Host {
    random: Cell<u64>,
    pub(crate) now: Cell<u64>,
    pub(crate) clock_calls: Cell<u32>,
}

impl HostServices for Host {
    fn property(&self, path: &[u8]) -> Option<Box<[u8]>> {
        (path == b"filter_state\0wasm.weir.remote").then(|| Box::from(*b"b"))
    }
    fn cel(&self, _: CelId) -> Option<bool> {
        None
    }
    fn random(&self) -> u64 {
        // Knuth's multiplier spreads the counter over all bits.
        self.random.set(self.random.get() + 1);
        self.random.get().wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
    fn now(&self) -> u64 {
        self.now.get()
    }
}

/// The metrics of a proxy, as Envoy keeps them: every definition has a new id, names are shared.
#[derive(Default)]
pub(crate) struct Proxy {
    defined: RefCell<Vec<(Kind, String)>>,
    pub(crate) values: RefCell<BTreeMap<String, i64>>,
    pub(crate) recorded: RefCell<BTreeMap<String, Vec<u64>>>,
    pub(crate) refuses: Cell<bool>,
    pub(crate) calls: Cell<u32>,
}

impl Registry for Proxy {
    fn define(&self, kind: Kind, name: &str) -> Option<u32> {
        self.calls.set(self.calls.get() + 1);
        if self.refuses.get() {
            return None;
        }
        let mut defined = self.defined.borrow_mut();
        defined.push((kind, name.to_owned()));
        self.values.borrow_mut().entry(name.to_owned()).or_default();
        Some(defined.len() as u32 - 1)
    }
    fn increment(&self, id: u32, by: i64) {
        self.calls.set(self.calls.get() + 1);
        let (kind, name) = &self.defined.borrow()[id as usize];
        assert!(*kind == Kind::Gauge && by != 0 || *kind == Kind::Counter && by > 0, "{name} {by}");
        let mut values = self.values.borrow_mut();
        let value = values.get_mut(name).unwrap();
        *value += by;
        assert!(*value >= 0, "{name} is below zero");
    }
    fn record(&self, id: u32, value: u64) {
        self.calls.set(self.calls.get() + 1);
        let (kind, name) = &self.defined.borrow()[id as usize];
        assert_ne!(*kind, Kind::Counter, "{name}");
        if *kind == Kind::Gauge {
            self.values.borrow_mut().insert(name.clone(), value as i64);
        } else {
            self.recorded.borrow_mut().entry(name.clone()).or_default().push(value);
        }
    }
}

impl Proxy {
    /// How many definitions there were, and of how many names.
    pub(crate) fn defined(&self) -> (usize, usize) {
        (self.defined.borrow().len(), self.values.borrow().len())
    }

    /// Everything that is not zero, as text.
    pub(crate) fn shown(&self) -> Vec<String> {
        let mut all: Vec<String> = self
            .values
            .borrow()
            .iter()
            .filter(|(_, value)| **value != 0)
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        all.extend(self.recorded.borrow().iter().map(|(name, values)| format!("{name} {values:?}")));
        all
    }
}

/// How a request ended. Asking for something twice is a mistake.
#[derive(Default)]
pub(crate) struct End<'e> {
    pub(crate) status: Option<u16>,
    pub(crate) headers: Vec<(&'e str, &'e str)>,
    pub(crate) trailers: Vec<(&'e str, &'e str)>,
    pub(crate) properties: Vec<(&'e str, Vec<u8>)>,
    pub(crate) now: u64,
    pub(crate) asked: RefCell<Vec<String>>,
    pub(crate) lines: RefCell<Vec<(Level, String)>>,
}

impl End<'_> {
    fn ask(&self, what: &str, name: &[u8]) {
        let question = format!("{what}{}", String::from_utf8_lossy(name).replace('\0', "."));
        let mut asked = self.asked.borrow_mut();
        assert!(!asked.contains(&question), "{question} twice");
        asked.push(question);
    }
}

fn find<'a>(all: &'a [(&str, &str)], name: &[u8]) -> Option<&'a [u8]> {
    all.iter().find(|(known, _)| known.as_bytes() == name).map(|(_, value)| value.as_bytes())
}

impl ResponseView for End<'_> {
    fn status(&self) -> Option<u16> {
        self.ask("status", b"");
        self.status
    }
    fn response_header(&self, name: &[u8]) -> Option<Box<[u8]>> {
        self.ask("header ", name);
        find(&self.headers, name).map(Box::from)
    }
    fn response_trailer(&self, name: &[u8]) -> Option<Box<[u8]>> {
        self.ask("trailer ", name);
        find(&self.trailers, name).map(Box::from)
    }
    fn property(&self, path: &[u8]) -> Option<Box<[u8]>> {
        self.ask("property ", path);
        let path = String::from_utf8(path.to_vec()).unwrap().replace('\0', ".");
        self.properties.iter().find(|(known, _)| *known == path).map(|(_, value)| value.clone().into())
    }
    fn now(&self) -> u64 {
        self.ask("now", b"");
        self.now
    }
    fn log(&self, level: Level, line: &str) {
        self.lines.borrow_mut().push((level, line.to_owned()));
    }
}

pub(crate) struct Lab {
    pub(crate) shape: AccessPlan,
    pub(crate) plan: Plan,
    pub(crate) host: Host,
    pub(crate) proxy: Proxy,
    experiments: Vec<ExperimentId>,
    route: Option<OwnedHeader>,
}

/// Attributes of the tests.
const ATTRIBUTES: &str = r#"{"plan": "header:x-plan", "items": {"header": "x-items", "type": "number"},
    "beta": {"header": "x-beta", "type": "boolean"}}"#;

impl Lab {
    /// Without experiments or headers of other sections.
    pub(crate) fn new(section: &str) -> Result<Self, String> {
        Self::with(section, &[])
    }

    /// With experiments of two variants, `a` and `b.1`, and a header `x-weir-route` of its own.
    pub(crate) fn with(section: &str, experiments: &[&str]) -> Result<Self, String> {
        let mut problems = Problems::default();
        let config: Config = load(section.as_bytes(), &mut problems);
        let named: AttributeMap = load(ATTRIBUTES.as_bytes(), &mut problems);
        let env = |name: &str| (name == "SECRET").then(|| "a secret for tests only".to_owned());
        let mut compiler = Compiler::new(&named, &env, problems);
        let variants = || vec!["a".to_owned(), "b.1".to_owned()];
        let experiments: Vec<ExperimentId> =
            experiments.iter().map(|key| compiler.experiment(key, variants())).collect();
        let route = compiler.own_header("x-weir-route", &At::root());
        let plan = Plan::compile(&config, &mut compiler, &At::root().field("metrics"));
        let shape = compiler.finish().map_err(|problems| problems.to_string())?;
        Ok(Self { shape, plan, host: Host::default(), proxy: Proxy::default(), experiments, route })
    }

    /// The beginning of a request; `variants` by experiment.
    pub(crate) fn start(&self, headers: &[(&str, &[u8])], variants: &[Option<u16>]) -> Option<Measured> {
        let (raw, mut scratch) = (encode_pairs(headers), Scratch::default());
        scratch.read(&self.shape, &raw);
        let request = Request::new(&self.shape, &raw, &scratch, &self.host);
        let mut effects = Effects::default();
        effects.reset(&self.shape);
        for (experiment, variant) in self.experiments.iter().zip(variants) {
            if let Some(variant) = variant {
                request.assign(*experiment, *variant);
            }
        }
        if let Some(route) = self.route {
            let made = effects.make(|out| out.extend_from_slice(b"v2"));
            effects.set(route, made);
        }
        let now = || {
            self.host.clock_calls.set(self.host.clock_calls.get() + 1);
            self.host.now.get()
        };
        self.plan.start(&request, &effects, now, &self.proxy)
    }

    /// A whole request.
    pub(crate) fn serve(&self, headers: &[(&str, &[u8])], variants: &[Option<u16>], end: &End<'_>) {
        if let Some(measured) = self.start(headers, variants) {
            self.plan.end(measured, end, &self.proxy);
        }
    }
}

/// An end with a status and nothing else.
pub(crate) fn status(status: u16) -> End<'static> {
    End { status: Some(status), ..End::default() }
}

/// The pseudo-headers of a request.
pub(crate) fn request<'a>(method: &'a str, path: &'a str) -> Vec<(&'a str, &'a [u8])> {
    vec![(":method", method.as_bytes()), (":path", path.as_bytes()), (":authority", b"shop.example")]
}
