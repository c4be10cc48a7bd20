//! A rollout's files, and a server that answers as Prometheus does, for proxies that follow the file at once.

use crate::registry::{Answer, Registry, Request};
use crate::support::{Folder, Run, weir};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) const CONFIG: &str = "\
# The shop.
experiments:
  unit: header:x-user-id
  list:
  - key: shop
    coverage: 0%  # nobody yet
    variants:
    - {key: stable, weight: 50}
    - {key: v2, weight: 50}
routing:
  rules:
  - {name: v2, variant: {shop: v2}, setHeaders: {x-weir-route: v2}}
";

pub(super) const SPEC: &str = "\
target: {file: weir.yaml, experiment: shop}
steps:
- {coverage: 10%}
- {coverage: 50%}
- {coverage: 100%, weights: {stable: 0, v2: 100}}
gates:
- {check: query, query: health, max: 1}
interval: 5ms
";

/// What the server says.
pub(super) struct Said {
    /// The value of the gate's query; none where `None`.
    pub(super) health: Option<f64>,
    /// Whether it answers at all.
    pub(super) up: bool,
    /// Events that the webhook got.
    pub(super) sent: Vec<Value>,
    /// Whether the webhook takes them.
    pub(super) takes: bool,
    /// Proxies that report something else besides.
    pub(super) strangers: usize,
}

pub(super) struct House {
    pub(super) folder: Folder,
    pub(super) said: Arc<Mutex<Said>>,
    server: Registry,
}

impl House {
    pub(super) fn new(spec: &str) -> Self {
        let folder = Folder::new();
        folder.write("weir.yaml", CONFIG);
        folder.write("rollout.yaml", spec);
        let said = Said { health: Some(0.0), up: true, sent: Vec::new(), takes: true, strangers: 0 };
        let said = Arc::new(Mutex::new(said));
        let (shared, path) = (Arc::clone(&said), folder.path(""));
        let server = Registry::answering(move |request| answer(&mut shared.lock().unwrap(), &path, request));
        Self { folder, said, server }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.server.host)
    }

    pub(super) fn spec(&self) -> String {
        self.folder.path("rollout.yaml")
    }

    pub(super) fn step(&self, more: &[&str]) -> Run {
        let (spec, url) = (self.spec(), self.url());
        weir(&[&["rollout", "step", &spec, "--prometheus", &url][..], more].concat())
    }

    pub(super) fn say(&self, command: &str) -> Run {
        weir(&["rollout", command, &self.spec()])
    }

    pub(super) fn status(&self) -> Value {
        weir(&["rollout", "status", &self.spec(), "--output", "json"]).json()
    }

    pub(super) fn config(&self) -> String {
        std::fs::read_to_string(self.folder.path("weir.yaml")).unwrap()
    }

    pub(super) fn stored(&self) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.folder.path("weir.yaml.rollout.json")).unwrap())
            .unwrap()
    }

    /// Where it is; null before it has begun.
    pub(super) fn state(&self) -> Value {
        let stored = std::fs::read_to_string(self.folder.path("weir.yaml.rollout.json")).unwrap_or_default();
        serde_json::from_str::<Value>(&stored).unwrap_or_default()["state"].clone()
    }

    /// Steps until this phase is reached.
    pub(super) fn until(&self, phase: &str) -> Run {
        for _ in 0..40 {
            let run = self.step(&["--output", "json"]);
            if run.json()["phase"]["phase"] == phase {
                return run;
            }
        }
        panic!("{phase} is not reached: {}", self.status());
    }
}

fn answer(said: &mut Said, folder: &str, request: &Request) -> Answer {
    let body = String::from_utf8(request.body.clone()).unwrap();
    if request.path == "/hook" {
        if !said.takes {
            return Answer::status(500);
        }
        said.sent.push(serde_json::from_str(&body).unwrap());
        return Answer::status(204);
    }
    if !said.up {
        return Answer::status(503);
    }
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/api/v1/query_range"), "{body}");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let series =
        |labels: Value, value: f64| json!({"metric": labels, "values": [[now.as_secs(), value.to_string()]]});
    let proxy = json!({"__name__": "x", "instance": "a", "plugin": "weir"});
    let stranger = |name: usize| json!({"__name__": "x", "instance": name.to_string(), "plugin": "weir"});
    let result = if body.contains("timestamp") {
        // Scraped this moment, or a second later: times of a file and of a scrape are not compared here.
        let all = [proxy].into_iter().chain((0..said.strangers).map(stranger));
        all.map(|labels| series(labels, now.as_secs_f64() + 1.0)).collect()
    } else if body.contains("weir_config_hash") {
        let mut all = vec![series(proxy, running(folder))];
        all.extend((0..said.strangers).map(|name| series(stranger(name), 7.0)));
        all
    } else if body.contains("query=health") {
        said.health.map(|value| series(json!({}), value)).into_iter().collect::<Vec<_>>()
    } else {
        panic!("{body}")
    };
    Answer::body(json!({"status": "success", "data": {"resultType": "matrix", "result": result}}).to_string())
}

/// What a proxy reports that has read the file.
fn running(folder: &str) -> f64 {
    weir(&["rollout", "hash", &format!("{folder}/weir.yaml")]).out.trim().parse().unwrap()
}
