//! What both filters do with the same request beyond the verdict on its token.

use std::net::TcpListener;

use serde_json::{Value, json};
use weir_tests::client::{Client, Request, Response};
use weir_tests::envoy::{Bootstrap, Cluster, Envoy, Filter, Listener, Plugin};

use super::sides::JWT_AUTHN;
use super::sign;

/// One request, and what both filters did.
pub(crate) struct Habit {
    pub(crate) what: String,
    pub(crate) ours: String,
    pub(crate) theirs: String,
    pub(crate) why: &'static str,
}

/// One request for both.
struct Probe {
    what: String,
    why: &'static str,
    /// Members of a provider beside its keys.
    ours: Value,
    theirs: Value,
    request: Request,
    /// Headers to look at: of the upstream, else of the answer.
    look: &'static [&'static str],
}

/// The header that chooses a probe's provider.
const PROBE: &str = "x-probe";
const KEY: &str = "one";

fn bearer(claims: &str) -> Request {
    Request::get("/").header("authorization", format!("Bearer {}", sign::token(KEY, claims)))
}

/// A claim that becomes a header.
fn claim(json: &str, why: &'static str) -> Probe {
    Probe {
        what: format!("claim `{json}` to a header"),
        why,
        ours: json!({"claimsToHeaders": [{"claim": "c", "header": "x-c"}]}),
        theirs: json!({"claim_to_headers": [{"claim_name": "c", "header_name": "x-c"}]}),
        request: bearer(&format!(r#"{{"c":{json}}}"#)),
        look: &["x-c"],
    }
}

fn plain(what: &str, why: &'static str, request: Request, look: &'static [&'static str]) -> Probe {
    Probe { what: what.to_owned(), why, ours: json!({}), theirs: json!({}), request, look }
}

fn probes() -> Vec<Probe> {
    let token = sign::token(KEY, r#"{"sub":"ann"}"#);
    let mut probes = vec![
        plain(
            "`authorization: bearer TOKEN`",
            "schemes are case-insensitive (RFC 9110 section 11.1)",
            Request::get("/").header("authorization", format!("bearer {token}")),
            &[],
        ),
        plain(
            "`authorization: Basic x, Bearer TOKEN`",
            "tokens of another scheme are not read",
            Request::get("/").header("authorization", format!("Basic x, Bearer {token}")),
            &[],
        ),
        plain("`exp: 0`", "0 is 1970, not \"never\"", bearer(r#"{"exp":0}"#), &[]),
        plain(
            "no token",
            "the challenge does not repeat what the client sent",
            Request::get("/a"),
            &["www-authenticate"],
        ),
        Probe {
            what: "a token for another audience".to_owned(),
            why: "RFC 6750 section 3.1 defines this error",
            ours: json!({"audiences": ["shop"]}),
            theirs: json!({"audiences": ["shop"]}),
            request: bearer(r#"{"aud":"other"}"#),
            look: &["www-authenticate"],
        },
        Probe {
            what: "a good token in a cookie, beside another cookie".to_owned(),
            why: "a token that is not forwarded is removed from cookies too",
            ours: json!({"from": {"cookies": ["t"]}}),
            theirs: json!({"from_cookies": ["t"]}),
            request: Request::get("/").header("cookie", "a=1; t=T".replace('T', &token)),
            look: &["cookie"],
        },
        Probe {
            what: "a good token in a WebSocket subprotocol, beside another one".to_owned(),
            why: "only the token is taken out, so that the upstream can choose what is left",
            ours: json!({"from": {"subprotocols": [{"prefix": "Bearer-"}]}}),
            theirs: json!({"from_headers": [{"name": "sec-websocket-protocol", "value_prefix": "Bearer-"}]}),
            request: Request::get("/").header("sec-websocket-protocol", format!("chat, Bearer-{token}")),
            look: &["sec-websocket-protocol"],
        },
        Probe {
            what: "claim `[\"a\",\"b\"]`, its second item to a header".to_owned(),
            why: "paths can contain positions in arrays",
            ours: json!({"claimsToHeaders": [{"claim": ["c", "1"], "header": "x-c"}]}),
            theirs: json!({"claim_to_headers": [{"claim_name": "c.1", "header_name": "x-c"}]}),
            request: bearer(r#"{"c":["a","b"]}"#),
            look: &["x-c"],
        },
        Probe {
            what: "a token of a key with `use: enc`".to_owned(),
            why: "keys are used for their purpose only (RFC 7517 section 4.2)",
            ours: json!({"jwks": {"inline": with_encryption_key()}}),
            theirs: json!({"local_jwks": {"inline_string": with_encryption_key()}}),
            request: Request::get("/")
                .header("authorization", format!("Bearer {}", sign::token("enc", "{}"))),
            look: &[],
        },
        Probe {
            what: "any token, while the key server is down".to_owned(),
            why: "the token may be valid: clients should retry instead of logging in again",
            ours: json!({"jwks": {"remote": {"cluster": "down", "uri": "http://down/", "wait": "1s"}}}),
            theirs: json!({"remote_jwks": {"http_uri": {"uri": "http://down/", "cluster": "down", "timeout": "1s"}}}),
            request: bearer("{}"),
            look: &[],
        },
    ];
    probes.extend(claims());
    probes
}

fn claims() -> Vec<Probe> {
    const DIGITS: &str = "numbers keep the digits that the issuer wrote";
    const LISTS: &str = "lists are readable; `format: base64Json` gives jwt_authn's form";
    vec![
        claim("1152921504606846977", DIGITS),
        claim("-5", DIGITS),
        claim("0.1", DIGITS),
        claim("1e-7", DIGITS),
        claim("1e21", DIGITS),
        claim("1.0", DIGITS),
        claim(r#"["a","b"]"#, LISTS),
        claim(r#"{"k":1}"#, "omitted and counted; `format: base64Json` gives jwt_authn's form"),
        claim(r#""""#, "the claim is present, and empty"),
        claim(r#""a\nb""#, "omitted and counted; the request proceeds"),
    ]
}

/// The key `one`, and a key that is not for signatures.
fn with_encryption_key() -> String {
    let keys = sign::key_set(&[KEY, "enc"]);
    keys.replace(r#""kid":"enc""#, r#""kid":"enc","use":"enc""#)
}

fn start(probes: &[Probe]) -> Envoy {
    let (mut our_providers, mut our_rules) = (json!({}), Vec::new());
    let (mut their_providers, mut their_rules) = (json!({}), Vec::new());
    for (number, probe) in probes.iter().enumerate() {
        let name = format!("p{number}");
        our_providers[&name] = merged(json!({"jwks": {"inline": sign::key_set(&[KEY])}}), &probe.ours);
        our_rules.push(json!({"match": {"headers": {PROBE: {"exact": name}}}, "requires": name}));
        let keys = match probe.theirs.get("remote_jwks") {
            Some(_) => json!({}),
            None => json!({"local_jwks": {"inline_string": sign::key_set(&[KEY])}}),
        };
        their_providers[&name] = merged(keys, &probe.theirs);
        let header = json!({"name": PROBE, "string_match": {"exact": name}});
        let requires = json!({"provider_name": name});
        their_rules.push(json!({"match": {"prefix": "/", "headers": [header]}, "requires": requires}));
    }
    let ours = json!({"jwt": {"providers": our_providers, "rules": our_rules}});
    let theirs = json!({"@type": JWT_AUTHN, "providers": their_providers, "rules": their_rules});
    // A port that was free a moment ago: nobody listens.
    let nobody = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let bootstrap = Bootstrap::default()
        .cluster(Cluster::new("down", nobody))
        .listener(Listener::new().plugin(Plugin::new("jwt_claims").unwrap().config(&ours)))
        .listener(Listener::new().filter(Filter::Native("envoy.filters.http.jwt_authn".to_owned(), theirs)));
    Envoy::start(bootstrap).unwrap()
}

fn merged(mut base: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        base[name] = value.clone();
    }
    base
}

/// Sends all probes to both. One that does not differ any more is an error.
pub(crate) fn observe() -> Vec<Habit> {
    let probes = probes();
    let envoy = start(&probes);
    let client = Client::http1();
    let mut same = Vec::new();
    let mut habits = Vec::new();
    for (number, probe) in probes.into_iter().enumerate() {
        let request = probe.request.header(PROBE, format!("p{number}"));
        let seen = [0, 1]
            .map(|listener| shown(&client.send(envoy.listener(listener), &request).unwrap(), probe.look));
        let [ours, theirs] = seen;
        if ours == theirs {
            same.push(format!("{}: {ours}", probe.what));
        }
        habits.push(Habit { what: probe.what, ours, theirs, why: probe.why });
    }
    assert!(same.is_empty(), "not different any more: {same:?}");
    habits
}

/// The status, and the headers that are looked at.
fn shown(answer: &Response, look: &[&str]) -> String {
    let seen = answer.seen();
    let mut text = answer.status.to_string();
    for name in look {
        let values = match &seen {
            Some(seen) => seen.header_bytes(name),
            None => answer.headers.iter().filter(|(key, _)| key == name).map(|(_, v)| v.clone()).collect(),
        };
        if values.is_empty() && seen.is_some() {
            text.push_str(&format!(", no {name}"));
        }
        for value in values {
            let mut value = String::from_utf8_lossy(&value).into_owned();
            // A whole token is long, and no news.
            if let Some(start) = value.find("eyJ").filter(|_| value.matches('.').count() == 2) {
                value.replace_range(start.., "TOKEN");
            }
            text.push_str(&format!(", {name}: {value}"));
        }
    }
    text
}
