//! A header that the configuration owns leaves the plugin as the lines that it wrote, whatever clients send.

#![cfg(all(
    feature = "jwt-claims",
    feature = "experiment",
    feature = "ab-routing",
    feature = "fault-injection"
))]

use weir::Pipeline;
use weir_host::{FakeHost, Plugin, Workspace};

/// Names of all kinds of owned headers, with every way to fill them.
const CONFIGURATION: &str = r#"{
  "jwt": {"providers": {"corp": {
    "jwks": {"inline": "{\"keys\": [{\"kty\": \"oct\", \"kid\": \"one\", \"k\": \"YSBzZWNyZXQgb2YgdGhpcnR5LXR3byBieXRlcywgb2s\"}]}"},
    "payloadHeader": "x-payload",
    "claimsToHeaders": [
      {"claim": "sub", "header": "x-auth-user-id"}, {"claim": "name", "header": "x-name"},
      {"claim": "roles", "header": "x-roles", "format": "csv"},
      {"claim": "groups", "header": "x-groups", "format": "repeat"},
      {"claim": "o", "header": "x-o", "format": "json"}, {"claim": "o.a", "header": "x-oa", "format": "base64Json"},
      {"claim": "absent", "header": "x-absent"}]}},
    "rules": [{"match": {"uri": {"prefix": "/open"}}}, {"requires": "corp"}]},
  "experiments": {"unit": "claim:sub",
    "output": {"combinedHeader": "x-all", "baggage": true},
    "overrides": {"header": "x-override", "allow": {"match": {"headers": {"x-nobody": {}}}}},
    "list": [
      {"key": "one", "header": "x-one", "variants": [{"key": "ab", "weight": 1, "headers": {"x-color": "red,green"}, "payload": [1, 2]}]},
      {"key": "two", "variants": [{"key": "a", "weight": 1}]}]},
  "routing": {"rules": [
    {"name": "r", "match": {"uri": {"prefix": "/open"}}, "setHeaders": {"x-weir-route": "v1,v2"}, "cluster": "c"},
    {"name": "s", "setHeaders": {"x-side": "left"}}]},
  "faults": [{"name": "f", "match": {"headers": {"x-nobody": {}}}, "abort": {"httpStatus": 503, "percentage": "100%"},
    "killSwitch": {"header": "x-kill", "allow": {"match": {"headers": {"x-nobody": {}}}}},
    "headerControl": {"allow": {"match": {"headers": {"x-nobody": {}}}}, "abort": "100%"}}]
}"#;

/// `{"sub":"root,evil","name":"admin,evil","roles":["reader","writer","root"],"groups":["a","b"],"o":{"a":[1,2]}}`
const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsImtpZCI6Im9uZSJ9.eyJzdWIiOiJyb290LGV2aWwiLCJuYW1lIjoiYWRtaW4sZXZpbCIsInJvbGVzIjpbInJlYWRlciIsIndyaXRlciIsInJvb3QiXSwiZ3JvdXBzIjpbImEiLCJiIl0sIm8iOnsiYSI6WzEsMl19fQ.9FC5TwbvS-Q4r6PLqrDWfnQYcJh4ZQxpaesN7giwLGA";

/// The headers that it owns, and some that it reserves.
const NAMES: [&str; 26] = [
    "x-payload",
    "x-auth-user-id",
    "x-name",
    "x-roles",
    "x-groups",
    "x-o",
    "x-oa",
    "x-absent",
    "x-all",
    "baggage",
    "x-override",
    "x-one",
    "x-color",
    "x-weir-payload-one",
    "x-weir-route",
    "x-weir-cluster",
    "x-side",
    "x-kill",
    "x-envoy-fault-abort-request",
    "x-envoy-fault-delay-request",
    "x-weir-experiment-one",
    "x-weir-experiment-two",
    "x-weir-experiment-old",
    "x-weir-payload-old",
    "x-weir-canary",
    "x-weir-",
];

type Lines = Vec<(String, Vec<u8>)>;

fn pipeline() -> Pipeline {
    match Pipeline::configure(&FakeHost::default(), CONFIGURATION.as_bytes()) {
        Ok(pipeline) => pipeline,
        Err(problems) => panic!("{problems}"),
    }
}

/// The lines that leave the plugin under owned and reserved names.
fn leaving(pipeline: &Pipeline, path: &str, token: Option<&str>, sent: &Lines) -> Lines {
    let host = FakeHost::with_request(&[(":path", path.as_bytes())]);
    host.request
        .borrow_mut()
        .extend(token.map(|token| (b"authorization".to_vec(), token.as_bytes().to_vec())));
    host.request
        .borrow_mut()
        .extend(sent.iter().map(|(name, value)| (name.clone().into_bytes(), value.clone())));
    pipeline.on_request_headers(&host, &mut Workspace::default());
    let all = host.request.borrow();
    let ours = all.iter().filter(|(name, _)| NAMES.iter().any(|known| known.as_bytes() == name));
    let mut lines: Lines =
        ours.map(|(name, value)| (String::from_utf8(name.clone()).unwrap(), value.clone())).collect();
    lines.sort();
    lines
}

/// A value cut at some of its commas.
fn cut(random: &mut fastrand::Rng, value: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = vec![Vec::new()];
    for byte in value {
        if *byte == b',' && lines.len() < 3 && random.bool() {
            lines.push(Vec::new());
        } else if let Some(line) = lines.last_mut() {
            line.push(*byte);
        }
    }
    lines
}

#[test]
fn owned_headers_leave_as_they_were_written_whatever_was_sent() {
    let pipeline = pipeline();
    let bearer = format!("Bearer {TOKEN}");
    let mut random = fastrand::Rng::with_seed(7);
    let (mut split, mut whole) = (0, 0);
    for path in ["/", "/open"] {
        for token in [Some(bearer.as_str()), Some("Bearer nonsense"), None] {
            let expected = leaving(&pipeline, path, token, &Lines::new());
            for _ in 0..2000 {
                let mut sent = Lines::new();
                for name in NAMES {
                    let value =
                        expected.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
                    let lines = match (random.u8(..5), value) {
                        (0, _) => Vec::new(),
                        (1, _) => vec![b"forged".to_vec(); random.usize(1..4)],
                        (2, Some(value)) => vec![value; random.usize(1..3)],
                        (_, Some(value)) => cut(&mut random, &value),
                        (_, None) => vec![Vec::new(), b"x".to_vec()],
                    };
                    split += usize::from(lines.len() > 1);
                    whole += usize::from(lines.len() == 1);
                    sent.extend(lines.into_iter().map(|line| (name.to_owned(), line)));
                }
                random.shuffle(&mut sent);
                // Members of others would stay.
                sent.retain(|(name, value)| name != "baggage" || value.starts_with(b"weir."));
                assert_eq!(leaving(&pipeline, path, token, &sent), expected, "{path} {token:?} {sent:?}");
            }
        }
    }
    assert!(split > 10_000 && whole > 10_000, "{split} {whole}");
}

#[test]
fn trailers_lose_owned_and_reserved_names() {
    let pipeline = pipeline();
    let host = FakeHost::default();
    let trailers =
        ["x-roles", "x-weir-experiment-old", "x-weir-route", "authorization", "grpc-status", "x-other"];
    *host.request_trailers.borrow_mut() =
        trailers.iter().map(|name| (name.as_bytes().to_vec(), b"v".to_vec())).collect();
    <Pipeline as Plugin<FakeHost>>::on_request_trailers(&pipeline, &host);
    let left: Vec<Vec<u8>> = host.request_trailers.borrow().iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(left, [b"grpc-status".to_vec(), b"x-other".to_vec()]);
}
