//! `weir render istio`.

use serde_json::{Value, json};
use weir_tests::paths;

use super::crd::Crd;
use super::{ALL, ROUTING, read, rules};
use weir_tests::program::render;

const DIGEST: &str = "sha256:00000000000000000000000000000000000000000000000000000000000000ff";

#[test]
fn the_api_server_takes_the_resources() {
    let waypoint = ["--at", "waypoint", "--target", "Service/web", "--namespace", "shop"];
    let targets = ["--target", "Gateway/shop"];
    let class = ["--at", "waypoint", "--target", "GatewayClass/istio-waypoint"];
    let gateway = ["--label", "istio=ingressgateway", "--namespace", "istio-ingress"];
    let callee = ["--at", "callee", "--label", "app=web", "--label", "version=v1"];
    let pinned = ["--image", "oci://ghcr.io/acme/weir:v1", "--digest", DIGEST, "--name", "shop"];
    let fetched = ["--image", "https://example.com/weir.wasm", "--digest", DIGEST];
    let mine = ["--phase", "authn", "--priority", "-3", "--fail-strategy", "FAIL_CLOSE", "--at", "caller"];
    let all: [&[&str]; 8] = [&waypoint, &targets, &class, &gateway, &callee, &pinned, &fetched, &mine];
    for (kind, option) in [("WasmPlugin", &[][..]), ("TrafficExtension", &["--traffic-extension"][..])] {
        let definition = Crd::read("istio", kind, rules::ISTIO);
        for options in all {
            for configuration in ALL {
                // A callee has no routes to choose from, which the command refuses to call fine.
                if options == callee && configuration == ROUTING {
                    continue;
                }
                let text = render(&[&["istio"][..], options, option].concat(), configuration);
                let resource = read(&text);
                assert_eq!(definition.problems(&resource), Vec::<String>::new(), "{text}");
                let wasm = if option.is_empty() { &resource["spec"] } else { &resource["spec"]["wasm"] };
                assert_eq!(wasm["pluginConfig"], read(configuration), "{text}");
            }
        }
    }
}

/// Those in `wasm-plugins/` were written by hand, with every value thought over. What is rendered of one is the same,
/// but for variables: a drill says of its switch that it is off.
#[test]
fn shipped_manifests_are_what_is_rendered_of_them() {
    let at_gateway = ["--label", "istio=ingressgateway", "--namespace", "istio-ingress"];
    let at_callee = ["--at", "callee", "--label", "app=web", "--namespace", "shop"];
    for (scenario, place) in [
        ("ab-routing", &at_gateway[..]),
        ("experiment", &at_gateway),
        ("jwt-claims", &at_gateway),
        ("weir", &at_gateway),
        ("metrics", &at_callee),
        ("fault-injection", &at_callee),
    ] {
        let shipped = paths::root().join("wasm-plugins").join(scenario).join("wasm-plugin.yaml");
        let text = std::fs::read_to_string(shipped).unwrap();
        let mut expected = read(&text);
        let name = expected["metadata"]["name"].as_str().unwrap().to_owned();
        let url = expected["spec"]["url"].as_str().unwrap().to_owned();
        let options = ["--name", &name, "--image", &url];
        let mut rendered = read(&render(&[&["istio"][..], place, &options].concat(), &text));
        if scenario == "fault-injection" {
            let switch = json!({"env": [{"name": "WEIR_FAULTS_OFF", "valueFrom": "HOST"}]});
            assert_eq!(rendered["spec"]["vmConfig"], switch);
            for resource in [&mut rendered, &mut expected] {
                resource["spec"]["vmConfig"] = Value::Null;
            }
        }
        assert_eq!(rendered, expected, "{scenario}");
    }
}
