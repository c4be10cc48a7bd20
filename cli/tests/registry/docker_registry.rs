//! Debian's docker-registry, with a folder of its own, over HTTP or over TLS with a password.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Folder, Run, weir_in};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// The name and password that the registry with passwords knows, hashed as it wants that.
const HTPASSWD: &str = "weir:$2y$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW\n";
/// `weir:open sesame`
pub const RIGHT: &str = "d2VpcjpvcGVuIHNlc2FtZQ==";
/// `weir:guessed`
pub const WRONG: &str = "d2VpcjpndWVzc2Vk";

/// A program that `scripts/registry` finds.
pub fn tool(what: &str) -> PathBuf {
    let output = Command::new(format!("{ROOT}/scripts/registry")).arg(what).output().unwrap();
    assert!(output.status.success(), "scripts/registry {what}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().into()
}

/// A registry with a folder of its own. It ends with the test.
pub struct Registry {
    process: Child,
    pub folder: Folder,
    pub host: String,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Registry {
    pub fn start(secure: bool) -> Self {
        let folder = Folder::new();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n",
            folder.path("images")
        );
        if secure {
            let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            let certificate = folder.write("ca.pem", &signed.cert.pem());
            let key = folder.write("key.pem", &signed.signing_key.serialize_pem());
            let passwords = folder.write("htpasswd", HTPASSWD);
            // Istio takes no realm that is not an address.
            config += &format!(
                "http: {{addr: \"127.0.0.1:{port}\", tls: {{certificate: {certificate}, key: {key}}}}}\n\
                 auth: {{htpasswd: {{realm: \"https://weir.example\", path: {passwords}}}}}\n"
            );
        } else {
            config += &format!("http: {{addr: \"127.0.0.1:{port}\"}}\n");
        }
        let process = Command::new(tool("path"))
            .args(["serve", &folder.write("config.yml", &config)])
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let registry = Self { process, folder, host: format!("localhost:{port}") };
        let patience = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < patience, "the registry does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        registry
    }

    pub fn image(&self, name: &str) -> String {
        format!("{}/{name}", self.host)
    }

    /// Runs `weir` with these credentials for the registry.
    pub fn weir_as(&self, auth: Option<&str>, arguments: &[&str]) -> Run {
        let entry = auth.map(|auth| serde_json::json!({ &self.host: { "auth": auth } }));
        let file = serde_json::json!({"auths": entry.unwrap_or_else(|| serde_json::json!({}))});
        self.folder.write("config.json", &file.to_string());
        weir_in(arguments, &[("DOCKER_CONFIG", &self.folder.path("")), ("REGISTRY_AUTH_FILE", "")])
    }

    pub fn weir(&self, arguments: &[&str]) -> Run {
        self.weir_as(None, arguments)
    }
}

pub fn dist(name: &str) -> String {
    let path = format!("{ROOT}/dist/{name}");
    assert!(Path::new(&path).exists(), "dist/{name} is not built: make wasm");
    path
}
