//! `weir admission`, asked by a real API server: what `kubectl` then says, and what happens when it is gone.

use serde_json::{Value, json};
use weir_tests::kubernetes::{Cluster, definitions};
use weir_tests::paths;
use weir_tests::webhook::Webhook;

/// The shipped configuration of the webhook, with the server's address in place of the Service's.
fn configuration(cluster: &Cluster, webhook: &Webhook, policy: &str) -> Value {
    let folder = paths::root().join("wasm-plugins/admission/base");
    let text = cluster.run(&["kustomize", folder.to_str().unwrap()]);
    let all: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    let mut configuration =
        all.into_iter().find(|it| it["kind"] == "ValidatingWebhookConfiguration").unwrap();
    assert_eq!(configuration["webhooks"][0]["failurePolicy"], "Ignore");
    configuration["webhooks"][0]["failurePolicy"] = json!(policy);
    configuration["webhooks"][0]["clientConfig"] = json!({"url": webhook.url, "caBundle": webhook.authority});
    configuration
}

/// The shipped plugins, all three kinds, in a namespace of the test.
fn plugins() -> Vec<(Value, &'static str)> {
    let files = [
        ("ab-routing/wasm-plugin.yaml", "/spec/pluginConfig"),
        ("traffic-extensions/ab-routing/traffic-extension.yaml", "/spec/wasm/pluginConfig"),
        ("envoy-gateway/ab-routing.yaml", "/spec/wasm/0/config"),
    ];
    let of_file = |(file, place): (&str, &'static str)| {
        let text = std::fs::read_to_string(paths::root().join("wasm-plugins").join(file)).unwrap();
        let mut plugin = serde_saphyr::from_multiple::<Value>(&text).unwrap().remove(0);
        plugin["metadata"]["namespace"] = json!("admission");
        (plugin, place)
    };
    files.map(of_file).into()
}

#[test]
fn an_api_server_refuses_what_weir_check_refuses() {
    let cluster = Cluster::start(&definitions());
    let mut webhook = Webhook::start();
    let apply = |resource: &Value, more: &[&str]| {
        let arguments = [&["apply", "--filename", "-"], more].concat();
        let output = cluster.run_with(&arguments, &resource.to_string());
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let set = |resource: &Value| {
        let (ok, error) = apply(resource, &[]);
        assert!(ok, "{error}");
    };
    // The rest of the folder is taken as it is.
    let manifests = paths::root().join("wasm-plugins/admission/base");
    cluster.run(&["apply", "--dry-run=client", "--kustomize", manifests.to_str().unwrap()]);
    cluster.run(&["create", "namespace", "admission"]);
    let bad = |plugin: &Value, place: &str| {
        let mut bad = plugin.clone();
        let targets = "routing/rules/0/split/targets/1/weight";
        *bad.pointer_mut(&format!("{place}/{targets}")).unwrap() = json!(-10);
        bad
    };
    // One that was there before the webhook.
    let (first, place) = &plugins()[0];
    let mut old = bad(first, place);
    old["metadata"]["name"] = json!("old");
    set(&old);
    set(&configuration(&cluster, &webhook, "Fail"));
    let mut refused = false;
    for _ in 0..100 {
        // The API server learns of its webhooks within a second or so.
        refused = !apply(&bad(first, place), &["--dry-run=server"]).0;
        if refused {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    assert!(refused, "the webhook is not asked");
    for (plugin, place) in plugins() {
        for more in [&["--dry-run=server"][..], &[]] {
            let (ok, error) = apply(&bad(&plugin, place), more);
            assert!(!ok, "{plugin}");
            for part in [
                "plugins.weir.example.com",
                "weir check: 1 problem",
                "routing.rules[0].split.targets[1].weight",
                "-10",
            ] {
                assert!(error.contains(part), "no {part} in {error}");
            }
        }
        set(&plugin);
        // An edit with a mistake leaves what was there.
        let (ok, error) = apply(&bad(&plugin, place), &[]);
        assert!(!ok && error.contains("denied the request"), "{error}");
    }
    // A warning is shown, and the resource taken.
    let mut warned = first.clone();
    warned["metadata"]["name"] = json!("warned");
    warned["spec"].as_object_mut().unwrap().remove("match");
    let (ok, error) = apply(&warned, &[]);
    assert!(ok && error.contains("Warning: ["), "{error}");
    // The old one may be labelled, with its problem as a warning, and deleted.
    let label = ["--namespace", "admission", "label", "wasmplugin", "old", "a=b"];
    cluster.run(&label);
    cluster.run(&["--namespace", "admission", "delete", "wasmplugin", "old"]);
    // Without a server.
    webhook.stop();
    let mut other = first.clone();
    other["metadata"]["name"] = json!("other");
    assert!(!apply(&other, &[]).0, "Fail: nothing is taken");
    set(&configuration(&cluster, &webhook, "Ignore"));
    let mut taken = false;
    for _ in 0..100 {
        taken = apply(&bad(&other, place), &[]).0;
        if taken {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    assert!(taken, "Ignore: all is taken");
}
