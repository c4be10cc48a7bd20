//! Every file in `envoy-configs/` starts, and the `curl` lines in its comments go where it says. A file or a
//! line that is not listed here is a failure.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use weir_allocation::{Salt, Share, Weights, anchored, contiguous};
use weir_tests::client::{Client, Request, Response};
use weir_tests::envoy::{Bootstrap, Envoy};
use weir_tests::exposition::Page;

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
    /// To v1, and not before so many milliseconds.
    Late(u64),
    /// To v1, or it is answered with this status: a fault that happens to some.
    MayFail(u16),
}
use Goes::{As, Fails, Late, MayFail, Minted, Split, To, Visitor, With};

/// How many requests show the share of a fault.
const DRILLED: usize = 300;

/// What the access log of `experiment.yaml` must say of its requests with a user.
const LOGGED: &[&str] = &[
    "200 user=ada button=blue delivery=-",
    "200 user=dieter button=green delivery=-",
    "200 user=bea button=- delivery=free",
    "200 user=carla button=- delivery=-",
];

/// The `curl` lines of each file, in order.
const EXPECTED: &[(&str, &[Goes])] = &[
    ("ab-routing.yaml", &[To("v2"), To("v2"), To("canary"), Split, Split, Split, Split, Minted]),
    (
        "all-filters.yaml",
        &[With("v2", "checkout=fast"), With("v1", "checkout=safe"), Fails(401), Fails(503), To("v1")],
    ),
    ("canary-header.yaml", &[To("canary"), To("canary"), To("canary"), To("v1"), To("v1")]),
    ("cluster-header.yaml", &[To("v2"), As("canary", "/orders?id=7"), To("v1"), To("v1")]),
    (
        "experiment.yaml",
        &[
            With("v1", "button=blue"),
            With("v2", "button=green"),
            With("v1", "delivery=free"),
            With("v1", ""),
            With("v1", ""),
            With("v1", ""),
            With("v2", "button=green"),
            Visitor,
            Visitor,
        ],
    ),
    ("faults-callee.yaml", &[MayFail(503), MayFail(504), Late(2000), To("v1")]),
    ("faults.yaml", &[To("v1"), MayFail(503), To("v1"), Fails(429), Late(300), To("v1"), To("v1"), To("v1")]),
    ("header-routing.yaml", &[To("v2"), To("v1"), To("v1"), To("v1")]),
    (
        "jwt-claims.yaml",
        &[To("v1"), Fails(403), Fails(401), To("v1"), As("v1", "/?page=2"), Fails(401), To("v1")],
    ),
    (
        "metrics.yaml",
        &[
            To("v1"),
            To("v1"),
            To("v1"),
            To("v1"),
            To("v1"),
            To("v1"),
            To("v1"),
            As("v1", "/users/bob?page=2"),
            To("v1"),
            To("v1"),
        ],
    ),
    ("region.yaml", &[To("v2"), To("v2"), To("v1"), To("v1")]),
    ("sticky-canary.yaml", &[Split, Split, Split, Split, Split, Minted]),
];

#[test]
fn every_shipped_configuration_does_what_its_comments_say() {
    let directory = weir_tests::paths::root().join("envoy-configs");
    let mut files: Vec<PathBuf> =
        fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    let names: Vec<_> = files.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, EXPECTED.iter().map(|(name, _)| *name).collect::<Vec<_>>(), "files of envoy-configs");
    for (path, (name, expected)) in files.iter().zip(EXPECTED) {
        check(name, &fs::read_to_string(path).unwrap(), expected);
    }
}

fn check(name: &str, text: &str, expected: &[Goes]) {
    let config: Value = serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let envoy = Envoy::start(Bootstrap::shipped(config)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("#   curl ")).collect();
    assert_eq!(lines.len(), expected.len(), "{name}: curl lines");
    for (line, goes) in lines.iter().zip(expected) {
        let request = request(line);
        let response = Client::http1().send(envoy.listener(0), &request).unwrap();
        assert!(
            arrived(&request, &response, goes),
            "{name}: curl {line}: {} {:?}",
            response.status,
            response.seen()
        );
    }
    match name {
        "all-filters.yaml" => counted(&envoy),
        "experiment.yaml" => observed(&envoy),
        "faults.yaml" => drill(&envoy),
        "faults-callee.yaml" => drill_callee(&envoy),
        "metrics.yaml" => measured(&envoy, text),
        _ => {}
    }
}

/// What `all-filters.yaml` counts of its requests: labels are labels, and each filter is seen.
fn counted(envoy: &Envoy) {
    let page = || Page::parse(&envoy.prometheus().unwrap()).unwrap();
    let by_variant = |class, variant| {
        let labels = [("code_class", class), ("experiment", "checkout"), ("variant", variant)];
        page().value("weir_experiment_requests_total", &labels)
    };
    assert!(envoy.wait_for(Duration::from_secs(10), |_| by_variant("5xx", "fast") == Some(1.0)));
    assert_eq!((by_variant("2xx", "fast"), by_variant("2xx", "safe")), (Some(1.0), Some(2.0)));
    let value = |name, labels: &[(&str, &str)]| page().value(name, labels);
    for variant in ["fast", "safe"] {
        assert_eq!(value("checkouts_total", &[("experiment", "checkout"), ("variant", variant)]), Some(1.0));
    }
    assert_eq!(value("weir_requests_total", &[("code_class", "4xx")]), Some(1.0));
    assert_eq!(value("weir_fault_aborts_total", &[("fault", "slow-checkout")]), Some(1.0));
    assert_eq!(page().sum("weir_jwt_denied_total", &[]), 1.0);
    assert!(page().samples.iter().all(|sample| !sample.name.contains("___")), "a label in a name");
}

/// What `metrics.yaml` says that Prometheus has, line by line, its buckets and its log.
fn measured(envoy: &Envoy, text: &str) {
    let page = || Page::parse(&envoy.prometheus().unwrap()).unwrap();
    let lines =
        text.lines().filter_map(|line| line.strip_prefix("#   ")).filter(|line| line.contains("_total{"));
    let promised: Vec<&str> = lines.collect();
    assert_eq!(promised.len(), 5);
    let missing = || {
        let page = envoy.prometheus().unwrap();
        promised.iter().filter(|line| !page.lines().any(|known| known == **line)).count()
    };
    assert!(envoy.wait_for(Duration::from_secs(10), |_| missing() == 0), "{}", envoy.prometheus().unwrap());
    let bounds = |family: &str, label: (&str, &str)| {
        let page = page();
        let buckets =
            page.of(family).filter(|sample| sample.labels.get(label.0).is_some_and(|v| v == label.1));
        buckets.map(|sample| sample.labels["le"].clone()).collect::<Vec<_>>().join(" ")
    };
    let seen = |_: &Envoy| !bounds("response_bytes_bucket", ("path", "/users/{id}")).is_empty();
    assert!(envoy.wait_for(Duration::from_secs(10), seen));
    assert_eq!(bounds("response_bytes_bucket", ("path", "/users/{id}")), "100 1000 10000 100000 +Inf");
    assert_eq!(
        bounds("weir_request_duration_milliseconds_bucket", ("route", "shop")),
        "5 10 25 50 100 250 500 1000 2500 5000 +Inf"
    );
    assert_eq!(page().value("requests_active", &[]), Some(0.0));
    let log = envoy.log();
    assert!(
        log.contains(r#""path":"/users/{id}","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","unit":""#),
        "{log}"
    );
    assert!(!log.contains("ada") && !log.contains("wp-admin"), "{log}");
}

/// What `faults.yaml` promises: half of all checkouts are slow, three searches of ten fail.
fn drill(envoy: &Envoy) {
    let (searches, checkouts) = (send(envoy, "/search", DRILLED, 16), send(envoy, "/checkout", 200, 200));
    let failed = searches.iter().filter(|answer| answer.status == 503).count();
    assert!(searches.iter().all(|a| a.status == 200 || a.header("retry-after") == Some(b"1")), "{failed}");
    assert!(four_sigma(failed, DRILLED, 0.3), "{failed} of {DRILLED} searches failed");
    let slow = checkouts.iter().filter(|answer| answer.elapsed >= Duration::from_secs(5)).count();
    assert!(checkouts.iter().all(|answer| answer.status == 200));
    assert!(four_sigma(slow, 200, 0.5), "{slow} of 200 checkouts were slow");
    let samples = envoy.samples("weir_fault_delays_total").unwrap();
    let counted =
        samples.iter().find(|s| s.labels.get("fault").is_some_and(|fault| fault == "slow-checkout"));
    // One more may be that of the `curl` line.
    assert!(counted.is_some_and(|s| (slow..=slow + 1).contains(&(s.value as usize))), "{slow} {samples:?}");
}

/// What `faults-callee.yaml` promises of the caller's retries, timeouts and circuit breakers.
fn drill_callee(envoy: &Envoy) {
    let stat = |name: &str| envoy.stat(&format!("cluster.callee{name}")).unwrap();
    let failed = send(envoy, "/failing", 1_000, 16).iter().filter(|answer| answer.status == 503).count();
    assert!(four_sigma(failed, 1_000, 0.027), "{failed} of 1000 failed after their retries");
    assert!(stat(".upstream_rq_retry_success") > 200 && stat(".upstream_rq_retry_limit_exceeded") > 0);
    let slow = send(envoy, "/slow", 40, 40);
    assert!(slow.iter().all(|answer| answer.elapsed < Duration::from_secs(5)));
    assert!(stat(".upstream_rq_per_try_timeout") > 0);
    // One after the other, but while the first still wait.
    let address = envoy.listener(0);
    let jammed: Vec<_> = (0..20)
        .map(|_| {
            std::thread::sleep(Duration::from_millis(25));
            std::thread::spawn(move || Client::http1().send(address, &Request::get("/jammed")).unwrap())
        })
        .collect();
    let jammed = jammed.into_iter().map(|sender| sender.join().unwrap());
    assert_eq!(jammed.filter(|answer| answer.status == 200).count(), 4);
    assert_eq!(stat("-with-two-connections.upstream_rq_pending_overflow"), 16);
}

fn send(envoy: &Envoy, path: &str, number: usize, at_once: usize) -> Vec<Response> {
    let answers = Client::http1().send_all(envoy.listener(0), vec![Request::get(path); number], at_once);
    answers.into_iter().map(Result::unwrap).collect()
}

fn four_sigma(count: usize, of: usize, share: f64) -> bool {
    let mean = of as f64 * share;
    (count as f64 - mean).abs() <= 4.0 * (mean * (1.0 - share)).sqrt()
}

/// What the comments of `experiment.yaml` say about logs and metrics.
fn observed(envoy: &Envoy) {
    let missing = |envoy: &Envoy| {
        let output = envoy.output();
        LOGGED.iter().filter(|line| !output.lines().any(|known| known == **line)).count()
    };
    assert!(envoy.wait_for(Duration::from_secs(10), |envoy| missing(envoy) == 0), "{}", envoy.output());
    let exposures = envoy.samples("weir_exposures_total").unwrap();
    let count = |variant: &str| {
        let labelled =
            exposures.iter().find(|sample| sample.labels.get("variant").is_some_and(|v| v == variant));
        labelled.map_or(0.0, |sample| sample.value)
    };
    // ada, dieter and bea once each, and the two visitors wherever they belong; the tester nowhere.
    let all = ["blue", "green", "standard", "free"].map(count);
    assert!(
        all[0] >= 1.0 && all[1] >= 1.0 && all[3] >= 1.0 && all.iter().sum::<f64>() <= 5.0,
        "{exposures:?}"
    );
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
        let allocation = contiguous(&halves, Share::from_percent(coverage).unwrap()).unwrap();
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
    ["v1", "canary"][allocation.pick(Salt::new("canary").bucket(key)).unwrap()]
}

/// The request that `curl` would send: `-X`, `-H`, `-b` and a URL are known, anything else is a failure.
fn request(line: &str) -> Request {
    let mut request = Request::get("/");
    let mut words = words(line).into_iter();
    while let Some(word) = words.next() {
        let mut next = || words.next().expect("an option's value");
        match word.as_str() {
            "-X" => request.method = next(),
            "-b" => request = request.header("cookie", next()),
            "-H" => {
                let header = next();
                let (name, value) = header.split_once(": ").expect("a header");
                request = request.header(name, value);
            }
            url => {
                let path = url
                    .strip_prefix("http://127.0.0.1:10000")
                    .unwrap_or_else(|| panic!("curl {line}: {url}"));
                request.path = path.to_owned();
            }
        }
    }
    request
}

/// Words with single quotes around those that contain blanks.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('\'').enumerate();
    let words = parts.flat_map(|(index, part)| match index % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.collect()
}
