//! The quick start of docs/install-istio.md without a cluster: what `kubectl apply -k` would apply, a kubelet that is
//! played here, Istio's control plane and a real Envoy.

use std::process::Command;

use serde_json::{Value, json};
use weir_tests::{paths, program};
use weir_upstream::Upstream;

use super::built::{self, selects};
use super::mesh::{Mesh, upstream};
use super::{USERS, split_is_exact, user};

/// What the page applies, in its order.
fn applied() -> Vec<Value> {
    [built::folder("overlays/shop"), built::folder("overlays/production")].concat()
}

/// What the controllers of a cluster make of Deployments and Services: a pod of each version with its endpoint. The
/// gateway's pod is Envoy.
fn pods(resources: &[Value], versions: &[(&str, &Upstream)]) -> Vec<Value> {
    let mut made = Vec::new();
    let of_kind = |kind: &'static str| resources.iter().filter(move |it| it["kind"] == kind);
    for (name, upstream) in versions {
        let deployment = of_kind("Deployment").find(|it| it["metadata"]["name"] == *name).unwrap();
        let template = &deployment["spec"]["template"];
        let labels = &template["metadata"]["labels"];
        let container = &template["spec"]["containers"][0];
        assert_eq!(container["args"][1], labels["version"], "a version says its name");
        let address = upstream.address().ip().to_string();
        made.push(json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "shop", "labels": labels},
            "spec": {"serviceAccountName": "web", "containers": [container]},
            "status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}],
                "conditions": [{"type": "Ready", "status": "True"}]}}));
        for service in of_kind("Service").filter(|it| selects(&it["spec"]["selector"], labels)) {
            let of = &service["metadata"]["name"];
            let port = &service["spec"]["ports"][0];
            assert_eq!(port["targetPort"], container["ports"][0]["name"], "{of}");
            made.push(
                json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                "metadata": {"name": format!("{}-{name}", of.as_str().unwrap()), "namespace": "shop",
                    "labels": {"kubernetes.io/service-name": of}},
                "endpoints": [{"addresses": [address], "conditions": {"ready": true},
                    "targetRef": {"kind": "Pod", "name": name, "namespace": "shop"}}],
                "ports": [{"name": port["name"], "port": upstream.address().port(), "protocol": "TCP"}]}),
            );
        }
    }
    made
}

/// How many of the users `weir simulate` puts on the canary's side.
fn simulated(plugins: &[Value]) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let (manifests, ids) = (folder.path().join("production.yaml"), folder.path().join("users"));
    let documents: Vec<String> = plugins.iter().map(Value::to_string).collect();
    std::fs::write(&manifests, documents.join("\n---\n")).unwrap();
    let users: String = (0..USERS).map(|number| format!("user-{number}\n")).collect();
    std::fs::write(&ids, users).unwrap();
    let output = Command::new(program::path())
        .arg("simulate")
        .arg(&manifests)
        .args(["--split", "canary", "--output", "json", "--ids"])
        .arg(&ids)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    let result: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{error}"));
    let result = if result.is_array() { result[0].clone() } else { result };
    assert_eq!(result["units"], USERS);
    let variants = result["variants"].as_array().unwrap();
    variants.iter().find(|it| it["key"] == "canary").unwrap()["units"].as_u64().unwrap()
}

#[test]
fn it_ends_in_an_answer() {
    let resources = applied();
    let stable = upstream("stable", [127, 0, 0, 2]);
    let canary = upstream("canary", [127, 0, 0, 3]);
    let pods = pods(&resources, &[("web-stable", &stable), ("web-canary", &canary)]);
    let expected = simulated(&resources);
    let mesh = Mesh::in_cluster([resources, pods].concat(), vec![stable, canary]);
    split_is_exact(&mesh);
    let seen = (0..USERS).filter(|number| mesh.seen(user(*number)).name == "canary").count();
    assert_eq!(u64::try_from(seen).unwrap(), expected, "not what weir simulate says");
    println!("{seen} of {USERS} users get the canary, as weir simulate says");
}

/// Each folder that the page applies is there, and each resource that it asks for is among what it applies.
#[test]
fn the_page_names_what_there_is() {
    let page = std::fs::read_to_string(paths::root().join("docs/install-istio.md")).unwrap();
    let lines = page.lines().map(str::trim).filter(|line| line.contains("kubectl "));
    let all = applied();
    let (mut folders, mut resources) = (0, 0);
    for line in lines {
        let words: Vec<&str> =
            line.split_whitespace().map(|word| word.trim_matches(['`', ')', '(', ','])).collect();
        for folder in words.iter().filter_map(|word| word.strip_prefix("wasm-plugins/")) {
            assert!(!built::folder(folder).is_empty(), "{line}");
            folders += 1;
        }
        let Some(at) = words.iter().position(|word| *word == "-n") else { continue };
        let namespace = words[at + 1];
        for word in &words {
            let Some((kind, name)) = word.split_once('/') else { continue };
            let kind = match kind {
                "deploy" | "deployment" => "Deployment",
                "service" => "Service",
                "wasmplugin" => "WasmPlugin",
                _ => continue,
            };
            let there = all.iter().any(|it| {
                it["kind"] == kind
                    && it["metadata"]["name"] == name
                    && it["metadata"]["namespace"] == namespace
            });
            assert!(there, "{line}: no {kind} {name} in {namespace}");
            resources += 1;
        }
    }
    assert!(folders > 3 && resources > 3, "{folders} {resources}");
}
