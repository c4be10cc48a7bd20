//! A request, decided by a configuration that has everything.

use crate::support::{ANN, KEYS, Line, World, host, pipeline, request as lines_of, serve};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use weir::Pipeline;
use weir_core::Disposition;
use weir_core::escape::is_hidden;
use weir_core::header::encode_pairs;
use weir_pipeline::Plans;

pub(crate) const PIECES: &[&str] = &[
    "\n/private",
    "/private/x",
    "\n/secret/7",
    "?access_token=",
    "&access%5Ftoken=",
    "\nauthorization=Bearer ",
    ANN,
    "\ncookie=session=",
    "; ",
    "\nx-area=redzone",
    "\nx-level=5",
    "\nx-json={\"admin\": true}",
    "\nx-auth-user-id=forged",
    "\nx-weir-route=forged",
    "\nx-weir-experiment-checkout=forged",
    "\nx-experiments=forged",
    "\nx-weir-old=forged",
    "\nbaggage=weir%2Echeckout=forged",
    "\nx-user-id=ada",
    "\nx-force=checkout=fast",
    "\nx-friend=1",
    "\nx-text=a-b-end",
    "\nx-tea=pot",
    "\nx-envoy-fault-abort-request=503",
    "\nx-envoy-fault-abort-request-percentage=100",
    "\nx-envoy-fault-delay-request=10",
    "\nx-kill=on",
    "\ntraceparent=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "\n:authority=SHOP.example.com:443",
    "\n:method=OPTIONS",
    "\norigin=https://a",
    "\naccess-control-request-method=GET",
    "\nconnection=x-auth-user-id",
    "forged",
    "%",
    "\"",
    "NaN",
    "é",
];

fn configuration() -> Value {
    json!({
        "attributes": {"level": {"header": "x-level", "type": "number"}, "json": {"header": "x-json", "type": "json"}},
        "jwt": {
            "providers": {"corp": {"jwks": {"inline": KEYS}, "filterState": {"user": "sub"}, "payloadHeader": "x-payload",
                "from": {"headers": [{"name": "authorization", "valuePrefix": "Bearer "}], "params": ["access_token"], "cookies": ["session"]}}},
            "rules": [
                {"name": "prefix", "match": {"uri": {"prefix": "/private"}}, "requires": "corp"},
                {"name": "regex", "match": {"uri": {"regex": "/secret/.*[0-9].*"}}, "requires": "corp"},
                {"name": "pattern", "condition": {"header:x-area": {"$regex": "(red|blue)+zone"}}, "requires": "corp"},
                {"name": "number", "condition": {"level": {"$gte": 5}}, "requires": "corp"},
                {"name": "json", "condition": {"json.admin": true}, "requires": "corp"},
                {"name": "rest", "requires": "none"}]},
        "experiments": {
            "unit": ["claim:sub", "header:x-user-id", "cookie:id"],
            "secret": {"value": "a secret of more than sixteen bytes"}, "mintCookie": {"name": "id"}, "assignmentCookie": {"name": "w"},
            "output": {"combinedHeader": "x-experiments", "baggage": true},
            "overrides": {"header": "x-force", "allow": {"match": {"headers": {"x-friend": {"exact": "1"}}}}},
            "list": [{"key": "checkout", "sticky": true, "variants": [{"key": "safe", "weight": 50}, {"key": "fast", "weight": 50}]}]},
        "routing": {"rules": [
            {"name": "fast", "variant": {"checkout": "fast"}, "match": {"uri": {"prefix": "/shop"}}, "setHeaders": {"x-weir-route": "v2"}, "rewrite": {"uri": "/store"}},
            {"name": "text", "condition": {"header:x-text": {"$regex": "([a-z]+-)+end"}}, "setHeaders": {"x-weir-route": "v3"}}]},
        "faults": [
            {"name": "teapot", "match": {"headers": {"x-tea": {"exact": "pot"}}}, "abort": {"httpStatus": 418, "percentage": "50%"},
                "killSwitch": {"header": "x-kill", "allow": {"match": {"headers": {"x-friend": {"exact": "1"}}}}},
                "headerControl": {"allow": {"match": {"headers": {"x-friend": {"exact": "1"}}}}, "abort": "100%"}}],
        "metrics": {"red": {}, "accessLog": {"rawPath": true, "fields": {"agent": "header:user-agent", "area": "header:x-area"}},
            "list": [{"name": "checkouts_total", "experiments": "checkout", "labels": {"host": "host", "method": "method"}}]},
    })
}

thread_local! {
    static PIPELINE: Pipeline = pipeline(&configuration());
    static PLANS: Plans = Plans::load(configuration().to_string().as_bytes(), &|_| None).expect("it is right");
}

/// Nothing that is forged passes, nothing that is protected is reached without a token, and the log is JSON.
pub(crate) fn request(data: &[u8]) {
    let lines = lines_of(data);
    let host = host();
    let served = PIPELINE.with(|pipeline| serve(pipeline, &host, &lines));
    let outcome = PLANS.with(|plans| plans.outcome(&encode_pairs(&lines), &World::default(), &mut ()));
    let mut upstream = outcome.upstream(&lines);
    upstream.sort();
    assert_eq!((&served.headers, &served.disposition), (&upstream, &outcome.disposition));
    owned(&served.headers);
    if matches!(served.disposition, Disposition::On) {
        protected(&lines, &served.headers);
    }
    for line in host.lines.borrow().iter() {
        assert!(!line.contains(is_hidden), "{line:?}");
        let start = line.find('{').expect("nothing else is logged");
        serde_json::from_str::<Value>(&line[start..]).expect("it is JSON");
    }
}

fn values<'l>(lines: &'l [Line], name: &str) -> Vec<&'l [u8]> {
    lines.iter().filter(|(known, _)| known == name.as_bytes()).map(|(_, value)| &value[..]).collect()
}

/// What the configuration owns has values that it gives, in one line.
fn owned(headers: &[Line]) {
    const KNOWN: [(&str, &[&str]); 8] = [
        ("x-auth-user-id", &["ann"]),
        ("x-auth-user-role", &[]),
        ("x-payload", &["eyJzdWIiOiJhbm4ifQ"]),
        ("x-weir-route", &["v2", "v3"]),
        ("x-experiments", &["checkout=safe", "checkout=fast"]),
        ("x-weir-experiment-checkout", &["safe", "fast"]),
        ("x-force", &[]),
        ("x-kill", &[]),
    ];
    for (name, known) in KNOWN {
        let values = values(headers, name);
        assert!(
            values.len() < 2
                && values.iter().all(|value| known.iter().any(|known| known.as_bytes() == *value)),
            "{name}: {values:?}"
        );
    }
    let names: BTreeSet<&[u8]> = headers.iter().map(|(name, _)| &name[..]).collect();
    assert!(
        names.iter().all(|name| !name.starts_with(b"x-weir-") || KNOWN.iter().any(|known| known.0.as_bytes() == *name)),
        "{headers:?}"
    );
}

fn protected(sent: &[Line], headers: &[Line]) {
    let path = values(sent, ":path")[0];
    let path = path.split(|b| matches!(b, b'?' | b'#')).next().unwrap_or_default();
    let secret = path.strip_prefix(b"/secret/");
    let is = |name: &str, meant: &[u8]| *values(sent, name) == [meant];
    let is_protected = path.starts_with(b"/private")
        || secret.is_some_and(|rest| rest.iter().any(u8::is_ascii_digit) && !rest.contains(&b'\n'))
        || is("x-area", b"redzone")
        || is("x-level", b"5")
        || is("x-json", br#"{"admin": true}"#);
    assert!(!is_protected || values(headers, "x-auth-user-id") == [b"ann"], "{sent:?}");
}
