//! Signatures of `weir push --sign`, verified by the real cosign, and those of cosign by `weir inspect --verify`.
//!
//! Not part of `cargo test` by itself: `make test-signing` builds cosign and names it in `WEIR_COSIGN`.

use crate::docker_registry::{Registry, dist};
use crate::oci_signed::{exits, key, push, sbom, verify};
use crate::support::{Run, weir_in};
use std::path::Path;
use std::process::Command;

const PASSWORD: &str = "open sesame";

/// Runs cosign in the registry's folder.
fn cosign(registry: &Registry, arguments: &[&str]) -> Run {
    let program = std::env::var("WEIR_COSIGN").expect("WEIR_COSIGN: `make test-signing` sets it");
    let output = Command::new(program)
        .args(arguments)
        .current_dir(registry.folder.path(""))
        .env("COSIGN_PASSWORD", PASSWORD)
        .env("DOCKER_CONFIG", registry.folder.path(""))
        .output()
        .unwrap();
    Run {
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code().unwrap(),
    }
}

/// There is no transparency log here, and a registry on this machine has no TLS.
const HERE: [&str; 2] = ["--insecure-ignore-tlog=true", "--allow-http-registry=true"];

fn cosign_verifies(registry: &Registry, public: &str, image: &str) -> Run {
    cosign(registry, &[&["verify", "--key", public][..], &HERE, &[image]].concat())
}

/// A registry, and a key as cosign makes it, with a password.
fn begin() -> (Registry, String, String) {
    let registry = Registry::start(false);
    registry.folder.write("config.json", "{}");
    exits(cosign(&registry, &["generate-key-pair"]), 0);
    let (private, public) = (registry.folder.path("cosign.key"), registry.folder.path("cosign.pub"));
    (registry, private, public)
}

/// Pushes with cosign's encrypted key.
fn push_encrypted(registry: &Registry, module: &str, image: &str, private: &str, password: &str) -> Run {
    let (module, sbom) = (dist(module), sbom(registry));
    let arguments =
        ["push", "--plain-http", "--revision", "", "--sign", private, "--sbom", &sbom, &module, image];
    let folder = registry.folder.path("");
    weir_in(
        &arguments,
        &[("COSIGN_PASSWORD", password), ("DOCKER_CONFIG", &folder), ("REGISTRY_AUTH_FILE", "")],
    )
}

#[test]
fn cosign_verifies_what_weir_signed() {
    let (registry, private, public) = begin();
    let image = registry.image("acme/weir:1");
    let wrong = exits(push_encrypted(&registry, "metrics.wasm", &image, &private, "guessed"), 2);
    assert!(wrong.err.contains("the password in COSIGN_PASSWORD does not open the key"), "{wrong:?}");
    exits(push_encrypted(&registry, "metrics.wasm", &image, &private, PASSWORD), 0);

    exits(cosign_verifies(&registry, &public, &image), 0);
    exits(verify(&registry, &image, &public), 0);
    let attested = ["verify-attestation", "--type", "cyclonedx", "--key", &public];
    let attested = exits(cosign(&registry, &[&attested[..], &HERE, &[&image]].concat()), 0);
    assert!(attested.out.contains("application/vnd.in-toto+json"), "{attested:?}");

    let (_, other) = key(&registry, "other");
    assert_ne!(cosign_verifies(&registry, &other, &image).code, 0);
    // The same tag with another module, which nobody signed.
    exits(registry.weir(&["push", "--plain-http", &dist("fault_injection.wasm"), &image]), 0);
    assert_ne!(cosign_verifies(&registry, &public, &image).code, 0);
}

/// What cosign 2 and policy controllers look for: only the signature under its tag.
#[test]
fn cosign_verifies_the_signature_under_its_tag() {
    let registry = Registry::start(false);
    registry.folder.write("config.json", "{}");
    let ((private, public), (_, other)) = (key(&registry, "a"), key(&registry, "b"));
    let image = registry.image("acme/weir:1");
    let digest = push(&registry, "metrics.wasm", &image, &private);
    let tags = "images/docker/registry/v2/repositories/acme/weir/_manifests/tags";
    let bundles = registry.folder.path(&format!("{tags}/sha256-{digest}"));
    assert!(Path::new(&bundles).is_dir(), "the index of what refers to the image");
    std::fs::remove_dir_all(bundles).unwrap();
    exits(cosign_verifies(&registry, &public, &image), 0);
    exits(verify(&registry, &image, &public), 0);
    assert_ne!(cosign_verifies(&registry, &other, &image).code, 0);
    std::fs::remove_dir_all(registry.folder.path(&format!("{tags}/sha256-{digest}.sig"))).unwrap();
    assert_ne!(cosign_verifies(&registry, &public, &image).code, 0);
    exits(verify(&registry, &image, &public), 1);
}

#[test]
fn after_a_changed_byte_cosign_refuses() {
    let (registry, private, public) = begin();
    let image = registry.image("acme/weir:1");
    exits(push_encrypted(&registry, "metrics.wasm", &image, &private, PASSWORD), 0);
    let manifest = |image: &str| {
        registry.weir(&["inspect", "--plain-http", "--output", "json", image]).json()["image"]["digest"]
            .clone()
    };
    // A byte of the module: the image is another one.
    let mut module = std::fs::read(dist("metrics.wasm")).unwrap();
    module.extend_from_slice(b"\0\x02\x01x");
    let changed = registry.folder.write_bytes("changed.wasm", &module);
    let before = manifest(&image);
    exits(registry.weir(&["push", "--plain-http", "--revision", "", &changed, &image]), 0);
    assert_ne!(manifest(&image), before);
    assert_ne!(cosign_verifies(&registry, &public, &image).code, 0);
    exits(verify(&registry, &image, &public), 1);
}

#[test]
fn weir_verifies_what_cosign_signed() {
    let (registry, private, public) = begin();
    let (_, other) = key(&registry, "other");
    let image = registry.image("acme/weir:1");
    exits(registry.weir(&["push", "--plain-http", &dist("metrics.wasm"), &image]), 0);
    exits(verify(&registry, &image, &public), 1);
    let digest = registry.weir(&["inspect", "--plain-http", "--output", "json", &image]).json();
    let pinned = format!("{}@{}", registry.image("acme/weir"), digest["image"]["digest"].as_str().unwrap());
    let sign = [
        "sign",
        "--key",
        &private,
        "--yes",
        "--use-signing-config=false",
        "--tlog-upload=false",
        "--allow-http-registry=true",
        &pinned,
    ];
    exits(cosign(&registry, &sign), 0);
    exits(verify(&registry, &image, &public), 0);
    exits(verify(&registry, &image, &other), 1);
}
