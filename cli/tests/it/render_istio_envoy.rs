//! `weir render istio` and `weir render envoy` as a user runs them. That Istio's definitions and a real Envoy
//! take what they print is shown in `tests/tests/rendered`.

use crate::support::{Run, weir_with};
use serde_json::{Value, json};

const ROUTING: &str = "routing: {rules: [{name: beta, match: {headers: {x-beta: {exact: '1'}}}, setHeaders: {x-weir-route: v2}}]}";
const JWT: &str = "jwt: {providers: {a: {issuer: 'https://a', jwks: {inline: {keys: [{kty: OKP, crv: Ed25519, kid: example, x: cQmOmp7YyAtrHVSsB-m_WrjTJIQAkb313Gz_-TPEEAc}]}}}}, rules: [{requires: a}]}";
const V1_AND_V2: [&str; 5] = ["envoy", "--upstream", "v1=127.0.0.1:9001", "--upstream", "v2=web.example:80"];
const DIGEST: &str = "00000000000000000000000000000000000000000000000000000000000000ff";

fn render(arguments: &[&str], configuration: &str) -> Run {
    weir_with(&[&["render"], arguments, &["-"]].concat(), configuration)
}

fn json(arguments: &[&str], configuration: &str) -> Value {
    let run = render(&[arguments, &["--json"]].concat(), configuration);
    assert_eq!(run.code, 0, "{run:?}");
    run.json()
}

#[test]
fn a_plugin_is_what_its_sections_need() {
    let plugin = json(&["istio", "--namespace", "shop", "--label", "app=web"], ROUTING);
    assert_eq!((&plugin["kind"], &plugin["metadata"]["namespace"]), (&json!("WasmPlugin"), &json!("shop")));
    let spec = &plugin["spec"];
    assert_eq!((&spec["phase"], &spec["failStrategy"]), (&json!("AUTHZ"), &json!("FAIL_OPEN")));
    assert_eq!(spec["selector"], json!({"matchLabels": {"app": "web"}}));
    assert_eq!(spec["match"], json!([{"mode": "CLIENT"}]));
    assert_eq!(spec["pluginConfig"]["routing"]["rules"][0]["name"], "beta");
    let spec = &json(&["istio"], JWT)["spec"];
    assert_eq!((&spec["phase"], &spec["failStrategy"]), (&json!("AUTHN"), &json!("FAIL_RELOAD")));
    let spec = &json(&["istio", "--at", "callee"], "metrics: {red: {}}")["spec"];
    assert_eq!((&spec["phase"], &spec["match"][0]["mode"]), (&json!("STATS"), &json!("SERVER")));
}

#[test]
fn what_the_user_says_counts() {
    let options =
        ["istio", "--phase", "stats", "--priority", "-7", "--fail-strategy", "fail_close", "--name", "shop"];
    let spec = &json(&options, ROUTING)["spec"];
    assert_eq!(
        (&spec["phase"], &spec["priority"], &spec["failStrategy"], &spec["pluginName"]),
        (&json!("STATS"), &json!(-7), &json!("FAIL_CLOSE"), &json!("shop"))
    );
}

#[test]
fn an_image_is_tied_to_its_digest() {
    let spec = |image: &str, digest: &str| {
        json(&["istio", "--image", image, "--digest", digest], ROUTING)["spec"].take()
    };
    let pinned = format!("sha256:{DIGEST}");
    for (image, expected) in [
        ("oci://ghcr.io/acme/weir", "oci://ghcr.io/acme/weir@"),
        ("oci://localhost:5000/weir:v1", "oci://localhost:5000/weir@"),
        ("localhost:5000/weir", "localhost:5000/weir@"),
    ] {
        for digest in [DIGEST, &pinned] {
            let spec = spec(image, digest);
            assert_eq!((&spec["url"], spec.get("sha256")), (&json!(format!("{expected}{pinned}")), None));
        }
    }
    let spec = spec("https://example.com:8443/weir.wasm", &pinned);
    assert_eq!(
        (&spec["url"], &spec["sha256"]),
        (&json!("https://example.com:8443/weir.wasm"), &json!(DIGEST))
    );

    let image = |image| ["istio", "--image", image, "--digest", DIGEST];
    for wrong in ["file:///weir.wasm", "oci://a/b@sha256:00", "ftp://a/b", "oci://Acme/b:v1"] {
        assert_eq!(render(&image(wrong), ROUTING).code, 2, "{wrong}");
    }
    assert_eq!(render(&["istio", "--image", "a/b", "--digest", "sha256:00"], ROUTING).code, 2);
    let text = |image| render(&["istio", "--image", image], ROUTING).out;
    assert!(text("oci://a/b:v1").contains("# NOT PINNED") && !text("file:///weir.wasm").contains("# NOT"));
    assert!(render(&["istio"], ROUTING).out.contains("# PLACEHOLDER"));
}

#[test]
fn targets_are_those_that_the_place_heeds() {
    let arguments = ["istio", "--traffic-extension", "--at", "waypoint", "--target", "service/web"];
    let extension = json(&arguments, ROUTING);
    assert_eq!(extension["kind"], "TrafficExtension");
    assert_eq!(extension["spec"]["targetRefs"], json!([{"group": "", "kind": "Service", "name": "web"}]));
    assert_eq!(extension["spec"]["match"], json!([{"mode": "SERVER"}]));
    assert!(extension["spec"]["wasm"]["pluginConfig"]["routing"].is_object());
    let gateway = json(&["istio", "--target", "Gateway/shop"], ROUTING);
    let target = json!([{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "shop"}]);
    assert_eq!(gateway["spec"]["targetRefs"], target);
    for wrong in [
        &["--at", "waypoint"][..],
        &["--at", "caller", "--target", "Service/web"],
        &["--target", "Service/web"],
        &["--target", "GatewayClass/istio-waypoint"],
        &["--target", "GatewayClass/istio", "--at", "waypoint"],
        &["--target", "Pod/web", "--at", "waypoint"],
        &["--target", "Gateway/shop", "--label", "app=web"],
        &["--label", "app=*"],
    ] {
        let run = render(&[&["istio"], wrong].concat(), ROUTING);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{wrong:?}: {run:?}");
    }
}

#[test]
fn what_cannot_work_is_said() {
    for (options, configuration, expected) in [
        (&["istio", "--at", "callee"][..], ROUTING, "routing cannot choose a route at the callee"),
        (&["istio", "--fail-strategy", "FAIL_OPEN"], JWT, "without a check of their tokens"),
        (&["envoy", "--upstream", "v1=a:1"], ROUTING, "no --upstream v2=…: requests with `x-weir-route: v2`"),
        (&["envoy", "--upstream", "v1=a:1"], "routing: {default: {cluster: v2}}", "answered with 503"),
        (
            &["envoy", "--upstream", "v1=a:1"],
            "jwt: {providers: {a: {issuer: a, jwks: {remote: {cluster: id, uri: 'https://id/'}}}}}",
            "no --upstream id=…",
        ),
    ] {
        let run = render(options, configuration);
        assert_eq!(run.code, 1, "{run:?}");
        assert!(run.err.contains(expected) && run.out.starts_with("# Made by"), "{run:?}");
    }
}

#[test]
fn what_is_rendered_passes_the_check_and_keeps_its_order() {
    let metrics = "metrics: {red: {buckets: [0.5, 1]}}";
    let cluster = "routing: {rules: [{name: z, cluster: v2}], default: {cluster: v1}}";
    for arguments in [&["istio"][..], &["istio", "--traffic-extension"], &V1_AND_V2] {
        for configuration in [ROUTING, JWT, metrics, cluster] {
            let run = render(arguments, configuration);
            assert_eq!(run.code, 0, "{run:?}");
            let checked = weir_with(&["check", "-"], &run.out);
            assert_eq!(checked.code, 0, "{arguments:?} {configuration}: {checked:?}\n{}", run.out);
        }
        let run = render(arguments, "routing: {rules: [{name: z, cluster: v2}], default: {cluster: v1}}");
        let order: Vec<usize> =
            ["rules:", "- name: z", "default:"].map(|it| run.out.find(it).unwrap()).to_vec();
        assert!(order.is_sorted(), "{}", run.out);
    }
}

#[test]
fn variables_come_from_the_proxys_environment() {
    let configuration = "
experiments:
  unit: header:x-user-id
  secret: {env: COOKIE_SECRET}
  assignmentCookie: {name: seen}
  list: [{key: a, variants: [{key: a, weight: 1}]}]
attributes: {tier: {env: TIER}}
metrics: {list: [{name: tiers_total, labels: {tier: {source: tier, values: [gold]}}}]}";
    let expected =
        json!([{"name": "COOKIE_SECRET", "valueFrom": "HOST"}, {"name": "TIER", "valueFrom": "HOST"}]);
    assert_eq!(json(&["istio"], configuration)["spec"]["vmConfig"]["env"], expected);
    let text = render(&V1_AND_V2, configuration).out;
    assert!(text.contains("environment_variables: {host_env_keys: [COOKIE_SECRET, TIER]}"), "{text}");
    assert!(json(&["istio"], ROUTING)["spec"].get("vmConfig").is_none());
}

#[test]
fn an_envoy_file_routes_by_the_header() {
    let file = json(&V1_AND_V2, ROUTING);
    let clusters = &file["static_resources"]["clusters"];
    assert_eq!((&clusters[0]["type"], &clusters[1]["type"]), (&json!("STATIC"), &json!("STRICT_DNS")));
    let manager = |file: &Value| {
        file["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"].clone()
    };
    let routes = |file: &Value| manager(file)["route_config"]["virtual_hosts"][0]["routes"].clone();
    assert_eq!(routes(&file)[0]["match"]["headers"][0]["string_match"]["exact"], "v2");
    assert_eq!(routes(&file)[1], json!({"match": {"prefix": "/"}, "route": {"cluster": "v1"}}));
    let by_cluster = json(&V1_AND_V2, "routing: {clusterHeader: x-to, default: {cluster: v1}}");
    assert_eq!(routes(&by_cluster)[0]["route"], json!({"cluster_header": "x-to"}));
    for wrong in ["v1", "v1=host", "=host:1", "v1=host:99999"] {
        assert_eq!(render(&["envoy", "--upstream", wrong], ROUTING).code, 2, "{wrong}");
    }
    assert_eq!(render(&[&V1_AND_V2[..], &["--upstream", "v1=a:1"]].concat(), ROUTING).code, 2);
}

#[test]
fn numbers_that_a_struct_cannot_hold_are_json_in_a_text() {
    let configuration = |buckets: &str| format!("metrics: {{red: {{buckets: {buckets}}}}}");
    for (buckets, kind) in
        [("[1, 2]", "Struct"), ("[0.5, 2]", "StringValue"), ("[1, 9007199254740993]", "StringValue")]
    {
        let run = render(&V1_AND_V2, &configuration(buckets));
        assert!(run.out.contains(&format!("google.protobuf.{kind}")), "{buckets}: {run:?}");
    }
}
