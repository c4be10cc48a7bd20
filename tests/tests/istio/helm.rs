//! The chart in `charts/weir`, rendered by real Helm: it makes the resources that kustomize builds, an API server and
//! `weir check` take them, and wrong values are refused in words.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;
use weir_tests::{paths, program};

use super::{admitted, built};

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

/// Helm, which writes into a folder of the test and knows no cluster.
pub(crate) struct Helm {
    home: TempDir,
}

impl Helm {
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    /// Runs it at the root of the repository.
    pub(crate) fn run(&self, arguments: &[String]) -> Output {
        Command::new(std::env::var_os("WEIR_HELM").expect("run this with `make test-istio`"))
            .current_dir(paths::root())
            .args(arguments)
            .env("HELM_CACHE_HOME", self.home.path())
            .env("HELM_CONFIG_HOME", self.home.path())
            .env("HELM_DATA_HOME", self.home.path())
            .env("KUBECONFIG", self.home.path().join("none"))
            .output()
            .unwrap()
    }

    /// A file that arguments can name.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// What `helm template` says.
    fn rendered(
        &self,
        release: &str,
        namespace: &str,
        values: &Value,
        more: &[&str],
    ) -> Result<Vec<Value>, String> {
        let file = self.file("values.json", &values.to_string());
        let mut arguments =
            words(&["template", release, "charts/weir", "--namespace", namespace, "--values"]);
        arguments.push(file);
        arguments.extend(words(more));
        resources(&self.run(&arguments))
    }

    fn template(&self, release: &str, namespace: &str, values: &Value) -> Vec<Value> {
        self.rendered(release, namespace, values, &[]).unwrap_or_else(|error| panic!("{values}: {error}"))
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn resources(output: &Output) -> Result<Vec<Value>, String> {
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(std::str::from_utf8(&output.stdout).unwrap()).unwrap();
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

fn shipped(path: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(&std::fs::read_to_string(paths::root().join(path)).unwrap()).unwrap()
}

/// The resource without the labels that say which release it is of.
fn without_labels(resource: &Value) -> Value {
    let mut resource = resource.clone();
    let labels = resource["metadata"].as_object_mut().unwrap().remove("labels").unwrap();
    for name in ["helm.sh/chart", "app.kubernetes.io/instance", "app.kubernetes.io/managed-by"] {
        assert!(labels[name].is_string(), "{labels}");
    }
    resource
}

fn of_kind<'a>(all: &'a [Value], kind: &str) -> &'a Value {
    all.iter().find(|it| it["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

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

/// The API server's code and `weir check` have nothing against the resources.
fn all_take(rendered: &[Vec<Value>]) {
    let folder = tempfile::tempdir().unwrap();
    let flat: Vec<Value> = rendered.iter().flatten().cloned().collect();
    for (resource, refused) in flat.iter().zip(admitted::refused(&flat)) {
        assert_eq!(refused, Vec::<String>::new(), "{resource}");
    }
    let files: Vec<PathBuf> = rendered
        .iter()
        .enumerate()
        .map(|(index, all)| {
            let file = folder.path().join(format!("{index}.yaml"));
            let text: Vec<String> = all.iter().map(Value::to_string).collect();
            std::fs::write(&file, text.join("\n---\n")).unwrap();
            file
        })
        .collect();
    let output =
        Command::new(program::path()).args(["check", "--deny", "warnings"]).args(files).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

fn examples() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(paths::root().join("charts/weir/examples")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The lines of a file's comment that are commands, as the words of a shell.
fn commands(text: &str) -> Vec<Vec<String>> {
    let lines = text.replace("\\\n", " ");
    let helms =
        lines.lines().map(|line| line.trim_start_matches(['#', ' '])).filter(|it| it.starts_with("helm "));
    helms
        .map(|line| {
            let line = line.split(" | ").next().unwrap().split(" #").next().unwrap();
            line.split_whitespace().map(|word| word.trim_matches('\'').to_owned()).collect()
        })
        .collect()
}

#[test]
fn each_example_is_linted_and_installed_as_it_says() {
    let helm = Helm::new();
    let examples = examples();
    assert_eq!(examples.len(), 3);
    for example in &examples {
        let lint =
            [words(&["lint", "--strict", "charts/weir", "--values"]), vec![example.display().to_string()]];
        let output = helm.run(&lint.concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        let commands = commands(&std::fs::read_to_string(example).unwrap());
        assert_eq!(commands.len(), 1, "{}", example.display());
        all_take(&[installed(&helm, &commands[0])]);
    }
}

/// What `helm install` or `upgrade` would send, after its NOTES have been seen.
pub(crate) fn installed(helm: &Helm, command: &[String]) -> Vec<Value> {
    let (_, arguments) = command.split_first().unwrap();
    let (action, rest) = arguments.split_first().unwrap();
    let rest: Vec<String> =
        rest.iter().filter(|it| !["--install", "--reuse-values"].contains(&it.as_str())).cloned().collect();
    assert!(["install", "upgrade", "template"].contains(&action.as_str()), "{command:?}");
    let dry = [words(&["install", "--dry-run=client"]), rest.clone()].concat();
    let output = helm.run(&dry);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    let (_, notes) = text.split_once("NOTES:").expect("notes");
    assert!(notes.contains("weir check -") && notes.contains("weir_config_hash"), "{notes}");
    let pinned = rest.iter().any(|it| it.contains("digest") || it.contains("--values"));
    assert_eq!(notes.contains("NOT PINNED"), !pinned, "{notes}");
    resources(&helm.run(&[words(&["template"]), rest].concat())).unwrap()
}

#[test]
fn monitoring_is_that_of_the_repository() {
    let helm = Helm::new();
    let plugin = built::folder("ab-routing");
    let configuration = &of_kind(&plugin, "WasmPlugin")["spec"]["pluginConfig"];
    let on = json!({"enabled": true, "namespace": "monitoring", "labels": {"release": "prometheus"}});
    let mut values = json!({"image": {"repository": "ghcr.io/acme/weir/weir"}, "allPods": true,
        "config": configuration, "podMonitor": on, "prometheusRule": on, "dashboard": {"enabled": true}});
    let rules = |arguments: &[&str]| -> Value {
        let output = Command::new(program::path()).arg("render").args(arguments).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let shop = json!({"experiments": {"unit": "header:x-user-id", "assignmentCookie": {"name": "seen"},
        "secret": {"value": "for-tests-only-a-secret"},
        "list": [{"key": "a", "variants": [{"key": "x", "weight": 1}, {"key": "y", "weight": 1}]}]}});
    let more = helm.file("rules.yaml", &program::render(&["rules"], &shop.to_string()));
    let made = helm
        .rendered("release", "weir", &values, &["--set-file", &format!("prometheusRule.rulesFile={more}")])
        .unwrap();
    let rule = of_kind(&made, "PrometheusRule");
    assert_eq!(rule["metadata"]["namespace"], "monitoring");
    assert_eq!(rule["metadata"]["labels"]["release"], "prometheus");
    let groups = |rule: &Value| rule["spec"]["groups"].as_array().unwrap().clone();
    let mut expected = groups(&rules(&["alerts", "--json", "--kubernetes", "weir"]));
    let of_shop: Value =
        serde_json::from_str(&program::render(&["rules", "--json"], &shop.to_string())).unwrap();
    assert!(!of_shop["groups"].as_array().unwrap().is_empty());
    expected.extend(of_shop["groups"].as_array().unwrap().clone());
    assert_eq!(groups(rule), expected);
    let monitors = shipped("monitoring/kubernetes/pod-monitor.yaml");
    let monitor = |made: &[Value], name: &str| {
        let expected = monitors.iter().find(|it| it["metadata"]["name"] == name).unwrap();
        let mut monitor = without_labels(of_kind(made, "PodMonitor"));
        assert_eq!(monitor["metadata"].as_object_mut().unwrap().remove("namespace").unwrap(), "monitoring");
        assert_eq!(monitor, *expected);
    };
    monitor(&made, "weir-istio");
    let dashboard = of_kind(&made, "ConfigMap");
    let text = dashboard["data"]["weir.json"].as_str().unwrap();
    assert_eq!(dashboard["metadata"]["labels"]["grafana_dashboard"], "1");
    let shown = std::fs::read_to_string(paths::root().join("monitoring/grafana/weir.json")).unwrap();
    assert_eq!(text, shown);
    assert_eq!(made.len(), 4);
    all_take(&[made]);
    values["allPods"] = json!(false);
    values["platform"] = json!("envoy-gateway");
    values["targetRefs"] = json!([{"kind": "Gateway", "name": "shop"}]);
    values["podMonitor"]["interval"] = json!("15s");
    let made = helm.template("release", "weir", &values);
    monitor(&made, "weir-envoy-gateway");
    all_take(&[made]);
}

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
    let cases: [(Value, &[&str]); 17] = [
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

/// The chart as a release has it: an archive, from which Helm renders the same.
#[test]
fn the_archive_of_a_release_is_the_chart() {
    let helm = Helm::new();
    let script = paths::root().join("scripts/release");
    let made = |name: &str| -> PathBuf {
        let folder = helm.home.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        let output = Command::new(&script).arg("chart").arg(&folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let archive = folder.join(format!("weir-{}.tgz", env!("CARGO_PKG_VERSION")));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        archive
    };
    let (one, other) = (made("one"), made("other"));
    assert_eq!(std::fs::read(&one).unwrap(), std::fs::read(other).unwrap());
    let example = Path::new("charts/weir/examples/istio.yaml").display().to_string();
    let template = |chart: &Path| {
        let arguments = [
            words(&["template", "weir"]),
            vec![chart.display().to_string()],
            words(&["--values"]),
            vec![example.clone()],
        ];
        resources(&helm.run(&arguments.concat())).unwrap()
    };
    assert_eq!(template(&one), template(Path::new("charts/weir")));
}

/// Every command of the pages that begins with `helm`, in their order.
#[test]
fn the_pages_commands_work() {
    let helm = Helm::new();
    let mut seen = 0;
    for page in ["docs/install-istio.md", "docs/install-envoy-gateway.md", "charts/weir/README.md"] {
        let text = std::fs::read_to_string(paths::root().join(page)).unwrap();
        let digest = format!("sha256:{}", "1".repeat(64));
        let blocks: Vec<&str> =
            text.split("```").skip(1).step_by(2).filter(|it| it.starts_with("sh\n")).collect();
        let folder = helm.home.path().join("page");
        std::fs::create_dir_all(&folder).unwrap();
        let mut release = Vec::new();
        for command in blocks.iter().flat_map(|block| commands(block)) {
            let command: Vec<String> = command
                .into_iter()
                .map(|word| {
                    // What readers have: their digest, and the configuration that `weir check` has taken.
                    let word = word.replace("sha256:…", &digest);
                    match word.split_once('=') {
                        Some(("configFile", _)) => {
                            let plugin = built::folder("ab-routing");
                            let configuration = &of_kind(&plugin, "WasmPlugin")["spec"]["pluginConfig"];
                            format!("configFile={}", helm.file("weir.yaml", &configuration.to_string()))
                        }
                        _ => word,
                    }
                })
                .collect();
            seen += 1;
            match command[1].as_str() {
                "install" | "template" => {
                    release = command.iter().skip(2).cloned().collect();
                    all_take(&[installed(&helm, &command)]);
                }
                // Values of the release, and those of the command.
                "upgrade" => {
                    let own =
                        command.iter().skip(2).filter(|it| !release.contains(it) && *it != "--reuse-values");
                    let all = [words(&["helm", "upgrade"]), release.clone(), own.cloned().collect()].concat();
                    all_take(&[installed(&helm, &all)]);
                }
                // They need the release in a cluster; that there is such a command is seen.
                "get" | "uninstall" | "rollback" => {
                    let output = helm.run(&words(&[&command[1], "--help"]));
                    assert!(output.status.success());
                    assert!(release.is_empty() || command.contains(&release[0]), "{command:?}");
                }
                _ => panic!("{page}: {command:?}"),
            }
        }
        assert!(!release.is_empty(), "{page} has no way with Helm");
    }
    assert!(seen >= 6, "{seen}");
}
