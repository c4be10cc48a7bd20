//! The `metrics` section as it is written.
//!
//! Reading refuses only what has the wrong type or an unknown name. Everything else, and what is
//! missing, is found when the plan is made, so that all of it is reported together.

use crate::encoding::Style;
use crate::label::{LabelSpec, SubBucket};
use crate::status::Statuses;
use serde::Serialize;
use weir_cookie::SecretSpec;
use weir_core::Load;
use weir_core::attribute::PathSpec;
use weir_core::http_match::StringMatch;
use weir_core::targeting::Targeting;
use weir_core::{OrderedMap, SourceSpec};

/// `metrics`: counters, gauges, histograms, access log.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Metrics"))]
pub struct Config {
    /// How labels are encoded in metric names: `tags` or `istio`.
    pub style: Style,
    /// Standard metrics: requests, errors and durations, by route and by variant. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub red: Option<Red>,
    /// Custom metrics, at most 56. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub list: Vec<Metric>,
    /// Goals of experiments, at most 16: what units are meant to do. Each is counted once a unit. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub goals: Vec<Goal>,
    /// A line of JSON in the proxy's log for selected requests. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_log: Option<AccessLog>,
}

/// Rate, errors and durations: `{}` enables all of them.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Red {
    /// Whether metrics have a label `route`. It needs a property of the proxy, about 11.5k instructions per
    /// request. Default: `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<bool>,
    /// Whether durations are measured. Default: `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<bool>,
    /// Whether the same metrics exist for each variant of each experiment. Default: `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiments: Option<bool>,
    /// Upper bounds of the buckets of durations, in milliseconds; used by `weir render bootstrap`. Default:
    /// Envoy's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<f64>,
}

/// One metric.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Metric {
    /// Its name: letters, digits and `_`, not starting with `weir_`. Several definitions may share a name if
    /// they have the same type and labels.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: MetricType,
    /// Its labels, at most 8. Default: none.
    #[serde(skip_serializing_if = "OrderedMap::is_empty")]
    pub labels: OrderedMap<LabelSpec>,
    /// Experiments that add the labels `experiment` and `variant`: keys, or `*` for all of this
    /// configuration. A request counts once for each of them that it takes part in. Default: none.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<String>"))]
    pub experiments: Vec<String>,
    /// The value to add, set or record. Default: 1 for a counter, the number of active requests for a gauge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<ValueSpec>,
    /// Which requests.
    #[serde(flatten)]
    pub targeting: Targeting,
    /// Which responses. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<ResponseMatch>,
    /// When it is measured. Default: `end`, and both for active requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
    /// Upper bounds of a histogram's buckets; used by `weir render bootstrap`. Default: Envoy's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<f64>,
    /// Maximum number of combinations of label values per worker, 1 to 10000. Further combinations share one
    /// series, with `other` in every label. Default: 1000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_series: Option<u32>,
}

/// A goal of experiments. It is reached at the headers of a response.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Goal {
    /// Its unique name, the value of the label `goal`: letters, digits, `-` and `_`, at most 32.
    pub name: String,
    /// The experiments whose units have this goal: keys, or `*` for all of this configuration. Default: `*`.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<String>"))]
    pub experiments: Vec<String>,
    /// Which requests.
    #[serde(flatten)]
    pub targeting: Targeting,
    /// Which responses, by status and headers. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<ResponseMatch>,
    /// What reaching it is worth, such as revenue: its sum and the sum of its squares are counted. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<GoalValue>,
    /// Divides the goal's metrics by parts of all units, in the label `bucket`; for all goals, or for none. Default:
    /// none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_bucket: Option<SubBucket>,
}

/// The value of a goal, a whole number of at most 33554431; larger ones count as this. Specify exactly one source.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GoalValue {
    /// A response header with a number. A response without one, or with one below 0, adds nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_header: Option<String>,
    /// The time from the request's headers to the response's, in this unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<TimeUnit>,
    /// With `responseHeader`: the number is multiplied by this, 1 to 1000000, and rounded, because counters hold whole
    /// numbers. `100` counts 12.99 as 1299. Default: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<u32>,
}

/// The type of a metric.
#[derive(Clone, Copy, Debug, Default, Load, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum MetricType {
    /// A value that only increases.
    #[default]
    Counter,
    /// A value that increases and decreases.
    Gauge,
    /// The distribution of a value.
    Histogram,
}

/// When something is measured.
#[derive(Clone, Copy, Debug, Default, Load, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum When {
    /// At the request's headers; the response is not available.
    Request,
    /// When the request ends for any reason: a response, a reset, a client that left.
    #[default]
    End,
}

/// A value: specify exactly one source.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ValueSpec {
    /// A constant number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constant: Option<u64>,
    /// The time from the request's headers to the end, in this unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<TimeUnit>,
    /// The size of a body in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Body>,
    /// A number in the request. Negative and invalid numbers are not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceSpec>,
    /// A response header with a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_header: Option<String>,
    /// An Envoy attribute with a number, read at the end, such as `upstream.request_attempt_count`. Durations
    /// are in nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_property: Option<PathSpec>,
    /// With any source: divides by this number, rounded to the nearest whole number. Default: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub divide_by: Option<u64>,
}

/// A unit of time.
#[derive(Clone, Copy, Debug, Load, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum TimeUnit {
    /// 1/1 000 000 of a second.
    Microseconds,
    /// 1/1000 of a second.
    Milliseconds,
    /// A second.
    Seconds,
}

/// A body.
#[derive(Clone, Copy, Debug, Load, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Body {
    /// The request's.
    Request,
    /// The response's.
    Response,
}

/// Which responses: all given tests must pass.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResponseMatch {
    /// HTTP statuses: a number, a class such as `2xx`, a range such as `500-504`, or a list of these.
    /// Default: all.
    #[serde(skip_serializing_if = "Statuses::is_empty")]
    pub status: Statuses,
    /// gRPC statuses, 0 to 16: a number, a range, or a list of these. Default: all.
    #[serde(skip_serializing_if = "Statuses::is_empty")]
    pub grpc_status: Statuses,
    /// Response headers by name. `{}` only requires that the header is present. Default: none.
    #[serde(skip_serializing_if = "OrderedMap::is_empty")]
    pub headers: OrderedMap<StringMatch>,
}

/// A line of JSON in the proxy's log. It contains only the headers that you name.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccessLog {
    /// The fraction of all requests to log, such as `1%`. Requests of one trace (`traceparent`) are logged
    /// together. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<String>,
    /// Which requests.
    #[serde(flatten)]
    pub targeting: Targeting,
    /// Which responses. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<ResponseMatch>,
    /// Path templates for the field `path`, as for labels. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub templates: Vec<String>,
    /// Writes the path itself (without its query), which may contain personal data.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub raw_path: bool,
    /// Whether the route's name is written. Default: `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<bool>,
    /// Further fields, defined like labels. Default: none.
    #[serde(skip_serializing_if = "OrderedMap::is_empty")]
    pub fields: OrderedMap<LabelSpec>,
    /// A field `unit` that distinguishes units without identifying them. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<HashedUnit>,
    /// The level of the lines. Default: `warn`, because Istio's proxies write nothing below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
}

/// A pseudonymous unit: the first half of its HMAC-SHA256.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HashedUnit {
    /// Sources of the unit; the first non-empty source wins.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<SourceSpec>"))]
    pub source: Vec<SourceSpec>,
    /// The secret of the HMAC; without it the hash cannot be traced to a unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretSpec>,
}

/// The level of a line in the proxy's log.
#[derive(Clone, Copy, Debug, Default, Load, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Level {
    /// For information.
    Info,
    /// A warning.
    #[default]
    Warn,
}

impl From<Level> for log::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
        }
    }
}
