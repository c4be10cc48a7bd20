//! `weir status` with real Envoys and the real Prometheus: what runs, what differs, what was refused, and how old keys are.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir_tests::client::{Client, Request};
use weir_tests::envoy::{Bootstrap, Cluster, Envoy, Filter, Listener, Plugin};
use weir_tests::jwks_server::JwksServer;
use weir_tests::program::{self, render};

use super::prometheus_e2e::server::Prometheus;

const PATIENCE: Duration = weir_tests::PATIENCE;

/// A configuration whose plugin fetches keys.
fn configuration(route: &str) -> Value {
    let keys = json!({"cluster": "keys", "uri": "http://id.example.com/jwks"});
    json!({
        "jwt": {"providers": {"corp": {"jwks": {"remote": keys}}},
            "rules": [{"match": {"uri": {"prefix": "/private"}}, "requires": "corp"}]},
        "routing": {"rules": [{"name": "all", "setHeaders": {"x-weir-route": route}}]},
    })
}

fn plugin(configuration: &Value) -> Plugin {
    Plugin::new("weir").unwrap().config(configuration)
}

/// An Envoy whose plugin comes by ECDS, as with Istio.
fn envoy(configuration: &Value, keys: &JwksServer) -> Envoy {
    let stats: Value =
        serde_json::from_str(&render(&["bootstrap", "--json"], &configuration.to_string())).unwrap();
    let filter = Filter::Discovered { name: "weir".to_owned(), initial: Box::new(plugin(configuration)) };
    let bootstrap = Bootstrap::default()
        .stats_config(stats["stats_config"].clone())
        .cluster(Cluster::new("keys", keys.address()))
        .listener(Listener::new().filter(filter));
    Envoy::start(bootstrap).unwrap()
}

/// What `weir status` says, and its exit code.
fn status(configuration: Option<&Value>, sources: &[String], more: &[&str]) -> (i32, Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weir.yaml");
    let command = |output: &str| {
        let mut command = Command::new(program::path());
        command.arg("status");
        if let Some(configuration) = configuration {
            std::fs::write(&file, configuration.to_string()).unwrap();
            command.arg(&file);
        }
        let output = command.args(sources).args(more).args(["--output", output]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code().unwrap(), text, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    // Proxies may change between the two.
    let mut answers = (0..5).map(|_| (command("json"), command("text")));
    let same = answers.find(|((code, ..), (same, ..))| code == same);
    let ((code, json, error), (_, text, _)) = same.expect("both forms have the same exit code");
    (code, serde_json::from_str(&json).unwrap_or_else(|_| json!({ "error": error })), text)
}

/// Asks until the answer is as it should be.
fn eventually(
    what: &str,
    ask: impl Fn() -> (i32, Value, String),
    good: impl Fn(i32, &Value) -> bool,
) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (code, json, text) = ask();
        if good(code, &json) {
            println!("{what}\n{text}");
            return json;
        }
        assert!(Instant::now() < deadline, "{what}: {code} {json:#}\n{text}");
        std::thread::sleep(Duration::from_millis(300));
    }
}

fn proxy<'a>(status: &'a Value, envoy: &Envoy) -> &'a Value {
    let name = envoy.admin_address().to_string();
    status["proxies"].as_array().into_iter().flatten().find(|it| it["name"] == name).unwrap_or(&Value::Null)
}

fn states(status: &Value, envoys: &[&Envoy]) -> Vec<String> {
    envoys.iter().map(|envoy| proxy(status, envoy)["state"].as_str().unwrap_or("-").to_owned()).collect()
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn each_proxy_says_what_it_runs_and_what_it_refused() {
    let started = now();
    let set = json!({"keys": [
        {"kty": "OKP", "crv": "Ed25519", "kid": "example", "x": "cQmOmp7YyAtrHVSsB-m_WrjTJIQAkb313Gz_-TPEEAc"}]});
    let keys = JwksServer::start(&set.to_string()).unwrap();
    let (wanted, other) = (configuration("v1"), configuration("v2"));
    let (one, two) = (envoy(&wanted, &keys), envoy(&wanted, &keys));
    let targets = [&one, &two].map(|envoy| format!("'{}'", envoy.admin_address()));
    let scrape = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: edge\n  metrics_path: /stats/prometheus\n  \
         static_configs: [{{targets: [{}]}}]\n",
        targets.join(", ")
    );
    let prometheus = Prometheus::configured(&scrape, &[]);
    let by_prometheus = ["--prometheus".to_owned(), format!("http://{}", prometheus.address())];
    let by_admin: Vec<String> = [&one, &two]
        .iter()
        .flat_map(|envoy| ["--admin".to_owned(), format!("http://{}", envoy.admin_address())])
        .collect();
    let both = [&one, &two];
    let sources: [&[String]; 2] = [&by_prometheus, &by_admin];
    // A request makes Envoy report what the workers have set.
    both.iter().for_each(|envoy| drop(Client::http1().send(envoy.listener(0), &Request::get("/"))));

    for source in sources {
        let found = eventually(
            "all run it",
            || status(Some(&wanted), source, &[]),
            |code, json| {
                code == 0
                    && states(json, &both) == ["runs", "runs"]
                    && proxy(json, &one)["keys"]["corp"].is_u64()
            },
        );
        let plugin = &proxy(&found, &one)["plugins"][0];
        assert_eq!(plugin["version"], env!("CARGO_PKG_VERSION"), "{found:#}");
        assert_eq!(plugin["hash"], found["hash"]);
        let times = [&plugin["acceptedAt"], &proxy(&found, &one)["keys"]["corp"]];
        assert!(times.iter().all(|time| (started..=now()).contains(&time.as_u64().unwrap())), "{found:#}");
        assert!(plugin.get("refusedAt").is_none());
        let (code, json, _) = status(Some(&other), source, &[]);
        assert_eq!((code, states(&json, &both)), (1, vec!["differs".to_owned(); 2]));
        let (code, json, _) = status(None, source, &["--plugin", "other"]);
        assert_eq!((code, states(&json, &both)), (1, vec!["nothing".to_owned(); 2]));
        assert_eq!(status(None, source, &["--plugin", "weir"]).0, 0);
    }

    // Later than the second of the acceptance.
    std::thread::sleep(Duration::from_millis(1100));
    two.update("weir", &plugin(&json!({"routing": {"rulez": []}}))).unwrap();
    for source in sources {
        let found = eventually(
            "one refuses",
            || status(Some(&wanted), source, &[]),
            |code, json| {
                code == 1
                    && states(json, &both) == ["runs", "refuses"]
                    && proxy(json, &two)["rejections"]["weir"].as_u64().is_some_and(|count| count > 0)
            },
        );
        let plugin = &proxy(&found, &two)["plugins"][0];
        assert_eq!(plugin["hash"], found["hash"], "it runs the old one: {found:#}");
        assert!(plugin["refusedAt"].as_u64() > plugin["acceptedAt"].as_u64());
    }

    // A good one is the end of that; it is another one.
    std::thread::sleep(Duration::from_millis(1100));
    two.update("weir", &plugin(&other)).unwrap();
    for source in sources {
        eventually(
            "one differs",
            || status(Some(&wanted), source, &[]),
            |code, json| code == 1 && states(json, &both) == ["runs", "differs"],
        );
        assert_eq!(status(None, source, &[]).0, 0, "each runs one");
    }

    let gone = two.admin_address();
    drop(two);
    for source in sources {
        eventually(
            "one is gone",
            || status(Some(&wanted), source, &[]),
            |code, json| {
                let proxies = json["proxies"].as_array().cloned().unwrap_or_default();
                let state =
                    proxies.iter().find(|it| it["name"] == gone.to_string()).map(|it| it["state"].clone());
                code == 1 && state == Some("unknown".into())
            },
        );
    }
}

/// Envoys of the same job without the plugin, and with the native module.
#[test]
fn a_proxy_without_a_plugin_runs_nothing_and_the_native_module_is_seen() {
    let configuration = json!({"routing": {"rules": [{"name": "a", "setHeaders": {"x-a": "b"}}]}});
    let stats: Value =
        serde_json::from_str(&render(&["bootstrap", "--json"], &configuration.to_string())).unwrap();
    let native = Bootstrap::default()
        .stats_config(stats["stats_config"].clone())
        .listener(Listener::new().plugin(Plugin::native().unwrap().config(&configuration)));
    let (native, none) = (
        Envoy::start(native).unwrap(),
        Envoy::start(Bootstrap::default().listener(Listener::new())).unwrap(),
    );
    // Its workers define their metrics with the first request.
    assert_eq!(Client::http1().send(native.listener(0), &Request::get("/")).unwrap().status, 200);
    let sources: Vec<String> = [&native, &none]
        .iter()
        .flat_map(|envoy| ["--admin".to_owned(), format!("http://{}", envoy.admin_address())])
        .collect();
    let found = eventually(
        "the native module",
        || status(Some(&configuration), &sources, &[]),
        |code, json| code == 1 && states(json, &[&native, &none]) == ["runs", "nothing"],
    );
    assert_eq!(proxy(&found, &native)["plugins"][0]["version"], env!("CARGO_PKG_VERSION"), "{found:#}");
}

/// What Envoy gets by LDS: a listener that answers each request itself, with a plugin.
fn listeners(port: u16, plugin: &Plugin) -> String {
    listeners_with(port, plugin, &[])
}

/// The same with further filters.
fn listeners_with(port: u16, plugin: &Plugin, others: &[Value]) -> String {
    const FILTERS: &str = "type.googleapis.com/envoy.extensions.filters";
    let first = [json!({"name": "weir", "typed_config": plugin.to_json()})];
    let router = json!({"@type": format!("{FILTERS}.http.router.v3.Router")});
    let last = [json!({"name": "router", "typed_config": router})];
    let filters = [&first[..], others, &last].concat();
    let manager = json!({
        "@type": format!("{FILTERS}.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "http",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
            {"match": {"prefix": "/"}, "direct_response": {"status": 200}}]}]},
        "http_filters": filters,
    });
    let listener = json!({
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        "name": "http",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    });
    json!({ "resources": [listener] }).to_string()
}

/// An Envoy that gets them by LDS, from a file.
fn envoy_with_listeners(listeners: &str) -> Envoy {
    let bootstrap = Bootstrap::shipped(json!({
        "node": {"id": "lds", "cluster": "weir-tests"},
        "dynamic_resources": {"lds_config": {
            "path_config_source": {"path": "/lds.json"}, "resource_api_version": "V3"}},
    }));
    Envoy::start(bootstrap.file("/lds.json", listeners.to_owned())).unwrap()
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Another filter's mistake holds up the listener, but is no refusal of the plugin, which runs on.
#[test]
fn an_update_that_envoy_rejected_for_another_filter_is_no_refusal() {
    let good = json!({"routing": {"rules": [{"name": "a", "setHeaders": {"x-a": "b"}}]}});
    let plugins = [Plugin::new("ab_routing").unwrap(), Plugin::native().unwrap()];
    let lua = json!({"name": "lua", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
        "default_source_code": {"inline_string": "this is not Lua"}}});
    for plugin in plugins.map(|plugin| plugin.name("weir")) {
        let with = |configuration: &Value| plugin.clone().config(configuration);
        let port = free_port();
        let envoy = envoy_with_listeners(&listeners(port, &with(&good)));
        let sources = ["--admin".to_owned(), format!("http://{}", envoy.admin_address())];
        let expect = |what: &str, state: &str, reason: &str| {
            let look = || {
                let address = ([127, 0, 0, 1], port).into();
                assert_eq!(Client::http1().send(address, &Request::get("/")).unwrap().status, 200);
                status(None, &sources, &[])
            };
            eventually(what, look, |code, json| {
                let reasons = proxy(json, &envoy)["reasons"].to_string();
                code == i32::from(state != "runs")
                    && states(json, &[&envoy]) == [state]
                    && reasons.contains(reason)
                    && (reason.is_empty() == proxy(json, &envoy)["reasons"].is_null())
            })
        };
        expect("the first one is accepted", "runs", "");
        envoy.replace("lds.json", &listeners_with(port, &with(&good), std::slice::from_ref(&lua))).unwrap();
        expect("another filter is wrong", "runs", ", for none of its plugins: script load error");
        envoy.replace("lds.json", &listeners(port, &with(&json!({"routing": {"rulez": []}})))).unwrap();
        expect("the plugin's configuration is wrong", "refuses", "listener http: an update was rejected at ");
        // Envoy does nothing with the one that it runs already, so that the module could not report it.
        let other = json!({"routing": {"rules": [{"name": "a", "setHeaders": {"x-a": "c"}}]}});
        envoy.replace("lds.json", &listeners(port, &with(&other))).unwrap();
        expect("a good one is sent", "runs", "");
    }
}

/// The native module has no metric for a configuration that was refused: Envoy's admin interface knows.
#[test]
fn an_update_of_the_native_module_that_envoy_rejected_is_refused() {
    let good = json!({"routing": {"rules": [{"name": "a", "setHeaders": {"x-a": "b"}}]}});
    let bad = json!({"routing": {"rulez": []}});
    let plugin = |configuration: &Value| Plugin::native().unwrap().name("weir").config(configuration);
    // By ECDS, …
    let filter = Filter::Discovered { name: "weir".to_owned(), initial: Box::new(plugin(&good)) };
    let ecds = Envoy::start(Bootstrap::default().listener(Listener::new().filter(filter))).unwrap();
    // … and by LDS, from a file.
    let port = free_port();
    let lds = envoy_with_listeners(&listeners(port, &plugin(&good)));
    let envoys = [&ecds, &lds];
    let sources: Vec<String> = envoys
        .iter()
        .flat_map(|envoy| ["--admin".to_owned(), format!("http://{}", envoy.admin_address())])
        .collect();
    let addresses = [ecds.listener(0), ([127, 0, 0, 1], port).into()];
    let expect = |what: &str, state: &str| {
        let look = || {
            // Workers define the metrics of a configuration with its first request.
            for address in addresses {
                assert_eq!(Client::http1().send(address, &Request::get("/")).unwrap().status, 200);
            }
            status(None, &sources, &[])
        };
        eventually(what, look, |code, json| {
            code == i32::from(state != "runs") && states(json, &envoys) == [state, state]
        })
    };
    expect("the first one is accepted", "runs");
    ecds.update("weir", &plugin(&bad)).unwrap();
    lds.replace("lds.json", &listeners(port, &plugin(&bad))).unwrap();
    let found = expect("an update is rejected", "refuses");
    for (envoy, expected) in [(&ecds, "filter weir: "), (&lds, "listener http: ")] {
        let reason = proxy(&found, envoy)["reasons"][0].as_str().unwrap_or_default();
        assert!(reason.starts_with(expected), "{found:#}");
    }
    ecds.update("weir", &plugin(&good)).unwrap();
    lds.replace("lds.json", &listeners(port, &plugin(&good))).unwrap();
    expect("the old one is sent again", "runs");
}
