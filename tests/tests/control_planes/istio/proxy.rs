//! Istio's agent with the proxy that it starts, as a pod of the mesh has them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::super::namespace::{Places, Program, free_port};
use super::super::{admin, built, envoy_path, eventually};
use super::mesh::Mesh;

/// Which pod it is.
pub(crate) struct Pod {
    /// `router` or `waypoint`.
    pub(crate) role: &'static str,
    pub(crate) name: &'static str,
    pub(crate) namespace: &'static str,
    pub(crate) account: &'static str,
    /// Each has its own, which is not that of a service's pod.
    pub(crate) address: &'static str,
    pub(crate) labels: Value,
    pub(crate) annotations: Value,
}

impl Pod {
    /// The ingress gateway of the shop, as its Deployment has it.
    pub(crate) fn gateway(mesh: &Mesh) -> Self {
        let deployment = mesh.cluster.get("deployment", "istio-ingress", "istio-ingressgateway");
        let metadata = &deployment["spec"]["template"]["metadata"];
        Self {
            role: "router",
            name: "istio-ingressgateway",
            namespace: "istio-ingress",
            account: "istio-ingressgateway",
            address: "127.0.0.2",
            labels: metadata["labels"].clone(),
            annotations: metadata["annotations"].clone(),
        }
    }
}

/// A running agent. It ends when this is dropped, and its Envoy too.
pub(crate) struct Proxy {
    agent: Program,
    /// Envoy's admin interface.
    pub(crate) admin: String,
    /// Where the agent serves the metrics of both.
    pub(crate) metrics: String,
}

impl Proxy {
    pub(crate) fn start(mesh: &Mesh, pod: &Pod) -> Self {
        let programs = built("WEIR_ISTIO");
        // What the pod's volumes have: a token, and the root certificate that istiod gave its namespace.
        let work = mesh.folder.path().join(pod.name);
        drop(fs::remove_dir_all(&work));
        let secrets = work.join("var/run/secrets");
        fs::create_dir_all(secrets.join("tokens")).unwrap();
        fs::create_dir_all(secrets.join("istio")).unwrap();
        let token = ["--namespace", pod.namespace, "create", "token", pod.account, "--audience", "istio-ca"];
        fs::write(secrets.join("tokens/istio-token"), mesh.cluster.run(&token)).unwrap();
        let root = mesh.cluster.get("configmap", pod.namespace, "istio-ca-root-cert");
        fs::write(secrets.join("istio/root-cert.pem"), root["data"]["root-cert.pem"].as_str().unwrap())
            .unwrap();
        // Where the downward API has the annotations.
        fs::create_dir_all(work.join("etc/istio/pod")).unwrap();
        let annotations = pod.annotations.as_object().unwrap();
        let lines: Vec<String> = annotations.iter().map(|(name, value)| format!("{name}={value}")).collect();
        fs::write(work.join("etc/istio/pod/annotations"), lines.join("\n")).unwrap();

        let discovery = format!("istiod.istio-system.svc:{}", mesh.secure);
        let (admin, metrics) = (free_port(), free_port());
        let settings = json!({"discoveryAddress": discovery, "binaryPath": envoy_path(None),
            "statusPort": metrics, "proxyAdminPort": admin, "concurrency": 2, "controlPlaneAuthPolicy": "MUTUAL_TLS"});
        let places = Places::default().names(&work, &["istiod.istio-system.svc"]).empty("/var/lib");
        // The folder for modules is one of the image.
        let mut command = Command::new("sh");
        command
            .args(["-c", "mkdir -p /var/lib/istio/data && exec \"$@\"", "sh"])
            .arg(programs.join("pilot-agent"))
            .args(["proxy", pod.role, "--domain", &format!("{}.svc.cluster.local", pod.namespace)])
            .args(["--proxyLogLevel=warning", "--proxyComponentLogLevel=misc:error,wasm:info"])
            .env("PROXY_CONFIG", settings.to_string())
            .env("ISTIO_BOOTSTRAP", bootstrap(mesh))
            .env("ISTIO_METAJSON_LABELS", pod.labels.to_string())
            .env("ENVOY_PROMETHEUS_PORT", free_port().to_string())
            .env("ENVOY_STATUS_PORT", free_port().to_string())
            .env("CA_ADDR", &discovery)
            .envs([
                ("POD_NAME", pod.name),
                ("POD_NAMESPACE", pod.namespace),
                ("INSTANCE_IP", pod.address),
                ("SERVICE_ACCOUNT", pod.account),
                ("TRUST_DOMAIN", "cluster.local"),
                ("PILOT_CERT_PROVIDER", "istiod"),
                ("ISTIO_META_CLUSTER_ID", "Kubernetes"),
                ("ISTIO_META_MESH_ID", "cluster.local"),
                ("ISTIO_META_WORKLOAD_NAME", pod.name),
                ("ISTIO_META_INTERCEPTION_MODE", "NONE"),
            ])
            .current_dir(&work);
        let agent = Program::start(&work.join("log"), &places, &mut command);
        let at = |port: u16| format!("127.0.0.1:{port}");
        let proxy = Self { agent, admin: at(admin), metrics: at(metrics) };
        // Not `ready`: that waits for the plugin, too.
        eventually("Envoy runs", || proxy.last(), || proxy.page("/server_info").is_some());
        proxy
    }

    /// A page of Envoy's admin interface.
    pub(crate) fn page(&self, page: &str) -> Option<String> {
        admin(&self.admin, page)
    }

    /// The sum of what Envoy counts under names that fit an expression.
    pub(crate) fn stat(&self, expression: &str) -> u64 {
        let page = self.page(&format!("/stats?filter={expression}")).unwrap_or_default();
        page.lines().filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }

    /// What the agent and Envoy have logged.
    pub(crate) fn log(&self) -> String {
        self.agent.log()
    }

    /// The end of it.
    pub(crate) fn last(&self) -> String {
        self.agent.last()
    }
}

/// Istio's own template, without the extension that only Istio's Envoy has: it finds the callers for labels of metrics.
fn bootstrap(mesh: &Mesh) -> PathBuf {
    let text = fs::read_to_string(built("WEIR_ISTIO").join("envoy_bootstrap.json")).unwrap();
    let condition = "{{- if .metadata_discovery }}";
    assert!(text.contains(condition), "Istio's template is another");
    let file = mesh.folder.path().join("bootstrap.json");
    fs::write(&file, text.replace(condition, "{{- if false }}")).unwrap();
    file
}
