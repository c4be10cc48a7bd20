//! `weir import istio` of policies: one istiod, and two Envoys as gateways. The one has RequestAuthentication and
//! AuthorizationPolicies, the other the configuration that was imported from them. Both let the same requests pass.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};
use weir_tests::client::{Client, Request, runtime};
use weir_tests::envoy::{Bootstrap, Envoy};
use weir_upstream::Upstream;

use crate::imported::{imported, plugin};
use crate::istiod::Istiod;
use crate::mesh::{self, Role};
use crate::{ADA, BOB};

/// Hosts with policies of their own, and requests of each.
const HOSTS: usize = 6;
const REQUESTS: usize = 120;
const SEED: u64 = 7;
const LABELS: [&str; 2] = ["ingressgateway", "weirgateway"];

fn some(random: &mut Rng, texts: &[&str]) -> Vec<String> {
    let number = random.usize(1..3);
    (0..number).map(|_| texts[random.usize(..texts.len())].to_owned()).collect()
}

const PATHS: [&str; 5] = ["/public/*", "/admin*", "/admin/x", "*/x", "/"];

/// A rule for requests to a host.
fn rule(random: &mut Rng, host: &str) -> Value {
    let mut operation = json!({"hosts": [host]});
    match random.u8(..4) {
        0 => operation["paths"] = json!(some(random, &PATHS)),
        1 => operation["notPaths"] = json!(some(random, &PATHS[..2])),
        2 => operation["methods"] = json!(some(random, &["GET", "PUT", "P*"])),
        _ => {}
    }
    let mut rule = json!({"to": [{"operation": operation}]});
    match random.u8(..5) {
        0 => rule["from"] = json!([{"source": {"requestPrincipals": ["*"]}}]),
        1 => rule["from"] = json!([{"source": {"notRequestPrincipals": ["https://id.example.com/b*"]}}]),
        2 => rule["when"] = json!([{"key": "request.auth.claims[role]", "values": ["adm*"]}]),
        3 => {
            rule["when"] =
                json!([{"key": "request.auth.claims[role]", "notValues": some(random, &["user", "guest"])}])
        }
        _ => {
            rule["when"] = json!([{"key": "request.auth.principal", "values": ["*/ada"]},
                {"key": "request.headers[x-debug]", "notValues": ["1", "2"]}]);
        }
    }
    rule
}

fn policy(name: &str, action: &str, rules: &[Value]) -> Value {
    json!({"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
        "metadata": {"name": name, "namespace": "istio-ingress"},
        "spec": {"selector": {"matchLabels": {"istio": LABELS[0]}}, "action": action, "rules": rules}})
}

fn gateway(label: &str, entry: SocketAddr) -> Value {
    json!({"apiVersion": "networking.istio.io/v1", "kind": "Gateway",
        "metadata": {"name": label, "namespace": "istio-ingress"},
        "spec": {"selector": {"istio": label}, "servers": [{
            "port": {"number": entry.port(), "name": format!("http-{label}"), "protocol": "HTTP"},
            "bind": "127.0.0.1", "hosts": ["*"]}]}})
}

fn envoy(istiod: &Istiod, label: &str, entry: SocketAddr) -> Envoy {
    let mut bootstrap = mesh::bootstrap(Role::Gateway, istiod.address());
    bootstrap["node"]["metadata"]["LABELS"]["istio"] = json!(label);
    bootstrap["node"]["id"] =
        json!(format!("router~10.0.0.1~{label}.istio-ingress~istio-ingress.svc.cluster.local"));
    let envoy = Envoy::start(Bootstrap::shipped(bootstrap))
        .unwrap_or_else(|error| panic!("{error}\n{}", istiod.log()));
    let listens = envoy.wait_for(Duration::from_secs(60), |_| TcpStream::connect(entry).is_ok());
    assert!(listens, "no listener:\n{}\n{}", envoy.log(), istiod.log());
    envoy
}

fn request(random: &mut Rng, host: &str) -> Request {
    let path = ["/public/a", "/admin", "/admin/x", "/other/x", "/", "/?a=/admin"][random.usize(..6)];
    let mut request = Request::get(path);
    request.method = ["GET", "PUT", "POST"][random.usize(..3)].to_owned();
    request.host = host.to_owned();
    if random.u8(..4) == 0 {
        request = request.header("x-debug", ["1", "3"][random.usize(..2)]);
    }
    match random.u8(..8) {
        0..3 => request.header("authorization", ADA),
        3..6 => request.header("authorization", BOB),
        6 => request.header("authorization", format!("{BOB}x")),
        _ => request,
    }
}

#[test]
fn imported_policies_decide_as_istio_does() {
    let mut random = Rng::with_seed(SEED);
    let mut resources: Vec<Value> = mesh::documents("experiment/authentication.yaml");
    let host = |index: usize| format!("p{index}.example.com");
    let mut rules = |number: usize| -> Vec<Value> {
        (0..HOSTS)
            .flat_map(|index| (0..number).map(move |_| index))
            .map(|index| rule(&mut random, &host(index)))
            .collect()
    };
    let (deny, allow) = (rules(1), rules(2));
    // A host for which nothing is allowed, and one for which all is.
    let open = json!({"to": [{"operation": {"hosts": ["open.example.com"]}}]});
    resources.push(policy("deny", "DENY", &deny));
    resources.push(policy("allow", "ALLOW", &allow));
    resources.push(policy("open", "ALLOW", &[open]));
    let (configuration, _, _) = imported(&resources);
    let upstream =
        runtime().block_on(Upstream::start_with("web", ([127, 0, 0, 1], 0).into(), Default::default()));
    let upstream = upstream.unwrap();
    let entries = [mesh::free_address(), mesh::free_address()];
    resources.extend(LABELS.iter().zip(entries).map(|(label, entry)| gateway(label, entry)));
    let mut plugin = plugin(&configuration, entries[1]);
    plugin["spec"]["selector"]["matchLabels"]["istio"] = json!(LABELS[1]);
    plugin["spec"]["phase"] = json!("AUTHN");
    resources.push(plugin);
    resources.push(json!({"apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"hosts": ["web.example.net"], "location": "MESH_EXTERNAL", "resolution": "STATIC",
            "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}],
            "endpoints": [{"address": "127.0.0.1", "ports": {"http": upstream.address().port()}}]}}));
    resources.push(json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": "all", "namespace": "istio-ingress"},
        "spec": {"hosts": ["*"], "gateways": LABELS,
            "http": [{"route": [{"destination": {"host": "web.example.net", "port": {"number": 80}}}]}]}}));
    let istiod = Istiod::start(&resources);
    let envoys: Vec<Envoy> =
        LABELS.iter().zip(entries).map(|(label, entry)| envoy(&istiod, label, entry)).collect();
    let hosts: Vec<String> = (0..HOSTS)
        .map(host)
        .chain(["open.example.com".to_owned(), "closed.example.com".to_owned()])
        .collect();
    let requests: Vec<Request> =
        hosts.iter().flat_map(|host| vec![host; REQUESTS]).map(|host| request(&mut random, host)).collect();
    let statuses = entries.map(|entry| {
        let answers = Client::http1().send_all(entry, requests.clone(), 4);
        answers.into_iter().map(|answer| answer.unwrap().status).collect::<Vec<_>>()
    });
    let mut counts = [0; 3];
    for ((request, istio), weir) in requests.iter().zip(&statuses[0]).zip(&statuses[1]) {
        let has_token = request.headers.iter().any(|(name, _)| name == "authorization");
        // Weir says that a token is needed.
        let expected = if *istio == 403 && !has_token { 401 } else { *istio };
        assert_eq!(
            *weir,
            expected,
            "Istio {istio}: {request:?}\n{configuration:#}\n{:#}",
            json!([deny, allow])
        );
        counts[match istio {
            200 => 0,
            401 => 1,
            _ => 2,
        }] += 1;
    }
    println!(
        "{} requests: {} passed, {} with invalid tokens, {} forbidden",
        requests.len(),
        counts[0],
        counts[1],
        counts[2]
    );
    assert!(counts.iter().all(|count| *count > 50), "{counts:?}");
    drop(envoys);
}
