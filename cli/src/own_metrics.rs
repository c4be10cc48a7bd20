//! Weir's built-in metrics. The reference in `docs/` and the labels in a proxy's bootstrap are generated from
//! this list; a test compares it with the names that the filters define.

use weir_pipeline::Document;

/// The part of a configuration that switches a metric on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    /// None: every module has it.
    Any,
    Jwt,
    Experiments,
    Routing,
    Faults,
    /// `metrics.red`.
    Red,
    /// `metrics.goals`.
    Goals,
    Metrics,
}

/// What Prometheus calls the type of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// One metric.
#[derive(Debug)]
pub(crate) struct OwnMetric {
    pub(crate) section: Section,
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// By name.
    pub(crate) labels: &'static [&'static str],
    /// In words for people, as Markdown.
    pub(crate) meaning: &'static str,
}

impl Section {
    /// Whether a configuration has it.
    pub(crate) fn is_in(self, document: &Document) -> bool {
        match self {
            Self::Any => true,
            Self::Jwt => document.jwt.is_some(),
            Self::Experiments => document.experiments.is_some(),
            Self::Routing => document.routing.is_some(),
            Self::Faults => document.faults.is_some(),
            Self::Red => document.metrics.as_ref().is_some_and(|metrics| metrics.red.is_some()),
            Self::Goals => document.metrics.as_ref().is_some_and(|metrics| !metrics.goals.is_empty()),
            Self::Metrics => document.metrics.is_some(),
        }
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// The reference: a page for people.
pub(crate) fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for (section, title) in TITLES {
        page.push_str(&format!("\n## {title}\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n"));
        for metric in ALL.iter().filter(|metric| metric.section == section) {
            let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
            let OwnMetric { name, kind, meaning, .. } = metric;
            page.push_str(&format!("| `{name}` | {} | {} | {meaning} |\n", kind.name(), labels.join(", ")));
        }
    }
    page
}

const TITLES: [(Section, &str); 8] = [
    (Section::Jwt, "jwt"),
    (Section::Experiments, "experiments"),
    (Section::Routing, "routing"),
    (Section::Faults, "faults"),
    (Section::Red, "metrics.red"),
    (Section::Goals, "metrics.goals"),
    (Section::Metrics, "metrics"),
    (Section::Any, "Every module"),
];

const INTRODUCTION: &str = "\
# Built-in metrics

<!-- This page is generated: `make schema`. Its source is cli/src/own_metrics.rs. -->

Each section of a configuration adds the metrics listed under its name, in addition to those that you \
define in [`metrics.list`](metrics.md). Counters with labels from the configuration exist from the start, \
with 0; series with labels from traffic exist after their first increment.

Wasm metrics have no labels. The proxy's bootstrap must extract the labels below from metric names: [`weir \
render bootstrap`](cli.md#render-bootstrap) prints the settings for Envoy and Istio. Dots in names of \
experiments, variants and faults become `_` in labels.

Histograms have `_bucket`, `_sum` and `_count`, as usual in Prometheus.
";

const fn counter(
    section: Section,
    name: &'static str,
    labels: &'static [&'static str],
    meaning: &'static str,
) -> OwnMetric {
    OwnMetric { section, name, kind: Kind::Counter, labels, meaning }
}

const fn histogram(name: &'static str, labels: &'static [&'static str], meaning: &'static str) -> OwnMetric {
    OwnMetric { section: Section::Red, name, kind: Kind::Histogram, labels, meaning }
}

/// All of them, in the order of the reference.
pub(crate) const ALL: [OwnMetric; 45] = [
    counter(
        Section::Jwt,
        "weir_jwt_allowed_total",
        &["token"],
        "Admitted requests. `token` is `verified` if a signature was verified, `remembered` if all tokens \
         were cached, `none` without a token.",
    ),
    counter(Section::Jwt, "weir_jwt_denied_total", &["reason"], "Rejected requests, by reason."),
    counter(
        Section::Jwt,
        "weir_jwt_ignored_total",
        &["reason"],
        "Invalid tokens where a token was optional: the request proceeded without it.",
    ),
    counter(
        Section::Jwt,
        "weir_jwt_headers_omitted_total",
        &["reason"],
        "Omitted headers and filter state of claims: `unsafe` to write, or `too_long`.",
    ),
    counter(
        Section::Jwt,
        "weir_jwt_denied_remembered_total",
        &[],
        "Rejected requests with a token that was rejected less than a minute before, so that its signature \
         was not verified again. Included in `weir_jwt_denied_total`.",
    ),
    counter(Section::Jwt, "weir_jwt_waiting_total", &[], "Decisions to hold a request until keys arrive."),
    counter(
        Section::Jwt,
        "weir_jwt_undecided_total",
        &[],
        "Requests for which a rule or a requirement on claims [could not be \
         judged](security.md#what-cannot-be-judged): a value too long or not of its type, or an error in \
         CEL.",
    ),
    counter(
        Section::Jwt,
        "weir_jwt_jwks_fetches_total",
        &["provider", "result"],
        "Responses of key servers: `ok`, or `failed` for unusable ones. Each VM of a proxy fetches \
         separately.",
    ),
    OwnMetric {
        section: Section::Jwt,
        name: "weir_jwt_keys_timestamp_seconds",
        kind: Kind::Gauge,
        labels: &["provider"],
        meaning: "When keys came from the key server last, in seconds since 1970: for the last of the proxy's VMs.",
    },
    counter(
        Section::Experiments,
        "weir_exposures_total",
        &["experiment", "variant"],
        "**Units**: incremented when a variant is first stored in `assignmentCookie`, once per browser and \
         lifetime of the cookie.",
    ),
    counter(
        Section::Experiments,
        "weir_assignments_total",
        &["experiment", "variant"],
        "**Requests** that the hash assigned a variant, where units cannot be distinguished: without \
         `assignmentCookie`, or beyond the cookie's size.",
    ),
    counter(
        Section::Experiments,
        "weir_experiments_without_consent_total",
        &[],
        "Requests that the hash assigned a variant without [consent](experiment.md#cookies), so that they are \
         in no result.",
    ),
    counter(
        Section::Experiments,
        "weir_experiments_without_unit_total",
        &[],
        "Requests without a unit where one was needed.",
    ),
    counter(
        Section::Experiments,
        "weir_overrides_refused_total",
        &[],
        "Choices of a variant without a secret or a right signature, by clients that `allow` does not take.",
    ),
    counter(
        Section::Experiments,
        "weir_overrides_expired_total",
        &[],
        "Choices of a variant by a link, or a session of one, whose time was over.",
    ),
    counter(
        Section::Experiments,
        "weir_overrides_unknown_total",
        &[],
        "Allowed choices that named an experiment or a variant that there is not.",
    ),
    counter(
        Section::Experiments,
        "weir_experiments_undecided_total",
        &[],
        "Requests for which a condition [could not be judged](security.md#what-cannot-be-judged), so that \
         it did not hold.",
    ),
    counter(
        Section::Experiments,
        "weir_baggage_dropped_total",
        &[],
        "Requests whose `baggage` lost members.",
    ),
    counter(
        Section::Routing,
        "weir_routing_undecided_total",
        &[],
        "Requests for which a rule [could not be judged](security.md#what-cannot-be-judged), so that it \
         did not apply.",
    ),
    counter(
        Section::Routing,
        "weir_routing_without_key_total",
        &[],
        "Requests that reached a split without a key.",
    ),
    counter(Section::Faults, "weir_fault_delays_total", &["fault"], "Delayed requests."),
    counter(Section::Faults, "weir_fault_aborts_total", &["fault"], "Requests answered with an error."),
    counter(Section::Faults, "weir_fault_rate_limits_total", &["fault"], "Responses with limited bandwidth."),
    counter(Section::Faults, "weir_fault_responses_total", &["fault"], "Changed responses."),
    counter(
        Section::Faults,
        "weir_fault_overflows_total",
        &["fault"],
        "Faults not injected because `maxActive` requests were already held.",
    ),
    counter(
        Section::Faults,
        "weir_faults_undecided_total",
        &[],
        "Faults not injected because a condition [could not be judged](security.md#what-cannot-be-judged).",
    ),
    OwnMetric {
        section: Section::Faults,
        name: "weir_faults_active",
        kind: Kind::Gauge,
        labels: &["fault"],
        meaning: "Requests currently held by a delay.",
    },
    counter(
        Section::Red,
        "weir_requests_total",
        &["code_class", "route"],
        "Requests by the class of their response and by route. `code_class` is `none` without a response, \
         mostly because the client left.",
    ),
    histogram(
        "weir_request_duration_milliseconds",
        &["route"],
        "Time from a request's headers to the end of its response, by route.",
    ),
    counter(
        Section::Red,
        "weir_experiment_requests_total",
        &["code_class", "experiment", "variant"],
        "Requests that [count](experiment.md#what-counts) in an experiment, once for each experiment that they \
         take part in.",
    ),
    histogram(
        "weir_experiment_request_duration_milliseconds",
        &["experiment", "variant"],
        "Their durations.",
    ),
    counter(
        Section::Goals,
        "weir_conversions_total",
        &["experiment", "goal", "variant"],
        "**Units** that reached a goal after their exposure, each once. With `subBucket` also by `bucket`, like \
         all of these.",
    ),
    counter(
        Section::Goals,
        "weir_conversion_value_total",
        &["experiment", "goal", "variant"],
        "The sum of these units' values, where the goal has a `value`: a whole number, times its `scale`.",
    ),
    counter(
        Section::Goals,
        "weir_conversion_value_squares_total",
        &["experiment", "goal", "variant"],
        "The sum of the squares of these values.",
    ),
    counter(
        Section::Goals,
        "weir_goal_requests_total",
        &["experiment", "goal", "variant"],
        "**Requests** that reached a goal, where units cannot be distinguished: without `assignmentCookie`, or \
         for assignments that it had no room for.",
    ),
    counter(
        Section::Goals,
        "weir_goal_request_value_total",
        &["experiment", "goal", "variant"],
        "The sum of these requests' values.",
    ),
    counter(
        Section::Goals,
        "weir_goal_request_value_squares_total",
        &["experiment", "goal", "variant"],
        "The sum of the squares of these values.",
    ),
    counter(
        Section::Goals,
        "weir_goals_not_remembered_total",
        &[],
        "Goals that were reached and not counted, because the cookie had no room to remember them.",
    ),
    counter(
        Section::Metrics,
        "weir_metrics_undecided_total",
        &[],
        "Metrics and log lines for which a condition [could not be \
         judged](security.md#what-cannot-be-judged).",
    ),
    counter(
        Section::Metrics,
        "weir_metrics_overflow_total",
        &["label", "metric"],
        "Values of a label that became `other` because of its bound; `label` is `series` for combinations \
         beyond \
         `maxSeries`.",
    ),
    OwnMetric {
        section: Section::Any,
        name: "weir_config_hash",
        kind: Kind::Gauge,
        labels: &["plugin"],
        meaning: "A number of 48 bits for the configuration that the plugin runs; it changes when a configuration is \
                  accepted, and a rejected one leaves it. [`weir rollout`](rollout.md) waits for it; `weir rollout \
                  hash FILE` prints that of a file.",
    },
    OwnMetric {
        section: Section::Any,
        name: "weir_config_timestamp_seconds",
        kind: Kind::Gauge,
        labels: &["plugin"],
        meaning: "When the plugin accepted the configuration that it runs, in seconds since 1970: the last of its VMs.",
    },
    OwnMetric {
        section: Section::Any,
        name: "weir_config_refused_timestamp_seconds",
        kind: Kind::Gauge,
        labels: &["plugin"],
        meaning: "When the plugin refused a configuration last; absent if it never did. If it is later than \
                  `weir_config_timestamp_seconds`, the proxy runs an old configuration. A plugin that refused its \
                  first configuration has no metrics at all, and the native module does not have this one.",
    },
    OwnMetric {
        section: Section::Any,
        name: "weir_module_version",
        kind: Kind::Gauge,
        labels: &["plugin"],
        meaning: "The version of the module: 1002003 for 1.2.3. [`weir status`](cli.md#status) shows all of these.",
    },
    counter(
        Section::Any,
        "weir_responses_forgotten_total",
        &[],
        "Responses whose cookies and headers were not written, because too many requests were active.",
    ),
];
