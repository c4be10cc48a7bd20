//! When faults are on, what switches them off, and who may ask for them, as it is written.

use crate::percentage::Percentage;
use serde::Serialize;
use weir_core::Load;
use weir_core::attribute::PathSpec;
use weir_core::http_match::HttpMatch;

/// When a fault is on. Times as RFC 3339 has them, such as `2026-03-01T14:00:00Z`.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "FaultWindow"))]
pub struct Window {
    /// When it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// When it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
}

/// How percentages change with time: in a straight line from one part of themselves to another.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "FaultRamp"))]
pub struct Ramp {
    /// The part of each percentage at the start of `window`; nothing when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Percentage>,
    /// The part of each percentage at the end of the ramp, and from then on; all of it when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Percentage>,
    /// How long the way takes, such as `10m`.
    pub over: String,
}

/// What switches a fault off. Each alone does it.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KillSwitch {
    /// An environment variable of the VM that is set to anything but `0`, `false`, `no` or `off`, read at start.
    /// The variable `WEIR_FAULTS_OFF` does this for all faults, without being named here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// A request header, with any value, on requests that `allow` lets pass. It is removed before a request goes
    /// on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Whose `header` counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Operators>,
    /// A value of the selected route's metadata that is true: the filter's name first, then the keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_metadata: Option<PathSpec>,
}

/// Faults that callers ask for by Envoy's headers `x-envoy-fault-delay-request` (milliseconds),
/// `-abort-request` (HTTP status), `-abort-grpc-request` (gRPC status), `-throughput-response` (KiB/s), and
/// their `-percentage`. The headers are removed from all requests.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HeaderControl {
    /// Whose headers count. Those of all others are removed, and nothing else is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Operators>,
    /// The percentage of requests that are delayed as their header asks; that of the fault's `delay` when
    /// absent, and all when it has none. A header can ask for less, never for more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Percentage>,
    /// The same for aborts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abort: Option<Percentage>,
    /// The same for slow responses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throughput: Option<Percentage>,
    /// The longest delay that a header can ask for; `5m` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_delay: Option<String>,
    /// Whether the headers of those who are allowed go on to the upstream, for the next proxy.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub forward: bool,
}

/// Who may: those whose requests are such that all that is given holds.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Operators {
    /// Istio's HTTPMatchRequest, or a list of them of which one must match; `sourcePrincipals` names peers by
    /// their certificates.
    #[load(one_or_many)]
    #[serde(rename = "match", skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<HttpMatch>"))]
    pub http_match: Vec<HttpMatch>,
    /// A GrowthBook condition over attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<serde_json::Value>,
    /// A CEL expression over Envoy's attributes, which the proxy evaluates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cel: Option<String>,
}
