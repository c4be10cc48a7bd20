//! The shipped example with all that belongs to it: Envoy, the two versions of the shop, Prometheus, users.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use weir_tests::client::{Client, Request, Response};
use weir_tests::envoy::{Bootstrap, Envoy};
use weir_tests::origin::{Answer, Asked, Origin};
use weir_tests::{paths, program};

use crate::prometheus_e2e::server::Prometheus;

const EXAMPLE: &str = "envoy-configs/rollout.yaml";
const TARGET: &str = "envoy-configs/rollout/weir.yaml";
const SPEC: &str = "envoy-configs/rollout/rollout.yaml";

/// How many there are: `WEIR_E2E_USERS`, or 4,000.
pub(super) fn users() -> usize {
    weir_tests::scaled("WEIR_E2E_USERS", 4000)
}

const AT_ONCE: usize = 16;
const PATIENCE: Duration = Duration::from_secs(100);

fn shipped(path: &str) -> String {
    std::fs::read_to_string(paths::root().join(path)).unwrap()
}

/// A version of the shop.
struct Version {
    server: Origin,
    /// Every this many requests it answers with 500; never where 0.
    fails: Arc<AtomicUsize>,
}

impl Version {
    fn start(name: &'static str) -> Self {
        let (fails, count) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
        let every = Arc::clone(&fails);
        let answer = move |_: &Asked| {
            let (number, every) = (count.fetch_add(1, Ordering::Relaxed), every.load(Ordering::Relaxed));
            let status = if every > 0 && number % every == 0 { 500 } else { 200 };
            Answer::new(status, "").header("x-upstream", name)
        };
        Self { server: Origin::start(answer).unwrap(), fails }
    }
}

/// Everything.
pub(super) struct House {
    pub(super) envoy: Envoy,
    versions: [Version; 2],
    pub(super) prometheus: Option<Prometheus>,
    url: String,
    /// The file that is released.
    pub(super) target: PathBuf,
    pub(super) spec: PathBuf,
    users: Mutex<BTreeMap<usize, String>>,
    visits: AtomicUsize,
    client: Client,
}

impl House {
    /// The example as it is shipped, with its times scaled down and tolerances for so little time.
    pub(super) fn start() -> Self {
        let versions = [Version::start("v1"), Version::start("v2")];
        let mut config: Value = serde_saphyr::from_str(&shipped(EXAMPLE)).unwrap();
        config["stats_flush_interval"] = "0.1s".into();
        let [old, new] = versions.each_ref().map(|version| version.server.address().port());
        let bootstrap =
            Bootstrap::shipped(config).port(9001, old).port(9002, new).file(TARGET, shipped(TARGET));
        let envoy = Envoy::start(bootstrap).unwrap();
        let target = envoy.file("weir.yaml");
        let spec = target.with_file_name("rollout.yaml");
        let mut text = shipped(SPEC);
        for (from, to) in [
            ("hold: 10m, minUnits: 500", "hold: 3s, minUnits: 50"),
            ("hold: 30m, minUnits: 2000", "hold: 3s, minUnits: 300"),
            ("hold: 1h", "hold: 3s"),
            ("tolerance: 1%", "tolerance: 5%"),
            // Two programs and a test share two cores here.
            ("tolerance: 10%", "tolerance: 500%"),
            (", approval: true", ""),
            ("interval: 15s", "interval: 200ms"),
        ] {
            assert!(text.contains(from), "{from} is not in {SPEC}");
            text = text.replace(from, to);
        }
        std::fs::write(&spec, text).unwrap();
        let prometheus = Prometheus::start(envoy.admin_address(), &[]);
        // What counters have when they are scraped first is no increase.
        prometheus.expect("max(up)", "", &[("", 1.0)]);
        let url = format!("http://{}", prometheus.address());
        let (users, visits, client) = (Mutex::default(), AtomicUsize::new(0), Client::http1());
        Self { envoy, versions, prometheus: Some(prometheus), url, target, spec, users, visits, client }
    }

    /// The new version fails every this many requests from now on.
    pub(super) fn fail(&self, every: usize) {
        self.versions[1].fails.store(every, Ordering::Relaxed);
    }

    pub(super) fn text(&self) -> String {
        std::fs::read_to_string(&self.target).unwrap()
    }

    /// Sends one request for each user. Returns which version answered; nothing may be lost.
    pub(super) fn visit(&self) -> Visit {
        let cookies = self.users.lock().unwrap().clone();
        let request = |user: usize| {
            let request = Request::get("/").header("x-user-id", format!("user-{user}"));
            match cookies.get(&user) {
                Some(cookie) => request.header("cookie", cookie),
                None => request,
            }
        };
        let answers =
            self.client.send_all(self.envoy.listener(0), (0..users()).map(request).collect(), AT_ONCE);
        let mut visit = Visit { versions: Vec::with_capacity(users()), failed: 0 };
        for (user, answer) in answers.into_iter().enumerate() {
            let answer = answer.unwrap_or_else(|error| panic!("a request is lost: {error}"));
            let version =
                answer.header("x-upstream").unwrap_or_else(|| panic!("{}: not ours", answer.status));
            visit.versions.push(if version == b"v2" { 2 } else { 1 });
            visit.failed += usize::from(answer.status == 500);
            assert!([200, 500].contains(&answer.status), "{}", answer.status);
            if let Some(cookie) = set_cookie(&answer) {
                self.users.lock().unwrap().insert(user, cookie);
            }
        }
        self.visits.fetch_add(1, Ordering::Relaxed);
        visit
    }

    /// The first request of a new user. Returns which version answered.
    pub(super) fn visitor(&self, number: usize) -> u8 {
        let request = Request::get("/").header("x-user-id", format!("visitor-{number}"));
        let answer = self.client.send(self.envoy.listener(0), &request).unwrap();
        if answer.header("x-upstream") == Some(b"v2") { 2 } else { 1 }
    }

    /// Waits for a visit that begins after this and comes to its end.
    pub(super) fn next_visit(&self) {
        let next = self.visits.load(Ordering::Relaxed) + 2;
        let deadline = Instant::now() + PATIENCE;
        while self.visits.load(Ordering::Relaxed) < next {
            assert!(Instant::now() < deadline, "nobody visits");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Users ask again and again while something happens; all visits.
    pub(super) fn visits_while<T>(&self, happens: impl FnOnce() -> T) -> (Vec<Visit>, T) {
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let visitors = scope.spawn(|| {
                let mut visits = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    visits.push(self.visit());
                }
                visits
            });
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(happens));
            over.store(true, Ordering::Relaxed);
            let visits = visitors.join().unwrap();
            (visits, done.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program::path());
        command.arg("rollout").arg(arguments[0]).arg(&self.spec).args(&arguments[1..]);
        command
    }

    /// `weir rollout run` in the background.
    pub(super) fn run(&self) -> Running {
        let mut child = self
            .command(&["run", "--prometheus", &self.url, "--output", "json"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let events = Arc::new(Mutex::new(Vec::new()));
        let (out, shared) = (child.stdout.take().unwrap(), Arc::clone(&events));
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if let Ok(event) = serde_json::from_str::<Value>(&line) {
                    println!("{} {} {}", event["time"], event["event"], event["message"]);
                    shared.lock().unwrap().push(event);
                }
            }
        });
        Running { child, events }
    }

    /// What is stored of the rollout.
    pub(super) fn stored(&self) -> Value {
        let file = self.target.with_file_name("weir.yaml.rollout.json");
        serde_json::from_str(&std::fs::read_to_string(file).unwrap_or_default()).unwrap_or_default()
    }

    /// The kinds of all events so far.
    pub(super) fn events(&self) -> Vec<String> {
        let stored = self.stored();
        let events = stored["events"].as_array().cloned().unwrap_or_default();
        events.iter().map(|event| event["event"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits until this is what holds it.
    pub(super) fn until_held(&self, by: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.stored()["state"]["held"] != by {
            assert!(Instant::now() < deadline, "{}", self.stored()["state"]);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(super) fn phase(&self) -> String {
        self.stored()["state"]["phase"]["phase"].as_str().unwrap_or_default().to_owned()
    }
}

/// One request of each user.
pub(super) struct Visit {
    /// 1 or 2 for each user.
    pub(super) versions: Vec<u8>,
    pub(super) failed: usize,
}

impl Visit {
    pub(super) fn new_version(&self) -> usize {
        self.versions.iter().filter(|version| **version == 2).count()
    }
}

/// A running program; it is killed with this.
pub(super) struct Running {
    pub(super) child: Child,
    events: Arc<Mutex<Vec<Value>>>,
}

impl Running {
    /// Waits for an event of this kind; what it says.
    pub(super) fn until(&self, kind: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let events = self.events.lock().unwrap().clone();
            if let Some(event) = events.iter().find(|event| event["event"] == kind) {
                return event.clone();
            }
            assert!(Instant::now() < deadline, "no event {kind}: {events:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until it ends by itself.
    pub(super) fn end(mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn set_cookie(response: &Response) -> Option<String> {
    let value = response.header("set-cookie")?;
    String::from_utf8_lossy(value).split(';').next().map(str::to_owned)
}
