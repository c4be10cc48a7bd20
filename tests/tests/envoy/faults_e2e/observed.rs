//! What operators see of faults, and what routes say about them.

use super::*;

#[test]
fn access_logs_say_which_fault_it_was() {
    let faults = json!([
        {"name": "slow", "match": {"uri": {"prefix": "/slow"}}, "delay": {"fixedDelay": "5ms", "percentage": "100%"}},
        {"name": "broken", "match": {"uri": {"suffix": "broken"}}, "abort": {"httpStatus": 503, "percentage": "100%"}},
        {"name": "rpc", "match": {"uri": {"exact": "/rpc"}}, "abort": {"grpcStatus": "ABORTED", "percentage": "100%"}},
        {"name": "changed", "match": {"uri": {"exact": "/changed"}}, "response": {"status": 418, "percentage": "100%"},
            "responseRateLimit": {"limitKbps": 64, "percentage": "100%"}},
    ]);
    let log = "%PATH(WQ)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %FILTER_STATE(wasm.fault:PLAIN)%";
    let listener = Listener::new().plugin(plugin("fault_injection_response", &faults)).access_log(log);
    let tags = json!({"stats_tags": [{"tag_name": "fault", "regex": "(fault=\\.=(.*?);\\.;)"}]});
    let envoy = Envoy::start(Bootstrap::default().stats_config(tags).listener(listener)).unwrap();
    let paths = ["/", "/slow", "/broken", "/slow-and-broken", "/rpc", "/changed"];
    ask(&envoy, paths.iter().map(|path| Request::get(path)).collect());
    let expected = [
        "/ 200 via_upstream -",
        "/slow 200 via_upstream rule=slow;delay=5ms",
        "/broken 503 weir_fault_abort{broken} rule=broken;abort=503",
        "/slow-and-broken 503 weir_fault_abort{broken} rule=slow;delay=5ms,rule=broken;abort=503",
        "/rpc 409 weir_fault_abort{rpc} rule=rpc;abort=grpc-10",
        "/changed 418 via_upstream rule=changed;rate=64KiB/s;response=418",
    ];
    let missing = |envoy: &Envoy| -> Vec<&str> {
        let output = envoy.output();
        expected.iter().copied().filter(|line| !output.lines().any(|known| known == *line)).collect()
    };
    assert!(
        envoy.wait_for(PATIENCE, |envoy| missing(envoy).is_empty()),
        "{:?}\n{}",
        missing(&envoy),
        envoy.output()
    );
    let samples = envoy.samples("weir_fault_aborts_total").unwrap();
    let labelled = |name: &str| samples.iter().find(|s| s.labels.get("fault").is_some_and(|f| f == name));
    assert_eq!(labelled("broken").map(|sample| sample.value), Some(2.0), "{samples:?}");
}

#[test]
fn routes_choose_faults_and_switch_them_off() {
    let faults = json!([
        {"name": "chosen", "routeMetadata": "weir.faults", "abort": {"httpStatus": 503, "percentage": "100%"}},
        {"name": "all", "killSwitch": {"routeMetadata": "weir.calm"}, "abort": {"httpStatus": 418, "percentage": "100%"}},
    ]);
    let route = |path: &str, metadata: Value| json!({"match": {"path": path}, "route": {"cluster": "v1"}, "metadata": {"filter_metadata": {"weir": metadata}}});
    let routes = json!([
        route("/chosen", json!({"faults": "other, chosen"})),
        route("/star", json!({"faults": "*"})),
        route("/other", json!({"faults": "other"})),
        route("/calm", json!({"calm": true})),
        route("/chosen-and-calm", json!({"calm": true, "faults": "chosen"})),
        route("/not-calm", json!({"calm": false})),
        {"match": {"prefix": "/"}, "route": {"cluster": "v1"}},
    ]);
    let envoy = Envoy::start(Bootstrap::default().listener(listener(&faults).routes(routes))).unwrap();
    let expected = [
        ("/chosen", 503),
        ("/star", 503),
        ("/other", 418),
        ("/calm", 200),
        ("/chosen-and-calm", 503),
        ("/not-calm", 418),
        ("/", 418),
    ];
    for (path, status) in expected {
        assert_eq!(ask(&envoy, vec![Request::get(path)])[0].status, status, "{path}\n{}", envoy.log());
    }
}
