//! A server that answers as a Kubernetes API server does, as far as `weir rollout` asks. It shows what happens when the
//! server refuses or is away; that the real one takes what is sent is `tests/tests/kubernetes`' to show.

use super::house::House;
use crate::registry::{Answer, Registry, Request};
use crate::support::{Run, weir_in};
use serde_json::{Value, json};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

pub(super) const SPEC: &str = "\
target: {kubernetes: {kind: WasmPlugin, namespace: shop, name: weir}, experiment: shop}
steps:
- {coverage: 10%}
- {coverage: 50%}
- {coverage: 100%, weights: {stable: 0, v2: 100}}
gates:
- {check: query, query: health, max: 1}
interval: 5ms
";

const STATE: &str = "weir/rollout";

/// What something else does.
type Change = fn(&mut Value);

/// What the server has, and how it behaves.
pub(super) struct Stored {
    pub(super) plugin: Value,
    pub(super) lease: Value,
    pub(super) events: Vec<Value>,
    version: u64,
    /// Requests with this method get this status, this many times.
    pub(super) refuse: Option<(&'static str, u16, usize)>,
    /// The next patch is carried out, and its answer is lost.
    pub(super) lose_answer: bool,
    /// What something else does in the moment before the next patch.
    pub(super) before_patch: Option<Change>,
    /// What something else does before a read of the plugin, after this many others.
    pub(super) before_get: Option<(usize, Change)>,
    /// A patch with a configuration gets this status; one of annotations alone does not.
    pub(super) refuse_configuration: Option<u16>,
    pub(super) patches: usize,
}

pub(super) struct Fake {
    pub(super) house: House,
    pub(super) stored: Arc<Mutex<Stored>>,
    pub(super) kubeconfig: String,
}

pub(super) fn configuration() -> Value {
    json!({
        "experiments": {
            "unit": "header:x-user-id",
            "list": [{
                "key": "shop",
                "coverage": "0%",
                "variants": [{"key": "stable", "weight": 50}, {"key": "v2", "weight": 50.5}],
            }],
        },
        "routing": {"rules": [{"name": "v2", "variant": {"shop": "v2"}, "setHeaders": {"x-weir-route": "v2"}}]},
    })
}

impl Fake {
    pub(super) fn new(spec: &str) -> Self {
        let house = House::new(spec);
        let plugin = json!({
            "apiVersion": "extensions.istio.io/v1alpha1",
            "kind": "WasmPlugin",
            "metadata": {"name": "weir", "namespace": "shop", "uid": "1-2-3", "resourceVersion": "1"},
            "spec": {"url": "oci://registry.example.com/weir", "pluginConfig": configuration()},
        });
        let stored = Arc::new(Mutex::new(Stored {
            plugin,
            lease: Value::Null,
            events: Vec::new(),
            version: 1,
            refuse: None,
            lose_answer: false,
            before_patch: None,
            before_get: None,
            refuse_configuration: None,
            patches: 0,
        }));
        let (shared, file) = (Arc::clone(&stored), house.folder.path("weir.yaml"));
        let server = Registry::answering(move |request| {
            let mut stored = shared.lock().unwrap();
            let answer = stored.answer(request);
            // Proxies follow at once, and never read half a file.
            let new = format!("{file}.new");
            std::fs::write(&new, stored.plugin["spec"]["pluginConfig"].to_string()).unwrap();
            std::fs::rename(&new, &file).unwrap();
            answer
        });
        let kubeconfig = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": format!("http://{}", server.host)}}],
            "users": [{"name": "test", "user": {"token": "secret"}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": "shop"}}],
        });
        let kubeconfig = house.folder.write("kubeconfig", &kubeconfig.to_string());
        Self { house, stored, kubeconfig }
    }

    pub(super) fn weir(&self, arguments: &[&str]) -> Run {
        weir_in(arguments, &[("KUBECONFIG", &self.kubeconfig)])
    }

    pub(super) fn step(&self, more: &[&str]) -> Run {
        let (spec, url) = (self.house.spec(), self.house.url());
        self.weir(&[&["rollout", "step", &spec, "--prometheus", &url][..], more].concat())
    }

    pub(super) fn say(&self, command: &str) -> Run {
        self.weir(&["rollout", command, &self.house.spec()])
    }

    pub(super) fn status(&self) -> Value {
        self.weir(&["rollout", "status", &self.house.spec(), "--output", "json"]).json()
    }

    /// `weir rollout run` in the background.
    pub(super) fn run(&self, more: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_weir"))
            .args(["rollout", "run", &self.house.spec(), "--prometheus", &self.house.url()])
            .args(more)
            .env("KUBECONFIG", &self.kubeconfig)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    pub(super) fn until(&self, phase: &str) -> Run {
        for _ in 0..40 {
            let run = self.step(&["--output", "json"]);
            if run.code != 2 && run.json()["phase"]["phase"] == phase {
                return run;
            }
        }
        panic!("{phase} is not reached: {}", self.status());
    }

    pub(super) fn configuration(&self) -> Value {
        self.stored.lock().unwrap().plugin["spec"]["pluginConfig"].clone()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Value)) {
        let mut stored = self.stored.lock().unwrap();
        change(&mut stored.plugin);
        stored.touch();
    }

    pub(super) fn has_state(&self) -> bool {
        self.stored.lock().unwrap().plugin["metadata"]["annotations"][STATE].is_string()
    }

    pub(super) fn refuse(&self, method: &'static str, status: u16, times: usize) {
        self.stored.lock().unwrap().refuse = Some((method, status, times));
    }
}

impl Stored {
    fn touch(&mut self) {
        self.version += 1;
        self.plugin["metadata"]["resourceVersion"] = json!(self.version.to_string());
    }

    fn answer(&mut self, request: &Request) -> Answer {
        assert_eq!(request.authorization, "Bearer secret");
        let method = request.method.as_str();
        if let Some((refused, code, times)) = &mut self.refuse
            && *times > 0
            && *refused == method
        {
            *times -= 1;
            return status(*code);
        }
        let body = || serde_json::from_slice::<Value>(&request.body).unwrap();
        let plugin = "/apis/extensions.istio.io/v1alpha1/namespaces/shop/wasmplugins/weir";
        let leases = "/apis/coordination.k8s.io/v1/namespaces/shop/leases";
        let lease = format!("{leases}/weir-rollout-wasmplugin-weir");
        match (method, request.path.as_str()) {
            ("GET", path) if path == plugin => {
                match &mut self.before_get {
                    Some((0, change)) => {
                        change(&mut self.plugin);
                        self.before_get = None;
                        self.touch();
                    }
                    Some((others, _)) => *others -= 1,
                    None => {}
                }
                Answer::body(self.plugin.to_string())
            }
            ("PATCH", path) if path == plugin => self.patch(&body()),
            ("POST", "/apis/events.k8s.io/v1/namespaces/shop/events") => {
                let event = body();
                if self.events.iter().any(|known| known["metadata"]["name"] == event["metadata"]["name"]) {
                    return status(409);
                }
                self.events.push(event.clone());
                Answer { status: 201, ..Answer::body(event.to_string()) }
            }
            ("GET", path) if path == lease && self.lease.is_null() => status(404),
            ("GET", path) if path == lease => Answer::body(self.lease.to_string()),
            ("POST", path) if path == leases => {
                self.lease = body();
                self.lease["metadata"]["resourceVersion"] = json!("1");
                Answer { status: 201, ..Answer::body(self.lease.to_string()) }
            }
            ("PUT", path) if path == lease => {
                let new = body();
                if new["metadata"]["resourceVersion"] != self.lease["metadata"]["resourceVersion"] {
                    return status(409);
                }
                self.version += 1;
                self.lease = new;
                self.lease["metadata"]["resourceVersion"] = json!(self.version.to_string());
                Answer::body(self.lease.to_string())
            }
            (method, path) => panic!("{method} {path}"),
        }
    }

    /// RFC 6902's `add`, which is all that is used.
    fn patch(&mut self, operations: &Value) -> Answer {
        self.patches += 1;
        if let Some(change) = self.before_patch.take() {
            change(&mut self.plugin);
            self.touch();
        }
        let operations = operations.as_array().unwrap();
        let path = |operation: &Value| operation["path"].as_str().unwrap().to_owned();
        let writes = operations.iter().any(|operation| path(operation).starts_with("/spec/"));
        if let Some(code) = self.refuse_configuration.filter(|_| writes) {
            return status(code);
        }
        let mut new = self.plugin.clone();
        for operation in operations {
            assert_eq!(operation["op"], "add");
            let path = path(operation);
            let (parent, key) = path.rsplit_once('/').unwrap();
            let parent = new.pointer_mut(parent).and_then(Value::as_object_mut);
            let key = key.replace("~1", "/").replace("~0", "~");
            parent.unwrap_or_else(|| panic!("{path}")).insert(key, operation["value"].clone());
        }
        if new["metadata"]["resourceVersion"] != self.plugin["metadata"]["resourceVersion"] {
            return status(409);
        }
        self.plugin = new;
        self.touch();
        match std::mem::take(&mut self.lose_answer) {
            true => status(504),
            false => Answer::body(self.plugin.to_string()),
        }
    }
}

fn status(code: u16) -> Answer {
    let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": format!("as the test wants it: {code}"), "reason": "Test", "code": code});
    Answer { status: code, ..Answer::body(body.to_string()) }
}
