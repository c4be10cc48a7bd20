//! Plugins as Envoy's configuration has them: WebAssembly, or the native module.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::paths;

const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
const NATIVE: &str =
    "type.googleapis.com/envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter";

/// What runs a plugin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shell {
    /// A VM.
    #[default]
    Wasm,
    /// Envoy's own process: `dist/libweir.so`, whichever of Weir's modules is named.
    Native,
}

impl Shell {
    /// What Envoy calls a metric, by the name that the WebAssembly module gives it, which has the labels in it.
    pub fn metric(self, name: &str) -> String {
        match self {
            Self::Wasm => format!("wasmcustom.{name}"),
            Self::Native => {
                let decoded = weir_metrics::decode(name);
                let labels = decoded.labels.iter().map(|(label, value)| format!(".{label}.{value}"));
                format!("dynamicmodulescustom.{}{}", decoded.metric, labels.collect::<String>())
            }
        }
    }
}

/// What Envoy does when a plugin's VM has died.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailurePolicy {
    /// All requests get 503.
    #[default]
    Closed,
    /// Requests pass without the plugin.
    Open,
    /// A new VM is started.
    Reload,
}

impl FailurePolicy {
    fn name(self) -> &'static str {
        match self {
            Self::Closed => "FAIL_CLOSED",
            Self::Open => "FAIL_OPEN",
            Self::Reload => "FAIL_RELOAD",
        }
    }
}

/// How a plugin's configuration is written in Envoy's.
#[derive(Clone, Debug)]
pub enum Config {
    /// As a `StringValue`, given to the module byte for byte. Istio makes this of `pluginConfig`.
    Text(String),
    /// As a `Struct`. Envoy's documentation says that a module gets it as JSON; Envoy 1.36 to 1.40 give the
    /// bytes of the protobuf message instead (measured).
    Structure(Value),
}

/// A plugin: module, configuration, VM.
#[derive(Clone, Debug)]
pub struct Plugin {
    module: PathBuf,
    name: String,
    vm_id: String,
    config: Config,
    env: BTreeMap<String, String>,
    failure_policy: FailurePolicy,
    shell: Shell,
}

impl Plugin {
    /// The module `dist/<name>.wasm` with an empty configuration.
    ///
    /// # Errors
    /// The module has not been built.
    pub fn new(module: &str) -> Result<Self, String> {
        Ok(Self::from_file(&paths::module(module)?))
    }

    /// A module from anywhere in the repository, which containers can read, with an empty configuration.
    pub fn from_file(path: &Path) -> Self {
        Self {
            module: path.to_owned(),
            name: "weir".to_owned(),
            vm_id: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            config: Config::Text("{}".to_owned()),
            env: BTreeMap::new(),
            failure_policy: FailurePolicy::default(),
            shell: Shell::Wasm,
        }
    }

    /// The native module with an empty configuration. Its environment is Envoy's: see [`super::Bootstrap::env`].
    ///
    /// # Errors
    /// The module has not been built.
    pub fn native() -> Result<Self, String> {
        Ok(Self { shell: Shell::Native, ..Self::from_file(&paths::native_module()?) })
    }

    /// The type of the filter's configuration.
    pub(super) fn type_url(&self) -> &'static str {
        match self.shell {
            Shell::Wasm => WASM,
            Shell::Native => NATIVE,
        }
    }

    /// The name of the filter.
    pub(super) fn filter_name(&self) -> &'static str {
        match self.shell {
            Shell::Wasm => "envoy.filters.http.wasm",
            Shell::Native => "envoy.filters.http.dynamic_modules",
        }
    }

    /// The plugin's name, as logs and the property `plugin_name` have it.
    pub fn name(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    /// The VM's id. Plugins share a VM if id, module and environment are the same.
    /// Envoy before 1.40 does not look at the environment, so [`Plugin::to_json`] makes it a part of the id.
    pub fn vm_id(mut self, id: &str) -> Self {
        self.vm_id = id.to_owned();
        self
    }

    /// The configuration, given to the module as JSON.
    pub fn config(self, config: &Value) -> Self {
        self.config_text(&config.to_string())
    }

    /// The configuration, as a text that need not be JSON.
    pub fn config_text(mut self, config: &str) -> Self {
        self.config = Config::Text(config.to_owned());
        self
    }

    /// The configuration, as a structure: see [`Config::Structure`].
    pub fn config_structure(mut self, config: Value) -> Self {
        self.config = Config::Structure(config);
        self
    }

    /// The environment of the VM.
    pub fn env(mut self, env: BTreeMap<String, String>) -> Self {
        self.env = env;
        self
    }

    /// What happens when the VM dies. Default: closed, so that no test overlooks it.
    pub fn failure_policy(mut self, policy: FailurePolicy) -> Self {
        self.failure_policy = policy;
        self
    }

    /// The `typed_config` of the HTTP filter: Envoy's message `Wasm`, or `DynamicModuleFilter`.
    pub fn to_json(&self) -> Value {
        let configuration = match &self.config {
            Config::Text(text) => {
                json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": text})
            }
            Config::Structure(value) => {
                json!({"@type": "type.googleapis.com/google.protobuf.Struct", "value": value})
            }
        };
        if self.shell == Shell::Native {
            return json!({
                "@type": NATIVE,
                "dynamic_module_config": {"module": {"local": {"filename": self.module}}},
                "filter_name": self.name,
                "filter_config": configuration,
            });
        }
        let vm_id =
            self.env.iter().fold(self.vm_id.clone(), |id, (name, value)| id + " " + name + "=" + value);
        let mut vm_config = json!({
            "vm_id": vm_id,
            "runtime": "envoy.wasm.runtime.v8",
            "code": {"local": {"filename": self.module}},
        });
        if !self.env.is_empty() {
            vm_config["environment_variables"] = json!({"key_values": self.env});
        }
        json!({
            "@type": WASM,
            "config": {
                "name": self.name,
                "failure_policy": self.failure_policy.name(),
                "configuration": configuration,
                "vm_config": vm_config,
            },
        })
    }
}
