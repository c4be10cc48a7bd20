//! The `faults` section as it is written.
//!
//! Reading refuses only what has the wrong type or an unknown name. Everything else, and what is
//! missing, is found when the plan is made, so that all of it is reported together.

mod delay;
mod gate;
mod sampling;

pub use delay::{Delay, Exponential, LogNormal, Normal, Pareto, Uniform};
pub use gate::{HeaderControl, KillSwitch, Operators, Ramp, Window};
pub use sampling::{Rolls, Sampling, Sticky};

use crate::percentage::Percentage;
use crate::status::GrpcStatus;
use serde::Serialize;
use weir_core::Load;
use weir_core::Named;
use weir_core::attribute::PathSpec;
use weir_core::http_match::HttpMatch;

/// `faults`: what goes wrong, for whom and how often.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Faults"))]
pub struct Config(
    /// The faults in order. Of each kind (delay, abort, rate limit, response) a request gets the first that
    /// fires.
    pub Vec<Fault>,
);

/// One fault. Istio's HTTPFaultInjection, the `fault:` of a VirtualService, is one as it stands.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fault {
    /// The fault's name, unique: letters, digits, `-`, `_` and `.`. `fault-0` for the first of the list when
    /// absent, and so on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which requests: Istio's HTTPMatchRequest, or a list of them of which one must match.
    #[load(one_or_many)]
    #[serde(rename = "match", skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<HttpMatch>"))]
    pub http_match: Vec<HttpMatch>,
    /// Which requests: a GrowthBook condition over attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<serde_json::Value>,
    /// Which requests: a CEL expression over Envoy's attributes, which the proxy evaluates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cel: Option<String>,
    /// Variants that the request must have been given: the key of an experiment, and its variant or a list of
    /// variants. Without a section `experiments` it is what an earlier plugin left in filter state.
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub variant: Named<AnyVariant>,
    /// Only requests that the route sends to this cluster, or to one of these.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<String>"))]
    pub upstream_cluster: Vec<String>,
    /// Only requests of these callers, by what they send as `x-envoy-downstream-service-node`.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<String>"))]
    pub downstream_nodes: Vec<String>,
    /// Only requests on routes whose metadata has the fault's name, or `*`, at this place: the filter's name
    /// first, then the keys. Several names stand there with `,` between them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_metadata: Option<PathSpec>,
    /// Requests wait before they go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Delay>,
    /// Requests are answered with an error, and do not go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abort: Option<Abort>,
    /// Responses come slowly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_rate_limit: Option<RateLimit>,
    /// Responses are changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<ResponseFault>,
    /// Whether each request is drawn anew (`random`, which is also what happens when absent), or the same units
    /// are hit again and again (`sticky`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampling: Option<Sampling>,
    /// How the kinds of this fault hang together.
    pub rolls: Rolls,
    /// When it is on; always when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// How its percentages grow or fall with time, from the start of `window` on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ramp: Option<Ramp>,
    /// How many requests may be held by its delay at once, on each worker thread of the proxy. While there are
    /// as many, nothing of this fault is injected, and `weir_fault_overflows_total` counts what was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_active: Option<u32>,
    /// What switches it off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kill_switch: Option<KillSwitch>,
    /// Faults that callers ask for by Envoy's headers `x-envoy-fault-*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_control: Option<HeaderControl>,
}

/// One variant of an experiment, or a list of which one will do.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(inline))]
pub struct AnyVariant(
    #[load(one_or_many)]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<String>"))]
    pub Vec<String>,
);

/// An error in the place of an upstream's answer. With both statuses, clients of gRPC, gRPC-Web and Connect get
/// `grpcStatus` and all others `httpStatus`.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Abort {
    /// The HTTP status, 200 to 599. A gRPC client gets the gRPC status that goes with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// The gRPC status by name or number, such as `UNAVAILABLE` or 14, for clients of gRPC, gRPC-Web and
    /// Connect. Other clients get the HTTP status that goes with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grpc_status: Option<GrpcStatus>,
    /// The percentage of requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentage: Option<Percentage>,
    /// The percentage as a plain number from 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<f64>,
    /// Headers of the answer.
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub headers: Named<String>,
    /// The body; with a gRPC status it is the message. Default: `fault filter abort`, and none with a status that
    /// has no body (204, 205, 304).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body's type, `text/plain` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

/// How slowly responses come.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "ResponseRateLimit"))]
pub struct RateLimit {
    /// The most that the body may have in a second, in KiB, as Envoy's option of this name; 1 or more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_kbps: Option<u64>,
    /// The percentage of requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentage: Option<Percentage>,
}

/// What is changed in responses, of the upstream as of the proxy itself; not in answers of `abort`.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResponseFault {
    /// The percentage of requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentage: Option<Percentage>,
    /// The HTTP status in place of the upstream's, 200 to 599. With 204, 205 and 304 the body is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Response headers to set; a header of this name that the upstream sent is replaced.
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub set_headers: Named<String>,
    /// Response headers to remove.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove_headers: Vec<String>,
    /// What is done to the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyFault>,
}

/// What is done to a response's body: exactly one of the two.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BodyFault {
    /// It is replaced by this text. What told of the old one goes: `content-encoding`, `etag`, `last-modified`,
    /// `content-range`, `accept-ranges` and digests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replace: Option<String>,
    /// It ends after so many bytes. Of the headers only `content-length` goes, as in a transfer that breaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncate: Option<u64>,
}
