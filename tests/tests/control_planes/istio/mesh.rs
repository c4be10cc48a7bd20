//! istiod on a real API server, with the shipped manifests as a user edits them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::MutexGuard;

use serde_json::{Value, json};
use tempfile::TempDir;
use weir_tests::kubernetes::{Cluster, definitions};
use weir_tests::paths;
use weir_upstream::Upstream;

use super::super::kubelet::apply;
use super::super::namespace::{Places, Program, free_port, ports_are_free};
use super::super::registry::Registry;
use super::super::shop::version;
use super::super::{admin, alone, built, eventually};

/// The image, in the registry.
pub(crate) const IMAGE: &str = "weir/ab-routing";
/// The port of waypoints, which no setting changes.
const HBONE: u16 = 15008;

/// istiod, the cluster it reads, a registry, and the two versions of `web`.
pub(crate) struct Mesh {
    istiod: Program,
    pub(crate) registry: Registry,
    pub(crate) cluster: Cluster,
    /// The port of istiod that takes certificates.
    pub(crate) secure: u16,
    /// The port that the shop's Gateway has.
    pub(crate) port: u16,
    /// The digest of the image, which need not be in the registry yet.
    pub(crate) digest: String,
    pub(crate) folder: TempDir,
    _versions: Vec<Upstream>,
    _alone: MutexGuard<'static, ()>,
}

impl Mesh {
    /// Starts istiod, and applies the overlays of the quick start with our registry.
    pub(crate) fn start(image: Image, change: impl Fn(&Path)) -> Self {
        let alone = alone();
        ports_are_free("a waypoint", &[HBONE]);
        let registry = Registry::start();
        // The digest is that of the content, wherever an image is pushed to.
        let digest = registry.push("ab_routing", "elsewhere:1");
        let folder = tempfile::tempdir().unwrap();
        let programs = built("WEIR_ISTIO");
        let mut all = definitions();
        // Whole ones of the Gateway API in place of those that are cut for validation.
        all.retain(|file| !["gateway-crd.yaml", "httproute-crd.yaml"].iter().any(|cut| file.ends_with(cut)));
        all.push(programs.join("gateway-api.yaml"));
        let cluster = Cluster::start(&all);
        let (secure, http) = (free_port(), free_port());
        let istiod = istiod(&cluster, &programs, folder.path(), secure, http);
        let versions = vec![version("stable"), version("canary")];
        let mesh = Self {
            istiod,
            registry,
            cluster,
            secure,
            port: free_port(),
            digest,
            folder,
            _versions: versions,
            _alone: alone,
        };
        if image == Image::Pushed {
            mesh.push();
        }
        mesh.edit();
        change(&mesh.manifests());
        mesh.apply("overlays/shop");
        mesh.apply("overlays/production");
        let pods = ["stable", "canary"].iter().zip(&mesh._versions);
        apply(&mesh.cluster, &pods.map(|(name, version)| pod(name, version)).collect::<Vec<_>>());
        let address = format!("127.0.0.1:{http}");
        eventually("istiod is ready", || mesh.istiod.last(), || admin(&address, "/ready").is_some());
        for namespace in ["shop", "istio-ingress"] {
            let root = ["--namespace", namespace, "get", "configmap", "istio-ca-root-cert"];
            let there = || mesh.cluster.kubectl().args(root).output().unwrap().status.success();
            eventually("the root certificate is there", || mesh.istiod.last(), there);
        }
        mesh
    }

    /// Pushes the image to where the manifests have it.
    pub(crate) fn push(&self) {
        assert_eq!(self.registry.push("ab_routing", &format!("{IMAGE}:0.1.0")), self.digest);
    }

    /// How often agents have fetched the module's layer.
    pub(crate) fn fetched(&self) -> usize {
        self.registry.fetched(IMAGE)
    }

    /// The copy of `wasm-plugins/`.
    pub(crate) fn manifests(&self) -> PathBuf {
        self.folder.path().join("wasm-plugins")
    }

    /// What the page has its reader insert, and a port of this machine.
    fn edit(&self) {
        copy(&paths::root().join("wasm-plugins"), &self.manifests());
        let overlay = self.manifests().join("overlays/production/kustomization.yaml");
        let ours = format!("newName: oci://{}/{IMAGE}", self.registry.host());
        replace(&overlay, &format!("newName: oci://registry.example.com/{IMAGE}"), &ours);
        let digest = format!("digest: sha256:{}", self.digest);
        replace(&overlay, &format!("digest: sha256:{}", "1".repeat(64)), &digest);
        let routes = self.manifests().join("shop/routes/routes.yaml");
        replace(
            &routes,
            "port: {number: 80, name: http, ",
            &format!("port: {{number: {}, name: http, ", self.port),
        );
    }

    /// Applies a folder of the copy.
    pub(crate) fn apply(&self, folder: &str) {
        self.cluster.run(&["apply", "--kustomize", self.manifests().join(folder).to_str().unwrap()]);
    }

    /// The plugin as the server has it.
    pub(crate) fn plugin(&self, namespace: &str) -> Value {
        self.cluster.get("wasmplugin", namespace, "weir-ab-routing")
    }

    /// Sets the digest of the WasmPlugin's image.
    pub(crate) fn patch_image(&self, namespace: &str, digest: &str) {
        let url = format!("oci://{}/{IMAGE}@sha256:{digest}", self.registry.host());
        self.patch("wasmplugin", namespace, &json!([{"op": "replace", "path": "/spec/url", "value": url}]));
    }

    /// Sets the weight of the stable version in the WasmPlugin, where that of the canary is 10.
    pub(crate) fn patch_weight(&self, namespace: &str, weight: i32) {
        self.patch_weight_of("wasmplugin", "/spec", namespace, weight);
    }

    /// The same in a resource that has the plugin at this path.
    pub(crate) fn patch_weight_of(&self, kind: &str, at: &str, namespace: &str, weight: i32) {
        let path = format!("{at}/pluginConfig/routing/rules/0/split/targets/0/weight");
        self.patch(kind, namespace, &json!([{"op": "replace", "path": path, "value": weight}]));
    }

    fn patch(&self, kind: &str, namespace: &str, patch: &Value) {
        let place = ["--namespace", namespace, "patch", kind, "weir-ab-routing"];
        self.cluster.run(&[&place[..], &["--type", "json", "--patch", &patch.to_string()]].concat());
    }

    /// The end of istiod's log.
    pub(crate) fn log(&self) -> String {
        self.istiod.last()
    }
}

/// Whether the image is in the registry from the start.
#[derive(PartialEq)]
pub(crate) enum Image {
    Pushed,
    Missing,
}

fn istiod(cluster: &Cluster, programs: &Path, folder: &Path, secure: u16, http: u16) -> Program {
    cluster.run(&["create", "namespace", "istio-system"]);
    // As the installation makes it, without the providers of metrics and logs, which need Istio's own Envoy.
    let settings = "rootNamespace: istio-system\ntrustDomain: cluster.local\n";
    apply(
        cluster,
        &[json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "istio", "namespace": "istio-system"},
            "data": {"mesh": settings, "meshNetworks": "networks: {}"}})],
    );
    let at = |port: u16| format!("127.0.0.1:{port}");
    let mut command = Command::new(programs.join("pilot-discovery"));
    command
        .arg("discovery")
        .arg("--kubeconfig")
        .arg(cluster.kubeconfig())
        .args(["--secureGRPCAddr", &at(secure), "--httpAddr", &at(http)])
        .args(["--grpcAddr", &at(free_port()), "--httpsAddr", &at(free_port())])
        .args(["--monitoringAddr", &at(free_port()), "--ctrlz_port", &free_port().to_string()])
        .envs([
            ("POD_NAMESPACE", "istio-system"),
            ("POD_NAME", "istiod-0"),
            ("SERVICE_ACCOUNT", "istiod"),
            ("CLUSTER_ID", "Kubernetes"),
            ("REVISION", "default"),
            // Without nodes there are no pods to inject, and none that a webhook could be asked in.
            ("INJECTION_WEBHOOK_CONFIG_NAME", ""),
            ("VALIDATION_WEBHOOK_CONFIG_NAME", ""),
            ("PILOT_ENABLE_AMBIENT", "true"),
            // Filters that only Istio's own build of Envoy has, and what waypoints have for other networks, which needs
            // it, too.
            ("AMBIENT_ENABLE_MULTI_NETWORK_WAYPOINT", "false"),
            ("PILOT_ENABLE_ALPN_FILTER", "false"),
            ("PILOT_ENABLE_METADATA_EXCHANGE", "false"),
        ])
        .current_dir(folder);
    Program::start(&folder.join("istiod.log"), &Places::default(), &mut command)
}

/// A pod of a version, as far as istiod needs one. No pod may have an address of this machine alone, but a WorkloadEntry
/// may, and the Service selects it by the same labels.
fn pod(name: &str, version: &Upstream) -> Value {
    json!({"apiVersion": "networking.istio.io/v1", "kind": "WorkloadEntry",
        "metadata": {"name": format!("web-{name}"), "namespace": "shop"},
        "spec": {"address": "127.0.0.1", "ports": {"http": version.address().port()},
            "labels": {"app": "web", "version": name}}})
}

/// Replaces the only such text of a file.
pub(crate) fn replace(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert_eq!(text.matches(from).count(), 1, "{}: {from}", file.display());
    fs::write(file, text.replace(from, to)).unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}
