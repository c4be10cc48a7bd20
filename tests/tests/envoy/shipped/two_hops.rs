//! `two-hops.yaml`: two Envoys with mTLS between them, and callers that the second must not believe.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use weir_tests::client::{Client, Request};
use weir_tests::envoy::{Bootstrap, Envoy};
use weir_tests::paths;

use super::{Goes, counts, follow, start};

const FOLDER: &str = "envoy-configs/two-hops";
/// The port of the second Envoy, as both files have it.
const BACK: u16 = 10001;

pub(super) fn check(text: &str, front: &Value, expected: &[Goes]) {
    let (ours, strangers) = (certificates(), certificates());
    let back = fs::read_to_string(paths::root().join(FOLDER).join("back.yaml")).unwrap();
    let back = Bootstrap::shipped(serde_saphyr::from_str(&back).unwrap()).smallest_modules();
    let back = start("back.yaml", with_certificate(back, ours.path(), "back", "back"));
    let front_with = |folder: &Path, certificate: &str| {
        let bootstrap =
            Bootstrap::shipped(front.clone()).smallest_modules().port(BACK, back.listener(0).port());
        start("two-hops.yaml", with_certificate(bootstrap, folder, "front", certificate))
    };
    let edge = front_with(ours.path(), "front");
    follow("two-hops.yaml", text, &edge, expected);
    counts::labelled("two-hops.yaml", &edge);
    counts::labelled("two-hops/back.yaml", &back);
    assert_eq!(edge.stat("cluster.back.ssl.handshake").unwrap(), 1, "one connection, over TLS");

    // Another workload of the mesh gets through, but chooses nothing.
    let other = green(&front_with(ours.path(), "other"));
    assert_eq!(other, "v1");
    // Who has a certificate of another CA does not believe `back`, nor is believed.
    let stranger = front_with(strangers.path(), "front");
    assert_eq!(green(&stranger), "503");
    assert_eq!(stranger.stat("cluster.back.ssl.handshake").unwrap(), 0);
    // Nor does anybody get in without TLS.
    assert!(Client::http1().send(back.listener(0), &Request::get("/")).is_err());
}

/// Where a user with button=green arrives, or the status.
fn green(envoy: &Envoy) -> String {
    let request = Request::get("/").header("x-user-id", "dieter");
    let response = Client::http1().send(envoy.listener(0), &request).unwrap();
    response.seen().map_or_else(|| response.status.to_string(), |seen| seen.name)
}

/// What `prepare` makes.
fn certificates() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let prepare = paths::root().join(FOLDER).join("prepare");
    let output = Command::new(prepare).arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder
}

/// Puts a certificate of a folder in the place of the one that the configuration names.
fn with_certificate(bootstrap: Bootstrap, folder: &Path, named: &str, certificate: &str) -> Bootstrap {
    let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
    bootstrap
        .file(&format!("{FOLDER}/made/{named}.pem"), read(&format!("{certificate}.pem")))
        .file(&format!("{FOLDER}/made/{named}.key"), read(&format!("{certificate}.key")))
        .file(&format!("{FOLDER}/made/ca.pem"), read("ca.pem"))
}
