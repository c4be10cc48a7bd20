//! The `metrics` section as it is written.
//!
//! Reading refuses only what has the wrong type or an unknown name. Everything else, and what is
//! missing, is found when the plan is made, so that all of it is reported together.

use crate::encoding::Style;
use crate::label::LabelSpec;
use crate::status::Statuses;
use serde::Serialize;
use weir_cookie::SecretSpec;
use weir_core::Load;
use weir_core::attribute::PathSpec;
use weir_core::http_match::{HttpMatch, StringMatch};
use weir_core::{Named, SourceSpec};

/// `metrics`: what is counted, measured and logged.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Metrics"))]
pub struct Config {
    /// How labels are written into the names that the proxy keeps: `tags` (the default) or `istio`.
    pub style: Style,
    /// The metrics that everybody wants: requests, errors and durations, by route and by variant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub red: Option<Red>,
    /// Metrics of your own, at most 56.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub list: Vec<Metric>,
    /// A line of JSON in the proxy's log for some of the requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_log: Option<AccessLog>,
}

/// Rate, errors and durations: `{}` switches all of them on.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Red {
    /// Whether requests are told apart by route; true when absent. It costs a property of the proxy, about
    /// 11.5k instructions a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<bool>,
    /// Whether durations are measured; true when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<bool>,
    /// Whether the same is measured for each variant of each experiment; true when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiments: Option<bool>,
    /// The upper bounds of the durations' buckets, in milliseconds; used by `weir render bootstrap`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<f64>,
}

/// One metric.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Metric {
    /// Its name: letters, digits and `_`, not starting with `weir_`. Several definitions may share a name
    /// when they have the same type and the same labels.
    pub name: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: MetricType,
    /// Its labels, at most 8.
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub labels: Named<LabelSpec>,
    /// Experiments by whose variants it is told apart, with the labels `experiment` and `variant`: keys, or
    /// `*` for all of this configuration. A request counts once for each of them that it takes part in.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<String>"))]
    pub experiments: Vec<String>,
    /// What is added, set or recorded: 1 for a counter and the number of active requests for a gauge when
    /// absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<ValueSpec>,
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
    /// Which responses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<ResponseMatch>,
    /// When it is measured; `end` when absent, and both for active requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
    /// The upper bounds of a histogram's buckets; used by `weir render bootstrap`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<f64>,
    /// How many combinations of label values each worker keeps, 1 to 10000; 1000 when absent. All others
    /// are one, with `other` in every label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_series: Option<u32>,
}

/// The type of a metric.
#[derive(Clone, Copy, Debug, Default, Load, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum MetricType {
    /// It only goes up.
    #[default]
    Counter,
    /// It goes up and down.
    Gauge,
    /// The distribution of a value.
    Histogram,
}

/// When something is measured.
#[derive(Clone, Copy, Debug, Default, Load, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum When {
    /// When the request's headers are there; nothing is known of the response.
    Request,
    /// When all is over, whatever the end was: a response, a reset, a client that left.
    #[default]
    End,
}

/// A value: exactly one way of these.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ValueSpec {
    /// Always this number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constant: Option<u64>,
    /// The time from the request's headers to the end, in this unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<TimeUnit>,
    /// The bytes of a body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Body>,
    /// A number in the request. What is no number, or below 0, is not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceSpec>,
    /// A response header with a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_header: Option<String>,
    /// An Envoy attribute with a number, read at the end, such as `upstream.request_attempt_count`. Those
    /// that are durations are in nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_property: Option<PathSpec>,
    /// With any of them: divides by this number; rounded to the nearest whole number.
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

/// Which responses: those for which all that is given holds.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResponseMatch {
    /// HTTP statuses: a number, a class such as `2xx`, a range such as `500-504`, or a list of these.
    #[serde(skip_serializing_if = "Statuses::is_empty")]
    pub status: Statuses,
    /// gRPC statuses, 0 to 16: a number, a range, or a list of these.
    #[serde(skip_serializing_if = "Statuses::is_empty")]
    pub grpc_status: Statuses,
    /// Response headers by name. `{}` asks only that the header is there.
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub headers: Named<StringMatch>,
}

/// A line of JSON in the proxy's log. No header is in it but those that you name.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccessLog {
    /// The part of all requests that is logged, such as `1%`; all of them when absent. Requests of one trace
    /// (`traceparent`) are logged together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<String>,
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
    /// Which responses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<ResponseMatch>,
    /// Path templates for the field `path`, as for labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub templates: Vec<String>,
    /// Writes the path itself (without its query), which may hold what identifies people.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub raw_path: bool,
    /// Whether the route's name is written; true when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<bool>,
    /// Further fields, defined as labels are.
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub fields: Named<LabelSpec>,
    /// A field `unit` that tells units apart without naming them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<HashedUnit>,
    /// The level of the lines; `warn` when absent, because Istio's proxies write nothing below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
}

/// A unit that is not written itself: the first half of the HMAC-SHA256 of it.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HashedUnit {
    /// What identifies a unit: the first source that the request has, and that is not empty, counts.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<SourceSpec>"))]
    pub source: Vec<SourceSpec>,
    /// The secret without which nobody can find out whose hash it is.
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
