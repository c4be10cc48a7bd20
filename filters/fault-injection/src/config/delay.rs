//! How long requests wait, as it is written.

use crate::percentage::Percentage;
use serde::Serialize;
use weir_core::Load;

/// How long requests are delayed: specify either a fixed time or one distribution. Durations have the format
/// of Envoy and Istio, such as `5s` or `250ms`.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "FaultDelay"))]
pub struct Delay {
    /// A constant delay. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_delay: Option<String>,
    /// The uniform distribution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uniform: Option<Uniform>,
    /// The normal distribution. Negative values count as zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normal: Option<Normal>,
    /// The log-normal distribution, typical of real latencies: few are long, and these are very long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lognormal: Option<LogNormal>,
    /// The exponential distribution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exponential: Option<Exponential>,
    /// The Pareto distribution, with an even heavier tail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pareto: Option<Pareto>,
    /// Maximum delay; longer draws are cut to it. Default: `5m` for `normal`, `lognormal`, `exponential` and
    /// `pareto`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<String>,
    /// The percentage of requests. Required, unless `percent` is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentage: Option<Percentage>,
    /// The percentage as a plain number from 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<f64>,
}

/// The uniform distribution.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Uniform {
    /// The minimum.
    pub min: String,
    /// The maximum.
    pub max: String,
}

/// The normal distribution.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Normal {
    /// The mean.
    pub mean: String,
    /// The standard deviation.
    pub stddev: String,
}

/// The log-normal distribution, by its median and either `sigma` or `p99`.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LogNormal {
    /// The median.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median: Option<String>,
    /// The same as `median`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50: Option<String>,
    /// The standard deviation of the logarithm, above 0 and up to 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sigma: Option<f64>,
    /// The 99th percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99: Option<String>,
}

/// The exponential distribution.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Exponential {
    /// The mean.
    pub mean: String,
}

/// The Pareto distribution.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pareto {
    /// The minimum.
    pub min: String,
    /// The shape, from 0.1 to 100: the fraction of delays above x is (min / x) to the power of `alpha`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,
}
