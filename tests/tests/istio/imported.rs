//! `weir import istio` against Istio: one istiod, one Envoy with two gateways. Behind the one are random
//! VirtualServices as they are; behind the other Weir, with the configuration that was imported from them, and the
//! VirtualServices that follow its header. The same request takes the same route through both.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};
use weir_tests::client::{Client, Request, Response, runtime};
use weir_tests::envoy::{Bootstrap, Envoy};
use weir_tests::{paths, program};
use weir_upstream::Upstream;

use crate::istiod::Istiod;
use crate::mesh::{self, Role};

/// How many VirtualServices, and how many requests of each.
const SERVICES: usize = 80;
const REQUESTS: usize = 60;
/// Requests of the VirtualService that has nothing but weights.
const DRAWN: usize = 400;
const SEED: u64 = 2026;
/// How many requests are on the way at any time.
const AT_ONCE: usize = 8;
/// The header by which routes tell upstreams which of them it was.
const MATCHED: &str = "x-matched";
const SUBSETS: [&str; 4] = ["a", "b", "c", "d"];

/// The two gateways.
#[derive(Clone, Copy)]
enum Side {
    Istio,
    Weir,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Istio => "plain",
            Self::Weir => "weir",
        }
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
struct Outcome {
    status: u16,
    /// The route, the upstream and the path there.
    taken: Option<(String, String, String)>,
}

impl Outcome {
    fn of(response: &Response) -> Self {
        let taken = response.seen().map(|seen| {
            let route = seen.header_bytes(MATCHED).concat();
            (String::from_utf8(route).unwrap(), seen.name.clone(), seen.path.clone())
        });
        Self { status: response.status, taken }
    }

    /// The same without the upstream.
    fn route(&self) -> (u16, Option<(&str, &str)>) {
        (self.status, self.taken.as_ref().map(|(route, _, path)| (route.as_str(), path.as_str())))
    }
}

fn pick<'t>(random: &mut Rng, texts: &[&'t str]) -> &'t str {
    texts[random.usize(..texts.len())]
}

/// A test that some of the requests pass.
fn text(random: &mut Rng, whole: &[&str], starts: &[&str], patterns: &[&str]) -> Value {
    match random.u8(..8) {
        0..3 => json!({"exact": pick(random, whole)}),
        3..5 => json!({"prefix": pick(random, starts)}),
        5..7 => json!({"regex": pick(random, patterns)}),
        _ => json!({}),
    }
}

const PATHS: [&str; 8] = ["/", "/a", "/a/b", "/A/b", "/api/v1", "/api/v2?x=1", "/b?v=2&w", "/b?v=1&v=2"];

fn matched(random: &mut Rng) -> Value {
    let mut entry = json!({});
    let value =
        |random: &mut Rng| text(random, &["1", "2", "beta", ""], &["b", "1"], &["[0-9]+", ".*", "(beta|1)"]);
    if random.u8(..3) > 0 {
        entry["uri"] = text(
            random,
            &["/a", "/b", "/a/b"],
            &["/a", "/api", "/", "/a/"],
            &["/a.*", "/api/v[0-9]", "/[ab](/b)?"],
        );
        if random.u8(..3) == 0 {
            entry["ignoreUriCase"] = json!(true);
        }
    }
    for name in ["x-group", "x-version"] {
        if random.u8(..4) == 0 {
            entry["headers"][name] = value(random);
        }
        if random.u8(..6) == 0 {
            // Here alone Istio takes `*` for a test of presence.
            entry["withoutHeaders"][name] =
                if random.u8(..4) == 0 { json!({"regex": "*"}) } else { value(random) };
        }
    }
    if random.u8(..6) == 0 {
        entry["headers"]["cookie"] = json!({"regex": "^(.*?;)?( ?user=jason)(;.*)?$"});
    }
    if random.u8(..5) == 0 {
        entry["method"] = text(random, &["GET", "PUT"], &["P"], &["GET|PUT", "P.*"]);
    }
    if random.u8(..5) == 0 {
        entry["queryParams"][pick(random, &["v", "w"])] = value(random);
    }
    if random.u8(..8) == 0 {
        entry["authority"] = text(random, &["h1.example.com"], &["h1", "h"], &["h[0-9]\\..*", "h.*:8080"]);
    }
    if random.u8(..10) == 0 {
        entry["scheme"] = json!({"exact": pick(random, &["http", "https"])});
    }
    // Istio refuses empty prefixes and exact texts of these, and has no test of presence for a path.
    if entry["uri"] == json!({}) {
        entry.as_object_mut().unwrap().remove("uri");
    }
    entry
}

fn destination(subset: &str, weight: u32) -> Value {
    json!({"destination": {"host": "web.shop.svc.cluster.local", "subset": subset, "port": {"number": 80}}, "weight": weight})
}

fn route(random: &mut Rng, name: &str) -> Value {
    let mut route = json!({"headers": {"request": {"set": {MATCHED: name}}}});
    let matches: Vec<Value> = (0..random.usize(..4)).map(|_| matched(random)).collect();
    if !matches.is_empty() {
        route["match"] = json!(matches);
    }
    let mut subsets = SUBSETS.to_vec();
    random.shuffle(&mut subsets);
    subsets.truncate(if random.bool() { 1 } else { random.usize(2..4) });
    let weighted = subsets.iter().map(|subset| destination(subset, random.u32(1..10) * 10));
    route["route"] = json!(weighted.collect::<Vec<_>>());
    match random.u8(..8) {
        0 => route["rewrite"] = json!({"uri": pick(random, &["/new", "/"])}),
        1 => route["fault"] = json!({"abort": {"httpStatus": 418, "percentage": {"value": 100}}}),
        2 => route["timeout"] = json!("10s"),
        _ => {}
    }
    route
}

fn service(random: &mut Rng, index: usize) -> Value {
    let routes: Vec<Value> =
        (0..random.usize(1..5)).map(|at| route(random, &format!("s{index}.{at}"))).collect();
    of_routes(&format!("s{index}"), &format!("h{index}.example.com"), &routes)
}

fn of_routes(name: &str, host: &str, routes: &[Value]) -> Value {
    json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": name, "namespace": "istio-ingress"},
        "spec": {"hosts": [host], "gateways": [Side::Istio.name()], "http": routes}})
}

/// A request of this number, each of another user.
fn request(random: &mut Rng, host: &str, user: usize) -> Request {
    let mut request = Request::get(pick(random, &PATHS)).header("x-user-id", format!("user-{user}"));
    request.method = pick(random, &["GET", "GET", "PUT", "POST"]).to_owned();
    request.host = match random.u8(..6) {
        0 => format!("{host}:8080"),
        1 => host.to_ascii_uppercase(),
        _ => host.to_owned(),
    };
    for name in ["x-group", "x-version"] {
        for _ in 0..random.usize(..3) {
            request = request.header(name, pick(random, &["1", "2", "beta", "", "b1", "Beta"]));
        }
    }
    if random.u8(..3) == 0 {
        request = request
            .header("cookie", pick(random, &["user=jason", "a=1; user=jason", "user=anna", "user=jason2"]));
    }
    // Nobody can choose a route.
    if random.u8(..5) == 0 {
        request = request.header("x-weir-route", "s1.1");
    }
    request
}

/// Hosts in capitals find their VirtualService, but a match by host is of another case then, in Istio only.
fn has_authority(service: &Value) -> bool {
    service.to_string().contains("\"authority\"")
}

/// What the import makes of resources: a configuration, and VirtualServices.
pub(crate) fn imported(resources: &[Value]) -> (Value, Vec<Value>, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("istio.json");
    std::fs::write(&file, json!({"apiVersion": "v1", "kind": "List", "items": resources}).to_string())
        .unwrap();
    let output = Command::new(program::path())
        .args(["import", "istio", "--unit", "header:x-user-id", "--output", "json"])
        .arg(&file)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let report: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{:?}", output.stderr));
    assert!(output.status.success(), "{:#}", report["left_out"]);
    let yaml = |name: &str| report[name].as_str().unwrap_or_default();
    let configuration = serde_saphyr::from_str(yaml("configuration")).unwrap();
    let routes = serde_saphyr::from_multiple(yaml("routes")).unwrap();
    (configuration, routes, report["stays"].to_string())
}

/// A gateway of its own port.
fn gateway(side: Side, entry: SocketAddr) -> Value {
    json!({"apiVersion": "networking.istio.io/v1", "kind": "Gateway",
        "metadata": {"name": side.name(), "namespace": "istio-ingress"},
        "spec": {"selector": {"istio": "ingressgateway"}, "servers": [{
            "port": {"number": entry.port(), "name": format!("http-{}", side.name()), "protocol": "HTTP"},
            "bind": "127.0.0.1", "hosts": ["*"]}]}})
}

pub(crate) fn plugin(configuration: &Value, entry: SocketAddr) -> Value {
    let module = paths::module("weir").unwrap().canonicalize().unwrap();
    json!({"apiVersion": "extensions.istio.io/v1alpha1", "kind": "WasmPlugin",
        "metadata": {"name": "weir", "namespace": "istio-ingress"},
        "spec": {"selector": {"matchLabels": {"istio": "ingressgateway"}},
            "url": format!("file://{}", module.display()), "phase": "AUTHZ", "priority": 100,
            "failStrategy": "FAIL_CLOSE", "match": [{"mode": "CLIENT", "ports": [{"number": entry.port()}]}],
            "pluginConfig": configuration}})
}

/// The service with an upstream for each subset.
fn upstreams(versions: &[Upstream]) -> [Value; 2] {
    let endpoint = |(name, upstream): (&&str, &Upstream)| json!({"address": "127.0.0.1", "ports": {"http": upstream.address().port()}, "labels": {"version": name}});
    let endpoints: Vec<_> = SUBSETS.iter().zip(versions).map(endpoint).collect();
    let host = "web.shop.svc.cluster.local";
    let subsets: Vec<_> =
        SUBSETS.iter().map(|name| json!({"name": name, "labels": {"version": name}})).collect();
    [
        json!({"apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry",
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"hosts": [host], "addresses": ["240.0.0.10"], "location": "MESH_EXTERNAL",
                "resolution": "STATIC", "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}],
                "endpoints": endpoints}}),
        json!({"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule",
            "metadata": {"name": "web", "namespace": "shop"}, "spec": {"host": host, "subsets": subsets}}),
    ]
}

struct Pair {
    entries: [SocketAddr; 2],
    envoy: Envoy,
    _istiod: Istiod,
    _versions: Vec<Upstream>,
}

impl Pair {
    fn start(services: &[Value], configuration: &Value, routes: Vec<Value>) -> Self {
        let version = |name: &&str| {
            runtime()
                .block_on(Upstream::start_with(name, ([127, 0, 0, 1], 0).into(), Default::default()))
                .unwrap()
        };
        let versions: Vec<_> = SUBSETS.iter().map(version).collect();
        let entries = [mesh::free_address(), mesh::free_address()];
        let mut resources = services.to_vec();
        resources.extend([gateway(Side::Istio, entries[0]), gateway(Side::Weir, entries[1])]);
        resources.push(plugin(configuration, entries[1]));
        resources.extend(upstreams(&versions));
        resources.extend(routes.into_iter().map(|mut service| {
            let name = format!("{}-by-header", service["metadata"]["name"].as_str().unwrap());
            service["metadata"]["name"] = json!(name);
            service["spec"]["gateways"] = json!([Side::Weir.name()]);
            service
        }));
        let istiod = Istiod::start(&resources);
        let envoy = Envoy::start(Bootstrap::shipped(mesh::bootstrap(Role::Gateway, istiod.address())));
        let envoy = envoy.unwrap_or_else(|error| panic!("{error}\n{}", istiod.log()));
        for entry in entries {
            let listens = envoy.wait_for(Duration::from_secs(60), |_| TcpStream::connect(entry).is_ok());
            assert!(listens, "no listener:\n{}\n{}", envoy.log(), istiod.log());
        }
        Self { entries, envoy, _istiod: istiod, _versions: versions }
    }

    fn send(&self, side: Side, requests: &[Request]) -> Vec<Outcome> {
        let entry = self.entries[side as usize];
        let answers = Client::http1().send_all(entry, requests.to_vec(), AT_ONCE);
        answers
            .into_iter()
            .map(|answer| {
                Outcome::of(&answer.unwrap_or_else(|error| panic!("{error}\n{}", self.envoy.log())))
            })
            .collect()
    }
}

/// How often each upstream of a route was chosen.
type Shares = BTreeMap<String, BTreeMap<String, usize>>;

fn shares(outcomes: &[Outcome]) -> Shares {
    let mut shares = Shares::new();
    for (route, upstream, _) in outcomes.iter().filter_map(|it| it.taken.as_ref()) {
        *shares.entry(route.clone()).or_default().entry(upstream.clone()).or_default() += 1;
    }
    shares
}

/// The weights of each route by upstream.
fn weights(services: &[Value]) -> BTreeMap<String, BTreeMap<String, f64>> {
    let routes = services.iter().flat_map(|it| it["spec"]["http"].as_array().unwrap());
    let of_route = |route: &Value| {
        let name = route["headers"]["request"]["set"][MATCHED].as_str().unwrap().to_owned();
        let targets = route["route"].as_array().unwrap();
        let weight = |target: &Value| target["weight"].as_f64().unwrap();
        let sum: f64 = targets.iter().map(weight).sum();
        let share = |target: &Value| {
            (target["destination"]["subset"].as_str().unwrap().to_owned(), weight(target) / sum)
        };
        (name, targets.iter().map(share).collect())
    };
    routes.map(of_route).collect()
}

/// All shares are within four standard deviations of the weights; returns how many routes were drawn.
fn follow(shares: &Shares, weights: &BTreeMap<String, BTreeMap<String, f64>>) -> usize {
    let mut drawn = 0;
    for (route, counts) in shares {
        let total: usize = counts.values().sum();
        let of_route = &weights[route];
        assert!(counts.keys().all(|upstream| of_route.contains_key(upstream)), "{route}: {counts:?}");
        drawn += usize::from(of_route.len() > 1);
        for (upstream, share) in of_route {
            let (number, expected) =
                (counts.get(upstream).copied().unwrap_or(0) as f64, total as f64 * share);
            let four = 4.0 * (expected * (1.0 - share)).sqrt();
            // One more than that, as numbers are whole and some are small.
            assert!(
                (number - expected).abs() <= four + 1.0,
                "{route} {upstream}: {number} of {total}, not {expected}"
            );
        }
    }
    drawn
}

#[test]
fn imported_rules_route_as_istio_does() {
    let mut random = Rng::with_seed(SEED);
    let mut services: Vec<Value> = (0..SERVICES).map(|index| service(&mut random, index)).collect();
    let weighted = json!({"headers": {"request": {"set": {MATCHED: "drawn"}}},
        "route": [destination("a", 70), destination("b", 20), destination("c", 10)]});
    services.push(of_routes("drawn", "drawn.example.com", &[weighted]));
    let (configuration, routes, stays) = imported(&services);
    assert!(configuration["faults"].as_array().is_some_and(|faults| faults.len() > 3), "no faults");
    assert!(stays.contains("fault"), "no fault stays with Istio");
    let pair = Pair::start(&services, &configuration, routes);
    let mut requests = Vec::new();
    for (index, service) in services.iter().enumerate() {
        let host = service["spec"]["hosts"][0].as_str().unwrap();
        let number = if index < SERVICES { REQUESTS } else { DRAWN };
        for _ in 0..number {
            let mut request = request(&mut random, host, requests.len());
            if has_authority(service) {
                request.host = request.host.to_ascii_lowercase();
            }
            requests.push(request);
        }
    }
    assert!(requests.len() >= 5000, "{}", requests.len());
    let by_istio = pair.send(Side::Istio, &requests);
    let by_weir = pair.send(Side::Weir, &requests);
    let weights = weights(&services);
    let mut different = Vec::new();
    let mut taken = 0;
    for ((request, istio), weir) in requests.iter().zip(&by_istio).zip(&by_weir) {
        let is_drawn = istio.taken.as_ref().is_some_and(|(route, ..)| weights[route].len() > 1);
        taken += usize::from(istio.taken.is_some());
        let same = if is_drawn { istio.route() == weir.route() } else { istio == weir };
        if !same {
            different.push(format!("{request:?}\n  Istio {istio:?}\n  Weir  {weir:?}"));
        }
    }
    let statuses = |status: u16| by_istio.iter().filter(|it| it.status == status).count();
    println!(
        "{} requests: {taken} routed, {} aborted, {} without a route",
        requests.len(),
        statuses(418),
        statuses(404)
    );
    let all = different.len();
    different.truncate(10);
    assert!(all == 0, "{all} of {} differ:\n{}", requests.len(), different.join("\n"));
    assert!(
        taken > 2000 && statuses(418) > 100 && statuses(404) > 100,
        "the requests are not what they should be"
    );
    follow(&shares(&by_istio), &weights);
    let drawn = follow(&shares(&by_weir), &weights);
    assert!(drawn > 40, "{drawn}");
    // The same users again have what they had, though another gateway or a restart may be between.
    assert_eq!(pair.send(Side::Weir, &requests[requests.len() - DRAWN..]), by_weir[by_weir.len() - DRAWN..]);
}
