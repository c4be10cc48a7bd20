//! Debian's docker-registry, over HTTP, with images that `weir push` pushed.

use std::fs;
use std::net::TcpStream;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;
use weir_tests::{paths, program};

use super::eventually;
use super::namespace::{Places, Program, free_port};

/// A registry of its own.
pub(crate) struct Registry {
    server: Program,
    folder: TempDir,
    port: u16,
}

impl Registry {
    pub(crate) fn start() -> Self {
        let output = Command::new(paths::root().join("scripts/registry")).arg("path").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let server = String::from_utf8(output.stdout).unwrap();
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let config = folder.path().join("config.yml");
        let images = folder.path().join("images");
        let text = format!(
            "version: 0.1\nlog: {{level: warn}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"127.0.0.1:{port}\"}}\n",
            images.display()
        );
        fs::write(&config, text).unwrap();
        let mut command = Command::new(server.trim());
        command.arg("serve").arg(&config).env("OTEL_TRACES_EXPORTER", "none");
        let server = Program::start(&folder.path().join("log"), &Places::default(), &mut command);
        let listens = || TcpStream::connect(("127.0.0.1", port)).is_ok();
        eventually("the registry listens", || server.last(), listens);
        Self { server, folder, port }
    }

    /// What manifests have in place of `registry.example.com`.
    pub(crate) fn host(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// Pushes a module of `dist/`, and returns the image's digest, without `sha256:`.
    pub(crate) fn push(&self, module: &str, image: &str) -> String {
        // The same bytes each time, also where modules are built meanwhile.
        let copy = self.folder.path().join(module);
        if !copy.exists() {
            fs::copy(paths::module(module).unwrap(), &copy).unwrap();
        }
        let reference = format!("{}/{image}", self.host());
        let output: Output = Command::new(program::path())
            .args(["push", "--plain-http", "--revision", "", "--output", "json"])
            .arg(copy)
            .arg(reference)
            // Nobody's credentials.
            .env("DOCKER_CONFIG", self.folder.path())
            .env("REGISTRY_AUTH_FILE", "")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let pushed: Value = serde_json::from_slice(&output.stdout).unwrap();
        pushed[0]["sha256"].as_str().unwrap().to_owned()
    }

    /// How often a layer of an image was fetched.
    pub(crate) fn fetched(&self, name: &str) -> usize {
        let request = format!("\"GET /v2/{name}/blobs/");
        let log = self.server.log();
        log.lines().filter(|line| line.contains(&request) && line.contains(" 200 ")).count()
    }
}
