//! `weir push`, `pull` and `inspect` where no real registry is needed: files, and registries that are
//! broken, absent or hostile.

use crate::registry::{Answer, Registry};
use crate::support::{Folder, Run, weir};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::Mutex;

const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The smallest module that a proxy would load: it exports the version of its ABI.
fn module() -> Vec<u8> {
    let mut bytes = b"\0asm\x01\0\0\0".to_vec();
    bytes.extend([1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0]);
    let name = b"proxy_abi_version_0_2_1";
    bytes.extend([7, name.len() as u8 + 4, 1, name.len() as u8]);
    bytes.extend(name);
    bytes.extend([0, 0, 10, 4, 1, 2, 0, 0x0b]);
    bytes
}

fn digest(bytes: &[u8]) -> String {
    let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hash}")
}

/// `weir` without this machine's credentials.
fn run(arguments: &[&str], folder: &Folder) -> Run {
    crate::support::weir_in(arguments, &[("DOCKER_CONFIG", &folder.path("")), ("REGISTRY_AUTH_FILE", "")])
}

#[track_caller]
fn fails(run: &Run, reasons: &[&str]) {
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.err.starts_with("weir: ") && run.err.lines().count() == 1, "{run:?}");
    for reason in reasons {
        assert!(run.err.contains(reason), "{reason}: {run:?}");
    }
}

/// A manifest with one layer in the CNCF's layout, which says this of it.
fn manifest(digest: &str, size: u64) -> String {
    json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST,
           "config": {"mediaType": "application/vnd.wasm.config.v0+json", "digest": digest, "size": 2},
           "layers": [{"mediaType": "application/wasm", "digest": digest, "size": size}]})
    .to_string()
}

/// Pulls from a registry that gives this manifest and this answer for each blob.
fn pull(manifest: String, blob: impl Fn() -> Answer + Send + Sync + 'static) -> (Run, bool) {
    let registry = Registry::answering(move |request| match request.path.as_str() {
        path if path.contains("/manifests/") => {
            Answer::body(manifest.clone()).with("content-type", OCI_MANIFEST)
        }
        path if path.contains("/blobs/") => blob(),
        _ => Answer::body("{}"),
    });
    let folder = Folder::new();
    let file = folder.path("out.wasm");
    let run = run(&["pull", "--plain-http", &format!("{}/a/b:1", registry.host), &file], &folder);
    (run, std::path::Path::new(&file).exists())
}

#[test]
fn a_file_is_inspected_without_a_registry() {
    let folder = Folder::new();
    let file = folder.write_bytes("a.wasm", &module());
    let text = weir(&["inspect", &file]);
    assert_eq!(text.code, 0, "{text:?}");
    assert!(
        text.out.contains("abi       0.2.1\n") && text.out.contains("take it once it is pushed"),
        "{text:?}"
    );
    let json = weir(&["inspect", "--output", "json", &file]).json();
    assert_eq!(json["accepted"], true);
    assert_eq!(json["module"]["digest"], Value::from(digest(&module())));
}

#[test]
fn what_is_no_plugin_is_a_problem() {
    let folder = Folder::new();
    for (bytes, reason) in [
        (&b"text"[..], "no WebAssembly module"),
        (b"\0asm\x01\0\0\0", "exports no proxy_abi_version_"),
        (&module()[..20], "not a WebAssembly module"),
    ] {
        let file = folder.write_bytes("a.wasm", bytes);
        let found = weir(&["inspect", &file]);
        assert!(found.code == 1 && found.out.contains(reason), "{found:?}");
        let pushed = weir(&["push", "--plain-http", &file, "127.0.0.1:1/a:1"]);
        fails(&pushed, &[reason]);
    }
}

#[test]
fn wrong_usage_is_said_before_anything_is_sent() {
    let folder = Folder::new();
    let file = folder.write_bytes("a.wasm", &module());
    let pinned = format!("r.example/a@{}", digest(b""));
    fails(&weir(&["push", &file, &pinned]), &["it cannot be pushed to"]);
    fails(&weir(&["push", &file, "r.example/a"]), &["needs a tag"]);
    fails(&weir(&["push", &file, "r.example/A:1"]), &["is not a valid image name"]);
    fails(&weir(&["push", &folder.path(""), "r.example/a"]), &["is not a module of Weir"]);
    fails(&weir(&["push", &folder.path("absent"), "r.example/a:1"]), &["No such file"]);
    fails(&weir(&["inspect", "no file and no image"]), &["file not found, and"]);
    fails(&weir(&["pull", "--ca-file", &file, "r.example/a:1"]), &["a.wasm"]);
    let empty = Folder::new();
    fails(&weir(&["push", &empty.path(""), "r.example/a"]), &["no module (*.wasm) found"]);
}

#[test]
fn a_dead_registry() {
    let folder = Folder::new();
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let image = format!("127.0.0.1:{port}/a:1");
    let file = folder.write_bytes("a.wasm", &module());
    for arguments in [&["pull", &image][..], &["inspect", &image], &["push", &file, &image]] {
        fails(&run(arguments, &folder), &[&format!("127.0.0.1:{port}: "), "refused"]);
    }
}

#[test]
fn a_registry_without_tls() {
    let registry = Registry::answering(|_| Answer::body("{}"));
    let folder = Folder::new();
    let pulled = run(&["pull", &format!("{}/a:1", registry.host)], &folder);
    fails(&pulled, &["does not speak TLS", "--plain-http"]);
    // One that hangs up without a word.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = std::io::Read::read(&mut stream, &mut [0; 16 << 10]);
        }
    });
    let pulled = run(&["pull", &format!("{address}/a:1")], &folder);
    fails(&pulled, &["does not speak TLS", "--plain-http"]);
}

/// As in an image with nothing but the program.
#[test]
fn a_system_without_certificates() {
    let folder = Folder::new();
    let variables =
        [("SSL_CERT_FILE", "/absent"), ("SSL_CERT_DIR", "/absent"), ("DOCKER_CONFIG", &folder.path(""))];
    let without = |arguments: &[&str]| crate::support::weir_in(arguments, &variables);
    let open = Registry::answering(|_| Answer::status(404));
    let image = format!("{}/a:1", open.host);
    fails(&without(&["pull", "--plain-http", &image]), &["image not found"]);
    // With TLS only what a file vouches for.
    let (secure, authority) = Registry::secure(|_| Answer::status(404));
    let (image, authority) = (format!("{}/a:1", secure.host), folder.write("ca.pem", &authority));
    fails(&without(&["pull", &image]), &["UnknownIssuer; to trust its authority: --ca-file"]);
    fails(&without(&["pull", "--ca-file", &authority, &image]), &["image not found"]);
}

#[test]
fn a_missing_image() {
    let body = r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#;
    for answer in [body, "", "<html>"] {
        let registry = Registry::answering(move |request| match request.path.as_str() {
            "/v2/" => Answer::body("{}"),
            _ => Answer { status: 404, ..Answer::body(answer) },
        });
        let folder = Folder::new();
        let run = run(&["pull", "--plain-http", &format!("{}/a:1", registry.host)], &folder);
        fails(&run, &["/a:1", "image not found"]);
    }
}

#[test]
fn a_layer_that_is_what_it_says() {
    let (run, written) = pull(manifest(&digest(&module()), module().len() as u64), || Answer::body(module()));
    assert!(run.code == 0 && written, "{run:?}");
}

#[test]
fn a_layer_that_is_something_else() {
    let size = module().len() as u64;
    let other = || Answer::body([&module()[..module().len() - 1], &[1]].concat());
    let (run, written) = pull(manifest(&digest(&module()), size), other);
    fails(&run, &["sha256:", "/a/b:1"]);
    assert!(!written);
    // The header of the answer may agree with what was sent: it is not what was asked for.
    let (run, _) = pull(manifest(&digest(&module()), size), move || {
        let answer = other();
        let lie = digest(&answer.body);
        answer.with("docker-content-digest", lie)
    });
    fails(&run, &["sha256:"]);
}

#[test]
fn a_layer_that_is_cut_off() {
    let size = module().len() as u64;
    let (run, written) = pull(manifest(&digest(&module()), size), move || Answer {
        length: Some(size),
        ..Answer::body(&module()[..9])
    });
    fails(&run, &[&format!("9 of {size} bytes")]);
    assert!(!written);
    let (run, _) = pull(manifest(&digest(&module()[..9]), size), || Answer::body(&module()[..9]));
    fails(&run, &["is cut off: 9 of"]);
}

#[test]
fn a_layer_that_is_longer_than_it_says() {
    let (run, written) = pull(manifest(&digest(&module()), 10), || Answer::body(module()));
    fails(&run, &["has more than the 10 bytes"]);
    assert!(!written);
}

#[test]
fn a_layer_that_is_huge() {
    let asked = std::sync::Arc::new(Mutex::new(false));
    let seen = std::sync::Arc::clone(&asked);
    let (run, _) = pull(manifest(&digest(b""), u64::MAX), move || {
        *seen.lock().unwrap() = true;
        Answer::body("")
    });
    fails(&run, &["18446744073709551615 bytes are too many", "256 MiB"]);
    assert!(!*asked.lock().unwrap(), "it was asked for all the same");
}

#[test]
fn digests_and_manifests_that_are_none() {
    for digest in ["", "sha256", "sha256:", "sha256:00", "md5:00", "../../etc", "sha256:\u{1f600}"] {
        let (run, written) = pull(manifest(digest, 9), || Answer::body(module()));
        assert!(run.code == 2 && run.err.lines().count() == 1 && !written, "{run:?}");
    }
    for text in ["", "{", "null", "[]", "{\"schemaVersion\": 1}", "\u{0}"] {
        let (run, written) = pull(text.to_owned(), || Answer::body(""));
        fails(&run, &["not a readable manifest"]);
        assert!(!written);
    }
}

#[test]
fn a_manifest_that_is_not_what_was_asked_for() {
    let other = manifest(&digest(&module()), 9);
    let registry =
        Registry::answering(move |_| Answer::body(other.clone()).with("content-type", OCI_MANIFEST));
    let folder = Folder::new();
    let wanted = format!("{}/a@{}", registry.host, digest(b"another"));
    fails(&run(&["pull", "--plain-http", &wanted], &folder), &["does not match its digest"]);
}

#[test]
fn answers_that_no_registry_should_give() {
    let folder = Folder::new();
    let file = folder.write_bytes("a.wasm", &module());
    for location in ["no address", "", "://", "http://", "/%%%"] {
        let registry = Registry::answering(move |request| match request.method.as_str() {
            "GET" => Answer::body("{}"),
            "POST" => Answer::status(202).with("location", location),
            _ => Answer::status(404),
        });
        let run = run(&["push", "--plain-http", &file, &format!("{}/a:1", registry.host)], &folder);
        assert!(
            run.code == 2 && run.err.lines().count() == 1 && run.err.starts_with("weir: "),
            "{location}: {run:?}"
        );
    }
    for status in [204, 302, 418, 500, 503] {
        let registry = Registry::answering(move |_| Answer::status(status));
        let run = run(&["push", "--plain-http", &file, &format!("{}/a:1", registry.host)], &folder);
        assert!(run.code == 2 && run.err.lines().count() == 1, "{status}: {run:?}");
    }
}

/// A registry that hands out tokens, as the large ones do.
#[test]
fn tokens_are_fetched_with_the_credentials() {
    const REALM: &str = "/token";
    let blobs: Mutex<HashMap<String, Vec<u8>>> = Mutex::default();
    let host: std::sync::Arc<Mutex<String>> = std::sync::Arc::default();
    let realm = std::sync::Arc::clone(&host);
    let registry = Registry::answering(move |request| {
        if request.path.starts_with(REALM) {
            // "weir:open sesame"
            let known = request.authorization == "Basic d2VpcjpvcGVuIHNlc2FtZQ==";
            let scoped = request.path.contains("scope=repository%3Aa%3Apull");
            return if known && scoped { Answer::body(r#"{"token": "t0"}"#) } else { Answer::status(401) };
        }
        if request.authorization != "Bearer t0" {
            let challenge = format!("Bearer realm=\"http://{}{REALM}\",service=\"r\"", realm.lock().unwrap());
            return Answer::status(401).with("www-authenticate", challenge);
        }
        let mut blobs = blobs.lock().unwrap();
        let name = request.path.rsplit(['/', '=']).next().unwrap().replace("%3A", ":");
        match request.method.as_str() {
            "POST" => Answer::status(202).with("location", "/v2/a/blobs/uploads/1?_state=secret"),
            "PUT" => {
                blobs.insert(name, request.body.clone());
                Answer::status(201).with("location", "/v2/a/x")
            }
            _ => match blobs.get(&name) {
                Some(blob) => Answer::body(blob.clone()).with("content-type", OCI_MANIFEST),
                None => Answer::status(if request.path == "/v2/" { 200 } else { 404 }),
            },
        }
    });
    host.lock().unwrap().clone_from(&registry.host);
    let folder = Folder::new();
    let image = format!("{}/a:1", registry.host);
    let file = folder.write_bytes("a.wasm", &module());
    fails(&run(&["push", "--plain-http", &file, &image], &folder), &["requires credentials"]);
    let auth = json!({"auths": {&registry.host: {"auth": "d2VpcjpvcGVuIHNlc2FtZQ=="}}});
    folder.write("config.json", &auth.to_string());
    let pushed = run(&["push", "--plain-http", "--output", "json", &file, &image], &folder);
    assert_eq!(pushed.code, 0, "{pushed:?}");
    let out = folder.path("out.wasm");
    let pulled = run(&["pull", "--plain-http", &image, &out], &folder);
    assert_eq!(pulled.code, 0, "{pulled:?}");
    assert_eq!(std::fs::read(&out).unwrap(), module());
    let wrong = json!({"auths": {&registry.host: {"auth": "d2VpcjpndWVzc2Vk"}}});
    folder.write("config.json", &wrong.to_string());
    let refused = run(&["push", "--plain-http", &file, &image], &folder);
    fails(&refused, &["rejects the configured credentials"]);
    assert!(!refused.err.contains("guessed"), "{refused:?}");
}

/// A helper program, as desktops have them.
#[cfg(unix)]
#[test]
fn credential_helpers_are_asked() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let helper = folder.write(
        "docker-credential-test",
        "#!/bin/sh\nread -r registry || true\ncase $registry in 127.0.0.1:*) \
         echo '{\"ServerURL\":\"x\",\"Username\":\"weir\",\"Secret\":\"open sesame\"}';; *) exit 1;; esac\n",
    );
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder.write("config.json", r#"{"credsStore": "test"}"#);
    let registry = Registry::answering(|request| match request.authorization.as_str() {
        "Basic d2VpcjpvcGVuIHNlc2FtZQ==" if request.path.contains("/manifests/") => {
            Answer::body(manifest(&digest(&module()), module().len() as u64))
        }
        "Basic d2VpcjpvcGVuIHNlc2FtZQ==" => Answer::body(module()),
        _ => Answer::status(401).with("www-authenticate", "Basic realm=\"r\""),
    });
    let path = format!("{}:{}", folder.path(""), std::env::var("PATH").unwrap());
    let variables =
        [("DOCKER_CONFIG", folder.path("")), ("PATH", path), ("REGISTRY_AUTH_FILE", String::new())];
    let variables: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let image = format!("{}/a:1", registry.host);
    let run = crate::support::weir_in(&["pull", "--plain-http", &image, &folder.path("o.wasm")], &variables);
    assert_eq!(run.code, 0, "{run:?}");
}
