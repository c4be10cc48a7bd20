//! What `weir push` has pushed, fetched by Istio's own code as its agent fetches it.
//!
//! Not part of `cargo test` by itself, because it needs built modules, a registry and Istio's code:
//! `make test-istio`. Without them it fails.

use std::process::Command;

use crate::docker_registry::{RIGHT, Registry, WRONG, dist};
use crate::support::Folder;

/// The module that Istio fetched, or what it said.
fn fetch(registry: &Registry, options: &[&str], url: &str) -> Result<Vec<u8>, String> {
    let cache = Folder::new();
    let program = std::env::var_os("WEIR_ISTIOD").expect("run this with `make test-istio`");
    let output = Command::new(program)
        .arg("fetch")
        .args(options)
        .args([url, &cache.path("")])
        .env("DOCKER_CONFIG", registry.folder.path(""))
        .output()
        .unwrap();
    if output.status.success() {
        Ok(std::fs::read(String::from_utf8(output.stdout).unwrap().trim()).unwrap())
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

/// Pushes a module; its digest.
fn push(registry: &Registry, auth: Option<&str>, options: &[&str], module: &str, image: &str) -> String {
    let module = dist(module);
    let arguments = [&["push", "--output", "json"], options, &[&module, image]].concat();
    let run = registry.weir_as(auth, &arguments);
    assert_eq!(run.code, 0, "{run:?}");
    run.json()[0]["sha256"].as_str().unwrap().to_owned()
}

#[track_caller]
fn is_module(fetched: Result<Vec<u8>, String>, module: &str) {
    assert!(fetched.unwrap() == std::fs::read(dist(module)).unwrap(), "other bytes");
}

#[track_caller]
fn is_refused(fetched: Result<Vec<u8>, String>, reason: &str) {
    let said = fetched.unwrap_err();
    assert!(said.contains(reason), "{said}");
}

#[test]
fn by_tag_and_by_digest() {
    let registry = Registry::start(false);
    let modules = ["ab_routing", "experiment", "fault_injection", "fault_injection_response"];
    for name in modules.iter().chain(&["jwt_claims", "metrics", "weir"]) {
        let (module, image) = (format!("{name}.wasm"), registry.image(&format!("acme/{name}:1")));
        let digest = push(&registry, None, &["--plain-http"], &module, &image);
        is_module(fetch(&registry, &[], &format!("oci://{image}")), &module);
        is_module(fetch(&registry, &["-sha256", &digest], &format!("oci://{image}")), &module);
        let pinned = format!("oci://{}@sha256:{digest}", registry.image(&format!("acme/{name}")));
        is_module(fetch(&registry, &[], &pinned), &module);
        let other = "0".repeat(64);
        is_refused(fetch(&registry, &["-sha256", &other], &format!("oci://{image}")), "does not match");
    }
}

/// `weir inspect` says beforehand what Istio then does.
#[test]
fn the_second_layout_is_not_for_istio() {
    let registry = Registry::start(false);
    let image = registry.image("acme/weir:1");
    push(&registry, None, &["--plain-http", "--cncf"], "metrics.wasm", &image);
    let second = format!("{image}-cncf");
    assert_eq!(registry.weir(&["inspect", "--plain-http", &second]).code, 1);
    is_refused(fetch(&registry, &[], &format!("oci://{second}")), "could not");
    is_module(fetch(&registry, &[], &format!("oci://{image}")), "metrics.wasm");
}

#[test]
fn over_tls_with_a_password() {
    let registry = Registry::start(true);
    let image = registry.image("private/weir:1");
    let ca = registry.folder.path("ca.pem");
    push(&registry, Some(RIGHT), &["--ca-file", &ca], "metrics.wasm", &image);
    let (url, host) = (format!("oci://{image}"), registry.host.clone());
    let insecure = ["-insecure", &host];
    is_module(fetch(&registry, &insecure, &url), "metrics.wasm");
    is_refused(fetch(&registry, &[], &url), "certificate");
    // The last credentials that were written are what Istio finds.
    for auth in [Some(WRONG), None] {
        registry.weir_as(auth, &["inspect", "--ca-file", &ca, &image]);
        is_refused(fetch(&registry, &insecure, &url), "UNAUTHORIZED");
    }
}
