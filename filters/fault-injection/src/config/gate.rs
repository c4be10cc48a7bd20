//! When faults are active, their kill switches, and the clients that may request them, as written.

use crate::percentage::Percentage;
use serde::Serialize;
use weir_core::Load;
use weir_core::attribute::PathSpec;
use weir_core::targeting::Targeting;

/// When a fault is active. Times are in RFC 3339 format, such as `2026-03-01T14:00:00Z`.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "FaultWindow"))]
pub struct Window {
    /// The start time. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// The end time. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
}

/// A linear change of percentages over time.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "FaultRamp"))]
pub struct Ramp {
    /// The fraction of each percentage at the start of `window`. Default: 0 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Percentage>,
    /// The fraction of each percentage at the end of the ramp, and afterwards. Default: 100 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Percentage>,
    /// The duration of the ramp, such as `10m`.
    pub over: String,
}

/// Switches for a fault. Each of them disables it.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KillSwitch {
    /// An environment variable of the VM, read at start; any value except `0`, `false`, `no` and `off`
    /// disables the fault. The variable `WEIR_FAULTS_OFF` disables all faults, without being named here.
    /// Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// A request header, with any value, on requests that match `allow`. It is removed before the request is
    /// forwarded. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The requests whose `header` is accepted. Required with `header`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Targeting>,
    /// A value of the selected route's metadata that disables the fault if it is true: the filter's name
    /// first, then the keys. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_metadata: Option<PathSpec>,
}

/// Faults that clients request with Envoy's headers `x-envoy-fault-delay-request` (milliseconds),
/// `-abort-request` (HTTP status), `-abort-grpc-request` (gRPC status), `-throughput-response` (KiB/s), and
/// their `-percentage`. The headers are removed from all requests.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HeaderControl {
    /// Required: the requests whose headers are accepted, such as those of peers by their certificates
    /// (`sourcePrincipals`). The headers of all other requests are removed and have no effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Targeting>,
    /// The percentage of requests that are delayed as their header requests. A header can request a lower
    /// percentage, never a higher one. Default: that of the fault's `delay`, or 100 % without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Percentage>,
    /// The same for aborts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abort: Option<Percentage>,
    /// The same for slow responses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throughput: Option<Percentage>,
    /// Maximum delay that a header can request. Default: `5m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_delay: Option<String>,
    /// Whether accepted headers are forwarded to the upstream, for the next proxy.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub forward: bool,
}
