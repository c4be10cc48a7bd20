//! What access logs and statistics say.

use serde_json::json;
use weir_tests::client::{Client, Request};
use weir_tests::envoy::{Bootstrap, Envoy, Listener, Plugin};

use super::{PATIENCE, bearer, sign};

#[test]
fn access_logs_have_the_reason_and_the_claim_and_no_token() {
    let provider = json!({"jwks": {"inline": sign::key_set(&["k"])}, "filterState": {"user": "sub"}});
    let config = json!({"jwt": {"providers": {"corp": provider}}});
    let listener = Listener::new()
        .plugin(Plugin::new("jwt_claims").unwrap().config(&config))
        .access_log("%RESPONSE_CODE% %RESPONSE_CODE_DETAILS% user=%FILTER_STATE(wasm.weir.jwt.user:PLAIN)%");
    let envoy = Envoy::start(Bootstrap::default().listener(listener)).unwrap();
    let send = |request: &Request| Client::http1().send(envoy.listener(0), request).unwrap().status;
    assert_eq!(send(&bearer("k", r#"{"sub":"ann"}"#)), 200);
    assert_eq!(send(&bearer("k", r#"{"sub":"bob","exp":1}"#)), 401);
    assert_eq!(send(&Request::get("/")), 401);
    let lines = ["200 via_upstream user=ann", "401 weir_jwt_expired user=-", "401 weir_jwt_missing user=-"];
    let written = |envoy: &Envoy| lines.iter().all(|line| envoy.output().contains(line));
    assert!(envoy.wait_for(PATIENCE, written), "{}", envoy.output());
    assert!(!envoy.log().contains("eyJ") && !envoy.output().contains("eyJ"), "a token in a log");
}
