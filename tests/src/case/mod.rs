//! Case files: what a module must do, written once and run by all drivers.
//!
//! `tests/cases/README.md` explains the format to those who write cases; the types here are its definition.

mod check;
mod exchange;
mod expect;
mod load;
mod properties;
mod value;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::envoy::Shell;

pub use check::{Bin, Observed, ResponseSeen, UpstreamSeen, check_refusal};
pub use exchange::{Answer, Body, CalloutAnswer, Host, Request};
pub use expect::{Budget, Expect, ExpectMetric, ExpectResponse, ExpectUpstream, Range};
pub use load::{CaseError, Located, load_all, load_shipped};
pub use properties::{Properties, Property};
pub use value::{Expected, Headers, Pattern, Value, ValueOrMatch};

/// The clusters that the module calls, each with its answers in order; the last one is given again and again.
pub type Callouts = BTreeMap<String, Vec<CalloutAnswer>>;

/// A case file: one module with one configuration, and what is expected of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CaseFile {
    /// The module's file in `dist/`, without `.wasm`.
    pub module: String,
    /// The plugin's configuration; the module gets it as JSON. A case may have its own instead.
    #[serde(default)]
    pub config: serde_json::Value,
    /// The environment of the VM.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Clusters that the module calls. A case may have its own instead.
    #[serde(default)]
    pub callouts: Callouts,
    /// What the host offers to the module. A case may say so itself instead.
    #[serde(default)]
    pub host: Host,
    /// The only driver that can run the cases of this file, with the reason.
    #[serde(default)]
    pub only: Option<Only>,
    /// The driver that cannot run the cases of this file, with the reason.
    #[serde(default)]
    pub except: Option<Except>,
    /// The cases.
    pub cases: Vec<Case>,
}

/// One case: requests and what becomes of them, or a configuration that must be refused.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Case {
    /// What the case shows; unique in its file.
    pub name: String,
    /// A configuration for this case, in place of the file's.
    #[serde(default)]
    pub config: Option<serde_json::Value>,
    /// Clusters that the module calls, in place of the file's.
    #[serde(default)]
    pub callouts: Option<Callouts>,
    /// What the host offers, in place of what the file says.
    #[serde(default)]
    pub host: Option<Host>,
    /// The only driver that can run this case, with the reason.
    #[serde(default)]
    pub only: Option<Only>,
    /// The driver that cannot run this case, with the reason.
    #[serde(default)]
    pub except: Option<Except>,
    /// How much time passes before the request is sent, in milliseconds.
    #[serde(default)]
    pub after_ms: u64,
    /// What is sent.
    #[serde(default)]
    pub request: Option<Request>,
    /// Properties that the stream offers. Only the mini host can set them.
    #[serde(default)]
    pub properties: Properties,
    /// How the upstream answers.
    #[serde(default)]
    pub upstream: Option<Answer>,
    /// What is expected.
    #[serde(default)]
    pub expect: Option<Expect>,
    /// Several exchanges on the same plugin, one after the other, in place of `request`.
    #[serde(default)]
    pub requests: Vec<Step>,
    /// The module must refuse the configuration, and each of these texts must be in what it logs.
    #[serde(default)]
    pub config_errors: Vec<String>,
    /// With `configErrors`: the log must also count exactly as many problems.
    #[serde(default)]
    pub exact: bool,
}

/// One of several exchanges.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Step {
    /// How much time passes before the request is sent, in milliseconds.
    #[serde(default)]
    pub after_ms: u64,
    /// What is sent.
    #[serde(default)]
    pub request: Request,
    /// As in [`Case`].
    #[serde(default)]
    pub properties: Properties,
    /// How the upstream answers.
    #[serde(default)]
    pub upstream: Answer,
    /// What is expected.
    #[serde(default)]
    pub expect: Expect,
}

/// A driver that can run a case when the other cannot, and why: `{minihost: "sets a property"}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Only {
    /// The interpreter.
    Minihost(String),
    /// The real proxy.
    Envoy(String),
}

impl Only {
    fn reason(&self) -> &str {
        let (Self::Minihost(reason) | Self::Envoy(reason)) = self;
        reason
    }
}

/// A driver that cannot run a case, and why: `{native: "it has no CEL"}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Except {
    /// The real proxy with the native module.
    Native(String),
}

impl Except {
    fn reason(&self) -> &str {
        let Self::Native(reason) = self;
        reason
    }
}

/// A driver of cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// The interpreter.
    Minihost,
    /// The real proxy with a WebAssembly module.
    Envoy,
    /// The real proxy with the native module.
    Native,
}

impl Driver {
    /// What runs the plugin in Envoy.
    pub fn shell(self) -> Shell {
        if self == Self::Native { Shell::Native } else { Shell::Wasm }
    }
}

/// The modules that are Weir's filters, which the native module has all of.
const FILTERS: [&str; 7] = [
    "weir",
    "ab_routing",
    "experiment",
    "jwt_claims",
    "fault_injection",
    "fault_injection_response",
    "metrics",
];

impl CaseFile {
    /// Whether `driver` can run `case`.
    pub fn runs_in(&self, case: &Case, driver: Driver) -> bool {
        let wanted = match driver {
            Driver::Minihost => |only: &Only| matches!(only, Only::Minihost(_)),
            Driver::Envoy | Driver::Native => |only: &Only| matches!(only, Only::Envoy(_)),
        };
        let excepted =
            driver == Driver::Native && (case.except.is_some() || self.except.is_some() || !self.is_native());
        !excepted && case.only.iter().chain(&self.only).all(wanted)
    }

    /// Whether the native module can be what the file names.
    fn is_native(&self) -> bool {
        FILTERS.contains(&self.module.as_str())
    }

    /// The configuration of `case` as the JSON text that the module gets.
    pub fn config_of(&self, case: &Case) -> serde_json::Value {
        case.config.clone().unwrap_or_else(|| self.config.clone())
    }

    /// The clusters that the module calls in `case`.
    pub fn callouts_of<'a>(&'a self, case: &'a Case) -> &'a Callouts {
        case.callouts.as_ref().unwrap_or(&self.callouts)
    }

    /// What the host offers in `case`.
    pub fn host_of(&self, case: &Case) -> Host {
        case.host.unwrap_or(self.host)
    }
}

impl Case {
    /// The exchanges, however they were written.
    pub fn steps(&self) -> Vec<Step> {
        if !self.requests.is_empty() {
            return self.requests.clone();
        }
        vec![Step {
            after_ms: self.after_ms,
            request: self.request.clone().unwrap_or_default(),
            properties: self.properties.clone(),
            upstream: self.upstream.clone().unwrap_or_default(),
            expect: self.expect.clone().unwrap_or_default(),
        }]
    }

    /// Whether the module must refuse the configuration.
    pub fn is_refusal(&self) -> bool {
        !self.config_errors.is_empty()
    }
}
