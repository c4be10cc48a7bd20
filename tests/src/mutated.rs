//! Manifests with random mistakes: `weir check` against what really validates them. Nothing that `weir check` calls
//! right is refused.

use std::path::{Path, PathBuf};
use std::process::Command;

use fastrand::Rng;
use serde_json::{Value, json};

use crate::{paths, program};

/// How many manifests.
const MANIFESTS: usize = 500;
const SEED: u64 = 21;
const KINDS: [&str; 3] = ["WasmPlugin", "TrafficExtension", "EnvoyExtensionPolicy"];
/// What `weir check` refuses of a path and an API server takes, and why.
const STRICTER: [(&str, &str); 3] = [
    ("pluginConfig", "the configuration: modules refuse it, an API server takes any"),
    ("config", "the configuration, in Envoy Gateway's policy"),
    ("url", "the host of an address: Go takes characters that no host has"),
];

/// A folder and files with resources of Kubernetes and of others.
const NOT_ISTIOS: [&str; 6] =
    ["admission", "envoy-gateway", "namespace.yaml", "web.yaml", "gateway.yaml", "rollout"];

/// Istio's resources below a folder: neither Kustomize's own files nor those of other programs.
///
/// # Panics
/// The folder cannot be read.
pub fn manifests(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let istios = entries.filter(|path| !NOT_ISTIOS.iter().any(|name| path.ends_with(name)));
    let (folders, files): (Vec<_>, Vec<_>) = istios.partition(|path| path.is_dir());
    let yaml = files.into_iter().filter(|path| {
        path.extension().is_some_and(|end| end == "yaml") && !path.ends_with("kustomization.yaml")
    });
    yaml.chain(folders.iter().flat_map(|path| manifests(path))).collect()
}

/// The shipped plugins, each with its module's name in it whatever else is changed.
fn shipped() -> Vec<Value> {
    let folder = paths::root().join("wasm-plugins");
    let mut files = manifests(&folder);
    files.push(folder.join("envoy-gateway/ab-routing.yaml"));
    files.sort();
    let documents = files.iter().flat_map(|file| {
        let text = std::fs::read_to_string(file).unwrap();
        serde_saphyr::from_multiple::<Value>(&text).unwrap()
    });
    documents.filter(|it| KINDS.contains(&it["kind"].as_str().unwrap_or_default())).collect()
}

/// Values that somewhere are right and elsewhere are not.
fn value(random: &mut Rng) -> Value {
    let long = "a".repeat(random.usize(60..70));
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(1.0),
        json!(1.5),
        json!(-1),
        json!(65_536),
        json!(2_147_483_648_i64),
        json!(""),
        json!("a"),
        json!("A b"),
        json!("*"),
        json!("weir"),
        json!(long),
        json!("ü".repeat(260)),
        json!("0".repeat(64)),
        json!("sha256:00"),
        json!("AUTHN"),
        json!("FAIL_OPEN"),
        json!("SERVER"),
        json!("HOST"),
        json!("Secret"),
        json!("Image"),
        json!("HTTP"),
        json!("Gateway"),
        json!("HTTPRoute"),
        json!("gateway.networking.k8s.io"),
        json!("oci://registry.example.com:5000/weir:v1"),
        json!("registry.example.com:5000/weir"),
        json!("ftp://example.com/weir"),
        json!("https://[::1]:8443/weir.wasm?a=%zz"),
        json!([]),
        json!({}),
        json!([null]),
        json!([{"name": "A"}, {"name": "A"}]),
        json!([{"number": 80}, {"number": 80}]),
        json!([{"mode": "CLIENT", "ports": [{"number": 65_535}]}]),
        json!({"matchLabels": {"app": "web"}}),
        json!({"matchLabels": {"app*": "web"}}),
        json!({"matchLabels": {"": "web", "app": "w*"}}),
        json!({"env": [{"name": "A", "value": "b", "valueFrom": "HOST"}]}),
        json!({"kind": "Gateway", "name": "shop", "group": "gateway.networking.k8s.io"}),
        json!([{"kind": "Service", "name": "web", "group": ""}]),
        json!(vec![json!({"kind": "HTTPRoute", "name": "web", "group": "gateway.networking.k8s.io"}); 17]),
        json!({"name": "key", "kind": "ConfigMap"}),
        json!({"inlineCode": "x"}),
    ];
    values[random.usize(..values.len())].clone()
}

/// Names that some object of a resource has, and some that none has.
const NAMES: [&str; 34] = [
    "phase",
    "priority",
    "match",
    "selector",
    "targetRef",
    "targetRefs",
    "targetSelectors",
    "mergeType",
    "sha256",
    "failStrategy",
    "imagePullPolicy",
    "imagePullSecret",
    "pluginName",
    "verificationKey",
    "vmConfig",
    "type",
    "lua",
    "mode",
    "ports",
    "number",
    "group",
    "kind",
    "namespace",
    "sectionName",
    "failOpen",
    "rootID",
    "pullSecretRef",
    "pullPolicy",
    "http",
    "image",
    "status",
    "labels",
    "annotations",
    "creationTimestamp",
];

/// Changes something, but nothing inside of a configuration.
fn mutate(resource: &mut Value, random: &mut Rng) {
    let mut places = Vec::new();
    collect(resource, String::new(), &mut places);
    let pointer = places[random.usize(..places.len())].clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match resource.pointer_mut(parent) {
        Some(Value::Object(members)) => {
            let names: Vec<String> = members.keys().cloned().collect();
            match random.u8(..6) {
                0 => drop(members.remove(name)),
                1 => {
                    let value = members.remove(name).unwrap();
                    members.insert(misspelt(name, random), value);
                }
                2 | 3 => drop(members.insert(name.to_owned(), value(random))),
                4 => drop(members.insert(NAMES[random.usize(..NAMES.len())].to_owned(), value(random))),
                _ => {
                    let other = members[&names[random.usize(..names.len())]].clone();
                    members.insert(name.to_owned(), other);
                }
            }
        }
        Some(Value::Array(items)) => {
            let index: usize = name.parse().unwrap();
            match random.u8(..3) {
                0 => drop(items.remove(index)),
                1 => items.push(items[index].clone()),
                _ => items[index] = value(random),
            }
        }
        _ => {}
    }
}

/// All places but those in configurations.
fn collect(value: &Value, pointer: String, places: &mut Vec<String>) {
    let parts: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, part)| (name.clone(), part)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, part)| (index.to_string(), part)).collect()
        }
        _ => Vec::new(),
    };
    for (name, part) in parts {
        let inside = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
        // What makes it a resource of ours stays.
        if pointer.is_empty() && name == "kind" || name == "pluginConfig" || name == "config" {
            continue;
        }
        places.push(inside.clone());
        collect(part, inside, places);
    }
}

fn misspelt(name: &str, random: &mut Rng) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    if letters.len() > 2 && random.bool() {
        let at = random.usize(1..letters.len());
        letters.swap(at - 1, at);
    } else {
        letters.push('s');
    }
    letters.into_iter().collect()
}

/// What `weir check` refuses of each: the paths, with messages.
fn found(resources: &[Value]) -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> =
        (0..resources.len()).map(|index| folder.path().join(format!("{index}.json"))).collect();
    for (file, resource) in files.iter().zip(resources) {
        std::fs::write(file, resource.to_string()).unwrap();
    }
    let output = Command::new(program::path())
        .args(["check", "--all-plugins", "--allow-none", "--output", "json"])
        .args(&files)
        .output()
        .unwrap();
    let checked: Value = serde_json::from_slice(&output.stdout).unwrap();
    let of_file = |file: &Value| {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let inner = list(&file["configurations"]).into_iter().flat_map(|it| list(&it["problems"]));
        let problems: Vec<Value> = list(&file["problems"]).into_iter().chain(inner).collect();
        let shown = |it: &Value| {
            format!("{}: {}", it["path"].as_str().unwrap_or("-"), it["message"].as_str().unwrap())
        };
        problems.iter().map(shown).collect()
    };
    checked["files"].as_array().unwrap().iter().map(of_file).collect()
}

/// Compares both for the shipped plugins and for hundreds with mistakes; `refused` says what an API server refuses of
/// each.
///
/// # Panics
/// They differ in what is not known to differ.
pub fn nothing_that_is_called_right_is_refused(refused: impl FnOnce(&[Value]) -> Vec<Vec<String>>) {
    let shipped = shipped();
    assert!(shipped.len() >= 13, "{}", shipped.len());
    let mut random = Rng::with_seed(SEED);
    let mut resources = shipped.clone();
    while resources.len() < MANIFESTS {
        let mut resource = shipped[random.usize(..shipped.len())].clone();
        (0..random.usize(1..3)).for_each(|_| mutate(&mut resource, &mut random));
        resources.push(resource);
    }
    let (refused, found) = (refused(&resources), found(&resources));
    assert_eq!((refused.len(), found.len()), (resources.len(), resources.len()));
    let (mut both, mut neither) = (0, 0);
    let (mut missed, mut invented) = (Vec::new(), Vec::new());
    for ((resource, refused), found) in resources.iter().zip(&refused).zip(&found) {
        let known = |problem: &String| {
            let path = problem.split(": ").next().unwrap();
            let inside = path == "(top level)"
                || !path.starts_with("spec")
                    && !path.starts_with("metadata")
                    && path != "apiVersion"
                    && path != "kind";
            inside || STRICTER.iter().any(|(name, _)| path.split(['.', '[']).any(|part| part == *name))
        };
        match (refused.is_empty(), found.is_empty()) {
            (false, false) => both += 1,
            (true, true) => neither += 1,
            (false, true) => missed.push(format!("{refused:?}\n{resource}")),
            (true, false) if found.iter().all(known) => {}
            (true, false) => invented.push(format!("{found:?}\n{resource}")),
        }
    }
    println!("{both} refused by both, {neither} by neither; of {}", resources.len());
    assert!(missed.is_empty(), "weir check takes what an API server refuses:\n{}", missed.join("\n"));
    assert!(invented.is_empty(), "an API server takes what weir check refuses:\n{}", invented.join("\n"));
    assert!(both > 150 && neither > 50, "{both}, {neither}: the mistakes are not what they should be");
    assert!(found.iter().take(shipped.len()).all(Vec::is_empty), "shipped manifests are right");
}
