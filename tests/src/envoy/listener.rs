//! Listeners: filters, routes, access log.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::cluster::{UPSTREAMS, local_port};
use super::plugin::Plugin;

const ROUTER: &str = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
const CONNECTION_MANAGER: &str =
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const STDOUT_LOG: &str = "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog";

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
    loggers: Vec<Value>,
    websockets: bool,
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

    /// The same with these access loggers, each an `envoy.config.accesslog.v3.AccessLog`.
    pub fn loggers(mut self, loggers: Vec<Value>) -> Self {
        self.loggers = loggers;
        self
    }

    /// The same, which lets WebSockets be opened.
    pub fn websockets(mut self) -> Self {
        self.websockets = true;
        self
    }

    fn access_logs(&self) -> Value {
        let log = |format: &String| {
            json!({"name": "envoy.access_loggers.stdout", "typed_config": {
                "@type": STDOUT_LOG,
                "log_format": {"text_format_source": {"inline_string": format}},
            }})
        };
        self.access_log.iter().map(log).chain(self.loggers.iter().cloned()).collect()
    }

    pub(super) fn discovered(&self) -> impl Iterator<Item = (&str, &Plugin)> {
        self.filters.iter().filter_map(|filter| match filter {
            Filter::Discovered { name, initial } => Some((name.as_str(), &**initial)),
            _ => None,
        })
    }

    pub(super) fn to_json(&self, index: usize, work: &Path) -> Value {
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
            "upgrade_configs": if self.websockets { json!([{"upgrade_type": "websocket"}]) } else { json!([]) },
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
                json!({"name": plugin.filter_name(), "typed_config": plugin.to_json()})
            }
            Self::Native(name, config) => json!({"name": name, "typed_config": config}),
            Self::Discovered { name, initial } => json!({"name": name, "config_discovery": {
                "config_source": {
                    "path_config_source": {"path": discovery_file(work, name)},
                    "resource_api_version": "V3",
                },
                "type_urls": [initial.type_url()],
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
    fn discovered_filters_name_the_file_that_is_written() {
        let filter = json!({"path": discovery_file(Path::new("/w"), "weir")});
        assert_eq!(filter["path"], "/w/weir.ecds.json");
    }
}
