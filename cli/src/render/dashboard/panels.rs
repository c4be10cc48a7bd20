//! The panels of the dashboard.

/// One panel.
#[derive(Debug)]
pub(super) struct Panel {
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    /// By Grafana's names.
    pub(super) unit: &'static str,
    /// PromQL, and the legend of what it finds.
    pub(super) queries: &'static [(&'static str, &'static str)],
}

/// Titles of rows with their panels.
pub(super) const ROWS: [(&str, &[Panel]); 5] = [
    ("Requests by route", REQUESTS),
    ("Experiments", EXPERIMENTS),
    ("Faults", FAULTS),
    ("Tokens", TOKENS),
    ("Health of Weir", HEALTH),
];

const VARIANT: &str = "{{experiment}}: {{variant}}";

const REQUESTS: &[Panel] = &[
    Panel {
        title: "Requests",
        description: "By route.",
        unit: "reqps",
        queries: &[(
            r#"sum by (route) (rate(weir_requests_total{route=~"$route"}[$__rate_interval]))"#,
            "{{route}}",
        )],
    },
    Panel {
        title: "Errors",
        description: "The part of requests that ended with 5xx, and of those that ended without a response.",
        unit: "percentunit",
        queries: &[
            (
                r#"sum by (route) (rate(weir_requests_total{route=~"$route",code_class="5xx"}[$__rate_interval])) / sum by (route) (rate(weir_requests_total{route=~"$route"}[$__rate_interval]))"#,
                "{{route}}: 5xx",
            ),
            (
                r#"sum by (route) (rate(weir_requests_total{route=~"$route",code_class="none"}[$__rate_interval])) / sum by (route) (rate(weir_requests_total{route=~"$route"}[$__rate_interval]))"#,
                "{{route}}: no response",
            ),
        ],
    },
    Panel {
        title: "Durations",
        description: "Median and 99th percentile.",
        unit: "ms",
        queries: &[
            (
                r#"histogram_quantile(0.5, sum by (route, le) (rate(weir_request_duration_milliseconds_bucket{route=~"$route"}[$__rate_interval])))"#,
                "{{route}}: p50",
            ),
            (
                r#"histogram_quantile(0.99, sum by (route, le) (rate(weir_request_duration_milliseconds_bucket{route=~"$route"}[$__rate_interval])))"#,
                "{{route}}: p99",
            ),
        ],
    },
];

const EXPERIMENTS: &[Panel] = &[
    Panel {
        title: "Requests by variant",
        description: "",
        unit: "reqps",
        queries: &[(
            r#"sum by (experiment, variant) (rate(weir_experiment_requests_total{experiment=~"$experiment"}[$__rate_interval]))"#,
            VARIANT,
        )],
    },
    Panel {
        title: "Errors by variant",
        description: "The part of requests that ended with 5xx.",
        unit: "percentunit",
        queries: &[(
            r#"sum by (experiment, variant) (rate(weir_experiment_requests_total{experiment=~"$experiment",code_class="5xx"}[$__rate_interval])) / sum by (experiment, variant) (rate(weir_experiment_requests_total{experiment=~"$experiment"}[$__rate_interval]))"#,
            VARIANT,
        )],
    },
    Panel {
        title: "99th percentile of durations by variant",
        description: "",
        unit: "ms",
        queries: &[(
            r#"histogram_quantile(0.99, sum by (experiment, variant, le) (rate(weir_experiment_request_duration_milliseconds_bucket{experiment=~"$experiment"}[$__rate_interval])))"#,
            VARIANT,
        )],
    },
    Panel {
        title: "Exposures",
        description: "Units that came into the experiment in the range that is shown.",
        unit: "short",
        queries: &[(
            r#"sum by (experiment, variant) (increase(weir_exposures_total{experiment=~"$experiment"}[$__range]))"#,
            VARIANT,
        )],
    },
    Panel {
        title: "Sample ratio mismatch",
        description: "Pearson's chi-squared of the last day, and the value above which it is no chance. Needs the \
                      recording rules, and those of `weir render rules`.",
        unit: "short",
        queries: &[
            (r#"experiment:weir_srm_chi2:increase1d{experiment=~"$experiment"}"#, "{{experiment}}"),
            (r#"weir_experiment_srm_critical{experiment=~"$experiment"}"#, "{{experiment}}: critical"),
        ],
    },
    Panel {
        title: "Conversions for each unit",
        description: "Of the last day, by goal. Needs the rules of `weir render rules`.",
        unit: "percentunit",
        queries: &[(
            r#"variant:weir_conversions:per_unit1d{experiment=~"$experiment"}"#,
            "{{goal}}, {{experiment}}: {{variant}}",
        )],
    },
];

const FAULTS: &[Panel] = &[
    Panel {
        title: "Injected",
        description: "By fault.",
        unit: "reqps",
        queries: &[
            ("sum by (fault) (rate(weir_fault_delays_total[$__rate_interval]))", "{{fault}}: delay"),
            ("sum by (fault) (rate(weir_fault_aborts_total[$__rate_interval]))", "{{fault}}: abort"),
            (
                "sum by (fault) (rate(weir_fault_rate_limits_total[$__rate_interval]))",
                "{{fault}}: rate limit",
            ),
            ("sum by (fault) (rate(weir_fault_responses_total[$__rate_interval]))", "{{fault}}: response"),
        ],
    },
    Panel {
        title: "Held by a delay",
        description: "Requests that wait now.",
        unit: "short",
        queries: &[("sum by (fault) (weir_faults_active)", "{{fault}}")],
    },
    Panel {
        title: "Left out",
        description: "Because of `maxActive`.",
        unit: "reqps",
        queries: &[("sum by (fault) (rate(weir_fault_overflows_total[$__rate_interval]))", "{{fault}}")],
    },
];

const TOKENS: &[Panel] = &[
    Panel {
        title: "Let through",
        description: "By whether a signature had to be verified.",
        unit: "reqps",
        queries: &[("sum by (token) (rate(weir_jwt_allowed_total[$__rate_interval]))", "{{token}}")],
    },
    Panel {
        title: "Refused",
        description: "By reason.",
        unit: "reqps",
        queries: &[("sum by (reason) (rate(weir_jwt_denied_total[$__rate_interval])) > 0", "{{reason}}")],
    },
    Panel {
        title: "Key servers",
        description: "Fetches of keys, and requests that waited for one.",
        unit: "reqps",
        queries: &[
            (
                "sum by (provider, result) (rate(weir_jwt_jwks_fetches_total[$__rate_interval]))",
                "{{provider}}: {{result}}",
            ),
            ("sum(rate(weir_jwt_waiting_total[$__rate_interval]))", "waiting"),
        ],
    },
];

const HEALTH: &[Panel] = &[
    Panel {
        title: "Labels beyond their bounds",
        description: "Values that became `other`.",
        unit: "cps",
        queries: &[(
            "sum by (metric, label) (rate(weir_metrics_overflow_total[$__rate_interval]))",
            "{{metric}}: {{label}}",
        )],
    },
    Panel {
        title: "Experiments: problems",
        description: "Requests without a unit, refused choices, baggage without room, responses without our cookies.",
        unit: "reqps",
        queries: &[
            ("sum(rate(weir_experiments_without_unit_total[$__rate_interval]))", "without unit"),
            ("sum(rate(weir_overrides_refused_total[$__rate_interval]))", "override refused"),
            ("sum(rate(weir_baggage_dropped_total[$__rate_interval]))", "baggage dropped"),
            ("sum(rate(weir_responses_forgotten_total[$__rate_interval]))", "response forgotten"),
        ],
    },
    Panel {
        title: "Wasm VMs",
        description: "Envoy's own count: one for each worker and module, and one for the main thread.",
        unit: "short",
        queries: &[("sum by (instance) (envoy_wasm_envoy_wasm_runtime_v8_active)", "{{instance}}")],
    },
];
