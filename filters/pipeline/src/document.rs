//! The configuration document: shared parts, and a section for each filter of this build.

use crate::{experiments, faults, jwt, metrics, routing};
use serde::Serialize;
use weir_core::ownership::Ownership;
use weir_core::{AttributeMap, Load};

/// The version of the configuration language, as modules and the schema carry it. A name changes when a
/// document that was right becomes wrong or means something else; what is only added changes nothing.
pub const LANGUAGE: &str = "v1alpha1";

/// A Weir configuration. Each section switches its filter on.
#[derive(Clone, Debug, Default, Load, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(title = "Weir configuration"))]
pub struct Document {
    /// The address of this language's JSON Schema, for editors; not used otherwise.
    #[serde(rename = "$schema", skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Names for things in the request, which all sections can use.
    #[serde(skip_serializing_if = "AttributeMap::is_empty")]
    pub attributes: AttributeMap,
    /// Which request headers clients must not send, beside those that the sections write.
    #[serde(skip_serializing_if = "Ownership::is_default")]
    pub ownership: Ownership,
    /// jwt-claims: whose tokens are believed, and what services learn of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt: Option<jwt::Config>,
    /// experiment: who gets which variant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiments: Option<experiments::Config>,
    /// ab-routing: where requests go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing: Option<routing::Config>,
    /// fault-injection: which requests are delayed, aborted, or answered wrongly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faults: Option<faults::Config>,
    /// metrics: what is counted, measured and logged.
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
