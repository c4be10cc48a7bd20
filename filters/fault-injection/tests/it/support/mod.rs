//! A section, decided without a proxy.
#![allow(dead_code, unused_macros, reason = "each test file uses its own part")]
#![allow(clippy::indexing_slicing, reason = "tests stop where they fail")]

use weir_core::effect::HeaderValue;
use weir_core::header::encode_pairs;
use weir_core::{
    AccessPlan, At, AttributeMap, Compiler, Disposition, Effects, OrderedMap, Problems, Reply, Request,
    Scratch, load,
};
use weir_fault_injection::{Config, Plan};
use weir_testkit::Services;

/// The time at which nothing else is said: 2026-03-01T00:00:00Z.
pub(crate) const NOW: u64 = 1_772_323_200_000_000_000;

/// A second in nanoseconds.
pub(crate) const SECOND: u64 = 1_000_000_000;

pub(crate) struct Lab {
    pub(crate) access_plan: AccessPlan,
    pub(crate) plan: Plan,
    pub(crate) host: Services,
}

/// What was decided, in texts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Decided {
    /// In nanoseconds.
    pub(crate) delay: Option<u64>,
    /// The delay's rule.
    pub(crate) mark: Option<u16>,
    pub(crate) abort: Option<Reply>,
    pub(crate) response: Option<u16>,
    /// Without `fault=.=`, so `checkout:weir_fault_delays_total`.
    pub(crate) counts: Vec<String>,
    pub(crate) reason: Option<String>,
    /// Owned headers that stay as they were sent.
    pub(crate) kept: Vec<String>,
}

impl Decided {
    pub(crate) fn status(&self) -> Option<u16> {
        self.abort.as_ref().map(|reply| reply.status)
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.delay.is_none() && self.abort.is_none() && self.response.is_none() && self.counts.is_empty()
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Lab {
    /// The section's JSON, or all problems.
    pub(crate) fn new(section: &str) -> Result<Self, Problems> {
        Self::with_env(section, &|_| None)
    }

    pub(crate) fn with_env(section: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let document: OrderedMap<Config> =
            load(format!("{{\"faults\": {section}}}").as_bytes(), &mut problems);
        let config = document.get("faults").cloned().unwrap_or_default();
        let named = AttributeMap::default();
        let mut compiler = Compiler::new(&named, env, problems);
        let plan = Plan::compile(&config, &mut compiler, &At::root().field("faults"));
        let access_plan = compiler.finish()?;
        let host = Services::at(NOW);
        host.random.set(Some(1));
        host.cel.set(Some(true));
        Ok(Self { access_plan, plan, host })
    }

    pub(crate) fn decide(&self, headers: &[(&str, &str)]) -> Decided {
        let (raw, mut scratch) = (encode_pairs(headers), Scratch::default());
        scratch.read(&self.access_plan, &raw);
        let request = Request::new(&self.access_plan, &raw, &scratch, &self.host);
        let mut effects = Effects::default();
        effects.reset(&self.access_plan);
        self.plan.decide(&request, &mut effects);
        self.told(&mut effects)
    }

    fn told(&self, effects: &mut Effects) -> Decided {
        let mut decided = Decided { response: effects.response_mark, ..Decided::default() };
        match std::mem::take(&mut effects.disposition) {
            Disposition::Delay(delay) => {
                decided.delay = Some(delay.nanoseconds);
                decided.mark = Some(delay.mark);
                decided.abort = delay.then.map(|reply| *reply);
            }
            Disposition::Reply(reply) => decided.abort = Some(*reply),
            Disposition::On | Disposition::Hold(_) => {}
        }
        let plain = |name: &String| name.replace("fault=.=", "").replace(";.;", ":");
        decided.counts =
            effects.counts.iter().map(|c| plain(&self.access_plan.counters[c.index()])).collect();
        let mut states = effects.states.iter().map(|(state, value)| {
            assert_eq!(self.access_plan.states[state.index()], "fault");
            effects.bytes(*value, &self.access_plan).map(text).unwrap_or_default()
        });
        decided.reason = states.next();
        assert_eq!(states.next(), None);
        let set = self.access_plan.owned.iter().zip(&effects.headers);
        decided.kept =
            set.filter(|(_, g)| **g == HeaderValue::AsSent).map(|(owned, _)| owned.name.clone()).collect();
        decided
    }

    /// Takes what the host was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.host.asked()
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
