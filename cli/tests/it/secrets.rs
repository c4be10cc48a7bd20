//! `weir check` shows no secret, whatever is wrong where one belongs, and whatever surrounds the configuration.

use crate::support::weir_with;
use serde_json::{Value, json};

/// Stands for a secret.
const CANARY: &str = "hushSECRET-0123456789abcdef";

/// What people write where a secret belongs.
fn forms() -> Vec<Value> {
    vec![
        json!(CANARY),
        json!([CANARY]),
        json!({"value": CANARY}),
        json!({"value": [CANARY]}),
        json!({"vlaue": CANARY}),
        json!({ CANARY: null }),
        json!({"name": "A", "valueFrom": CANARY}),
        json!([format!("COOKIE_SECRET={CANARY}")]),
        json!([{"name": "COOKIE_SECRET", "value": CANARY}, {"name": 5}]),
        json!([{"name": "A", CANARY: null}]),
        json!({"key_values": {"COOKIE_KEY": CANARY, "B": 1}}),
        json!({"key_values": CANARY}),
        json!({"keys": [{"kty": "oct", "k": CANARY}]}),
    ]
}

/// Files in which one of them is where a secret can be.
fn files(form: &Value) -> Vec<Value> {
    let secret = json!({"experiments": {"secret": form, "list": 5}});
    let keys = json!({"jwt": {"providers": {"a": {"jwks": form}}}, "rotuing": {}});
    let plugin = |vm: Value, configuration: Value| {
        json!({
            "apiVersion": "extensions.istio.io/v1alpha1", "kind": "WasmPlugin", "metadata": {"name": "weir"},
            "spec": {"url": "oci://registry.example.com/weir:v1", "vmConfig": vm, "pluginConfig": configuration},
        })
    };
    let message = |vm: Value, configuration: Value| {
        json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {"name": "weir", "vm_config": vm, "configuration": configuration},
        })
    };
    // A name at the top of the configuration itself is a field, and is shown: no secret belongs there.
    let named = form.get(CANARY).is_some();
    let top = if named { Value::Null } else { form.clone() };
    let cookie = json!({"experiments": {"secret": [{"env": "COOKIE_SECRET"}], "list": 5}});
    vec![
        plugin(json!({"env": form}), cookie.clone()),
        plugin(json!({}), top.clone()),
        plugin(json!({}), secret.clone()),
        message(json!({"environment_variables": form}), json!({"value": cookie})),
        message(json!({"environmentVariables": form}), json!({"value": cookie})),
        message(json!({}), top),
        message(json!({}), json!({"value": secret})),
        secret,
        keys,
    ]
}

#[test]
fn no_output_shows_a_secret() {
    let mut found = 0;
    for file in forms().iter().flat_map(files) {
        let pretty = serde_json::to_string_pretty(&file).unwrap();
        let (tabs, line) = (pretty.replace("  ", "\t"), file.to_string());
        let others = ["text", "json", "github", "sarif"].map(|form| (form, &pretty));
        let snippets = [&pretty, &tabs, &line].map(|text| ("snippets", text));
        for (form, text) in others.into_iter().chain(snippets) {
            let run = weir_with(&["check", "--output", form, "-"], text);
            let shows = |out: &str| out.contains("SECRET-") || out.contains("0123456789");
            assert!(!shows(&run.out) && !shows(&run.err), "{form}: {text}\n{run:?}");
            found += usize::from(run.code == 1);
        }
    }
    assert!(found > 500, "{found}: the files are not as wrong as they should be");
}
