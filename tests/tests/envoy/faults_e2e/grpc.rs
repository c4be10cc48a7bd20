//! A real gRPC client and server with Envoy and faults between them.

use super::*;
use tonic::Code;
use weir_tests::envoy::Cluster;
use weir_tests::grpc::{GrpcClient, GrpcServer, Method, Reply};

struct House {
    server: GrpcServer,
    envoy: Envoy,
    client: GrpcClient,
}

fn house(faults: &Value) -> House {
    house_of(plugin("fault_injection_response", faults))
}

fn house_of(plugin: Plugin) -> House {
    let server = GrpcServer::start().unwrap();
    let routes = json!([{"match": {"prefix": "/"}, "route": {"cluster": "echo", "timeout": "0s"}}]);
    let listener = Listener::new().plugin(plugin).routes(routes);
    let cluster = Cluster::new("echo", server.address()).http2();
    let envoy = Envoy::start(Bootstrap::default().listener(listener).cluster(cluster)).unwrap();
    let client = GrpcClient::new(envoy.listener(0));
    House { server, envoy, client }
}

impl House {
    fn call(&self, method: Method, metadata: &[(&str, &str)]) -> Reply {
        let messages: &[&str] =
            if method == Method::Bidirectional { &["one", "two", "three"] } else { &["one"] };
        self.client.call(method, messages, metadata)
    }
}

const METHODS: [(Method, usize); 3] =
    [(Method::Unary, 1), (Method::ServerStream, 3), (Method::Bidirectional, 3)];

fn when(value: &str) -> Value {
    json!({"headers": {"x-drill": {"exact": value}}})
}

#[test]
fn aborts_have_status_message_and_metadata() {
    let faults = json!([
        {"match": when("name"), "abort": {"grpcStatus": "RESOURCE_EXHAUSTED", "body": "drill: 100 % über", "headers": {"x-why": "drill"}, "percentage": "100%"}},
        {"match": when("number"), "abort": {"grpcStatus": 5, "percentage": "100%"}},
        {"match": when("http"), "abort": {"httpStatus": 503, "percentage": "100%"}},
        {"match": when("both"), "abort": {"httpStatus": 418, "grpcStatus": "ABORTED", "percentage": "100%"}},
        {"match": when("ok"), "abort": {"grpcStatus": "OK", "percentage": "100%"}},
    ]);
    let house = house(&faults);
    for (method, _) in METHODS {
        let reply = house.call(method, &[("x-drill", "name")]);
        assert_eq!(
            (reply.code, reply.message.as_str()),
            (Code::ResourceExhausted, "drill: 100 % über"),
            "{reply:?}"
        );
        assert_eq!((reply.metadata("x-why"), reply.messages.len()), (Some("drill"), 0));
        for (drill, code) in
            [("number", Code::NotFound), ("http", Code::Unavailable), ("both", Code::Aborted)]
        {
            let reply = house.call(method, &[("x-drill", drill)]);
            assert_eq!(
                (reply.code, reply.message.as_str()),
                (code, "fault filter abort"),
                "{drill} {reply:?}"
            );
        }
        assert_eq!(house.call(method, &[("x-drill", "ok")]).messages.len(), 0, "a success without a message");
    }
    assert_eq!(house.server.calls(), 0);
    let reply = house.call(Method::Unary, &[]);
    assert_eq!((reply.code, reply.messages.len(), house.server.calls()), (Code::Ok, 1, 1));
}

#[test]
fn delays_hold_unary_calls_and_streams() {
    let faults = json!([{"name": "slow", "delay": {"fixedDelay": "150ms", "percentage": "100%"}},
        {"match": when("abort"), "abort": {"grpcStatus": "UNAVAILABLE", "percentage": "100%"}}]);
    let house = house(&faults);
    for (method, messages) in METHODS {
        let reply = house.call(method, &[]);
        assert_eq!((reply.code, reply.messages.len()), (Code::Ok, messages), "{reply:?}");
        assert!(reply.elapsed >= Duration::from_millis(150), "{:?}", reply.elapsed);
        let reply = house.call(method, &[("x-drill", "abort")]);
        assert_eq!((reply.code, reply.messages.len()), (Code::Unavailable, 0));
        assert!(reply.elapsed >= Duration::from_millis(150), "{:?}", reply.elapsed);
        let fails = house.call(method, &[("x-grpc-fail", "7"), ("x-grpc-message", "its own")]);
        assert_eq!((fails.code, fails.message.as_str()), (Code::PermissionDenied, "its own"), "{fails:?}");
    }
    assert_eq!(stat(&house.envoy, "slow", "weir_faults_active"), 0);
}

#[test]
fn responses_of_calls_are_changed() {
    let faults = json!([
        {"match": when("metadata"), "response": {"setHeaders": {"x-injected": "1"}, "percentage": "100%"}},
        {"match": when("status"), "response": {"setHeaders": {"grpc-status": "14", "grpc-message": "changed"}, "percentage": "100%"}},
        {"match": when("http"), "response": {"status": 503, "percentage": "100%"}},
        {"match": when("cut"), "response": {"body": {"truncate": 11}, "percentage": "100%"}},
        {"match": when("empty"), "response": {"body": {"replace": ""}, "percentage": "100%"}},
        {"match": when("rate"), "responseRateLimit": {"limitKbps": 1, "percentage": "100%"}},
    ]);
    responses_are_changed(&house(&faults));
    // Envoy has one word for going on in both directions of a native module: requests and responses overlap here.
    let native = Plugin::native().unwrap().config(&json!({ "faults": faults }));
    responses_are_changed(&house_of(native));
}

fn responses_are_changed(house: &House) {
    for (method, messages) in METHODS {
        let reply = house.call(method, &[("x-drill", "metadata")]);
        assert_eq!(
            (reply.code, reply.messages.len(), reply.metadata("x-injected")),
            (Code::Ok, messages, Some("1"))
        );
        // Trailers only: the status is a response header.
        let own = [("x-grpc-fail", "8"), ("x-grpc-message", "its own"), ("x-trailer", "t")];
        let reply = house.call(method, &[&own[..], &[("x-drill", "metadata")]].concat());
        assert_eq!((reply.code, reply.message.as_str()), (Code::ResourceExhausted, "its own"));
        assert_eq!((reply.metadata("x-injected"), reply.metadata("x-trailer")), (Some("1"), Some("t")));
        let reply = house.call(method, &[&own[..], &[("x-drill", "status")]].concat());
        assert_eq!((reply.code, reply.message.as_str()), (Code::Unavailable, "changed"), "{reply:?}");
        let reply = house.call(method, &[&own[..], &[("x-drill", "cut")]].concat());
        assert_eq!(
            (reply.code, reply.message.as_str()),
            (Code::ResourceExhausted, "its own"),
            "nothing to cut"
        );
        let reply = house.call(method, &[("x-drill", "http")]);
        assert_eq!((reply.code, reply.messages.len()), (Code::Ok, messages), "clients go by the trailers");
    }
    // Each message is 5 bytes of frame and 3 or 5 of text: the second one is cut. This client does not even notice.
    let reply = house.call(Method::Bidirectional, &[("x-drill", "cut")]);
    assert_eq!(reply.messages, ["one"], "{reply:?}");
    let reply = house.call(Method::Unary, &[("x-drill", "empty")]);
    assert_eq!(reply.messages.len(), 0, "{reply:?}");
    let reply = house.call(Method::ServerStream, &[("x-drill", "rate"), ("x-grpc-count", "64")]);
    assert_eq!((reply.code, reply.messages.len()), (Code::Ok, 64), "{reply:?}");
    assert!(reply.elapsed >= Duration::from_millis(500), "512 bytes at 1 KiB/s: {:?}", reply.elapsed);
    let late = [("x-drill", "rate"), ("x-grpc-fail", "14"), ("x-grpc-fail-after", "2"), ("x-trailer", "t")];
    let reply = house.call(Method::Bidirectional, &late);
    assert_eq!(
        (reply.code, reply.messages.len(), reply.metadata("x-trailer")),
        (Code::Unavailable, 2, Some("t"))
    );
    assert_alive(&house.envoy);
}
