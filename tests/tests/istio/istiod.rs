//! Istio's discovery server without Kubernetes (`tests/istiod`): it reads resources from files, and listens on
//! this machine only.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The program that `scripts/istio` builds.
pub(crate) fn program() -> Command {
    Command::new(std::env::var_os("WEIR_ISTIOD").expect("run this with `make test-istio`"))
}

/// A running istiod. Dropping it stops it.
pub(crate) struct Istiod {
    child: Child,
    address: SocketAddr,
    work: TempDir,
}

impl Istiod {
    /// Starts istiod with these resources, and waits until it serves.
    pub(crate) fn start(resources: &[Value]) -> Self {
        let work = tempfile::Builder::new().prefix("weir-istio-").tempdir().unwrap();
        fs::create_dir(work.path().join("resources")).unwrap();
        for (index, resource) in resources.iter().enumerate() {
            write(&file(work.path(), index), resource);
        }
        let mut child = program()
            .arg("serve")
            .arg(work.path().join("resources"))
            // Filters that only Istio's own build of Envoy has.
            .envs([("PILOT_ENABLE_ALPN_FILTER", "false"), ("PILOT_ENABLE_METADATA_EXCHANGE", "false")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(work.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().parse();
        let log = || fs::read_to_string(work.path().join("log")).unwrap_or_default();
        let address = address.unwrap_or_else(|_| panic!("istiod does not serve:\n{}", log()));
        Self { child, address, work }
    }

    /// Where proxies connect to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it said so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.work.path().join("log")).unwrap_or_default()
    }

    /// Replaces the resource that was number `index` at the start, as one that is edited.
    pub(crate) fn replace(&self, index: usize, resource: &Value) {
        write(&file(self.work.path(), index), resource);
    }
}

impl Drop for Istiod {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Each resource is a file of its own. JSON is YAML.
fn file(work: &Path, index: usize) -> PathBuf {
    work.join("resources").join(format!("{index:02}.yaml"))
}

/// Writes a resource at one stroke, as it is read at any time.
fn write(path: &Path, resource: &Value) {
    let new = path.with_extension("new");
    fs::write(&new, resource.to_string()).unwrap();
    fs::rename(new, path).unwrap();
}

/// What Istio's validation says of a file.
pub(crate) fn validate(file: &Path) -> Output {
    program().arg("validate").arg(file).output().unwrap()
}
