//! Clusters.

use std::net::SocketAddr;

use serde_json::{Value, json};

const HTTP_OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// The names of the sample upstreams; each is a cluster and a value of `x-weir-route`.
pub(super) const UPSTREAMS: [&str; 3] = ["v1", "v2", "canary"];

/// More connections and requests at a time than any test has: Envoy's own limit is 1024.
const NO_LIMIT: u32 = 100_000;

/// A cluster with fixed addresses.
///
/// ```
/// # use weir_tests::envoy::Cluster;
/// # use serde_json::json;
/// let callee = Cluster::new("callee", ([127, 0, 0, 1], 9001).into())
///     .http2()
///     .with(json!({"outlier_detection": {"consecutive_5xx": 3}}));
/// ```
#[derive(Clone, Debug)]
pub struct Cluster {
    name: String,
    endpoints: Vec<SocketAddr>,
    protocol: Value,
    further: Value,
}

impl Cluster {
    /// A cluster of one address, spoken to in HTTP/1.1.
    pub fn new(name: &str, address: SocketAddr) -> Self {
        let protocol = json!({"explicit_http_config": {"http_protocol_options": {}}});
        Self { name: name.to_owned(), endpoints: vec![address], protocol, further: json!({}) }
    }

    /// The same with one address more.
    pub fn endpoint(mut self, address: SocketAddr) -> Self {
        self.endpoints.push(address);
        self
    }

    /// The same, spoken to in HTTP/2: for gRPC.
    pub fn http2(mut self) -> Self {
        self.protocol = json!({"explicit_http_config": {"http2_protocol_options": {}}});
        self
    }

    /// The same, spoken to as the client speaks to Envoy.
    pub fn client_protocol(mut self) -> Self {
        let both = json!({"http_protocol_options": {}, "http2_protocol_options": {}});
        self.protocol = json!({"use_downstream_protocol_config": both});
        self
    }

    /// The same with these fields of `envoy.config.cluster.v3.Cluster` added or replaced: `outlier_detection`,
    /// `circuit_breakers`, `health_checks` and the like.
    ///
    /// # Panics
    /// When `fields` is no object.
    pub fn with(mut self, fields: Value) -> Self {
        for (name, value) in fields.as_object().expect("fields of a cluster are an object") {
            self.further[name] = value.clone();
        }
        self
    }
}

impl From<Cluster> for Value {
    fn from(cluster: Cluster) -> Self {
        let endpoint = |address: &SocketAddr| json!({"endpoint": {"address": socket(*address)}});
        let endpoints: Vec<_> = cluster.endpoints.iter().map(endpoint).collect();
        let mut options = cluster.protocol;
        options["@type"] = json!(format!("type.googleapis.com/{HTTP_OPTIONS}"));
        let mut value = json!({
            "name": cluster.name,
            "type": "STATIC",
            "connect_timeout": "5s",
            "load_assignment": {
                "cluster_name": cluster.name,
                "endpoints": [{"lb_endpoints": endpoints}],
            },
            "typed_extension_protocol_options": {HTTP_OPTIONS: options},
        });
        for (name, field) in cluster.further.as_object().into_iter().flatten() {
            value[name] = field.clone();
        }
        value
    }
}

/// The cluster of a sample upstream.
pub(super) fn upstream_cluster(name: &str, address: SocketAddr) -> Cluster {
    let limits = json!({
        "max_connections": NO_LIMIT, "max_pending_requests": NO_LIMIT, "max_requests": NO_LIMIT,
    });
    let circuit_breakers = json!({"circuit_breakers": {"thresholds": [limits]}});
    Cluster::new(name, address).client_protocol().with(circuit_breakers)
}

pub(super) fn local_port(port: u16) -> Value {
    socket(([127, 0, 0, 1], port).into())
}

fn socket(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip(), "port_value": address.port()}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_added_and_replaced() {
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let further = json!({"connect_timeout": "1s", "outlier_detection": {}});
        let cluster: Value = Cluster::new("c", address).endpoint(address).http2().with(further).into();
        assert_eq!(cluster["connect_timeout"], "1s");
        assert!(cluster["outlier_detection"].is_object());
        let endpoints = &cluster["load_assignment"]["endpoints"][0]["lb_endpoints"];
        assert_eq!(endpoints.as_array().map(Vec::len), Some(2));
        assert!(
            cluster["typed_extension_protocol_options"][HTTP_OPTIONS]["explicit_http_config"]["http2_protocol_options"]
                .is_object()
        );
    }
}
