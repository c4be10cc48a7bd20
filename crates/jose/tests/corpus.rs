//! Every token of `tests/vectors/jwt/verdicts.json`, through our own code and through a host's
//! `verify_signature`: the verdict must be the expected one on both paths.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod host;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use host::Host;
use serde_json::Value;
use weir_jose::{Algorithm, Allowed, KeySet, NoService, Refusal, Signatures, TimeRules, Token};

struct Corpus {
    key_sets: BTreeMap<String, KeySet>,
    cases: Vec<Value>,
    now: f64,
    rules: TimeRules,
    max_bytes: u64,
}

fn corpus() -> Corpus {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/jwt/verdicts.json");
    let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let sets = file["keySets"].as_object().unwrap().iter();
    let key_sets = sets.map(|(name, set)| {
        let (keys, skipped) = KeySet::parse(set.to_string().as_bytes()).unwrap();
        assert!(skipped.is_empty(), "{skipped:?}");
        (name.clone(), keys)
    });
    Corpus {
        key_sets: key_sets.collect(),
        cases: file["cases"].as_array().unwrap().clone(),
        now: file["now"].as_f64().unwrap(),
        rules: TimeRules {
            skew: file["skew"].as_f64().unwrap(),
            require_expiration: false,
            max_lifetime: None,
        },
        max_bytes: file["maxBytes"].as_u64().unwrap(),
    }
}

impl Corpus {
    /// What a filter does with a token, up to the claims that only its configuration can judge.
    fn judge(&self, case: &Value, service: &impl Signatures) -> Result<(), Refusal> {
        let allowed: Vec<Algorithm> = match case.get("allowed") {
            Some(names) => names
                .as_array()
                .unwrap()
                .iter()
                .map(|name| Algorithm::from_name(name.as_str().unwrap()).unwrap())
                .collect(),
            None => Algorithm::ALL.to_vec(),
        };
        let max_bytes = case.get("maxBytes").and_then(Value::as_u64).unwrap_or(self.max_bytes);
        let token = Token::parse(case["token"].as_str().unwrap().as_bytes(), max_bytes as usize)?;
        self.key_sets[case["keySet"].as_str().unwrap()].verify(&token, &allowed, service)?;
        self.rules.check(token.payload(), self.now)?;
        token.payload().iss()?;
        token.payload().sub()?;
        token.payload().aud().map(|_| ())
    }

    /// Cases whose verdict is another than expected.
    fn wrong(&self, path: &str, service: &impl Signatures) -> Vec<String> {
        let wrong = self.cases.iter().filter_map(|case| {
            let found = self.judge(case, service).map_or_else(|refusal| refusal.reason(), |()| "accepted");
            let expected = case["verdict"].as_str().unwrap();
            (found != expected).then(|| format!("{path}: {}: {found}, not {expected}", case["name"]))
        });
        wrong.collect()
    }
}

#[test]
fn own_code_has_the_expected_verdicts() {
    let wrong = corpus().wrong("own", &NoService);
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_host_has_the_expected_verdicts() {
    let host = Host::default();
    let wrong = corpus().wrong("host", &host);
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(host.verified() > 50, "the host was hardly asked: {}", host.verified());
    assert!(host.refused() > 100, "the host was hardly asked: {}", host.refused());
}

/// The corpus is what it claims to be, so that the tests above cannot pass on nothing.
#[test]
fn the_corpus_is_large_and_knows_every_reason_of_this_crate() {
    let corpus = corpus();
    let hostile = corpus.cases.iter().filter(|case| case["verdict"] != "accepted").count();
    assert!(hostile >= 300, "{hostile}");
    for algorithm in Algorithm::ALL {
        let honest = corpus.cases.iter().filter(|case| {
            let name = case["name"].as_str().unwrap();
            case["group"] == "honest" && name.starts_with(&format!("{} by ", algorithm.name()))
        });
        assert!(honest.count() >= 2, "{}", algorithm.name());
    }
    let verdicts: BTreeSet<&str> =
        corpus.cases.iter().map(|case| case["verdict"].as_str().unwrap()).collect();
    // These are of other layers: no token, rules and options of a filter, a build without an algorithm; and more keys
    // than are tried, for which `keyset/tests.rs` has sets.
    let elsewhere = [
        "too_many_keys",
        "missing",
        "issuer",
        "audience",
        "subject",
        "expiration_required",
        "lifetime",
        "token_header",
    ];
    for refusal in Refusal::ALL {
        let reason = refusal.reason();
        assert_eq!(verdicts.contains(reason), !elsewhere.contains(&reason), "{reason}");
    }
}

/// No prefix of a good token is a good token, and none of them traps.
#[test]
fn truncated_tokens_are_refused_at_every_length() {
    let corpus = corpus();
    for case in corpus.cases.iter().filter(|case| case["group"] == "honest") {
        let token = case["token"].as_str().unwrap();
        let step = 1 + token.len() / 40;
        for length in (0..token.len()).step_by(step).chain(token.len() - 4..token.len()) {
            let mut short = case.clone();
            short["token"] = token[..length].into();
            assert!(corpus.judge(&short, &Host::default()).is_err(), "{} cut to {length}", case["name"]);
        }
    }
}

/// RSA keys above 4096 bits, which are for hosts alone.
#[test]
fn long_rsa_keys_are_for_the_host() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/jwt/providers.json");
    let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let long = &file["long"]["8192"];
    let (keys, skipped) = KeySet::parse(long.to_string().as_bytes()).unwrap();
    assert!(skipped.is_empty(), "{skipped:?}");
    let text = long["token"].as_str().unwrap();
    let token = Token::parse(text.as_bytes(), 16 * 1024).unwrap();
    let host = Host::default();
    assert_eq!(keys.verify(&token, Allowed::Usual, &host), Ok(()));
    assert_eq!(host.verified(), 1);
    // Ours would take ten milliseconds and more.
    assert_eq!(keys.verify(&token, Allowed::Usual, &NoService), Err(Refusal::AlgorithmUnsupported));
    let forged = text.replace("eyJhbGciOiJSUzI1NiIs", "eyJhbGciOiJQUzI1NiIs");
    assert_ne!(forged, text);
    let forged = Token::parse(forged.as_bytes(), 16 * 1024).unwrap();
    assert_eq!(keys.verify(&forged, &Algorithm::ALL, &host), Err(Refusal::KeyMismatch), "PS256");
    let Err(error) = KeySet::parse(file["long"]["8200"].to_string().as_bytes()) else { panic!("taken") };
    assert!(
        error.to_string().ends_with("keys[0] (kid long): the RSA key is longer than 8192 bits"),
        "{error}"
    );
}
