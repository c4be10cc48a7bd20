//! The webhook of `wasm-plugins/admission`: its page, followed from the top, and what keeps a server answering.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir_tests::webhook::Webhook;
use weir_tests::{paths, program};

use super::super::built::{self, selects};
use super::{of_kind, search_path, stand_in};

/// Builds from a real folder, and pushes what it has built.
const PODMAN: &str = r#"
case $1 in
build)
  [ "$2 $4" = "--tag --file" ] && grep -q "^COPY weir " "$5" && [ -f "$6/weir" ] || { echo "podman $*" >&2; exit 1; }
  echo "$3" >"$STATE/built"
  ;;
push) [ "$2" = "$(cat "$STATE/built")" ] && echo "$2" >"$STATE/pushed" ;;
*) exit 1 ;;
esac
"#;

/// Plays a cluster with cert-manager, whose nodes have no images but pushed ones.
const KUBECTL: &str = r#"
die() { echo "kubectl: $*" >&2; exit 1; }
case "$*" in
"apply -f wasm-plugins/admission/base/namespace.yaml") touch "$STATE/namespace" ;;
"-n weir-system create secret tls weir-admission --cert tls.crt --key tls.key")
  [ -f "$STATE/namespace" ] || die "no namespace weir-system"
  cp tls.crt tls.key "$STATE"
  ;;
"apply -k "*)
  touch "$STATE/namespace"
  "$WEIR_ISTIOD" build "$3" >"$STATE/applied"
  if grep -q "kind: Certificate" "$STATE/applied"; then
    # A certificate without a common name has no subject, and signed by itself no issuer.
    subject=$(sed -n 's|^ *commonName: |/CN=|p' "$STATE/applied")
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj "${subject:-/}" \
      -addext "subjectAltName=DNS:weir-admission.weir-system.svc" -keyout "$STATE/tls.key" -out "$STATE/tls.crt" 2>/dev/null
  fi
  ;;
"-n weir-system rollout status deploy/weir-admission")
  image=$(sed -n 's/^ *image: //p' "$STATE/applied")
  [ "$image" = "$(cat "$STATE/pushed")" ] || die "ImagePullBackOff $image"
  [ -f "$STATE/tls.key" ] || die "FailedMount weir-admission"
  touch "$STATE/ready"
  ;;
"-n weir-system get secret weir-admission -o go-template={{index .data \"tls.crt\" | base64decode}}") cat "$STATE/tls.crt" ;;
"-n weir-system port-forward svc/weir-admission $PORT:443")
  [ -f "$STATE/ready" ] || die "no pod"
  exec "$WEIR" admission --listen "127.0.0.1:$PORT" --certificate "$STATE/tls.crt" --key "$STATE/tls.key"
  ;;
*) die "$*: not played" ;;
esac
"#;

/// The commands of the page's blocks.
fn blocks() -> Vec<String> {
    let page = std::fs::read_to_string(paths::root().join("docs/admission.md")).unwrap();
    let blocks = page.split("```").skip(1).step_by(2);
    blocks.filter_map(|it| it.strip_prefix("sh\n")).map(str::to_owned).collect()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).unwrap();
        }
    }
}

/// A folder with what the page needs of the repository, and the archive of a release.
fn repository(folder: &Path) {
    let root = paths::root();
    copy(&root.join("wasm-plugins/admission"), &folder.join("wasm-plugins/admission"));
    std::fs::create_dir(folder.join("cli")).unwrap();
    std::fs::copy(root.join("cli/Containerfile"), folder.join("cli/Containerfile")).unwrap();
    let release = format!("weir-{}-x86_64-unknown-linux-gnu", env!("CARGO_PKG_VERSION"));
    std::fs::create_dir(folder.join(&release)).unwrap();
    std::fs::write(folder.join(&release).join("weir"), "the command line").unwrap();
    let script = format!("tar -czf {release}.tar.gz {release} && rm -r {release}");
    assert!(Command::new("sh").current_dir(folder).args(["-c", &script]).status().unwrap().success());
}

/// A port that nothing listens on now.
fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

#[test]
fn the_page_works_from_the_top() {
    let blocks = blocks();
    let with = |text: &str| blocks.iter().position(|it| it.contains(text)).unwrap();
    let (of_its_own, of_cert_manager) = (with("openssl req"), with("admission/cert-manager"));
    // Each way leaves out the other one's block, and nothing else.
    for (left_out, from_cert_manager) in [(of_cert_manager, false), (of_its_own, true)] {
        let (home, programs, state) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        repository(home.path());
        stand_in(programs.path(), "podman", PODMAN);
        stand_in(programs.path(), "kubectl", KUBECTL);
        let port = free_port();
        let blocks = blocks.iter().enumerate().filter(|(index, _)| *index != left_out);
        let script: String = blocks.map(|(_, block)| block.replace("8443", &port)).collect();
        let output = Command::new("bash")
            .current_dir(home.path())
            // What is left of a failed script ends with it.
            .args([
                "-euo",
                "pipefail",
                "-c",
                &format!("trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{script}"),
            ])
            .env("PATH", search_path(programs.path()))
            .env("STATE", state.path())
            .env("PORT", &port)
            .env("WEIR", program::path())
            .env("NO_PROXY", "*")
            .env("no_proxy", "*")
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}\n{error}");
        assert!(
            String::from_utf8_lossy(&output.stdout).ends_with("ok\n"),
            "the server does not answer: {error}"
        );
        let read = |name: &str| std::fs::read_to_string(state.path().join(name)).unwrap();
        let applied: Vec<Value> = serde_saphyr::from_multiple(&read("applied")).unwrap();
        let authority =
            &of_kind(&applied, "ValidatingWebhookConfiguration")["webhooks"][0]["clientConfig"]["caBundle"];
        if from_cert_manager {
            assert_eq!(*authority, Value::Null);
        } else {
            let output =
                Command::new("base64").arg("-w0").arg(state.path().join("tls.crt")).output().unwrap();
            assert_eq!(*authority, json!(String::from_utf8(output.stdout).unwrap()));
        }
    }
}

/// How long the server takes to end, with a client that never sends anything.
fn graceful_stop() -> Duration {
    let mut server = Webhook::start();
    let address = server.address().to_owned();
    let healthy = Command::new("curl")
        .args(["--silent", "--insecure", "--noproxy", "*", &format!("https://{address}/healthz")])
        .output()
        .unwrap();
    assert_eq!(healthy.stdout, b"ok\n");
    let _silent = TcpStream::connect(&address).unwrap();
    let start = Instant::now();
    server.terminate();
    start.elapsed()
}

#[test]
fn one_server_answers_while_another_goes() {
    let all = built::folder("admission/base");
    let deployment = &of_kind(&all, "Deployment")["spec"];
    assert!(deployment["replicas"].as_u64().unwrap() >= 2);
    let template = &deployment["template"];
    let labels = &template["metadata"]["labels"];
    let spreads = template["spec"]["topologySpreadConstraints"].as_array().unwrap();
    for key in ["kubernetes.io/hostname", "topology.kubernetes.io/zone"] {
        let spread = spreads.iter().find(|it| it["topologyKey"] == key).unwrap();
        assert!(selects(&spread["labelSelector"]["matchLabels"], labels), "{spread}");
        // A cluster with one node has a webhook as well.
        assert_eq!(spread["whenUnsatisfiable"], "ScheduleAnyway");
    }
    let budget = of_kind(&all, "PodDisruptionBudget");
    assert_eq!(budget["metadata"]["namespace"], "weir-system");
    assert_eq!(budget["spec"]["selector"], deployment["selector"]);
    assert_eq!(budget["spec"]["maxUnavailable"], 1);
    let grace = template["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap();
    // What a kubelet needs to see that it has ended is not measured here.
    let stop = graceful_stop() + Duration::from_secs(2);
    assert!(stop < Duration::from_secs(grace), "{stop:?}, {grace} s");
}
