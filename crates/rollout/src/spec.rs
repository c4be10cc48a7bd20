//! What users write. Reading refuses types and unknown names; all else is [`crate::plan`]'s matter.
//!
//! ```
//! use weir_core::{OrderedMap, Problems};
//! use weir_rollout::spec::{
//!     CheckSpec, DeadlineSpec, GateSpec, KindSpec, MetricsSpec, PartSpec, ResourceSpec, Spec, StepSpec, Target,
//!     WorseSpec,
//! };
//! use weir_rollout::{OnDeadline, Plan};
//!
//! // A rollout that a program makes. People write the same as YAML or JSON.
//! let resource = ResourceSpec { kind: Some(KindSpec::WasmPlugin), name: Some("weir".into()), ..Default::default() };
//! let orders = GateSpec {
//!     check: Some(CheckSpec::Goal),
//!     metric: Some("orders_total".into()),
//!     worse: Some(WorseSpec::Lower),
//!     tolerance: Some(PartSpec(0.02)),
//!     ..Default::default()
//! };
//! let spec = Spec {
//!     target: Target { kubernetes: Some(resource), experiment: Some("checkout".into()), ..Target::default() },
//!     steps: vec![
//!         StepSpec { coverage: Some(PartSpec(0.1)), hold: Some("1h".into()), ..StepSpec::default() },
//!         StepSpec { weights: Some(OrderedMap::from([("new", 1.0), ("old", 0.0)])), ..StepSpec::default() },
//!     ],
//!     gates: Some(vec![orders]),
//!     on_deadline: Some(DeadlineSpec::Rollback),
//!     metrics: MetricsSpec { matchers: vec![r#"namespace="shop""#.into()] },
//!     ..Spec::default()
//! };
//! let plan = Plan::compile(&spec, Problems::default())?;
//! assert_eq!((&*plan.steps[1].name, &*plan.gates[0].name), ("weights new 1, old 0", "goal orders_total"));
//! assert_eq!(plan.on_deadline, OnDeadline::Rollback);
//! # Ok::<(), Problems>(())
//! ```

use serde::Serialize;
use weir_core::load::Node;
use weir_core::{Load, OrderedMap, Problems};

/// A rollout: what is released, in which steps, and what must hold meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Load, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(title = "Weir rollout", rename = "Rollout"))]
pub struct Spec {
    /// What is released, and where its configuration is.
    pub target: Target,
    /// The steps, in order; at least one.
    pub steps: Vec<StepSpec>,
    /// What must hold before the next step; one that fails rolls back at once. Default: for an experiment `srm`,
    /// `errors` and `latency`, for a split none.
    pub gates: Option<Vec<GateSpec>>,
    /// The probability, for each gate, that none of its judgements in the whole rollout is wrong, however often it is
    /// evaluated. Default: 99.9%.
    pub confidence: Option<PartSpec>,
    /// How long the rollout may take from its start. Default: no limit.
    pub deadline: Option<String>,
    /// What happens at the deadline: `hold` stays at the step and needs a person, `rollback` rolls back. A gate that
    /// fails after the deadline rolls back in both cases. Default: hold.
    pub on_deadline: Option<DeadlineSpec>,
    /// Time between two evaluations of `weir rollout run`. Default: 15s.
    pub interval: Option<String>,
    /// How Prometheus measures.
    pub metrics: MetricsSpec,
    /// An `http` or `https` URL that gets each event as JSON in a POST request. Default: none.
    pub webhook: Option<String>,
}

/// What is released.
#[derive(Clone, Debug, Default, PartialEq, Load, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "RolloutTarget"))]
pub struct Target {
    /// The file with the configuration, relative to the rollout's own file: a Weir configuration, or an Envoy file
    /// (ECDS) with one in it. Exactly one of `file` and `kubernetes`.
    pub file: Option<String>,
    /// The resource in a Kubernetes cluster with the configuration, in place of a file.
    pub kubernetes: Option<ResourceSpec>,
    /// The experiment whose variants are the old and the new version. Exactly one of `experiment` and `split`.
    pub experiment: Option<String>,
    /// The routing rule whose split has the old and the new version as targets.
    pub split: Option<String>,
    /// The old version: a variant, or a target of the split. Default: the first.
    pub baseline: Option<String>,
    /// The new version. Default: the second.
    pub variant: Option<String>,
    /// The plugin whose configuration it is, as the label `plugin` of `weir_config_hash` has it. Default: all plugins
    /// that report.
    pub plugin: Option<String>,
    /// The number of proxies that must report the configuration, at least. Default: 1.
    pub proxies: Option<u32>,
}

/// A resource of Kubernetes with a Weir configuration in it.
#[derive(Clone, Debug, Default, PartialEq, Load, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "RolloutResource"))]
pub struct ResourceSpec {
    /// The resource's kind: its `pluginConfig` (`WasmPlugin`, `TrafficExtension`) or a `config` of its list `wasm`
    /// (`EnvoyExtensionPolicy`) is released.
    pub kind: Option<KindSpec>,
    /// Its namespace. Default: that of the kubeconfig's context, or of the pod that runs the rollout.
    pub namespace: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// `EnvoyExtensionPolicy`: the name of the entry in its list `wasm`. Default: the only one.
    pub wasm: Option<String>,
}

/// A kind of resource that has a Weir configuration in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Load, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "RolloutKind"))]
pub enum KindSpec {
    /// Istio's WasmPlugin.
    WasmPlugin,
    /// Istio's TrafficExtension (1.30 and later).
    TrafficExtension,
    /// Envoy Gateway's EnvoyExtensionPolicy.
    EnvoyExtensionPolicy,
}

/// One step.
#[derive(Clone, Debug, Default, PartialEq, Load, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "RolloutStep"))]
pub struct StepSpec {
    /// The fraction of all units that takes part, such as `10%`. Default: as before; a step has `coverage`, `weights`
    /// or both.
    pub coverage: Option<PartSpec>,
    /// New weights of all variants or targets, relative to their sum. Default: as before.
    pub weights: Option<OrderedMap<f64>>,
    /// How long the step lasts at least, from when the proxies report it. Default: 0s.
    pub hold: Option<String>,
    /// Units that each of the two versions must have had since the rollout began, before the next step. Default: 0.
    pub min_units: Option<u64>,
    /// Whether a person must approve this step before it begins (`weir rollout approve`). Default: false.
    pub approval: Option<bool>,
}

/// A condition that must hold.
#[derive(Clone, Debug, Default, PartialEq, Load, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "RolloutGate"))]
pub struct GateSpec {
    /// What is checked.
    pub check: Option<CheckSpec>,
    /// How it is called in events. Default: the check, with the metric of a goal.
    pub name: Option<String>,
    /// How much worse the new version may be. `errors`: a part of all requests, such as `1%` (default: 1%). `latency`
    /// and `goal`: relative to the old version (defaults: 10% and 5%).
    pub tolerance: Option<PartSpec>,
    /// `goal`: a counter of `metrics.list` with this experiment.
    pub metric: Option<String>,
    /// `goal`: in which direction it is worse. Default: lower.
    pub worse: Option<WorseSpec>,
    /// `query`: a PromQL expression with one number as its value.
    pub query: Option<String>,
    /// `query`: fails above this number.
    pub max: Option<f64>,
    /// `query`: fails below this number.
    pub min: Option<f64>,
}

/// What a gate checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Load, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "RolloutCheck"))]
pub enum CheckSpec {
    /// Units of the two versions against their weights: a sample ratio mismatch fails. Only until weights change.
    Srm,
    /// The part of requests with 5xx, of the new version against the old one.
    Errors,
    /// The mean duration of requests, of the new version against the old one.
    Latency,
    /// A goal of the experiment for each unit, of the new version against the old one.
    Goal,
    /// A number that Prometheus computes, against `max` and `min`.
    Query,
}

/// In which direction a goal is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Load, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "RolloutWorse"))]
pub enum WorseSpec {
    /// More is worse, as for complaints.
    Higher,
    /// Less is worse, as for orders.
    Lower,
}

/// What happens at the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Load, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "RolloutDeadline"))]
pub enum DeadlineSpec {
    /// It stays as it is, and needs a person.
    Hold,
    /// It is rolled back.
    Rollback,
}

/// How Prometheus measures.
#[derive(Clone, Debug, Default, PartialEq, Load, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "RolloutMetrics"))]
pub struct MetricsSpec {
    /// Further matchers of labels, as PromQL writes them, such as `namespace="shop"`. Default: none.
    pub matchers: Vec<String>,
}

/// A part: a number such as 0.1, or a percentage such as `10%`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct PartSpec(pub f64);

#[cfg(feature = "schema")]
impl schemars::JsonSchema for PartSpec {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RolloutPart".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}]})
    }
}

impl Load for PartSpec {
    fn load(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let text = node.value.as_str();
        let (digits, shift) = match text.and_then(|text| text.trim().strip_suffix('%')) {
            Some(digits) => (Some(digits.trim()), "e-2"),
            None => (text.map(str::trim), ""),
        };
        // Not divided by a hundred: 7 / 100 and 0.07 may be different doubles.
        let number = match digits {
            Some(digits) if digits.contains(['e', 'E']) => None,
            Some(digits) => weir_core::value::number([digits, shift].concat().as_bytes()),
            None => node.value.as_f64(),
        };
        let part = number.filter(|number: &f64| number.is_finite() && *number >= 0.0);
        if part.is_none() {
            node.refuse(problems, "a part such as 0.1, or a percentage such as \"10%\"");
        }
        part.map(Self)
    }
}
