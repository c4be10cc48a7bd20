//! What a case expects.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::value::{Expected, Pattern, ValueOrMatch};

/// What is expected of an exchange. What is not mentioned is not looked at.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Expect {
    /// What the upstream got.
    pub upstream: Option<ExpectUpstream>,
    /// What the client got.
    pub response: Option<ExpectResponse>,
    /// Each must be found in a line of the log, `[level] message`.
    pub log: Vec<Pattern>,
    /// None may be found in the log.
    pub nolog: Vec<Pattern>,
    /// By how much counters went up and how many samples histograms got, where gauges stand.
    pub metrics: BTreeMap<String, ExpectMetric>,
    /// How long the exchange took, in milliseconds.
    pub elapsed_ms: Option<Range>,
    /// What the module may spend. Only the mini host can see it.
    pub budget: Option<Budget>,
}

/// What is expected to reach the upstream.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectUpstream {
    /// Whether the request reaches an upstream at all. Default: it does.
    pub reached: bool,
    /// Which upstream answered: v1, v2 or canary. Only Envoy has routes.
    pub name: Option<String>,
    /// The host.
    pub host: Option<String>,
    /// Path and query.
    pub path: Option<String>,
    /// Headers.
    pub headers: BTreeMap<String, Expected>,
    /// Trailers.
    pub trailers: BTreeMap<String, Expected>,
}

impl Default for ExpectUpstream {
    fn default() -> Self {
        Self {
            reached: true,
            name: None,
            host: None,
            path: None,
            headers: BTreeMap::new(),
            trailers: BTreeMap::new(),
        }
    }
}

/// What is expected to reach the client.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectResponse {
    /// Whether the stream is reset, so that the client gets no whole response. Default: it is not.
    pub reset: bool,
    /// The status.
    pub status: Option<u16>,
    /// Headers.
    pub headers: BTreeMap<String, Expected>,
    /// The whole body.
    pub body: Option<ValueOrMatch>,
    /// Trailers.
    pub trailers: BTreeMap<String, Expected>,
}

/// What is expected of a metric.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum ExpectMetric {
    /// By how much a counter went up, how many samples a histogram got, where a gauge stands.
    Number(i64),
    /// The samples that a histogram got, in any order.
    Samples(Vec<u64>),
}

/// From `min` to `max`, both included.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The least.
    #[serde(default)]
    pub min: u64,
    /// The most. Only the mini host looks at it: its clock does not depend on the machine.
    pub max: Option<u64>,
}

/// What an exchange may cost once the plugin is warm.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Exactly these calls of imported functions, in all phases together; those not named, never.
    pub hostcalls: Option<BTreeMap<String, u64>>,
    /// At most so much fuel, in all phases together.
    pub fuel: Option<u64>,
}

impl Expect {
    /// Whether something is expected that all requests of a proxy share: its log or its metrics.
    pub fn is_about_all(&self) -> bool {
        !self.log.is_empty() || !self.nolog.is_empty() || !self.metrics.is_empty()
    }

    /// Whether the client must not get a response.
    pub(crate) fn is_reset(&self) -> bool {
        self.response.as_ref().is_some_and(|response| response.reset)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.upstream.is_none()
            && self.response.is_none()
            && self.log.is_empty()
            && self.nolog.is_empty()
            && self.metrics.is_empty()
            && self.elapsed_ms.is_none()
            && self.budget.is_none()
    }
}
