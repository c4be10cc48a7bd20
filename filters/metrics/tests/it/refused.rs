//! Invalid sections: each error is found, with its path, and all at once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop where they fail")]

use crate::support::Lab;

/// The problems of a section, which must be exactly these, in any order.
fn refused(section: &str, expected: &[&str]) {
    let problems =
        Lab::with(section, &["checkout"]).err().unwrap_or_else(|| panic!("accepted: {section}")).to_string();
    for line in expected {
        let line = format!("metrics{line}");
        assert!(problems.lines().any(|found| found.starts_with(&line)), "{line}\nis not in\n{problems}");
    }
    assert_eq!(problems.lines().count(), expected.len(), "{problems}");
}

fn list(metrics: &str, expected: &[&str]) {
    refused(&format!(r#"{{"list": [{metrics}]}}"#), expected);
}

#[test]
fn nothing_and_unknown_things() {
    refused("{}", &[": nothing to measure: specify red, list, goals or accessLog"]);
    let mut problems = weir_core::Problems::default();
    let _: weir_metrics::Config = weir_core::load(
        br#"{"list": [{"nmae": "x", "type": "summary", "response": {"status": ["6xx", 1000]}}]}"#,
        &mut problems,
    );
    let text = problems.to_string();
    for part in [
        "list[0].nmae: unknown field `nmae`",
        "list[0].type: ",
        "list[0].response.status[0]: \"6xx\" is not a status such as 404, a class such as \"2xx\"",
        "list[0].response.status[1]: 1000 is not a status",
    ] {
        assert!(text.contains(part), "{part}\nis not in\n{text}");
    }
}

#[test]
fn names() {
    list(
        r#"{"name": ""}, {"name": "a-b"}, {"name": "weir_x"}, {"name": "x_rq_503"}, {"name": "a"}, {"name": "a", "type": "gauge"},
           {"name": "b", "labels": {"x": "code"}}, {"name": "b", "labels": {"y": "code"}}"#,
        &[
            r#".list[0].name: "" is not a valid metric name: use letters, digits and `_`, not a digit first, at most 120"#,
            r#".list[1].name: "a-b" is not a valid metric name"#,
            r#".list[2].name: "weir_x" starts with `weir_`, as only Weir's own metrics do"#,
            r#".list[3].name: "x_rq_503" ends as names do of which Istio and Envoy cut off a response code"#,
            r#".list[5].name: "a" is defined before with another type or other labels, which Prometheus refuses"#,
            r#".list[7].name: "b" is defined before"#,
        ],
    );
}

#[test]
fn label_names() {
    list(
        r#"{"name": "a", "labels": {"x-y": "code", "le": "code", "tag": "code", "my_variant": "code", "__x": "code"}},
           {"name": "b", "experiments": "*", "labels": {"variant": {"variant": "checkout"}}}"#,
        &[
            r#".list[0].labels.x-y: "x-y" is not a valid label name: use letters, digits and `_`, not a digit first"#,
            r#".list[0].labels.le: "le" is a label that histograms have"#,
            r#".list[0].labels.tag: "tag" has a special meaning in Istio's metric names; use another name"#,
            r#".list[0].labels.my_variant: of the labels "my_variant" and "variant" one ends in the other"#,
            r#".list[0].labels.__x: "__x" is not a valid label name"#,
            ".list[1].labels.variant: `experiments` adds this label already",
        ],
    );
    let nine: Vec<String> = (0..9).map(|i| format!(r#""l{i}": "codeClass""#)).collect();
    list(
        &format!(r#"{{"name": "a", "labels": {{{}}}}}"#, nine.join(",")),
        &[".list[0].labels: more than 8 labels"],
    );
    refused(
        r#"{"style": "istio", "list": [{"name": "a", "labels": {"plan": "plan", "tag": "plan", "variant": {"variant": "checkout"}, "code": "code", "code_class": "codeClass"}}, {"name": "shadow_x"}]}"#,
        &[
            r#".list[0].labels.plan: "plan" is not a label of an unmodified Istio sidecar, which extracts wasm_filter, component, cache, tag, response_code and response_code_class"#,
            r#".list[0].labels.variant: "variant" is "tag" to Istio, which is another label"#,
            r#".list[0].labels.code_class: "code_class" is "response_code_class" to Istio, which is another label"#,
            r#".list[1].name: "shadow_x" starts as names do of which Istio cuts off a verdict"#,
        ],
    );
}

#[test]
fn label_sources_and_bounds() {
    list(
        r#"{"name": "a", "labels": {
            "a1": {}, "b1": {"source": "plan", "constant": "x"}, "c1": "path", "d1": "header:authorization",
            "e1": {"responseHeader": "set-cookie"}, "f1": {"responseHeader": "a b"}, "g1": {"endProperty": "a..b"}, "h1": "plann"}}"#,
        &[
            ".list[0].labels.a1: needs exactly one source of source, variant, constant, givenHeader, responseHeader, endProperty, subBucket",
            ".list[0].labels.b1: needs exactly one source",
            ".list[0].labels.c1: paths are unbounded: specify `templates`, `classes`, `values` or `atMost`",
            ".list[0].labels.d1: this header contains secrets, and is not allowed in labels and logs",
            ".list[0].labels.e1.responseHeader: this header contains secrets, and is not allowed in labels and logs",
            ".list[0].labels.f1.responseHeader: \"a b\" is not a header name",
            ".list[0].labels.g1.endProperty: a path must not have empty segments",
            ".list[0].labels.h1: \"plann\" is neither an attribute nor a source",
        ],
    );
    list(
        r#"{"name": "a", "labels": {
            "a1": {"source": "plan", "atMost": 0}, "b1": {"source": "plan", "atMost": 1001}, "c1": {"source": "plan", "atMost": 3, "values": ["x"]},
            "d1": {"source": "codeClass", "values": ["2xx"]}, "e1": {"source": "path", "templates": ["/a", "b"]},
            "f1": {"source": "plan", "classes": [{"match": {"prefix": "x"}}, {"class": "y", "match": {"prefix": "x", "suffix": "y"}}]},
            "g1": {"variant": "chekout"}, "h1": {"givenHeader": "x-other"}}}"#,
        &[
            ".list[0].labels.a1.atMost: is not from 1 to 1000",
            ".list[0].labels.b1.atMost: is not from 1 to 1000",
            ".list[0].labels.c1: has several bounds: one of values, templates, classes, atMost",
            ".list[0].labels.d1: this label has few values by itself: omit the bound",
            ".list[0].labels.e1.templates[1]: \"b\": a template must start with `/`",
            ".list[0].labels.f1.classes[0].class: a class needs a name",
            ".list[0].labels.f1.classes[1].match: has prefix and suffix: one test only",
            ".list[0].labels.g1.variant: unknown experiment \"chekout\"",
            ".list[0].labels.h1.givenHeader: no section of this configuration sets the request header \"x-other\"",
        ],
    );
    list(
        r#"{"name": "a", "maxSeries": 0, "labels": {"p1": {"subBucket": {"buckets": 101}}, "q1": {"subBucket": {"unit": "path", "buckets": 1}}}},
           {"name": "b", "experiments": ["checkout", "chekout", "checkout"]}"#,
        &[
            ".list[0].maxSeries: 0 is not from 1 to 10000",
            ".list[0].labels.p1.subBucket.unit: specify the source of the unit, such as header:x-user-id",
            ".list[0].labels.p1.subBucket.buckets: 101 is not from 2 to 100",
            ".list[0].labels.q1.subBucket.buckets: 1 is not from 2 to 100",
            ".list[1].experiments[1]: unknown experiment \"chekout\", did you mean `checkout`?",
            ".list[1].experiments[2]: \"checkout\" is listed twice",
        ],
    );
    let eight: Vec<String> =
        (0..8).map(|i| format!(r#""l{i}": {{"source": "header:x-{i}", "atMost": 1000}}"#)).collect();
    list(
        &format!(r#"{{"name": "a", "labels": {{{}}}}}"#, eight.join(",")),
        &[".list[0].labels: the labels have too many combinations: use fewer labels or values"],
    );
    let problems = Lab::new(r#"{"list": [{"name": "a", "experiments": "*"}]}"#).err().unwrap().to_string();
    assert!(
        problems.starts_with("metrics.list[0].experiments: this configuration has no experiments"),
        "{problems}"
    );
}

#[test]
fn values_and_moments() {
    list(
        r#"{"name": "a", "type": "histogram"}, {"name": "b", "value": {}}, {"name": "c", "value": {"constant": 1, "size": "request"}},
           {"name": "d", "value": {"source": "plan", "divideBy": 0}}, {"name": "e", "value": {"constant": 1}, "buckets": [1]},
           {"name": "f", "type": "histogram", "value": {"constant": 1}, "buckets": [2, 1]}"#,
        &[
            ".list[0].value: a histogram needs a value, such as {duration: milliseconds}",
            ".list[1].value: needs exactly one of constant, duration, size, source, responseHeader, endProperty",
            ".list[2].value: needs exactly one of",
            ".list[3].value.divideBy: nothing can be divided by 0",
            ".list[3].value.source: is not a number: set `type: number` for the attribute",
            ".list[4].value: only histograms have `buckets`",
            ".list[5].value: `buckets` must rise, from above 0",
        ],
    );
    list(
        r#"{"name": "a", "when": "request", "labels": {"cls": "codeClass"}}, {"name": "b", "when": "request", "response": {"status": 200}},
           {"name": "c", "when": "request", "value": {"size": "response"}}, {"name": "d", "type": "gauge", "when": "end"},
           {"name": "e", "type": "gauge", "labels": {"route": "route"}}"#,
        &[
            ".list[0].when: when the request's headers come nothing is known of its end",
            ".list[1].when: when the request's headers come",
            ".list[2].when: when the request's headers come",
            ".list[3].when: active requests are counted from the request to the end; omit `when`",
            ".list[4].when: active requests are counted before there is a response",
        ],
    );
    list(
        r#"{"name": "a", "response": {}}, {"name": "b", "response": {"grpcStatus": 17}},
           {"name": "c", "response": {"headers": {"x": {"prefix": ""}, "authorization": {}}}}, {"name": "d", "match": {"gateways": []}}"#,
        &[
            ".list[0].response: specify status, grpcStatus or headers",
            ".list[1].response.grpcStatus: gRPC has the statuses 0 to 16",
            ".list[2].response.headers.x.prefix: is empty",
            ".list[2].response.headers.authorization: this header contains secrets, and is not allowed in labels and logs",
            ".list[3].match[0].gateways: is not supported here",
        ],
    );
    let many: Vec<String> = (0..61).map(|i| format!(r#"{{"name": "m{i}"}}"#)).collect();
    list(&many.join(","), &[".list: more than 56 metrics: use labels instead"]);
}

#[test]
fn the_access_log() {
    refused(
        r#"{"accessLog": {"sample": "200%"}}"#,
        &[".accessLog.sample: is not a fraction such as \"1%\" or \"0.01\""],
    );
    refused(
        r#"{"accessLog": {"templates": ["/a", "b"], "rawPath": true, "unit": {"source": []}, "response": {},
            "fields": {"status": "plan", "a-b": "plan", "token": "header:Authorization", "seen": "path"}}}"#,
        &[
            ".accessLog.templates[1]: \"b\": a template must start with `/`",
            ".accessLog.rawPath: specify either `templates` or `rawPath`, not both",
            ".accessLog.unit.source: specify the source of the unit",
            ".accessLog.unit.secret: is required: without a secret anyone could identify the unit by its hash",
            ".accessLog.response: specify status, grpcStatus or headers",
            ".accessLog.fields.status: \"status\" is a built-in field, or not a valid name",
            ".accessLog.fields.a-b: \"a-b\" is a built-in field",
            ".accessLog.fields.token: this header contains secrets, and is not allowed in labels and logs",
            ".accessLog.fields.seen: paths are unbounded",
        ],
    );
    refused(
        r#"{"accessLog": {"unit": {"source": "header:x", "secret": {"value": "short"}}}}"#,
        &[".accessLog.unit.secret: the secret is too short: use at least 16 bytes"],
    );
}
