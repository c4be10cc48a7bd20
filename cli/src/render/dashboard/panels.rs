//! The panels of the dashboard. In queries `@by` are the labels that keep teams apart, and `@in` is the choice of
//! their values.

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
            r#"sum by (@by, route) (rate(weir_requests_total{@in,route=~"$route"}[$__rate_interval]))"#,
            "{{route}}",
        )],
    },
    Panel {
        title: "Errors",
        description: "The part of requests that ended with 5xx, and of those that ended without a response.",
        unit: "percentunit",
        queries: &[
            (
                r#"sum by (@by, route) (rate(weir_requests_total{@in,route=~"$route",code_class="5xx"}[$__rate_interval])) / sum by (@by, route) (rate(weir_requests_total{@in,route=~"$route"}[$__rate_interval]))"#,
                "{{route}}: 5xx",
            ),
            (
                r#"sum by (@by, route) (rate(weir_requests_total{@in,route=~"$route",code_class="none"}[$__rate_interval])) / sum by (@by, route) (rate(weir_requests_total{@in,route=~"$route"}[$__rate_interval]))"#,
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
                r#"histogram_quantile(0.5, sum by (@by, route, le) (rate(weir_request_duration_milliseconds_bucket{@in,route=~"$route"}[$__rate_interval])))"#,
                "{{route}}: p50",
            ),
            (
                r#"histogram_quantile(0.99, sum by (@by, route, le) (rate(weir_request_duration_milliseconds_bucket{@in,route=~"$route"}[$__rate_interval])))"#,
                "{{route}}: p99",
            ),
        ],
    },
];

const EXPERIMENTS: &[Panel] = &[
    Panel {
        title: "Requests by variant",
        description: "By experiment.",
        unit: "reqps",
        queries: &[(
            r#"sum by (@by, experiment, variant) (rate(weir_experiment_requests_total{@in,experiment=~"$experiment"}[$__rate_interval]))"#,
            VARIANT,
        )],
    },
    Panel {
        title: "Errors by variant",
        description: "The part of requests that ended with 5xx.",
        unit: "percentunit",
        queries: &[(
            r#"sum by (@by, experiment, variant) (rate(weir_experiment_requests_total{@in,experiment=~"$experiment",code_class="5xx"}[$__rate_interval])) / sum by (@by, experiment, variant) (rate(weir_experiment_requests_total{@in,experiment=~"$experiment"}[$__rate_interval]))"#,
            VARIANT,
        )],
    },
    Panel {
        title: "99th percentile of durations by variant",
        description: "By experiment.",
        unit: "ms",
        queries: &[(
            r#"histogram_quantile(0.99, sum by (@by, experiment, variant, le) (rate(weir_experiment_request_duration_milliseconds_bucket{@in,experiment=~"$experiment"}[$__rate_interval])))"#,
            VARIANT,
        )],
    },
    Panel {
        title: "Exposures",
        description: "Units that came into the experiment in the range that is shown.",
        unit: "short",
        queries: &[(
            r#"sum by (@by, experiment, variant) (increase(weir_exposures_total{@in,experiment=~"$experiment"}[$__range]))"#,
            VARIANT,
        )],
    },
    Panel {
        title: "Sample ratio mismatch",
        description: "Pearson's chi-squared of the last day, and the value above which it is no chance. Needs the \
                      recording rules, and those of `weir render rules`.",
        unit: "short",
        queries: &[
            (r#"experiment:weir_srm_chi2:increase1d{@in,experiment=~"$experiment"}"#, "{{experiment}}"),
            (r#"weir_experiment_srm_critical{@in,experiment=~"$experiment"}"#, "{{experiment}}: critical"),
        ],
    },
    Panel {
        title: "Conversions for each unit",
        description: "Of the last day, by goal. Needs the rules of `weir render rules`.",
        unit: "percentunit",
        queries: &[(
            r#"variant:weir_conversions:per_unit1d{@in,experiment=~"$experiment"}"#,
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
            (
                "sum by (@by, fault) (rate(weir_fault_delays_total{@in}[$__rate_interval]))",
                "{{fault}}: delay",
            ),
            (
                "sum by (@by, fault) (rate(weir_fault_aborts_total{@in}[$__rate_interval]))",
                "{{fault}}: abort",
            ),
            (
                "sum by (@by, fault) (rate(weir_fault_rate_limits_total{@in}[$__rate_interval]))",
                "{{fault}}: rate limit",
            ),
            (
                "sum by (@by, fault) (rate(weir_fault_responses_total{@in}[$__rate_interval]))",
                "{{fault}}: response",
            ),
        ],
    },
    Panel {
        title: "Held by a delay",
        description: "Requests that wait now.",
        unit: "short",
        queries: &[("sum by (@by, fault) (weir_faults_active{@in})", "{{fault}}")],
    },
    Panel {
        title: "Left out",
        description: "Because of `maxActive`.",
        unit: "reqps",
        queries: &[(
            "sum by (@by, fault) (rate(weir_fault_overflows_total{@in}[$__rate_interval]))",
            "{{fault}}",
        )],
    },
];

const TOKENS: &[Panel] = &[
    Panel {
        title: "Let through",
        description: "By whether a signature had to be verified.",
        unit: "reqps",
        queries: &[(
            "sum by (@by, token) (rate(weir_jwt_allowed_total{@in}[$__rate_interval]))",
            "{{token}}",
        )],
    },
    Panel {
        title: "Refused",
        description: "By reason.",
        unit: "reqps",
        queries: &[(
            "sum by (@by, reason) (rate(weir_jwt_denied_total{@in}[$__rate_interval])) > 0",
            "{{reason}}",
        )],
    },
    Panel {
        title: "Key servers",
        description: "Fetches of keys, and requests that waited for one.",
        unit: "reqps",
        queries: &[
            (
                "sum by (@by, provider, result) (rate(weir_jwt_jwks_fetches_total{@in}[$__rate_interval]))",
                "{{provider}}: {{result}}",
            ),
            ("sum by (@by) (rate(weir_jwt_waiting_total{@in}[$__rate_interval]))", "waiting"),
        ],
    },
];

const HEALTH: &[Panel] = &[
    Panel {
        title: "Labels beyond their bounds",
        description: "Values that became `other`.",
        unit: "cps",
        queries: &[(
            "sum by (@by, metric, label) (rate(weir_metrics_overflow_total{@in}[$__rate_interval]))",
            "{{metric}}: {{label}}",
        )],
    },
    Panel {
        title: "Experiments: problems",
        description: "Requests without a unit, refused choices, baggage without room, responses without our cookies.",
        unit: "reqps",
        queries: &[
            (
                "sum by (@by) (rate(weir_experiments_without_unit_total{@in}[$__rate_interval]))",
                "without unit",
            ),
            ("sum by (@by) (rate(weir_overrides_refused_total{@in}[$__rate_interval]))", "override refused"),
            ("sum by (@by) (rate(weir_baggage_dropped_total{@in}[$__rate_interval]))", "baggage dropped"),
            (
                "sum by (@by) (rate(weir_responses_forgotten_total{@in}[$__rate_interval]))",
                "response forgotten",
            ),
        ],
    },
    Panel {
        title: "Configurations",
        description: "How many different ones the proxies run. More than one: some did not take a change.",
        unit: "short",
        queries: &[(
            r#"count by (@by, plugin) (count_values by (@by, plugin) ("hash", weir_config_hash{@in}))"#,
            "{{plugin}}",
        )],
    },
    Panel {
        title: "Refused configurations",
        description: "By Envoy's own count: of filters that came by ECDS, as from Istio, and of listeners, as from Envoy \
                      Gateway; of new proxies, all that they have counted.",
        unit: "short",
        queries: &[
            (
                r#"sum by (@by, filter) (increase(label_replace({__name__=~"envoy_extension_config_discovery_http_filter_.+_config_fail",@in}, "filter", "$1", "__name__", "envoy_extension_config_discovery_http_filter_(.+)_config_fail")[$__range:1m])) > 0 or sum by (@by, filter) (label_replace({__name__=~"envoy_extension_config_discovery_http_filter_.+_config_fail",@in}, "filter", "$1", "__name__", "envoy_extension_config_discovery_http_filter_(.+)_config_fail") unless label_replace({__name__=~"envoy_extension_config_discovery_http_filter_.+_config_fail",@in} offset $__range, "filter", "$1", "__name__", "envoy_extension_config_discovery_http_filter_(.+)_config_fail"))"#,
                "{{filter}}",
            ),
            (
                "sum by (@by) (increase(envoy_listener_manager_lds_update_rejected{@in}[$__range])) > 0 or sum by (@by) (envoy_listener_manager_lds_update_rejected{@in} unless envoy_listener_manager_lds_update_rejected{@in} offset $__range)",
                "listener",
            ),
        ],
    },
    Panel {
        title: "Wasm VMs",
        description: "Envoy's own count: one for each worker and module, and one for the main thread.",
        unit: "short",
        queries: &[("sum by (@by, instance) (envoy_wasm_envoy_wasm_runtime_v8_active{@in})", "{{instance}}")],
    },
];
