//! What `live-update.yaml` says of changes, with the commands that are there.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use weir_tests::client::{Client, Request};
use weir_tests::envoy::{Bootstrap, Envoy};
use weir_tests::paths;

const FILE: &str = "envoy-configs/live-update/weir.yaml";
const PATIENCE: Duration = weir_tests::PATIENCE;

/// Gives files that read another one a copy of it, which may change.
pub(super) fn with_own_file(name: &str, bootstrap: Bootstrap) -> Bootstrap {
    let file = match name {
        "live-update.yaml" => FILE,
        "rollout.yaml" => "envoy-configs/rollout/weir.yaml",
        _ => return bootstrap,
    };
    bootstrap.file(file, fs::read_to_string(paths::root().join(file)).unwrap())
}

/// Runs its two changes: the good one is taken, the bad one is refused and leaves the good one in force.
pub(super) fn changed(envoy: &Envoy, text: &str) {
    let prefix = "#   sed -i '";
    let changes: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix(prefix)?.strip_suffix(&format!("' {FILE}")))
        .collect();
    let [good, bad] = changes[..] else { panic!("{changes:?}") };
    let client = Client::http1();
    let upstream = |envoy: &Envoy| {
        let request = Request::get("/").header("x-user-group", "beta");
        client.send(envoy.listener(0), &request).unwrap().seen().unwrap().name
    };
    let mut file = paths::root().join(FILE);
    let folder = tempfile::tempdir().unwrap();
    file = edited(folder.path().join("weir.yaml"), &fs::read_to_string(file).unwrap(), good);
    envoy.replace("weir.yaml", &fs::read_to_string(&file).unwrap()).unwrap();
    assert!(envoy.wait_for(PATIENCE, |envoy| upstream(envoy) == "canary"), "{}", envoy.log());

    let text = fs::read_to_string(&file).unwrap();
    file = edited(file, &text, bad);
    envoy.replace("weir.yaml", &fs::read_to_string(file).unwrap()).unwrap();
    let refused = |envoy: &Envoy| {
        envoy.stat("extension_config_discovery.http_filter.weir.config_fail").is_ok_and(|count| count > 0)
    };
    assert!(envoy.wait_for(PATIENCE, refused), "{}", envoy.log());
    assert!(envoy.wait_for(weir_tests::PATIENCE, |envoy| envoy.log().contains("rulez")), "{}", envoy.log());
    assert_eq!(upstream(envoy), "canary");
}

/// Writes a text to `file` and lets `sed` change it, which has to change something.
fn edited(file: PathBuf, text: &str, script: &str) -> PathBuf {
    fs::write(&file, text).unwrap();
    let status = Command::new("sed").args(["-i", script]).arg(&file).status().unwrap();
    assert!(status.success() && fs::read_to_string(&file).unwrap() != text, "{script} changes nothing");
    file
}
