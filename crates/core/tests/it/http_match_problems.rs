//! Problems of a match are reported with their paths, all at once.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop where they fail")]

use crate::http_match_support::Matcher;

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn every_problem_has_its_place() {
    let json = r#"[
        {"uri": {"exact": "/a?b=1"}, "headers": {"x-a": {"regex": "(?=a)b"}, "bad name": {}, "x-b": {"prefix": ""}}},
        {"uri": {"regex": "*"}, "port": 70000, "remoteIp": ["10.0.0.0/8", "10.0.0.0/40"], "cookies": {"a=b": {}}},
        {"sourcePrincipals": ["a*b", "", "a"], "claims": {"": {}, "x": {"semver": "newest"}}, "queryParams": {"": {}}},
        {"headers": {"@request.auth.claims[a][]": {}, "@request.auth.claims": {}}, "withoutHeaders": {"x": {"in": []}}}
    ]"#;
    let text = Matcher::new(json).unwrap_err().to_string();
    let expected = [
        "rules[0].match[0].uri.exact: the path is matched without its query",
        "rules[0].match[0].headers.x-a.regex: \"(?=a)b\": look-around is not supported; RE2 has none either",
        "rules[0].match[0].headers[\"bad name\"]: \"bad name\" is not a header name",
        "rules[0].match[0].headers.x-b.prefix: is empty, so every text passes",
        "rules[0].match[1].uri.regex: \"*\" is not a regular expression; `.*` matches any text",
        "rules[0].match[1].port: 70000 is not a port (1 to 65535)",
        "rules[0].match[1].remoteIp[1]: \"10.0.0.0/40\" has a length of 40; it must be 0 to 32",
        "rules[0].match[1].cookies[\"a=b\"]: \"a=b\" is not the name of a cookie",
        "rules[0].match[2].sourcePrincipals[0]: \"a*b\" is not a principal",
        "rules[0].match[2].sourcePrincipals[1]: \"\" is not a principal",
        "rules[0].match[2].claims[\"\"]: a part of the claim's name is empty",
        "rules[0].match[2].claims.x.semver: \"newest\" is not a version requirement",
        "rules[0].match[2].queryParams[\"\"]: a query parameter needs a name",
        "rules[0].match[3].headers[\"@request.auth.claims[a][]\"]: a part of the claim's name is empty",
        "rules[0].match[3].headers[\"@request.auth.claims\"]: \"@request.auth.claims\" is not a header name",
        "rules[0].match[3].withoutHeaders.x.in: is empty, so nothing could pass",
    ];
    for line in expected {
        assert!(text.lines().any(|l| l.starts_with(line)), "{line}\nnot in\n{text}");
    }
    assert_eq!(text.lines().count(), expected.len(), "{text}");
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn fields_that_no_filter_can_see_are_refused_with_a_way_out() {
    for (json, at, way_out) in [
        (r#"[{"sourceLabels": {"app": "x"}}]"#, "sourceLabels", "use `sourcePrincipals`"),
        (r#"[{"sourceNamespace": "shop"}]"#, "sourceNamespace", "cluster.local/ns/NAMESPACE/*"),
        (r#"[{"gateways": ["mesh"]}]"#, "gateways", "`targetRefs`"),
        (r#"[{"statPrefix": "x"}]"#, "statPrefix", "`metrics`"),
    ] {
        let text = Matcher::new(json).unwrap_err().to_string();
        assert!(text.starts_with(&format!("rules[0].match[0].{at}: is not supported here: ")), "{text}");
        assert!(text.contains(way_out), "{text}");
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn misspelt_fields_are_recognised() {
    let text = Matcher::new(r#"[{"url": {"exact": "/"}, "headers": {"x-a": {"exacct": "1"}}}]"#)
        .unwrap_err()
        .to_string();
    assert!(text.contains("[0].url: unknown field `url`") && text.contains("did you mean `uri`?"), "{text}");
    assert!(
        text.contains("[0].headers.x-a.exacct: unknown field") && text.contains("did you mean `exact`?"),
        "{text}"
    );
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn what_no_request_ever_looks_like_is_refused_with_what_they_look_like() {
    for (json, at, told) in [
        (r#"[{"uri": {"prefix": "/größe"}}]"#, "uri.prefix", "write \"/gr%C3%B6%C3%9Fe\""),
        (r#"[{"uri": {"exact": "/my files"}}]"#, "uri.exact", "write \"/my%20files\""),
        (r#"[{"uri": {"in": ["/a", "b"]}}]"#, "uri.in[1]", "write \"/b\""),
        (r#"[{"uri": {"regex": "/größe(/.*)?"}}]"#, "uri.regex", "percent-encoded"),
        (r#"[{"queryParams": {"q": {"exact": "a b"}}}]"#, "queryParams.q.exact", "write \"a%20b\""),
        (r#"[{"authority": {"exact": "https://shop.test"}}]"#, "authority.exact", "a host is a name"),
        (
            r#"[{"withoutHeaders": {"host": {"exact": "a b"}}}]"#,
            "withoutHeaders.host.exact",
            "a host is a name",
        ),
        (r#"[{"method": {"exact": "get"}}]"#, "method.exact", "write \"GET\""),
        (r#"[{"headers": {"x-a": {"exact": " a"}}}]"#, "headers.x-a.exact", "white space"),
        (
            r#"[{"claims": {"realm_access.roles": {}}}]"#,
            "claims[\"realm_access.roles\"]",
            "\"[realm_access][roles]\"",
        ),
    ] {
        let text = Matcher::new(json).unwrap_err().to_string();
        assert!(text.starts_with(&format!("rules[0].match[0].{at}: ")) && text.contains(told), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}
