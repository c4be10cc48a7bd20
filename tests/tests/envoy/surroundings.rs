//! What tests of filters are on: two Envoys in a row, gRPC through Envoy, a key server, thousands of streams.

use std::time::Duration;

use serde_json::json;
use tonic::Code;
use weir_tests::client::{Client, Request, send_at_once};
use weir_tests::envoy::{Bootstrap, Cluster, Envoy, Listener};
use weir_tests::grpc::{GrpcClient, GrpcServer, Method};
use weir_tests::jwks_server::JwksServer;
use weir_tests::origin::{Answer, Defect};

fn to(cluster: &str) -> Listener {
    Listener::new().routes(json!([{"match": {"prefix": "/"}, "route": {"cluster": cluster}}]))
}

#[test]
fn a_caller_retries_what_its_callee_fails() {
    let abort = json!({"status": 503, "body": {"inline_string": "no"}});
    let callee = Listener::new().routes(json!([{"match": {"prefix": "/"}, "direct_response": abort}]));
    let callee = Envoy::start(Bootstrap::default().listener(callee)).unwrap();
    let retry = json!({"retry_on": "5xx", "num_retries": 2,
        "retry_back_off": {"base_interval": "0.001s"}});
    let route = json!([{"match": {"prefix": "/"}, "route": {"cluster": "callee", "retry_policy": retry}}]);
    let outliers = json!({"outlier_detection": {"consecutive_5xx": 1000}});
    let bootstrap = Bootstrap::default()
        .node(json!({"id": "caller", "cluster": "shop"}))
        .runtime(json!({"some.key": 7}))
        .listener(Listener::new().routes(route))
        .cluster(Cluster::new("callee", callee.listener(0)).with(outliers));
    let caller = Envoy::start(bootstrap).unwrap();
    let response = Client::http1().send(caller.listener(0), &Request::get("/")).unwrap();
    assert_eq!((response.status, response.body.as_slice()), (503, &b"no"[..]));
    assert_eq!(caller.stat("cluster.callee.upstream_rq_retry").unwrap(), 2);
    assert!(caller.admin("/runtime").unwrap().contains("some.key"));
    assert!(caller.admin("/server_info").unwrap().contains("\"id\": \"caller\""));
}

#[test]
fn grpc_passes_envoy_with_messages_status_and_trailers() {
    let server = GrpcServer::start().unwrap();
    let bootstrap =
        Bootstrap::default().listener(to("echo")).cluster(Cluster::new("echo", server.address()).http2());
    let envoy = Envoy::start(bootstrap).unwrap();
    let client = GrpcClient::new(envoy.listener(0));
    let unary = client.call(Method::Unary, &["ping"], &[]);
    assert_eq!((unary.code, unary.messages.len()), (Code::Ok, 1), "{unary:?}");
    let failed = [("x-grpc-fail", "8"), ("x-grpc-message", "too much"), ("x-trailer", "t")];
    let failed = client.call(
        Method::Bidirectional,
        &["a", "b"],
        &[&failed[..], &[("x-grpc-fail-after", "1")]].concat(),
    );
    assert_eq!((failed.code, failed.message.as_str()), (Code::ResourceExhausted, "too much"));
    assert_eq!((failed.messages.len(), failed.metadata("x-trailer")), (1, Some("t")));
}

#[test]
fn a_key_server_can_lie_to_envoy() {
    let keys = JwksServer::start(r#"{"keys":[]}"#).unwrap();
    let bootstrap = Bootstrap::default().listener(to("keys")).cluster(Cluster::new("keys", keys.address()));
    let envoy = Envoy::start(bootstrap).unwrap();
    let ask = || Client::http1().send(envoy.listener(0), &Request::get("/jwks"));
    assert_eq!(ask().unwrap().body, br#"{"keys":[]}"#);
    keys.answer(Answer::new(200, "x").with(Defect::NoAnswer));
    assert_eq!(ask().unwrap().status, 503);
    keys.answer(Answer::new(200, "x").with(Defect::TooShort(10)));
    assert!(ask().is_err());
    assert_eq!(keys.requests(), 3);
}

#[test]
fn ten_thousand_streams_wait_at_once() {
    const STREAMS: usize = 10_000;
    let delay = Duration::from_secs(3);
    let envoy = Envoy::start(Bootstrap::default().listener(Listener::new())).unwrap();
    let request = Request::get("/").header("x-answer-delay-ms", delay.as_millis().to_string());
    let start = std::time::Instant::now();
    let answers = send_at_once(envoy.listener(0), vec![request; STREAMS], 100);
    let took = start.elapsed();
    assert_eq!(answers.len(), STREAMS);
    for answer in answers {
        let answer = answer.unwrap();
        let text = String::from_utf8_lossy(&answer.body);
        assert!(
            answer.status == 200 && answer.elapsed >= delay,
            "{} {:?} {text}",
            answer.status,
            answer.elapsed
        );
    }
    // One after the other, even a thousand at a time, they would take ten times as long.
    assert!(took < 8 * delay, "{took:?}");
}
