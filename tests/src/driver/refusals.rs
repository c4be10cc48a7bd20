//! Refused configurations in the real Envoy: one Envoy for each module and environment takes them one after the
//! other as updates, which costs it milliseconds where a start costs seconds. That Envoy refuses to start with such a
//! configuration too is what `tests/envoy/failures.rs` shows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::{plugin, report};
use crate::case::{self, Case, CaseFile};
use crate::envoy::{Bootstrap, Envoy, EnvoyError, Filter, Listener, Shell};

/// The name of the filter that is updated.
const FILTER: &str = "refused";
/// How long an update may take to be refused.
const PATIENCE: Duration = Duration::from_secs(20);

/// An Envoy for each module and environment, started when its first case runs.
pub struct Refusals {
    shell: Shell,
    envoys: Mutex<BTreeMap<String, Arc<Mutex<Option<Envoy>>>>>,
}

impl Refusals {
    /// None yet.
    pub fn new(shell: Shell) -> Self {
        Self { shell, envoys: Mutex::default() }
    }

    /// Runs a case whose configuration must be refused: the running plugin stays, and the log says why.
    ///
    /// # Errors
    /// What differed from what is expected, as text.
    pub fn run(&self, file: &CaseFile, case: &Case) -> Result<(), String> {
        let key = format!("{} {:?}", file.module, file.env);
        let slot =
            Arc::clone(self.envoys.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default());
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let envoy = match &mut *slot {
            Some(envoy) => envoy,
            empty => empty.insert(start(file, self.shell).map_err(|error| error.to_string())?),
        };
        let problems = refused(envoy, file, case, self.shell).map_err(|error| error.to_string())?;
        if problems.is_empty() { Ok(()) } else { Err(report(&file.config_of(case), None, &problems)) }
    }
}

fn start(file: &CaseFile, shell: Shell) -> Result<Envoy, EnvoyError> {
    let plugin = plugin(file, accepted(&file.module), shell).map_err(EnvoyError::Other)?;
    let env = if shell == Shell::Native { file.env.clone() } else { BTreeMap::new() };
    let filter = Filter::Discovered { name: FILTER.to_owned(), initial: Box::new(plugin) };
    let envoy = Envoy::start(Bootstrap::default().env(env).listener(Listener::new().filter(filter)))?;
    // Without a plugin that runs, none could stay, and each update would compile the module again.
    match refusals(&envoy) {
        0 => Ok(envoy),
        _ => Err(EnvoyError::Other(format!("the first configuration is refused:\n{}", envoy.log()))),
    }
}

/// How many updates Envoy has refused: `config_reload` says that one came, `config_fail` that it was refused.
fn refusals(envoy: &Envoy) -> i64 {
    let end = format!("{FILTER}.config_fail");
    let counters = envoy.counters().unwrap_or_default();
    counters.into_iter().find(|(name, _)| name.ends_with(&end)).map_or(0, |(_, count)| count)
}

/// A configuration that the module takes.
fn accepted(module: &str) -> Value {
    match module {
        "experiment" => json!({"experiments": {"list": [{"key": "a", "unit": "header:x-user-id",
            "variants": [{"key": "control", "weight": 1}, {"key": "b", "weight": 1}]}]}}),
        "jwt_claims" => {
            json!({"jwt": {"providers": {"a": {"issuer": "https://a.example", "jwks": {"inline": {"keys": [
            {"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "cQmOmp7YyAtrHVSsB-m_WrjTJIQAkb313Gz_-TPEEAc"}]}}}},
            "rules": [{"requires": "a"}]}})
        }
        "fault_injection" | "fault_injection_response" => {
            json!({"faults": [{"name": "a", "match": {"headers": {"x-a": {"exact": "1"}}}, "abort": {"httpStatus": 503, "percentage": "1%"}}]})
        }
        "metrics" => json!({"metrics": {"red": {}}}),
        "examples/hello_filter" => json!({"greeting": "Hello", "header": "x-hello"}),
        _ => json!({"routing": {"rules": [{"name": "a", "setHeaders": {"x-weir-route": "v2"}}]}}),
    }
}

/// Sends the update and waits until Envoy has judged it. What differed from what is expected.
fn refused(envoy: &Envoy, file: &CaseFile, case: &Case, shell: Shell) -> Result<Vec<String>, EnvoyError> {
    let before = refusals(envoy);
    let mark = envoy.log_mark();
    let update = plugin(file, file.config_of(case), shell).map_err(EnvoyError::Other)?;
    envoy.update(FILTER, &update)?;
    if !envoy.wait_for(PATIENCE, |envoy| refusals(envoy) > before) {
        return Ok(vec![format!("Envoy did not refuse this configuration within {PATIENCE:?}")]);
    }
    // The counter may be there before the log's lines have arrived here.
    let problems =
        |envoy: &Envoy| case::check_refusal(&case.config_errors, case.exact, &envoy.log_since(mark));
    envoy.wait_for(Duration::from_secs(3), |envoy| problems(envoy).is_empty());
    Ok(problems(envoy))
}
