//! What kustomize makes of `wasm-plugins/`: it builds each folder, an API server takes what
//! comes out, and what one resource names another one is.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use weir_tests::{paths, program};

use super::{admitted, istiod};

/// Scenarios that a component changes.
const AT_GATEWAYS: [&str; 5] =
    ["ab-routing", "experiment", "jwt-claims", "weir", "traffic-extensions/ab-routing"];
const COMPONENTS: [&str; 4] = ["gateway-api", "istioctl", "sidecar", "waypoint"];
/// Resources whose definitions are not among the test vectors.
const UNDEFINED: &str = "cert-manager.io/v1";
/// Where gateways are that are not ours: istioctl's, and those that Istio makes of a Gateway.
const NOT_OURS: [&str; 1] = ["istio-system"];

/// The resources of a folder below `wasm-plugins/`.
pub(crate) fn folder(name: &str) -> Vec<Value> {
    documents(&build(&paths::root().join("wasm-plugins").join(name)))
}

/// The resources of a scenario with a component, as an overlay has both.
pub(crate) fn with_component(scenario: &str, component: &str) -> Vec<Value> {
    with_components(scenario, &[component])
}

fn with_components(scenario: &str, components: &[&str]) -> Vec<Value> {
    let overlay = tempfile::tempdir().unwrap();
    let place = overlay.path().canonicalize().unwrap();
    // kustomize takes relative paths only.
    let plugins = paths::root().canonicalize().unwrap().join("wasm-plugins");
    let up = "../".repeat(place.components().count() - 1);
    let plugins = format!("{up}{}", plugins.strip_prefix("/").unwrap().display());
    let components: Vec<String> = components.iter().map(|it| format!("{plugins}/components/{it}")).collect();
    let kustomization =
        format!("resources: [{plugins}/{scenario}]\ncomponents: [{}]\n", components.join(", "));
    std::fs::write(place.join("kustomization.yaml"), kustomization).unwrap();
    documents(&build(&place))
}

fn build(folder: &Path) -> String {
    let output = istiod::program().arg("build").arg(folder).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}: {error}", folder.display());
    String::from_utf8(output.stdout).unwrap()
}

fn documents(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).unwrap()
}

/// Kubernetes' own kustomizations, each a folder relative to `wasm-plugins/`.
fn folders() -> Vec<String> {
    let root = paths::root().join("wasm-plugins");
    let (mut open, mut found) = (vec![root.clone()], Vec::new());
    while let Some(folder) = open.pop() {
        open.extend(subfolders(&folder));
        let file = folder.join("kustomization.yaml");
        if std::fs::read_to_string(&file).is_ok_and(|text| text.contains("kind: Kustomization")) {
            found.push(folder.strip_prefix(&root).unwrap().display().to_string());
        }
    }
    found.sort();
    found
}

fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).collect()
}

fn of_kind<'a>(all: &'a [Value], kind: &str) -> impl Iterator<Item = &'a Value> {
    all.iter().filter(move |resource| resource["kind"] == kind)
}

fn name(resource: &Value) -> (&str, &str) {
    let text = |key: &str| resource["metadata"][key].as_str().unwrap_or_default();
    (text("namespace"), text("name"))
}

/// Whether labels have all of a selector's.
pub(crate) fn selects(selector: &Value, labels: &Value) -> bool {
    let mut wanted = selector.as_object().into_iter().flatten();
    wanted.all(|(name, value)| labels.get(name) == Some(value))
}

/// The labels of the pods of each Deployment, with its namespace.
fn pods(all: &[Value]) -> Vec<(&str, &Value)> {
    let deployments = of_kind(all, "Deployment");
    deployments.map(|it| (name(it).0, &it["spec"]["template"]["metadata"]["labels"])).collect()
}

/// What a resource names and nothing is.
fn dangling(all: &[Value]) -> Vec<String> {
    let mut missing = Vec::new();
    let pods = pods(all);
    let mut need = |there: bool, resource: &Value, what: String| {
        if !there {
            missing.push(format!("{} {:?}: no {what}", resource["kind"], name(resource)));
        }
    };
    let selected = |namespace: &str, selector: &Value| {
        pods.iter().any(|(other, labels)| *other == namespace && selects(selector, labels))
    };
    let has = |kind: &str, namespace: &str, wanted: &str| {
        of_kind(all, kind).any(|resource| name(resource) == (namespace, wanted))
    };
    for resource in all {
        let (namespace, own) = name(resource);
        let spec = &resource["spec"];
        if !namespace.is_empty() && !NOT_OURS.contains(&namespace) {
            need(has("Namespace", "", namespace), resource, format!("namespace {namespace}"));
        }
        match resource["kind"].as_str().unwrap() {
            "Deployment" => {
                let template = &spec["template"];
                let labels = &template["metadata"]["labels"];
                need(
                    selects(&spec["selector"]["matchLabels"], labels),
                    resource,
                    "pods of its own".to_owned(),
                );
                let account = template["spec"]["serviceAccountName"].as_str().unwrap();
                need(has("ServiceAccount", namespace, account), resource, format!("account {account}"));
            }
            "Service" => need(selected(namespace, &spec["selector"]), resource, "pods".to_owned()),
            "DestinationRule" => {
                let host = spec["host"].as_str().unwrap();
                let service = host.split('.').next().unwrap();
                need(has("Service", namespace, service), resource, format!("service {service}"));
                for subset in spec["subsets"].as_array().into_iter().flatten() {
                    need(
                        selected(namespace, &subset["labels"]),
                        resource,
                        format!("pods of {}", subset["name"]),
                    );
                }
            }
            "VirtualService" => {
                for target in
                    spec["http"].as_array().unwrap().iter().flat_map(|it| it["route"].as_array().unwrap())
                {
                    let host = target["destination"]["host"].as_str().unwrap();
                    let mut parts = host.split('.');
                    let (service, of) = (parts.next().unwrap(), parts.next().unwrap());
                    need(has("Service", of, service), resource, format!("service {host}"));
                }
                for gateway in spec["gateways"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    let there = gateway == "mesh" || has("Gateway", namespace, gateway);
                    need(there, resource, format!("gateway {gateway}"));
                }
            }
            "HTTPRoute" => {
                for parent in spec["parentRefs"].as_array().unwrap() {
                    let (of, name) =
                        (parent["namespace"].as_str().unwrap(), parent["name"].as_str().unwrap());
                    need(has("Gateway", of, name), resource, format!("gateway {name}"));
                }
                for target in spec["rules"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .flat_map(|it| it["backendRefs"].as_array().unwrap())
                {
                    let service = target["name"].as_str().unwrap();
                    need(has("Service", namespace, service), resource, format!("service {service}"));
                }
            }
            _ => {}
        }
        // Plugins, policies and Gateways select pods: those of gateways, of the sample service, of its callers.
        let selector = if spec["selector"]["matchLabels"].is_object() { "/matchLabels" } else { "" };
        let selector = spec["selector"].pointer(selector).unwrap_or(&Value::Null);
        let caller = selector["app"] == "frontend";
        if selector.is_object() && !NOT_OURS.contains(&namespace) && !caller {
            need(selected(namespace, selector), resource, format!("pods that {own} selects"));
        }
        for target in spec["targetRefs"].as_array().into_iter().flatten() {
            let (kind, name) = (target["kind"].as_str().unwrap(), target["name"].as_str().unwrap());
            need(has(kind, namespace, name), resource, format!("{kind} {name}"));
        }
    }
    missing
}

/// Headers of Weir's that routes follow and no plugin writes: clients could send them.
fn unowned(all: &[Value]) -> Vec<String> {
    let configs =
        all.iter().flat_map(|it| [&it["spec"]["pluginConfig"], &it["spec"]["wasm"]["pluginConfig"]]);
    let written: Vec<String> = configs.filter(|it| it.is_object()).map(Value::to_string).collect();
    let mut followed = Vec::new();
    for spec in all.iter().map(|it| &it["spec"]) {
        for route in spec["http"].as_array().into_iter().flatten() {
            for one in route["match"].as_array().into_iter().flatten() {
                followed.extend(one["headers"].as_object().into_iter().flat_map(|it| it.keys().cloned()));
            }
        }
        for rule in spec["rules"].as_array().into_iter().flatten() {
            for one in rule["matches"].as_array().into_iter().flatten() {
                let headers = one["headers"].as_array().into_iter().flatten();
                followed.extend(headers.filter_map(|it| it["name"].as_str().map(str::to_owned)));
            }
        }
    }
    followed
        .retain(|name| name.starts_with("x-weir-") && !written.iter().any(|it| it.contains(name.as_str())));
    followed
}

#[test]
fn kustomize_builds_each_folder_and_an_api_server_takes_it() {
    let ground = folder("overlays/shop");
    let folders = folders();
    assert!(folders.len() > 16, "{folders:?}");
    let alone = folders.iter().map(|it| (it.clone(), folder(it)));
    let pairs = AT_GATEWAYS.iter().flat_map(|scenario| COMPONENTS.map(|component| (*scenario, component)));
    let changed = pairs.chain([("experiment", "tracing")]).map(|(scenario, component)| {
        (format!("{scenario} with {component}"), with_component(scenario, component))
    });
    let all: Vec<(String, Vec<Value>)> = alone.chain(changed).collect();
    let built = all.iter().flat_map(|(_, built)| built.clone());
    let resources: Vec<Value> = built.filter(|it| it["apiVersion"] != UNDEFINED).collect();
    for (resource, refused) in resources.iter().zip(admitted::refused(&resources)) {
        assert_eq!(refused, Vec::<String>::new(), "{resource}");
    }
    let manifests = tempfile::tempdir().unwrap();
    for (index, (title, built)) in all.into_iter().enumerate() {
        if built.iter().any(|it| it["spec"]["pluginConfig"].is_object() || it["spec"]["wasm"].is_object()) {
            let text: Vec<String> = built.iter().map(Value::to_string).collect();
            std::fs::write(manifests.path().join(format!("{index}.yaml")), text.join("\n---\n")).unwrap();
        }
        // A scenario is applied to the shop, and never has a resource of the shop's: deleting the one leaves the other.
        let names = |all: &[Value]| -> Vec<String> {
            all.iter().map(|it| format!("{} {:?}", it["kind"], name(it))).collect()
        };
        let in_ground = title.contains("shop") || title.is_empty();
        if !in_ground {
            assert!(names(&built).iter().all(|it| !names(&ground).contains(it)), "{title}");
        }
        // It needs the component without-canary, too.
        if !in_ground && title != "jwt-claims with gateway-api" {
            assert_eq!(unowned(&built), Vec::<String>::new(), "{title}");
        }
        let all: Vec<Value> = if in_ground { ground.clone() } else { [ground.clone(), built].concat() };
        assert_eq!(dangling(&all), Vec::<String>::new(), "{title}");
    }
    let files: Vec<PathBuf> =
        std::fs::read_dir(manifests.path()).unwrap().map(|it| it.unwrap().path()).collect();
    assert!(files.len() > 30, "{}", files.len());
    let output =
        Command::new(program::path()).args(["check", "--deny", "warnings"]).args(files).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn what_is_missing_is_found() {
    let applied = || [folder("overlays/shop"), folder("overlays/production")].concat();
    let ground = applied();
    assert_eq!(ground, applied(), "applied twice, something changes");
    let without = |kind: &str, name: &str| {
        let left = |it: &&Value| !(it["kind"] == kind && it["metadata"]["name"] == name);
        dangling(&ground.iter().filter(left).cloned().collect::<Vec<_>>())
    };
    assert_eq!(dangling(&ground), Vec::<String>::new());
    for (kind, name) in [
        ("Namespace", "shop"),
        ("Namespace", "istio-ingress"),
        ("ServiceAccount", "web"),
        ("Service", "web"),
        ("Deployment", "web-canary"),
        ("Deployment", "istio-ingressgateway"),
        ("Gateway", "shop"),
    ] {
        assert!(!without(kind, name).is_empty(), "{kind} {name}");
    }
}

#[test]
fn routes_that_follow_what_clients_may_send_are_found() {
    let scenario = folder("ab-routing");
    assert_eq!(unowned(&scenario), Vec::<String>::new());
    let without: Vec<Value> = scenario.into_iter().filter(|it| it["kind"] != "WasmPlugin").collect();
    assert_eq!(unowned(&without), ["x-weir-route"]);
    assert_eq!(unowned(&with_component("jwt-claims", "gateway-api")), ["x-weir-route"]);
    let closed = with_components("jwt-claims", &["gateway-api", "without-canary"]);
    assert_eq!(unowned(&closed), Vec::<String>::new());
    assert_eq!(of_kind(&closed, "HTTPRoute").next().unwrap()["spec"]["rules"].as_array().unwrap().len(), 1);
}

/// Kubernetes' own kinds are decoded strictly.
#[test]
fn a_misspelt_field_of_a_deployment_is_refused() {
    let mut deployment = of_kind(&folder("shop"), "Deployment").next().unwrap().clone();
    deployment["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = json!({});
    let refused = admitted::refused(&[deployment]).remove(0);
    assert!(refused.iter().any(|it| it.contains("readynessProbe")), "{refused:?}");
}

/// What no kustomization has.
fn files_of_envoy_gateway() -> Vec<Value> {
    let files = std::fs::read_dir(paths::root().join("wasm-plugins/envoy-gateway")).unwrap();
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    texts.flat_map(|text| documents(&text)).collect()
}

/// PodMonitors, rules as the Prometheus Operator reads them, and what is for Envoy Gateway.
#[test]
fn what_is_for_other_operators_is_taken_by_an_api_server() {
    let monitors =
        std::fs::read_to_string(paths::root().join("monitoring/kubernetes/pod-monitor.yaml")).unwrap();
    let configuration = json!({"experiments": {"unit": "header:x-user-id",
        "secret": {"value": "for-tests-only-a-secret"}, "assignmentCookie": {"name": "seen"},
        "list": [{"key": "a", "variants": [{"key": "x", "weight": 1}, {"key": "y", "weight": 1}]}]}});
    let rules = program::render(&["rules", "--json", "--kubernetes", "shop"], &configuration.to_string());
    let output = Command::new(program::path())
        .args(["render", "alerts", "--json", "--kubernetes", "weir"])
        .output()
        .unwrap();
    let alerts: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut all = documents(&monitors);
    all.extend([serde_json::from_str(&rules).unwrap(), alerts]);
    all.extend(files_of_envoy_gateway());
    assert!(all.len() > 6);
    for (resource, refused) in all.iter().zip(admitted::refused(&all)) {
        assert_eq!(refused, Vec::<String>::new(), "{resource}");
    }
    all[0]["spec"]["podMetricsEndpoints"][0]["relabelling"] = json!([]);
    assert!(!admitted::refused(&all)[0].is_empty(), "it takes anything");
}
