//! The configuration document: shared parts, and a section for each filter of this build.

use crate::sections::{experiments, faults, jwt, metrics, routing};
use serde::Serialize;
use weir_core::ownership::Ownership;
use weir_core::{AttributeMap, Load};

/// The version of the configuration language, as modules and the schema contain it. It changes if a valid
/// document becomes invalid or changes its meaning; additions do not change it.
pub const LANGUAGE: &str = "v1alpha1";

/// A Weir configuration. Each section enables its filter.
#[derive(Clone, Debug, Default, Load, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(title = "Weir configuration"))]
pub struct Document {
    /// The URL of this language's JSON Schema, for editors; not used otherwise. Default: none.
    #[serde(rename = "$schema", skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Names for values of the request, for use in all sections. Default: none.
    #[serde(skip_serializing_if = "AttributeMap::is_empty")]
    pub attributes: AttributeMap,
    /// Request headers that clients must not send, in addition to those that the sections write.
    #[serde(skip_serializing_if = "Ownership::is_default")]
    pub ownership: Ownership,
    /// jwt-claims: verify JWTs and forward claims. Default: off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt: Option<jwt::Config>,
    /// experiment: assign variants to units. Default: off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiments: Option<experiments::Config>,
    /// ab-routing: rules and weighted splits. Default: off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing: Option<routing::Config>,
    /// fault-injection: delays, aborts and response faults. Default: off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faults: Option<faults::Config>,
    /// metrics: counters, gauges, histograms, access log. Default: off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<metrics::Config>,
}

/// The sections of this build.
const SECTIONS: &[&str] = &[
    #[cfg(feature = "jwt-claims")]
    "jwt",
    #[cfg(feature = "experiment")]
    "experiments",
    #[cfg(feature = "ab-routing")]
    "routing",
    #[cfg(feature = "fault-injection")]
    "faults",
    #[cfg(feature = "metrics")]
    "metrics",
];

/// The sections of this build, for people: `jwt, experiments`.
#[must_use]
pub fn sections() -> String {
    SECTIONS.join(", ")
}

impl Document {
    pub(crate) fn is_empty(&self) -> bool {
        let Self { jwt, experiments, routing, faults, metrics, .. } = self;
        jwt.is_none() && experiments.is_none() && routing.is_none() && faults.is_none() && metrics.is_none()
    }
}
