//! The access log.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop where they fail")]

use crate::support::{Lab, Response, request, status};
use log::Level;
use serde_json::{Value, json};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn traced(id: &str) -> String {
    format!("00-{id}-00f067aa0ba902b7-01")
}

fn line(end: &Response<'_>) -> Value {
    let lines = end.lines.borrow();
    assert_eq!(lines.len(), 1, "{lines:?}");
    serde_json::from_str(&lines[0].1).unwrap()
}

#[test]
fn a_line_has_what_was_asked_and_no_secret() {
    let lab = Lab::with(
        r#"{"accessLog": {"templates": ["/users/{id}"], "level": "info",
            "unit": {"source": ["header:x-user"], "secret": {"env": "SECRET"}},
            "fields": {"agent": "header:user-agent", "rule": {"givenHeader": "x-weir-route"}, "kind": {"responseHeader": "x-kind"},
                       "cls": "codeClass", "zone": {"constant": "eu"}, "plan": {"source": "plan", "values": ["gold"]}}}}"#,
        &["checkout", "search"],
    )
    .unwrap();
    lab.host.now.set(1_000_000_000);
    let traceparent = traced(TRACE);
    let mut headers = request("GET", "/users/ada?token=secret");
    headers.extend([
        ("traceparent", traceparent.as_bytes()),
        ("x-user", b"ada@example.com"),
        ("user-agent", b"a\"b\\\n\xff"),
        ("authorization", b"Bearer secret"),
        ("cookie", b"session=secret"),
    ]);
    let end = Response {
        now: 1_012_345_678,
        headers: vec![("x-kind", "fresh")],
        properties: vec![("xds.route_name", b"shop".to_vec())],
        ..status(201)
    };
    lab.serve(&headers, &[Some(1), None], &end);
    let found = line(&end);
    let unit = found["unit"].as_str().unwrap().to_owned();
    assert_eq!(
        found,
        json!({"method": "GET", "path": "/users/{id}", "trace_id": TRACE, "unit": unit, "experiments": {"checkout": "b_1"},
               "decided": {"checkout": "hash"},
               "status": 201, "duration_ms": 12.345, "route": "shop", "agent": "a\"b\\\n_", "rule": "v2", "kind": "fresh",
               "cls": "2xx", "zone": "eu"})
    );
    assert!(unit.len() == 32 && unit.bytes().all(|b| b.is_ascii_hexdigit()), "{unit}");
    let (level, text) = end.lines.borrow()[0].clone();
    assert_eq!(level, Level::Info);
    for secret in ["secret", "ada", "Bearer"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn without_settings_a_line_is_short() {
    let lab = Lab::new(r#"{"accessLog": {}}"#).unwrap();
    let end = Response::default();
    lab.serve(&request("BREW", "/secret/path"), &[], &end);
    assert_eq!(line(&end), json!({"method": "other", "status": 0, "duration_ms": 0.0}));
    let lab = Lab::new(r#"{"accessLog": {"rawPath": true, "route": false}}"#).unwrap();
    let end = status(200);
    let path = format!("/{}?q=1", "x".repeat(10_000));
    lab.serve(&request("GET", &path), &[], &end);
    assert_eq!(line(&end)["path"].as_str().unwrap().len(), 512);
    assert_eq!(end.asked(), ["status", "now"]);
}

#[test]
fn a_sample_is_as_large_as_it_says_and_traces_stay_together() {
    let lab = Lab::new(r#"{"accessLog": {"sample": "10%"}}"#).unwrap();
    let logged = |headers: &[(&str, &[u8])]| {
        let end = status(200);
        lab.serve(headers, &[], &end);
        end.lines.borrow().len()
    };
    // Four standard deviations of a binomial with 20 000 and 0.1.
    let even = 1830..=2170;
    let by_trace: Vec<String> = (1..=20_000u64)
        .map(|i| traced(&format!("{:016x}{i:016x}", i.wrapping_mul(0x9e37_79b9_7f4a_7c15))))
        .filter(|traceparent| logged(&[("traceparent", traceparent.as_bytes())]) == 1)
        .collect();
    assert!(even.contains(&by_trace.len()), "{}", by_trace.len());
    for traceparent in &by_trace {
        assert_eq!(logged(&[("traceparent", traceparent.as_bytes())]), 1);
    }
    let by_chance: usize = (0..20_000).map(|_| logged(&[])).sum();
    assert!(even.contains(&by_chance), "{by_chance}");
}

#[test]
fn requests_and_responses_choose() {
    let lab =
        Lab::new(r#"{"accessLog": {"match": {"uri": {"prefix": "/api"}}, "response": {"status": "5xx"}}}"#)
            .unwrap();
    for (path, code, expected) in [("/api/x", 503, 1), ("/api/x", 200, 0), ("/other", 503, 0)] {
        let end = status(code);
        lab.serve(&request("GET", path), &[], &end);
        assert_eq!(end.lines.borrow().len(), expected, "{path} {code}");
    }
    assert!(lab.start(&request("GET", "/other"), &[]).is_none(), "nothing is kept of what is not logged");
}

#[test]
fn lines_stay_short() {
    let fields: Vec<String> = (0..32).map(|i| format!(r#""f{i}": "header:x-{i}""#)).collect();
    let keys: Vec<String> = (0..200).map(|i| format!("experiment-{i}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let section = format!(r#"{{"accessLog": {{"rawPath": true, "fields": {{{}}}}}}}"#, fields.join(","));
    let lab = Lab::with(&section, &keys).unwrap();
    let names: Vec<String> = (0..32).map(|i| format!("x-{i}")).collect();
    let value = [b'\x01'; 5000];
    let mut headers = vec![(":path", &value[..])];
    headers.extend(names.iter().map(|name| (name.as_str(), &value[..])));
    let end = status(200);
    lab.serve(&headers, &vec![Some(0); 200], &end);
    let found = line(&end);
    assert_eq!(found["f0"].as_str().unwrap().len(), 64);
    assert!(end.lines.borrow()[0].1.len() < 20_000, "{}", end.lines.borrow()[0].1.len());
}
