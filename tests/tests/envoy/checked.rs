//! `weir check` of Envoy's Wasm filter against Envoy's own validation: what is called right, Envoy takes, and what is
//! refused, Envoy refuses, but for [`STRICTER`].

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use weir_tests::{paths, program};

/// What is refused although Envoy's reader of files takes it, and why.
const STRICTER: [(&str, &str); 2] = [
    (
        "/config/fail_open \"yes\"",
        "a text for a boolean, which Envoy takes in files only, not from a control plane",
    ),
    ("/config/vm_config/environment_variables {\"host_env_keys\":\"A\"}", "one text for a list: the same"),
];

/// The change that renames the filter's `config`.
const RENAMED: &str = "/config (renamed)";

/// The filter's message, as an Envoy file has it.
fn filter() -> Value {
    json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
        "config": {
            "name": "weir",
            "vm_config": {
                "runtime": "envoy.wasm.runtime.v8",
                "code": {"local": {"filename": "dist/metrics.wasm"}},
            },
            "configuration": {
                "@type": "type.googleapis.com/google.protobuf.Struct",
                "value": {"metrics": {"red": {}}},
            },
        },
    })
}

/// A listener for each filter.
fn bootstrap(filters: &[Value]) -> Value {
    let listeners: Vec<_> =
        filters.iter().enumerate().map(|(number, filter)| listener(number, filter)).collect();
    let modules =
        json!({"name": "modules", "type": "STATIC", "load_assignment": {"cluster_name": "modules"}});
    json!({"static_resources": {"listeners": listeners, "clusters": [modules]}})
}

fn listener(number: usize, filter: &Value) -> Value {
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "http",
        "use_remote_address": true,
        "http_filters": [
            {"name": "weir", "typed_config": filter},
            {"name": "envoy.filters.http.router", "typed_config":
                {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}},
        ],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes":
            [{"match": {"prefix": "/"}, "direct_response": {"status": 200}}]}]},
    });
    json!({
        "name": format!("http-{number}"),
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    })
}

/// What is put at which place of the filter, instead of what is there.
fn changes() -> Vec<(&'static str, Value)> {
    let vm = "/config/vm_config";
    let remote = |remote: Value| json!({"remote": remote});
    let uri = json!({"uri": "http://example.com/weir.wasm", "cluster": "modules", "timeout": "5s"});
    vec![
        // Right.
        ("/config/rootId", json!("weir")),
        ("/config/root_id", json!(null)),
        ("/config/failure_policy", json!("FAIL_RELOAD")),
        ("/config/failurePolicy", json!(2)),
        ("/config/reload_config", json!({"backoff": {"base_interval": "1s"}})),
        ("/config/allow_on_headers_stop_iteration", json!(true)),
        ("/config/capability_restriction_config", json!({"allowed_capabilities": {"proxy_on_log": {}}})),
        ("/config/vm_config/environment_variables", json!({"key_values": {"A": "b"}})),
        ("/config/vm_config/allow_precompiled", json!(false)),
        (
            vm,
            json!({"runtime": "envoy.wasm.runtime.v8", "vmId": "a", "code": {"local": {"filename": "dist/metrics.wasm"}}}),
        ),
        // Wrong.
        ("/confg", json!({})),
        (RENAMED, json!("its name")),
        ("/config/rootid", json!("weir")),
        ("/config/root_id", json!(5)),
        ("/config/name", json!(["weir"])),
        ("/config/name", json!({"a": "b"})),
        ("/config/fail_open", json!("yes")),
        ("/config/fail_open", json!(1)),
        ("/config/failure_policy", json!("FAIL_CLOSE")),
        ("/config/failure_policy", json!(7)),
        ("/config/reload_config", json!({"backoff": {"base_interval": "1 second"}})),
        ("/config/reload_config", json!({"backoff": {}})),
        ("/config/capability_restriction_config", json!({"allowed_capabilities": ["proxy_on_log"]})),
        ("/config/vm_config/runtime", json!(8)),
        ("/config/vm_config/env", json!({"A": "b"})),
        ("/config/vm_config/environment_variables", json!({"key_values": {"A": 1}})),
        ("/config/vm_config/environment_variables", json!({"host_env_keys": "A"})),
        ("/config/vm_config/code", json!({"filename": "dist/metrics.wasm"})),
        ("/config/vm_config/code", json!({"local": {"filename": ""}})),
        ("/config/vm_config/code", json!({"local": {}})),
        ("/config/vm_config/code", json!({})),
        ("/config/vm_config/code", remote(json!({"http_uri": uri, "sha256": ""}))),
        (
            "/config/vm_config/code",
            remote(json!({"http_uri": {"uri": "http://example.com/weir.wasm"}, "sha256": "00"})),
        ),
        ("/config/vm_config", json!({"runtime": "envoy.wasm.runtime.v8"})),
        ("/config/vm_config", json!(null)),
        ("/config/configuration", json!({"value": {}})),
    ]
}

/// Puts a value at a place; null takes away what is there.
fn changed(pointer: &str, value: &Value) -> Value {
    let mut filter = filter();
    if pointer == RENAMED {
        let config = filter.as_object_mut().unwrap().remove("config").unwrap();
        filter["confg"] = config;
        return filter;
    }
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let members = filter.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Value::Null => drop(members.remove(name)),
        value => drop(members.insert(name.to_owned(), value.clone())),
    }
    filter
}

/// What Envoy says of a file with these filters, if it refuses it.
fn refused(file: &Path, filters: &[Value]) -> Option<String> {
    fs::write(file, bootstrap(filters).to_string()).unwrap();
    let output = Command::new(paths::root().join("scripts/envoy"))
        .current_dir(paths::root())
        .args(["run", "--mount"])
        .arg(file.parent().unwrap())
        .args(["--", "--mode", "validate", "-l", "error", "-c"])
        .arg(file)
        .output()
        .unwrap();
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Whether `weir check` finds problems in a file with this filter, and what it says.
fn found(file: &Path, filter: &Value) -> (bool, String) {
    fs::write(file, bootstrap(std::slice::from_ref(filter)).to_string()).unwrap();
    let output = Command::new(program::path()).args(["check", "--all-plugins"]).arg(file).output().unwrap();
    (output.status.code() != Some(0), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn envoy_refuses_what_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("envoy.json");
    let mut different = Vec::new();
    let (mut right, mut wrong) = (Vec::new(), 0);
    for (pointer, value) in changes() {
        let name = format!("{pointer} {value}");
        let filter = changed(pointer, &value);
        let (found, said) = found(&file, &filter);
        if !found || STRICTER.iter().any(|(known, _)| *known == name) {
            right.push((name, filter));
            continue;
        }
        wrong += 1;
        if refused(&file, &[filter]).is_none() {
            different.push(format!("{name}:\nEnvoy takes it\nweir: {said}"));
        }
    }
    // What is right is so all at once, in an Envoy that compiles the module once; what is not has to be found.
    let filters: Vec<Value> = right.iter().map(|(_, filter)| filter.clone()).collect();
    if refused(&file, &filters).is_some() {
        let refusal = |(name, filter): &(String, Value)| {
            refused(&file, std::slice::from_ref(filter)).map(|said| format!("{name}:\nEnvoy: {said}"))
        };
        different.extend(right.iter().filter_map(refusal));
        assert!(!different.is_empty(), "Envoy takes each, and not all together");
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert!(right.len() > 10 && wrong > 15, "{} {wrong}", right.len());
}
