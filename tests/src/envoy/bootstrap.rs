//! What an Envoy is started with.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use super::cluster::{UPSTREAMS, local_port, upstream_cluster};
use super::listener::Listener;
use super::shipped::{
    decimals_to_texts, has_port, replace_port, replace_text, smallest_modules, with_other_ports,
};

/// What an Envoy is started with.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    pub(super) listeners: Vec<Listener>,
    pub(super) concurrency: u32,
    pub(super) log_level: String,
    pub(super) env: BTreeMap<String, String>,
    stats_config: Value,
    node: Value,
    runtime: Value,
    clusters: Vec<Value>,
    shipped: Option<Value>,
    pub(super) files: Vec<File>,
}

/// A file that a shipped configuration names.
#[derive(Clone, Debug)]
pub(super) struct File {
    named: String,
    pub(super) name: String,
    pub(super) content: String,
}

impl Default for Bootstrap {
    /// No listener, one worker, log lines of modules from info.
    fn default() -> Self {
        Self {
            listeners: Vec::new(),
            concurrency: 1,
            log_level: "info".to_owned(),
            env: BTreeMap::new(),
            stats_config: json!({}),
            node: json!({"id": "weir-tests", "cluster": "weir-tests"}),
            runtime: json!({}),
            clusters: Vec::new(),
            shipped: None,
            files: Vec::new(),
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

    /// The modules of one filter in the shipped configuration, where it has no more and names the one with all: the same
    /// code, and half of the time to compile. For tests of what a configuration does, not of that module.
    pub fn smallest_modules(mut self) -> Self {
        self.shipped.iter_mut().for_each(smallest_modules);
        self
    }

    /// A copy of a file for this Envoy alone, in place of the one that the shipped configuration calls `named`:
    /// one that changes while Envoy runs ([`super::Envoy::replace`]), or that is made for the test.
    pub fn file(mut self, named: &str, content: impl Into<String>) -> Self {
        let name = named.rsplit('/').next().unwrap_or(named).to_owned();
        self.files.push(File { named: named.to_owned(), name, content: content.into() });
        self
    }

    /// Another port wherever the shipped configuration has `from`: that of an Envoy which runs already.
    pub fn port(mut self, from: u16, to: u16) -> Self {
        self.shipped.iter_mut().for_each(|config| replace_port(config, from, to));
        self
    }

    /// How many listeners with a port it has.
    pub(super) fn listener_count(&self) -> usize {
        let shipped = self.shipped.as_ref().map(|config| &config["static_resources"]["listeners"]);
        let with_port = |listeners: &Value| {
            listeners.as_array().into_iter().flatten().filter(|listener| has_port(listener)).count()
        };
        shipped.map_or(self.listeners.len(), with_port)
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

    /// Envoy's environment, which is that of native modules.
    pub fn env(mut self, env: BTreeMap<String, String>) -> Self {
        self.env = env;
        self
    }

    /// From which level on log lines of modules are kept, by Envoy's names.
    pub fn log_level(mut self, level: &str) -> Self {
        self.log_level = level.to_owned();
        self
    }

    /// Envoy's `stats_config`, e.g. for tags.
    pub fn stats_config(mut self, config: Value) -> Self {
        self.stats_config = config;
        self
    }

    /// Who this Envoy says it is: `envoy.config.core.v3.Node`, e.g. `{"id": "a", "cluster": "b"}`.
    pub fn node(mut self, node: Value) -> Self {
        self.node = node;
        self
    }

    /// Values of Envoy's runtime, e.g. `{"fault.http.abort.abort_percent": 0}`.
    pub fn runtime(mut self, values: Value) -> Self {
        self.runtime = values;
        self
    }

    /// The same with one cluster more: a [`super::Cluster`], or `envoy.config.cluster.v3.Cluster` as it is.
    pub fn cluster(mut self, cluster: impl Into<Value>) -> Self {
        self.clusters.push(cluster.into());
        self
    }

    /// Envoy's bootstrap. `work` is where discovery files and the admin address go.
    pub(super) fn to_json(&self, upstreams: &[SocketAddr], work: &Path) -> Value {
        if let Some(config) = &self.shipped {
            let mut config = with_other_ports(config.clone(), upstreams);
            for file in &self.files {
                replace_text(&mut config, &file.named, &work.join(&file.name).to_string_lossy());
            }
            return config;
        }
        let listeners = self.listeners.iter().enumerate().map(|(index, l)| l.to_json(index, work));
        let upstreams =
            UPSTREAMS.iter().zip(upstreams).map(|(name, address)| upstream_cluster(name, *address).into());
        json!({
            "admin": {"address": local_port(0)},
            "node": self.node,
            "layered_runtime": {"layers": [{"name": "static", "static_layer": self.runtime}]},
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
