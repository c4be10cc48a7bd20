//! A real Kubernetes API server with etcd, as `scripts/kubernetes` starts them; no nodes, so that nothing runs.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::paths;

/// How long a server may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_mins(3);

/// A cluster of its own. It ends when this is dropped.
#[derive(Debug)]
pub struct Cluster {
    /// What keeps it running, and its standard input: when that is closed, it stops.
    script: Child,
    open: Option<ChildStdin>,
    folder: PathBuf,
    kubectl: PathBuf,
    /// Servers that were started again; the script knows only the first.
    restarted: Mutex<Vec<Child>>,
}

impl Cluster {
    /// Starts one with these definitions of resources.
    ///
    /// # Panics
    /// It does not start, or a definition is refused.
    pub fn start(definitions: &[PathBuf]) -> Self {
        let mut script = Command::new(paths::root().join("scripts/kubernetes"))
            .args(["run", "--", "sh", "-c", r#"echo "$KUBECONFIG"; command -v kubectl; exec cat"#])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(script.stdout.take().unwrap()).lines().map_while(Result::ok);
        let (kubeconfig, kubectl) = (lines.next(), lines.next());
        let kubeconfig =
            PathBuf::from(kubeconfig.expect("scripts/kubernetes has said above what is missing"));
        let cluster = Self {
            open: script.stdin.take(),
            script,
            folder: kubeconfig.parent().unwrap().to_owned(),
            kubectl: kubectl.unwrap().into(),
            restarted: Mutex::default(),
        };
        for file in definitions {
            // A definition may be larger than the annotation that a client-side `apply` keeps.
            let arguments = ["apply", "--server-side", "--filename", "-"];
            let output = cluster.run_with(&arguments, &approved(file));
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}: {error}", file.display());
        }
        if !definitions.is_empty() {
            cluster.run(&["wait", "--for=condition=Established", "--timeout=120s", "crd", "--all"]);
        }
        cluster
    }

    /// The kubeconfig of an administrator.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    /// The kubeconfig of a ServiceAccount, with a token that lasts an hour.
    ///
    /// # Panics
    /// There is no such ServiceAccount.
    pub fn kubeconfig_of(&self, namespace: &str, account: &str) -> PathBuf {
        let token = self.run(&["--namespace", namespace, "create", "token", account]);
        let own = std::fs::read_to_string(self.kubeconfig()).unwrap();
        let line = own.lines().find(|line| line.contains("token:")).unwrap();
        let file = self.folder.join(format!("kubeconfig-{namespace}-{account}"));
        std::fs::write(&file, own.replace(line, &format!("  user: {{token: \"{}\"}}", token.trim())))
            .unwrap();
        file
    }

    /// A kubectl for this cluster, as an administrator.
    pub fn kubectl(&self) -> Command {
        let mut command = Command::new(&self.kubectl);
        command.env("KUBECONFIG", self.kubeconfig());
        command
    }

    /// Runs kubectl, and returns what it printed.
    ///
    /// # Panics
    /// It fails.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.kubectl().args(arguments).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs kubectl with this standard input.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self
            .kubectl()
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::thread::scope(|scope| {
            // A kubectl that ends early reads no further; what it says is in its output.
            scope.spawn(move || drop(stdin.write_all(input.as_bytes())));
            child.wait_with_output().unwrap()
        })
    }

    /// A resource as the server has it: `wasmplugin`, `shop`, `weir`.
    ///
    /// # Panics
    /// There is none.
    pub fn get(&self, kind: &str, namespace: &str, name: &str) -> Value {
        let text = self.run(&["--namespace", namespace, "get", kind, name, "--output", "json"]);
        serde_json::from_str(&text).unwrap()
    }

    /// Kills the API server, as a node that fails does. etcd keeps what is stored.
    ///
    /// # Panics
    /// It does not run.
    pub fn kill_server(&self) {
        let id = std::fs::read_to_string(self.folder.join("apiserver.pid")).unwrap();
        let id = rustix::process::Pid::from_raw(id.trim().parse().unwrap()).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::KILL).unwrap();
        for mut child in self.restarted.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            child.wait().unwrap();
        }
    }

    /// Starts the API server again after [`Self::kill_server`], and waits until it is ready.
    ///
    /// # Panics
    /// It does not start.
    pub fn start_server(&self) {
        let log = std::fs::File::create(self.folder.join("apiserver.log")).unwrap();
        let server = Command::new(self.folder.join("start"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.restarted.lock().unwrap_or_else(PoisonError::into_inner).push(server);
        let start = Instant::now();
        while !self.kubectl().args(["get", "--raw", "/readyz"]).output().unwrap().status.success() {
            assert!(start.elapsed() < PATIENCE, "the API server does not start again");
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for mut child in self.restarted.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            drop(child.kill());
            drop(child.wait());
        }
        drop(self.open.take());
        drop(self.script.wait());
    }
}

/// A definition as an API server takes it. Those of `tests/vectors` are cut to what validation needs, and groups of
/// Kubernetes' own need an approval too.
fn approved(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    if !file.starts_with(Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/kubernetes")) {
        return text;
    }
    let mut definition: Value = serde_saphyr::from_str(&text).unwrap();
    definition["metadata"]["annotations"]["api-approved.kubernetes.io"] = "unapproved, cut for tests".into();
    definition.to_string()
}

/// The definitions of all resources that Weir's manifests use: Istio's own, and those of `tests/vectors`.
///
/// # Panics
/// Istio's definitions cannot be fetched.
pub fn definitions() -> Vec<PathBuf> {
    let output = Command::new(paths::root().join("scripts/istio"))
        .arg("definitions")
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "scripts/istio has said above what is missing");
    let istio = String::from_utf8(output.stdout).unwrap();
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let mut files = vec![PathBuf::from(istio.trim())];
    for folder in ["envoy-gateway", "kubernetes"] {
        let entries = std::fs::read_dir(vectors.join(folder)).unwrap();
        files.extend(
            entries
                .map(|entry| entry.unwrap().path())
                .filter(|file| file.to_string_lossy().ends_with("-crd.yaml")),
        );
    }
    files[1..].sort();
    files
}
