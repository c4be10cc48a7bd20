//! `weir ui` as browsers see it, without Envoy: the page, what it gets, and which requests are refused. With a real Envoy it is
//! `tests/tests/envoy/ui.rs`'s to show, in browsers `playground/tests/live.test.js`'s.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::{Folder, weir};

const FILES: [&str; 7] =
    ["index.html", "main.js", "worker.js", "worker-more.js", "style.css", "weir.wasm", "weir-more.wasm"];
const CONFIG: &str = "routing: {rules: [{name: a, setHeaders: {x-weir-route: v2}}]}\n";

struct Ui {
    child: Child,
    address: SocketAddr,
    token: String,
    folder: Folder,
    said: String,
}

/// A folder with something that is a page.
fn page(folder: &Folder) -> String {
    let page = folder.path("page");
    std::fs::create_dir(&page).unwrap();
    for name in FILES {
        let text = if name == "index.html" { "<!doctype html><html lang=\"en\">" } else { name };
        std::fs::write(format!("{page}/{name}"), text).unwrap();
    }
    page
}

impl Ui {
    fn start(more: &[&str]) -> Self {
        let folder = Folder::new();
        let (config, page) = (folder.write("weir.yaml", CONFIG), page(&folder));
        let mut child = Command::new(env!("CARGO_BIN_EXE_weir"))
            .args(["ui", &config, "--page", &page, "--port", "0", "--listen", "0", "--admin", "0"])
            .args(more)
            .env("PATH", "")
            .env_remove("ENVOY")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let said: Vec<String> = lines.by_ref().take_while(|line| !line.starts_with("Ctrl-C")).collect();
        let (_, url) = said[0].split_once("http://").unwrap();
        let (address, token) = url.trim_end_matches('/').split_once('/').unwrap();
        let (address, token) = (address.parse().unwrap(), token.to_owned());
        Self { child, address, token, folder, said: said.join("\n") }
    }

    /// The head and the body of a response to a request of these lines; `TOKEN` and `HOST` are the right ones.
    fn ask(&self, head: &[&str], body: &str) -> (String, String) {
        let lines: Vec<String> = head
            .iter()
            .map(|line| line.replace("TOKEN", &self.token).replace("HOST", &self.address.to_string()))
            .collect();
        let request = format!(
            "{}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            lines.join("\r\n"),
            body.len()
        );
        let mut stream = TcpStream::connect(self.address).unwrap();
        // A server that has refused what comes may not read to its end.
        let _ = stream.write_all(request.as_bytes());
        let mut response = Vec::new();
        let _ = stream.read_to_end(&mut response);
        let response = String::from_utf8_lossy(&response).into_owned();
        let (head, body) = response.split_once("\r\n\r\n").unwrap_or((&response, ""));
        (head.to_owned(), body.to_owned())
    }

    fn status(&self, head: &[&str], body: &str) -> u16 {
        let (head, _) = self.ask(head, body);
        head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("{head}"))
    }

    fn state(&self, after: u64) -> Value {
        let line = format!("GET /TOKEN/state?after={after} HTTP/1.1");
        serde_json::from_str(&self.ask(&[&line, "host: HOST"], "").1).unwrap()
    }
}

impl Drop for Ui {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_page_is_served_and_is_told_what_is_missing() {
    let ui = Ui::start(&[]);
    assert!(ui.said.contains("Without Envoy: there is no `envoy` in the PATH"), "{}", ui.said);
    let (head, body) = ui.ask(&["GET /TOKEN/ HTTP/1.1", "host: HOST"], "");
    assert!(
        head.starts_with("HTTP/1.1 200") && body == "<!doctype html><html lang=\"en\" data-live>",
        "{head}\n{body}"
    );
    for header in [
        "content-security-policy: default-src 'none'; ",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "cache-control: no-store",
        "cross-origin-resource-policy: same-origin",
    ] {
        assert!(head.contains(header), "{header}: {head}");
    }
    assert!(ui.ask(&["GET /TOKEN/weir.wasm HTTP/1.1", "host: HOST"], "").0.contains("application/wasm"));
    let state = ui.state(0);
    assert_eq!((&state["name"], &state["text"]), (&ui.folder.path("weir.yaml").into(), &CONFIG.into()));
    assert_eq!((&state["envoy"], &state["current"]), (&"missing".into(), &false.into()), "{state}");
    assert!(state["why"].as_str().unwrap().contains("scripts/envoy path"), "{state}");
    let off = Ui::start(&["--no-envoy"]);
    assert!(off.state(0)["why"].as_str().unwrap().contains("--no-envoy"));
}

#[test]
fn a_change_of_the_file_is_told_at_once() {
    let ui = Ui::start(&["--no-envoy"]);
    let version = ui.state(0)["version"].as_u64().unwrap();
    ui.folder.write("weir.yaml", "routing: {rules: []}\n");
    let state = ui.state(version);
    assert_eq!(state["text"], "routing: {rules: []}\n", "{state}");
    // Removed, and there again with the same text.
    std::fs::remove_file(ui.folder.path("weir.yaml")).unwrap();
    let mut state = ui.state(state["version"].as_u64().unwrap());
    while state["unreadable"].is_null() {
        state = ui.state(state["version"].as_u64().unwrap());
    }
    ui.folder.write("weir.yaml", "routing: {rules: []}\n");
    while !state["unreadable"].is_null() {
        state = ui.state(state["version"].as_u64().unwrap());
    }
}

#[test]
fn only_the_page_is_answered() {
    let ui = Ui::start(&["--no-envoy"]);
    let wrong = "0".repeat(48);
    let other = format!("host: 127.0.0.1:{}", ui.address.port() ^ 1);
    for (expected, head) in [
        (200, ["GET /TOKEN/main.js HTTP/1.1", "host: HOST"]),
        // A name that another site points to 127.0.0.1.
        (403, ["GET /TOKEN/ HTTP/1.1", "host: evil.example"]),
        (403, ["GET /TOKEN/state HTTP/1.1", "host: evil.example:8600"]),
        (403, ["GET /TOKEN/ HTTP/1.1", &other]),
        (403, ["GET http://evil.example/TOKEN/ HTTP/1.1", "host: HOST"]),
        // Without the token.
        (404, ["GET / HTTP/1.1", "host: HOST"]),
        (404, ["GET /state HTTP/1.1", "host: HOST"]),
        (404, [&format!("GET /{wrong}/ HTTP/1.1"), "host: HOST"]),
        (404, ["GET /TOKEN HTTP/1.1", "host: HOST"]),
        // What is not the page's.
        (404, ["GET /TOKEN/../weir.yaml HTTP/1.1", "host: HOST"]),
        (404, ["GET /TOKEN/weir.yaml HTTP/1.1", "host: HOST"]),
        (405, ["PUT /TOKEN/main.js HTTP/1.1", "host: HOST"]),
        (405, ["GET /TOKEN/request HTTP/1.1", "host: HOST"]),
    ] {
        assert_eq!(ui.status(&head, ""), expected, "{head:?}");
    }
    assert_eq!(
        ui.status(&["GET /TOKEN/ HTTP/1.1", &format!("host: localhost:{}", ui.address.port())], ""),
        200
    );
}

#[test]
fn only_the_page_sends_requests() {
    let ui = Ui::start(&["--no-envoy"]);
    let good = r#"{"method": "GET", "host": "a", "path": "/", "headers": [], "cookies": []}"#;
    let usual = [
        "POST /TOKEN/request HTTP/1.1",
        "host: HOST",
        "origin: http://HOST",
        "content-type: application/json",
    ];
    let (head, body) = ui.ask(&usual, good);
    assert!(head.starts_with("HTTP/1.1 502") && body.contains("--no-envoy"), "{head}\n{body}");
    let with = |index: usize, line: &'static str| {
        let mut lines = usual;
        lines[index] = line;
        lines
    };
    for (expected, head) in [
        (404, with(0, "POST /request HTTP/1.1")),
        (403, with(1, "host: evil.example")),
        (403, with(2, "origin: http://evil.example")),
        (403, with(2, "origin: https://HOST")),
        (403, with(2, "origin: null")),
        (403, with(2, "x-no-origin: 1")),
        (403, with(3, "content-type: text/plain")),
        (403, with(3, "content-type: application/x-www-form-urlencoded")),
    ] {
        assert_eq!(ui.status(&head, good), expected, "{head:?}");
    }
    for wrong in [
        "",
        "{}",
        "[]",
        r#"{"method": "GET", "host": "a", "path": "/", "headers": [], "cookies": [], "to": "b"}"#,
    ] {
        assert_eq!(ui.status(&usual, wrong), 400, "{wrong}");
    }
    let long = format!(r#"{{"method": "{}"}}"#, "a".repeat(70_000));
    assert_eq!(ui.status(&usual, &long), 413);
}

#[test]
fn what_cannot_be_used_is_said() {
    let folder = Folder::new();
    let config = folder.write("weir.yaml", CONFIG);
    let page = page(&folder);
    let no_file = weir(&["ui", &folder.path("none.yaml"), "--page", &page]);
    assert!(no_file.code == 2 && no_file.err.contains("none.yaml: "), "{no_file:?}");
    let no_page = weir(&["ui", &config, "--page", &folder.path("")]);
    assert!(no_page.code == 2 && no_page.err.contains("index.html: "), "{no_page:?}");
    let stdin = weir(&["ui", "-", "--page", &page]);
    assert!(stdin.code == 2 && stdin.err.contains("expected a file"), "{stdin:?}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let busy = weir(&["ui", &config, "--page", &page, "--port", &port]);
    assert!(busy.code == 2 && busy.err.contains(&format!("--port {port}: ")), "{busy:?}");
}
