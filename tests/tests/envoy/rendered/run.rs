//! `weir run`, as a user at a terminal has it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use weir_tests::client::{Client, Request, runtime};
use weir_tests::envoy::{Signal, signal, smallest_module};
use weir_tests::{paths, program};
use weir_upstream::Upstream;

use super::{JWT, ROUTING};

/// Longer than Envoy takes to compile the module on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A folder for all that a run makes, with a program that is Envoy in whatever way tests run it.
pub(super) struct Work(TempDir);

impl Work {
    fn new(configuration: &str) -> Self {
        let work = Self::empty();
        fs::write(work.path("weir.yaml"), configuration).unwrap();
        work
    }

    /// Without a configuration.
    pub(super) fn empty() -> Self {
        let work = Self(tempfile::Builder::new().prefix("weir-test-run-").tempdir().unwrap());
        fs::create_dir(work.path("tmp")).unwrap();
        let script = paths::root().join("scripts/envoy");
        let folder = work.0.path().display();
        let text = format!("#!/bin/sh\nexec '{}' run --mount '{folder}' -- \"$@\"\n", script.display());
        fs::write(work.path("envoy"), text).unwrap();
        fs::set_permissions(work.path("envoy"), fs::Permissions::from_mode(0o755)).unwrap();
        work
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, options: &[&str]) -> Command {
        self.command_for("weir.yaml", options)
    }

    fn command_for(&self, file: &str, options: &[&str]) -> Command {
        let mut command = Command::new(program::path());
        command.arg("run").arg(self.path(file)).args(["--listen", "0", "--admin", "0"]).args(options);
        command.arg("--envoy").arg(self.path("envoy"));
        let configuration = fs::read_to_string(self.path(file)).unwrap();
        command.arg("--module").arg(paths::module(smallest_module(&configuration)).unwrap());
        command.env("TMPDIR", self.path("tmp")).stdin(Stdio::null());
        command
    }

    /// Nothing lies about, and no process knows of this folder any more: within a moment, as a container's processes
    /// may outlive their client.
    fn is_clean(&self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.has_left() {
            if Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        true
    }

    fn has_left(&self) -> bool {
        let here = self.0.path().to_string_lossy().into_owned();
        let knows = |process: fs::DirEntry| {
            fs::read_to_string(process.path().join("cmdline")).is_ok_and(|line| line.contains(&here))
        };
        let is_ours = |file: fs::DirEntry| file.file_name().to_string_lossy().starts_with("weir-run-");
        fs::read_dir("/proc").unwrap().flatten().any(knows)
            || fs::read_dir(self.path("tmp")).unwrap().flatten().any(is_ours)
    }
}

/// A `weir run` that goes on until it is told to stop.
pub(super) struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(work: &Work, options: &[&str]) -> Self {
        Self::start_file(work, "weir.yaml", options)
    }

    pub(super) fn start_file(work: &Work, file: &str, options: &[&str]) -> Self {
        let mut child = work.command_for(file, options).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { child, lines }
    }

    /// What it says until everything runs.
    pub(super) fn said(&self) -> Vec<String> {
        let mut said: Vec<String> = Vec::new();
        while said.last().is_none_or(|line| line != "Ctrl-C stops everything.") {
            said.push(self.lines.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{error}: {said:?}")));
        }
        said
    }

    fn signal(&self, name: Signal) {
        signal(&self.child, name).unwrap();
    }

    fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not stop");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Asked to stop, it takes Envoy with it.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(Signal::TERM);
            let _ = self.child.wait();
        }
    }
}

/// The first address in a line.
pub(super) fn address(line: &str) -> SocketAddr {
    let start = line.find("127.0.0.1:").unwrap_or_else(|| panic!("no address: {line}"));
    let end = line[start..].find([',', ';', '/', ' ']).map_or(line.len(), |length| start + length);
    line[start..end].parse().unwrap()
}

/// The name of the upstream that answers.
fn ask(listener: SocketAddr, request: &Request) -> String {
    let response = Client::http1().send(listener, request).unwrap();
    response.seen().unwrap_or_else(|| panic!("{response:?}")).name
}

#[test]
fn it_serves_until_it_is_told_to_stop() {
    let work = Work::new(ROUTING);
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut running = Running::start(&work, &[]);
        let said = running.said();
        let [first, second, listens, ..] = &said[..] else { panic!("{said:?}") };
        assert!(first.starts_with("upstream v1: ") && first.ends_with(", a sample service"), "{said:?}");
        assert!(second.starts_with("upstream v2: "), "{said:?}");
        let listener = address(listens);
        for line in
            [format!("  curl http://{listener}/"), format!("  curl -H 'x-beta: 1' http://{listener}/")]
        {
            assert!(said.contains(&line), "{line}: {said:?}");
        }
        assert_eq!(ask(listener, &Request::get("/")), "v1");
        assert_eq!(ask(listener, &Request::get("/").header("x-beta", "1")), "v2");
        assert_eq!(ask(listener, &Request::get("/").header("x-weir-route", "v2")), "v1", "forged");

        running.signal(signal);
        assert!(running.ended().success(), "{signal:?}");
        for left in [first, second, listens] {
            assert!(TcpStream::connect(address(left)).is_err(), "{signal:?}: {left}");
        }
        assert!(work.is_clean(), "{signal:?}");
    }
}

#[test]
fn an_upstream_of_ones_own_takes_the_place_of_a_sample() {
    let mine = runtime().block_on(Upstream::start("mine", ([127, 0, 0, 1], 0).into())).unwrap();
    let work = Work::new(ROUTING);
    let running = Running::start(&work, &["--upstream", &format!("v1={}", mine.address())]);
    let said = running.said();
    assert_eq!(said[0], format!("upstream v1: {}", mine.address()));
    let listener = address(&said[2]);
    assert_eq!(ask(listener, &Request::get("/")), "mine");
    assert_eq!(ask(listener, &Request::get("/").header("x-beta", "1")), "v2");
    let why = "No requests were sent, as they could reach services of your own: v1.";
    assert!(said.iter().any(|line| line == why), "{said:#?}");
}

#[test]
fn requests_are_sent_through_envoy_unless_they_need_a_token_or_are_not_wanted() {
    let said = |configuration: &str, options: &[&str]| {
        let work = Work::new(configuration);
        Running::start(&work, options).said()
    };
    let sent = said(ROUTING, &[]);
    let rows: Vec<Vec<&str>> = sent
        .iter()
        .filter(|line| line.starts_with("  200"))
        .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .collect();
    let expected = [vec!["200", "v1", "GET /"], vec!["200", "v2", "GET / x-beta: 1", "x-weir-route: v2"]];
    assert_eq!(rows, expected, "{sent:#?}");
    let counted: Vec<&str> =
        sent.iter().filter_map(|line| line.split_once("requests to ")).map(|(_, it)| it).collect();
    assert_eq!(counted, ["v1 +1", "v2 +1"], "{sent:#?}");

    let silent = said(ROUTING, &["--no-requests"]);
    assert!(!silent.iter().any(|line| line.contains("equests")), "{silent:#?}");
    let locked = said(&format!("{JWT}\n{ROUTING}"), &[]);
    let why = "No requests were sent: they need a token of a. With one in the variable TOKEN:";
    assert!(locked.iter().any(|line| line == why), "{locked:#?}");
    // A configuration that looks at tokens and asks for none.
    let open = said(&format!("{}\n{ROUTING}", JWT.replace("requires: a", "requires: none")), &[]);
    assert!(open.iter().any(|line| line.starts_with("  200")), "{open:#?}");
}

#[test]
fn once_says_whether_envoy_takes_it() {
    let cel = |expression| {
        format!("routing: {{rules: [{{name: a, cel: '{expression}', setHeaders: {{x-a: b}}}}]}}")
    };
    for (expression, code) in [("request.path == \"/\"", 0), ("request.path ==", 1)] {
        let work = Work::new(&cel(expression));
        let mut child =
            work.command(&["--once"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut out, mut log) = (String::new(), String::new());
        child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{out}\n{log}");
        assert_eq!(out.ends_with("weir.yaml: Envoy takes it\n"), code == 0, "{out}");
        assert_eq!(log.contains("routing.rules[0].cel"), code == 1, "{log}");
        assert!(work.is_clean(), "{expression}");
    }
}
