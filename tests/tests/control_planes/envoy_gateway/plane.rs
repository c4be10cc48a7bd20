//! Envoy Gateway with its Kubernetes provider, and the proxy that it asks for.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::MutexGuard;

use serde_json::{Value, json};
use tempfile::TempDir;
use weir_tests::kubernetes::Cluster;
use weir_tests::paths;
use weir_upstream::Upstream;

use super::super::kubelet::{Pod, apply, write_secret};
use super::super::namespace::{Places, Program, free_port, ports_are_free};
use super::super::registry::Registry;
use super::super::shop::{Door, SHOP, version};
use super::super::{admin, alone, built, envoy_path, eventually};

/// The proxy's admin interface, in the configuration that the controller makes.
pub(crate) const ADMIN: &str = "127.0.0.1:19000";
/// Where the controller runs, and what it makes.
const SYSTEM: &str = "envoy-gateway-system";
/// Ports of the controller: xDS, modules, health.
const CONTROLLER: [u16; 3] = [18000, 18002, 8081];
/// Ports of the proxy: admin, metrics, readiness.
const PROXY: [u16; 3] = [19000, 19001, 19003];
/// The image, in the registry.
const IMAGE: &str = "weir/ab-routing";

pub(crate) struct Plane {
    pub(crate) door: Door,
    proxy: Option<Program>,
    controller: Program,
    pub(crate) registry: Registry,
    pub(crate) cluster: Cluster,
    digest: String,
    folder: TempDir,
    _versions: Vec<Upstream>,
    _alone: MutexGuard<'static, ()>,
}

impl Plane {
    /// Starts all, with the shipped policy and route after a change of the policy.
    pub(crate) fn start(change: impl Fn(&mut Value)) -> Self {
        let alone = alone();
        ports_are_free("Envoy Gateway", &CONTROLLER);
        ports_are_free("Envoy Gateway's proxy", &PROXY);
        let programs = built("WEIR_ENVOY_GATEWAY");
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::start();
        let digest = registry.push("ab_routing", &format!("{IMAGE}:0.1.0"));
        let cluster = Cluster::start(&[programs.join("definitions.yaml")]);
        let door = Door { address: ([127, 0, 0, 1], free_port()).into(), host: SHOP };
        let versions = vec![version("stable"), version("canary")];
        let shop = paths::root().join("wasm-plugins/shop");
        cluster.run(&["apply", "--kustomize", shop.to_str().unwrap()]);
        apply(&cluster, &gateway(door.address.port()));
        apply(&cluster, &[endpoint("stable", &versions[0]), endpoint("canary", &versions[1])]);
        let controller = controller(&cluster, &programs.join("envoy-gateway"), folder.path());
        let mut plane = Self {
            door,
            proxy: None,
            controller,
            registry,
            cluster,
            digest,
            folder,
            _versions: versions,
            _alone: alone,
        };
        plane.apply_policy(change);
        plane.start_proxy();
        plane
    }

    /// Applies the shipped file with our registry and digest, after a change of the policy.
    pub(crate) fn apply_policy(&self, change: impl Fn(&mut Value)) {
        let file = paths::root().join("wasm-plugins/envoy-gateway/ab-routing.yaml");
        let mut resources: Vec<Value> =
            serde_saphyr::from_multiple(&fs::read_to_string(file).unwrap()).unwrap();
        let image = &mut resources[0]["spec"]["wasm"][0]["code"]["image"];
        let url = image["url"].as_str().unwrap().replace("registry.example.com", &self.registry.host());
        assert!(url.contains(IMAGE), "{url}");
        *image = json!({"url": url, "sha256": self.digest});
        change(&mut resources[0]);
        apply(&self.cluster, &resources);
    }

    /// The policy as the server has it, after the controller has looked at it.
    pub(crate) fn policy(&self) -> Value {
        let get = || self.cluster.get("envoyextensionpolicy", "shop", "weir");
        let seen = |policy: &Value| {
            let conditions = policy["status"]["ancestors"][0]["conditions"].as_array();
            let generations = conditions.into_iter().flatten().map(|it| &it["observedGeneration"]);
            generations.into_iter().any(|it| *it == policy["metadata"]["generation"])
        };
        eventually("the controller has seen the policy", || self.logs(), || seen(&get()));
        get()
    }

    /// The condition `Accepted` of the policy: its status, and its message.
    pub(crate) fn accepted(&self) -> (String, String) {
        let policy = self.policy();
        let conditions = policy["status"]["ancestors"][0]["conditions"].as_array().unwrap();
        let accepted = conditions.iter().find(|it| it["type"] == "Accepted").unwrap();
        let text = |name: &str| accepted[name].as_str().unwrap().to_owned();
        (text("status"), text("message"))
    }

    /// Sets the weight of the stable version, where that of the canary is 10.
    pub(crate) fn patch_weight(&self, weight: i32) {
        let path = "/spec/wasm/0/config/routing/rules/0/split/targets/0/weight";
        self.patch(
            "envoyextensionpolicy",
            "weir",
            &json!([{"op": "replace", "path": path, "value": weight}]),
        );
    }

    /// As `kubectl patch --type json`, of a resource in the namespace `shop`.
    pub(crate) fn patch(&self, kind: &str, name: &str, patch: &Value) {
        self.cluster.run(&[
            "--namespace",
            "shop",
            "patch",
            kind,
            name,
            "--type",
            "json",
            "--patch",
            &patch.to_string(),
        ]);
    }

    /// Has listeners of the Gateway let headers pass whose names have an underscore.
    pub(crate) fn allow_underscores(&self) {
        let policy = json!({"apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "ClientTrafficPolicy",
            "metadata": {"name": "shop", "namespace": "shop"},
            "spec": {
                "targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "shop"}],
                "headers": {"withUnderscoresAction": "Allow"}}});
        apply(&self.cluster, &[policy]);
    }

    /// Starts the proxy as its Deployment says, or again as a new one.
    pub(crate) fn start_proxy(&mut self) {
        self.start_proxy_with(&envoy_path(None));
    }

    /// The same with an Envoy of the minor version that the controller has a cluster run; returns that version.
    pub(crate) fn start_deployed_proxy(&mut self) -> String {
        let deployment = self.deployment();
        let containers = &deployment["spec"]["template"]["spec"]["containers"];
        let image = containers[0]["image"].as_str().unwrap();
        let version = image.split("-v").nth(1).unwrap();
        let minor = version.split('.').take(2).collect::<Vec<_>>().join(".");
        self.start_proxy_with(&envoy_path(Some(&minor)));
        minor
    }

    /// The Deployment of the proxy.
    fn deployment(&self) -> Value {
        let label = "gateway.envoyproxy.io/owning-gateway-name=shop";
        let get = ["--namespace", SYSTEM, "get", "deployment", "--selector", label, "--output", "json"];
        let find = || {
            let found: Value = serde_json::from_str(&self.cluster.run(&get)).unwrap();
            found["items"].as_array().unwrap().first().cloned()
        };
        eventually("the proxy's Deployment", || self.controller.last(), || find().is_some());
        find().unwrap()
    }

    fn start_proxy_with(&mut self, envoy: &Path) {
        drop(self.proxy.take());
        let deployment = self.deployment();
        let name = format!("{}-0", deployment["metadata"]["name"].as_str().unwrap());
        let pod = Pod { cluster: &self.cluster, deployment: &deployment, name };
        let places = pod.volumes("envoy", self.folder.path());
        let service = format!("envoy-gateway.{SYSTEM}.svc.cluster.local");
        let stable = host_of("stable");
        let canary = host_of("canary");
        // The proxy's file has the name with a dot at its end.
        let places = places.names(self.folder.path(), &[&service, &format!("{service}."), &stable, &canary]);
        let mut command = Command::new(envoy);
        command.args(pod.arguments("envoy")).arg("--use-dynamic-base-id");
        self.proxy = Some(Program::start(&self.folder.path().join("proxy.log"), &places, &mut command));
    }

    /// A number that the proxy counts.
    pub(crate) fn stat(&self, name: &str) -> u64 {
        let page = admin(ADMIN, &format!("/stats?filter=^{name}$"));
        page.and_then(|page| page.trim().rsplit(' ').next()?.parse().ok()).unwrap_or(0)
    }

    /// What the proxy has logged.
    pub(crate) fn proxy_log(&self) -> String {
        self.proxy.as_ref().unwrap().log()
    }

    /// The ends of the logs of the controller and of the proxy.
    pub(crate) fn logs(&self) -> String {
        let proxy = self.proxy.as_ref().map(Program::last).unwrap_or_default();
        format!("{}\n{proxy}", self.controller.last())
    }

    /// How often the controller has fetched the module's layer.
    pub(crate) fn fetched(&self) -> usize {
        self.registry.fetched(IMAGE)
    }
}

/// Makes the certificates, and starts the controller with them.
fn controller(cluster: &Cluster, program: &Path, folder: &Path) -> Program {
    cluster.run(&["create", "namespace", SYSTEM]);
    let output = Command::new(program)
        .args(["certgen", "--disable-topology-injector"])
        .env("KUBECONFIG", cluster.kubeconfig())
        .output()
        .unwrap();
    assert!(output.status.success(), "certgen: {}", String::from_utf8_lossy(&output.stderr));
    let certificates = folder.join("controller");
    write_secret(cluster, SYSTEM, "envoy-gateway", &certificates);
    let configuration = folder.join("envoy-gateway.yaml");
    let settings = json!({
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "EnvoyGateway",
        "gateway": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"},
        // The injector writes zones of nodes into pods.
        "provider": {"type": "Kubernetes", "kubernetes": {
            "leaderElection": {"disable": true}, "proxyTopologyInjector": {"disabled": true}}},
        // These ports are the proxy's too, which in a cluster has another address.
        "admin": {"address": {"host": "127.0.0.1", "port": free_port()}},
        "telemetry": {"metrics": {"prometheus": {"disable": true}}},
    });
    fs::write(&configuration, settings.to_string()).unwrap();
    let mut command = Command::new(program);
    command.arg("server").arg("--config-path").arg(&configuration).env("KUBECONFIG", cluster.kubeconfig());
    // It keeps modules in /var/lib/eg.
    let places = Places::default().bind(&certificates, "/certs").empty("/var/lib");
    Program::start(&folder.join("controller.log"), &places, &mut command)
}

/// The Gateway that the page has its reader name.
fn gateway(port: u16) -> [Value; 2] {
    let api = "gateway.networking.k8s.io/v1";
    [
        json!({"apiVersion": api, "kind": "GatewayClass", "metadata": {"name": "envoy"},
            "spec": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"}}),
        json!({"apiVersion": api, "kind": "Gateway", "metadata": {"name": "shop", "namespace": "shop"},
            "spec": {"gatewayClassName": "envoy",
                "listeners": [{"name": "http", "protocol": "HTTP", "port": port}]}}),
    ]
}

fn host_of(version: &str) -> String {
    format!("web-{version}.shop.svc.cluster.local")
}

/// What Kubernetes' controllers make of a version's pods. No endpoint may have an address of this machine alone, but a
/// name may stand for one.
fn endpoint(name: &str, version: &Upstream) -> Value {
    json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "FQDN",
        "metadata": {"name": format!("web-{name}-1"), "namespace": "shop",
            "labels": {"kubernetes.io/service-name": format!("web-{name}")}},
        "endpoints": [{"addresses": [host_of(name)], "conditions": {"ready": true}}],
        "ports": [{"name": "http", "port": version.address().port(), "protocol": "TCP"}]})
}
