//! `weir check` against what really validates: manifests of `wasm-plugins/` with random mistakes, as an API server's
//! own code sees them.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;
use weir_tests::{mutated, paths};

use crate::istiod;

/// Definitions beside those of Istio.
const DEFINITIONS: [&str; 8] = [
    "istio/wasmplugin",
    "istio/trafficextension",
    "envoy-gateway/envoyextensionpolicy",
    "envoy-gateway/envoyproxy",
    "kubernetes/gateway",
    "kubernetes/httproute",
    "kubernetes/podmonitor",
    "kubernetes/prometheusrule",
];

/// What the API server's code refuses of each.
pub(crate) fn refused(resources: &[Value]) -> Vec<Vec<String>> {
    let definitions = DEFINITIONS.map(|name| paths::root().join(format!("tests/vectors/{name}-crd.yaml")));
    let mut child = istiod::program()
        .arg("admit")
        .args(definitions)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines: String = resources.iter().map(|resource| format!("{resource}\n")).collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn nothing_that_is_called_right_is_refused() {
    mutated::nothing_that_is_called_right_is_refused(refused);
}
