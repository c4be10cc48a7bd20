//! A mesh of one proxy: the manifests that are shipped, made fit for one machine, an istiod that reads them, and
//! an Envoy that is what istiod says.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};
use weir_tests::client::{Client, Request, Response, runtime};
use weir_tests::envoy::{Bootstrap, Envoy};
use weir_tests::paths;
use weir_upstream::{Seen, Upstream};

use super::istiod::Istiod;

/// The host that sidecars call.
pub(crate) const SERVICE: &str = "web.shop.svc.cluster.local";
/// The host at the gateway.
pub(crate) const SHOP: &str = "shop.example.com";

/// Which proxy Envoy is.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Role {
    /// The ingress gateway.
    Gateway,
    /// The sidecar of a program that calls `web`.
    Caller,
    /// The sidecar of `web`.
    Callee,
}

/// istiod, Envoy and the two versions of `web`.
pub(crate) struct Mesh {
    pub(crate) envoy: Envoy,
    pub(crate) istiod: Istiod,
    pub(crate) resources: Vec<Value>,
    entry: SocketAddr,
    host: &'static str,
    _versions: Vec<Upstream>,
}

impl Mesh {
    /// Starts all with the resources of `files`, relative to `wasm-plugins/`.
    pub(crate) fn start(role: Role, files: &[&str], change: impl Fn(&mut Value)) -> Self {
        let versions = Vec::from(["stable", "canary"].map(|name| upstream(name, [127, 0, 0, 1])));
        let entry = free_address();
        let mut resources: Vec<_> = files.iter().flat_map(|file| documents(file)).collect();
        for resource in &mut resources {
            localise(resource, entry);
            if role == Role::Caller {
                call_at(resource, entry.port());
            }
            change(resource);
        }
        // A caller's listener is for services of its own port.
        let port = if role == Role::Caller { entry.port() } else { 80 };
        resources.push(service(port, &versions));
        if role != Role::Gateway {
            resources.extend([plain_text(), sidecar(role, entry, versions[0].address())]);
        }
        Self::run(role, entry, resources, versions)
    }

    /// Starts a gateway in a cluster with these resources, Kubernetes' own among them.
    pub(crate) fn in_cluster(mut resources: Vec<Value>, versions: Vec<Upstream>) -> Self {
        let entry = free_address();
        resources.iter_mut().for_each(|resource| localise(resource, entry));
        Self::run(Role::Gateway, entry, resources, versions)
    }

    fn run(role: Role, entry: SocketAddr, resources: Vec<Value>, versions: Vec<Upstream>) -> Self {
        let istiod = Istiod::start(&resources);
        let envoy = Envoy::start(Bootstrap::shipped(bootstrap(role, istiod.address())));
        let envoy = envoy.unwrap_or_else(|error| panic!("{error}\n{}", istiod.log()));
        let host = if role == Role::Gateway { SHOP } else { SERVICE };
        let mesh = Self { envoy, istiod, resources, entry, host, _versions: versions };
        let listens = mesh.envoy.wait_for(Duration::from_secs(60), |_| TcpStream::connect(entry).is_ok());
        assert!(listens, "no listener:\n{}\n{}", mesh.envoy.log(), mesh.istiod.log());
        mesh
    }

    /// What a version received, and its name.
    pub(crate) fn seen(&self, request: Request) -> Seen {
        let response = self.send(request);
        response.seen().unwrap_or_else(|| panic!("{response:?}\n{}", self.envoy.log()))
    }

    /// Sends a request to where the proxy listens.
    pub(crate) fn send(&self, mut request: Request) -> Response {
        request.host = self.host.to_owned();
        Client::http1().send(self.entry, &request).unwrap()
    }
}

/// A version of `web` at an address of this machine.
pub(crate) fn upstream(name: &str, address: [u8; 4]) -> Upstream {
    runtime().block_on(Upstream::start_with(name, (address, 0).into(), Default::default())).unwrap()
}

/// The documents of a file under `wasm-plugins/`.
pub(crate) fn documents(file: &str) -> Vec<Value> {
    let path = paths::root().join("wasm-plugins").join(file);
    serde_saphyr::from_multiple(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The module from `dist/` in place of an image, and a port of this machine in place of the gateway's.
fn localise(resource: &mut Value, entry: SocketAddr) {
    let extension = resource["kind"] == "TrafficExtension";
    match resource["kind"].as_str().unwrap_or_default() {
        "WasmPlugin" | "TrafficExtension" => {
            let code = if extension { &mut resource["spec"]["wasm"] } else { &mut resource["spec"] };
            let image = code["url"].as_str().unwrap().rsplit('/').next().unwrap();
            let module = image.split('@').next().unwrap().replace('-', "_");
            let module = paths::module(&module).unwrap().canonicalize().unwrap();
            code["url"] = json!(format!("file://{}", module.display()));
        }
        "Gateway" if resource["apiVersion"] == "networking.istio.io/v1" => {
            let server = &mut resource["spec"]["servers"][0];
            server["port"]["number"] = json!(entry.port());
            server["bind"] = json!("127.0.0.1");
        }
        _ => {}
    }
}

/// The port that a caller's routes name.
fn call_at(resource: &mut Value, port: u16) {
    for route in resource["spec"]["http"].as_array_mut().into_iter().flatten() {
        for target in route["route"].as_array_mut().into_iter().flatten() {
            target["destination"]["port"]["number"] = json!(port);
        }
    }
}

/// `web` without Kubernetes: two endpoints.
fn service(port: u16, versions: &[Upstream]) -> Value {
    let endpoint = |(name, upstream): (&str, &Upstream)| {
        json!({"address": "127.0.0.1", "ports": {"http": upstream.address().port()},
            "labels": {"version": name}})
    };
    let endpoints: Vec<_> = ["stable", "canary"].into_iter().zip(versions).map(endpoint).collect();
    json!({"apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"hosts": [SERVICE], "addresses": ["240.0.0.10"], "location": "MESH_EXTERNAL",
            "resolution": "STATIC", "ports": [{"number": port, "name": "http", "protocol": "HTTP"}],
            "endpoints": endpoints}})
}

/// Inbound without mTLS, for which there are no certificates.
fn plain_text() -> Value {
    json!({"apiVersion": "security.istio.io/v1", "kind": "PeerAuthentication",
        "metadata": {"name": "default", "namespace": "shop"}, "spec": {"mtls": {"mode": "DISABLE"}}})
}

/// What a sidecar listens on, as nothing redirects traffic to it here.
fn sidecar(role: Role, entry: SocketAddr, program: SocketAddr) -> Value {
    let port = |name: &str| json!({"number": entry.port(), "protocol": "HTTP", "name": name});
    let mut spec = json!({"egress": [{"hosts": ["*/*"]}]});
    if role == Role::Callee {
        spec["workloadSelector"] = json!({"labels": {"app": "web"}});
        spec["ingress"] = json!([{"port": port("http"), "bind": "127.0.0.1", "captureMode": "NONE",
            "defaultEndpoint": program.to_string()}]);
    } else {
        spec["workloadSelector"] = json!({"labels": {"app": "frontend"}});
        spec["egress"] = json!([{"port": port("egress"), "bind": "127.0.0.1", "captureMode": "NONE",
            "hosts": ["*/*"]}]);
    }
    json!({"apiVersion": "networking.istio.io/v1", "kind": "Sidecar",
        "metadata": {"name": "proxy", "namespace": "shop"}, "spec": spec})
}

/// An Envoy that asks istiod for everything. Its address is not that of an endpoint: istiod would take the
/// endpoint's labels for the proxy's.
pub(crate) fn bootstrap(role: Role, istiod: SocketAddr) -> Value {
    let (kind, namespace, labels) = match role {
        Role::Gateway => ("router", "istio-ingress", json!({"istio": "ingressgateway"})),
        Role::Caller => ("sidecar", "shop", json!({"app": "frontend"})),
        Role::Callee => ("sidecar", "shop", json!({"app": "web"})),
    };
    let ads = json!({"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"});
    let http2 = json!({"@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}}});
    let address = json!({"socket_address": {"address": "127.0.0.1", "port_value": istiod.port()}});
    json!({
        "node": {
            "id": format!("{kind}~10.0.0.1~proxy.{namespace}~{namespace}.svc.cluster.local"),
            "cluster": "proxy",
            "metadata": {"NAMESPACE": namespace, "LABELS": labels, "CLUSTER_ID": "Kubernetes",
                "ISTIO_VERSION": "1.31.0", "INSTANCE_IPS": "10.0.0.1", "INTERCEPTION_MODE": "NONE"},
        },
        "dynamic_resources": {
            "ads_config": {"api_type": "DELTA_GRPC", "transport_api_version": "V3",
                "set_node_on_first_message_only": true,
                "grpc_services": [{"envoy_grpc": {"cluster_name": "xds-grpc"}}]},
            "cds_config": ads, "lds_config": ads,
        },
        "static_resources": {"clusters": [{
            "name": "xds-grpc", "type": "STATIC", "connect_timeout": "1s",
            "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2},
            "load_assignment": {"cluster_name": "xds-grpc",
                "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}]},
        }]},
        "admin": {},
    })
}

/// An address that nobody listened on a moment ago.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap()
}
