//! Envoy configurations for tests, as JSON values.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::paths;

const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
const ROUTER: &str = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
const CONNECTION_MANAGER: &str =
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const STDOUT_LOG: &str = "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog";

/// The names of the sample upstreams; each is a cluster and a value of `x-weir-route`.
pub(super) const UPSTREAMS: [&str; 3] = ["v1", "v2", "canary"];

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

/// A Wasm plugin: module, configuration, VM.
#[derive(Clone, Debug)]
pub struct Plugin {
    module: PathBuf,
    name: String,
    vm_id: String,
    config: Config,
    env: BTreeMap<String, String>,
    failure_policy: FailurePolicy,
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
        }
    }

    /// The plugin's name, as logs and the property `plugin_name` have it.
    pub fn name(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    /// The VM's id. Plugins share a VM if id, module and environment are the same.
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

    /// Envoy's `Wasm` message: the `typed_config` of the HTTP filter.
    pub fn to_json(&self) -> Value {
        let configuration = match &self.config {
            Config::Text(text) => {
                json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": text})
            }
            Config::Structure(value) => {
                json!({"@type": "type.googleapis.com/google.protobuf.Struct", "value": value})
            }
        };
        let mut vm_config = json!({
            "vm_id": self.vm_id,
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

/// An HTTP filter of a listener.
#[derive(Clone, Debug)]
pub enum Filter {
    /// A Wasm plugin in the listener's own configuration.
    Plugin(Box<Plugin>),
    /// A Wasm plugin that Envoy reads from a file and reads again when the file is replaced (extension
    /// configuration discovery). [`super::Envoy::update`] replaces it.
    Discovered {
        /// The name of the filter and its resource.
        name: String,
        /// What the file contains at first.
        initial: Box<Plugin>,
    },
    /// Any other filter: name and `typed_config`.
    Native(String, Value),
}

/// A listener on a free port with its filters; the routes are the standard ones.
#[derive(Clone, Debug, Default)]
pub struct Listener {
    filters: Vec<Filter>,
    routes: Option<Value>,
    access_log: Option<String>,
}

impl Listener {
    /// A listener with no filter but the router.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one plugin more.
    pub fn plugin(self, plugin: Plugin) -> Self {
        self.filter(Filter::Plugin(Box::new(plugin)))
    }

    /// The same with one filter more.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// Routes in place of the standard ones: a list of `envoy.config.route.v3.Route`.
    pub fn routes(mut self, routes: Value) -> Self {
        self.routes = Some(routes);
        self
    }

    /// The same with a line of this format for each request in [`super::Envoy::output`].
    pub fn access_log(mut self, format: &str) -> Self {
        self.access_log = Some(format!("{format}\n"));
        self
    }

    fn access_logs(&self) -> Value {
        let log = |format: &String| {
            json!({"name": "envoy.access_loggers.stdout", "typed_config": {
                "@type": STDOUT_LOG,
                "log_format": {"text_format_source": {"inline_string": format}},
            }})
        };
        self.access_log.iter().map(log).collect()
    }

    pub(super) fn discovered(&self) -> impl Iterator<Item = (&str, &Plugin)> {
        self.filters.iter().filter_map(|filter| match filter {
            Filter::Discovered { name, initial } => Some((name.as_str(), &**initial)),
            _ => None,
        })
    }

    fn to_json(&self, index: usize, work: &Path) -> Value {
        let name = format!("listener-{index}");
        let mut filters: Vec<Value> = self.filters.iter().map(|filter| filter.to_json(work)).collect();
        filters.push(json!({"name": "envoy.filters.http.router", "typed_config": {
            "@type": ROUTER, "suppress_envoy_headers": true,
        }}));
        let manager = json!({
            "@type": CONNECTION_MANAGER,
            "stat_prefix": name,
            "generate_request_id": false,
            "max_request_headers_kb": 96,
            "common_http_protocol_options": {"max_headers_count": 1000},
            "route_config": {
                "virtual_hosts": [{
                    "name": "all",
                    "domains": ["*"],
                    "routes": self.routes.clone().unwrap_or_else(standard_routes),
                }],
            },
            "http_filters": filters,
            "access_log": self.access_logs(),
        });
        json!({
            "name": name,
            "address": local_port(0),
            "filter_chains": [{"filters": [{
                "name": "envoy.filters.network.http_connection_manager", "typed_config": manager,
            }]}],
        })
    }
}

impl Filter {
    fn to_json(&self, work: &Path) -> Value {
        match self {
            Self::Plugin(plugin) => {
                json!({"name": "envoy.filters.http.wasm", "typed_config": plugin.to_json()})
            }
            Self::Native(name, config) => json!({"name": name, "typed_config": config}),
            Self::Discovered { name, .. } => json!({"name": name, "config_discovery": {
                "config_source": {
                    "path_config_source": {"path": discovery_file(work, name)},
                    "resource_api_version": "V3",
                },
                "type_urls": [WASM],
            }}),
        }
    }
}

/// The file from which Envoy reads the filter `name`.
pub(super) fn discovery_file(work: &Path, name: &str) -> PathBuf {
    work.join(format!("{name}.ecds.json"))
}

/// The content of that file.
pub(super) fn discovery_response(name: &str, plugin: &Plugin) -> Value {
    json!({"resources": [{
        "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
        "name": name,
        "typed_config": plugin.to_json(),
    }]})
}

/// What tests route by: `x-weir-route` names an upstream, `x-weir-cluster` names a cluster; else v1.
fn standard_routes() -> Value {
    let by_name = UPSTREAMS.map(|name| {
        let header = json!({"name": "x-weir-route", "string_match": {"exact": name}});
        json!({"name": name, "match": {"prefix": "/", "headers": [header]}, "route": {"cluster": name}})
    });
    let mut routes = by_name.to_vec();
    routes.push(json!({
        "name": "by-cluster",
        "match": {"prefix": "/", "headers": [{"name": "x-weir-cluster", "present_match": true}]},
        "route": {"cluster_header": "x-weir-cluster"},
    }));
    routes.push(json!({"name": "default", "match": {"prefix": "/"}, "route": {"cluster": "v1"}}));
    json!(routes)
}

fn local_port(port: u16) -> Value {
    socket(([127, 0, 0, 1], port).into())
}

fn socket(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip(), "port_value": address.port()}})
}

/// What an Envoy is started with.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    pub(super) listeners: Vec<Listener>,
    pub(super) concurrency: u32,
    pub(super) log_level: String,
    stats_config: Value,
    clusters: Vec<Value>,
    shipped: Option<Value>,
}

impl Default for Bootstrap {
    /// No listener, one worker, Wasm log lines from info.
    fn default() -> Self {
        Self {
            listeners: Vec::new(),
            concurrency: 1,
            log_level: "info".to_owned(),
            stats_config: json!({}),
            clusters: Vec::new(),
            shipped: None,
        }
    }
}

impl Bootstrap {
    /// A whole configuration that is made for other ports than a test can take: Envoy's own and the
    /// listeners' become free ones, and 9001, 9002 and 9003 become those of the sample upstreams v1, v2 and
    /// canary. It was read from YAML; decimals become texts, as Envoy's own reader of YAML would have it.
    pub fn shipped(mut config: Value) -> Self {
        decimals_to_texts(&mut config);
        Self { shipped: Some(config), ..Self::default() }
    }

    /// How many listeners it has.
    pub(super) fn listener_count(&self) -> usize {
        let shipped = self.shipped.as_ref().map(|config| &config["static_resources"]["listeners"]);
        shipped.map_or(self.listeners.len(), |listeners| listeners.as_array().map_or(0, Vec::len))
    }

    /// The same with one listener more. Listeners are numbered from 0 in the order in which they were added.
    pub fn listener(mut self, listener: Listener) -> Self {
        self.listeners.push(listener);
        self
    }

    /// How many workers Envoy runs.
    pub fn concurrency(mut self, workers: u32) -> Self {
        self.concurrency = workers;
        self
    }

    /// From which level on Wasm log lines are kept, by Envoy's names.
    pub fn log_level(mut self, level: &str) -> Self {
        self.log_level = level.to_owned();
        self
    }

    /// Envoy's `stats_config`, e.g. for tags.
    pub fn stats_config(mut self, config: Value) -> Self {
        self.stats_config = config;
        self
    }

    /// The same with one cluster more (`envoy.config.cluster.v3.Cluster`).
    pub fn cluster(mut self, cluster: Value) -> Self {
        self.clusters.push(cluster);
        self
    }

    /// Envoy's bootstrap. `work` is where discovery files and the admin address go.
    pub(super) fn to_json(&self, upstreams: &[SocketAddr], work: &Path) -> Value {
        if let Some(config) = &self.shipped {
            return with_other_ports(config.clone(), upstreams);
        }
        let listeners = self.listeners.iter().enumerate().map(|(index, l)| l.to_json(index, work));
        let upstreams =
            UPSTREAMS.iter().zip(upstreams).map(|(name, address)| upstream_cluster(name, *address));
        json!({
            "admin": {"address": local_port(0)},
            "node": {"id": "weir-tests", "cluster": "weir-tests"},
            // Histograms appear after a flush; the default of 5 s would make each test wait for it.
            "stats_flush_interval": "0.1s",
            "stats_config": self.stats_config,
            "static_resources": {
                "listeners": listeners.collect::<Vec<_>>(),
                "clusters": upstreams.chain(self.clusters.iter().cloned()).collect::<Vec<_>>(),
            },
        })
    }
}

fn with_other_ports(mut config: Value, upstreams: &[SocketAddr]) -> Value {
    config["admin"]["address"] = local_port(0);
    let resources = &mut config["static_resources"];
    for (index, listener) in resources["listeners"].as_array_mut().into_iter().flatten().enumerate() {
        listener["name"] = json!(format!("listener-{index}"));
        listener["address"] = local_port(0);
    }
    replace_ports(&mut resources["clusters"], upstreams);
    config
}

/// Exchanges the ports 9001 and so on, wherever they stand.
fn replace_ports(value: &mut Value, upstreams: &[SocketAddr]) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|value| replace_ports(value, upstreams)),
        Value::Object(object) => {
            let number =
                object.get("port_value").and_then(Value::as_u64).and_then(|port| port.checked_sub(9001));
            if let Some(upstream) = number.and_then(|n| upstreams.get(usize::try_from(n).ok()?)) {
                object.insert("port_value".to_owned(), json!(upstream.port()));
            }
            object.values_mut().for_each(|value| replace_ports(value, upstreams));
        }
        _ => {}
    }
}

/// Envoy's reader of YAML knows whole numbers only; anything else in a `Struct` is a text to it (measured with 1.40).
fn decimals_to_texts(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => *value = json!(number.to_string()),
        Value::Array(list) => list.iter_mut().for_each(decimals_to_texts),
        Value::Object(object) => object.values_mut().for_each(decimals_to_texts),
        _ => {}
    }
}

fn upstream_cluster(name: &str, address: SocketAddr) -> Value {
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": socket(address)}}]}],
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_routes_end_in_the_default() {
        let routes = standard_routes();
        assert_eq!(routes[4]["route"]["cluster"], "v1");
        assert_eq!(routes[1]["match"]["headers"][0]["string_match"]["exact"], "v2");
    }

    #[test]
    fn decimals_are_texts_as_in_envoys_yaml() {
        let mut config = json!({"a": [0, 0.5, "1.5"], "b": {"c": -2.25, "d": true}});
        decimals_to_texts(&mut config);
        assert_eq!(config, json!({"a": [0, "0.5", "1.5"], "b": {"c": "-2.25", "d": true}}));
    }

    #[test]
    fn discovered_filters_name_the_file_that_is_written() {
        let filter = json!({"path": discovery_file(Path::new("/w"), "weir")});
        assert_eq!(filter["path"], "/w/weir.ecds.json");
    }
}
