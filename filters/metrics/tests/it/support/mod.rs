//! A section, measured without a proxy.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::indexing_slicing, reason = "tests stop where they fail")]

use std::cell::Cell;
use weir_core::header::encode_pairs;
use weir_core::ids::ExperimentId;
use weir_core::{
    AccessPlan, At, AttributeMap, Compiler, Effects, OwnedHeader, Problems, Request, Scratch, load,
};
use weir_metrics::{Config, Measured, Plan};
pub(crate) use weir_testkit::Response;
use weir_testkit::{MetricStore, Services};

pub(crate) struct Lab {
    pub(crate) access_plan: AccessPlan,
    pub(crate) plan: Plan,
    pub(crate) host: Services,
    /// How often the clock was asked.
    pub(crate) clock_calls: Cell<u32>,
    pub(crate) proxy: MetricStore,
    experiments: Vec<ExperimentId>,
    route: Option<OwnedHeader>,
}

/// Attributes of the tests.
const ATTRIBUTES: &str = r#"{"plan": "header:x-plan", "items": {"header": "x-items", "type": "number"},
    "beta": {"header": "x-beta", "type": "boolean"}}"#;

impl Lab {
    /// Without experiments or headers of other sections.
    pub(crate) fn new(section: &str) -> Result<Self, Problems> {
        Self::with(section, &[])
    }

    /// With experiments of two variants, `a` and `b.1`, and a header `x-weir-route` of its own.
    pub(crate) fn with(section: &str, experiments: &[&str]) -> Result<Self, Problems> {
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
        let access_plan = compiler.finish()?;
        let host = Services::with(&[("filter_state.wasm.weir.remote", b"b".as_slice())]);
        let (clock_calls, proxy) = (Cell::default(), MetricStore::default());
        Ok(Self { access_plan, plan, host, clock_calls, proxy, experiments, route })
    }

    /// The beginning of a request; `variants` by experiment.
    pub(crate) fn start(&self, headers: &[(&str, &[u8])], variants: &[Option<u16>]) -> Option<Measured> {
        let (raw, mut scratch) = (encode_pairs(headers), Scratch::default());
        scratch.read(&self.access_plan, &raw);
        let request = Request::new(&self.access_plan, &raw, &scratch, &self.host);
        let mut effects = Effects::default();
        effects.reset(&self.access_plan);
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
            self.clock_calls.set(self.clock_calls.get() + 1);
            self.host.now.get()
        };
        self.plan.start(&request, &effects, now, &self.proxy)
    }

    /// A whole request.
    pub(crate) fn serve(&self, headers: &[(&str, &[u8])], variants: &[Option<u16>], end: &Response<'_>) {
        if let Some(measured) = self.start(headers, variants) {
            self.plan.end(measured, end, &self.proxy);
        }
    }
}

/// An end with a status and nothing else.
pub(crate) fn status(status: u16) -> Response<'static> {
    Response { status: Some(status), ..Response::default() }
}

/// The pseudo-headers of a request.
pub(crate) fn request<'a>(method: &'a str, path: &'a str) -> Vec<(&'a str, &'a [u8])> {
    vec![(":method", method.as_bytes()), (":path", path.as_bytes()), (":authority", b"shop.example")]
}
