//! Where a configuration sends requests: names that an Envoy file must know.

use weir_ab_routing::{Config, Target};
use weir_pipeline::Document;

/// The request header of `cluster` where the configuration names no other.
const CLUSTER_HEADER: &str = "x-weir-cluster";

/// Names of upstreams, each once, in the order in which they are in the configuration.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Destinations {
    /// Values that rules give the header that routes follow.
    pub(crate) routes: Vec<String>,
    /// Clusters that rules name.
    pub(crate) clusters: Vec<String>,
    /// Targets of splits that have neither: their requests go to the default upstream.
    pub(crate) plain: Vec<String>,
    /// The header in which they stand.
    pub(crate) cluster_header: String,
    /// Clusters of servers that have the keys of tokens.
    pub(crate) key_servers: Vec<String>,
}

impl Destinations {
    /// Finds them. Routes are the values of `route_header`.
    pub(crate) fn of(document: &Document, route_header: &str) -> Self {
        let mut found = Self::default();
        if let Some(routing) = &document.routing {
            found.of_routing(routing, route_header);
        }
        let providers = document.jwt.iter().flat_map(|jwt| jwt.providers.iter());
        let servers = providers.filter_map(|(_, provider)| provider.jwks.remote.as_ref());
        servers.for_each(|server| add(&mut found.key_servers, &server.cluster));
        found
    }

    fn of_routing(&mut self, routing: &Config, route_header: &str) {
        self.cluster_header = routing.cluster_header.clone().unwrap_or_else(|| CLUSTER_HEADER.to_owned());
        let mut add_target = |target: &Target| {
            let headers = target.set_headers.iter();
            let values = headers.filter(|(name, _)| name.eq_ignore_ascii_case(route_header));
            values.for_each(|(_, value)| add(&mut self.routes, value));
            target.cluster.iter().for_each(|cluster| add(&mut self.clusters, cluster));
        };
        for rule in &routing.rules {
            add_target(&rule.target);
            let targets = rule.split.iter().flat_map(|split| &split.targets);
            targets.for_each(|side| add_target(&side.target));
        }
        routing.default.iter().for_each(add_target);
        let targets =
            routing.rules.iter().filter_map(|rule| rule.split.as_ref()).flat_map(|split| &split.targets);
        for side in targets {
            let mut headers = side.target.set_headers.iter();
            let routed = headers.any(|(name, _)| name.eq_ignore_ascii_case(route_header));
            if !routed && side.target.cluster.is_none() {
                add(&mut self.plain, &side.name);
            }
        }
    }

    /// The upstreams that requests can go to: routes and clusters.
    pub(crate) fn upstreams(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for name in self.routes.iter().chain(&self.clusters) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }
}

fn add(list: &mut Vec<String>, name: &str) {
    if !list.iter().any(|known| known == name) {
        list.push(name.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_target_is_found_once() {
        let document = json!({
            "jwt": {"providers": {
                "a": {"issuer": "a", "jwks": {"remote": {"cluster": "id", "uri": "https://id/"}}},
                "b": {"issuer": "b", "jwks": {"inline": {"keys": []}}},
            }},
            "routing": {
                "rules": [
                    {"name": "r", "setHeaders": {"X-Route": "v2", "x-other": "no"}},
                    {"name": "s", "split": {"targets": [
                        {"name": "a", "cluster": "v3"}, {"name": "b", "setHeaders": {"x-route": "v2"}},
                        {"name": "c", "setHeaders": {"x-other": "v9"}},
                    ]}},
                ],
                "default": {"cluster": "v2"},
            },
        });
        let document = weir_core::load::load_value(&document, &mut weir_core::Problems::default());
        let found = Destinations::of(&document, "x-route");
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(found.routes, names(&["v2"]));
        assert_eq!(found.clusters, names(&["v3", "v2"]));
        assert_eq!(found.plain, names(&["c"]));
        assert_eq!(found.cluster_header, "x-weir-cluster");
        assert_eq!(found.key_servers, names(&["id"]));
        assert_eq!(found.upstreams(), ["v2", "v3"]);
    }
}
