//! `weir import`: what it writes, what it says, and what it refuses. That the result assigns as the vendors' SDKs
//! do is tested in crates/definitions.

use crate::support::{Folder, weir, weir_with};
use serde_json::{Value, json};

/// What SDKs and texts of headers call a value.
fn name(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What is left out of a definition, and why.
fn left_out(vendor: &str, definition: &Value) -> Vec<(String, String)> {
    let run = weir_with(&["import", vendor, "-", "--output", "json"], &definition.to_string());
    let json = run.json();
    let remarks = json["left_out"].as_array().unwrap().iter();
    let remarks: Vec<_> = remarks.map(|it| (name(&it["flag"]), name(&it["message"]))).collect();
    assert_eq!(run.code, 1, "{run:?}");
    assert!(json["left_out"].as_array().unwrap().iter().all(|it| it["line"].is_u64()), "{run:?}");
    remarks
}

/// What has no equivalent: whose, what, and a definition of a flag `f` with it.
fn no_equivalent() -> Vec<(&'static str, &'static str, Value)> {
    let growthbook = |rule: Value| json!({"features": {"f": {"defaultValue": 0, "rules": [rule]}}});
    let unleash =
        |strategy: Value| json!({"features": [{"name": "f", "enabled": true, "strategies": [strategy]}]});
    let constrained = |constraint: Value| unleash(json!({"name": "default", "constraints": [constraint]}));
    let flagd = |targeting: Value| json!({"flags": {"f": {"state": "ENABLED", "variants": {"a": 1, "b": 2}, "defaultVariant": "a", "targeting": targeting}}});
    let parent = |condition: Value| {
        growthbook(json!({"force": 1, "parentConditions": [{"id": "f", "condition": condition}]}))
    };
    let rollout = |percent: &str, by: &str| {
        unleash(json!({"name": "flexibleRollout", "parameters": {"rollout": percent, "stickiness": by}}))
    };
    vec![
        (
            "growthbook",
            "contextual bandits",
            growthbook(json!({"variations": [0, 1], "contextualBanditRef": "x"})),
        ),
        ("growthbook", "visual and redirect experiments", json!({"experiments": [{"key": "f"}]})),
        (
            "growthbook",
            "ranges for other variations",
            growthbook(json!({"variations": [0, 1], "ranges": [[0, 1]]})),
        ),
        (
            "growthbook",
            "groups that the payload lacks",
            growthbook(json!({"force": 1, "condition": {"a": {"$inGroup": "g"}}})),
        ),
        (
            "growthbook",
            "operators that SDKs do not support",
            growthbook(json!({"force": 1, "condition": {"a": {"$sounds": "g"}}})),
        ),
        ("growthbook", "features that depend on each other", parent(json!({"value": 1}))),
        ("growthbook", "prerequisites of another kind", parent(json!({"value": {"$is": 1}}))),
        ("unleash", "`random` stickiness below 100 %", rollout("50", "random")),
        (
            "unleash",
            "rollout and variants by different units",
            json!({"features": [{
                "name": "f", "enabled": true,
                "strategies": [{"name": "flexibleRollout", "parameters": {"rollout": "50", "stickiness": "sessionId"}}],
                "variants": [{"name": "a", "weight": 1, "stickiness": "userId"}, {"name": "b", "weight": 1, "stickiness": "userId"}],
            }]}),
        ),
        ("unleash", "custom strategies", unleash(json!({"name": "ours", "parameters": {}}))),
        (
            "unleash",
            "`applicationHostname`",
            unleash(json!({"name": "applicationHostname", "parameters": {}})),
        ),
        (
            "unleash",
            "random rollouts",
            unleash(json!({"name": "gradualRolloutRandom", "parameters": {"percentage": "50"}})),
        ),
        ("unleash", "segments that the list lacks", unleash(json!({"name": "default", "segments": [3]}))),
        ("unleash", "IPv6 networks", unleash(json!({"name": "remoteAddress", "parameters": {"IPs": "::1"}}))),
        (
            "unleash",
            "dates other than `currentTime`",
            constrained(
                json!({"contextName": "born", "operator": "DATE_AFTER", "value": "2026-01-01T00:00:00Z"}),
            ),
        ),
        (
            "unleash",
            "patterns with another meaning",
            constrained(json!({"contextName": "a", "operator": "REGEX", "value": "\\d+"})),
        ),
        (
            "unleash",
            "ignoring the case of non-ASCII text",
            constrained(
                json!({"contextName": "a", "operator": "STR_CONTAINS", "values": ["ü"], "caseInsensitive": true}),
            ),
        ),
        (
            "unleash",
            "parents whose rollout has no group",
            json!({"features": [
                {"name": "f", "enabled": true, "strategies": [], "dependencies": [{"feature": "p"}]},
                {"name": "p", "enabled": true, "strategies": [{"name": "flexibleRollout", "parameters": {"rollout": "50"}}]},
            ]}),
        ),
        ("flagd", "arithmetic", flagd(json!({"if": [{"<": [{"%": [{"var": "a"}, 10]}, 2]}, "b"]}))),
        (
            "flagd",
            "comparisons of two variables",
            flagd(json!({"if": [{"==": [{"var": "a"}, {"var": "b"}]}, "b"]})),
        ),
        ("flagd", "the order of texts", flagd(json!({"if": [{"<": [{"var": "a"}, "m"]}, "b"]}))),
        (
            "flagd",
            "equal to 0 or false, where cores differ",
            flagd(json!({"if": [{"==": [{"var": "a"}, 0]}, "b"]})),
        ),
        ("flagd", "the time", flagd(json!({"if": [{"<": [{"var": "$flagd.timestamp"}, 5]}, "b"]}))),
        ("flagd", "a variable as the variant", flagd(json!({"var": "a"}))),
        ("flagd", "unknown variants", flagd(json!({"if": [{"==": [{"var": "a"}, 2]}, "z"]}))),
        (
            "flagd",
            "a repeated variant, not in millionths",
            flagd(json!({"fractional": [["a", 1], ["b", 1], ["a", 1]]})),
        ),
        ("flagd", "missing evaluators", flagd(json!({"if": [{"$ref": "gone"}, "b"]}))),
    ]
}

/// The table of `docs/cli.md` is what the import says; `WEIR_WRITE_DOCS=1` writes it.
#[test]
fn what_has_no_equivalent_is_left_out_and_said() {
    let mut table = "<!-- left out -->\n| vendor | what | message |\n|---|---|---|\n".to_owned();
    for (vendor, what, definition) in no_equivalent() {
        let remarks = left_out(vendor, &definition);
        let (_, message) =
            remarks.iter().find(|(flag, _)| flag == "f").unwrap_or_else(|| panic!("{what}: {remarks:?}"));
        table.push_str(&format!("| `{vendor}` | {what} | {} |\n", message.replace('|', "\\|")));
    }
    table.push_str("<!-- end -->\n");
    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cli.md");
    let page = std::fs::read_to_string(PAGE).unwrap();
    let start = page.find("<!-- left out -->\n").unwrap();
    let end = start + page[start..].find("<!-- end -->\n").unwrap() + "<!-- end -->\n".len();
    if std::env::var_os("WEIR_WRITE_DOCS").is_some() {
        std::fs::write(PAGE, format!("{}{table}{}", &page[..start], &page[end..])).unwrap();
    } else {
        assert!(
            page[start..end] == table,
            "docs/cli.md is not what the program says; WEIR_WRITE_DOCS=1 writes it"
        );
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

/// A flag that is left out is told with its line, and `--strict` writes nothing then.
#[test]
fn strict_writes_nothing_where_something_is_left_out() {
    let folder = Folder::new();
    let payload = "features:\n  good:\n    rules: [{force: 1}]\n  bad:\n    rules:\n    - {force: 1}\n    - {contextualBanditRef: x}\n";
    let (file, out) = (folder.write("features.yaml", payload), folder.path("out.yaml"));
    let run = weir(&["import", "growthbook", &file, "--strict", "--to", &out]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.err.contains("features.yaml:7: bad: rule 2: contextual bandits"), "{run:?}");
    assert!(run.err.contains("nothing is written"), "{run:?}");
    assert!(!std::path::Path::new(&out).exists());
    let run = weir(&["import", "growthbook", &file, "--to", &out]);
    assert_eq!((run.code, weir(&["check", &out]).code), (1, 0), "{run:?}");
}

/// Where no flag becomes an experiment, there is nothing that a module would take.
#[test]
fn nothing_imported_writes_nothing_and_is_no_success() {
    let folder = Folder::new();
    for (vendor, definitions) in [
        ("growthbook", json!({"features": {"a": {"defaultValue": 1}}})),
        ("unleash", json!({"features": [{"name": "a", "enabled": false, "strategies": []}]})),
        (
            "flagd",
            json!({"flags": {"a": {"state": "DISABLED", "variants": {"on": true}, "defaultVariant": "on"}}}),
        ),
    ] {
        let out = folder.path("out.yaml");
        let run = weir_with(&["import", vendor, "-", "--to", &out], &definitions.to_string());
        assert_eq!(run.code, 1, "{run:?}");
        assert!(run.err.contains("nothing is written: no flag became an experiment"), "{run:?}");
        assert!(!std::path::Path::new(&out).exists());
    }
}

/// A flag of several rules is one header with one value.
#[test]
fn a_flag_of_several_rules_has_one_header() {
    let rules = json!([
        {"condition": {"plan": "pro"}, "force": "large"},
        {"variations": ["small", "none"], "hashAttribute": "id"},
    ]);
    let payload = json!({"features": {"banner": {"defaultValue": "off", "rules": rules}}});
    let folder = Folder::new();
    let (file, out) = (folder.write("features.json", &payload.to_string()), folder.path("out.yaml"));
    let run = weir(&["import", "growthbook", &file, "--to", &out]);
    assert_eq!(run.code, 0, "{run:?}");
    for (attributes, key, payload) in [
        (&["--attr", "plan=pro", "--attr", "id=u1"][..], "large", "\"large\""),
        // As the SDK 1.8.0 answers.
        (&["--attr", "id=u1"], "0", "\"small\""),
        (&["--attr", "id=u5"], "1", "\"none\""),
    ] {
        let run = weir(&[&["assign", &out, "--all", "--output", "json"], attributes].concat());
        let headers = run.json()["headers"].clone();
        assert_eq!(headers["x-weir-experiment-banner"], key, "{run:?}");
        assert_eq!(headers["x-weir-payload-banner"], payload, "{run:?}");
        assert!(headers.as_object().unwrap().keys().all(|name| !name.contains(".1")), "{run:?}");
    }
}

/// No name is changed in silence.
#[test]
fn other_names_are_told() {
    let flag = json!({
        "state": "ENABLED", "variants": {"10%": 0.1, "off": 0, "größer": 2}, "defaultVariant": "off",
        "targeting": {"fractional": [["10%", 1], ["größer", 1]]},
    });
    let run = weir_with(
        &["import", "flagd", "-", "--output", "json"],
        &json!({"flags": {"a b": flag}}).to_string(),
    );
    let renamed = json!([
        {"flag": "a b", "name": "a-b"},
        {"flag": "a b", "variant": "10%", "name": "10"},
        {"flag": "a b", "variant": "größer", "name": "gr--er"},
    ]);
    assert_eq!((run.code, &run.json()["renamed"]), (0, &renamed), "{run:?}");
    let text = run.json()["configuration"].as_str().unwrap().to_owned();
    assert!(text.contains("# The variant \"10%\" is called 10 here."), "{text}");
    for clash in [json!({"10%": 1, "10": 2}), json!({"a b": 1, "a-b": 2})] {
        let names: Vec<&String> = clash.as_object().unwrap().keys().collect();
        let flag = json!({"state": "ENABLED", "variants": clash, "targeting": {"fractional": [[names[0], 1], [names[1], 1]]}});
        let remarks = left_out("flagd", &json!({"flags": {"f": flag}}));
        assert!(remarks[0].1.contains("two of its variants would be called"), "{remarks:?}");
    }
}

#[test]
fn types_are_guessed_and_can_be_said() {
    let condition = json!({"id": {"$in": ["1042"]}, "tags": {"$in": ["a"]}});
    let features = json!({
        "a": {"rules": [{"condition": condition, "force": true}]},
        "b": {"rules": [{"condition": {"id": {"$lt": 2000}}, "force": true}]},
    });
    let text = json!({"features": features}).to_string();
    let run = weir_with(&["import", "growthbook", "-", "--type", "tags=list"], &text);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.contains("  id: \"header:x-id\"\n  tags: {header: x-tags, type: list}\n"), "{run:?}");
    let run = weir_with(&["import", "growthbook", "-"], &text);
    assert!(run.err.contains("id, tags: read as text"), "{run:?}");
}

/// What a file is, where it is not what is asked for.
#[test]
fn other_forms_are_recognised() {
    for (vendor, definitions, message) in [
        ("growthbook", json!({"encryptedFeatures": "abc"}), "encrypted"),
        ("growthbook", json!({"features": [{"id": "a"}], "limit": 10}), "management API"),
        ("unleash", json!({"features": [{"name": "a"}], "featureStrategies": []}), "export"),
        ("unleash", json!({"features": [{"name": "a", "environments": []}]}), "admin API"),
        ("unleash", json!({"toggles": [{"name": "a"}]}), "frontend API"),
        ("flagd", json!({"flags": [{"key": "a"}]}), "is a list"),
    ] {
        let run = weir_with(&["import", vendor, "-"], &definitions.to_string());
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.err.contains(message), "{run:?}");
    }
    let flag = "flags:\n  a:\n    state: ENABLED\n    variants: {\"on\": true, \"off\": false}\n    defaultVariant: \"off\"\n    targeting: {if: [{\"==\": [{var: plan}, pro]}, \"on\", \"off\"]}\n";
    let run = weir_with(&["import", "flagd", "-"], flag);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.contains("condition: {plan: {$eq: pro}}"), "{run:?}");
    let run = weir_with(&["import", "flagd", "-"], &flag.replace("ENABLED", "enabled"));
    assert!(run.err.contains("-: left out") || run.err.contains("its state is \"enabled\""), "{run:?}");
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
        (
            vec!["import", "growthbook", "-", "-o", "/does/not/exist"],
            r#"{"features": {"a": {"rules": [{"condition": {"plan": "pro"}, "force": 1}]}}}"#,
        ),
    ] {
        let run = weir_with(&arguments, stdin);
        assert_eq!(run.code, 2, "{run:?}");
        assert!(!run.err.is_empty(), "{run:?}");
    }
}
