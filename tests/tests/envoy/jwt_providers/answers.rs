//! What key servers answer, and whether a token passes then.

use serde_json::{Value, json};
use weir_tests::client::{Client, Request};
use weir_tests::envoy::{Bootstrap, Cluster};
use weir_tests::jwks_server::JwksServer;
use weir_tests::origin::Answer;

use super::{PROBE, both, ours, theirs, vectors};
use crate::jwt_e2e::sign;

/// An answer, a token, and what becomes of it: whether ours and jwt_authn accept it, and what our log says.
struct Sample {
    name: &'static str,
    answer: Answer,
    token: String,
    accepted: [bool; 2],
    log: &'static str,
}

fn samples() -> Vec<Sample> {
    let vectors = vectors();
    let text = |at: &str| vectors.pointer(at).unwrap().as_str().unwrap().to_owned();
    let set = sign::key_set(&["one"]);
    let one = sign::token("one", "{}");
    let ok = |body: &str| Answer::new(200, body);
    let sample = |name, answer, token: &str, accepted, log| Sample {
        name,
        answer,
        token: token.to_owned(),
        accepted,
        log,
    };
    let firebase =
        &vectors["providers"].as_array().unwrap().iter().find(|case| case["name"] == "Firebase").unwrap();
    let named = json!({"a": text("/pem/ec256")}).to_string();
    let rsa = text("/tokens/rsa");
    vec![
        sample("a key set", ok(&set), &one, [true, true], ""),
        sample("a key set behind a byte order mark", ok(&format!("\u{feff}{set}")), &one, [true, false], ""),
        sample(
            "an RSA key of 8192 bits",
            ok(&vectors["long"]["8192"].to_string()),
            &text("/long/8192/token"),
            [true, true],
            "",
        ),
        sample(
            "certificates by name",
            ok(&firebase["keys"].to_string()),
            firebase["token"].as_str().unwrap(),
            [true, true],
            "",
        ),
        sample("public keys in PEM by name", ok(&named), &text("/tokens/ec256"), [true, false], ""),
        sample("a public key in PEM", ok(&text("/pem/rsa")), &rsa, [true, false], ""),
        sample("a certificate in PEM", ok(&text("/pem/rsa certificate")), &rsa, [true, false], ""),
        sample(
            "a private key in PEM",
            ok(&text("/pem/private")),
            &rsa,
            [false, false],
            "the key set has no key that can verify a signature; keys[0]: a private key must not be published: replace it",
        ),
        sample(
            "a discovery document",
            ok(r#"{"issuer":"https://id.example.com","jwks_uri":"https://id.example.com/keys"}"#),
            &one,
            [false, false],
            "this is an OpenID discovery document, not a key set: use the address in its `jwks_uri`, https://id.example.com/keys",
        ),
        sample(
            "a page",
            ok("<!DOCTYPE html><title>Log in</title>"),
            &one,
            [false, false],
            "this is HTML or XML, not a key set",
        ),
        sample(
            "one key",
            ok(&key_alone(&set)),
            &one,
            [false, false],
            "this is a key without a set around it",
        ),
        sample("nothing", ok(""), &one, [false, false], "the key set is empty"),
        sample(
            "a redirect",
            Answer::new(302, "").header("location", "/keys"),
            &one,
            [false, false],
            "the answer's status is 302, and redirects are not followed",
        ),
    ]
}

fn key_alone(set: &str) -> String {
    serde_json::from_str::<Value>(set).unwrap()["keys"][0].to_string()
}

#[test]
fn key_servers_answer_with_keys_in_several_forms() {
    let samples = samples();
    let mut bootstrap = Bootstrap::default();
    let (mut our_providers, mut their_providers, mut servers) = (Vec::new(), Vec::new(), Vec::new());
    for (number, sample) in samples.iter().enumerate() {
        let server = JwksServer::start("").unwrap();
        server.answer(sample.answer.clone());
        let cluster = format!("keys-{number}");
        bootstrap = bootstrap.cluster(Cluster::new(&cluster, server.address()));
        let uri = "http://id.example.com/keys";
        our_providers.push(json!({"jwks": {"remote": {"cluster": cluster, "uri": uri, "wait": "1s"}}}));
        their_providers
            .push(json!({"remote_jwks": {"http_uri": {"uri": uri, "cluster": cluster, "timeout": "1s"}}}));
        servers.push(server);
    }
    let envoy = both(bootstrap, &ours(&our_providers), theirs(&their_providers));
    let client = Client::http1();
    let mut wrong = Vec::new();
    for (number, sample) in samples.iter().enumerate() {
        let request = Request::get("/")
            .header(PROBE, format!("p{number}"))
            .header("authorization", format!("Bearer {}", sample.token));
        let found = [0, 1].map(|listener| {
            let answer = client.send(envoy.listener(listener), &request).unwrap();
            println!(
                "{} {listener}: {} {}",
                sample.name,
                answer.status,
                String::from_utf8_lossy(&answer.body).replace('\n', " ")
            );
            answer.status == 200
        });
        if found != sample.accepted {
            wrong.push(format!("{}: {found:?}, not {:?}", sample.name, sample.accepted));
        }
        let line = format!("jwt: p{number}: keys are not available: {}", sample.log);
        if !sample.log.is_empty() && !envoy.log().contains(&line) {
            wrong.push(format!("{}: not in the log: {line}", sample.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
