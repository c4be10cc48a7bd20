//! Images with signatures and lists of parts in a real registry: `weir push --sign` and `weir inspect --verify`.

use crate::docker_registry::{Registry, dist};
use crate::support::Run;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian's registry keeps no list of what refers to an image, so that this is the tagged index of the specification.
const SBOM: &str = r#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}"#;

#[track_caller]
pub(crate) fn exits(run: Run, code: i32) -> Run {
    assert_eq!(run.code, code, "{run:?}");
    run
}

/// A key in files, made by openssl: the private and the public one.
pub(crate) fn key(registry: &Registry, name: &str) -> (String, String) {
    let (private, public) =
        (registry.folder.path(&format!("{name}.key")), registry.folder.path(&format!("{name}.pub")));
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).output().expect("openssl is needed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", &private]);
    openssl(&["pkey", "-in", &private, "-pubout", "-out", &public]);
    (private, public)
}

/// Pushes a module with a signature and a list of parts.
pub(crate) fn push(registry: &Registry, module: &str, image: &str, private: &str) -> String {
    let sbom = sbom(registry);
    let arguments =
        ["push", "--plain-http", "--output", "json", "--revision", "", "--sign", private, "--sbom", &sbom];
    let pushed = exits(registry.weir(&[&arguments[..], &[&dist(module), image]].concat()), 0).json();
    assert_eq!(pushed[0]["signed"], true);
    pushed[0]["sha256"].as_str().unwrap().to_owned()
}

/// A list of parts in a file.
pub(crate) fn sbom(registry: &Registry) -> String {
    registry.folder.write("sbom.json", SBOM)
}

pub(crate) fn verify(registry: &Registry, image: &str, public: &str) -> Run {
    registry.weir(&["inspect", "--plain-http", "--output", "json", "--verify", public, image])
}

/// All files of the registry's folder whose name is `data`: its blobs.
fn blobs(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(blobs(&path));
        } else if path.file_name().is_some_and(|name| name == "data") {
            found.push(path);
        }
    }
    found
}

#[test]
fn a_signed_image_is_verified_by_its_key_only() {
    let registry = Registry::start(false);
    let ((private, public), (_, other)) = (key(&registry, "a"), key(&registry, "b"));
    let image = registry.image("acme/weir:1");
    let digest = push(&registry, "metrics.wasm", &image, &private);
    for name in [image.clone(), format!("oci://{}@sha256:{digest}", registry.image("acme/weir"))] {
        let found = exits(verify(&registry, &name, &public), 0).json();
        assert_eq!(found["signature"]["verified"], true, "{found}");
        assert_eq!(found["signature"]["statements"], serde_json::json!(["https://cyclonedx.org/bom"]));
    }
    let found = exits(verify(&registry, &image, &other), 1).json();
    assert_eq!(found["signature"], serde_json::json!({"verified": false, "statements": []}));
    assert_eq!(found["accepted"], true, "a proxy takes it nevertheless");

    // Another module under the same tag is not what was signed.
    let arguments = ["push", "--plain-http", &dist("fault_injection.wasm"), &image];
    exits(registry.weir(&arguments), 0);
    exits(verify(&registry, &image, &public), 1);
}

#[test]
fn the_same_again_adds_nothing_and_another_key_adds_its_own() {
    let registry = Registry::start(false);
    let ((first, one), (second, two)) = (key(&registry, "a"), key(&registry, "b"));
    let image = registry.image("acme/weir:1");
    push(&registry, "metrics.wasm", &image, &first);
    let images = PathBuf::from(registry.folder.path("images"));
    let before = blobs(&images).len();
    push(&registry, "metrics.wasm", &image, &first);
    assert_eq!(blobs(&images).len(), before);
    push(&registry, "metrics.wasm", &image, &second);
    assert!(blobs(&images).len() > before);
    for public in [one, two] {
        exits(verify(&registry, &image, &public), 0);
    }
}

/// More signatures than are read: what is not found among them is not said to be absent.
#[test]
fn a_signature_beyond_the_bound_is_an_error() {
    let registry = Registry::start(false);
    let image = registry.image("acme/weir:1");
    let keys: Vec<(String, String)> = (0..51).map(|number| key(&registry, &number.to_string())).collect();
    for (private, _) in &keys {
        push(&registry, "metrics.wasm", &image, private);
    }
    // Each push left two statements and a signature, which nobody has dropped: the oldest is under the tag.
    exits(verify(&registry, &image, &keys[50].1), 0);
    for public in [&keys[0].1, &key(&registry, "other").1] {
        let run = exits(verify(&registry, &image, public), 2);
        assert!(run.err.contains("not all of them were read"), "{run:?}");
    }
    let (registry, few) = (Registry::start(false), key(&registry, "few"));
    let image = registry.image("acme/weir:1");
    push(&registry, "metrics.wasm", &image, &few.0);
    exits(verify(&registry, &image, &keys[0].1), 1);
}

/// Whatever byte of what the registry keeps is changed, the image is not said to be signed.
#[test]
fn after_a_changed_byte_nothing_is_verified() {
    let registry = Registry::start(false);
    let (private, public) = key(&registry, "a");
    let image = registry.image("acme/weir:1");
    push(&registry, "metrics.wasm", &image, &private);
    let blobs = blobs(Path::new(&registry.folder.path("images")));
    assert!(blobs.len() >= 9, "image, list, two statements, signature and index: {blobs:?}");
    for blob in &blobs {
        let whole = std::fs::read(blob).unwrap();
        let mut changed = whole.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        std::fs::write(blob, &changed).unwrap();
        let run = verify(&registry, &image, &public);
        std::fs::write(blob, &whole).unwrap();
        // Nobody looks at configurations, at the list without signature and at lists before the last for this.
        let text = String::from_utf8_lossy(&whole);
        let superseded = text.contains("\"manifests\":[") && text.matches("\"artifactType\"").count() < 3;
        let list =
            text == SBOM || text.contains("\"artifactType\":\"application/vnd.cyclonedx+json\",\"config\"");
        let unread = text == "{}" || text.contains("\"rootfs\"") || superseded || list;
        assert_eq!(run.code == 0, unread, "{text:.300}: {run:?}");
    }
    exits(verify(&registry, &image, &public), 0);
}

#[test]
fn keys_and_lists_that_cannot_be_used_are_refused_before_anything_is_sent() {
    let registry = Registry::start(false);
    let (_, public) = key(&registry, "a");
    let (image, module) = (registry.image("acme/weir:1"), dist("metrics.wasm"));
    let junk = registry.folder.write("junk", "{}");
    for (option, file, expected) in [
        ("--sign", &public, "expected PEM with BEGIN PRIVATE KEY"),
        ("--sign", &junk, "not a private key"),
        ("--sbom", &junk, "expected CycloneDX or SPDX in JSON"),
    ] {
        let run = exits(registry.weir(&["push", "--plain-http", option, file, &module, &image]), 2);
        assert!(run.err.contains(expected), "{run:?}");
    }
    assert!(!Path::new(&registry.folder.path("images")).exists(), "nothing was sent");
    let run = exits(verify(&registry, &module, &public), 2);
    assert!(run.err.contains("images are signed, files are not"), "{run:?}");
}
