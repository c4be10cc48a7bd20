//! `weir import`: what it writes assigns as the vendors' SDKs do.

use crate::support::{Folder, weir, weir_with};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors");

fn vectors(path: &str) -> Value {
    let text = std::fs::read_to_string(format!("{VECTORS}/{path}")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// What SDKs and texts of headers call a value.
fn name(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The value of each flag for a user, by the imported experiments; none where no experiment gives one.
fn assigned(config: &str, user: &Value, renamed: &BTreeMap<&str, &str>) -> BTreeMap<String, (String, Value)> {
    let mut arguments =
        vec!["assign".to_owned(), config.to_owned(), "--all".into(), "--output".into(), "json".into()];
    for (attribute, value) in user.as_object().unwrap() {
        let attribute = renamed.get(attribute.as_str()).copied().unwrap_or(attribute);
        arguments.extend(["--attr".to_owned(), format!("{attribute}={}", name(value))]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let run = weir(&arguments);
    assert_eq!(run.code, 0, "{run:?}");
    let mut found = BTreeMap::new();
    for experiment in run.json()["experiments"].as_array().unwrap() {
        let key = experiment["key"].as_str().unwrap();
        let Some(variant) = experiment["variant"].as_str() else { continue };
        let flag = key.split_once('.').map_or(key, |(flag, _)| flag);
        let known = found.insert(flag.to_owned(), (variant.to_owned(), experiment["payload"].clone()));
        assert_eq!(known, None, "{flag} has two variants for {user}");
    }
    found
}

/// Compares every flag for every user; returns how many users there were.
fn compare(
    vendor: &str,
    file: &str,
    renamed: &[(&str, &str)],
    agree: impl Fn(&str, &Value, Option<&(String, Value)>) -> bool,
) -> usize {
    let folder = Folder::new();
    let config = folder.path("imported.yaml");
    let source = format!("{VECTORS}/import-{vendor}/{file}");
    let run = weir(&["import", vendor, &source, "-o", &config]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(weir(&["check", &config]).code, 0);
    let (users, sdk) =
        (vectors("import-users/users.json"), vectors(&format!("import-{vendor}/vectors.json")));
    let renamed = renamed.iter().copied().collect();
    let users = users.as_array().unwrap();
    let (flags, rows) = (sdk["features"].as_array().unwrap(), sdk["values"].as_array().unwrap());
    assert_eq!(users.len(), rows.len());
    let mut hits = 0;
    for (user, row) in users.iter().zip(rows) {
        let ours = assigned(&config, &known_attributes(user, &config), &renamed);
        for (flag, theirs) in flags.iter().zip(row.as_array().unwrap()) {
            let flag = flag.as_str().unwrap();
            let ours = ours.get(flag);
            assert!(agree(flag, theirs, ours), "{flag}: SDK {theirs}, Weir {ours:?} for {user}");
            hits += usize::from(ours.is_some());
        }
    }
    assert!(hits > users.len(), "hardly anybody was given a variant: {hits}");
    users.len()
}

/// The user without attributes that the configuration does not use.
fn known_attributes(user: &Value, config: &str) -> Value {
    let text = std::fs::read_to_string(config).unwrap();
    let used = |name: &str| name == "id" || text.contains(&format!("\n  {name}: "));
    let mut user = user.as_object().unwrap().clone();
    user.retain(|name, _| used(name));
    Value::Object(user)
}

#[test]
fn growthbook_assigns_as_its_sdk() {
    let defaults = vectors("import-growthbook/payload.json")["features"].clone();
    let users = compare("growthbook", "payload.json", &[], |flag, theirs, ours| match ours {
        // A payload says what the key does not.
        Some((key, Value::Null)) => name(theirs) == *key,
        Some((_, payload)) => theirs == payload,
        // Behind a closed gate the SDK has null, which applications take for the default.
        None => theirs.is_null() || *theirs == defaults[flag]["defaultValue"],
    });
    assert_eq!(users, 600);
}

#[test]
fn unleash_assigns_as_its_engine() {
    let users = compare("unleash", "features.json", &[("id", "userId")], |_, theirs, ours| {
        theirs.as_str() == ours.map(|(key, _)| key.as_str())
    });
    assert_eq!(users, 600);
}

#[test]
fn flagd_assigns_as_its_evaluator() {
    let flags = vectors("import-flagd/flags.json")["flags"].clone();
    let users = compare("flagd", "flags.json", &[("id", "targetingKey")], |flag, theirs, ours| match ours {
        Some((key, _)) => theirs.as_str() == Some(key),
        None => theirs.is_null() || *theirs == flags[flag]["defaultVariant"],
    });
    assert_eq!(users, 600);
}

/// What is left out of a definition, and why.
fn left_out(vendor: &str, definition: &Value) -> Vec<(String, String)> {
    let run = weir_with(&["import", vendor, "-", "--output", "json"], &definition.to_string());
    let json = run.json();
    let remarks = json["left_out"].as_array().unwrap().iter();
    let remarks: Vec<_> = remarks.map(|it| (name(&it["flag"]), name(&it["message"]))).collect();
    assert_eq!(run.code, i32::from(!remarks.is_empty()), "{run:?}");
    remarks
}

#[test]
fn what_has_no_equivalent_is_left_out_and_said() {
    let growthbook = |rule: Value| json!({"features": {"f": {"defaultValue": 0, "rules": [rule]}}});
    let unleash =
        |strategy: Value| json!({"features": [{"name": "f", "enabled": true, "strategies": [strategy]}]});
    let flagd = |targeting: Value| json!({"flags": {"f": {"state": "ENABLED", "variants": {"a": 1, "b": 2}, "defaultVariant": "a", "targeting": targeting}}});
    for (vendor, definition, message) in [
        ("growthbook", growthbook(json!({"variations": [0, 1], "contextualBanditRef": "x"})), "bandits"),
        ("growthbook", growthbook(json!({"variations": [0, 1], "meta": [{"passthrough": true}]})), "holdout"),
        ("growthbook", growthbook(json!({"variations": [0, 1], "hashVersion": 9})), "hashVersion 9"),
        ("growthbook", growthbook(json!({"force": 1, "condition": {"a": {"$inGroup": "g"}}})), "saved group"),
        ("growthbook", growthbook(json!({"force": 1, "condition": {"a": {"$sounds": "g"}}})), "$sounds"),
        (
            "growthbook",
            growthbook(json!({"force": 1, "parentConditions": [{"id": "g", "condition": {"value": 1}}]})),
            "not in the payload",
        ),
        (
            "unleash",
            unleash(
                json!({"name": "flexibleRollout", "parameters": {"rollout": "50", "stickiness": "random"}}),
            ),
            "random",
        ),
        ("unleash", unleash(json!({"name": "remoteAddress", "parameters": {}})), "no equivalent"),
        ("unleash", unleash(json!({"name": "default", "segments": [3]})), "segment 3"),
        (
            "unleash",
            unleash(
                json!({"name": "default", "constraints": [{"contextName": "currentTime", "operator": "DATE_AFTER", "value": "x"}]}),
            ),
            "`start`",
        ),
        ("flagd", flagd(json!({"if": [{"%": [{"var": "a"}, 2]}, "b"]})), "no equivalent"),
        ("flagd", flagd(json!({"if": [{"==": [{"var": "a"}, 2]}, "z"]})), "the variant `z`"),
        ("flagd", flagd(json!({"fractional": [["a", 1], ["b", 1], ["a", 1]]})), "twice"),
        ("flagd", flagd(json!({"if": [{"$ref": "gone"}, "b"]})), "evaluator `gone`"),
    ] {
        let remarks = left_out(vendor, &definition);
        assert_eq!(remarks.len(), 1, "{definition}: {remarks:?}");
        assert!(remarks[0].0 == "f" && remarks[0].1.contains(message), "{message}: {remarks:?}");
    }
}

#[test]
fn saved_groups_are_written_out() {
    let payload = json!({
        "features": {"f": {"defaultValue": 0, "rules": [{"force": 1, "condition": {"id": {"$inGroup": "staff"}}}]}},
        "savedGroups": {"staff": ["u1", "u2"]}
    });
    let run = weir_with(&["import", "growthbook", "-", "--source", "id=cookie:uid"], &payload.to_string());
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.contains("condition: {id: {$in: [u1, u2]}}"), "{run:?}");
    assert!(run.out.contains("  id: \"cookie:uid\"\n"), "{run:?}");
    assert!(!run.out.contains("guess"), "{run:?}");
    assert!(run.err.contains("imported: 1 of 1"), "{run:?}");
}

#[test]
fn files_and_options_that_cannot_be_used_are_failures() {
    for (arguments, stdin) in [
        (vec!["import", "growthbook", "-"], "{"),
        (vec!["import", "growthbook", "-"], "{\"flags\": {}}"),
        (vec!["import", "unleash", "-"], "{}"),
        (vec!["import", "flagd", "-"], "{}"),
        (vec!["import", "launchdarkly", "-"], "{}"),
        (vec!["import", "flagd", "/does/not/exist"], ""),
        (vec!["import", "growthbook", "-", "--source", "id"], "{\"features\": {\"a\": {}}}"),
        (vec!["import", "growthbook", "-", "-o", "/does/not/exist"], "{\"features\": {\"a\": {}}}"),
    ] {
        let run = weir_with(&arguments, stdin);
        assert_eq!(run.code, 2, "{run:?}");
        assert!(!run.err.is_empty(), "{run:?}");
    }
}
