//! The quick start: the production overlay at the shop's ingress gateway.

use serde_json::Value;

use super::super::shop::{Door, SHOP, USERS, counts};
use super::super::{admin, eventually, weir, weir_status};
use super::mesh::{Image, Mesh, replace};
use super::proxy::{Pod, Proxy};

const NAMESPACE: &str = "istio-ingress";

fn door(mesh: &Mesh) -> Door {
    Door { address: ([127, 0, 0, 1], mesh.port).into(), host: SHOP }
}

/// All users get this.
fn everybody_gets(answer: &str, mesh: &Mesh, proxy: &Proxy) {
    let seen = || door(mesh).answers(&[]);
    let all = |answers: &[String]| answers.iter().all(|it| it == answer) && answers.len() == USERS;
    let otherwise = || format!("{:?}\n{}", counts(&seen()), proxy.last());
    eventually(&format!("everybody gets {answer}"), otherwise, || all(&seen()));
}

/// A TrafficExtension with another weight of the stable version.
fn plugin_with(plugin: &Value, weight: i32) -> Value {
    let mut plugin = plugin.clone();
    let path = "/spec/wasm/pluginConfig/routing/rules/0/split/targets/0/weight";
    *plugin.pointer_mut(path).unwrap() = weight.into();
    plugin
}

/// Waits until the page that Prometheus scrapes has a line with these texts, whose value is not 0.
fn has_metric(proxy: &Proxy, texts: &[&str]) {
    let page = || admin(&proxy.metrics, "/stats/prometheus").unwrap_or_default();
    let fits = |line: &str| !line.starts_with('#') && texts.iter().all(|text| line.contains(text));
    let counted = || page().lines().any(|line| fits(line) && !line.ends_with(" 0"));
    let ours = || page().lines().filter(|line| line.contains("weir")).collect::<Vec<_>>().join("\n");
    eventually(&format!("{texts:?} is among the metrics"), ours, counted);
}

#[test]
fn users_are_split_and_an_edit_arrives() {
    let mesh = Mesh::start(Image::Pushed, |_| ());
    let proxy = Proxy::start(&mesh, &Pod::gateway(&mesh));
    let plugin = mesh.plugin(NAMESPACE);
    door(&mesh).becomes("the plugin is effective", &plugin, || format!("{}\n{}", mesh.log(), proxy.last()));
    door(&mesh).is_split_as(&plugin);
    assert_eq!(mesh.fetched(), 1, "the agent did not fetch the image once");
    mesh.patch_weight(NAMESPACE, 10);
    let edited = mesh.plugin(NAMESPACE);
    door(&mesh).becomes("an edit arrives", &edited, || proxy.last());
    door(&mesh).is_split_as(&edited);
    assert_eq!(mesh.fetched(), 1, "the same image was fetched again");
    let (state, said, code) = weir_status(&edited, &proxy.admin);
    assert_eq!((state.as_str(), code), ("runs", Some(0)), "{said}");
    // With the annotations of the shop's gateway, as the page says.
    has_metric(&proxy, &["weir_config_hash{", "plugin=\"istio-ingress_weir-ab-routing"]);
}

#[test]
fn the_newer_resource_does_the_same() {
    let mesh = Mesh::start(Image::Pushed, |manifests| {
        let overlay = manifests.join("overlays/production/kustomization.yaml");
        replace(&overlay, "- ../../ab-routing ", "- ../../traffic-extensions/ab-routing ");
    });
    let proxy = Proxy::start(&mesh, &Pod::gateway(&mesh));
    let plugin = || mesh.cluster.get("trafficextension", NAMESPACE, "weir-ab-routing");
    door(&mesh).becomes("the plugin is effective", &plugin(), || format!("{}\n{}", mesh.log(), proxy.last()));
    door(&mesh).is_split_as(&plugin());
    assert_eq!(mesh.fetched(), 1, "the agent did not fetch the image once");
    mesh.patch_weight_of("trafficextension", "/spec/wasm", NAMESPACE, 10);
    door(&mesh).becomes("an edit arrives", &plugin(), || proxy.last());
    mesh.patch_weight_of("trafficextension", "/spec/wasm", NAMESPACE, -1);
    let refuses = || weir_status(&plugin_with(&plugin(), 10), &proxy.admin).0 == "refuses";
    eventually("weir status shows the refusal", || proxy.last(), refuses);
    assert_eq!(plugin()["status"], Value::Null, "istiod has a status for it now");
}

#[test]
fn a_refused_configuration_is_said_by_the_proxy_alone() {
    let mesh = Mesh::start(Image::Pushed, |_| ());
    let proxy = Proxy::start(&mesh, &Pod::gateway(&mesh));
    let before = mesh.plugin(NAMESPACE);
    assert_eq!(before["spec"]["failStrategy"], "FAIL_OPEN");
    door(&mesh).becomes("the plugin is effective", &before, || proxy.last());
    mesh.patch_weight(NAMESPACE, -1);
    has_metric(&proxy, &["config_fail", "weir_ab_routing"]);
    door(&mesh).is_split_as(&before);
    assert!(proxy.log().contains("targets[0].weight"), "{}", proxy.last());
    assert_eq!(mesh.plugin(NAMESPACE)["status"], Value::Null, "istiod has a status for it now");
    let (state, said, code) = weir_status(&before, &proxy.admin);
    assert_eq!((state.as_str(), code), ("refuses", Some(1)), "{said}");
    let checked = weir("check", &mesh.plugin(NAMESPACE), &[]);
    assert_eq!(checked.status.code(), Some(1), "{}", String::from_utf8_lossy(&checked.stdout));

    // Envoy has no older configuration to keep, and none to do without.
    drop(proxy);
    let proxy = Proxy::start(&mesh, &Pod::gateway(&mesh));
    everybody_gets("500", &mesh, &proxy);
    let (state, said, code) = weir_status(&before, &proxy.admin);
    assert_eq!((state.as_str(), code), ("nothing", Some(1)), "{said}");
    mesh.patch_weight(NAMESPACE, 30);
    let after = mesh.plugin(NAMESPACE);
    door(&mesh).becomes("the corrected plugin arrives", &after, || proxy.last());
    let (state, said, code) = weir_status(&after, &proxy.admin);
    assert_eq!((state.as_str(), code), ("runs", Some(0)), "{said}");
}

#[test]
fn an_image_that_cannot_be_fetched_is_tried_again_when_the_resource_changes() {
    let mesh = Mesh::start(Image::Missing, |_| ());
    let proxy = Proxy::start(&mesh, &Pod::gateway(&mesh));
    everybody_gets("stable", &mesh, &proxy);
    assert!(proxy.log().contains("cannot fetch Wasm module"), "{}", proxy.last());
    assert_eq!(mesh.plugin(NAMESPACE)["status"], Value::Null);
    let (state, said, code) = weir_status(&mesh.plugin(NAMESPACE), &proxy.admin);
    assert_eq!((state.as_str(), code), ("nothing", Some(1)), "{said}");
    mesh.push();
    std::thread::sleep(std::time::Duration::from_secs(5));
    everybody_gets("stable", &mesh, &proxy);
    let resource = ["--namespace", NAMESPACE, "annotate", "wasmplugin", "weir-ab-routing", "again=1"];
    mesh.cluster.run(&resource);
    let plugin = mesh.plugin(NAMESPACE);
    door(&mesh).becomes("the annotated plugin is effective", &plugin, || proxy.last());
    // A running proxy goes on without the plugin.
    mesh.patch_image(NAMESPACE, &"1".repeat(64));
    everybody_gets("stable", &mesh, &proxy);
}

#[test]
fn without_the_image_a_plugin_that_fails_closed_denies_everything() {
    let mesh = Mesh::start(Image::Pushed, |manifests| {
        let plugin = manifests.join("ab-routing/wasm-plugin.yaml");
        replace(&plugin, "failStrategy: FAIL_OPEN", "failStrategy: FAIL_CLOSE");
    });
    let proxy = Proxy::start(&mesh, &Pod::gateway(&mesh));
    let plugin = mesh.plugin(NAMESPACE);
    door(&mesh).becomes("the plugin is effective", &plugin, || proxy.last());
    mesh.patch_image(NAMESPACE, &"1".repeat(64));
    everybody_gets("403", &mesh, &proxy);
    drop(proxy);
    let proxy = Proxy::start(&mesh, &Pod::gateway(&mesh));
    everybody_gets("403", &mesh, &proxy);
}
