//! What access logs show of requests that the proxy answers itself: neither forged names nor tokens, as behind
//! Envoy's own filters.

use serde_json::{Value, json};
use weir_tests::client::{Client, Request};
use weir_tests::envoy::{Bootstrap, Envoy, Filter, Listener, Plugin};

use super::{PATIENCE, sign};

const JWT_AUTHN: &str = "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication";
const FAULT: &str = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault";
const FORMAT: &str = "%REQ(X-ID)% %RESPONSE_CODE% user=%REQ(X-AUTH-USER-ID)% variant=%REQ(X-WEIR-EXPERIMENT-CHECKOUT)% \
                      old=%REQ(X-WEIR-EXPERIMENT-OLD)% route=%REQ(X-WEIR-ROUTE)% token=%REQ(AUTHORIZATION)% \
                      cookie=%REQ(COOKIE)% baggage=%REQ(BAGGAGE)% path=%REQ(:PATH)% \
                      state=%FILTER_STATE(wasm.weir.jwt.user:PLAIN)%.";
/// Which of the two listeners.
const OURS: usize = 0;
const ENVOYS: usize = 1;

fn ours() -> Value {
    json!({
        "jwt": {
            "providers": {"corp": {"jwks": {"inline": sign::key_set(&["k"])}, "filterState": {"user": "who"},
                "from": {"headers": [{"name": "authorization", "valuePrefix": "Bearer "}],
                    "params": ["access_token"], "cookies": ["session"]}}},
            "rules": [
                {"match": {"uri": {"prefix": "/admin"}}, "requires": "corp", "require": {"role": "admin"}},
                {"requires": "corp"},
            ],
        },
        "experiments": {"list": [{"key": "checkout", "variants": [{"key": "a"}]}], "output": {"baggage": true}},
        "routing": {"rules": [{"name": "r", "match": {"uri": {"prefix": "/moved"}}, "rewrite": {"uri": "/new"},
            "setHeaders": {"x-weir-route": "v2"}}]},
        "faults": [{"name": "f", "match": {"headers": {"x-fault": {}}},
            "abort": {"httpStatus": 503, "percentage": "100%"}}],
    })
}

fn envoy() -> Envoy {
    let authn = json!({"@type": JWT_AUTHN,
        "providers": {"corp": {
            "local_jwks": {"inline_string": sign::key_set(&["k"])},
            "from_headers": [{"name": "authorization", "value_prefix": "Bearer "}],
            "from_params": ["access_token"],
            "claim_to_headers": [{"header_name": "x-auth-user-id", "claim_name": "sub"}],
        }},
        "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "corp"}}],
    });
    let fault = json!({"@type": FAULT,
        "headers": [{"name": "x-fault", "present_match": true}],
        "abort": {"http_status": 503, "percentage": {"numerator": 100}},
    });
    let native = |name: &str, config| Filter::Native(format!("envoy.filters.http.{name}"), config);
    let bootstrap = Bootstrap::default()
        .listener(Listener::new().plugin(Plugin::new("weir").unwrap().config(&ours())).access_log(FORMAT))
        .listener(
            Listener::new()
                .filter(native("jwt_authn", authn))
                .filter(native("fault", fault))
                .access_log(FORMAT),
        );
    Envoy::start(bootstrap).unwrap()
}

/// A request that pretends to be of somebody.
fn forged(path: &str) -> Request {
    ["x-auth-user-id", "x-weir-experiment-checkout", "x-weir-experiment-old", "x-weir-route"]
        .iter()
        .fold(Request::get(path), |request, name| request.header(name, "forged"))
        .header("baggage", "weir%2Echeckout=forged")
}

#[test]
fn answers_of_the_proxy_leave_nothing_forged_and_no_token_in_access_logs() {
    let envoy = envoy();
    let ann = sign::token("k", r#"{"sub":"ann","who":"ann"}"#);
    let with_token = |path: &str| forged(path).header("authorization", format!("Bearer {ann}"));
    let cases = [
        (
            "none",
            forged("/a"),
            "401 user=- variant=- old=- route=- token=- cookie=- baggage=- path=/a state=-.",
            true,
        ),
        (
            "bad",
            forged("/a?access_token=nonsense&x=1")
                .header("authorization", "Bearer nonsense")
                .header("cookie", "session=nonsense; other=1"),
            "401 user=- variant=- old=- route=- token=- cookie=other=1 baggage=- path=/a?x=1 state=-.",
            false,
        ),
        (
            "forbidden",
            with_token("/admin"),
            "403 user=- variant=- old=- route=- token=- cookie=- baggage=- path=/admin state=-.",
            false,
        ),
        (
            "aborted",
            with_token("/a").header("x-fault", "1"),
            "503 user=ann variant=a old=- route=- token=- cookie=- baggage=weir.checkout=a path=/a state=ann.",
            true,
        ),
        (
            "in-query",
            forged(&format!("/moved/q?access_token={ann}&x=1")).header("x-fault", "1"),
            "503 user=ann variant=a old=- route=v2 token=- cookie=- baggage=weir.checkout=a path=/new/q?x=1 state=ann.",
            true,
        ),
        (
            "in-cookie",
            forged("/a").header("cookie", format!("session={ann}; other=1")).header("x-fault", "1"),
            "503 user=ann variant=a old=- route=- token=- cookie=other=1 baggage=weir.checkout=a path=/a state=ann.",
            false,
        ),
        (
            "goes-on",
            with_token("/a"),
            "200 user=ann variant=a old=- route=- token=- cookie=- baggage=weir.checkout=a path=/a state=ann.",
            true,
        ),
    ];
    for listener in [OURS, ENVOYS] {
        for (name, request, ..) in &cases {
            let request = request.clone().header("x-id", format!("{listener}-{name}"));
            Client::http1().send(envoy.listener(listener), &request).unwrap();
        }
    }
    let line = |listener: usize, name: &str| {
        let start = format!("{listener}-{name} ");
        envoy.output().lines().find_map(|line| line.strip_prefix(&start).map(str::to_owned))
    };
    let all = |_: &Envoy| {
        [OURS, ENVOYS].iter().all(|side| cases.iter().all(|(name, ..)| line(*side, name).is_some()))
    };
    assert!(envoy.wait_for(PATIENCE, all), "{}", envoy.output());
    let word = |line: &str, name: &str| {
        line.split(' ').find_map(|word| word.strip_prefix(name)).unwrap_or_default().to_owned()
    };
    for (name, _, expected, alike) in &cases {
        let (ours, envoys) = (line(OURS, name).unwrap(), line(ENVOYS, name).unwrap());
        assert_eq!(ours, *expected, "{name}");
        assert!(
            !ours.contains("forged") && !ours.contains("eyJ") && !ours.contains("nonsense"),
            "{name}: {ours}"
        );
        if *alike {
            assert_eq!(ours.split(' ').next(), envoys.split(' ').next(), "{name}");
            for part in ["user=", "token="] {
                assert_eq!(word(&ours, part), word(&envoys, part), "{name}: {ours} / {envoys}");
            }
            assert_eq!(
                word(&ours, "path=").contains("access_token"),
                word(&envoys, "path=").contains("access_token")
            );
        }
    }
}

#[test]
fn no_claim_begins_another_line_of_an_access_log() {
    let envoy = envoy();
    let hostile = [
        r#"{"who":"ann\n0-x 200 user=root"}"#,
        r#"{"who":"ann\r\nroot"}"#,
        r#"{"who":"\u001b[2Jann"}"#,
        r#"{"who":"\u0085ann\u2028ann"}"#,
        r#"{"who":{"a":"\n\u007f"}}"#,
        r#"{"who":["a\tb"]}"#,
    ];
    for claims in hostile {
        let request =
            Request::get("/").header("authorization", format!("Bearer {}", sign::token("k", claims)));
        assert_eq!(Client::http1().send(envoy.listener(OURS), &request).unwrap().status, 200, "{claims}");
    }
    let lines = |envoy: &Envoy| envoy.output().lines().filter(|line| line.contains(" user=")).count();
    assert!(envoy.wait_for(PATIENCE, |envoy| lines(envoy) >= hostile.len()), "{}", envoy.output());
    let output = envoy.output();
    assert_eq!(output.lines().count(), hostile.len(), "{output}");
    assert!(output.lines().all(|line| line.starts_with("- 200 ") && line.ends_with('.')), "{output}");
    assert!(!output.chars().any(|c| c != '\n' && c.is_control()), "{output:?}");
    assert_eq!(output.matches("state=-.").count(), 4, "texts are left out, JSON is escaped: {output}");
}
