//! From a configuration's bytes to the filters' plans.

use crate::document::{Document, sections};
use crate::sections::{experiments, faults, jwt, metrics, routing};
use weir_core::{AccessPlan, At, Compiler, Problems};

/// The filters' plans, in the order of decisions, and their combined inputs and outputs.
#[derive(Debug)]
pub struct Plans {
    /// Their inputs and outputs.
    pub access_plan: AccessPlan,
    /// JWT verification.
    pub jwt: Option<jwt::Plan>,
    /// Experiments.
    pub experiments: Option<experiments::Plan>,
    /// Where requests go.
    pub routing: Option<routing::Plan>,
    /// Which requests suffer.
    pub faults: Option<faults::Plan>,
    /// The counters.
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

    /// The same with all that is wrong, however much it is.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    fn load_for_all_problems(bytes: &[u8]) -> Result<Self, Problems> {
        let mut problems = Problems::of_all();
        let document: Document = weir_core::load(bytes, &mut problems);
        Self::compile(&document, Compiler::new(&document.attributes, &|_| None, problems).offline())
    }

    fn compile(document: &Document, mut compiler: Compiler<'_>) -> Result<Self, Problems> {
        let at = At::root();
        compiler.ownership(&document.ownership, &at.field("ownership"));
        macro_rules! compile {
            ($section:ident, $compiler:expr) => {{
                let at = at.field(stringify!($section));
                document.$section.as_ref().and_then(|config| $section::compile(config, $compiler, &at))
            }};
            ($section:ident) => {
                compile!($section, &mut compiler)
            };
        }
        // Tokens before all sections that can ask for claims, experiments before those that can ask for
        // variants.
        let jwt = compile!(jwt);
        let experiments = compile!(experiments);
        let routing = compile!(routing);
        // No cache keeps what these two do by a request's headers.
        let faults = compiler.aside(|compiler| compile!(faults, compiler));
        let metrics = compiler.aside(|compiler| compile!(metrics, compiler));
        if document.is_empty() {
            let names = sections();
            compiler.problems.missing(&at, format!("no section enables a filter; this module has: {names}"));
        }
        let access_plan = compiler.finish()?;
        Ok(Self { access_plan, jwt, experiments, routing, faults, metrics })
    }
}

/// Checks a configuration without a proxy: everything but the CEL expressions, which only a proxy can
/// compile, and what is in environment variables, which is taken as right.
///
/// # Errors
/// Everything that is wrong with it.
pub fn validate(bytes: &[u8]) -> Result<(), Problems> {
    Plans::load_offline(bytes, &|_| None).map(drop)
}

/// As [`validate`], for programs that act on each problem: all are there, where a reader gets the first hundred.
///
/// # Errors
/// Everything that is wrong with it.
pub fn validate_all(bytes: &[u8]) -> Result<(), Problems> {
    Plans::load_for_all_problems(bytes).map(drop)
}
