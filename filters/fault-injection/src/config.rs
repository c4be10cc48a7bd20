//! The `faults` section as it is written.
//!
//! Reading refuses only what has the wrong type or an unknown name. Everything else, and what is
//! missing, is found when the plan is made, so that all of it is reported together.

mod delay;
mod gate;
mod sampling;

pub use delay::{Delay, Exponential, LogNormal, Normal, Pareto, Uniform};
pub use gate::{HeaderControl, KillSwitch, Ramp, Window};
pub use sampling::{Rolls, Sampling, Sticky};

use crate::percentage::Percentage;
use crate::status::GrpcStatus;
use serde::Serialize;
use weir_core::Load;
use weir_core::OrderedMap;
use weir_core::attribute::PathSpec;
use weir_core::targeting::{AnyVariant, Targeting};

/// `faults`: delays, aborts and response faults.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Faults"))]
pub struct Config(
    /// The faults in order. For each kind (delay, abort, rate limit, response), the first fault that fires
    /// applies.
    pub Vec<Fault>,
);

/// One fault. Istio's HTTPFaultInjection (the `fault:` of a VirtualService) is valid without changes.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fault {
    /// The fault's unique name: letters, digits, `-`, `_` and `.`. Default: `fault-` and its position in the
    /// list, starting at 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which requests.
    #[serde(flatten)]
    pub targeting: Targeting,
    /// Variants that the request must have: the key of an experiment, and its variant or a list of variants.
    /// Without a section `experiments`, they are read from the filter state that an earlier plugin set.
    /// Default: none.
    #[serde(skip_serializing_if = "OrderedMap::is_empty")]
    pub variant: OrderedMap<AnyVariant>,
    /// Only requests that the route sends to one of these clusters. Default: all.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<String>"))]
    pub upstream_cluster: Vec<String>,
    /// Only requests of these callers, by the header `x-envoy-downstream-service-node`. Default: all.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<String>"))]
    pub downstream_nodes: Vec<String>,
    /// Only requests on routes whose metadata lists the fault's name, or `*`, at this path: the filter's name
    /// first, then the keys. Names are separated by `,`. Default: all routes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_metadata: Option<PathSpec>,
    /// Delays requests before they are forwarded. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Box<Delay>>,
    /// Answers requests with an error instead of forwarding them. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abort: Option<Box<Abort>>,
    /// Limits the bandwidth of responses. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_rate_limit: Option<RateLimit>,
    /// Changes responses. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<Box<ResponseFault>>,
    /// Whether each request is drawn separately (`random`), or always the same units are hit (`sticky`).
    /// Default: `random`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampling: Option<Sampling>,
    /// How the kinds of this fault depend on each other.
    pub rolls: Rolls,
    /// When it is active. Default: always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Box<Window>>,
    /// How its percentages change over time, from the start of `window` on. Default: constant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ramp: Option<Box<Ramp>>,
    /// Maximum number of requests that its delay holds at once, per worker thread of the proxy. At the limit
    /// nothing of this fault is injected, and `weir_fault_overflows_total` counts such requests. Default:
    /// unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_active: Option<u32>,
    /// Switches that disable it. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kill_switch: Option<Box<KillSwitch>>,
    /// Faults that clients request with Envoy's headers `x-envoy-fault-*`. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_control: Option<Box<HeaderControl>>,
}

/// An error in the place of an upstream's answer. With both statuses, clients of gRPC, gRPC-Web and Connect get
/// `grpcStatus` and all others `httpStatus`.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Abort {
    /// The HTTP status, 200 to 599. gRPC clients get the corresponding gRPC status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// The gRPC status by name or number, such as `UNAVAILABLE` or 14, for clients of gRPC, gRPC-Web and
    /// Connect. Other clients get the HTTP status that goes with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grpc_status: Option<GrpcStatus>,
    /// The percentage of requests. Required, unless `percent` is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentage: Option<Percentage>,
    /// The percentage as a plain number from 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<f64>,
    /// Headers of the response. Default: none.
    #[serde(skip_serializing_if = "OrderedMap::is_empty")]
    pub headers: OrderedMap<String>,
    /// The body; with a gRPC status it is the message. Default: `fault filter abort`, and none with a status that
    /// has no body (204, 205, 304).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body's content type. Default: `text/plain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

/// A bandwidth limit of responses.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "ResponseRateLimit"))]
pub struct RateLimit {
    /// Bandwidth limit of the body in KiB per second, as Envoy's option of this name; at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_kbps: Option<u64>,
    /// The percentage of requests. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentage: Option<Percentage>,
}

/// Changes of responses, including those of the proxy itself, but not those of `abort`.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResponseFault {
    /// The percentage of requests. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentage: Option<Percentage>,
    /// The HTTP status in place of the upstream's, 200 to 599. With 204, 205 and 304 the body is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Response headers to set; the upstream's headers of the same names are replaced. Default: none.
    #[serde(skip_serializing_if = "OrderedMap::is_empty")]
    pub set_headers: OrderedMap<String>,
    /// Response headers to remove. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove_headers: Vec<String>,
    /// How the body is changed. Default: unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyFault>,
}

/// How a response's body is changed: specify exactly one.
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
