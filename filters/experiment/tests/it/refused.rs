//! Invalid sections: each error is found, with its path, and all at once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop where they fail")]

use crate::support::Lab;

/// The problems of a section, which must be exactly these places, in any order.
fn refused(section: &str, places: &[&str]) -> String {
    let problems = Lab::new(section).err().unwrap_or_else(|| panic!("accepted: {section}")).to_string();
    for place in places {
        let line = format!("experiments.{place}: ");
        assert!(problems.lines().any(|found| found.starts_with(&line)), "{line}\nis not in\n{problems}");
    }
    assert_eq!(problems.lines().count(), places.len(), "{problems}");
    problems
}

tests! {
    fn names_and_variants() {
        refused(r#"{"unit": "path", "list": [
            {"variants": [{"key": "a"}]},
            {"key": "a b", "variants": [{"key": "a"}]},
            {"key": "twice", "variants": [{"key": "a"}]}, {"key": "twice", "header": "x-other", "variants": [{"key": "a"}]},
            {"key": "none"},
            {"key": "weights", "variants": [{"key": "a"}, {"key": "b", "weight": 1}]},
            {"key": "negative", "variants": [{"key": "a", "weight": -1}, {"key": "b", "weight": 1}]},
            {"key": "zero", "variants": [{"key": "a", "weight": 0}, {"key": "b", "weight": 0}]},
            {"key": "same", "variants": [{"key": "a", "weight": 1}, {"key": "a", "weight": 1}, {"weight": 1}]}]}"#,
            &["list[0].key", "list[1].key", "list[3].key", "list[4].variants", "list[5].variants[0].weight",
              "list[6].variants[0].weight", "list[7].variants", "list[8].variants[1].key", "list[8].variants[2].key"]);
        refused("{}", &["list"]);
        refused(r#"{"unit": "path", "list": [{"key": "Both", "variants": [{"key": "a"}]}, {"key": "both", "variants": [{"key": "a"}]}]}"#, &["list[1].header"]);
    }

    fn ranges_and_parts() {
        refused(r#"{"unit": "path", "list": [
            {"key": "mixed", "variants": [{"key": "a", "ranges": [[0, 0.5]]}, {"key": "b", "weight": 1}]},
            {"key": "overlap", "variants": [{"key": "a", "ranges": [[0, 0.5]]}, {"key": "b", "ranges": [[0.4, 1]]}]},
            {"key": "empty", "variants": [{"key": "a", "ranges": [[0.5, 0.5]]}, {"key": "b"}]},
            {"key": "covered", "coverage": 0.5, "variants": [{"key": "a", "ranges": [[0, 0.5]]}]},
            {"key": "fine", "coverage": 0.00000001, "variants": [{"key": "a"}]},
            {"key": "percent", "coverage": 50, "variants": [{"key": "a"}]},
            {"key": "text", "coverage": "half", "variants": [{"key": "a"}]}]}"#,
            &["list[0].variants[1].weight", "list[1].variants[1].ranges[0]", "list[2].variants[0].ranges[0]", "list[3].coverage",
              "list[4].coverage", "list[5].coverage", "list[6].coverage"]);
        let text = refused(r#"{"unit": "path", "list": [{"key": "percent", "coverage": 50, "variants": [{"key": "a"}]}]}"#, &["list[0].coverage"]);
        assert!(text.contains("\"50%\""), "{text}");
    }

    fn hashes_and_seeds() {
        let text = refused(r#"{"unit": "path", "list": [
            {"key": "hash", "hash": "growthbok-2", "variants": [{"key": "a"}]},
            {"key": "seed", "hash": "split", "variants": [{"key": "a"}]},
            {"key": "coverage-seed", "coverageSeed": "x", "variants": [{"key": "a"}]}]}"#,
            &["list[0].hash", "list[1].seed", "list[2].coverageSeed"]);
        assert!(text.contains("did you mean `growthbook-2`?"), "{text}");
    }

    fn units() {
        refused(r#"{"list": [
            {"key": "none", "variants": [{"key": "a", "weight": 1}, {"key": "b", "weight": 1}]},
            {"key": "covered", "coverage": 0.5, "variants": [{"key": "a"}]},
            {"key": "unknown", "unit": ["header:x-a", "heder:x-b"], "variants": [{"key": "a"}]},
            {"key": "anonymous", "unit": "path", "anonymous": true, "variants": [{"key": "a"}]}]}"#,
            &["list[0].unit", "list[1].unit", "list[2].unit[1]", "list[3].anonymous"]);
        refused(r#"{"unit": "heder:x", "list": [{"key": "one", "variants": [{"key": "a"}]}, {"key": "two", "variants": [{"key": "a"}]}]}"#, &["unit"]);
    }

    fn layers_and_holdouts() {
        let text = refused(r#"{"unit": "path", "holdouts": [{"name": "h", "share": 0.1}, {"name": "h", "share": 0.1}, {"share": 0.1}], "list": [
            {"key": "one", "layer": {"name": "l", "ranges": [[0, 0.5]]}, "variants": [{"key": "a"}]},
            {"key": "two", "layer": {"name": "l", "ranges": [[0.6, 0.7], [0.4, 0.6]]}, "variants": [{"key": "a"}]},
            {"key": "three", "layer": {"name": "l", "ranges": []}, "variants": [{"key": "a"}]},
            {"key": "four", "layer": {"name": "l", "seed": "s", "ranges": [[0.8, 0.9]]}, "variants": [{"key": "a"}]},
            {"key": "five", "unit": "host", "layer": {"name": "l", "ranges": [[0.9, 1]]}, "variants": [{"key": "a"}]},
            {"key": "six", "holdout": "i", "variants": [{"key": "a"}]},
            {"key": "seven", "layer": {"name": "m", "ranges": [[1, 0.5]]}, "variants": [{"key": "a"}]}]}"#,
            &["holdouts[1].name", "holdouts[2].name", "list[2].layer.ranges", "list[3].layer", "list[4].layer.unit",
              "list[5].holdout", "list[6].layer.ranges[0]", "list[1].layer.ranges[1]"]);
        assert!(text.contains("list[1].layer.ranges[1]: overlaps experiments.list[0].layer.ranges[0]"), "{text}");
    }

    fn flags() {
        refused(r#"{"unit": "path", "trust": {"match": {"headers": {"x-peer": {}}}}, "list": [
            {"key": "f.1", "flag": "f", "variants": [{"key": "a"}]},
            {"key": "f.2", "flag": "f", "header": "x-other", "variants": [{"key": "b"}]},
            {"key": "f.3", "flag": "f", "variants": [{"key": "c", "weight": 1}, {"key": "a", "weight": 1}]},
            {"key": "g", "flag": "f.1", "variants": [{"key": "a"}]},
            {"key": "h", "flag": "a b", "variants": [{"key": "a"}]},
            {"key": "i", "prerequisites": [{"experiment": "f", "variants": "d"}, {"experiment": "f", "anyOf": [{"experiment": "f.1"}]}, {"anyOf": [{"anyOf": [{"experiment": "f"}]}]}], "variants": [{"key": "a"}]}]}"#,
            &["list[1].header", "list[2].variants[1].key", "list[3].flag", "list[4].flag",
              "list[5].prerequisites[0].variants", "list[5].prerequisites[1]", "list[5].prerequisites[2].anyOf[0]",
              "list[5].prerequisites[2].anyOf[0].experiment"]);
        refused(r#"{"unit": "path", "list": [
            {"key": "f.1", "flag": "f", "prerequisites": [{"experiment": "f.2"}], "variants": [{"key": "a"}]},
            {"key": "f.2", "flag": "f", "variants": [{"key": "b"}]}]}"#, &["list[0].prerequisites"]);
    }

    fn prerequisites() {
        let text = refused(r#"{"unit": "path", "list": [
            {"key": "one", "prerequisites": [{"experiment": "two"}], "variants": [{"key": "a"}]},
            {"key": "two", "prerequisites": [{"experiment": "three"}], "variants": [{"key": "a"}]},
            {"key": "three", "prerequisites": [{"experiment": "two", "variants": "a"}], "variants": [{"key": "a"}]},
            {"key": "self", "prerequisites": [{"experiment": "self"}], "variants": [{"key": "a"}]},
            {"key": "unknown", "prerequisites": [{"experiment": "on"}, {"experiment": "one", "variants": ["b"]}], "variants": [{"key": "a"}]}]}"#,
            &["list[1].prerequisites", "list[3].prerequisites", "list[4].prerequisites[0].experiment", "list[4].prerequisites[1].variants"]);
        assert!(text.contains("two needs three needs two"), "{text}");
        assert!(text.contains("did you mean `one`?"), "{text}");
    }

    fn life() {
        refused(r#"{"unit": "path", "list": [
            {"key": "one", "start": "tomorrow", "end": "2026-03-01", "variants": [{"key": "a"}]},
            {"key": "two", "start": "2026-03-02T00:00:00Z", "end": "2026-03-01T00:00:00Z", "variants": [{"key": "a"}]},
            {"key": "three", "winner": "b", "variants": [{"key": "a"}]},
            {"key": "four", "sticky": true, "minBucketVersion": 1, "variants": [{"key": "a"}]},
            {"key": "five", "bucketVersion": 1, "minBucketVersion": 1, "variants": [{"key": "a"}]},
            {"key": "six", "status": "over", "variants": [{"key": "a"}]}]}"#,
            &["list[0].start", "list[0].end", "list[1].end", "list[2].winner", "list[3].sticky", "list[3].minBucketVersion", "list[4].minBucketVersion",
              "list[5].status"]);
    }

    fn cookies_secrets_and_gates() {
        let one = r#""unit": "path", "list": [{"key": "one", "variants": [{"key": "a"}]}]"#;
        refused(&format!(r#"{{{one}, "assignmentCookie": {{"name": "c"}}}}"#), &["secret"]);
        refused(&format!(r#"{{{one}, "secret": {{"env": "WEIR_SECRET"}}}}"#), &["secret"]);
        let text = refused(&format!(r#"{{{one}, "mintCookie": {{"name": "c"}}, "assignmentCookie": {{"name": "c"}}, "secret": [{{"env": "NOT_SET"}}, {{"value": "hush-hush"}}, {{}}]}}"#),
            &["assignmentCookie.name", "secret[0].env", "secret[1]", "secret[2]"]);
        assert!(!text.contains("hush"), "{text}");
        refused(&format!(r#"{{{one}, "mintCookie": {{}}, "consent": {{"source": "cokie:c"}}}}"#), &["mintCookie.name", "consent.source"]);
        refused(&format!(r#"{{{one}, "overrides": {{}}}}"#), &["overrides"]);
        refused(&format!(r#"{{{one}, "overrides": {{"header": "x-f"}}}}"#), &["overrides"]);
        refused(&format!(r#"{{{one}, "mintCookie": {{"name": "f"}}, "output": {{"responseHeader": "X-Told"}}, "overrides": {{"header": "x-f", "session": {{"name": "f"}}, "responseHeader": "x-told", "allow": {{"match": {{}}}}}}}}"#),
            &["overrides.session", "overrides.secret", "overrides.session.name", "overrides.responseHeader"]);
        refused(&format!(r#"{{{one}, "overrides": {{"header": "x f", "query": "f", "secret": {{"value": "short"}}, "allow": {{}}}}, "trust": {{}}}}"#),
            &["overrides.header", "overrides.secret", "overrides.allow", "trust"]);
    }

    fn outputs() {
        refused(r#"{"unit": "path", "output": {"combinedHeader": ":all", "responseHeader": "a b", "responseCookie": {}}, "list": [
            {"key": "one", "header": "host", "payloadHeader": "x-p", "variants": [{"key": "a", "headers": {"x-a": "1\n2", ":path": "/"}}]},
            {"key": "two", "header": "x-two", "payloadHeader": "te", "variants": [{"key": "a", "payload": 1, "headers": {"x-two": "b"}}]},
            {"key": "three", "header": "x-two", "variants": [{"key": "a"}]}]}"#,
            &["output.combinedHeader", "output.responseHeader", "output.responseCookie.name", "list[0].header", "list[0].payloadHeader",
              "list[0].variants[0].headers.x-a", "list[0].variants[0].headers[\":path\"]", "list[1].payloadHeader",
              "list[1].variants[0].headers.x-two", "list[2].header"]);
        refused(r#"{"unit": "path", "output": {"combinedHeader": "x-one"}, "list": [{"key": "one", "header": "x-one", "variants": [{"key": "a"}]}]}"#, &["output.combinedHeader"]);
    }
}
