//! `weir check` on the manifests that people really have.

use crate::support::weir_with;

/// Line, column and path of each problem, and how many plugins of others there were.
fn check(manifest: &str) -> (Vec<(u64, u64, String)>, usize) {
    check_with(&["check", "--output", "json", "-"], manifest)
}

fn check_with(arguments: &[&str], manifest: &str) -> (Vec<(u64, u64, String)>, usize) {
    let run = weir_with(arguments, manifest);
    let json = run.json();
    let file = &json["files"][0];
    let configurations = file["configurations"].as_array().unwrap();
    let inner = configurations.iter().flat_map(|c| c["problems"].as_array().unwrap());
    let problems = file["problems"].as_array().unwrap().iter().chain(inner).map(|problem| {
        let text = problem["path"].as_str().or(problem["message"].as_str()).unwrap();
        (problem["line"].as_u64().unwrap(), problem["column"].as_u64().unwrap(), text.to_owned())
    });
    (problems.collect(), file["others"].as_array().unwrap().len())
}

fn problem(line: u64, column: u64, path: &str) -> (u64, u64, String) {
    (line, column, path.to_owned())
}

#[test]
fn istio_wasm_plugin_and_traffic_extension() {
    let manifest = "
apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: {name: canary}
spec:
  url: oci://registry.example.com/team/filters:v1
  pluginConfig:
    routing:
      default: {setHeaders: {x-a: 1}}
---
apiVersion: extensions.istio.io/v1alpha1
kind: TrafficExtension
metadata: {name: canary}
spec:
  phase: AUTHZ
  wasm:
    url: oci://registry.example.com/team/filters:v1
    pluginConfig:
      routing:
        rules: {}
---
apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: {name: basic-auth}
spec:
  url: oci://registry.example.com/basic-auth:v1
  pluginConfig: {basic_auth_rules: [{prefix: /}]}
";
    let (problems, others) = check(manifest);
    assert_eq!(problems, [problem(9, 30, "routing.default.setHeaders.x-a"), problem(20, 9, "routing.rules")]);
    assert_eq!(others, 1);
}

#[test]
fn the_native_module_has_no_cel() {
    let manifest = "
http_filters:
- name: a
  typed_config:
    dynamic_module_config: {module: {local: {filename: /usr/lib/libweir.so}}}
    filter_name: a
    filter_config:
      \"@type\": type.googleapis.com/google.protobuf.Struct
      value:
        routing:
          rules:
          - {name: a, cel: 'true', setHeaders: {x-a: '1'}}
          - {name: b, setHeaders: {x-a: 2}}
- name: b
  typed_config:
    dynamic_module_config: {name: other}
    filter_name: other
";
    let (problems, others) = check(manifest);
    assert_eq!((problems, others), (vec![problem(13, 36, "routing.rules[1].setHeaders.x-a")], 1));
    let (problems, others) = check(&manifest.replace("x-a: 2", "x-a: '2'"));
    assert_eq!((problems, others), (vec![problem(12, 23, "routing.rules[0].cel")], 1));
}

#[test]
fn a_plugin_of_ours_without_configuration_is_a_problem() {
    let manifest = "apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: {name: a}
spec:
  url: oci://registry.example.com/weir:v1
";
    assert_eq!(check(manifest), (vec![problem(5, 3, "(top level)")], 0));
}

#[test]
fn plugins_of_others_stay_theirs_unless_told() {
    // Istio's own stats and attributegen filters have `metrics` and `attributes` too.
    let manifest = r#"
apiVersion: v1
kind: List
items:
- apiVersion: extensions.istio.io/v1alpha1
  kind: WasmPlugin
  metadata: {name: attributes}
  spec: {url: "oci://registry.example.com/attributegen:1", pluginConfig: {attributes: [{output_attribute: x}]}}
- apiVersion: extensions.istio.io/v1alpha1
  kind: WasmPlugin
  metadata: {name: stats}
  spec: {url: "oci://registry.example.com/stats:1", pluginConfig: {metrics: [{dimensions: {}}], debug: true}}
"#;
    assert_eq!(check(manifest), (vec![], 2));
    let (problems, others) = check_with(&["check", "--all-plugins", "--output", "json", "-"], manifest);
    assert_eq!(others, 0);
    assert!(!problems.is_empty());
}

#[test]
fn envoy_struct_and_string_value() {
    let manifest = r#"
static_resources:
  listeners:
  - filter_chains:
    - filters:
      - typed_config:
          http_filters:
          - name: wasm
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
              config:
                vm_config: {code: {local: {filename: /etc/weir.wasm}}}
                configuration:
                  "@type": type.googleapis.com/google.protobuf.Struct
                  value:
                    routing:
                      rules:
                      - {name: a b}
          - name: wasm
            typed_config:
              config:
                vm_config: {code: {local: {filename: /etc/x.wasm}}}
                configuration:
                  "@type": type.googleapis.com/google.protobuf.StringValue
                  value: |
                    {
                      "routing": {
                        "rules": 1
                      }
                    }
"#;
    assert_eq!(
        check(manifest),
        (vec![problem(18, 26, "routing.rules[0].name"), problem(28, 25, "routing.rules")], 0)
    );
}

/// A plugin as Envoy's JSON has it, with the configuration's type and value.
fn envoy_json(kind: &str, value: &str) -> String {
    format!(
        r#"{{"resources": [{{"@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
 "typedConfig": {{"config": {{"rootId": "weir", "vmConfig": {{"code": {{"local": {{"filename": "weir.wasm"}}}}}},
  "configuration": {{"@type": "type.googleapis.com/google.protobuf.{kind}", "value":
{value}}}}}}}}}]}}"#
    )
}

#[test]
fn ecds_in_json_with_escaped_json_and_base64() {
    let escaped = r#""{\"routing\": {\"rules\": 1}}""#;
    assert_eq!(check(&envoy_json("StringValue", escaped)), (vec![problem(4, 17, "routing.rules")], 0));
    // {"routing": {"rules": 1}}
    let base64 = "\"eyJyb3V0aW5nIjogeyJydWxlcyI6IDF9fQ==\"";
    assert_eq!(check(&envoy_json("BytesValue", base64)), (vec![problem(4, 1, "routing.rules")], 0));
    let (problems, _) = check(&envoy_json("BytesValue", "\"%%%\""));
    assert!(problems[0].2.contains("base64"), "{problems:?}");
    let (problems, _) = check(&envoy_json("Int32Value", "1"));
    assert!(problems[0].2.contains("cannot carry a configuration"), "{problems:?}");
    let (problems, _) = check(&envoy_json("StringValue", "{\"routing\": 1}"));
    assert!(problems[0].2.contains("google.protobuf.Struct"), "{problems:?}");
}

#[test]
fn what_a_module_would_not_read_is_refused() {
    // YAML in a text reaches the module as YAML, and it reads none.
    let (problems, _) = check(&envoy_json("StringValue", r#""routing: {rules: [{name: a b}]}""#));
    assert_eq!((problems[0].0, problems[0].1), (4, 1), "{problems:?}");
    assert!(problems[0].2.contains("this text is not JSON"), "{problems:?}");
    assert_eq!(problems[1], problem(4, 21, "routing.rules[0].name"));
}

#[test]
fn envoy_filter_config_map_and_gateway() {
    let manifest = r#"
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: canary}
spec:
  configPatches:
  - applyTo: HTTP_FILTER
    patch:
      operation: INSERT_BEFORE
      value:
        name: canary
        typed_config:
          "@type": type.googleapis.com/udpa.type.v1.TypedStruct
          type_url: type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
          value:
            config:
              vm_config: {code: {local: {filename: /etc/ab_routing.wasm}}}
              configuration:
                "@type": type.googleapis.com/google.protobuf.Struct
                value: {routing: {rules: 1}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: envoy}
data:
  notes.txt: "not: [yaml"
  envoy.yaml: |
    static_resources:
      listeners:
      - config:
          vm_config: {code: {local: {filename: /etc/weir.wasm}}}
          configuration:
            "@type": type.googleapis.com/google.protobuf.StringValue
            value: |
              {"routing":
                {"rules": 1}}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyExtensionPolicy
metadata: {name: canary}
spec:
  wasm:
  - name: other
    code: {type: Image, image: {url: registry.example.com/other:1}}
    config: {a: 1}
  - name: routing
    code: {type: Image, image: {url: registry.example.com/weir:1}}
    config:
      routing:
        rules: 1
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: web}]
"#;
    let (problems, others) = check(manifest);
    let rules = |line, column| problem(line, column, "routing.rules");
    assert_eq!(problems, [rules(20, 35), rules(36, 18), rules(50, 9)]);
    assert_eq!(others, 1);
}

#[test]
fn a_broken_document_does_not_hide_the_others() {
    let manifest = "a: [\n---\nrouting:\n  rules: 1\n---\n";
    let (problems, _) = check(manifest);
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert_eq!(problems[1], problem(4, 3, "routing.rules"));
}

#[test]
fn the_shipped_files_are_right() {
    let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../envoy-configs"));
    let folders = ["", "live-update", "two-hops"].map(|name| std::fs::read_dir(folder.join(name)).unwrap());
    let mut checked = 0;
    for file in folders.into_iter().flatten() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let run = crate::support::weir(&["check", "--deny", "warnings", path.to_str().unwrap()]);
            // Its configuration is in the file that it names.
            let elsewhere = ["live-update.yaml", "rollout.yaml"].iter().any(|name| path.ends_with(name));
            assert_eq!(run.code, if elsewhere { 2 } else { 0 }, "{run:?}");
            checked += 1;
        }
    }
    assert!(checked > 0);
}
