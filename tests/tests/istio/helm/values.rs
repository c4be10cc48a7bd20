//! What values do, and what is said of wrong ones.

use serde_json::{Value, json};
use weir_tests::paths;

use super::{Helm, admitted, built, of_kind};

/// Values that are written, and what comes of them in the resource.
#[test]
fn each_value_has_an_effect() {
    let helm = Helm::new();
    let istio = json!({"image": {"repository": "ghcr.io/acme/weir"}, "selector": {"app": "web"}, "config": {"faults": []}});
    let gateway = json!({"platform": "envoy-gateway", "image": {"repository": "oci://ghcr.io/acme/weir"},
        "targetRefs": [{"kind": "Gateway", "name": "shop"}], "config": {"jwt": {}}});
    let cases = [
        (&istio, "/image/tag", json!("v1"), "/spec/url", json!("oci://ghcr.io/acme/weir:v1")),
        (&istio, "/image/pullPolicy", json!("Always"), "/spec/imagePullPolicy", json!("Always")),
        (&istio, "/image/pullSecret", json!("key"), "/spec/imagePullSecret", json!("key")),
        (&istio, "/phase", json!("AUTHN"), "/spec/phase", json!("AUTHN")),
        (&istio, "/priority", json!(0), "/spec/priority", json!(0)),
        (&istio, "/failStrategy", json!("FAIL_CLOSE"), "/spec/failStrategy", json!("FAIL_CLOSE")),
        (&istio, "/mode", json!("SERVER"), "/spec/match/0/mode", json!("SERVER")),
        (
            &istio,
            "/ports",
            json!([8080, 9090]),
            "/spec/match/0/ports",
            json!([{"number": 8080}, {"number": 9090}]),
        ),
        (&istio, "/labels", json!({"team": "shop"}), "/metadata/labels/team", json!("shop")),
        (&istio, "/annotations", json!({"a": "1"}), "/metadata/annotations/a", json!("1")),
        (&istio, "/config", json!({"metrics": {}}), "/spec/priority", json!(500)),
        (&gateway, "/image/tag", json!("v1"), "/spec/wasm/0/code/image/url", json!("ghcr.io/acme/weir:v1")),
        (&gateway, "/image/pullPolicy", json!("Always"), "/spec/wasm/0/code/pullPolicy", json!("Always")),
        (
            &gateway,
            "/image/pullSecret",
            json!("key"),
            "/spec/wasm/0/code/image/pullSecretRef/name",
            json!("key"),
        ),
        (&gateway, "/failOpen", json!(true), "/spec/wasm/0/failOpen", json!(true)),
        (&gateway, "/config", json!({"jwt": {}, "routing": {}}), "/spec/wasm/0/failOpen", json!(false)),
        (&gateway, "/hostEnv", json!(["A"]), "/spec/wasm/0/env/hostKeys", json!(["A"])),
        (
            &gateway,
            "/targetRefs",
            json!([{"kind": "GRPCRoute", "name": "a", "sectionName": "b"}]),
            "/spec/targetRefs/0",
            json!({"group": "gateway.networking.k8s.io", "kind": "GRPCRoute", "name": "a", "sectionName": "b"}),
        ),
    ];
    let mut all = Vec::new();
    for (base, pointer, value, place, expected) in cases {
        let mut values = base.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        values.pointer_mut(parent).unwrap()[name] = value;
        let made = helm.template("weir", "shop", &values);
        assert_eq!(made[0].pointer(place), Some(&expected), "{pointer}: {}", made[0]);
        all.extend(made);
    }
    for (resource, refused) in all.iter().zip(admitted::refused(&all)) {
        assert_eq!(refused, Vec::<String>::new(), "{resource}");
    }
}

#[test]
fn a_file_is_as_good_as_an_object() {
    let helm = Helm::new();
    let base = json!({"image": {"repository": "ghcr.io/acme/weir"}, "selector": {"app": "web"}});
    let plugin = built::folder("ab-routing");
    let configuration = &of_kind(&plugin, "WasmPlugin")["spec"]["pluginConfig"];
    let with = |text: &str| {
        let file = helm.file("weir.yaml", text);
        helm.rendered("weir", "shop", &base, &["--set-file", &format!("configFile={file}")])
    };
    let written =
        std::fs::read_to_string(paths::root().join("wasm-plugins/ab-routing/wasm-plugin.yaml")).unwrap();
    let (_, inner) = written.split_once("pluginConfig:\n").unwrap();
    for text in [
        configuration.to_string(),
        format!("# a comment\n---\n{}", inner.replace("\n    ", "\n").trim_start()),
    ] {
        let made = with(&text).unwrap_or_else(|error| panic!("{text}\n{error}"));
        assert_eq!(made[0]["spec"]["pluginConfig"], *configuration);
        assert_eq!(made[0]["spec"]["phase"], "AUTHZ");
    }
    // Whole numbers stay whole.
    let made =
        with("routing: {rules: [{name: a, split: {targets: [{name: b, weight: 10000000}]}}]}").unwrap();
    let weight = &made[0]["spec"]["pluginConfig"]["routing"]["rules"][0]["split"]["targets"][0]["weight"];
    assert_eq!(*weight, json!(10_000_000));
    for (text, expected) in [
        ("a: [", "configFile: invalid YAML"),
        (
            written.as_str(),
            "configFile: expected the configuration alone, not the manifest of a WasmPlugin around it",
        ),
        (
            "routing: {}\nexperimnts: {}",
            "configFile: unknown section \"experimnts\": expected attributes, experiments",
        ),
        ("routing: {}\n---\nmetrics: {}", "configFile: expected one YAML document"),
    ] {
        let error = with(text).expect_err(text);
        assert!(error.contains(expected), "{text}\n{error}");
    }
    // The sections that the chart knows are those of the schema.
    let schema = std::fs::read_to_string(paths::root().join("schema/weir.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let sections: Vec<&str> = schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .filter(|it| !it.starts_with('$'))
        .collect();
    let error = with("a: 1").unwrap_err();
    assert!(error.contains(&format!("expected {}", sections.join(", "))), "{error}");
}

#[test]
fn wrong_values_are_refused_in_words() {
    let helm = Helm::new();
    let good = json!({"image": {"repository": "ghcr.io/acme/weir"}, "selector": {"app": "web"}, "config": {"routing": {}}});
    let cases: [(Value, &[&str]); 20] = [
        (json!({"image": {"repository": null}}), &["image.repository is required", "ghcr.io/acme/weir/weir"]),
        (
            json!({"config": {"routing": null}, "selector": {"app": null}}),
            &["config is required", "selector is required"],
        ),
        (json!({"platfrom": "istio"}), &["additional properties 'platfrom' not allowed"]),
        (json!({"platform": "linkerd"}), &["/platform", "'istio', 'gateway-api', 'envoy-gateway'"]),
        (json!({"image": {"digest": "sha256:12"}}), &["/image/digest", "does not match pattern"]),
        (json!({"image": {"repository": "https://ghcr.io/acme"}}), &["/image/repository"]),
        (json!({"priority": "high"}), &["/priority", "got string, want"]),
        (json!({"config": {"routing": {"rulez": []}}}), &["/config/routing", "'rulez' not allowed"]),
        (json!({"config": {"experimnts": {}}}), &["/config", "'experimnts' not allowed"]),
        (json!({"configFile": "routing: {}"}), &["config and configFile exclude each other"]),
        (
            json!({"targetRefs": [{"kind": "Service", "name": "web"}]}),
            &["selector and targetRefs exclude each other"],
        ),
        (
            json!({"platform": "gateway-api"}),
            &["selector: not with the platform gateway-api", "targetRefs is required"],
        ),
        (
            json!({"platform": "gateway-api", "selector": {"app": null}, "targetRefs": [{"kind": "HTTPRoute", "name": "a", "sectionName": "b"}]}),
            &[
                "targetRefs[0].kind: HTTPRoute is no target with the platform gateway-api: expected Gateway, GatewayClass",
                "targetRefs[0].sectionName",
            ],
        ),
        (
            json!({"failOpen": true, "allPods": true}),
            &["failOpen: not with the platform istio", "allPods: expected neither"],
        ),
        (
            json!({"platform": "envoy-gateway", "phase": "AUTHN", "priority": 1, "failStrategy": "FAIL_OPEN", "mode": "CLIENT",
                "ports": [80], "env": {"A": "b"}, "resource": "TrafficExtension", "telemetry": {"enabled": true}}),
            &[
                "phase: not",
                "priority: not",
                "failStrategy: not",
                "use failOpen",
                "mode: not",
                "ports: not",
                "env: not",
                "resource: not",
                "telemetry.enabled: not",
                "selector: not",
                "targetRefs is required",
            ],
        ),
        (
            json!({"telemetry": {"enabled": true, "metrics": false}}),
            &[
                "experiments.output.filterState: true",
                "the configuration has no experiments",
                "telemetry.metrics or telemetry.tracing",
            ],
        ),
        (
            json!({"prometheusRule": {"enabled": true, "rulesFile": "a: 1"}}),
            &["prometheusRule.rulesFile: expected a list `groups`"],
        ),
        (
            json!({"prometheusRule": {"rulesFile": "groups: []"}}),
            &["prometheusRule.rulesFile: expected prometheusRule.enabled: true"],
        ),
        (
            json!({"config": {"experiments": experiments(&["a", "b"])}, "telemetry": {"enabled": true, "experiments": ["b", "c"]}}),
            &["telemetry.experiments[1]: unknown experiment \"c\" (known: a, b)"],
        ),
        // Not all names there are.
        (
            json!({"config": {"experiments": experiments(&["a", "b", "c", "d", "e", "f"])},
                "telemetry": {"enabled": true, "experiments": ["x"]}}),
            &["telemetry.experiments[0]: unknown experiment \"x\" (known: a, b, c, d, e, …)"],
        ),
    ];
    for (wrong, expected) in cases {
        let mut values = good.clone();
        merge(&mut values, &wrong);
        let error = helm.rendered("weir", "shop", &values, &[]).expect_err(&wrong.to_string());
        for part in expected {
            assert!(error.contains(part), "{wrong}: no {part:?} in\n{error}");
        }
    }
}

/// Experiments whose variants Istio can read.
fn experiments(keys: &[&str]) -> Value {
    let variants = json!([{"key": "x", "weight": 1}, {"key": "y", "weight": 1}]);
    let list: Vec<Value> = keys.iter().map(|key| json!({"key": key, "variants": variants})).collect();
    json!({"unit": "header:x-user-id", "output": {"filterState": true}, "list": list})
}

#[test]
fn telemetry_can_be_for_some_experiments() {
    let helm = Helm::new();
    let values = json!({"image": {"repository": "ghcr.io/acme/weir"}, "selector": {"app": "web"},
        "config": {"experiments": experiments(&["a", "b", "c"])},
        "telemetry": {"enabled": true, "experiments": ["c", "a"]}});
    let made = helm.template("weir", "shop", &values);
    let labels =
        of_kind(&made, "Telemetry").pointer("/spec/metrics/0/overrides/0/tagOverrides").unwrap().clone();
    let labels: Vec<&String> = labels.as_object().unwrap().keys().collect();
    assert_eq!(labels.len(), 2, "{labels:?}");
    assert!(!labels.contains(&&"b".to_owned()), "{labels:?}");
}

/// A resource for targets, with what Istio's own rules for listeners make of it (`matchTrafficSelectorCommon` of
/// pilot/pkg/model/extensions.go): to a waypoint each request is `SERVER` and on port 0, to a gateway each is `CLIENT`.
#[test]
fn what_a_waypoint_never_runs_is_refused() {
    let helm = Helm::new();
    let rendered = |targets: &Value, more: &Value| {
        let mut values = json!({"image": {"repository": "ghcr.io/acme/weir", "digest": format!("sha256:{}", "1".repeat(64))}, "targetRefs": targets,
            "config": {"metrics": {"red": {}}}});
        merge(&mut values, more);
        helm.rendered("weir", "shop", &values, &[])
    };
    let service = json!({"kind": "Service", "name": "web"});
    let entry = json!({"kind": "ServiceEntry", "name": "bank"});
    let class = json!({"kind": "GatewayClass", "name": "istio-waypoint"});
    let gateway = json!({"kind": "Gateway", "name": "shop"});
    let mut all = Vec::new();
    for (targets, more, mode) in [
        (json!([service]), json!({}), "SERVER"),
        (json!([service, entry, class]), json!({}), "SERVER"),
        (json!([class]), json!({}), "SERVER"),
        (json!([class]), json!({"platform": "gateway-api"}), "SERVER"),
        (json!([service]), json!({"mode": "SERVER"}), "SERVER"),
        // A gateway or a waypoint: which one it is, the chart cannot see.
        (json!([gateway]), json!({}), "CLIENT"),
        (json!([gateway]), json!({"mode": "CLIENT", "ports": [8080]}), "CLIENT"),
        (json!([gateway]), json!({"platform": "gateway-api", "ports": [8080]}), "CLIENT"),
        (json!([gateway]), json!({"mode": "SERVER"}), "SERVER"),
        // Both are waypoints then.
        (json!([gateway, service]), json!({"mode": "SERVER"}), "SERVER"),
    ] {
        let made = rendered(&targets, &more).unwrap_or_else(|error| panic!("{targets} {more}: {error}"));
        assert_eq!(made[0]["spec"]["match"][0]["mode"], mode, "{targets} {more}");
        all.push(made);
    }
    super::all_take(&all);
    for (targets, more, expected) in [
        (
            json!([service]),
            json!({"mode": "CLIENT"}),
            "mode: CLIENT never runs for targetRefs[0] (Service web), which is for waypoints: expected SERVER",
        ),
        (
            json!([gateway, entry]),
            json!({"mode": "CLIENT"}),
            "mode: CLIENT never runs for targetRefs[1] (ServiceEntry bank)",
        ),
        (
            json!([class]),
            json!({"mode": "CLIENT"}),
            "mode: CLIENT never runs for targetRefs[0] (GatewayClass istio-waypoint)",
        ),
        (
            json!([gateway, service]),
            json!({}),
            "mode is required: targetRefs[1] (Service web) is for waypoints",
        ),
        (json!([service]), json!({"ports": [80]}), "ports: not with targetRefs[0] (Service web)"),
        (
            json!([class]),
            json!({"ports": [80]}),
            "ports: not with targetRefs[0] (GatewayClass istio-waypoint)",
        ),
        (
            json!([gateway]),
            json!({"mode": "SERVER", "ports": [80]}),
            "ports: not with targetRefs and the mode SERVER",
        ),
    ] {
        let error = rendered(&targets, &more).expect_err(expected);
        assert!(error.contains(expected), "{targets} {more}: no {expected:?} in\n{error}");
    }
}

#[test]
fn a_scrape_interval_fits_the_rules() {
    let helm = Helm::new();
    let rendered = |interval: &str| {
        let values = json!({"image": {"repository": "ghcr.io/acme/weir"}, "allPods": true, "config": {"routing": {}},
            "podMonitor": {"enabled": true, "interval": interval}});
        helm.rendered("weir", "shop", &values, &[])
    };
    let mut all = Vec::new();
    for interval in ["1m", "60s", "59s", "5s", "1s500ms", "500ms", "60000ms"] {
        let made = rendered(interval).unwrap_or_else(|error| panic!("{interval}: {error}"));
        let monitor = of_kind(&made, "PodMonitor").clone();
        assert_eq!(monitor["spec"]["podMetricsEndpoints"][0]["interval"], interval);
        all.push(monitor);
    }
    // The operator takes them as well.
    for (monitor, refused) in all.iter().zip(admitted::refused(&all)) {
        assert_eq!(refused, Vec::<String>::new(), "{monitor}");
    }
    for interval in [
        "", "0", "0s", "0m", "61s", "2m", "1m1s", "1h", "60001ms", "100000ms", "60s1ms", "15", "15 s", "1.5s",
    ] {
        let error = rendered(interval).expect_err(interval);
        assert!(error.contains("/podMonitor/interval"), "{interval}: {error}");
    }
}

/// The values of `more` in place of those of `values`, as Helm merges them.
fn merge(values: &mut Value, more: &Value) {
    match (values, more) {
        (Value::Object(values), Value::Object(more)) => {
            for (name, value) in more {
                if value.is_null() {
                    values.remove(name);
                } else {
                    merge(values.entry(name).or_insert_with(|| json!({})), value);
                }
            }
        }
        (value, more) => *value = more.clone(),
    }
}

#[test]
fn defaults_are_those_of_the_schema_and_versions_those_of_the_workspace() {
    let read = |path: &str| std::fs::read_to_string(paths::root().join(path)).unwrap();
    let values: Value = serde_saphyr::from_str(&read("charts/weir/values.yaml")).unwrap();
    let schema: Value = serde_json::from_str(&read("charts/weir/values.schema.json")).unwrap();
    let mut known = 0;
    fn same(path: &str, value: &Value, schema: &Value, known: &mut usize) {
        if let (Some(properties), None) = (schema["properties"].as_object(), schema.get("default")) {
            let described = properties.iter().filter(|(name, _)| *name != "global");
            for (name, schema) in described {
                same(&format!("{path}.{name}"), &value[name], schema, known);
            }
            assert!(value.as_object().unwrap().keys().all(|name| properties.contains_key(name)), "{path}");
        } else {
            assert_eq!(Some(value), schema.get("default"), "{path}");
            *known += 1;
        }
    }
    same("", &values, &schema, &mut known);
    assert!(known > 30, "{known}");
    let chart: Value = serde_saphyr::from_str(&read("charts/weir/Chart.yaml")).unwrap();
    for name in ["version", "appVersion"] {
        assert_eq!(chart[name], env!("CARGO_PKG_VERSION"), "{name}");
    }
}
