//! A small complete filter: it greets users in a header of the request.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]

mod config;
mod decide;
mod plan;

pub use config::Config;
pub use decide::Decision;
pub use plan::Plan;

use weir_host::header::Pairs;
use weir_host::{Disposition, Edit, HeaderMap, Host, MetricId, MetricKind, Plugin, Refusal, Served};

/// A configured plugin: the plan, and what the proxy gave for it.
pub struct Hello {
    plan: Plan,
    greeted: Option<MetricId>,
}

impl<H: Host> Plugin<H> for Hello {
    const NAME: &'static str = "hello";
    const MAY_HOLD: bool = false;
    type Kept = ();
    type Workspace = ();

    fn configure(host: &H, configuration: &[u8]) -> Result<Self, Refusal> {
        let plan = Plan::load(configuration).map_err(Refusal::new)?;
        Ok(Self { plan, greeted: host.define_metric(MetricKind::Counter, "hello_greeted_total") })
    }

    fn on_request_headers(&self, host: &H, (): &mut (), _held_for: u64) -> Served<()> {
        let headers = host.request_pairs();
        let Decision { greeting, forged } = self.plan.decide(Pairs::new(&headers));
        let edit = match &greeting {
            Some(greeting) if forged => Some(Edit::Replace(greeting)),
            Some(greeting) => Some(Edit::Add(greeting)),
            None => forged.then_some(Edit::Remove),
        };
        if let Some(edit) = edit {
            host.edit(HeaderMap::Request, &self.plan.header, edit);
        }
        if let (Some(_), Some(counter)) = (&greeting, self.greeted) {
            host.increment(counter, 1);
        }
        Disposition::On.into()
    }
}

weir_host::entry! { plugin: Hello, banner: "hello", callbacks: [request_headers] }
