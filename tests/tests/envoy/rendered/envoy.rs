//! `weir render envoy`.

use std::fs;
use std::process::Command;
use std::time::Duration;

use weir_tests::client::{Client, Request};
use weir_tests::envoy::{Bootstrap, Envoy};
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
    let mut files: Vec<String> = ALL.iter().map(|configuration| render(&UPSTREAMS, configuration)).collect();
    files.push(render(&UPSTREAMS, CLUSTERS));
    files.push(render(&[&UPSTREAMS[..], &keys].concat(), KEYS));
    for text in files {
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
    Envoy::start(Bootstrap::shipped(read(&render(&UPSTREAMS, configuration)))).unwrap()
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
    assert!(envoy.wait_for(Duration::from_secs(15), counted), "{}", page(&envoy));
}
