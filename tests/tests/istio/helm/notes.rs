//! What Helm prints after an installation: its commands find the proxies that run the plugin.

use std::process::Command;

use serde_json::{Value, json};

use super::{Helm, search_path, stand_in, words};

/// Plays a cluster, and writes what it is asked.
const KUBECTL: &str = r#"
echo "$*" >>"$ASKED"
case "$*" in
"--namespace shop get service web "*) echo waypoint ;;
"--namespace shop get serviceentry bank "*) ;;
"get namespace shop "*) echo other ;;
"get pods --all-namespaces "*) echo far ;;
*" get pods "*) echo pod/first; echo pod/second ;;
*" exec pod/first "*) echo "wasmcustom_weir_config_hash{} 1" ;;
*" logs pod/first "*) echo "wasm log: weir" ;;
*) echo "kubectl $*: not played" >&2; exit 1 ;;
esac
"#;

fn notes(helm: &Helm, more: &Value) -> String {
    let mut values = json!({"image": {"repository": "ghcr.io/acme/weir"}, "config": {"routing": {}}});
    values.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let file = helm.file("values.json", &values.to_string());
    let arguments =
        ["install", "--dry-run=client", "web", "charts/weir", "--namespace", "shop", "--values", &file];
    let output = helm.run(&words(&arguments));
    assert!(output.status.success(), "{more}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_once("NOTES:").unwrap().1.to_owned()
}

/// What a cluster is asked by the commands, after "Without Prometheus", as a shell runs them.
fn asked(helm: &Helm, notes: &str) -> Vec<String> {
    let (_, commands) = notes.split_once("weir rollout hash -\n").unwrap();
    let (commands, _) = commands.split_once("3. Ask").unwrap();
    // Commands are indented by five, and sentences by three.
    let commands: String =
        commands.lines().filter_map(|it| it.strip_prefix("     ")).map(|it| format!("{it}\n")).collect();
    stand_in(helm.home.path(), "kubectl", KUBECTL);
    let log = helm.file("asked", "");
    let output = Command::new("bash")
        // Not pipefail: `head` ends before `kubectl` does.
        .args(["-eu", "-c", &commands])
        .env("PATH", search_path(helm.home.path()))
        .env("ASKED", &log)
        .output()
        .unwrap();
    assert!(output.status.success(), "{commands}\n{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read_to_string(log).unwrap().lines().map(str::to_owned).collect()
}

/// What is asked of the first pod with a label.
fn pod(namespace: &str, selector: &str) -> Vec<String> {
    [
        format!("get pods --selector {selector} --output name"),
        "exec pod/first --container istio-proxy -- pilot-agent request GET /stats/prometheus".to_owned(),
        "logs pod/first --container istio-proxy".to_owned(),
    ]
    .map(|it| format!("--namespace {namespace} {it}"))
    .into()
}

fn waypoint(kind_and_name: &str) -> String {
    format!(
        r"--namespace shop get {kind_and_name} --output jsonpath={{.metadata.labels.istio\.io/use-waypoint}}"
    )
}

#[test]
fn the_notes_find_the_proxies_that_run_the_plugin() {
    let helm = Helm::new();
    let gateway = |name: &str| format!("gateway.networking.k8s.io/gateway-name={name}");
    let class = "gateway.networking.k8s.io/gateway-class-name=istio-waypoint";
    let at = |kind: &str, name: &str| json!({"targetRefs": [{"kind": kind, "name": name}]});
    let far = format!(
        "get pods --all-namespaces --selector {class} --output jsonpath={{.items[0].metadata.namespace}}"
    );
    let namespace =
        r"get namespace shop --output jsonpath={.metadata.labels.istio\.io/use-waypoint}".to_owned();
    let proxies =
        "service.istio.io/canonical-name,gateway.networking.k8s.io/gateway-class-name!=istio-waypoint";
    for (values, expected) in [
        (json!({"selector": {"app": "web", "version": "v1"}}), pod("shop", "app=web,version=v1")),
        (json!({"allPods": true}), pod("shop", proxies)),
        (at("Gateway", "front"), pod("shop", &gateway("front"))),
        // The Service names a waypoint, and for the ServiceEntry its namespace does.
        (at("Service", "web"), [vec![waypoint("service web")], pod("shop", &gateway("waypoint"))].concat()),
        (
            at("ServiceEntry", "bank"),
            [vec![waypoint("serviceentry bank"), namespace], pod("shop", &gateway("other"))].concat(),
        ),
        (at("GatewayClass", "istio-waypoint"), [vec![far], pod("far", class)].concat()),
        (
            json!({"platform": "gateway-api", "targetRefs": [{"kind": "Gateway", "name": "a"}, {"kind": "Gateway", "name": "b"}]}),
            [pod("shop", &gateway("a")), pod("shop", &gateway("b"))].concat(),
        ),
    ] {
        assert_eq!(asked(&helm, &notes(&helm, &values)), expected, "{values}");
    }
}

#[test]
fn the_notes_say_which_targets_run_nothing() {
    let helm = Helm::new();
    let client = "a Gateway of the class istio-waypoint does not run it. For a waypoint: --set mode=SERVER";
    let server = "only Gateways of the class istio-waypoint run it";
    let root = "only if shop is Istio's root namespace";
    let class = "NOT RUN: Istio attaches plugins to the GatewayClass istio-waypoint only, not to istio.";
    let all = [client, server, root, class];
    let at = |kind: &str, name: &str| json!([{"kind": kind, "name": name}]);
    for (values, expected) in [
        (json!({"selector": {"app": "web"}}), None),
        (json!({"allPods": true}), None),
        (json!({"targetRefs": at("Service", "web")}), None),
        (json!({"targetRefs": at("Gateway", "shop")}), Some(client)),
        (json!({"targetRefs": at("Gateway", "shop"), "mode": "SERVER"}), Some(server)),
        (json!({"targetRefs": at("GatewayClass", "istio-waypoint")}), Some(root)),
        (json!({"targetRefs": at("GatewayClass", "istio")}), Some(class)),
        (json!({"platform": "envoy-gateway", "targetRefs": at("Gateway", "shop")}), None),
    ] {
        let notes = notes(&helm, &values);
        for sentence in all {
            assert_eq!(
                notes.contains(sentence),
                expected == Some(sentence),
                "{values}: {sentence:?} in\n{notes}"
            );
        }
    }
}
