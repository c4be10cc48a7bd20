//! `weir render envoy`.

use std::fs;
use std::process::Command;

use weir_tests::client::{Client, Request};
use weir_tests::envoy::{Bootstrap, Envoy, smallest_module};
use weir_tests::paths;

use super::{ALL, JWT, METRICS, ROUTING, read};
use weir_tests::program::render;

/// The ports of the sample upstreams v1 and v2, which a test exchanges.
const UPSTREAMS: [&str; 5] = ["envoy", "--upstream", "v1=127.0.0.1:9001", "--upstream", "v2=127.0.0.1:9002"];
const CLUSTERS: &str = "
routing:
  rules:
  - {name: beta, match: {headers: {x-beta: {exact: '1'}}}, cluster: v2}
  - {name: alpha, match: {headers: {x-alpha: {exact: '1'}}}, setHeaders: {x-weir-route: v2}}";
const KEYS: &str = "jwt: {providers: {a: {issuer: 'https://a', \
                    jwks: {remote: {cluster: id, uri: 'https://id.example.com/jwks'}}}}}";

#[test]
fn envoy_reads_the_file_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let prepare = paths::root().join("envoy-configs/two-hops/prepare");
    assert!(Command::new(prepare).arg(folder.path()).status().unwrap().success());
    let authorities = folder.path().join("ca.pem");
    let keys = ["--upstream", "id=https://id.example.com", "--ca", authorities.to_str().unwrap()];
    let options = |configuration: &&str| if *configuration == KEYS { &keys[..] } else { &[] };
    for configuration in ALL.iter().chain(&[CLUSTERS, KEYS]) {
        let module = format!("dist/{}.wasm", smallest_module(configuration));
        let module = ["--module", &module];
        let text = render(&[&UPSTREAMS[..], &module, options(configuration)].concat(), configuration);
        let file = folder.path().join("envoy.yaml");
        fs::write(&file, &text).unwrap();
        let output = Command::new(paths::root().join("scripts/envoy"))
            .args(["run", "--mount"])
            .arg(folder.path())
            .args(["--", "--mode", "validate", "-l", "warning", "-c"])
            .arg(&file)
            .output()
            .unwrap();
        assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn start(configuration: &str) -> Envoy {
    Envoy::start(Bootstrap::shipped(read(&render(&UPSTREAMS, configuration))).smallest_modules()).unwrap()
}

/// The name of the upstream that answers, or the status.
fn ask(envoy: &Envoy, request: Request) -> String {
    let response = Client::http1().send(envoy.listener(0), &request).unwrap();
    response.seen().map_or_else(|| response.status.to_string(), |seen| seen.name)
}

#[test]
fn envoy_does_what_the_configuration_says() {
    let envoy = start(ROUTING);
    assert_eq!(ask(&envoy, Request::get("/").header("x-beta", "1")), "v2");
    assert_eq!(ask(&envoy, Request::get("/")), "v1");
    assert_eq!(ask(&envoy, Request::get("/").header("x-weir-route", "v2")), "v1", "forged");

    let envoy = start(CLUSTERS);
    assert_eq!(ask(&envoy, Request::get("/").header("x-beta", "1")), "v2");
    assert_eq!(ask(&envoy, Request::get("/").header("x-alpha", "1")), "v2");
    assert_eq!(ask(&envoy, Request::get("/").header("x-weir-cluster", "v2")), "v1", "forged");

    assert_eq!(ask(&start(JWT), Request::get("/")), "401");
}

#[test]
fn metrics_have_their_labels_and_buckets() {
    let envoy = start(METRICS);
    assert_eq!(ask(&envoy, Request::get("/")), "v1");
    let page = |envoy: &Envoy| envoy.prometheus().unwrap();
    let counted = |envoy: &Envoy| {
        let page = page(envoy);
        page.contains(r#"weir_requests_total{code_class="2xx""#)
            && page.lines().any(|line| {
                line.starts_with("weir_request_duration_milliseconds_bucket{") && line.contains(r#"le="0.5""#)
            })
    };
    assert!(envoy.wait_for(weir_tests::PATIENCE, counted), "{}", page(&envoy));
}

/// What clients can say of themselves: an address, a header that services take for ours, another spelling of
/// a path.
const EDGE: &str = "
jwt:
  providers:
    a: {issuer: 'https://a', jwks: {inline: {keys: [{kty: OKP, crv: Ed25519, kid: example, \
        x: cQmOmp7YyAtrHVSsB-m_WrjTJIQAkb313Gz_-TPEEAc}]}}}
  rules:
  - {match: {remoteIp: ['10.0.0.0/8']}, requires: none}
  - {match: {uri: {prefix: /public}}, requires: none}
  - {requires: a}";

#[test]
fn clients_choose_neither_their_address_nor_their_path() {
    let start = |options: &[&str]| {
        let text = render(&[&UPSTREAMS[..], options].concat(), EDGE);
        Envoy::start(Bootstrap::shipped(read(&text)).smallest_modules()).unwrap()
    };
    let envoy = start(&[]);
    let forged = |address: &str| Request::get("/").header("x-forwarded-for", address);
    for address in ["10.1.2.3", "10.1.2.3, 10.1.2.3", "192.0.2.1, 10.1.2.3"] {
        assert_eq!(ask(&envoy, forged(address)), "401", "{address}");
    }
    assert_eq!(ask(&envoy, Request::get("/public")), "v1");
    assert_eq!(ask(&envoy, Request::get("/public").header("x_auth_user_id", "root")), "400");
    for path in ["/public/../admin", "/public/%2e%2e/admin", "//admin", "/public/..//admin"] {
        assert_eq!(ask(&envoy, Request::get(path)), "401", "{path}");
    }
    // A slash that is written as %2F: the client is sent to what it means.
    assert_eq!(ask(&envoy, Request::get("/public%2f..%2fadmin")), "307");
    let log = envoy.log();
    assert!(
        !log.contains("global_downstream_max_connections"),
        "Envoy warns of connections without a bound: {log}"
    );

    // Behind one balancer it is the address that the balancer has seen.
    let envoy = start(&["--trusted-hops", "1"]);
    assert_eq!(ask(&envoy, forged("10.1.2.3")), "v1");
    assert_eq!(ask(&envoy, forged("10.1.2.3, 192.0.2.1")), "401");
}
