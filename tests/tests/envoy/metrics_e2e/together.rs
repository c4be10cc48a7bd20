//! All five filters in one plugin: tokens, an experiment, routing, faults, metrics.

use aws_lc_rs::hmac;

use super::*;

const USERS: usize = 200;
const KEY: &[u8; 32] = b"a key of thirty-two bytes, tests";

/// Base64url without padding (RFC 4648 section 5).
fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(word >> (18 - 6 * i) & 63) as usize]));
        }
    }
    text
}

/// A token of this user.
fn token(user: &str) -> String {
    let claims = format!(r#"{{"sub":"{user}"}}"#);
    let text = format!("{}.{}", base64url(br#"{"alg":"HS256"}"#), base64url(claims.as_bytes()));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, KEY), text.as_bytes());
    format!("{text}.{}", base64url(signature.as_ref()))
}

fn by(user: &str, path: &str) -> Request {
    Request::get(path).header("authorization", format!("Bearer {}", token(user)))
}

fn config() -> Value {
    json!({
        "jwt": {"providers": {"corp": {"jwks": {"inline": {"keys": [{"kty": "oct", "k": base64url(KEY)}]}}}}},
        "experiments": {
            "unit": "claim:sub",
            "list": [{"key": "checkout", "variants": [{"key": "safe", "weight": 50}, {"key": "fast", "weight": 50}]}],
        },
        "routing": {"rules": [{"name": "fast", "variant": {"checkout": "fast"}, "setHeaders": {"x-weir-route": "v2"}}]},
        "faults": [{
            "name": "slow", "variant": {"checkout": "fast"}, "match": {"uri": {"prefix": "/slow"}},
            "delay": {"fixedDelay": "50ms", "percentage": "100%"}, "abort": {"httpStatus": 503, "percentage": "100%"},
        }],
        "metrics": {
            "red": {},
            "list": [
                {"name": "orders_total", "experiments": "*", "match": {"method": {"exact": "POST"}, "uri": {"exact": "/orders"}}, "response": {"status": "2xx"}},
                {"name": "requests_active", "type": "gauge"},
            ],
            "accessLog": {"sample": "100%", "level": "info", "templates": ["/orders", "/slow"], "fields": {"pool": {"givenHeader": "x-weir-route"}}},
        },
    })
}

#[test]
fn who_is_known_is_divided_routed_faulted_and_measured() {
    let labels = ["code_class", "experiment", "fault", "reason", "route", "token", "variant"];
    let listener = Listener::new().plugin(Plugin::new("weir").unwrap().config(&config()));
    let bootstrap = Bootstrap::default().concurrency(2).stats_config(stats_tags(&labels)).listener(listener);
    let envoy = Envoy::start(bootstrap).unwrap();
    let law = Law::new("checkout", &[50.0, 50.0]);
    let users: Vec<String> = (0..USERS).map(user).collect();
    let is_fast = |number: usize| law.variant(&users[number]) == 1;

    let order = |user: &String| Request { method: "POST".to_owned(), ..by(user, "/orders") };
    for (number, answer) in ask(&envoy, users.iter().map(order).collect()).into_iter().enumerate() {
        assert_eq!(answer.status, 200);
        let seen = answer.seen().unwrap();
        assert_eq!(seen.name, if is_fast(number) { "v2" } else { "v1" });
        assert_eq!(seen.header_bytes("x-auth-user-id"), [users[number].as_bytes().to_vec()]);
        let variant: &[u8] = if is_fast(number) { b"fast" } else { b"safe" };
        assert_eq!(seen.header_bytes("x-weir-experiment-checkout"), [variant.to_vec()]);
    }
    let slow = ask(&envoy, users.iter().map(|user| by(user, "/slow")).collect());
    for (number, answer) in slow.into_iter().enumerate() {
        assert_eq!(answer.status, if is_fast(number) { 503 } else { 200 });
        assert!(!is_fast(number) || answer.elapsed >= Duration::from_millis(50));
    }
    // Who is nobody is in no variant, whatever the headers claim.
    let forged =
        Request::get("/slow").header("x-weir-route", "v2").header("x-weir-experiment-checkout", "fast");
    assert!(ask(&envoy, vec![forged; 20]).iter().all(|answer| answer.status == 401));

    let fast = (0..USERS).filter(|number| is_fast(*number)).count() as f64;
    let safe = USERS as f64 - fast;
    let page = page_with(&envoy, |page| page.sum("weir_requests_total", &[]) == (2 * USERS + 20) as f64);
    let value = |name: &str, labels: &[(&str, &str)]| page.value(name, labels).unwrap_or(0.0);
    let of = |variant| [("experiment", "checkout"), ("variant", variant)];
    assert_eq!((value("orders_total", &of("fast")), value("orders_total", &of("safe"))), (fast, safe));
    let with = |class, variant| [("code_class", class), ("experiment", "checkout"), ("variant", variant)];
    let red = |class, variant| value("weir_experiment_requests_total", &with(class, variant));
    assert_eq!((red("2xx", "fast"), red("5xx", "fast")), (fast, fast));
    assert_eq!((red("2xx", "safe"), red("5xx", "safe")), (2.0 * safe, 0.0));
    let duration = "weir_experiment_request_duration_milliseconds";
    assert_eq!(value(&format!("{duration}_count"), &of("fast")), 2.0 * fast);
    let (mean_fast, mean_safe) = (
        value(&format!("{duration}_sum"), &of("fast")) / (2.0 * fast),
        value(&format!("{duration}_sum"), &of("safe")) / (2.0 * safe),
    );
    println!("{fast} fast with {mean_fast:.1} ms, {safe} safe with {mean_safe:.1} ms");
    assert!(mean_fast >= 25.0);
    // They lost the forged headers before they were refused: none is counted for the route that it asked for.
    assert_eq!(page.sum("weir_requests_total", &[("code_class", "4xx")]), 20.0);
    assert_eq!(value("weir_requests_total", &[("code_class", "4xx"), ("route", "v2")]), 0.0);
    assert_eq!(value("weir_fault_aborts_total", &[("fault", "slow")]), fast);
    assert_eq!(value("weir_fault_delays_total", &[("fault", "slow")]), fast);
    assert_eq!(value("weir_faults_active", &[("fault", "slow")]), 0.0);
    assert_eq!(value("requests_active", &[]), 0.0);
    check_log(&envoy, USERS + USERS);
    assert_quiet(&envoy);
}

/// A line for each request that knew who it was, and no token in any.
fn check_log(envoy: &Envoy, known: usize) {
    let lines = |envoy: &Envoy| -> Vec<Value> {
        let log = envoy.log();
        log.lines().filter_map(|line| serde_json::from_str(line.get(line.find('{')?..)?).ok()).collect()
    };
    let assigned = |line: &&Value| line["experiments"]["checkout"].is_string();
    assert!(envoy.wait_for(PATIENCE, |envoy| lines(envoy).iter().filter(assigned).count() == known));
    for line in lines(envoy).iter().filter(assigned) {
        let is_fast = line["experiments"]["checkout"] == "fast";
        assert_eq!(line["pool"] == "v2", is_fast, "{line}");
        assert_eq!(line["status"] == 503, is_fast && line["path"] == "/slow", "{line}");
    }
    assert!(!envoy.log().contains("eyJ"), "a token in the log");
}
