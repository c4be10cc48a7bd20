//! Istio for real: its control plane reads the manifests of `wasm-plugins/`, a real Envoy gets its whole
//! configuration from it, and requests go through the plugin that *Istio* has configured. Run by
//! `make test-istio`.

mod admitted;
mod built;
mod component;
mod helm;
mod imported;
mod imported_policies;
mod istiod;
mod mesh;
mod quick_start;

use std::time::Duration;

use mesh::{Mesh, Role, SHOP};
use serde_json::{Value, json};
use weir_allocation::{Fraction, Salt, Weights, anchored, contiguous};
use weir_tests::client::Request;
use weir_tests::{mutated, paths, program};

/// Tokens of the examples' issuer; ada is an admin, bob is not.
const ADA: &str = "Bearer eyJhbGciOiJFZERTQSIsImtpZCI6ImV4YW1wbGUiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUuY29tIiwiZXhwIjo0MTAyNDQ0ODAwLCJzdWIiOiJhZGEiLCJyb2xlIjoiYWRtaW4ifQ.tsqj0a94XactQts_OCDrqzt-eOsQcgPpujmJcSWGpnoA6L6Y7ny2zdyh4GLRkLrnW_xFSlL7jfl6oiGY7SOhDQ";
const BOB: &str = "Bearer eyJhbGciOiJFZERTQSIsImtpZCI6ImV4YW1wbGUiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUuY29tIiwiZXhwIjo0MTAyNDQ0ODAwLCJzdWIiOiJib2IiLCJyb2xlIjoidXNlciJ9.096Ip2mwsLKo0THfx_XpPTFiLzH4IdslHUB4xSHm6EkzVXsiidfAGo3eS2yCw3Ws4Wo188gykAS4IVpVojpkCA";
/// How many users show a split.
const USERS: usize = 300;

fn as_is(_: &mut Value) {}

fn user(number: usize) -> Request {
    Request::get("/").header("x-user-id", format!("user-{number}"))
}

/// Where the 90/10 split `canary` puts a user.
fn side(user: &str) -> &'static str {
    let allocation = anchored(&Weights::from_relative(&[90.0, 10.0]).unwrap());
    ["stable", "canary"][allocation.pick(Salt::derived("canary", "split").bucket(user.as_bytes())).unwrap()]
}

/// Which variant of `checkout` a unit has.
fn variant(unit: &str) -> &'static str {
    let halves =
        contiguous(&Weights::from_relative(&[50.0, 50.0]).unwrap(), Fraction::from_percent(100.0).unwrap())
            .unwrap();
    ["control", "one-page"][halves.pick(Salt::new("checkout").bucket(unit.as_bytes())).unwrap()]
}

/// All users are where the hash puts them, and a forged header changes nothing.
fn split_is_exact(mesh: &Mesh) {
    let mut canaries = 0;
    for number in 0..USERS {
        let expected = side(&format!("user-{number}"));
        canaries += usize::from(expected == "canary");
        let seen = mesh.seen(user(number));
        assert_eq!(seen.name, expected, "user-{number}");
        let forged = mesh.seen(user(number).header("x-weir-route", "canary"));
        assert_eq!(forged.name, expected, "user-{number}, forged");
    }
    assert!((10..60).contains(&canaries), "{canaries}");
}

#[test]
fn istios_validation_takes_every_manifest() {
    let mut files = 0;
    for file in mutated::manifests(&paths::root().join("wasm-plugins")) {
        let output = istiod::validate(&file);
        assert!(output.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&output.stderr));
        files += 1;
    }
    assert!(files > 15, "{files}");
    let wrong = tempfile::NamedTempFile::new().unwrap();
    let plugin = json!({"apiVersion": "extensions.istio.io/v1alpha1", "kind": "WasmPlugin",
        "metadata": {"name": "weir", "namespace": "shop"}, "spec": {"url": "ftp://example.com/weir"}});
    std::fs::write(wrong.path(), plugin.to_string()).unwrap();
    assert!(!istiod::validate(wrong.path()).status.success(), "it takes anything");
}

#[test]
fn istios_validation_takes_the_log_of_exposures() {
    let config = json!({"experiments": {"unit": "header:x-user-id", "output": {"exposures": true},
        "list": [{"key": "check.out", "variants": [{"key": "a", "weight": 50}, {"key": "b", "weight": 50}]}]}});
    let resource = program::render(&["access-log", "--json", "--istio"], &config.to_string());
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &resource).unwrap();
    let output = istiod::validate(file.path());
    assert!(output.status.success(), "{resource}: {}", String::from_utf8_lossy(&output.stderr));
    let refused = admitted::refused(&[serde_json::from_str(&resource).unwrap()]).remove(0);
    assert!(refused.is_empty(), "{refused:?}");
}

#[test]
fn a_gateway_splits_users_for_good() {
    let mesh = Mesh::start(Role::Gateway, &["shop/routes/routes.yaml", "ab-routing/wasm-plugin.yaml"], as_is);
    split_is_exact(&mesh);
    let config = mesh.envoy.admin("/config_dump?include_eds").unwrap();
    assert!(config.contains("envoy.extensions.filters.http.wasm.v3.Wasm"), "no Wasm filter");
    assert!(config.contains("ecds_filters"), "the filter did not come by ECDS");
}

#[test]
fn the_newer_resource_does_the_same() {
    let files = ["shop/routes/routes.yaml", "traffic-extensions/ab-routing/traffic-extension.yaml"];
    split_is_exact(&Mesh::start(Role::Gateway, &files, as_is));
}

#[test]
fn an_edit_of_the_resource_arrives_without_a_restart() {
    let mesh = Mesh::start(Role::Gateway, &["shop/routes/routes.yaml", "ab-routing/wasm-plugin.yaml"], as_is);
    let (index, plugin) =
        mesh.resources.iter().enumerate().find(|(_, resource)| resource["kind"] == "WasmPlugin").unwrap();
    let mut edited = plugin.clone();
    edited["spec"]["pluginConfig"]["routing"]["rules"][0]["split"]["targets"][0]["weight"] = json!(0);
    mesh.istiod.replace(index, &edited);
    let canary = |number| mesh.send(user(number)).seen().is_some_and(|seen| seen.name == "canary");
    assert!(mesh.envoy.wait_for(Duration::from_secs(30), |_| (0..USERS).step_by(10).all(canary)));
}

#[test]
fn a_refused_edit_changes_nothing_and_is_said_by_the_proxy_alone() {
    let mesh = Mesh::start(Role::Gateway, &["shop/routes/routes.yaml", "ab-routing/wasm-plugin.yaml"], as_is);
    let hash = |envoy: &weir_tests::envoy::Envoy| {
        let gauges = envoy.gauges().unwrap();
        gauges.iter().find(|(name, _)| name.ends_with("weir_config_hash")).map(|(_, value)| *value)
    };
    assert!(mesh.envoy.wait_for(Duration::from_secs(10), |envoy| hash(envoy).is_some()));
    let before = hash(&mesh.envoy);
    let (index, plugin) =
        mesh.resources.iter().enumerate().find(|(_, resource)| resource["kind"] == "WasmPlugin").unwrap();
    let mut edited = plugin.clone();
    edited["spec"]["pluginConfig"]["routing"]["rules"][0]["split"]["targets"][0]["weight"] = json!(-1);
    mesh.istiod.replace(index, &edited);
    let refused = |envoy: &weir_tests::envoy::Envoy| {
        let counters = envoy.counters().unwrap();
        counters.iter().any(|(name, count)| name.ends_with(".config_fail") && *count > 0)
    };
    assert!(mesh.envoy.wait_for(Duration::from_secs(30), refused), "{}", mesh.envoy.log());
    // The log is read by a thread of its own.
    let said = |envoy: &weir_tests::envoy::Envoy| envoy.log().contains("targets[0].weight");
    assert!(mesh.envoy.wait_for(weir_tests::PATIENCE, said), "{}", mesh.envoy.log());
    assert_eq!(hash(&mesh.envoy), before);
    split_is_exact(&mesh);
}

/// `FAIL_OPEN` is for modules that fail, not for configurations that Envoy never took.
#[test]
fn a_new_proxy_that_refuses_its_configuration_serves_nothing() {
    let mesh =
        Mesh::start(Role::Gateway, &["shop/routes/routes.yaml", "ab-routing/wasm-plugin.yaml"], |resource| {
            if resource["kind"] == "WasmPlugin" {
                assert_eq!(resource["spec"]["failStrategy"], "FAIL_OPEN");
                resource["spec"]["pluginConfig"]["routing"]["rules"][0]["split"]["targets"][0]["weight"] =
                    json!(-1);
            }
        });
    assert_eq!(mesh.send(user(1)).status, 500, "{}", mesh.envoy.log());
    // The log is read by a thread of its own.
    let said = |envoy: &weir_tests::envoy::Envoy| envoy.log().contains("targets[0].weight");
    assert!(mesh.envoy.wait_for(weir_tests::PATIENCE, said), "{}", mesh.envoy.log());
}

#[test]
fn the_callers_sidecar_splits_users_for_good() {
    let sidecar = component::Component::read("sidecar");
    let files = ["shop/routes/routes.yaml", "ab-routing/wasm-plugin.yaml"];
    let mesh = Mesh::start(Role::Caller, &files, |resource| sidecar.apply(resource));
    split_is_exact(&mesh);
}

#[test]
fn claims_that_istio_verified_divide_users() {
    let files = ["shop/routes/routes.yaml", "experiment/wasm-plugin.yaml", "experiment/authentication.yaml"];
    let mesh = Mesh::start(Role::Gateway, &files, as_is);
    for (token, name) in [(ADA, "ada"), (BOB, "bob")] {
        let forged = Request::get("/").header("x-weir-experiment-checkout", "forged");
        let forged = forged.header("x-weir-route", "canary");
        let seen = mesh.seen(forged.header("authorization", token));
        let expected = variant(name);
        assert_eq!(seen.header_bytes("x-weir-experiment-checkout"), [expected.as_bytes()], "{name}");
        assert_eq!(seen.name, if expected == "one-page" { "canary" } else { "stable" }, "{name}");
    }
    let broken = Request::get("/").header("authorization", format!("{ADA}x"));
    assert_eq!(mesh.send(broken).status, 401);
}

#[test]
fn istio_authorizes_by_claims_that_the_plugin_gives() {
    let files = ["shop/routes/routes.yaml", "jwt-claims/wasm-plugin.yaml", "jwt-claims/access.yaml"];
    let mesh = Mesh::start(Role::Gateway, &files, as_is);
    let ask = |path: &str, token: Option<&str>| {
        let request = Request::get(path).header("x-auth-user-role", "admin");
        mesh.send(token.into_iter().fold(request, |request, token| request.header("authorization", token)))
    };
    let seen = ask("/admin", Some(ADA)).seen().expect("an admin");
    assert_eq!(seen.header_bytes("x-auth-user-id"), [b"ada"]);
    assert_eq!(seen.header_bytes("authorization"), Vec::<Vec<u8>>::new(), "the token went on");
    assert_eq!(ask("/admin", Some(BOB)).status, 403);
    assert_eq!(ask("/", Some(BOB)).status, 200);
    assert_eq!(ask("/", None).status, 401);
    let public = ask("/public", None).seen().expect("a public page");
    assert_eq!(public.header_bytes("x-auth-user-role"), Vec::<Vec<u8>>::new(), "forged");
}

#[test]
fn all_filters_in_one_plugin() {
    let mesh =
        Mesh::start(Role::Gateway, &["shop/routes/routes.yaml", "weir/wasm-plugin.yaml"], |resource| {
            if resource["kind"] == "WasmPlugin" {
                // The proxy's environment is not the test's to set.
                resource["spec"]["vmConfig"]["env"][0] =
                    json!({"name": "COOKIE_SECRET", "value": "a-secret-that-is-long-enough-to-sign"});
            }
        });
    for (token, name) in [(ADA, "ada"), (BOB, "bob")] {
        let seen = mesh.seen(Request::get("/").header("authorization", token));
        assert_eq!(seen.name, if variant(name) == "one-page" { "canary" } else { "stable" }, "{name}");
    }
    assert_eq!(mesh.send(Request::get("/")).status, 401);
}

#[test]
fn a_drill_at_the_callee_hits_its_share() {
    let mesh = Mesh::start(Role::Callee, &["fault-injection/wasm-plugin.yaml"], |resource| {
        let fault = &mut resource["spec"]["pluginConfig"]["faults"][0];
        fault["delay"]["fixedDelay"] = json!("10ms");
    });
    let failed = (0..500).filter(|_| mesh.send(Request::get("/checkout")).status == 503).count();
    // 20 % of 500, four standard deviations around it.
    assert!((64..=136).contains(&failed), "{failed} of 500 failed");
    assert!((0..50).all(|_| mesh.send(Request::get("/")).status == 200));
}

#[test]
fn a_callee_counts_each_request_once() {
    let mesh = Mesh::start(Role::Callee, &["metrics/wasm-plugin.yaml"], as_is);
    for plan in ["gold", "gold", "free"] {
        let order = Request { method: "POST".to_owned(), ..Request::get("/orders") };
        assert_eq!(mesh.send(order.header("x-plan", plan)).status, 200);
    }
    let counted = |envoy: &weir_tests::envoy::Envoy| {
        let counters = envoy.counters().unwrap();
        let orders = counters.iter().filter(|(name, _)| name.contains("orders_total"));
        orders.map(|(_, value)| value).sum::<i64>()
    };
    assert!(mesh.envoy.wait_for(Duration::from_secs(10), |envoy| counted(envoy) >= 3));
    assert_eq!(counted(&mesh.envoy), 3, "{SHOP}");
}
