//! The built modules through a real registry (Debian's docker-registry), over HTTP and over TLS with
//! passwords, and out again with `weir pull` and with skopeo.
//!
//! Not part of `cargo test` by itself, because it needs built modules and two programs: `make test-oci`.
//! Without them it fails.

use crate::docker_registry::{RIGHT, Registry, WRONG, dist, tool};
use crate::support::{Folder, Run};
use serde_json::Value;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

#[track_caller]
fn fine(run: Run) -> Run {
    assert_eq!(run.code, 0, "{run:?}");
    run
}

#[track_caller]
fn fails(run: &Run, reason: &str) {
    assert!(run.code == 2 && run.err.contains(reason) && run.err.lines().count() == 1, "{run:?}");
    assert!(!run.err.contains("guessed") && !run.err.contains("sesame"), "{run:?}");
}

/// Copies an image into a folder with skopeo; returns the folder.
fn skopeo(image: &str, to: &Folder, options: &[&str]) -> PathBuf {
    let folder = PathBuf::from(to.path("copy"));
    let output = Command::new(tool("skopeo"))
        .args(["--insecure-policy", "copy", "--quiet"])
        .args(options)
        .args([format!("docker://{image}"), format!("dir:{}", folder.display())])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder
}

/// The module in what skopeo copied: the last layer, unpacked by `tar`.
fn unpacked(folder: &Path) -> Vec<u8> {
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let layer = manifest["layers"].as_array().unwrap().last().unwrap()["digest"].as_str().unwrap().to_owned();
    let layer = folder.join(layer.trim_start_matches("sha256:"));
    let output = Command::new("tar").arg("-xzOf").arg(layer).arg("plugin.wasm").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

#[test]
fn what_is_pushed_comes_back_byte_for_byte() {
    let registry = Registry::start(false);
    let (image, file) = (registry.image("acme/weir:1"), dist("weir.wasm"));
    let push = || fine(registry.weir(&["push", "--plain-http", "--output", "json", &file, &image])).json();
    let (first, second) = (push(), push());
    assert_eq!(first, second, "the same again is the same digest");
    let sha256 = first[0]["sha256"].as_str().unwrap();
    let original = std::fs::read(&file).unwrap();

    let back = registry.folder.path("back.wasm");
    for name in [&image, &format!("oci://{}@sha256:{sha256}", registry.image("acme/weir"))] {
        let pulled = fine(registry.weir(&["pull", "--plain-http", "--output", "json", name, &back])).json();
        assert_eq!(pulled["sha256"].as_str(), Some(sha256));
        assert!(std::fs::read(&back).unwrap() == original);
    }
    let copy = skopeo(&image, &registry.folder, &["--src-tls-verify=false"]);
    assert!(unpacked(&copy) == original);
    let manifest = std::fs::read(copy.join("manifest.json")).unwrap();
    use sha2::Digest as _;
    let hash: String = sha2::Sha256::digest(&manifest).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hash, sha256, "skopeo was given the manifest that the digest is of");
}

#[test]
fn a_digest_does_not_depend_on_the_registry_or_the_tag() {
    let (one, two) = (Registry::start(false), Registry::start(false));
    let push = |registry: &Registry, name: &str| {
        let image = registry.image(name);
        let arguments = ["push", "--plain-http", "--output", "json", &dist("metrics.wasm"), &image];
        fine(registry.weir(&arguments)).json()[0]["sha256"].clone()
    };
    assert_eq!(push(&one, "a:1"), push(&two, "b/c:2"));
}

#[test]
fn a_folder_goes_module_by_module() {
    let registry = Registry::start(false);
    let base = registry.image("acme");
    let pushed = fine(registry.weir(&["push", "--plain-http", "--output", "json", &dist(""), &base])).json();
    let version = env!("CARGO_PKG_VERSION");
    let urls: Vec<&str> =
        pushed.as_array().unwrap().iter().map(|entry| entry["url"].as_str().unwrap()).collect();
    let names = ["ab-routing", "experiment", "fault-injection", "fault-injection-response", "jwt-claims"];
    let names = names.iter().chain(&["metrics", "weir"]);
    let expected: Vec<String> = names.map(|name| format!("oci://{base}/{name}:{version}")).collect();
    assert_eq!(urls, expected);
    for url in urls {
        let report = fine(registry.weir(&["inspect", "--plain-http", "--output", "json", url])).json();
        assert_eq!(report["accepted"], true);
        assert_eq!(report["module"]["version"], version);
        assert_eq!(report["module"]["abi"], "0.2.1");
        let notes = &report["image"]["annotations"];
        assert_eq!(notes["module.wasm.image/variant"], "compat");
        assert_eq!(notes["org.opencontainers.image.version"], version);
        assert_eq!(notes["org.opencontainers.image.licenses"], "Apache-2.0");
    }
}

#[test]
fn the_second_layout_is_beside_it() {
    let registry = Registry::start(false);
    let (image, file) = (registry.image("weir:1"), dist("metrics.wasm"));
    fine(registry.weir(&["push", "--plain-http", "--cncf", &file, &image]));
    let second = format!("{image}-cncf");
    let report = registry.weir(&["inspect", "--plain-http", &second]);
    assert_eq!(report.code, 1, "{report:?}");
    assert!(report.out.contains("do not take it") && report.out.contains("application/wasm"), "{report:?}");
    let back = registry.folder.path("back.wasm");
    fine(registry.weir(&["pull", "--plain-http", &second, &back]));
    assert!(std::fs::read(&back).unwrap() == std::fs::read(&file).unwrap());
}

#[test]
fn over_tls_with_a_password() {
    let registry = Registry::start(true);
    let (image, file, ca) =
        (registry.image("private/weir:1"), dist("weir.wasm"), registry.folder.path("ca.pem"));
    fine(registry.weir_as(Some(RIGHT), &["push", "--ca-file", &ca, &file, &image]));
    let back = registry.folder.path("back.wasm");
    fine(registry.weir_as(Some(RIGHT), &["pull", "--ca-file", &ca, &image, &back]));
    assert!(std::fs::read(&back).unwrap() == std::fs::read(&file).unwrap());
    let options = ["--src-tls-verify=false", "--src-creds", "weir:open sesame"];
    assert!(unpacked(&skopeo(&image, &registry.folder, &options)) == std::fs::read(&file).unwrap());
}

#[test]
fn who_may_not_is_told_so() {
    let registry = Registry::start(true);
    let (image, file, ca) =
        (registry.image("private/weir:1"), dist("metrics.wasm"), registry.folder.path("ca.pem"));
    let commands = [
        &["push", "--ca-file", &ca, &file, &image][..],
        &["pull", "--ca-file", &ca, &image],
        &["inspect", "--ca-file", &ca, &image],
    ];
    for command in commands {
        fails(&registry.weir_as(Some(WRONG), command), "rejects the configured credentials");
        fails(&registry.weir_as(None, command), "requires credentials");
    }
    fails(&registry.weir_as(Some(RIGHT), &["pull", &image]), "--ca-file");
    fails(&registry.weir_as(Some(RIGHT), &["pull", "--plain-http", &image]), &registry.host);
}

#[test]
fn what_is_not_there_is_not_there() {
    let registry = Registry::start(false);
    let file = dist("metrics.wasm");
    fine(registry.weir(&["push", "--plain-http", &file, &registry.image("a:1")]));
    let absent = format!("a@sha256:{}", "0".repeat(64));
    for name in ["a:2", "b:1", &absent] {
        fails(&registry.weir(&["pull", "--plain-http", &registry.image(name)]), "image not found");
    }
}

/// What lies in a registry's store can rot.
#[test]
fn a_damaged_layer_is_noticed() {
    let registry = Registry::start(false);
    let (image, file) = (registry.image("a:1"), dist("metrics.wasm"));
    fine(registry.weir(&["push", "--plain-http", &file, &image]));
    let report = fine(registry.weir(&["inspect", "--plain-http", "--output", "json", &image])).json();
    let layer = &report["image"]["layers"][0];
    let hash = layer["digest"].as_str().unwrap().trim_start_matches("sha256:");
    let blob = format!("docker/registry/v2/blobs/sha256/{}/{hash}/data", &hash[..2]);
    let blob = PathBuf::from(registry.folder.path("images")).join(blob);
    let whole = std::fs::read(&blob).unwrap();
    let back = registry.folder.path("back.wasm");
    let pull = || registry.weir(&["pull", "--plain-http", &image, &back]);
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    std::fs::write(&blob, &flipped).unwrap();
    fails(&pull(), hash);
    std::fs::write(&blob, &whole[..whole.len() / 2]).unwrap();
    fails(&pull(), hash);
    std::fs::File::options().append(true).open(&blob).unwrap().write_all(&flipped).unwrap();
    fails(&pull(), hash);
    assert!(!Path::new(&back).exists());
}
