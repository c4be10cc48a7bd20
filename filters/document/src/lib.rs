//! The configuration document: shared parts, and a section for each filter of this build.
//!
//! A crate of its own because it is the half of a module that never serves a request: it is compiled for
//! size, the pipeline for speed.

use serde::Serialize;
use weir_core::Load;
use weir_core::ownership::Ownership;
use weir_core::{At, AttributeMap, Compiler, Problems, Shape};

#[cfg(not(all(
    feature = "jwt-claims",
    feature = "experiment",
    feature = "ab-routing",
    feature = "fault-injection",
    feature = "metrics"
)))]
mod absent;

/// Each section's `Config` and `Plan`: the filter's, or those that refuse it.
macro_rules! sections {
    ($($section:ident: $feature:literal = $filter:ident;)*) => {
        $(mod $section {
            #[cfg(not(feature = $feature))]
            pub(crate) use crate::absent::{Config, Plan};
            #[cfg(feature = $feature)]
            pub(crate) use $filter::{Config, Plan};
        })*
    };
}

sections! {
    jwt: "jwt-claims" = weir_jwt_claims;
    experiments: "experiment" = weir_experiment;
    routing: "ab-routing" = weir_ab_routing;
    faults: "fault-injection" = weir_fault_injection;
    metrics: "metrics" = weir_metrics;
}

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

/// The filters' plans, in the order in which they see a request, and what they read and write together.
#[derive(Debug)]
pub struct Plans {
    /// What they read and write.
    pub shape: Shape,
    /// Whose tokens are believed.
    pub jwt: Option<jwt::Plan>,
    /// Who gets which variant.
    pub experiments: Option<experiments::Plan>,
    /// Where requests go.
    pub routing: Option<routing::Plan>,
    /// Which requests suffer.
    pub faults: Option<faults::Plan>,
    /// What is counted.
    pub metrics: Option<metrics::Plan>,
}

impl Plans {
    /// Reads a configuration and makes its plans. `env` reads the VM's environment.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(bytes: &[u8], env: &dyn Fn(&str) -> Option<String>) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let document: Document = weir_core::load(bytes, &mut problems);
        Self::compile(&document, Compiler::new(&document.attributes, env, problems))
    }

    /// The same where no proxy runs: variables that `env` does not have are taken as right, whatever is
    /// made of them (a secret, a key set, an attribute, a kill switch that is off).
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load_offline(bytes: &[u8], env: &dyn Fn(&str) -> Option<String>) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let document: Document = weir_core::load(bytes, &mut problems);
        Self::compile(&document, Compiler::new(&document.attributes, env, problems).offline())
    }

    fn compile(document: &Document, mut compiler: Compiler<'_>) -> Result<Self, Problems> {
        let at = At::root();
        compiler.ownership(&document.ownership, &at.field("ownership"));
        macro_rules! compile {
            ($section:ident) => {{
                let at = at.field(stringify!($section));
                document.$section.as_ref().map(|config| $section::Plan::compile(config, &mut compiler, &at))
            }};
        }
        // Tokens before all sections that can ask for claims, experiments before those that can ask for
        // variants.
        let jwt = compile!(jwt);
        let experiments = compile!(experiments);
        let routing = compile!(routing);
        let faults = compile!(faults);
        let metrics = compile!(metrics);
        if document.is_empty() {
            let names = sections();
            compiler
                .problems
                .missing(&at, format!("no section switches a filter on; this module has: {names}"));
        }
        let shape = compiler.finish()?;
        Ok(Self { shape, jwt, experiments, routing, faults, metrics })
    }
}

impl Document {
    fn is_empty(&self) -> bool {
        let Self { jwt, experiments, routing, faults, metrics, .. } = self;
        jwt.is_none() && experiments.is_none() && routing.is_none() && faults.is_none() && metrics.is_none()
    }
}

/// Checks a configuration without a proxy: everything but the CEL expressions, which only a proxy
/// can compile, and what stands in environment variables, which is taken as right.
///
/// # Errors
/// Everything that is wrong with it.
pub fn validate(bytes: &[u8]) -> Result<(), Problems> {
    Plans::load_offline(bytes, &|_| None).map(drop)
}
