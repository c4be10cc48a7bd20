//! What the native module does that no case file shows: updates while requests are under way, metrics in Prometheus, what
//! it refuses.

use std::time::Duration;

use serde_json::{Value, json};
use weir_tests::client::{Client, Request};
use weir_tests::envoy::{Bootstrap, Envoy, EnvoyError, Filter, Listener, Plugin};
use weir_tests::exposition::Page;

const PATIENCE: Duration = weir_tests::PATIENCE;

fn plugin(config: &Value) -> Plugin {
    Plugin::native().unwrap().config(config)
}

fn discovered(config: &Value) -> Listener {
    Listener::new().filter(Filter::Discovered { name: "weir".to_owned(), initial: Box::new(plugin(config)) })
}

/// Each request gets a header; those that ask for it, after a delay.
fn marks(value: &str) -> Value {
    json!({
        "routing": {"rules": [{"name": "all", "setHeaders": {"x-mark": value}}]},
        "faults": [{"name": "slow", "match": {"uri": {"exact": "/slow"}},
            "delay": {"fixedDelay": "2s", "percentage": "100%"}}],
        "metrics": {"red": {"route": false}},
    })
}

fn mark(envoy: &Envoy, path: &str) -> String {
    let response = Client::http1().send(envoy.listener(0), &Request::get(path)).unwrap();
    let seen = response.seen().unwrap_or_else(|| panic!("{}\n{}", response.status, envoy.log()));
    String::from_utf8(seen.header_bytes("x-mark").concat()).unwrap()
}

#[test]
fn requests_finish_with_the_configuration_that_they_began_with() {
    let envoy =
        Envoy::start(Bootstrap::default().concurrency(2).listener(discovered(&marks("old")))).unwrap();
    assert_eq!(mark(&envoy, "/"), "old");
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| mark(&envoy, "/slow"));
        let active = "dynamicmodulescustom.weir_faults_active.fault.slow";
        assert!(envoy.wait_for(PATIENCE, |envoy| envoy.stat(active).unwrap() == 1), "{}", envoy.log());
        envoy.update("weir", &plugin(&marks("new"))).unwrap();
        assert!(envoy.wait_for(PATIENCE, |envoy| mark(envoy, "/") == "new"), "{}", envoy.log());
        assert!(!slow.is_finished(), "this machine is too slow for the test");
        assert_eq!(slow.join().unwrap(), "old");
        assert_eq!(envoy.stat(active).unwrap(), 0);
    });
    // What is wrong leaves the old one, and the log says why.
    envoy.update("weir", &plugin(&json!({"routing": {"rulez": []}}))).unwrap();
    assert!(envoy.wait_for(PATIENCE, |envoy| envoy.log().contains("rulez")), "{}", envoy.log());
    assert_eq!(mark(&envoy, "/"), "new");
    assert_eq!(mark(&envoy, "/slow"), "new", "and timers go on");
}

#[test]
fn no_count_is_lost_with_a_configuration_that_goes() {
    let envoy = Envoy::start(Bootstrap::default().concurrency(2).listener(discovered(&marks("0")))).unwrap();
    // The last requests of each configuration are not counted yet when it goes.
    let sent = std::cell::Cell::new(1);
    assert_eq!(mark(&envoy, "/"), "0");
    for number in 1..=10 {
        envoy.update("weir", &plugin(&marks(&number.to_string()))).unwrap();
        let arrived = |envoy: &Envoy| {
            sent.set(sent.get() + 1);
            mark(envoy, "/") == number.to_string()
        };
        assert!(envoy.wait_for(PATIENCE, arrived), "{}", envoy.log());
    }
    let counter = "dynamicmodulescustom.weir_requests_total.code_class.2xx";
    let all = |envoy: &Envoy| envoy.stat(counter).unwrap() == sent.get();
    assert!(envoy.wait_for(PATIENCE, all), "{} of {}", envoy.stat(counter).unwrap(), sent.get());
}

#[test]
fn memory_stays_flat_over_updates() {
    let envoy = Envoy::start(Bootstrap::default().listener(discovered(&marks("0")))).unwrap();
    let update = |number: usize| {
        envoy.update("weir", &plugin(&marks(&number.to_string()))).unwrap();
        assert!(envoy.wait_for(PATIENCE, |envoy| mark(envoy, "/") == number.to_string()), "{}", envoy.log());
    };
    (1..=10).for_each(update);
    let before = envoy.allocated_bytes().unwrap();
    (11..=60).for_each(update);
    let grown = envoy.allocated_bytes().unwrap().saturating_sub(before);
    assert!(grown < 200_000, "{grown} bytes more after 50 updates");
}

#[test]
fn metrics_have_the_names_and_labels_of_the_webassembly_module() {
    let runtime = json!({"envoy.reloadable_features.dynamic_modules_strip_custom_stat_prefix": true});
    let listener = Listener::new().plugin(plugin(&marks("a")));
    let envoy = Envoy::start(Bootstrap::default().runtime(runtime).listener(listener)).unwrap();
    assert_eq!(mark(&envoy, "/"), "a");
    let page = || Page::parse(&envoy.prometheus().unwrap()).unwrap();
    let labels = [("code_class", "2xx")];
    let counted = |_: &Envoy| page().value("weir_requests_total", &labels) == Some(1.0);
    assert!(envoy.wait_for(PATIENCE, counted), "{}", envoy.prometheus().unwrap());
    let running = |_: &Envoy| page().value("weir_config_hash", &[("plugin", "weir")]).is_some();
    assert!(envoy.wait_for(PATIENCE, running), "{}", envoy.prometheus().unwrap());
    let measured = |_: &Envoy| page().value("weir_request_duration_milliseconds_count", &[]) == Some(1.0);
    assert!(envoy.wait_for(PATIENCE, measured), "{}", envoy.prometheus().unwrap());
}

/// Why Envoy does not start with this filter.
fn refusal(filter: Filter, routes: Option<Value>) -> String {
    let listener = Listener::new().filter(filter);
    let listener = match routes {
        Some(routes) => listener.routes(routes),
        None => listener,
    };
    match Envoy::start(Bootstrap::default().listener(listener)) {
        Err(EnvoyError::Ended(log)) => log,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("Envoy started"),
    }
}

#[test]
fn what_the_native_module_cannot_do_is_refused() {
    let rule = |rule: Value| {
        let config = json!({"routing": {"rules": [rule]}});
        refusal(Filter::Plugin(Box::new(plugin(&config))), None)
    };
    let log = rule(json!({"name": "a", "cel": "request.path == '/'", "setHeaders": {"x-a": "1"}}));
    assert!(log.contains("routing.rules[0].cel: the native module has no CEL"), "{log}");
    let log =
        rule(json!({"name": "a", "condition": {"property:xds.node.id": "a"}, "setHeaders": {"x-a": "1"}}));
    assert!(log.contains("cannot read the property \"xds.node.id\""), "{log}");
}

#[test]
fn a_route_has_no_configuration_of_its_own() {
    let own = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilterPerRoute",
        "dynamic_module_config": {"module": {"local": {"filename": weir_tests::paths::native_module().unwrap()}}},
        "per_route_config_name": "weir",
    });
    let routes = json!([{"match": {"prefix": "/"}, "route": {"cluster": "v1"},
        "typed_per_filter_config": {"envoy.filters.http.dynamic_modules": own}}]);
    let log = refusal(Filter::Plugin(Box::new(plugin(&marks("a")))), Some(routes));
    assert!(log.contains("no configuration for a route (typed_per_filter_config)"), "{log}");
}

/// Attributes that differ from one process or connection to the next.
const VOLATILE: [&str; 9] = [
    "connection.id",
    "source.address",
    "source.port",
    "destination.address",
    "destination.port",
    "request.id",
    "upstream.address",
    "upstream.local_address",
    "upstream.port",
];

/// The name that a field for an attribute has.
fn field_of(attribute: &str) -> String {
    attribute.replace('.', "_")
}

/// The objects that the access log has for requests to these paths, by a plugin with these attributes as fields.
fn logged(plugin: Plugin, attributes: &[&str], paths: &[&str]) -> Vec<Value> {
    let field = |name: &&str| (field_of(name), json!({"endProperty": name}));
    let fields: serde_json::Map<String, Value> = attributes.iter().map(field).collect();
    let config = json!({"metrics": {"accessLog": {"fields": fields}}});
    let routes = json!([
        {"match": {"prefix": "/direct"}, "direct_response": {"status": 200, "body": {"inline_string": "direct"}}},
        {"match": {"prefix": "/"}, "route": {"cluster": "v1"}},
    ]);
    let listener = Listener::new().plugin(plugin.config(&config)).routes(routes);
    let envoy = Envoy::start(Bootstrap::default().listener(listener)).unwrap();
    let lines = |envoy: &Envoy| -> Vec<Value> {
        let log = envoy.log();
        let objects = log.lines().filter_map(|line| serde_json::from_str(line.get(line.find('{')?..)?).ok());
        objects.filter(|it: &Value| it["method"] == "POST").collect()
    };
    for (number, path) in paths.iter().enumerate() {
        let request = Request { method: "POST".to_owned(), body: b"four".to_vec(), ..Request::get(path) };
        let request = request.header("referer", "https://example.com/").header("user-agent", "a test");
        let answer = Client::http1().send(envoy.listener(0), &request).unwrap();
        assert_eq!(answer.status, 200);
        assert!(envoy.wait_for(PATIENCE, |envoy| lines(envoy).len() > number), "{}", envoy.log());
    }
    assert!(!envoy.log().contains("Unsupported attribute"), "{}", envoy.log());
    lines(&envoy)
}

#[test]
fn attributes_are_those_of_the_webassembly_module() {
    // The list is in a library that only Envoy can load.
    let file = weir_tests::paths::root().join("filters/native/src/properties.rs");
    let text = std::fs::read_to_string(file).unwrap();
    let list = text.split("const ATTRIBUTES").nth(1).unwrap().split("];").next().unwrap();
    let names: Vec<&str> = list.split("(\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(names.len() > 20, "{names:?}");
    let paths = ["/a?b=c", "/direct"];
    let mut differences = Vec::new();
    for some in names.chunks(16) {
        let wasm = logged(Plugin::new("metrics").unwrap(), some, &paths);
        let native = logged(Plugin::native().unwrap(), some, &paths);
        for ((wasm, native), path) in wasm.iter().zip(&native).zip(paths) {
            for name in some {
                let (wasm, native) = (&wasm[&field_of(name)], &native[&field_of(name)]);
                let volatile = VOLATILE.contains(name) && wasm.is_null() == native.is_null();
                if wasm != native && !volatile {
                    differences.push(format!("{path}: {name} is {native}, {wasm} in WebAssembly"));
                }
            }
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn several_filters_of_one_proxy_know_what_the_others_wrote() {
    let config = |name: &str| {
        json!({"ownership": {"shared": true},
            "routing": {"rules": [{"name": "all", "setHeaders": {format!("x-weir-{name}"): "1"}}]}})
    };
    for make in [|| Plugin::new("ab_routing").unwrap(), || Plugin::native().unwrap()] {
        let names = ["one", "two", "three"];
        let listener = names
            .iter()
            .fold(Listener::new(), |listener, name| listener.plugin(make().config(&config(name))));
        let envoy = Envoy::start(Bootstrap::default().listener(listener)).unwrap();
        let forged = Request::get("/").header("x-weir-four", "1");
        let answer = Client::http1().send(envoy.listener(0), &forged).unwrap();
        let seen = answer.seen().unwrap();
        for name in names {
            assert_eq!(seen.header_bytes(&format!("x-weir-{name}")).concat(), b"1", "{name}: {seen:?}");
        }
        assert!(seen.header_bytes("x-weir-four").is_empty(), "{seen:?}");
    }
}

#[test]
fn delays_and_slow_responses_come_together() {
    let faults = json!([{"delay": {"fixedDelay": "100ms", "percentage": "100%"},
        "responseRateLimit": {"limitKbps": 64, "percentage": "100%"}}]);
    let routes = json!([{"match": {"path": "/direct"}, "direct_response": {"status": 200, "body": {"inline_string": "direct"}}},
        {"match": {"prefix": "/"}, "route": {"cluster": "v1"}}]);
    let listener = Listener::new().plugin(plugin(&json!({"faults": faults}))).routes(routes);
    let envoy = Envoy::start(Bootstrap::default().listener(listener)).unwrap();
    for path in ["/direct", "/"] {
        let answer = Client::http1().send(envoy.listener(0), &Request::get(path)).unwrap();
        assert!(answer.status == 200 && !answer.body.is_empty(), "{path}: {answer:?}");
        assert!(answer.elapsed >= Duration::from_millis(100), "{path}: {answer:?}");
    }
}
