//! Tokens as identity providers have them, beside Envoy's own `jwt_authn`: with the configurations of
//! `docs/identity-providers.md`, with what key servers answer, and in WebSocket subprotocols.

mod answers;
mod websocket;

use serde_json::{Value, json};
use weir_tests::client::{Client, Request};
use weir_tests::envoy::{Bootstrap, Envoy, Filter, Listener, Plugin};
use weir_tests::paths;

use super::jwt_differential::JWT_AUTHN;

/// The header that chooses a provider.
const PROBE: &str = "x-probe";

/// `tests/vectors/jwt/providers.json`.
fn vectors() -> Value {
    let path = paths::root().join("tests/vectors/jwt/providers.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The provider in the page's section of this name.
fn documented(page: &str, name: &str) -> Value {
    let section = page.split("\n## ").find(|section| section.starts_with(&format!("{name}\n")));
    let section = section.unwrap_or_else(|| panic!("docs/identity-providers.md has no section {name}"));
    let block = section.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let document: Value = serde_saphyr::from_str(block).unwrap();
    document["jwt"]["providers"].as_object().unwrap().values().next().unwrap().clone()
}

/// A side's filter with a provider for each probe, chosen by [`PROBE`].
fn ours(providers: &[Value]) -> Value {
    let (mut all, mut rules) = (json!({}), Vec::new());
    for (number, provider) in providers.iter().enumerate() {
        let name = format!("p{number}");
        rules.push(json!({"match": {"headers": {PROBE: {"exact": name}}}, "requires": name}));
        all[name] = provider.clone();
    }
    json!({"jwt": {"providers": all, "rules": rules}})
}

fn theirs(providers: &[Value]) -> Value {
    let (mut all, mut rules) = (json!({}), Vec::new());
    for (number, provider) in providers.iter().enumerate() {
        let name = format!("p{number}");
        let header = json!({"name": PROBE, "string_match": {"exact": name}});
        let requires = json!({"provider_name": name});
        rules.push(json!({"match": {"prefix": "/", "headers": [header]}, "requires": requires}));
        all[name] = provider.clone();
    }
    json!({"@type": JWT_AUTHN, "providers": all, "rules": rules})
}

/// Both filters in one Envoy: ours is the first listener.
fn both(bootstrap: Bootstrap, ours: &Value, theirs: Value) -> Envoy {
    let authn = Filter::Native("envoy.filters.http.jwt_authn".to_owned(), theirs);
    let bootstrap = bootstrap
        .listener(Listener::new().plugin(Plugin::new("jwt_claims").unwrap().config(ours)))
        .listener(Listener::new().filter(authn));
    Envoy::start(bootstrap).unwrap()
}

/// What jwt_authn needs to take the same token.
fn authn_provider(case: &Value, documented: &Value) -> Value {
    let issuer = match &documented["issuer"] {
        Value::Array(several) => several[0].clone(),
        one => one.clone(),
    };
    let keys = case.get("authnKeys").unwrap_or(&case["keys"]);
    let mut provider = json!({"issuer": issuer, "local_jwks": {"inline_string": keys.to_string()}});
    if let Some(audiences) = documented.get("audiences") {
        provider["audiences"] = audiences.clone();
    }
    if case["header"] != "authorization" {
        provider["from_headers"] = json!([{"name": case["header"]}]);
    }
    provider
}

#[test]
fn documented_configurations_take_the_tokens_of_their_providers() {
    let vectors = vectors();
    let cases = vectors["providers"].as_array().unwrap();
    let page = std::fs::read_to_string(paths::root().join("docs/identity-providers.md")).unwrap();
    let mut our_providers = Vec::new();
    let mut their_providers = Vec::new();
    for case in cases {
        let mut provider = documented(&page, case["name"].as_str().unwrap());
        their_providers.push(authn_provider(case, &provider));
        provider["jwks"] = json!({"inline": case["keys"]});
        our_providers.push(provider);
    }
    let envoy = both(Bootstrap::default(), &ours(&our_providers), theirs(&their_providers));
    let client = Client::http1();
    let (mut wrong, mut same) = (Vec::new(), 0);
    for (number, case) in cases.iter().enumerate() {
        let name = case["name"].as_str().unwrap();
        let send = |listener: usize, token: &Value| {
            let header = case["header"].as_str().unwrap();
            let scheme = if header == "authorization" { "Bearer " } else { "" };
            let value = format!("{scheme}{}", token.as_str().unwrap());
            let request = Request::get("/").header(PROBE, format!("p{number}")).header(header, value);
            let answer = client.send(envoy.listener(listener), &request).unwrap();
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            let Some(seen) = answer.seen() else { return (answer.status, body, true) };
            let user = seen.header_bytes("x-auth-user-id").concat();
            (answer.status, String::from_utf8(user).unwrap(), seen.header_bytes(header).is_empty())
        };
        let good = send(0, &case["token"]);
        if (good.0, &good.1, good.2) != (200, &case["sub"].as_str().unwrap().to_owned(), true) {
            wrong.push(format!("{name}: {good:?}"));
        }
        let forged = send(0, &case["forged"]);
        if (forged.0, forged.1.as_str()) != (401, "the token is refused: bad signature") {
            wrong.push(format!("{name}, forged: {forged:?}"));
        }
        let native = send(1, &case["token"]);
        let expected = case["jwtAuthn"].as_str().unwrap();
        let found = if native.0 == 200 { "accepted" } else { native.1.as_str() };
        if found != expected {
            wrong.push(format!("{name}: jwt_authn says {found}, not {expected}"));
        }
        same += usize::from(found == "accepted");
    }
    println!("{} providers, {same} of them also with jwt_authn", cases.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases.len() >= 14 && same >= 12);
}
