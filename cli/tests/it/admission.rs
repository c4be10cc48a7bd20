//! `weir admission` as an API server sees it: reviews over TLS, certificates that change, what is no review.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Folder, weir};

const HOST: &str = "weir-admission.weir-system.svc";

struct Server {
    child: Child,
    address: SocketAddr,
    folder: Folder,
}

/// A new certificate with its key, as PEM.
fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed([HOST.to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

impl Server {
    fn start(more: &[&str]) -> (Self, String) {
        let (certificate, key) = certificate();
        Self::start_with(&certificate, &key, more)
    }

    fn start_with(certificate: &str, key: &str, more: &[&str]) -> (Self, String) {
        let folder = Folder::new();
        folder.write("tls.crt", certificate);
        folder.write("tls.key", key);
        let mut child = Command::new(env!("CARGO_BIN_EXE_weir"))
            .args(["admission", "--listen", "127.0.0.1:0"])
            .args(["--certificate", &folder.path("tls.crt"), "--key", &folder.path("tls.key")])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::from(std::fs::File::create(folder.path("log")).unwrap()))
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on https://").unwrap().strip_suffix("/validate");
        (Self { child, address: address.unwrap().parse().unwrap(), folder }, certificate.to_owned())
    }

    /// The status and the body of an answer, to a client that trusts this certificate alone.
    fn send(
        &self,
        trusted: &str,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<(u16, String), reqwest::Error> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let authority = reqwest::Certificate::from_pem(trusted.as_bytes())?;
        let client =
            reqwest::Client::builder().tls_certs_only([authority]).resolve(HOST, self.address).build()?;
        let url = format!("https://{HOST}:{}{path}", self.address.port());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let request = match body {
                Some(body) => client.post(url).body(body),
                None => client.get(url),
            };
            let response = request.send().await?;
            Ok((response.status().as_u16(), response.text().await?))
        })
    }

    fn review(&self, trusted: &str, request: &Value) -> Value {
        let review =
            json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
        let (status, body) = self.send(trusted, "/validate", Some(review.to_string().into_bytes())).unwrap();
        assert_eq!(status, 200, "{body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((&answer["apiVersion"], &answer["kind"]), (&review["apiVersion"], &review["kind"]));
        assert_eq!(answer["response"]["uid"], request["uid"]);
        answer["response"].clone()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path("log")).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The shipped plugins of all three kinds.
fn shipped() -> Vec<Value> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../wasm-plugins");
    let files = [
        "ab-routing/wasm-plugin.yaml",
        "weir/wasm-plugin.yaml",
        "traffic-extensions/weir/traffic-extension.yaml",
        "envoy-gateway/ab-routing.yaml",
    ];
    let texts = files.map(|file| std::fs::read_to_string(format!("{root}/{file}")).unwrap());
    let all = texts.iter().flat_map(|text| serde_saphyr::from_multiple::<Value>(text).unwrap());
    all.filter(|it| it["kind"] != "HTTPRoute").collect()
}

#[test]
fn plugins_are_admitted_and_mistakes_refused_with_their_paths() {
    let (server, trusted) = Server::start(&[]);
    let shipped = shipped();
    assert_eq!(shipped.len(), 4);
    for (index, plugin) in shipped.iter().enumerate() {
        let good = json!({"uid": format!("good-{index}"), "operation": "CREATE", "object": plugin});
        let response = server.review(&trusted, &good);
        assert_eq!(response["allowed"], true, "{response}");
        assert!(response.get("warnings").is_none(), "{response}");
        let mut wrong = plugin.clone();
        let configuration = ["/spec/pluginConfig", "/spec/wasm/pluginConfig", "/spec/wasm/0/config"];
        let place = configuration.iter().find(|place| wrong.pointer(place).is_some()).unwrap();
        wrong.pointer_mut(place).unwrap()["routing"]["rules"][0]["name"] = json!("not a name");
        let response = server.review(
            &trusted,
            &json!({"uid": "bad", "operation": "UPDATE", "object": wrong, "oldObject": plugin}),
        );
        assert_eq!(response["allowed"], false);
        let message = response["status"]["message"].as_str().unwrap();
        assert!(message.contains("routing.rules[0].name") && message.contains("not a name"), "{message}");
        wrong["spec"]["phaze"] = json!("AUTHN");
        let response = server.review(&trusted, &json!({"uid": "both", "object": wrong}));
        let message = response["status"]["message"].as_str().unwrap();
        assert!(message.starts_with("weir check: 2 problems:") && message.contains("phaze"), "{message}");
    }
    assert!(server.log().contains("refused: WasmPlugin istio-ingress/weir-ab-routing"), "{}", server.log());
}

#[test]
fn a_renewed_certificate_is_shown_without_a_restart() {
    let (server, first) = Server::start(&[]);
    assert_eq!(server.send(&first, "/healthz", None).unwrap().0, 200);
    let (second, key) = certificate();
    // A key that is not the certificate's, as between two writes: the old one stays.
    server.folder.write("tls.crt", &second);
    wait(|| server.log().contains("the old certificate is kept"), || server.log());
    assert_eq!(server.send(&first, "/healthz", None).unwrap().0, 200);
    server.folder.write("tls.key", &key);
    wait(|| server.send(&second, "/healthz", None).is_ok_and(|answer| answer.0 == 200), || server.log());
    assert!(server.send(&first, "/healthz", None).is_err(), "the old one is still shown");
    assert!(server.log().contains("the certificate was renewed"));
}

fn wait(condition: impl Fn() -> bool, why: impl Fn() -> String) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "{}", why());
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn what_is_no_review_is_refused_and_ends_nothing() {
    let (mut server, trusted) = Server::start(&["--deny-warnings"]);
    let status = |path: &str, body: Option<Vec<u8>>| server.send(&trusted, path, body).map(|answer| answer.0);
    assert_eq!(status("/validate", Some(b"{".to_vec())).unwrap(), 400);
    assert_eq!(status("/validate", None).unwrap(), 405);
    assert_eq!(status("/", None).unwrap(), 404);
    // Refused while it is sent: the client sees the answer, or a broken connection.
    let long = status("/validate", Some(vec![b' '; 5 << 20]));
    assert!(long.as_ref().map_or(true, |status| *status == 413), "{long:?}");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(status("/validate", Some(deep.into_bytes())).unwrap(), 400);
    let mut plugin = shipped().remove(0);
    plugin["spec"].as_object_mut().unwrap().remove("match");
    let response = server.review(&trusted, &json!({"uid": "1", "object": plugin}));
    assert_eq!(response["allowed"], false, "{response}");
    // Plain HTTP has no answer.
    let mut plain = TcpStream::connect(server.address).unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!String::from_utf8_lossy(&answer).contains("200"));
    assert_eq!(server.send(&trusted, "/healthz", None).unwrap().0, 200);
    let pid = rustix::process::Pid::from_child(&server.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

/// A client that reaches the port must not keep the API server from being answered: it would take what nobody has
/// checked, or nothing at all.
#[test]
fn quiet_connections_give_way() {
    let (server, trusted) = Server::start(&[]);
    let mut quiet: Vec<Tls> = (0..20).map(|_| tls(&server, &trusted)).collect();
    for connection in &mut quiet {
        // A request that does not go on.
        connection.write_all(&HEAD.replace("LENGTH", "100000").into_bytes()).unwrap();
        connection.write_all(&[b' '; 70_000]).unwrap();
    }
    let _more: Vec<TcpStream> = (0..300).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    for _ in 0..3 {
        assert_eq!(server.send(&trusted, "/healthz", None).unwrap().0, 200);
        let response = server.review(&trusted, &json!({"uid": "1", "object": shipped().remove(0)}));
        assert_eq!(response["allowed"], true);
    }
}

/// At once there is room for a few large requests; the others wait, and are answered.
#[test]
fn large_requests_take_turns() {
    let (server, trusted) = Server::start(&[]);
    let plugin = shipped().remove(0);
    let review = json!({"uid": "1", "object": plugin, "options": {"long": "x".repeat(3 << 20)}});
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let response = server.review(&trusted, &review);
                assert_eq!(response["allowed"], true, "{response}");
            });
        }
    });
}

#[test]
fn what_has_begun_is_answered_before_it_ends() {
    let (mut server, trusted) = Server::start(&[]);
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {"uid": "1", "object": shipped().remove(0)}});
    let body = review.to_string().into_bytes();
    let (first, rest) = body.split_at(body.len() / 2);
    let mut connection = tls(&server, &trusted);
    connection.write_all(&HEAD.replace("LENGTH", &body.len().to_string()).into_bytes()).unwrap();
    connection.write_all(first).unwrap();
    let pid = rustix::process::Pid::from_child(&server.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    // An API server that does not know yet.
    assert_eq!(server.send(&trusted, "/healthz", None).unwrap().0, 200);
    connection.write_all(rest).unwrap();
    let mut answer = Vec::new();
    let _ = connection.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(r#""allowed":true"#), "{answer}");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

const HEAD: &str =
    "POST /validate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: LENGTH\r\n\r\n";

type Tls = rustls::StreamOwned<rustls::ClientConnection, TcpStream>;

fn tls(server: &Server, trusted: &str) -> Tls {
    use rustls::pki_types::pem::PemObject as _;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(rustls::pki_types::CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap()).unwrap();
    let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let connection =
        rustls::ClientConnection::new(std::sync::Arc::new(config), HOST.try_into().unwrap()).unwrap();
    rustls::StreamOwned::new(connection, TcpStream::connect(server.address).unwrap())
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let folder = Folder::new();
    let ((first, key), (second, _)) = (certificate(), certificate());
    let key = folder.write("tls.key", &key);
    for (certificate, expected) in [
        (folder.write("other.crt", &second), "not the key of"),
        (folder.write("empty.crt", ""), "empty.crt"),
        (folder.path("absent.crt"), "absent.crt"),
    ] {
        let run =
            weir(&["admission", "--listen", "127.0.0.1:0", "--certificate", &certificate, "--key", &key]);
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.err.contains(expected), "{run:?}");
    }
    let good = folder.write("tls.crt", &first);
    let run = weir(&["admission", "--listen", "192.0.2.1:1", "--certificate", &good, "--key", &key]);
    assert!(run.code == 2 && run.err.contains("--listen 192.0.2.1:1"), "{run:?}");
}

/// The page's commands make a certificate that the server takes and a client trusts, and `caBundle` gets it.
#[test]
fn the_page_makes_a_certificate_that_works() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let page = std::fs::read_to_string(format!("{root}/docs/admission.md")).unwrap();
    let page = page.replace("\\\n", " ");
    let line = |start: &str| {
        let found = page.lines().find(|line| line.starts_with(start));
        found.unwrap_or_else(|| panic!("no {start} in the page")).to_owned()
    };
    let folder = Folder::new();
    let bash = |command: &str| {
        let output =
            Command::new("bash").args(["-c", command]).current_dir(folder.path("")).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    bash(&line("openssl req"));
    let manifest =
        std::fs::read_to_string(format!("{root}/wasm-plugins/admission/base/webhook.yaml")).unwrap();
    let written = folder.write("webhook.yaml", &manifest);
    bash(&line("sed -i \"s|caBundle").replace("wasm-plugins/admission/base/webhook.yaml", &written));
    let webhook: Value = serde_saphyr::from_str(&std::fs::read_to_string(&written).unwrap()).unwrap();
    let bundle = webhook["webhooks"][0]["clientConfig"]["caBundle"].as_str().unwrap().to_owned();
    let certificate = std::fs::read_to_string(folder.path("tls.crt")).unwrap();
    assert_eq!(bash(&format!("base64 -d <<<{bundle}")), certificate);
    let key = std::fs::read_to_string(folder.path("tls.key")).unwrap();
    let (server, _) = Server::start_with(&certificate, &key, &[]);
    std::fs::copy(folder.path("tls.crt"), server.folder.path("tls.crt")).unwrap();
    let port = server.address.port().to_string();
    assert_eq!(bash(&line("curl --retry").replace("8443", &port)), "ok\n");
    let manifest =
        std::fs::read_to_string(format!("{root}/wasm-plugins/admission/base/server.yaml")).unwrap();
    let written = folder.write("server.yaml", &manifest);
    let change = line("sed -i \"s|registry").replace("wasm-plugins/admission/base/server.yaml", &written);
    bash(&format!("{}; {change}", line("IMAGE=")));
    let server = std::fs::read_to_string(&written).unwrap();
    assert!(server.contains(&format!("image: {}", line("IMAGE=").replace("IMAGE=", ""))), "{server}");
    // What the manifest says is what the server has.
    let client = &webhook["webhooks"][0]["clientConfig"]["service"];
    assert_eq!(
        format!("{}.{}.svc", client["name"].as_str().unwrap(), client["namespace"].as_str().unwrap()),
        HOST
    );
    assert_eq!(client["path"], "/validate");
}
