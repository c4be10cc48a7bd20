//! `weir ui` with a real Envoy: the page's request goes through it, and it runs what is in the file.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use weir_tests::envoy::{Signal, signal};
use weir_tests::{paths, program};

const FILES: [&str; 7] =
    ["index.html", "main.js", "worker.js", "worker-more.js", "style.css", "weir.wasm", "weir-more.wasm"];
/// Longer than Envoy takes to compile the module on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

struct Ui {
    child: Child,
    address: SocketAddr,
    token: String,
    folder: TempDir,
}

fn routing(target: &str) -> String {
    format!("routing: {{rules: [{{name: a, setHeaders: {{x-weir-route: {target}}}}}]}}\n")
}

impl Ui {
    fn start(text: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("weir-ui-").tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("weir.yaml"), text).unwrap();
        fs::create_dir(path("page")).unwrap();
        for name in FILES {
            fs::write(path("page").join(name), "<html lang=\"en\">").unwrap();
        }
        let script = paths::root().join("scripts/envoy");
        let here = folder.path().display();
        fs::write(
            path("envoy"),
            format!("#!/bin/sh\nexec '{}' run --mount '{here}' -- \"$@\"\n", script.display()),
        )
        .unwrap();
        fs::set_permissions(path("envoy"), fs::Permissions::from_mode(0o755)).unwrap();
        let mut child = Command::new(program::path())
            .arg("ui")
            .arg(path("weir.yaml"))
            .args(["--port", "0", "--listen", "0", "--admin", "0", "--page"])
            .arg(path("page"))
            .arg("--envoy")
            .arg(path("envoy"))
            .arg("--module")
            .arg(paths::module("weir").unwrap())
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let said: Vec<String> = lines.take_while(|line| !line.starts_with("Ctrl-C")).collect();
        let (_, url) = said[0].split_once("http://").unwrap();
        let (address, token) = url.trim_end_matches('/').split_once('/').unwrap();
        Self { child, address: address.parse().unwrap(), token: token.to_owned(), folder }
    }

    fn ask(&self, head: &str, body: &str) -> Value {
        let (host, token) = (self.address, &self.token);
        let (method, path) = head.split_once(' ').unwrap();
        let request = format!(
            "{method} /{token}/{path} HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\ncontent-type: application/json\r\n\
             connection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(host).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        serde_json::from_str(response.split_once("\r\n\r\n").unwrap().1)
            .unwrap_or_else(|_| panic!("{response}"))
    }

    /// The first state that is so.
    fn until(&self, is: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        let mut version = 0;
        loop {
            let state = self.ask(&format!("GET state?after={version}"), "");
            if is(&state) {
                return state;
            }
            assert!(Instant::now() < deadline, "{state}");
            version = state["version"].as_u64().unwrap();
        }
    }

    fn send(&self, headers: &[&str]) -> Value {
        let body = json!({"method": "GET", "host": "shop", "path": "/a", "headers": headers, "cookies": []});
        self.ask("POST request", &body.to_string())
    }

    fn write(&self, text: &str) {
        fs::write(self.folder.path().join("weir.yaml"), text).unwrap();
    }
}

impl Drop for Ui {
    fn drop(&mut self) {
        // Asked to stop, it takes Envoy with it.
        let _ = signal(&self.child, Signal::TERM);
        let _ = self.child.wait();
    }
}

#[test]
fn the_pages_request_goes_through_the_envoy_that_runs_the_file() {
    let ui = Ui::start(&routing("v2"));
    let serves = |state: &Value| state["envoy"] == "ready" && state["current"] == true;
    ui.until(serves);
    let answer = ui.send(&["x-weir-route: v3"]);
    assert_eq!((&answer["status"], &answer["upstream"]), (&json!(200), &json!("v2")), "{answer}");
    assert_eq!(answer["added"], json!([["x-weir-route", "v2"]]), "forged headers do not pass: {answer}");
    assert!(answer["counted"].as_array().unwrap().contains(&json!(["requests to v2", 1])), "{answer}");

    // A file with problems changes nothing.
    ui.write("routing: {rulez: []}\n");
    let state = ui.until(|state| state["why"].is_string());
    assert!(state["envoy"] == "ready" && state["why"].as_str().unwrap().contains("rulez"), "{state}");
    assert_eq!(ui.send(&[])["upstream"], "v2");

    ui.write(&routing("v4"));
    ui.until(|state| serves(state) && state["text"] == routing("v4"));
    assert_eq!(ui.send(&[])["upstream"], "v4");
    let refused = ui.send(&["content-length: 3"]);
    assert!(refused["error"].as_str().unwrap().contains("cannot be sent"), "{refused}");
}
