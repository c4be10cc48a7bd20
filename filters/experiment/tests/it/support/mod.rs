//! A section, decided without a proxy.
#![allow(dead_code, unused_macros, reason = "each test file uses its own part")]
#![allow(clippy::indexing_slicing, reason = "tests stop where they fail")]

use weir_core::effect::HeaderValue;
use weir_core::header::encode_pairs;
use weir_core::{
    AccessPlan, At, AttributeMap, Compiler, Effects, OrderedMap, Problems, Request, Scratch, load,
};
use weir_experiment::{Config, Note, Plan, Step, Verdict};
use weir_testkit::Services;

/// The time at which nothing else is said: 2026-03-01T00:00:00Z.
pub(crate) const NOW: u64 = 1_772_323_200_000_000_000;

/// The secret of the tests.
pub(crate) const SECRET: &str = "a secret for tests only";

pub(crate) struct Lab {
    pub(crate) access_plan: AccessPlan,
    pub(crate) plan: Plan,
    pub(crate) host: Services,
}

/// What was decided, in texts.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Decided {
    /// Headers that are written, by name.
    pub(crate) headers: Vec<(String, String)>,
    /// Headers that stay as they were sent.
    pub(crate) kept: Vec<String>,
    pub(crate) states: Vec<(String, String)>,
    pub(crate) response: Vec<(String, String)>,
    pub(crate) counts: Vec<String>,
    /// `key: step step… [variant]`.
    pub(crate) steps: Vec<(String, Step, Verdict)>,
}

impl Decided {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The variant of an experiment by its header.
    pub(crate) fn variant(&self, key: &str) -> Option<&str> {
        self.header(&format!("x-weir-experiment-{key}"))
    }

    /// The value of a cookie that the response sets.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let set = self.response.iter().filter(|(header, _)| header == "set-cookie");
        let mut pairs = set.filter_map(|(_, value)| value.split(';').next()?.split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The last step about an experiment.
    pub(crate) fn last(&self, key: &str) -> Option<(&'static str, Verdict)> {
        let mut own = self.steps.iter().filter(|(k, ..)| k == key);
        own.next_back().map(|(_, step, verdict)| (step.name(), *verdict))
    }

    pub(crate) fn steps_of(&self, key: &str) -> Vec<&'static str> {
        self.steps.iter().filter(|(k, ..)| k == key).map(|(_, step, _)| step.name()).collect()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Lab {
    /// The section's JSON, or all problems.
    pub(crate) fn new(section: &str) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let document: OrderedMap<Config> =
            load(format!("{{\"experiments\": {section}}}").as_bytes(), &mut problems);
        let config = document.get("experiments").cloned().unwrap_or_default();
        let named = AttributeMap::default();
        let env = |name: &str| (name == "WEIR_SECRET").then(|| SECRET.to_owned());
        let mut compiler = Compiler::new(&named, &env, problems);
        let plan = Plan::compile(&config, &mut compiler, &At::root().field("experiments"));
        let access_plan = compiler.finish()?;
        let host = Services::at(NOW);
        Ok(Self { access_plan, plan, host })
    }

    pub(crate) fn decide(&self, headers: &[(&str, &str)]) -> Decided {
        let headers: Vec<(&str, &[u8])> = headers.iter().map(|(n, v)| (*n, v.as_bytes())).collect();
        self.decide_bytes(&headers)
    }

    pub(crate) fn decide_bytes(&self, headers: &[(&str, &[u8])]) -> Decided {
        let (raw, mut scratch) = (encode_pairs(headers), Scratch::default());
        scratch.read(&self.access_plan, &raw);
        let request = Request::new(&self.access_plan, &raw, &scratch, &self.host);
        let mut effects = Effects::default();
        effects.reset(&self.access_plan);
        let mut steps = Vec::new();
        let mut trace =
            |note: Note<'_>| steps.push((note.experiment.key().to_owned(), note.step, note.verdict));
        self.plan.decide_traced(&request, &mut effects, &mut trace);
        let given = |given: HeaderValue| effects.bytes(given, &self.access_plan).map(text);
        let set = || self.access_plan.owned.iter().zip(&effects.headers);
        let states = effects.states.iter().map(|(state, value)| {
            (self.access_plan.states[state.index()].clone(), given(*value).unwrap_or_default())
        });
        Decided {
            headers: set().filter_map(|(owned, value)| Some((owned.name.clone(), given(*value)?))).collect(),
            kept: set()
                .filter(|(_, g)| **g == HeaderValue::AsSent)
                .map(|(owned, _)| owned.name.clone())
                .collect(),
            states: states.collect(),
            response: effects.response.iter().map(|h| (h.name.to_string(), text(&h.value))).collect(),
            counts: effects.counts.iter().map(|c| self.access_plan.counters[c.index()].clone()).collect(),
            steps,
        }
    }

    /// The variant of a user by the header of an experiment.
    pub(crate) fn user(&self, id: &str, key: &str) -> Option<String> {
        self.decide(&[("x-user-id", id)]).variant(key).map(str::to_owned)
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
