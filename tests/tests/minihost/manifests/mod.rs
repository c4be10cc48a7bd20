//! The files in `wasm-plugins/`: the API server would take them, the modules take their configurations, and a
//! TrafficExtension is the same plugin as its WasmPlugin.

mod crd;
mod rules;

use std::fs;
use std::path::{Path, PathBuf};

use crd::Crd;
use rules::{ENVOY_GATEWAY, ISTIO};
use serde_json::{Value, json};
use weir_tests::minihost::{Module, Options};
use weir_tests::paths;

/// The scenarios; each is a WasmPlugin, and a TrafficExtension under `traffic-extensions/`.
const SCENARIOS: [&str; 6] = ["ab-routing", "experiment", "fault-injection", "jwt-claims", "metrics", "weir"];
/// The fields that both resources have at the same place; all others are under `wasm` in a TrafficExtension.
const SHARED: [&str; 5] = ["selector", "targetRefs", "phase", "priority", "match"];

fn folder() -> PathBuf {
    paths::root().join("wasm-plugins")
}

/// All resources of all files, each with its file.
fn resources() -> Vec<(PathBuf, Value)> {
    let (mut folders, mut found) = (vec![folder()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match entry.extension().and_then(|extension| extension.to_str()) {
                _ if entry.is_dir() => folders.push(entry),
                Some("yaml") => {
                    found.extend(documents(&entry).into_iter().map(|document| (entry.clone(), document)));
                }
                _ => {}
            }
        }
    }
    found
}

fn documents(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn of_kind(kind: &str) -> Vec<(PathBuf, Value)> {
    resources().into_iter().filter(|(_, resource)| resource["kind"] == kind).collect()
}

/// Module and configuration of each plugin, whatever resource it is in.
fn plugins() -> Vec<(PathBuf, String, Value)> {
    let mut found = Vec::new();
    for (path, resource) in resources() {
        let spec = &resource["spec"];
        let (url, config) = match resource["kind"].as_str().unwrap_or_default() {
            "WasmPlugin" => (&spec["url"], &spec["pluginConfig"]),
            "TrafficExtension" => (&spec["wasm"]["url"], &spec["wasm"]["pluginConfig"]),
            "EnvoyExtensionPolicy" => (&spec["wasm"][0]["code"]["image"]["url"], &spec["wasm"][0]["config"]),
            _ => continue,
        };
        let name = url.as_str().unwrap().rsplit('/').next().unwrap();
        found.push((path, name.split(['@', ':']).next().unwrap().replace('-', "_"), config.clone()));
    }
    found
}

#[test]
fn the_api_server_takes_every_plugin() {
    for kind in ["WasmPlugin", "TrafficExtension"] {
        let (crd, found) = (Crd::read("istio", kind, ISTIO), of_kind(kind));
        assert_eq!(found.len(), SCENARIOS.len(), "{kind}");
        for (path, resource) in found {
            assert_eq!(crd.problems(&resource), Vec::<String>::new(), "{}", path.display());
        }
    }
    let crd = Crd::read("envoy-gateway", "EnvoyExtensionPolicy", ENVOY_GATEWAY);
    let (path, policy) = of_kind("EnvoyExtensionPolicy").remove(0);
    assert_eq!(crd.problems(&policy), Vec::<String>::new(), "{}", path.display());
}

/// Each change makes a good policy one that the API server refuses.
#[test]
fn what_the_api_server_refuses_of_envoy_gateway_is_found() {
    let crd = Crd::read("envoy-gateway", "EnvoyExtensionPolicy", ENVOY_GATEWAY);
    let (_, policy) = of_kind("EnvoyExtensionPolicy").remove(0);
    let route = json!({"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "web"});
    let cases = [
        ("/spec/targetRef", route),
        ("/spec/targetRefs/0/kind", json!("Service")),
        ("/spec/targetRefs/0/group", json!("")),
        ("/spec/wasm/0/code/type", json!("HTTP")),
        ("/spec/wasm/0/code/type", json!("File")),
        ("/spec/wasm/0/code/pullPolicy", json!("Never")),
        ("/spec/wasm/0/code/image/pullSecretRef", json!({"name": "a", "kind": "ConfigMap"})),
        ("/spec/wasm/0/failOpen", json!("yes")),
        // Kubernetes would not refuse this, but drop it in silence.
        ("/spec/wasm/0/pluginConfig", json!({})),
    ];
    for (pointer, value) in cases {
        let mut changed = policy.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        changed.pointer_mut(parent).unwrap()[name] = value.clone();
        assert!(!crd.problems(&changed).is_empty(), "{pointer} {value}");
    }
}

#[test]
fn the_modules_take_every_configuration() {
    let schema: Value =
        serde_json::from_str(&fs::read_to_string(paths::root().join("schema/weir.schema.json")).unwrap())
            .unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let plugins = plugins();
    assert_eq!(plugins.len(), 2 * SCENARIOS.len() + 1);
    for (path, module, config) in plugins {
        let path = path.display();
        let problems: Vec<_> = schema.iter_errors(&config).map(|error| error.to_string()).collect();
        assert!(problems.is_empty(), "{path}: {problems:?}");
        let options = Options {
            env: [("COOKIE_SECRET".to_owned(), "a-secret-that-is-long-enough-to-sign".to_owned())].into(),
            ..Options::default()
        };
        let vm = Module::from_file(&paths::module(&module).unwrap()).unwrap().start(&options).unwrap();
        vm.configure(&config.to_string()).unwrap_or_else(|error| panic!("{path}: {module}: {error}"));
    }
}

#[test]
fn a_traffic_extension_is_the_same_plugin() {
    for scenario in SCENARIOS {
        let plugin = &documents(&folder().join(scenario).join("wasm-plugin.yaml"))[0];
        let path = folder().join("traffic-extensions").join(scenario).join("traffic-extension.yaml");
        assert_eq!(documents(&path)[0], translated(plugin), "{scenario}");
    }
}

/// What Istio itself makes of a WasmPlugin.
fn translated(plugin: &Value) -> Value {
    let (mut spec, mut wasm) = (json!({}), json!({}));
    for (name, value) in plugin["spec"].as_object().unwrap() {
        let place = if SHARED.contains(&name.as_str()) { &mut spec } else { &mut wasm };
        place[name] = value.clone();
    }
    spec["wasm"] = wasm;
    json!({"apiVersion": plugin["apiVersion"], "kind": "TrafficExtension", "metadata": plugin["metadata"],
        "spec": spec})
}

/// What kustomize would say first: every file that a kustomization names is there, and every file is named.
#[test]
fn every_file_is_a_part_of_a_kustomization() {
    // Read by other means: placed by people beside what Envoy Gateway has.
    let mut named: Vec<_> =
        ["ab-routing.yaml", "tracing.yaml"].map(|file| folder().join("envoy-gateway").join(file)).into();
    let kustomizations = resources().into_iter().map(|(path, _)| path);
    let kustomizations: Vec<_> = kustomizations.filter(|path| path.ends_with("kustomization.yaml")).collect();
    assert!(kustomizations.len() > 2 * SCENARIOS.len());
    for path in &kustomizations {
        let kustomization = &documents(path)[0];
        for list in ["resources", "components", "configurations"] {
            for entry in kustomization[list].as_array().into_iter().flatten() {
                let part = path.with_file_name(entry.as_str().unwrap());
                let part = part.canonicalize().unwrap_or_else(|_| panic!("{}: {entry}", path.display()));
                assert!(part.is_file() || part.join("kustomization.yaml").is_file(), "{}", part.display());
                named.push(part);
            }
        }
        for generator in kustomization["configMapGenerator"].as_array().into_iter().flatten() {
            for file in generator["files"].as_array().into_iter().flatten() {
                let file = file.as_str().unwrap();
                named.push(path.with_file_name(file.split_once('=').map_or(file, |(_, file)| file)));
            }
        }
    }
    let named: Vec<_> = named.into_iter().map(|path| path.canonicalize().unwrap()).collect();
    for (path, _) in resources() {
        let path = path.canonicalize().unwrap();
        assert!(named.contains(&path) || path.ends_with("kustomization.yaml"), "{}", path.display());
    }
}

#[test]
fn digests_are_marked_as_placeholders() {
    for (path, resource) in resources() {
        let text = resource.to_string();
        let zeros = "0".repeat(64);
        let plugin = ["WasmPlugin", "TrafficExtension", "EnvoyExtensionPolicy"]
            .iter()
            .any(|kind| resource["kind"] == *kind);
        assert_eq!(plugin, text.contains(&zeros), "{}", path.display());
    }
}

/// Each change makes a good plugin one that the API server refuses.
#[test]
fn what_the_api_server_refuses_is_found() {
    let cases = [
        ("/spec/url", json!("ftp://example.com/a.wasm")),
        ("/spec/url", json!("")),
        ("/spec/phase", json!("AUTHENTICATION")),
        ("/spec/failStrategy", json!("FAIL_CLOSED")),
        ("/spec/priority", json!("high")),
        ("/spec/match", json!([{"mode": "INBOUND"}])),
        ("/spec/match", json!([{"mode": "SERVER", "ports": [{"number": 0}]}])),
        ("/spec/sha256", json!("sha256:00")),
        (
            "/spec/targetRefs",
            json!([{"kind": "Gateway", "name": "shop", "group": "gateway.networking.k8s.io"}]),
        ),
        ("/spec/selector", json!({"matchLabels": {"app*": "web"}})),
        ("/spec/selector", json!({"matchLabels": {"app": "w*"}})),
        ("/spec/vmConfig", json!({"env": [{"name": "A", "value": "b", "valueFrom": "HOST"}]})),
        // Kubernetes would not refuse this, but drop it in silence.
        ("/spec/pluginconfig", json!({})),
    ];
    let (crd, plugin) = (Crd::read("istio", "WasmPlugin", ISTIO), of_kind("WasmPlugin").remove(0).1);
    for (pointer, value) in cases {
        let mut changed = plugin.clone();
        let name = pointer.rsplit('/').next().unwrap();
        changed["spec"][name] = value.clone();
        assert!(!crd.problems(&changed).is_empty(), "{pointer} {value}");
    }
    let (crd, mut extension) =
        (Crd::read("istio", "TrafficExtension", ISTIO), of_kind("TrafficExtension").remove(0).1);
    extension["spec"]["lua"] = json!({"inlineCode": "function envoy_on_request(handle) end"});
    assert!(!crd.problems(&extension).is_empty(), "wasm and lua");
    extension["spec"].as_object_mut().unwrap().remove("wasm");
    assert_eq!(crd.problems(&extension), Vec::<String>::new(), "lua alone");
}

/// Headers of Weir's that routes of an Envoy file match: `name` beside `string_match`.
fn matched(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let (Some(Value::String(name)), true) =
                (fields.get("name"), fields.contains_key("string_match"))
            {
                found.extend(name.starts_with("x-weir-").then(|| name.clone()));
            }
            fields.values().for_each(|value| matched(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| matched(value, found)),
        _ => {}
    }
}

/// A header that routes follow, and that no plugin writes and so removes, can be sent by clients.
#[test]
fn routes_of_envoy_files_follow_what_the_configuration_writes() {
    let folder = paths::root().join("envoy-configs");
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut followed = 0;
    for path in files.filter(|path| path.extension().is_some_and(|extension| extension == "yaml")) {
        // Configurations that Envoy reads while it runs lie in a folder of the file's name.
        let beside = path.with_extension("").join("weir.yaml");
        let text = fs::read_to_string(&path).unwrap() + &fs::read_to_string(beside).unwrap_or_default();
        let mut names = Vec::new();
        documents(&path).iter().for_each(|document| matched(document, &mut names));
        followed += names.len();
        for name in names {
            let written = format!("{name}: ");
            assert!(text.contains(&written), "{}: no configuration writes {name}", path.display());
        }
    }
    assert!(followed > 10, "{followed}");
}
