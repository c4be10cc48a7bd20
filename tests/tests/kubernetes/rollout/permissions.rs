//! The shipped controller: its manifests are taken, its role suffices, and each verb of it is needed.

use serde_json::{Value, json};
use weir_tests::paths;

use super::house::House;
use super::{shared, words};

const NAMESPACE: &str = "istio-ingress";
const LEASE: &str = "weir-rollout-wasmplugin-weir-ab-routing";

fn create(resource: &Value) {
    let output = shared().run_with(&["create", "--filename", "-"], &resource.to_string());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The manifests, and the scenario that they release; a rollout with its specification and its account.
fn shipped() -> House<'static> {
    let cluster = shared();
    let folder = paths::root().join("wasm-plugins");
    drop(cluster.kubectl().args(["create", "namespace", NAMESPACE]).output().unwrap());
    let plugin = folder.join("ab-routing/wasm-plugin.yaml");
    let text = std::fs::read_to_string(plugin).unwrap();
    let output = cluster.run_with(&["replace", "--force", "--filename", "-"], &text);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let controller = folder.join("rollout");
    cluster.run(&["apply", "--validate=strict", "--kustomize", controller.to_str().unwrap()]);
    let map = cluster.get("configmap", NAMESPACE, "weir-rollout");
    let mut spec = map["data"]["rollout.yaml"].as_str().unwrap().to_owned();
    assert_eq!(spec, std::fs::read_to_string(controller.join("rollout.yaml")).unwrap());
    // Times scaled down; nobody is there to approve.
    for (from, to) in [
        ("hold: 30m", "hold: 0s"),
        ("hold: 1h", "hold: 0s"),
        (", approval: true", ""),
        ("max: 0.02", "max: 1"),
        ("interval: 15s", "interval: 100ms"),
    ] {
        assert!(spec.contains(from), "{from}");
        spec = spec.replace(from, to);
    }
    let mut house = House::with(cluster, 0, NAMESPACE, "weir-ab-routing", &spec);
    house.kubeconfig = cluster.kubeconfig_of(NAMESPACE, "weir-rollout");
    house
}

#[test]
fn the_role_suffices_and_all_of_it_is_needed() {
    let house = shipped();
    let mut running = house.run(&[]);
    assert_eq!(running.end(), Some(0), "{}", running.said());
    assert!(!running.said().contains("403"), "{}", running.said());
    assert_eq!(house.reasons().len(), 7, "{:?}", house.reasons());
    assert!(house.text().contains(r#"{"name":"stable","weight":0}"#), "{}", house.text());
    drop(house);

    let role = shared().get("role", NAMESPACE, "weir-rollout");
    let rules = role["rules"].as_array().unwrap();
    let mut seen = 0;
    for (rule, verbs) in rules.iter().map(|rule| words(&rule["verbs"])).enumerate() {
        for verb in verbs {
            let house = shipped();
            // A Lease that is there need not be made, and one that is made need not be renewed so soon.
            drop(
                shared()
                    .kubectl()
                    .args(["--namespace", NAMESPACE, "delete", "lease", LEASE])
                    .output()
                    .unwrap(),
            );
            if verb == "update" {
                let metadata = json!({"name": LEASE, "namespace": NAMESPACE});
                let lease =
                    json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata});
                create(&lease);
            }
            let mut less = role.clone();
            let left: Vec<&Value> =
                role["rules"][rule]["verbs"].as_array().unwrap().iter().filter(|it| *it != verb).collect();
            // A rule without a verb is not taken.
            match left.is_empty() {
                true => drop(less["rules"].as_array_mut().unwrap().remove(rule)),
                false => less["rules"][rule]["verbs"] = serde_json::to_value(left).unwrap(),
            }
            less["metadata"].as_object_mut().unwrap().remove("resourceVersion");
            let output = shared().run_with(&["replace", "--filename", "-"], &less.to_string());
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let resource = role["rules"][rule]["resources"][0].as_str().unwrap();
            let running = house.run(&[]);
            running.until_said("status 403 of the API server");
            println!("without {verb} of {resource}: {}", running.said().lines().last().unwrap_or_default());
            seen += 1;
        }
    }
    assert_eq!(seen, 6);
}
