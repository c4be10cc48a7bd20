//! The same resources as kustomize makes of `wasm-plugins/`.

use serde_json::{Value, json};

use super::{Helm, all_take, built, of_kind, shipped, without_labels};

/// Scenarios, and what the chart does not take from their configuration: where requests are seen.
const SCENARIOS: [(&str, &str); 6] = [
    ("ab-routing", ""),
    ("experiment", ""),
    ("jwt-claims", ""),
    ("weir", ""),
    ("fault-injection", "SERVER"),
    ("metrics", "SERVER"),
];
/// Components with a Gateway of the Gateway API.
const GATEWAY_API: &str = "gateway-api";
const COMPONENTS: [&str; 4] = [GATEWAY_API, "istioctl", "sidecar", "waypoint"];

/// Repository and digest of an address with both.
fn image(url: &str) -> Value {
    let (repository, digest) = url.split_once('@').unwrap();
    json!({"repository": repository, "digest": digest})
}

/// The values for a plugin as the manifests have it. What the chart derives is left to it.
fn values(plugin: &Value, mode: &str) -> Value {
    let spec = &plugin["spec"];
    let wasm = if spec["wasm"].is_object() { &spec["wasm"] } else { spec };
    let mut values = json!({
        "name": plugin["metadata"]["name"],
        "resource": plugin["kind"],
        "image": image(wasm["url"].as_str().unwrap()),
        "config": wasm["pluginConfig"],
        "mode": mode,
    });
    if let Some(targets) = spec["targetRefs"].as_array() {
        values["targetRefs"] = targets.clone().into();
        for target in values["targetRefs"].as_array_mut().unwrap() {
            target.as_object_mut().unwrap().remove("group");
        }
    } else {
        values["selector"] = spec["selector"]["matchLabels"].clone();
    }
    for variable in wasm["vmConfig"]["env"].as_array().into_iter().flatten() {
        let name = variable["name"].as_str().unwrap();
        if variable["valueFrom"] == "HOST" {
            values["hostEnv"] = json!([name]);
        } else {
            values["env"] = json!({name: variable["value"]});
        }
    }
    values
}

/// Each scenario with each component, in both resources of Istio.
fn combinations() -> Vec<(String, &'static str, &'static str, Vec<Value>)> {
    let mut all = Vec::new();
    for (scenario, mode) in SCENARIOS {
        for folder in [scenario.to_owned(), format!("traffic-extensions/{scenario}")] {
            all.push((folder.clone(), "", mode, built::folder(&folder)));
            if mode.is_empty() {
                all.extend(COMPONENTS.map(|component| {
                    (folder.clone(), component, mode, built::with_component(&folder, component))
                }));
            }
        }
    }
    all.push(("experiment".to_owned(), "tracing", "", built::with_component("experiment", "tracing")));
    all
}

#[test]
fn the_chart_renders_what_kustomize_builds() {
    let helm = Helm::new();
    let combinations = combinations();
    assert_eq!(combinations.len(), 6 * 2 + 4 * 2 * 4 + 1);
    let (mut rendered, mut telemetries) = (Vec::new(), 0);
    for (folder, component, mode, expected) in &combinations {
        let is_plugin = |it: &&Value| it["kind"] == "WasmPlugin" || it["kind"] == "TrafficExtension";
        let plugin = expected.iter().find(is_plugin).unwrap();
        let telemetry = expected.iter().find(|it| it["kind"] == "Telemetry");
        let mut values = values(plugin, mode);
        if *component == GATEWAY_API {
            values["platform"] = json!("gateway-api");
        }
        // At callers and waypoints the gateway's Telemetry is not the plugin's.
        let telemetry = telemetry.filter(|_| !["sidecar", "waypoint"].contains(component));
        if let Some(telemetry) = telemetry {
            values["telemetry"] = json!({"enabled": true, "name": telemetry["metadata"]["name"],
                "tracing": *component == "tracing"});
            telemetries += 1;
        }
        let namespace = plugin["metadata"]["namespace"].as_str().unwrap();
        let made = helm.template("release", namespace, &values);
        assert_eq!(
            without_labels(of_kind(&made, plugin["kind"].as_str().unwrap())),
            *plugin,
            "{folder} {component}"
        );
        if let Some(telemetry) = telemetry {
            assert_eq!(without_labels(of_kind(&made, "Telemetry")), *telemetry, "{folder} {component}");
        }
        assert_eq!(made.len(), 1 + usize::from(telemetry.is_some()), "{folder} {component}");
        rendered.push(made);
    }
    assert_eq!(telemetries, 7);
    let policy = shipped("wasm-plugins/envoy-gateway/ab-routing.yaml");
    let policy = of_kind(&policy, "EnvoyExtensionPolicy");
    let made =
        helm.rendered("weir", "shop", &json!({}), &["--values", "charts/weir/examples/envoy-gateway.yaml"]);
    let made = made.unwrap();
    assert_eq!(without_labels(&made[0]), *policy);
    rendered.push(made);
    all_take(&rendered);
    println!("{} combinations are what kustomize builds", rendered.len());
}
