//! From a configuration's bytes to the filters' plans.

use crate::document::{Document, sections};
use crate::sections::{experiments, faults, jwt, metrics, routing};
use weir_core::{AccessPlan, Compiler, Problems};

/// The filters' plans, in the order of decisions, and their combined inputs and outputs.
#[derive(Debug)]
pub struct Plans {
    /// Their inputs and outputs.
    pub access_plan: AccessPlan,
    /// The number that tells the configuration from others: see [`weir_core::load::fingerprint`].
    pub fingerprint: u64,
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
        Self::read(bytes, env, false, Problems::default())
    }

    /// The same where no proxy runs: variables that `env` does not have are taken as right, whatever is
    /// made of them (a secret, a key set, an attribute, a kill switch that is off).
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load_offline(bytes: &[u8], env: &dyn Fn(&str) -> Option<String>) -> Result<Self, Problems> {
        Self::read(bytes, env, true, Problems::default())
    }

    /// The same with all that is wrong, however much it is.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    fn load_for_all_problems(bytes: &[u8]) -> Result<Self, Problems> {
        Self::read(bytes, &|_| None, true, Problems::of_all())
    }

    /// Reads and compiles; `problems` says how many of them are kept.
    fn read(
        bytes: &[u8],
        env: &dyn Fn(&str) -> Option<String>,
        offline: bool,
        mut problems: Problems,
    ) -> Result<Self, Problems> {
        let (document, fingerprint) =
            weir_core::load::load_with_fingerprint::<Document>(bytes, &mut problems);
        let compile = |problems| {
            let compiler = Compiler::new(&document.attributes, env, problems);
            let compiler = if offline { compiler.offline() } else { compiler };
            Self::compile(&document, fingerprint, compiler)
        };
        if problems.is_empty()
            && let Ok(plans) = compile(Problems::without_places())
        {
            return Ok(plans);
        }
        compile(problems)
    }

    fn compile(document: &Document, fingerprint: u64, mut compiler: Compiler<'_>) -> Result<Self, Problems> {
        let at = compiler.problems.root();
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
        Ok(Self { access_plan, fingerprint, jwt, experiments, routing, faults, metrics })
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
