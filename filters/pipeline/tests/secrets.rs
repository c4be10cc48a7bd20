//! Whatever is wrong with an option that holds a secret: no problem shows the content.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop where they fail"
)]

use serde_json::{Value, json};
use weir_pipeline::Plans;

/// Stands for a secret.
const CANARY: &str = "hushSECRET-0123456789abcdef";
/// The same as a number.
const NUMBER: u64 = 867_530_986_753_098;

/// The types whose options hold secrets, as the schema names them.
const SECRET_TYPES: [&str; 2] = ["Secret", "Jwks"];

/// A step from the top of a document to an option.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Member(String),
    Element,
}

/// Every place in the language where such a type stands, from its schema.
fn places(type_name: &str) -> Vec<Vec<Step>> {
    let text = include_str!("../../../schema/weir.schema.json");
    let schema: Value = serde_json::from_str(text).unwrap();
    let mut found = Vec::new();
    walk(&schema, &schema, &format!("#/$defs/{type_name}"), &mut Vec::new(), &mut Vec::new(), &mut found);
    found.dedup();
    found
}

fn walk(
    schema: &Value,
    node: &Value,
    wanted: &str,
    within: &mut Vec<String>,
    path: &mut Vec<Step>,
    found: &mut Vec<Vec<Step>>,
) {
    if let Some(name) = node["$ref"].as_str() {
        if name == wanted {
            found.push(path.clone());
        } else if !within.iter().any(|outer| outer == name) {
            within.push(name.to_owned());
            let target = name.trim_start_matches("#/$defs/");
            walk(schema, &schema["$defs"][target], wanted, within, path, found);
            within.pop();
        }
    }
    let mut step = |step: Step, inner: &Value| {
        path.push(step);
        walk(schema, inner, wanted, within, path, found);
        path.pop();
    };
    for (name, inner) in node["properties"].as_object().into_iter().flatten() {
        step(Step::Member(name.clone()), inner);
    }
    if node["additionalProperties"].is_object() {
        step(Step::Member("corp".to_owned()), &node["additionalProperties"]);
    }
    if node["items"].is_object() {
        step(Step::Element, &node["items"]);
    }
    for combined in ["anyOf", "oneOf", "allOf"] {
        for inner in node[combined].as_array().into_iter().flatten() {
            walk(schema, inner, wanted, within, path, found);
        }
    }
}

/// A document with nothing but this value at this place.
fn document(path: &[Step], value: &Value) -> Value {
    path.iter().rev().fold(value.clone(), |inner, step| match step {
        Step::Member(name) => json!({ name: inner }),
        Step::Element => json!([inner]),
    })
}

/// What people write where a secret belongs, and anything else that is of a wrong kind.
fn forms() -> Vec<Value> {
    let number = json!(NUMBER);
    vec![
        json!(CANARY),
        json!([CANARY]),
        json!([[CANARY]]),
        json!([{"value": [CANARY]}, CANARY]),
        number.clone(),
        json!({ CANARY: null }),
        json!({"hush": null, CANARY: "x"}),
        json!({"vlaue": CANARY}),
        json!({"value": number}),
        json!({"value": [CANARY]}),
        json!({"value": {"value": CANARY}}),
        json!({"value": CANARY, "env": CANARY}),
        json!({"env": CANARY}),
        json!({"env": [CANARY]}),
        json!({"env": number}),
        // Key sets.
        json!(format!(r#"{{"keys": [{{"kty": "oct", "k": "{CANARY}"}}]}}"#)),
        json!({"keys": [{"kty": "oct", "k": CANARY}]}),
        json!({"inline": CANARY}),
        json!({"inline": format!(r#"{{"keys": [{{"kty": "oct", "k": "{CANARY}"}}"#)}),
        json!({"inline": number}),
        json!({"inline": {"keys": CANARY}}),
        json!({"inline": {"keys": [CANARY]}}),
        json!({"inline": {"keys": [{"kty": CANARY}]}}),
        json!({"inline": {"keys": [{"kty": "RSA", "d": CANARY}]}, "env": CANARY}),
        json!({"remote": format!("https://me:{CANARY}@id.example.com/jwks.json")}),
        json!({"remote": {"uri": format!("https://me:{CANARY}@id.example.com/jwks.json"), "cluster": "id"}}),
        json!({"remote": {"uri": format!("https:/me:{CANARY}@id.example.com"), "cluster": "id"}}),
        json!({"remote": {"uri": [CANARY], "cluster": "id"}}),
        json!({"remote": [CANARY]}),
    ]
}

/// What a proxy says, and what is said where no proxy runs.
fn problems(document: &Value) -> (String, String) {
    let bytes = document.to_string().into_bytes();
    let text = |plans: Result<Plans, weir_core::Problems>| plans.err().unwrap_or_default().to_string();
    (text(Plans::load(&bytes, &|_| None)), text(Plans::load_offline(&bytes, &|_| None)))
}

fn shows(text: &str) -> bool {
    text.contains("SECRET") || text.contains(&NUMBER.to_string()) || text.contains("0123456789")
}

#[test]
fn no_problem_shows_a_secret() {
    let mut tried = 0;
    for name in SECRET_TYPES {
        let places = places(name);
        assert!(places.len() >= if name == "Jwks" { 1 } else { 3 }, "{name}: {places:?}");
        for place in &places {
            for form in forms() {
                let document = document(place, &form);
                let (proxy, offline) = problems(&document);
                assert!(!proxy.is_empty(), "is accepted: {document}");
                assert!(!shows(&proxy), "{document}\n{proxy}");
                assert!(!shows(&offline), "{document}\n{offline}");
                tried += 1;
            }
        }
    }
    assert!(tried >= 120, "{tried}");
}

/// One level too high, or several: a text in the place of a section.
#[test]
fn no_problem_shows_a_secret_that_stands_too_high() {
    for name in SECRET_TYPES {
        for place in places(name) {
            for length in 0..place.len() {
                for form in [json!(CANARY), json!([CANARY])] {
                    let document = document(&place[..length], &form);
                    let (proxy, offline) = problems(&document);
                    assert!(!proxy.is_empty() && !shows(&proxy) && !shows(&offline), "{document}\n{proxy}");
                }
            }
        }
    }
}

/// The place is said, and what belongs there.
#[test]
fn what_would_be_right_is_said() {
    for (document, expected) in [
        (
            json!({"experiments": {"secret": CANARY}}),
            "experiments.secret: a text (not shown here) is not an object with value, env",
        ),
        (
            json!({"experiments": {"secret": {"vlaue": CANARY}}}),
            "experiments.secret.vlaue: unknown field `vlaue`, did you mean `value`?",
        ),
        (
            json!({"experiments": {"secret": {"value": NUMBER}}}),
            "experiments.secret.value: a value (not shown here) is not a string",
        ),
        (
            json!({"jwt": {"providers": {"corp": {"issuer": "x", "jwks": {"keys": [{"k": CANARY}]}}}}}),
            "jwt.providers.corp.jwks.keys: unknown field `keys` (known: inline, env, remote)",
        ),
        (
            json!({"jwt": {"providers": {"corp": {"issuer": "x", "jwks": {"env": CANARY}}}}}),
            "jwt.providers.corp.jwks.env: ",
        ),
    ] {
        let (proxy, _) = problems(&document);
        assert!(proxy.lines().any(|line| line.starts_with(expected)), "{expected}\nnot in\n{proxy}");
    }
}

/// Names and values of strangers are in problems, so that these cannot act on a terminal or look like lines
/// of a log.
#[test]
fn no_problem_has_characters_that_act() {
    let hostile = "a\u{1b}[2J\r\n\u{9b}31m\u{7f}\u{202e}b\u{2028}c\u{0}d";
    for document in [
        json!({ hostile: 1 }),
        json!({"experiments": { hostile: 1 }}),
        json!({"attributes": { hostile: hostile }}),
        json!({"attributes": { "a": {"header": hostile} }}),
        json!({"routing": {"rules": [{"name": hostile, "condition": { hostile: 1 }, "setHeaders": { hostile: hostile }}]}}),
        json!({"routing": {"rules": [{"match": {"uri": {"regex": format!("({hostile}")}}, "cel": hostile}]}}),
        json!({"experiments": {"unit": hostile, "list": [{"key": hostile, "hash": hostile, "variants": [{"key": hostile}]}]}}),
        json!({"jwt": {"providers": { hostile: {"algorithms": [hostile], "jwks": {"inline": {"keys": [{"kid": hostile}]}}} }}}),
        json!({"faults": [{"delay": {"fixed": hostile}, "percentage": hostile}]}),
        json!({"metrics": {"list": [{"name": hostile, "labels": { hostile: hostile }}]}}),
    ] {
        let bytes = document.to_string().into_bytes();
        let problems = Plans::load(&bytes, &|_| None).err().unwrap_or_default();
        assert!(!problems.is_empty(), "{document}");
        for problem in problems.iter() {
            let text = problem.to_string();
            assert!(!text.chars().any(weir_core::escape::is_hidden), "{document}\n{text:?}");
        }
    }
}

/// Where nobody knows a variable, what is made of it is taken as right; where its value is known, it is
/// checked.
#[test]
fn variables_are_checked_where_they_are_known() {
    let document = json!({
        "attributes": {"pod": "env:POD"},
        "jwt": {"providers": {"corp": {"issuer": "x", "jwks": {"env": "KEYS"}}}, "rules": [{"requires": "corp"}]},
        "experiments": {"unit": "header:x", "mintCookie": {"name": "c"}, "secret": {"env": "SECRET"},
            "list": [{"key": "e", "variants": [{"key": "a", "weight": 50}, {"key": "b", "weight": 50}]}]},
        "faults": [{"killSwitch": {"env": "OFF"}, "abort": {"httpStatus": 500, "percentage": "1%"}}],
    });
    let bytes = document.to_string().into_bytes();
    assert_eq!(Plans::load_offline(&bytes, &|_| None).err().map(|it| it.to_string()), None);
    let proxy = Plans::load(&bytes, &|_| None).unwrap_err().to_string();
    assert!(
        proxy.contains("jwt.providers.corp.jwks.env: ") && proxy.contains("experiments.secret.env: "),
        "{proxy}"
    );
    let given = |name: &str| match name {
        "KEYS" => Some(format!("not JSON {CANARY}")),
        "SECRET" => Some("short".to_owned()),
        _ => None,
    };
    let checked = Plans::load_offline(&bytes, &given).unwrap_err().to_string();
    assert!(
        checked.contains("the key set is not JSON") && checked.contains("use at least 16 bytes"),
        "{checked}"
    );
    assert!(!shows(&checked), "{checked}");
}
