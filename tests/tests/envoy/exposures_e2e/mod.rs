//! Exposures in a log, as `weir render access-log` writes it: a row for each unit and experiment that the metrics count,
//! and none for anybody else.

mod collector;
mod warehouse;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use weir_tests::client::{Client, Request};
use weir_tests::envoy::{Bootstrap, Cluster, Envoy, Listener, Plugin};
use weir_tests::exposition::Page;
use weir_tests::origin::{Answer, Origin};
use weir_tests::program;

const PATIENCE: Duration = weir_tests::PATIENCE;
const AT_ONCE: usize = 32;
const SECRET: &str = "for-tests-only-a-secret";
/// Anonymous visitors; every third comes once.
/// How many there are: `WEIR_E2E_VISITORS`, or 600.
fn visitors() -> usize {
    weir_tests::scaled("WEIR_E2E_VISITORS", 600)
}

fn configuration() -> Value {
    json!({
        "experiments": {
            "unit": ["header:x-user-id"],
            "secret": {"value": SECRET},
            "mintCookie": {"name": "vid"},
            "assignmentCookie": {"name": "seen"},
            "overrides": {"header": "x-choose", "allow": {"match": {"headers": {"x-tester": {"exact": "yes"}}}}},
            "output": {"exposures": true},
            "list": [
                {"key": "checkout", "coverage": "60%", "variants": [{"key": "old", "weight": 50}, {"key": "new", "weight": 50}]},
                {"key": "search", "match": {"uri": {"prefix": "/search"}},
                    "variants": [{"key": "a", "weight": 50}, {"key": "b", "weight": 50}]},
            ],
        },
        "metrics": {"red": {"route": false}},
    })
}

/// What the command line renders, as JSON.
fn rendered(arguments: &[&str], config: &Value) -> Value {
    let text = program::render(&[&["access-log", "--json"], arguments].concat(), &config.to_string());
    serde_json::from_str(&text).unwrap()
}

/// The cookies that a response sets, as a request sends them.
fn cookies(response: &weir_tests::client::Response) -> String {
    let set = response.headers.iter().filter(|(name, _)| name == "set-cookie");
    let pair = |line: &[u8]| std::str::from_utf8(line).unwrap().split(';').next().unwrap().to_owned();
    set.map(|(_, line)| pair(line)).collect::<Vec<_>>().join("; ")
}

fn value(cookies: &str, name: &str) -> Option<String> {
    let pairs = cookies.split("; ").filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

#[test]
fn a_row_for_each_exposure_that_is_counted() {
    let config = configuration();
    let loggers = rendered(&[], &config)["access_log"].as_array().unwrap().clone();
    assert_eq!(loggers.len(), 2, "one for each experiment");
    let routes = json!([
        {"match": {"prefix": "/bare"}, "redirect": {"https_redirect": true}},
        {"match": {"prefix": "/"}, "route": {"cluster": "v1"}},
    ]);
    let plugin = Plugin::new("weir").unwrap().config(&config);
    let listener = Listener::new().plugin(plugin).routes(routes).loggers(loggers);
    let stats: Value =
        serde_json::from_str(&program::render(&["bootstrap", "--json"], &config.to_string())).unwrap();
    let bootstrap = Bootstrap::default().concurrency(2).stats_config(stats["stats_config"].clone());
    let envoy = Envoy::start(bootstrap.listener(listener)).unwrap();
    let ask = |requests: Vec<Request>| {
        let answers = Client::http1().send_all(envoy.listener(0), requests, AT_ONCE);
        answers.into_iter().map(Result::unwrap).collect::<Vec<_>>()
    };

    // Visitors without anything; most come again, and search.
    let first =
        ask((0..visitors()).map(|_| Request::get("/").header("x-forwarded-proto", "https")).collect());
    let known: Vec<String> = first.iter().map(cookies).collect();
    let again = known.iter().enumerate().filter(|(number, _)| number % 3 != 0);
    let again: Vec<(String, Request)> = again
        .flat_map(|(_, cookies)| {
            ["/", "/search?q=a"].map(|path| (cookies.clone(), Request::get(path).header("cookie", cookies)))
        })
        .collect();
    ask(again.iter().map(|(_, request)| request.clone()).collect());
    // Known users; the name of one is no UTF-8.
    let names = [&b"ada"[..], b"bob", b"caf\xe9"];
    let users = ["ada", "bob", "caf%E9"];
    ask(names.map(|name| Request::get("/search").header("x-user-id", name)).to_vec());
    // Nobody's visits, and testers.
    let preflight = |_| {
        Request { method: "OPTIONS".to_owned(), ..Request::get("/") }
            .header("origin", "https://shop.test")
            .header("access-control-request-method", "POST")
    };
    ask((0..20).map(preflight).collect());
    ask(vec![Request::get("/bare"); 20]);
    let tester = |_| {
        Request::get("/search")
            .header("x-tester", "yes")
            .header("x-choose", "checkout=new")
            .header("x-user-id", "tester")
    };
    ask((0..20).map(tester).collect());

    // What the metrics count.
    let page = Page::parse(&envoy.prometheus().unwrap()).unwrap();
    let counted: BTreeMap<(String, String), f64> = page
        .of("weir_exposures_total")
        .map(|sample| ((sample.labels["experiment"].clone(), sample.labels["variant"].clone()), sample.value))
        .filter(|(_, value)| *value > 0.0)
        .collect();
    let total: f64 = counted.values().sum();
    assert!(total > 700.0, "{counted:?}");
    let read = |envoy: &Envoy| -> Vec<Value> {
        envoy.output().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let all = envoy.wait_for(PATIENCE, |envoy| read(envoy).len() as f64 >= total);
    let rows = read(&envoy);
    assert!(all, "{} rows, {counted:?}", rows.len());
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_else(|| panic!("{row}")).to_owned();
    let mut logged: BTreeMap<(String, String), f64> = BTreeMap::new();
    let mut units = BTreeSet::new();
    for row in &rows {
        assert_eq!(row.as_object().unwrap().len(), 5, "{row}");
        let (experiment, unit) = (text(row, "experiment_id"), text(row, "unit_id"));
        *logged.entry((experiment.clone(), text(row, "variation_id"))).or_default() += 1.0;
        assert!(units.insert((experiment, unit.clone())), "{unit} has two rows: {row}");
        let time = text(row, "timestamp");
        assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
        let kind = text(row, "unit_type");
        let is_user = users.contains(&&*unit);
        assert_eq!(kind, if is_user { "header:x-user-id" } else { "cookie:vid" }, "{row}");
        assert_ne!(unit, "tester");
    }
    assert_eq!(logged, counted);
    let loaded = warehouse::load(&rows);
    assert_eq!(loaded.units, counted, "distinct units in the warehouse");
    let of_one = |variant: &str| counted[&("checkout".to_owned(), variant.to_owned())];
    let expected = ["new", "old"].map(|variant| (variant.to_owned(), of_one(variant)));
    assert_eq!(loaded.growthbook, BTreeMap::from(expected), "and no unit has two variants");
    assert_eq!(loaded.users + loaded.visitors, rows.len(), "its queries are for all units");
    // The unit is that which the visitor keeps.
    let ids: BTreeSet<String> = known
        .iter()
        .map(|cookies| value(cookies, "vid").unwrap().split('.').next().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), visitors());
    let anonymous = units.iter().filter(|(_, unit)| !users.contains(&&**unit));
    assert!(anonymous.clone().all(|(_, unit)| ids.contains(unit)));
    let once = |(number, cookies): (usize, &String)| {
        let id = value(cookies, "vid").unwrap().split('.').next().unwrap().to_owned();
        number % 3 == 0 && units.contains(&("checkout".to_owned(), id))
    };
    assert!(
        known.iter().enumerate().filter(|it| once((it.0, it.1))).count() > 50,
        "visitors who come once have a row"
    );
    println!("{} rows: {logged:?}", rows.len());
}

#[test]
fn a_collector_gets_the_same_rows() {
    let collector = collector::Collector::start();
    let config = configuration();
    let loggers = rendered(&["--otlp", "collector"], &config)["access_log"].as_array().unwrap().clone();
    let address =
        json!({"socket_address": {"address": "127.0.0.1", "port_value": collector.address().port()}});
    let cluster = json!({
        "name": "collector",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": "collector",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}]},
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {"http2_protocol_options": {}},
        }},
    });
    let listener = Listener::new().plugin(Plugin::new("weir").unwrap().config(&config)).loggers(loggers);
    let envoy = Envoy::start(Bootstrap::default().cluster(cluster).listener(listener)).unwrap();
    for user in 0..50 {
        let request = Request::get("/search").header("x-user-id", format!("user-{user}"));
        assert_eq!(Client::http1().send(envoy.listener(0), &request).unwrap().status, 200);
    }
    let search = || {
        let rows = collector.rows();
        rows.into_iter().filter(|row| row["experiment_id"] == "search").collect::<Vec<_>>()
    };
    assert!(envoy.wait_for(PATIENCE, |_| search().len() >= 50), "{:?}\n{}", collector.rows(), envoy.log());
    let units: BTreeSet<String> = search().iter().map(|row| row["unit_id"].clone()).collect();
    assert_eq!((units.len(), search().len()), (50, 50));
    for row in search() {
        let names: Vec<&String> = row.keys().collect();
        assert_eq!(names, ["experiment_id", "timestamp", "unit_id", "unit_type", "variation_id"]);
        assert!(["a", "b"].contains(&&*row["variation_id"]), "{row:?}");
    }
}

#[test]
fn a_redirect_that_the_proxy_follows_is_one_exposure() {
    let origin = Origin::start(|asked| match asked.path.starts_with("/from") {
        true => Answer::new(302, "").header("location", "http://example.com/to"),
        false => Answer::new(200, ""),
    })
    .unwrap();
    let policy = json!({"max_internal_redirects": 3, "redirect_response_codes": [302]});
    let routes = json!([
        {"match": {"prefix": "/"}, "route": {"cluster": "origin", "internal_redirect_policy": policy}},
    ]);
    let remembered = json!({"unit": "header:x-user-id", "secret": {"value": SECRET},
        "assignmentCookie": {"name": "seen", "secure": false}, "output": {"exposures": true},
        "list": [{"key": "checkout", "variants": [{"key": "a", "weight": 1}, {"key": "b", "weight": 1}]}]});
    let mut requests_only = remembered.clone();
    let members = requests_only.as_object_mut().unwrap();
    members.remove("secret");
    members.remove("assignmentCookie");
    for experiments in [remembered, requests_only] {
        let config = json!({ "experiments": experiments });
        let loggers = rendered(&[], &config)["access_log"].as_array().unwrap().clone();
        let plugin = Plugin::new("experiment").unwrap().config(&config);
        let listener = Listener::new().plugin(plugin).routes(routes.clone()).loggers(loggers);
        let cluster = Cluster::new("origin", origin.address());
        let envoy = Envoy::start(Bootstrap::default().cluster(cluster).listener(listener)).unwrap();
        for user in 0..20 {
            let request = Request::get("/from").header("x-user-id", format!("user-{user}"));
            assert_eq!(Client::http1().send(envoy.listener(0), &request).unwrap().status, 200);
        }
        let lines = |envoy: &Envoy| envoy.output().lines().count();
        envoy.wait_for(PATIENCE, |envoy| lines(envoy) >= 20);
        // A second row would have come with the first.
        let rows: Vec<Value> =
            envoy.output().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let units: BTreeSet<&str> = rows.iter().map(|row| row["unit_id"].as_str().unwrap()).collect();
        assert_eq!((rows.len(), units.len()), (20, 20), "{config}");
    }
}
