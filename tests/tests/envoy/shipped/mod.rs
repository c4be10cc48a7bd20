//! Every file in `envoy-configs/` starts, and the `curl` lines in its comments go where it says. A file or a
//! line that is not listed here is a failure.

mod counts;
mod curl;
mod example;
mod faults;
mod live;
mod two_hops;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use weir_allocation::{Fraction, Salt, Weights, anchored, contiguous};
use weir_tests::client::{Client, Request, Response};
use weir_tests::envoy::{Bootstrap, Envoy};

/// Where a request is expected.
enum Goes {
    /// To this upstream.
    To(&'static str),
    /// To this upstream, with this path.
    As(&'static str, &'static str),
    /// Where the 90/10 split `canary` puts its user id or cookie.
    Split,
    /// To either side of it, by the cookie that it gets.
    Minted,
    /// To this upstream, with these variants in `x-experiments`.
    With(&'static str, &'static str),
    /// Where the experiments `button` and `delivery` put the id of the signed cookie that it gets.
    Visitor,
    /// Nowhere: it is answered with this status.
    Fails(u16),
    /// To v1, and not before this many milliseconds.
    Late(u64),
    /// To v1, or it is answered with this status: a fault that happens to some.
    MayFail(u16),
}
use Goes::{As, Fails, Late, MayFail, Minted, Split, To, Visitor, With};

/// A test for each file, with its `curl` lines in order.
macro_rules! shipped {
    ($($test:ident: $name:literal [$($goes:expr),* $(,)?])*) => {
        /// Their names.
        const EXPECTED: &[&str] = &[$($name),*];

        $(#[test]
        fn $test() {
            check($name, &[$($goes),*]);
        })*
    };
}

shipped! {
    ab_routing: "ab-routing.yaml" [To("v2"), To("v2"), To("canary"), Split, Split, Split, Split, Minted]
    all_filters: "all-filters.yaml" [
        With("v2", "checkout=fast"), With("v1", "checkout=safe"), Fails(401), With("v1", "checkout=safe"),
        Fails(503), To("v1"),
    ]
    api_keys: "api-keys.yaml" [
        Fails(401), To("v1"), To("v1"), Fails(403), Fails(403), To("v1"), Fails(429), Fails(401), Fails(403),
        Fails(403),
    ]
    canary_header: "canary-header.yaml" [To("canary"), To("canary"), To("canary"), To("v1"), To("v1")]
    cluster_header: "cluster-header.yaml" [To("v2"), As("canary", "/orders?id=7"), To("v1"), To("v1")]
    experiment: "experiment.yaml" [
        With("v1", "button=blue"), With("v2", "button=green"), With("v1", "delivery=free"), With("v1", ""),
        With("v1", ""), With("v1", ""), With("v2", "button=green"), Visitor, Visitor,
    ]
    faults_callee: "faults-callee.yaml" [MayFail(503), MayFail(504), Late(2000), To("v1")]
    faults: "faults.yaml" [
        To("v1"), MayFail(503), To("v1"), Fails(429), Late(300), To("v1"), To("v1"), To("v1"),
    ]
    front_proxy: "front-proxy.yaml" [
        With("v2", "checkout=fast"), With("v1", "checkout=safe"), With("v1", ""),
        With("v2", "checkout=fast"), With("v1", "checkout=safe"), Fails(401), Fails(401), With("v1", ""),
        Fails(401),
    ]
    header_routing: "header-routing.yaml" [To("v2"), To("v1"), To("v1"), To("v1")]
    jwt_claims: "jwt-claims.yaml" [
        To("v1"), Fails(403), Fails(401), To("v1"), As("v1", "/?page=2"), Fails(401), To("v1"),
    ]
    live_update: "live-update.yaml" [To("v2"), To("v1")]
    metrics: "metrics.yaml" [
        To("v1"), To("v1"), To("v1"), To("v1"), To("v1"), To("v1"), To("v1"), As("v1", "/users/bob?page=2"),
        To("v1"), To("v1"),
    ]
    native: "native.yaml" [
        With("v2", "checkout=fast"), With("v1", "checkout=safe"), Fails(401), With("v1", "checkout=safe"),
        Fails(503), To("v1"),
    ]
    region: "region.yaml" [To("v2"), To("v2"), To("v1"), To("v1")]
    rollout: "rollout.yaml" [To("v1"), To("v1")]
    sticky_canary: "sticky-canary.yaml" [Split, Split, Split, Split, Split, Minted]
    tracing: "tracing.yaml" [To("v1"), To("v2"), To("v2"), Late(100)]
    two_hops: "two-hops.yaml" [
        With("v2", "button=green"), With("v1", "button=blue"), With("v1", "button=blue"), With("v1", ""),
    ]
}

#[test]
fn each_shipped_configuration_has_a_test() {
    let files =
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = files.filter(|name| name.ends_with(".yaml")).collect();
    names.sort();
    assert_eq!(names, EXPECTED, "files of envoy-configs");
}

fn folder() -> PathBuf {
    weir_tests::paths::root().join("envoy-configs")
}

fn check(name: &str, expected: &[Goes]) {
    let text = &fs::read_to_string(folder().join(name)).unwrap();
    let config: Value = serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    if name == "two-hops.yaml" {
        return two_hops::check(text, &config, expected);
    }
    let envoy = start(name, live::with_own_file(name, Bootstrap::shipped(config).smallest_modules()));
    follow(name, text, &envoy, expected);
    counts::labelled(name, &envoy);
    match name {
        "all-filters.yaml" | "native.yaml" => counts::counted(&envoy),
        "experiment.yaml" => counts::observed(&envoy),
        "faults.yaml" => faults::drill(&envoy),
        "faults-callee.yaml" => faults::drill_callee(&envoy),
        "front-proxy.yaml" => counts::promised(&envoy, text, 4),
        "live-update.yaml" => live::changed(&envoy, text),
        "metrics.yaml" => counts::measured(&envoy, text),
        _ => {}
    }
}

fn start(name: &str, bootstrap: Bootstrap) -> Envoy {
    Envoy::start(bootstrap).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Sends the requests that a file names, in order.
fn follow(name: &str, text: &str, envoy: &Envoy, expected: &[Goes]) {
    let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("#   curl ")).collect();
    assert_eq!(lines.len(), expected.len(), "{name}: curl lines");
    let variables = curl::variables(text);
    for (line, goes) in lines.iter().zip(expected) {
        let request = curl::request(line, &variables);
        let response = Client::http1().send(envoy.listener(0), &request).unwrap();
        assert!(
            arrived(&request, &response, goes),
            "{name}: curl {line}: {} {:?}",
            response.status,
            response.seen()
        );
    }
}

fn arrived(request: &Request, response: &Response, goes: &Goes) -> bool {
    if let Fails(status) | MayFail(status) = goes
        && response.status == *status
    {
        return true;
    }
    let Some(seen) = response.seen() else { return false };
    match goes {
        Fails(_) => false,
        MayFail(_) => seen.name == "v1",
        Late(milliseconds) => seen.name == "v1" && response.elapsed >= Duration::from_millis(*milliseconds),
        To(upstream) => seen.name == *upstream,
        As(upstream, path) => (seen.name.as_str(), seen.path.as_str()) == (*upstream, *path),
        Split => {
            let sent = |name| {
                request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_slice())
            };
            let key = sent("x-user-id").or_else(|| sent("cookie")?.strip_prefix(b"weir-id="));
            key.is_some_and(|key| seen.name == side(key))
        }
        Minted => {
            let id =
                response.header("set-cookie").and_then(|cookie| cookie.strip_prefix(b"weir-id=")?.get(..32));
            id.is_some_and(|id| seen.name == side(id))
        }
        With(upstream, variants) => {
            (seen.name.as_str(), experiments(&seen).as_str()) == (*upstream, *variants)
        }
        Visitor => {
            let mut set = response.headers.iter().filter(|(name, _)| name == "set-cookie");
            let id = set.find_map(|(_, cookie)| cookie.strip_prefix(b"weir-id=")?.get(..32));
            id.is_some_and(|id| {
                let variants = visitor(id);
                let upstream = if variants == "button=green" { "v2" } else { "v1" };
                (seen.name.as_str(), experiments(&seen).as_str()) == (upstream, variants)
            })
        }
    }
}

/// The header `x-experiments` as it arrived; empty without one.
fn experiments(seen: &weir_upstream::Seen) -> String {
    String::from_utf8(seen.header_bytes("x-experiments").concat()).unwrap()
}

/// What the layer `page` and its two experiments give an id.
fn visitor(id: &[u8]) -> &'static str {
    let halves = Weights::from_relative(&[50.0, 50.0]).unwrap();
    let pick = |key: &str, coverage| {
        let allocation = contiguous(&halves, Fraction::from_percent(coverage).unwrap()).unwrap();
        allocation.pick(Salt::new(key).bucket(id))
    };
    if Salt::derived("page", "layer").bucket(id).index() < 500_000 {
        pick("button", 100.0).map_or("", |variant| ["button=blue", "button=green"][variant])
    } else {
        pick("delivery", 40.0).map_or("", |variant| ["delivery=standard", "delivery=free"][variant])
    }
}

fn side(key: &[u8]) -> &'static str {
    let allocation = anchored(&Weights::from_relative(&[90.0, 10.0]).unwrap());
    ["v1", "canary"][allocation.pick(Salt::derived("canary", "split").bucket(key)).unwrap()]
}
