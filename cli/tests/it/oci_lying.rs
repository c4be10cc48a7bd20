//! `weir pull` and `weir inspect` against registries that want memory, credentials or files of ours.

use crate::registry::{Answer, Registry, Request};
use crate::support::{Folder, Run};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// `weir:open sesame`
const CREDENTIALS: &str = "d2VpcjpvcGVuIHNlc2FtZQ==";

fn digest(bytes: &[u8]) -> String {
    let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hash}")
}

/// What a run came to, the most memory that it had at a time, in MB, and how long it took.
struct Measured {
    run: Run,
    peak: u64,
    took: Duration,
}

/// Runs `weir`, with these credentials for each registry.
fn measured(arguments: &[&str], folder: &Folder) -> Measured {
    let start = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(arguments)
        .env("DOCKER_CONFIG", folder.path(""))
        .env("REGISTRY_AUTH_FILE", "")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut peak = 0;
    let status = loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let mark = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak = peak.max(mark.and_then(|mark| mark.trim().parse().ok()).unwrap_or(0) / 1000);
        // What never ends is a failure too.
        if peak > 1000 || start.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
        }
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    let took = start.elapsed();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let run = Run { out: text(output.stdout), err: text(output.stderr), code: status.code().unwrap_or(-1) };
    Measured { run, peak, took }
}

fn log_in(folder: &Folder, host: &str) {
    let auths = json!({"auths": { host: {"auth": CREDENTIALS} }});
    folder.write("config.json", &auths.to_string());
}

#[track_caller]
fn fails(found: &Measured, reason: &str) {
    let Measured { run, peak, took } = found;
    assert!(run.code == 2 && run.err.contains(reason) && run.err.lines().count() == 1, "{reason}: {run:?}");
    assert!(*peak < 100 && *took < Duration::from_secs(20), "{peak} MB, {took:?}: {run:?}");
}

/// Every answer of a registry that can be endless, and what is said of it.
#[test]
fn answers_without_an_end() {
    let challenge = |host: &Arc<Mutex<String>>| {
        let realm = format!("Bearer realm=\"http://{}/token\",service=\"r\"", host.lock().unwrap());
        Answer::status(401).with("www-authenticate", realm)
    };
    type Case = (&'static str, &'static str, fn(&Request) -> Option<Answer>);
    let manifest = || {
        json!({"schemaVersion": 2, "config": {"digest": digest(b""), "size": 0},
        "layers": [{"mediaType": "application/wasm", "digest": digest(b""), "size": 1000}]})
    };
    let cases: [Case; 7] = [
        ("/v2/", "answers with more than 65536 bytes", |_| Some(Answer::endless("{"))),
        ("/manifests/", "its manifest has more than 4 MiB", |_| {
            Some(Answer::endless("{\"schemaVersion\": 2"))
        }),
        ("/manifests/", "answers with status 500", |_| Some(Answer { status: 500, ..Answer::endless("{") })),
        ("/manifests/", "image not found", |_| Some(Answer { status: 404, ..Answer::endless("{") })),
        ("/blobs/", "has more than the 1000 bytes", |_| Some(Answer::endless("x"))),
        ("/blobs/", "answers with status 502", |_| Some(Answer { status: 502, ..Answer::endless("x") })),
        ("/token", "its token server answers with more than 65536 bytes", |_| Some(Answer::endless("{"))),
    ];
    for (path, reason, answer) in cases {
        let host: Arc<Mutex<String>> = Arc::default();
        let own = Arc::clone(&host);
        let manifest = manifest().to_string();
        let registry = Registry::answering(move |request| {
            let here = if path == "/v2/" { request.path == path } else { request.path.contains(path) };
            match request.path.as_str() {
                _ if here => answer(request).unwrap(),
                "/v2/" if path == "/token" => challenge(&own),
                it if it.contains("/manifests/") => {
                    Answer::body(manifest.clone()).with("content-type", OCI_MANIFEST)
                }
                _ => Answer::body("{}"),
            }
        });
        host.lock().unwrap().clone_from(&registry.host);
        let folder = Folder::new();
        let image = format!("{}/a/b:1", registry.host);
        fails(&measured(&["pull", "--plain-http", &image, &folder.path("o.wasm")], &folder), reason);
        // It says of a bare layer that no proxy takes it, and does not ask for it.
        if path != "/blobs/" {
            fails(&measured(&["inspect", "--plain-http", &image], &folder), reason);
        }
        assert!(!std::path::Path::new(&folder.path("o.wasm")).exists());
    }
}

/// One tar entry of this many zeros, and an empty end, in gzip.
fn bomb(kind: tar::EntryType, size: u64) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_path("x").unwrap();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_cksum();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(header.as_bytes()).unwrap();
    let zeros = vec![b'a'; 1 << 20];
    for _ in 0..size >> 20 {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.finish().unwrap()
}

#[test]
fn archives_that_unpack_to_anything() {
    for (kind, reason) in [
        (tar::EntryType::GNULongName, "bytes of names or attributes"),
        (tar::EntryType::XHeader, "bytes of names or attributes"),
        (tar::EntryType::XGlobalHeader, "plugin.wasm not found"),
        (tar::EntryType::GNULongLink, "plugin.wasm not found"),
        (tar::EntryType::Regular, "plugin.wasm not found"),
    ] {
        let layer = bomb(kind, 300 << 20);
        let manifest = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST,
            "config": {"digest": digest(b""), "size": 0},
            "layers": [{"mediaType": OCI_LAYER, "digest": digest(&layer), "size": layer.len()}]})
        .to_string();
        let registry = Registry::answering(move |request| match request.path.as_str() {
            path if path.contains("/manifests/") => {
                Answer::body(manifest.clone()).with("content-type", OCI_MANIFEST)
            }
            path if path.contains("/blobs/") => Answer::body(layer.clone()),
            _ => Answer::body("{}"),
        });
        let folder = Folder::new();
        let image = format!("{}/a/b:1", registry.host);
        let found = measured(&["pull", "--plain-http", &image, &folder.path("o.wasm")], &folder);
        println!("{kind:?}: {} MB, {:?}", found.peak, found.took);
        fails(&found, reason);
    }
}

/// All that a server was asked for, with its credentials.
type Seen = Arc<Mutex<Vec<(String, String)>>>;

fn noted(seen: &Seen, request: &Request) {
    seen.lock().unwrap().push((request.path.clone(), request.authorization.clone()));
}

#[test]
fn credentials_do_not_go_to_a_token_server_without_tls() {
    let seen = Seen::default();
    let listening = Arc::clone(&seen);
    let plain = Registry::answering(move |request| {
        noted(&listening, request);
        Answer::body(r#"{"token": "t"}"#)
    });
    let realm = format!("Bearer realm=\"http://{}/token\",service=\"r\"", plain.host);
    let (secure, ca) = Registry::secure(move |_| Answer::status(401).with("www-authenticate", realm.clone()));
    let folder = Folder::new();
    let ca = folder.write("ca.pem", &ca);
    let image = format!("{}/a:1", secure.host);
    for known in [true, false] {
        folder.write("config.json", "{}");
        if known {
            log_in(&folder, &secure.host);
        }
        let found = measured(&["pull", "--ca-file", &ca, &image, &folder.path("o.wasm")], &folder);
        fails(&found, "asks for a token of a server without TLS");
    }
    assert_eq!(*seen.lock().unwrap(), [], "it was asked");

    // Without TLS at all: the registry's own host, and no other.
    let realm = format!("Bearer realm=\"http://{}/token\"", plain.host.replace("127.0.0.1", "localhost"));
    let other = Registry::answering(move |_| Answer::status(401).with("www-authenticate", realm.clone()));
    log_in(&folder, &other.host);
    let image = format!("{}/a:1", other.host);
    let found = measured(&["pull", "--plain-http", &image, &folder.path("o.wasm")], &folder);
    fails(&found, "the credentials are not sent there");
    assert_eq!(*seen.lock().unwrap(), [], "it was asked");
}

#[test]
fn redirects_get_no_credentials_and_keep_tls() {
    let seen = Seen::default();
    let listening = Arc::clone(&seen);
    let module = b"\0asm\x01\0\0\0";
    let plain = Registry::answering(move |request| {
        noted(&listening, request);
        Answer::body(module.to_vec())
    });
    let manifest = json!({"schemaVersion": 2, "config": {"digest": digest(b""), "size": 0},
        "layers": [{"mediaType": "application/wasm", "digest": digest(module), "size": module.len()}]})
    .to_string();
    let elsewhere = format!("http://me:pw@{}/blob", plain.host);
    let answer = move |request: &Request| {
        if request.authorization.is_empty() {
            return Answer::status(401).with("www-authenticate", "Basic realm=\"r\"");
        }
        match request.path.as_str() {
            "/v2/" => Answer::body("{}"),
            path if path.contains("/blobs/") => Answer::status(307).with("location", elsewhere.clone()),
            _ => Answer::body(manifest.clone()).with("content-type", OCI_MANIFEST),
        }
    };
    let folder = Folder::new();
    let (secure, ca) = Registry::secure(answer.clone());
    let ca = folder.write("ca.pem", &ca);
    log_in(&folder, &secure.host);
    let image = format!("{}/a:1", secure.host);
    let found = measured(&["pull", "--ca-file", &ca, &image, &folder.path("o.wasm")], &folder);
    fails(&found, "leads to an address without TLS");
    assert_eq!(*seen.lock().unwrap(), []);

    let open = Registry::answering(answer);
    log_in(&folder, &open.host);
    let out = folder.path("o.wasm");
    let image = format!("{}/a:1", open.host);
    let found = measured(&["pull", "--plain-http", &image, &out], &folder);
    assert_eq!(found.run.code, 0, "{:?}", found.run);
    assert_eq!(*seen.lock().unwrap(), [("/blob".to_owned(), String::new())], "no credentials went along");
    assert_eq!(std::fs::read(&out).unwrap(), module);
}

#[test]
fn redirects_come_to_an_end() {
    let count = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&count);
    let registry = Registry::answering(move |_| {
        *counted.lock().unwrap() += 1;
        Answer::status(302).with("location", "/again")
    });
    let folder = Folder::new();
    let image = format!("{}/a:1", registry.host);
    fails(&measured(&["pull", "--plain-http", &image], &folder), "redirects");
    assert!(*count.lock().unwrap() < 10);
}

/// What a registry says reaches the terminal as text, and in one line.
#[test]
fn errors_cannot_act_on_a_terminal() {
    let hostile = "\u{1b}[2J\u{1b}]0;owned\u{7}\r\nweir: all is well\n\u{9b}31m\u{202e}";
    let body = json!({"errors": [{"code": hostile, "message": hostile}]}).to_string();
    let manifest = json!({"schemaVersion": 2, "mediaType": hostile, "annotations": { hostile: hostile },
        "config": {"digest": digest(b""), "size": 0},
        "layers": [{"mediaType": hostile, "digest": hostile, "size": 1}]})
    .to_string();
    for (status, body) in [(500, body), (200, manifest), (200, json!({"schemaVersion": hostile}).to_string())]
    {
        let registry = Registry::answering(move |request| match request.path.as_str() {
            "/v2/" => Answer::body("{}"),
            _ => Answer { status, ..Answer::body(body.clone()).with("content-type", OCI_MANIFEST) },
        });
        let folder = Folder::new();
        let image = format!("{}/a:1", registry.host);
        for arguments in [&["pull", "--plain-http", &image][..], &["inspect", "--plain-http", &image]] {
            let run = measured(arguments, &folder).run;
            assert_ne!(run.code, 0, "{run:?}");
            let all = run.out.clone() + &run.err;
            assert!(!all.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')), "{run:?}");
            assert!(
                !all.lines().any(|line| line.contains("all is well") && line.starts_with("weir: all")),
                "{run:?}"
            );
            assert!(run.err.lines().count() <= 1, "{run:?}");
        }
    }
}

/// A link in the folder that has the name of the file, or of one beside it.
#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let module = b"\0asm\x01\0\0\0";
    let manifest = json!({"schemaVersion": 2, "config": {"digest": digest(b""), "size": 0},
        "layers": [{"mediaType": "application/wasm", "digest": digest(module), "size": module.len()}]})
    .to_string();
    let registry = Registry::answering(move |request| match request.path.as_str() {
        path if path.contains("/manifests/") => {
            Answer::body(manifest.clone()).with("content-type", OCI_MANIFEST)
        }
        path if path.contains("/blobs/") => Answer::body(module.to_vec()),
        _ => Answer::body("{}"),
    });
    let folder = Folder::new();
    let victim = folder.write("victim", "untouched");
    for link in ["o.wasm", "o.wasm.new", "o.wasm.tmp"] {
        std::os::unix::fs::symlink(&victim, folder.path(link)).unwrap();
    }
    let out = folder.path("o.wasm");
    let image = format!("{}/a:1", registry.host);
    let found = measured(&["pull", "--plain-http", &image, &out], &folder);
    assert_eq!(found.run.code, 0, "{:?}", found.run);
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "untouched");
    assert_eq!(std::fs::read(&out).unwrap(), module);
    assert!(std::fs::symlink_metadata(&out).unwrap().is_file());
}
