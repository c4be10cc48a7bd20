//! Ambient mode: the component `waypoint`, and callers that come through HBONE.

use serde_json::{Value, json};

use super::super::kubelet::apply;
use super::super::shop::Door;
use super::super::{eventually, namespace::free_port, weir_status};
use super::mesh::{Image, Mesh, replace};
use super::proxy::{Pod, Proxy};

/// The host that programs of the mesh call.
const SERVICE: &str = "web.shop.svc.cluster.local";
const NAMESPACE: &str = "shop";

/// What `istioctl waypoint apply -n shop --enroll-namespace` and its controller make, for the service `web`; and a
/// gateway as the caller, which uses the service's waypoint because of a label.
fn resources(port: u16) -> Vec<Value> {
    let named = |name: &str, namespace: &str| json!({"name": name, "namespace": namespace});
    let label = json!({"gateway.networking.k8s.io/gateway-name": "waypoint"});
    vec![
        json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
            "metadata": {"name": "waypoint", "namespace": "shop", "labels": {"istio.io/waypoint-for": "service"}},
            "spec": {"gatewayClassName": "istio-waypoint",
                "listeners": [{"name": "mesh", "port": 15008, "protocol": "HBONE"}]}}),
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": named("waypoint", "shop")}),
        json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "waypoint", "namespace": "shop", "labels": label},
            "spec": {"selector": label, "ports": [{"name": "mesh", "port": 15008, "appProtocol": "hbone"}]}}),
        json!({"apiVersion": "networking.istio.io/v1", "kind": "WorkloadEntry",
            "metadata": named("waypoint", "shop"),
            "spec": {"address": "127.0.0.3", "labels": label, "serviceAccount": "waypoint"}}),
        json!({"apiVersion": "networking.istio.io/v1", "kind": "Gateway",
            "metadata": named("caller", "istio-ingress"),
            "spec": {"selector": {"istio": "ingressgateway"}, "servers": [
                {"port": {"number": port, "name": "http", "protocol": "HTTP"}, "hosts": [SERVICE]}]}}),
        json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
            "metadata": named("caller", "istio-ingress"),
            "spec": {"hosts": [SERVICE], "gateways": ["caller"],
                "http": [{"route": [{"destination": {"host": SERVICE, "port": {"number": 80}}}]}]}}),
    ]
}

fn pod() -> Pod {
    Pod {
        role: "waypoint",
        name: "waypoint",
        namespace: NAMESPACE,
        account: "waypoint",
        address: "127.0.0.3",
        labels: json!({"gateway.networking.k8s.io/gateway-name": "waypoint",
            "gateway.istio.io/managed": "istio.io-mesh-controller"}),
        // So that Envoy counts what comes through the tunnel.
        annotations: json!({"sidecar.istio.io/statsInclusionPrefixes": "http.connect_terminate,listener."}),
    }
}

#[test]
fn users_are_split_behind_hbone_and_a_refused_edit_changes_nothing() {
    let mesh = Mesh::start(Image::Pushed, |manifests| {
        let overlay = manifests.join("overlays/production/kustomization.yaml");
        replace(&overlay, "# components:", "components:");
        replace(&overlay, "# - ../../components/waypoint", "- ../../components/waypoint");
    });
    let door = Door { address: ([127, 0, 0, 1], free_port()).into(), host: SERVICE };
    apply(&mesh.cluster, &resources(door.address.port()));
    let labels = ["istio.io/use-waypoint=waypoint", "istio.io/ingress-use-waypoint=true"];
    mesh.cluster.run(&[&["--namespace", "shop", "label", "service", "web"], &labels[..]].concat());
    let bound = || {
        let status = &mesh.cluster.get("service", "shop", "web")["status"];
        status["conditions"].to_string().contains("WaypointAccepted")
    };
    eventually("istiod binds the service to its waypoint", || mesh.log(), bound);
    let waypoint = Proxy::start(&mesh, &pod());
    let caller = Proxy::start(&mesh, &Pod::gateway(&mesh));
    let logs = || format!("{}\n{}", waypoint.last(), caller.last());

    let plugin = mesh.plugin(NAMESPACE);
    door.becomes("the plugin is effective", &plugin, logs);
    door.is_split_as(&plugin);
    // Callers keep a tunnel open for many requests.
    assert!(waypoint.stat("^http.connect_terminate.downstream_rq_2xx$") > 0, "no tunnel was opened");
    assert!(waypoint.stat("^listener.*_15008.ssl.handshake$") > 0, "without mTLS");
    assert_eq!(mesh.fetched(), 1, "the waypoint's agent did not fetch the image once");

    mesh.patch_weight(NAMESPACE, 10);
    let edited = mesh.plugin(NAMESPACE);
    door.becomes("an edit arrives", &edited, logs);
    door.is_split_as(&edited);
    let (state, said, code) = weir_status(&edited, &waypoint.admin);
    assert_eq!((state.as_str(), code), ("runs", Some(0)), "{said}");
    mesh.patch_weight(NAMESPACE, -1);
    let refuses = || weir_status(&edited, &waypoint.admin).0 == "refuses";
    eventually("weir status shows the refusal", logs, refuses);
    assert!(waypoint.log().contains("targets[0].weight"), "{}", waypoint.last());
    door.is_split_as(&edited);
}
