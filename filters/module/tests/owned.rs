//! A header that the configuration owns leaves the plugin as the lines that it wrote, whatever clients send.

#![cfg(all(
    feature = "jwt-claims",
    feature = "experiment",
    feature = "ab-routing",
    feature = "fault-injection"
))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::type_complexity,
    reason = "tests stop where they fail, and tables of cases are read once"
)]

use weir::{Pipeline, Workspace};
use weir_host::{FakeHost, Plugin};

/// Names of all kinds of owned headers, with every way to fill them.
const CONFIGURATION: &str = r#"{
  "jwt": {"providers": {"corp": {
    "jwks": {"inline": "{\"keys\": [{\"kty\": \"oct\", \"kid\": \"one\", \"k\": \"YSBzZWNyZXQgb2YgdGhpcnR5LXR3byBieXRlcywgb2s\"}]}"},
    "payloadHeader": "x-payload",
    "claimsToHeaders": [
      {"claim": "sub", "header": "x-auth-user-id"}, {"claim": "name", "header": "x-name"},
      {"claim": "roles", "header": "x-roles", "format": "csv"},
      {"claim": "groups", "header": "x-groups", "format": "repeat"},
      {"claim": "o", "header": "x-o", "format": "json"}, {"claim": "[o][a]", "header": "x-oa", "format": "base64Json"},
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
    pipeline.on_request_headers(&host, &mut Workspace::default(), 0);
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

/// `{"sub":"ada"}`
const ADA: &str =
    "eyJhbGciOiJIUzI1NiIsImtpZCI6Im9uZSJ9.eyJzdWIiOiJhZGEifQ.ybLn1KtnXSzqaC74S4qZDXcU3vVs99FmaxYiEPdY1A8";
const KEYS: &str = r#"{"inline": "{\"keys\": [{\"kty\": \"oct\", \"kid\": \"one\", \"k\": \"YSBzZWNyZXQgb2YgdGhpcnR5LXR3byBieXRlcywgb2s\"}]}"}"#;

/// A host that has served a request with this configuration.
fn served(configuration: &str, path: &str, sent: &[(&str, &str)], recorded: Option<&str>) -> FakeHost {
    let configuration = configuration.replace("KEYS", KEYS);
    let pipeline = match Pipeline::configure(&FakeHost::default(), configuration.as_bytes()) {
        Ok(pipeline) => pipeline,
        Err(problems) => panic!("{problems}"),
    };
    let mut headers = vec![(":path", path.as_bytes())];
    headers.extend(sent.iter().map(|(name, value)| (*name, value.as_bytes())));
    let mut host = FakeHost::with_request(&headers);
    if let Some(names) = recorded {
        host.properties.insert(b"filter_state\0wasm.weir-headers".to_vec(), names.as_bytes().to_vec());
    }
    pipeline.on_request_headers(&host, &mut Workspace::default(), 0);
    host
}

/// The values of a header, joined.
fn header(host: &FakeHost, name: &str) -> Option<String> {
    let all = host.request.borrow();
    let values = all.iter().filter(|(known, _)| known == name.as_bytes());
    let values: Vec<_> = values.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect();
    (!values.is_empty()).then(|| values.join("|"))
}

#[test]
fn a_token_that_was_taken_out_of_the_query_does_not_come_back_with_a_rewrite() {
    let configuration = r#"{"jwt": {"providers": {"corp": {"jwks": KEYS}}}, "routing": {"rules": [
        {"name": "moved", "match": {"uri": {"prefix": "/old/"}}, "rewrite": {"uri": "/new/"}}]}}"#;
    for (path, expected) in [
        (format!("/old/a?x=1&access_token={ADA}&y=2"), "/new/a?x=1&y=2"),
        (format!("/old/a?access_token={ADA}"), "/new/a"),
        (format!("/a?access_token={ADA}"), "/a"),
    ] {
        let host = served(configuration, &path, &[], None);
        assert_eq!(header(&host, ":path").as_deref(), Some(expected));
        assert_eq!(header(&host, "x-auth-user-id").as_deref(), Some("ada"));
    }
}

#[test]
fn what_was_decided_is_carried_out_before_the_proxy_answers() {
    let configuration = r#"{"jwt": {"providers": {"corp": {"jwks": KEYS, "from": {"cookies": ["session"],
          "params": ["access_token"], "headers": [{"name": "authorization", "valuePrefix": "Bearer "}]}}},
        "rules": [{"match": {"uri": {"prefix": "/admin"}}, "requires": "corp", "require": {"role": "admin"}}, {"requires": "corp"}]},
      "experiments": {"list": [{"key": "checkout", "variants": [{"key": "a"}]}]},
      "faults": [{"match": {"headers": {"x-fault": {}}}, "abort": {"httpStatus": 503, "percentage": "100%"}}]}"#;
    let bearer = format!("Bearer {ADA}");
    let cookie = format!("session={ADA}; other=1");
    let cases: [(&str, &str, &[(&str, &str)], Option<&str>); 5] = [
        ("/a", "/a", &[], None),
        ("/a?access_token=nonsense&x=1", "/a?x=1", &[("authorization", "Bearer nonsense")], None),
        ("/admin", "/admin", &[("authorization", &bearer)], None),
        ("/a", "/a", &[("authorization", &bearer), ("x-fault", "1")], Some("ada")),
        ("/a", "/a", &[("cookie", &cookie), ("x-fault", "1")], Some("ada")),
    ];
    for (path, shown, sent, user) in cases {
        let mut all = vec![
            ("x-auth-user-id", "forged"),
            ("x-weir-experiment-checkout", "forged"),
            ("x-weir-experiment-old", "forged"),
            ("baggage", "weir%2Echeckout=forged"),
        ];
        all.extend(sent);
        let host = served(configuration, path, &all, None);
        assert_eq!(header(&host, ":path").as_deref(), Some(shown));
        assert_eq!(header(&host, "x-auth-user-id").as_deref(), user, "{path}");
        assert_eq!(header(&host, "x-weir-experiment-checkout").as_deref(), user.map(|_| "a"), "{path}");
        for name in ["x-weir-experiment-old", "authorization", "baggage"] {
            assert_eq!(header(&host, name), None, "{path} {name}");
        }
        assert!(header(&host, "cookie").is_none_or(|cookies| cookies == "other=1"));
    }
}

#[test]
fn claims_that_act_are_in_no_filter_state() {
    let configuration = r#"{"jwt": {"providers": {"corp": {"jwks": KEYS, "claimsToHeaders": [],
        "filterState": {"user": "sub", "name": "name", "o": "o", "b": "[o][b]"}}}}}"#;
    // {"sub":"ann\n[2026…] 200 user=root /forged","name":"\u001b[2J","o":{"a":"\u007f","b":[1, 2]}}
    let token = "Bearer eyJhbGciOiJIUzI1NiIsImtpZCI6Im9uZSJ9.eyJzdWIiOiJhbm5cblsyMDI2LTAxLTAxVDAwOjAwOjAwLjAwMFpdIDIwMCB1c2VyPXJvb3QgL2ZvcmdlZCIsIm5hbWUiOiJcdTAwMWJbMkoiLCJvIjp7ImEiOiJcdTAwN2YiLCJiIjpbMSwgMl19fQ.1dL93UEIr8CvZtC-Nib4oqE1uVLCLWFvL-yBjYw2kWg";
    let host = served(configuration, "/", &[("authorization", token)], None);
    let states = host.states.borrow();
    assert_eq!(
        states.keys().collect::<Vec<_>>(),
        ["weir.jwt.b", "weir.jwt.o"],
        "texts that act are left out"
    );
    assert!(states.values().flatten().all(|b| (0x20..0x7f).contains(b)));
}

#[test]
fn plugins_that_share_names_leave_alone_what_was_recorded() {
    let configuration = r#"{"ownership": {"shared": true},
      "experiments": {"output": {"baggage": true}, "list": [{"key": "one", "variants": [{"key": "a"}]}]},
      "routing": {"rules": [{"name": "r", "match": {"headers": {"x-r": {}}}, "setHeaders": {"x-team": "r"}}]}}"#;
    let sent = [
        ("x-team", "theirs"),
        ("x-weir-experiment-old", "b"),
        ("x-weir-route", "v2"),
        ("baggage", "weir.old=b"),
    ];
    let host = served(configuration, "/", &sent, None);
    for name in ["x-team", "x-weir-experiment-old", "x-weir-route"] {
        assert_eq!(header(&host, name), None, "nobody recorded {name}");
    }
    assert_eq!(header(&host, "baggage").as_deref(), Some("weir.one=a"));
    let recorded = host.states.borrow().get("weir-headers").cloned();
    assert_eq!(recorded.as_deref(), Some(&b"x-weir-experiment-one,baggage"[..]));
    let theirs = "x-team,x-weir-experiment-old,baggage";
    let host = served(configuration, "/", &sent, Some(theirs));
    assert_eq!(header(&host, "x-team").as_deref(), Some("theirs"));
    assert_eq!(header(&host, "x-weir-experiment-old").as_deref(), Some("b"));
    assert_eq!(header(&host, "x-weir-route"), None);
    assert_eq!(header(&host, "baggage").as_deref(), Some("weir.old=b,weir.one=a"));
    let recorded = host.states.borrow().get("weir-headers").cloned();
    assert_eq!(recorded.as_deref(), Some(&b"x-team,x-weir-experiment-old,baggage,x-weir-experiment-one"[..]));
    let host = served(configuration, "/", &[&sent[..], &[("x-r", "1")]].concat(), Some(theirs));
    assert_eq!(header(&host, "x-team").as_deref(), Some("r"), "the later one's value counts");
}
