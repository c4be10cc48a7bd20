//! The real Prometheus: scrapes Envoy every second, and answers queries over its HTTP API.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use weir_tests::client::{Client, Request};
use weir_tests::paths;

const START: Duration = Duration::from_secs(60);

/// A running Prometheus. Dropping it stops it.
pub(crate) struct Prometheus {
    child: Child,
    address: SocketAddr,
    client: Client,
    _work: TempDir,
}

/// A line of an answer: labels and value.
pub(crate) type Sample = (BTreeMap<String, String>, f64);

impl Prometheus {
    /// Starts one that scrapes `target` and evaluates these files of rules, by name and content.
    pub(crate) fn start(target: SocketAddr, rules: &[(&str, String)]) -> Self {
        Self::configured(&configuration(target), rules)
    }

    /// Starts one with this configuration, beside these files of rules.
    pub(crate) fn configured(configuration: &str, rules: &[(&str, String)]) -> Self {
        let work = tempfile::Builder::new().prefix("weir-prometheus-").tempdir().unwrap();
        Self::start_in(work, configuration, rules)
    }

    /// Starts one that scrapes nothing and has what a text in the OpenMetrics format says of the past.
    pub(crate) fn with_past(openmetrics: &str) -> Self {
        let work = tempfile::Builder::new().prefix("weir-prometheus-").tempdir().unwrap();
        let text = work.path().join("past.txt");
        std::fs::write(&text, openmetrics).unwrap();
        let output = Command::new(binary("promtool"))
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .args([&text, &work.path().join("data")])
            .output()
            .unwrap();
        assert!(output.status.success(), "promtool: {}", String::from_utf8_lossy(&output.stderr));
        Self::start_in(work, "global: {}\n", &[])
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    fn start_in(work: TempDir, configuration: &str, rules: &[(&str, String)]) -> Self {
        for (name, text) in rules {
            // Groups of a minute would make the test wait for two of them.
            let text =
                text.replace("interval: 1m", "interval: 1s").replace("interval: \"1m\"", "interval: 1s");
            std::fs::write(work.path().join(name), text).unwrap();
        }
        let config = work.path().join("prometheus.yaml");
        std::fs::write(&config, configuration).unwrap();
        let address = free_address();
        let log = std::fs::File::create(work.path().join("log")).unwrap();
        let child = Command::new(binary("path"))
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", work.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let server = Self { child, address, client: Client::http1(), _work: work };
        server.wait_until_ready(server._work.path());
        server
    }

    fn wait_until_ready(&self, work: &Path) {
        let deadline = Instant::now() + START;
        let ready = || self.client.send(self.address, &Request::get("/-/ready"));
        while !ready().is_ok_and(|answer| answer.status == 200) {
            let log = || std::fs::read_to_string(work.join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "Prometheus does not start:\n{}", log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The answer to a query, or what is wrong with it.
    pub(crate) fn query(&self, expression: &str) -> Result<Vec<Sample>, String> {
        let answer = self.get(&format!("/api/v1/query?query={}", percent_encoded(expression)));
        if answer["status"] != "success" {
            return Err(format!("{expression}\n{}", answer["error"]));
        }
        let result = &answer["data"]["result"];
        if answer["data"]["resultType"] == "scalar" {
            return Ok(vec![(BTreeMap::new(), number(&result[1]))]);
        }
        let sample = |sample: &Value| {
            let labels = serde_json::from_value(sample["metric"].clone()).unwrap();
            (labels, number(&sample["value"][1]))
        };
        Ok(result.as_array().into_iter().flatten().map(sample).collect())
    }

    /// All rules as Prometheus sees them.
    pub(crate) fn rules(&self) -> Vec<Value> {
        let answer = self.get("/api/v1/rules");
        let groups = answer["data"]["groups"].as_array().cloned().unwrap_or_default();
        groups.iter().flat_map(|group| group["rules"].as_array().cloned().unwrap_or_default()).collect()
    }

    fn get(&self, path: &str) -> Value {
        let answer = self.client.send(self.address, &Request::get(path)).unwrap();
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Asks until the answer is what is expected, and then for a last time in earnest.
    pub(crate) fn expect(&self, expression: &str, label: &str, expected: &[(&str, f64)]) {
        let expected: BTreeMap<String, f64> = expected.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect();
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let samples = self.query(expression).unwrap();
            let found: BTreeMap<String, f64> = samples
                .into_iter()
                .map(|(labels, value)| (labels.get(label).cloned().unwrap_or_default(), value))
                .collect();
            if found == expected || Instant::now() > deadline {
                assert_eq!(found, expected, "{expression}");
                println!("{expression}: {found:?}");
                return;
            }
            std::thread::sleep(Duration::from_millis(250));
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn number(text: &Value) -> f64 {
    text.as_str().unwrap().parse().unwrap()
}

/// The server (`path`) or `promtool`.
fn binary(which: &str) -> String {
    let output = Command::new(paths::root().join("scripts/prometheus")).arg(which).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn configuration(target: SocketAddr) -> String {
    format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: ['*.rules.yaml']\n\
         scrape_configs:\n- job_name: envoy\n  metrics_path: /stats/prometheus\n  \
         static_configs: [{{targets: ['{target}']}}]\n"
    )
}

/// A port that was free a moment ago: Prometheus is unknown to choose one.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
