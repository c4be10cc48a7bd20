//! How long requests wait, as it is written.

use crate::percentage::Percentage;
use serde::Serialize;
use weir_core::Load;

/// A time for which requests wait: exactly one of a fixed time and a distribution. Durations are written as
/// Envoy and Istio write them, such as `5s` or `250ms`.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "FaultDelay"))]
pub struct Delay {
    /// Always the same time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_delay: Option<String>,
    /// Every time between two is as likely as any other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uniform: Option<Uniform>,
    /// The normal distribution. What would be below zero is no delay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normal: Option<Normal>,
    /// The log-normal distribution, which real latencies look like: few are long, and these are very long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lognormal: Option<LogNormal>,
    /// The exponential distribution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exponential: Option<Exponential>,
    /// The Pareto distribution, whose tail is heavier still.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pareto: Option<Pareto>,
    /// The longest delay: what is drawn above it is this long. For `normal`, `lognormal`, `exponential` and
    /// `pareto` it is `5m` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<String>,
    /// The percentage of requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentage: Option<Percentage>,
    /// The percentage as a plain number from 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<f64>,
}

/// Every time between two is as likely as any other.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Uniform {
    /// The shortest.
    pub min: String,
    /// The longest.
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
    /// The median by its other name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50: Option<String>,
    /// The standard deviation of the logarithm, above 0 and up to 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sigma: Option<f64>,
    /// What one delay of a hundred exceeds.
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
    /// The shortest.
    pub min: String,
    /// How fast the tail falls, from 0.1 to 100: the part of delays above x is (min / x) to the power of this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,
}
