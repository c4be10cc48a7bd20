//! Internal redirects: the proxy sends a request through all filters once more. What the first pass decided is
//! neither decided nor counted again, and its cookies come with the response.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use weir_tests::client::{Client, Request, Response};
use weir_tests::envoy::{Bootstrap, Cluster, Envoy, Listener, Plugin};
use weir_tests::origin::{Answer, Origin};

const SECRET: &str = "for-tests-only-a-secret";

struct House {
    _origin: Origin,
    envoy: Envoy,
}

/// An Envoy whose upstream redirects `/from` to `/to`, which Envoy follows itself.
fn house(module: &str, config: &Value) -> House {
    let origin = Origin::start(|asked| {
        let variant =
            |(name, _): &&(String, String)| name == "x-weir-experiment-checkout" || name == "x-side";
        match asked.path.starts_with("/from") {
            true => Answer::new(302, "").header("location", "http://example.com/to"),
            false => {
                let variants = asked.headers.iter().filter(variant).map(|(_, value)| value.as_str());
                Answer::new(200, variants.collect::<Vec<_>>().join(","))
            }
        }
    })
    .unwrap();
    let policy = json!({"max_internal_redirects": 3, "redirect_response_codes": [302]});
    let routes = json!([{"match": {"prefix": "/"}, "route": {"cluster": "origin", "internal_redirect_policy": policy}}]);
    let log = "%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS%";
    let listener =
        Listener::new().plugin(Plugin::new(module).unwrap().config(config)).routes(routes).access_log(log);
    let cluster = Cluster::new("origin", origin.address());
    let envoy =
        Envoy::start(Bootstrap::default().concurrency(2).listener(listener).cluster(cluster)).unwrap();
    House { _origin: origin, envoy }
}

impl House {
    fn ask(&self, request: &Request) -> Response {
        let response = Client::http1().send(self.envoy.listener(0), request);
        response.unwrap_or_else(|error| panic!("{error}\n{}", self.envoy.log()))
    }

    /// The sum of all counters whose name ends so.
    fn sum(&self, name: &str) -> i64 {
        let counters = self.envoy.counters().unwrap();
        counters.iter().filter(|(known, _)| known.ends_with(name)).map(|(_, value)| value).sum()
    }
}

fn cookies(response: &Response) -> BTreeSet<String> {
    let set = response.headers.iter().filter(|(name, _)| name == "set-cookie");
    set.map(|(_, value)| String::from_utf8_lossy(value).split(';').next().unwrap().to_owned()).collect()
}

const VARIANTS: &str = r#"[{"key": "a", "weight": 1}, {"key": "b", "weight": 1}]"#;

fn variants() -> Value {
    serde_json::from_str(VARIANTS).unwrap()
}

#[test]
fn new_clients_are_one_unit_and_count_once() {
    let section = json!({"experiments": {
        "mintCookie": {"name": "id"}, "assignmentCookie": {"name": "assigned"}, "secret": {"value": SECRET},
        "output": {"responseHeader": "x-told"},
        "list": [{"key": "checkout", "sticky": true, "variants": variants()}],
    }});
    let house = house("experiment", &section);
    const CLIENTS: i64 = 40;
    let mut seen = BTreeSet::new();
    for _ in 0..CLIENTS {
        let first = house.ask(&Request::get("/from"));
        let set = cookies(&first);
        assert_eq!(set.len(), 2, "{first:?}\n{}", house.envoy.log());
        let told = String::from_utf8(first.header("x-told").unwrap().to_vec()).unwrap();
        assert_eq!(told, format!("checkout={}", String::from_utf8(first.body.clone()).unwrap()));
        // The cookies are those of this variant.
        let header = set.into_iter().collect::<Vec<_>>().join("; ");
        let again = house.ask(&Request::get("/from").header("cookie", &header));
        assert_eq!((&again.body, cookies(&again).len()), (&first.body, 0), "{header}");
        let later = house.ask(&Request::get("/to").header("cookie", &header));
        assert_eq!((&later.body, cookies(&later).len()), (&first.body, 0), "{header}");
        seen.insert(first.body);
    }
    assert_eq!(seen.len(), 2, "both variants");
    assert_eq!(house.sum("weir_exposures_total"), CLIENTS);
    let said = |envoy: &Envoy| envoy.output().contains("internal_redirect");
    assert!(house.envoy.wait_for(weir_tests::PATIENCE, said), "{}", house.envoy.output());
}

#[test]
fn assignments_count_once_where_filter_state_tells() {
    for (filter_state, counts) in [(true, 20), (false, 40)] {
        let section = json!({"experiments": {"unit": "header:x-user-id", "output": {"filterState": filter_state},
            "list": [{"key": "checkout", "variants": variants()}]}});
        let house = house("experiment", &section);
        for user in 0..20 {
            house.ask(&Request::get("/from").header("x-user-id", user.to_string()));
        }
        assert_eq!(house.sum("weir_assignments_total"), counts, "{filter_state}");
        // Who only says so is counted.
        let forged =
            Request::get("/to").header("x-user-id", "1").header("x-envoy-original-url", "http://a/b");
        house.ask(&forged);
        assert_eq!(house.sum("weir_assignments_total"), counts + 1, "{filter_state}");
    }
}

#[test]
fn splits_draw_once() {
    let target = |side: &str| json!({"name": side, "weight": 1, "setHeaders": {"x-side": side}});
    let section = json!({"routing": {"rules": [{"name": "s", "split": {
        "mintCookie": {"name": "id"}, "targets": [target("v1"), target("v2")]}}]}});
    let house = house("ab_routing", &section);
    for _ in 0..40 {
        let first = house.ask(&Request::get("/from"));
        let set: Vec<_> = cookies(&first).into_iter().collect();
        assert_eq!(set.len(), 1, "{first:?}");
        let later = house.ask(&Request::get("/to").header("cookie", &set[0]));
        assert_eq!(later.body, first.body, "{set:?}");
    }
}

#[test]
fn faults_hit_once() {
    let faults = json!({"faults": [{"name": "slow", "delay": {"fixedDelay": "1s", "percentage": "100%"}}]});
    for module in ["fault_injection", "fault_injection_response", "weir"] {
        let house = house(module, &faults);
        let response = house.ask(&Request::get("/from"));
        assert_eq!(response.status, 200);
        // Twice would be two seconds.
        assert!(response.elapsed < std::time::Duration::from_secs(2), "{:?}", response.elapsed);
        assert_eq!(house.sum("weir_fault_delays_total"), 1, "{module}");
        // Who only says so is hit.
        house.ask(&Request::get("/to").header("x-envoy-original-url", "http://a/b"));
        assert_eq!(house.sum("weir_fault_delays_total"), 2, "{module}");
    }
}

#[test]
fn what_ends_twice_is_measured_once() {
    let house = house("metrics", &json!({"metrics": {"red": {}}}));
    for _ in 0..10 {
        assert_eq!(house.ask(&Request::get("/from")).status, 200);
    }
    assert!(house.envoy.wait_for(weir_tests::PATIENCE, |_| house.sum("weir_requests_total") >= 10));
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(house.sum("weir_requests_total"), 10, "{:?}", house.envoy.counters());
}
