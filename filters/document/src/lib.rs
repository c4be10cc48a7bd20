//! The configuration document: shared parts, and a section for each filter of this build.
//!
//! A crate of its own because it is the half of a module that never serves a request: it is compiled for
//! size, the pipeline for speed.

use serde::{Deserialize, Serialize};
use weir_core::{At, AttributeMap, Compiler, Problems, Shape};

/// A Weir configuration. Each section switches its filter on.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
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
    /// experiment: who gets which variant.
    #[cfg(feature = "experiment")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiments: Option<weir_experiment::Config>,
    /// A section whose filter is not in this build; it is refused by name.
    #[cfg(not(feature = "experiment"))]
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(skip_serializing)]
    pub experiments: Option<serde::de::IgnoredAny>,
    /// ab-routing: where requests go.
    #[cfg(feature = "ab-routing")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing: Option<weir_ab_routing::Config>,
    /// A section whose filter is not in this build; it is refused by name.
    #[cfg(not(feature = "ab-routing"))]
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(skip_serializing)]
    pub routing: Option<serde::de::IgnoredAny>,
}

/// The sections of this build.
const SECTIONS: &[&str] = &[
    #[cfg(feature = "experiment")]
    "experiments",
    #[cfg(feature = "ab-routing")]
    "routing",
];

/// The filters' plans, and what they read and write together.
#[derive(Debug)]
pub struct Plans {
    /// What they read and write.
    pub shape: Shape,
    /// Who gets which variant.
    #[cfg(feature = "experiment")]
    pub experiments: Option<weir_experiment::Plan>,
    /// Where requests go.
    #[cfg(feature = "ab-routing")]
    pub routing: Option<weir_ab_routing::Plan>,
}

impl Plans {
    /// Reads a configuration and makes its plans. `env` reads the VM's environment.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(bytes: &[u8], env: &dyn Fn(&str) -> Option<String>) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let document: Document = weir_core::load(bytes, &mut problems);
        let mut compiler = Compiler::new(&document.attributes, env, problems);
        let at = At::root();
        // Before all sections that can ask for variants.
        #[cfg(feature = "experiment")]
        let experiments = {
            let section = at.field("experiments");
            document
                .experiments
                .as_ref()
                .map(|config| weir_experiment::Plan::compile(config, &mut compiler, &section))
        };
        #[cfg(not(feature = "experiment"))]
        if document.experiments.is_some() {
            compiler
                .problems
                .add(&at.field("experiments"), "this module was built without the filter experiment");
        }
        #[cfg(feature = "ab-routing")]
        let routing = {
            let section = at.field("routing");
            document
                .routing
                .as_ref()
                .map(|config| weir_ab_routing::Plan::compile(config, &mut compiler, &section))
        };
        #[cfg(not(feature = "ab-routing"))]
        if document.routing.is_some() {
            compiler
                .problems
                .add(&at.field("routing"), "this module was built without the filter ab-routing");
        }
        if document.experiments.is_none() && document.routing.is_none() {
            let names = SECTIONS.join(", ");
            compiler
                .problems
                .missing(&at, format!("no section switches a filter on; this module has: {names}"));
        }
        let shape = compiler.finish()?;
        Ok(Self {
            shape,
            #[cfg(feature = "experiment")]
            experiments,
            #[cfg(feature = "ab-routing")]
            routing,
        })
    }
}

/// Checks a configuration without a proxy: everything but the CEL expressions, which only a proxy
/// can compile, and environment variables: each is taken to be there, with a text of no meaning.
///
/// # Errors
/// Everything that is wrong with it.
pub fn validate(bytes: &[u8]) -> Result<(), Problems> {
    Plans::load(bytes, &|_| Some("as long as a secret has to be".to_owned())).map(drop)
}
