//! A namespace with a plugin in it, proxies that run what the plugin says, and a server that answers as Prometheus does
//! for them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use weir_tests::kubernetes::Cluster;
use weir_tests::program;

/// How long something may take that takes a second on an idle machine.
const PATIENCE: Duration = Duration::from_mins(3);

/// Three kinds of resources, as the API server names them, and where they have their configuration.
pub(super) const KINDS: [(&str, &str); 3] = [
    ("WasmPlugin", "/spec/pluginConfig"),
    ("TrafficExtension", "/spec/wasm/pluginConfig"),
    ("EnvoyExtensionPolicy", "/spec/wasm/1/config"),
];

/// A configuration with numbers, nulls and names in an order that nobody sorts so.
pub(super) fn configuration() -> Value {
    json!({
        "routing": {"rules": [{"name": "v2", "variant": {"shop": "v2"}, "setHeaders": {"x-weir-route": "v2"}}]},
        "experiments": {
            "unit": "header:x-user-id",
            "list": [{
                "key": "shop",
                "coverage": "0%",
                "variants": [{"key": "stable", "weight": 50.0}, {"key": "v2", "weight": 50}],
            }],
        },
    })
}

pub(super) fn resource(kind: &str, namespace: &str, configuration: &Value) -> Value {
    let url = "oci://registry.example.com/weir/weir:0.1.0";
    let (version, spec) = match kind {
        "WasmPlugin" => ("extensions.istio.io/v1alpha1", json!({"url": url, "pluginConfig": configuration})),
        "TrafficExtension" => {
            ("extensions.istio.io/v1alpha1", json!({"wasm": {"url": url, "pluginConfig": configuration}}))
        }
        _ => {
            let code = json!({"type": "Image", "image": {"url": "registry.example.com/weir/weir:0.1.0"}});
            let target = json!({"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "web"});
            let other = json!({"name": "other", "code": code, "config": {"a": 1}});
            let ours = json!({"name": "weir", "code": code, "config": configuration});
            ("gateway.envoyproxy.io/v1alpha1", json!({"targetRefs": [target], "wasm": [other, ours]}))
        }
    };
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": "weir", "namespace": namespace}, "spec": spec})
}

/// What the proxies are like.
struct Mood {
    /// The gate's query.
    health: Mutex<f64>,
    /// What `weir_config_hash` says; 0 before anything is known.
    hash: Mutex<f64>,
    over: AtomicBool,
}

/// A rollout's surroundings.
pub(super) struct House<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) kind: &'static str,
    pointer: &'static str,
    pub(super) namespace: String,
    /// The resource's name.
    pub(super) name: String,
    pub(super) spec: PathBuf,
    folder: tempfile::TempDir,
    mood: Arc<Mood>,
    url: String,
    /// The kubeconfig of the rollout's program.
    pub(super) kubeconfig: PathBuf,
}

impl<'a> House<'a> {
    /// A resource of this kind in a namespace of its own, with steps that hold for so long.
    pub(super) fn start(cluster: &'a Cluster, kind: usize, namespace: &str, hold: &str) -> Self {
        let wasm = if kind == 2 { ", wasm: weir" } else { "" };
        let (kind_name, _) = KINDS[kind];
        let spec = format!(
            "target: {{kubernetes: {{kind: {kind_name}, namespace: {namespace}, name: weir{wasm}}}, experiment: shop}}\n\
             steps:\n- {{coverage: 10%, hold: {hold}}}\n- {{coverage: 50%, hold: {hold}}}\n\
             - {{coverage: 100%, weights: {{stable: 0, v2: 100}}}}\n\
             gates:\n- {{check: query, query: health, max: 1}}\ninterval: 100ms\n"
        );
        cluster.run(&["create", "namespace", namespace]);
        let resource = resource(kind_name, namespace, &configuration());
        let output = cluster.run_with(&["create", "--filename", "-"], &resource.to_string());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self::with(cluster, kind, namespace, "weir", &spec)
    }

    /// The same for a resource that is there.
    pub(super) fn with(cluster: &'a Cluster, kind: usize, namespace: &str, name: &str, spec: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rollout.yaml");
        std::fs::write(&file, spec).unwrap();
        let mood = Mood { health: Mutex::new(0.0), hash: Mutex::new(0.0), over: AtomicBool::new(false) };
        let mood = Arc::new(mood);
        let url = serve(Arc::clone(&mood));
        let (kind, pointer) = KINDS[kind];
        let house = Self {
            cluster,
            kind,
            pointer,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            spec: file,
            folder,
            mood,
            url,
            kubeconfig: cluster.kubeconfig(),
        };
        house.follow();
        house
    }

    /// Proxies that run what the resource says, a moment later.
    fn follow(&self) {
        let mood = Arc::clone(&self.mood);
        let arguments = ["--namespace", &self.namespace, "get", self.kind, &self.name, "--output", "json"];
        let mut get = self.cluster.kubectl();
        get.args(arguments).args(["--request-timeout", "5s"]).stderr(Stdio::null());
        let (pointer, file) = (self.pointer, self.folder.path().join("running.json"));
        std::thread::spawn(move || {
            let mut known = String::new();
            while !mood.over.load(Ordering::Relaxed) {
                // Without an API server they run what they have.
                let answer = get.output().unwrap();
                let found: Value = serde_json::from_slice(&answer.stdout).unwrap_or_default();
                if let Some(text) = found.pointer(pointer).map(Value::to_string).filter(|text| *text != known)
                {
                    std::fs::write(&file, &text).unwrap();
                    let hash = Command::new(program::path()).args(["rollout", "hash"]).arg(&file).output();
                    let hash = String::from_utf8(hash.unwrap().stdout).unwrap();
                    // What somebody broke has none.
                    *mood.hash.lock().unwrap() = hash.trim().parse().unwrap_or(1.0);
                    known = text;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        });
    }

    /// The new version is like this from now on; above 1 it fails.
    pub(super) fn health(&self, health: f64) {
        *self.mood.health.lock().unwrap() = health;
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program::path());
        command.arg("rollout").arg(arguments[0]).arg(&self.spec).args(&arguments[1..]);
        command.env("KUBECONFIG", &self.kubeconfig).stdin(Stdio::null());
        command
    }

    pub(super) fn step(&self) -> Output {
        self.command(&["step", "--prometheus", &self.url]).output().unwrap()
    }

    pub(super) fn run(&self, more: &[&str]) -> Running {
        let mut command = self.command(&["run", "--prometheus", &self.url]);
        let mut child = command.args(more).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let out: Box<dyn std::io::Read + Send> = Box::new(child.stdout.take().unwrap());
        let error: Box<dyn std::io::Read + Send> = Box::new(child.stderr.take().unwrap());
        for stream in [out, error] {
            let said = Arc::clone(&said);
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    println!("{line}");
                    said.lock().unwrap().push_str(&(line + "\n"));
                }
            });
        }
        Running { child, said }
    }

    /// The resource as the server has it.
    pub(super) fn get(&self) -> Value {
        self.cluster.get(self.kind, &self.namespace, &self.name)
    }

    /// The configuration as the server's bytes are.
    pub(super) fn text(&self) -> String {
        self.get().pointer(self.pointer).unwrap().to_string()
    }

    /// Changes the resource as somebody else does: a JSON merge patch.
    pub(super) fn patch(&self, patch: &Value) {
        let refused = self.try_patch(patch);
        assert!(refused.is_empty(), "{refused}");
    }

    /// The same; what the server says against it.
    pub(super) fn try_patch(&self, patch: &Value) -> String {
        let file = self.folder.path().join("patch.json");
        std::fs::write(&file, patch.to_string()).unwrap();
        let arguments = ["--namespace", &self.namespace, "patch", self.kind, &self.name, "--type", "merge"];
        let output = self.cluster.kubectl().args(arguments).arg("--patch-file").arg(file).output().unwrap();
        if output.status.success() { String::new() } else { String::from_utf8(output.stderr).unwrap() }
    }

    /// Where it is; null before it has begun, and without a server.
    pub(super) fn status(&self) -> Value {
        let output = self.command(&["status", "--output", "json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    pub(super) fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = self.status();
            if holds(&status) {
                return;
            }
            assert!(Instant::now() < deadline, "not {what}: {status}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The kinds of all events in the state.
    pub(super) fn kinds(&self) -> Vec<String> {
        let status = self.status();
        let events = status["events"].as_array().cloned().unwrap_or_default();
        let kind = |event: &Value| event["event"].as_str().unwrap().to_owned();
        events.iter().map(kind).filter(|kind| !["held", "released"].contains(&kind.as_str())).collect()
    }

    /// The reasons of the Kubernetes Events about the resource, in the order of their times.
    pub(super) fn reasons(&self) -> Vec<String> {
        let arguments =
            ["--namespace", &self.namespace, "get", "events.events.k8s.io", "--sort-by", ".eventTime"];
        let text = self.cluster.run(&[&arguments[..], &["--output", "json"]].concat());
        let list: Value = serde_json::from_str(&text).unwrap();
        let uid = &self.get()["metadata"]["uid"];
        let ours = list["items"].as_array().unwrap().iter().filter(|event| event["regarding"]["uid"] == *uid);
        ours.map(|event| event["reason"].as_str().unwrap().to_owned()).collect()
    }

    pub(super) fn prometheus(&self) -> &str {
        &self.url
    }

    /// Whether nothing is left to do.
    pub(super) fn is_over(&self) -> bool {
        ["completed", "rolledBack"].iter().any(|phase| self.status()["phase"]["phase"] == *phase)
    }
}

impl Drop for House<'_> {
    fn drop(&mut self) {
        self.mood.over.store(true, Ordering::Relaxed);
    }
}

/// A running program; it is killed with this.
pub(super) struct Running {
    pub(super) child: Child,
    said: Arc<Mutex<String>>,
}

impl Running {
    pub(super) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    pub(super) fn until_said(&self, what: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.said().contains(what) {
            assert!(Instant::now() < deadline, "{what} is not said: {}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until it ends by itself.
    pub(super) fn end(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "it does not end: {}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Answers as Prometheus does, until this process ends.
fn serve(mood: Arc<Mood>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mood = Arc::clone(&mood);
            std::thread::spawn(move || answer(&mood, stream.unwrap()));
        }
    });
    url
}

fn answer(mood: &Mood, stream: TcpStream) {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or_default() <= 2 {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let body = String::from_utf8(body).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let hash = *mood.hash.lock().unwrap();
    let value = match () {
        () if body.contains("timestamp") => now.as_secs_f64(),
        () if body.contains("weir_config_hash") => hash,
        () => *mood.health.lock().unwrap(),
    };
    let series = json!([{"metric": {"instance": "a"}, "values": [[now.as_secs(), value.to_string()]]}]);
    let none = body.contains("weir_config_hash") && hash == 0.0;
    let result = if none { json!([]) } else { series };
    let answer = json!({"status": "success", "data": {"resultType": "matrix", "result": result}}).to_string();
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", answer.len());
    drop(reader.get_mut().write_all((head + &answer).as_bytes()));
}
