//! `match` blocks as they are in VirtualServices, pasted in, deciding as Istio's routes do.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop where they fail")]

use crate::http_match_support::{Header, Matcher, Services, claim, request};
use weir_core::header::encode_pairs;

fn check(json: &str, host: &Services, requests: &[(&[Header<'_>], bool)]) {
    let matcher = Matcher::new(json).unwrap_or_else(|problems| panic!("{json}: {problems}"));
    for (headers, expected) in requests {
        assert_eq!(matcher.holds(&request(headers), host), *expected, "{json} {headers:?}");
    }
}

/// ```yaml
/// match:
/// - name: signed-in-tester
///   headers:
///     end-user: {exact: jason}
/// ```
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_tester_by_header() {
    check(
        r#"[{"name": "signed-in-tester", "headers": {"end-user": {"exact": "jason"}}}]"#,
        &Services::default(),
        &[(&[("end-user", b"jason")], true), (&[("end-user", b"jasper")], false), (&[], false)],
    );
}

/// ```yaml
/// match:
/// - headers:
///     cookie: {regex: "^(.*?;)?\\s*(user=jason)(;.*)?$"}
///   uri: {prefix: /wpcatalog}
/// - uri: {prefix: /consumercatalog}
///   ignoreUriCase: true
/// ```
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_cookie_by_regex_or_a_path() {
    check(
        r#"[{"headers": {"cookie": {"regex": "^(.*?;)?\\s*(user=jason)(;.*)?$"}}, "uri": {"prefix": "/wpcatalog"}},
            {"uri": {"prefix": "/consumercatalog"}, "ignoreUriCase": true}]"#,
        &Services::default(),
        &[
            (&[(":path", b"/wpcatalog/1"), ("cookie", b"a=1; user=jason; b=2")], true),
            (&[(":path", b"/wpcatalog/1"), ("cookie", b"a=1"), ("cookie", b"user=jason")], true),
            (&[(":path", b"/wpcatalog/1"), ("cookie", b"user=jasonx")], false),
            (&[(":path", b"/wpcatalog/1")], false),
            (&[(":path", b"/ConsumerCatalog?x=1")], true),
            (&[(":path", b"/catalog"), ("cookie", b"user=jason")], false),
        ],
    );
}

/// ```yaml
/// match:
/// - method: {regex: GET|HEAD}
///   scheme: {exact: https}
///   authority: {regex: '.*\.eu\.example\.com'}
///   withoutHeaders:
///     x-internal: {}
///     x-stage: {exact: canary}
/// ```
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_region_without_some_headers() {
    let eu: Header<'_> = (":authority", b"shop.eu.example.com");
    check(
        r#"[{"method": {"regex": "GET|HEAD"}, "scheme": {"exact": "https"},
             "authority": {"regex": ".*\\.eu\\.example\\.com"},
             "withoutHeaders": {"x-internal": {}, "x-stage": {"exact": "canary"}}}]"#,
        &Services::default(),
        &[
            (&[eu], true),
            (&[eu, (":method", b"HEAD"), ("x-stage", b"stable")], true),
            (&[eu, (":method", b"POST")], false),
            (&[eu, (":scheme", b"http")], false),
            (&[eu, ("x-internal", b"")], false),
            (&[eu, ("x-stage", b"canary")], false),
            (&[], false),
        ],
    );
}

/// ```yaml
/// match:
/// - uri: {regex: '/api/v[12]/.*'}
///   queryParams:
///     version: {exact: "2"}
///     preview: {prefix: "tr"}
///   port: 8080
/// ```
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_version_in_the_query_on_a_port() {
    let json = r#"[{"uri": {"regex": "/api/v[12]/.*"}, "port": 8080,
                    "queryParams": {"version": {"exact": "2"}, "preview": {"prefix": "tr"}}}]"#;
    let path: Header<'_> = (":path", b"/api/v1/x?preview=true&version=2");
    let on = |port: i64| Services::with(&[("destination.port", &port.to_le_bytes())]);
    check(
        json,
        &on(8080),
        &[
            (&[path], true),
            (&[(":path", b"/api/v3/x?preview=true&version=2")], false),
            (&[(":path", b"/api/v1/x?preview=true&version=02")], false),
            (&[(":path", b"/api/v1/x?version=2")], false),
        ],
    );
    check(json, &on(8081), &[(&[path], false)]);
}

/// ```yaml
/// match:
/// - uri: {prefix: /admin}
///   headers:
///     "@request.auth.claims.groups": {exact: group1}
///   withoutHeaders:
///     "@request.auth.claims[realm][blocked]": {regex: ".+"}
/// ```
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_group_in_a_verified_token() {
    let json = r#"[{"uri": {"prefix": "/admin"}, "headers": {"@request.auth.claims.groups": {"exact": "group1"}},
                    "withoutHeaders": {"@request.auth.claims[realm][blocked]": {"regex": ".+"}}}]"#;
    let groups = encode_pairs(&[("group0", ""), ("group1", "")]);
    let (at, blocked) = (claim("groups"), claim("realm.blocked"));
    let admin: &[Header<'_>] = &[(":path", b"/admin")];
    check(json, &Services::with(&[(&at, &groups)]), &[(admin, true), (&[], false)]);
    check(json, &Services::with(&[(&at, b"group1"), (&blocked, b"")]), &[(admin, true)]);
    check(json, &Services::with(&[(&at, &groups), (&blocked, b"since monday")]), &[(admin, false)]);
    check(json, &Services::with(&[(&at, b"group2")]), &[(admin, false)]);
    check(json, &Services::default(), &[(&[admin[0], ("groups", b"group1")], false)]);
}
