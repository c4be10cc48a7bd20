//! The quick start's commands, in an empty cluster: each works twice, and nothing is left at the end.

use weir_tests::kubernetes::{Cluster, definitions};
use weir_tests::paths;

use super::shared;

/// The commands of a page that begin with this, from its blocks of shell, without comments.
fn commands(page: &str, start: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(paths::root().join("docs").join(page)).unwrap();
    let mut is_shell = false;
    let mut found = Vec::new();
    for line in text.lines() {
        match line.trim() {
            fence if fence.starts_with("```") => is_shell = fence == "```sh",
            command if is_shell && command.starts_with(start) => {
                let command = command.split(" #").next().unwrap();
                found.push(command.split_whitespace().map(str::to_owned).collect());
            }
            _ => {}
        }
    }
    found
}

/// Runs kubectl as the page has it, where the page says: in a checkout.
fn kubectl(cluster: &Cluster, command: &[String]) -> String {
    let output = cluster.kubectl().args(&command[1..]).current_dir(paths::root()).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// All that our manifests may leave: names of resources, one a line. A namespace without a controller never ends, so
/// that only its deletion counts.
fn left(cluster: &Cluster) -> Vec<String> {
    let kinds = "wasmplugins,trafficextensions,virtualservices,destinationrules,gateways.networking.istio.io,\
                 telemetries,requestauthentications,authorizationpolicies,peerauthentications,deployments,services,\
                 serviceaccounts,roles,rolebindings,httproutes,podmonitors";
    let names = cluster.run(&[
        "get",
        kinds,
        "--all-namespaces",
        "--output",
        "name",
        "--ignore-not-found",
        "--field-selector",
        "metadata.namespace!=kube-system,metadata.namespace!=kube-public",
    ]);
    let own = |name: &&str| *name != "service/kubernetes";
    names.lines().filter(own).map(str::to_owned).collect()
}

#[test]
fn the_quick_start_applies_twice_and_is_deleted() {
    let cluster = Cluster::start(&definitions());
    assert_eq!(left(&cluster), [""; 0], "an empty cluster");
    let deleted = commands("install-istio.md", "kubectl delete -k");
    assert_eq!(deleted.len(), 2, "{deleted:?}");
    let mut applied = commands("install-istio.md", "kubectl apply -k");
    // With Helm, the routes alone are applied, which are a part of the overlay.
    applied.retain(|command| command.last().unwrap() != "wasm-plugins/shop/routes");
    assert_eq!(applied.len(), 2, "{applied:?}");
    for command in &applied {
        assert!(kubectl(&cluster, command).contains("created"), "{command:?}");
    }
    let after_one = left(&cluster);
    assert!(after_one.len() > 8, "{after_one:?}");
    for command in &applied {
        let again = kubectl(&cluster, command);
        let changed: Vec<&str> = again.lines().filter(|line| !line.ends_with("unchanged")).collect();
        assert!(changed.is_empty(), "the second time changes {changed:?}");
    }
    assert_eq!(left(&cluster), after_one);
    for command in deleted {
        let with = [command, vec!["--wait=false".to_owned()]].concat();
        assert!(kubectl(&cluster, &with).contains("deleted"), "{with:?}");
    }
    assert_eq!(left(&cluster), [""; 0]);
    let namespaces = cluster.run(&["get", "namespaces", "--output", "jsonpath={.items[*].metadata.name}"]);
    let phase = |name: &str| cluster.get("namespace", "", name)["status"]["phase"].clone();
    for name in ["shop", "istio-ingress"] {
        assert!(!namespaces.split(' ').any(|it| it == name) || phase(name) == "Terminating", "{name} stays");
    }
}

#[test]
fn every_kustomization_is_taken_as_strict_as_kubectl_can() {
    let root = paths::root().join("wasm-plugins");
    let mut open = vec![root.clone()];
    let mut seen = 0;
    for name in ["shop", "istio-ingress", "weir-system"] {
        drop(shared().kubectl().args(["create", "namespace", name]).output().unwrap());
    }
    while let Some(folder) = open.pop() {
        let entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        open.extend(entries.filter(|path| path.is_dir()));
        let text = std::fs::read_to_string(folder.join("kustomization.yaml")).unwrap_or_default();
        // There are no definitions of cert-manager's here.
        if !text.contains("kind: Kustomization") || folder.ends_with("cert-manager") {
            continue;
        }
        let arguments = ["apply", "--dry-run=server", "--validate=strict", "--kustomize"];
        let output = shared().kubectl().args(arguments).arg(&folder).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {error}", folder.display());
        seen += 1;
    }
    assert!(seen > 12, "{seen}");
}
