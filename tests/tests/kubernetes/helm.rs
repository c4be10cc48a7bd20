//! The chart in a real API server: `helm install`, `upgrade`, `rollback` and `uninstall`, with real Helm.

use std::process::{Command, Output};

use serde_json::Value;
use weir_tests::kubernetes::{Cluster, definitions};
use weir_tests::{paths, program};

fn helm(cluster: &Cluster, arguments: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    Command::new(paths::root().join("scripts/helm"))
        .current_dir(paths::root())
        .args(["exec", "--"])
        .args(arguments)
        .env("KUBECONFIG", cluster.kubeconfig())
        .env("HELM_CACHE_HOME", home.path())
        .env("HELM_CONFIG_HOME", home.path())
        .env("HELM_DATA_HOME", home.path())
        .output()
        .unwrap()
}

#[test]
fn a_release_is_installed_changed_taken_back_and_removed() {
    let cluster = Cluster::start(&definitions());
    let run = |arguments: &[&str]| {
        let output = helm(&cluster, arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "helm {arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    };
    let releases = [
        ("istio", "istio-ingress", "wasmplugin"),
        ("gateway-api", "istio-ingress", "trafficextension"),
        ("envoy-gateway", "shop", "envoyextensionpolicy"),
    ];
    for (example, namespace, kind) in releases {
        let values = format!("charts/weir/examples/{example}.yaml");
        let place = ["--namespace", namespace];
        let said = run(&[
            &["install", example, "charts/weir", "--create-namespace", "--values", &values],
            &place[..],
        ]
        .concat());
        assert!(said.contains("weir check -"), "{said}");
        let manifest = run(&[&["get", "manifest", example], &place[..]].concat());
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &manifest).unwrap();
        let checked = Command::new(program::path())
            .args(["check", "--deny", "warnings"])
            .arg(file.path())
            .output()
            .unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
        let before = cluster.get(kind, namespace, example);
        let digest = format!("sha256:{}", "1".repeat(64));
        let set = format!("image.digest={digest}");
        run(&[&["upgrade", example, "charts/weir", "--reuse-values", "--set", &set], &place[..]].concat());
        let after = cluster.get(kind, namespace, example);
        assert!(after.to_string().contains(&"1".repeat(64)), "{after}");
        run(&[&["rollback", example, "1"], &place[..]].concat());
        assert_eq!(cluster.get(kind, namespace, example)["spec"], before["spec"]);
        // What the schema refuses never comes to the cluster.
        let wrong = helm(
            &cluster,
            &[&["upgrade", example, "charts/weir", "--reuse-values", "--set", "platfrom=istio"], &place[..]]
                .concat(),
        );
        assert!(!wrong.status.success() && String::from_utf8_lossy(&wrong.stderr).contains("platfrom"));
        let monitoring = ["podMonitor", "prometheusRule", "dashboard"].map(|it| format!("{it}.enabled=true"));
        let monitoring: Vec<&str> = monitoring.iter().flat_map(|it| ["--set", it]).collect();
        run(&[&["upgrade", example, "charts/weir", "--reuse-values"], &place[..], &monitoring].concat());
        let dashboard: Value = cluster.get("configmap", namespace, "weir-dashboard");
        assert!(dashboard["data"]["weir.json"].is_string());
        run(&[&["uninstall", example], &place[..]].concat());
        let left = cluster.run(&["--namespace", namespace, "get", kind, "--output", "name"]);
        assert_eq!(left, "", "{example}");
    }
}
