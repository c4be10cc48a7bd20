//! What matches decide, from the bytes of a request to the verdict.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop where they fail")]

use crate::http_match_support::{Header, Matcher, Services, claim, request};
use weir_core::Truth;
use weir_core::header::encode_pairs;

/// One match, with requests that it takes and requests that it does not.
struct Case<'a> {
    json: &'a str,
    takes: &'a [&'a [Header<'a>]],
    refuses: &'a [&'a [Header<'a>]],
}

fn check(cases: &[Case<'_>]) {
    let host = Services::default();
    for case in cases {
        let matcher = Matcher::new(case.json).unwrap_or_else(|problems| panic!("{}: {problems}", case.json));
        for (headers, expected) in
            case.takes.iter().map(|h| (h, true)).chain(case.refuses.iter().map(|h| (h, false)))
        {
            assert_eq!(matcher.holds(&request(headers), &host), expected, "{} {headers:?}", case.json);
        }
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn the_path_is_matched_without_its_query() {
    check(&[
        Case {
            json: r#"[{"uri": {"exact": "/cart"}}]"#,
            takes: &[&[(":path", b"/cart")], &[(":path", b"/cart?x=/y")], &[(":path", b"/cart#top")]],
            refuses: &[
                &[(":path", b"/cart/")],
                &[(":path", b"/Cart")],
                &[(":path", b"/")],
                &[(":path", b"")],
            ],
        },
        Case {
            json: r#"[{"uri": {"prefix": "/api"}}]"#,
            takes: &[&[(":path", b"/api")], &[(":path", b"/apix?y")], &[(":path", b"/api/\xff\xfe")]],
            refuses: &[&[(":path", b"/ap")], &[(":path", b"/x?/api")], &[(":path", b"?/api")]],
        },
        Case {
            json: r#"[{"uri": {"regex": "/users/[^/]+/orders"}}]"#,
            takes: &[
                &[(":path", b"/users/4/orders")],
                &[(":path", b"/users/a%2Fb/orders?page=2")],
                &[(":path", b"/users/\xff/orders")],
            ],
            refuses: &[&[(":path", b"/users//orders")], &[(":path", b"/v1/users/4/orders")]],
        },
        Case {
            json: r#"[{"uri": {"exact": "/Cart"}, "ignoreUriCase": true}]"#,
            takes: &[&[(":path", b"/cart")], &[(":path", b"/CART?x")]],
            refuses: &[&[(":path", b"/cart/")]],
        },
        Case {
            json: r#"[{"uri": {"prefix": "/API/"}, "ignoreUriCase": true}]"#,
            takes: &[&[(":path", b"/api/x")], &[(":path", b"/ApI/")]],
            refuses: &[&[(":path", b"/api")]],
        },
        Case {
            json: r#"[{"uri": {"regex": "/api/.+"}, "ignoreUriCase": true}]"#,
            takes: &[&[(":path", b"/api/x")]],
            refuses: &[&[(":path", b"/API/x")]],
        },
        Case {
            json: r#"[{"uri": {"suffix": ".jpg", "ignoreCase": true}}]"#,
            takes: &[&[(":path", b"/a.JPG?w=3")], &[(":path", b".jpg")]],
            refuses: &[&[(":path", b"/a.jpg/")], &[(":path", b"/x?.jpg")]],
        },
        Case {
            json: r#"[{"uri": {"in": ["/a", "/b"]}}]"#,
            takes: &[&[(":path", b"/a?b")], &[(":path", b"/b")]],
            refuses: &[&[(":path", b"/c")], &[(":path", b"/a/b")]],
        },
        Case { json: r#"[{"uri": {"prefix": ""}}, {}]"#, takes: &[&[], &[(":path", b"*")]], refuses: &[] },
    ]);
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn the_request_line_is_case_sensitive_but_for_the_host() {
    check(&[
        Case {
            json: r#"[{"method": {"exact": "POST"}}]"#,
            takes: &[&[(":method", b"POST")]],
            refuses: &[&[], &[(":method", b"post")], &[(":method", b"POSTS")]],
        },
        Case {
            json: r#"[{"scheme": {"exact": "http"}}]"#,
            takes: &[&[(":scheme", b"http")]],
            refuses: &[&[], &[(":scheme", b"HTTP")]],
        },
        Case {
            json: r#"[{"authority": {"exact": "shop.example.com"}}]"#,
            takes: &[&[], &[(":authority", b"shop.example.com")]],
            refuses: &[&[(":authority", b"shop.example.com:443")], &[(":authority", b"api.example.com")]],
        },
        Case {
            json: r#"[{"authority": {"regex": "(.*\\.)?example\\.com(:\\d+)?"}}]"#,
            takes: &[&[], &[(":authority", b"example.com:8443")]],
            refuses: &[&[(":authority", b"example.org")], &[(":authority", b"notexample.com")]],
        },
        Case {
            json: r#"[{"headers": {":authority": {"prefix": "shop."}, "Host": {"suffix": ".com"}}}]"#,
            takes: &[&[]],
            refuses: &[
                &[(":authority", b"api.example.com")],
                &[("host", b"shop.example.com"), (":authority", b"x")],
            ],
        },
        Case {
            json: r#"[{"headers": {":path": {"suffix": "?debug"}}}]"#,
            takes: &[&[(":path", b"/x?debug")]],
            refuses: &[&[(":path", b"/x")]],
        },
        Case {
            json: r#"[{"method": {}, "authority": {}, "scheme": {}, "uri": {}}]"#,
            takes: &[&[]],
            refuses: &[],
        },
    ]);
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn headers_are_compared_line_by_line_as_bytes() {
    check(&[
        Case {
            json: r#"[{"headers": {"X-Group": {"exact": "beta"}}}]"#,
            takes: &[
                &[("x-group", b"beta")],
                &[("x-group", b"beta"), ("x-group", b"gamma")],
                &[("x-group", b""), ("x-other", b"z"), ("x-group", b"beta")],
            ],
            refuses: &[
                &[],
                &[("x-group", b"")],
                &[("x-group", b"Beta")],
                &[("x-group", b"beta\xff")],
                &[("x-group", b"beta\0")],
                &[("x-group", b" beta")],
                &[("x-group", b"beta,beta")],
                &[("x-group", b"be"), ("x-group", b"ta")],
            ],
        },
        Case {
            json: r#"[{"headers": {"x-group": {"exact": "a,b"}}}]"#,
            takes: &[&[("x-group", b"a,b")], &[("x-group", b"c"), ("x-group", b"a,b")]],
            refuses: &[&[("x-group", b"a"), ("x-group", b"b")], &[("x-group", b"a, b")]],
        },
        Case {
            json: r#"[{"headers": {"x-a": {}}}]"#,
            takes: &[&[("x-a", b"")], &[("x-a", b"\xff")], &[("x-a", b"1"), ("x-a", b"2")]],
            refuses: &[&[], &[("x-ab", b"1")]],
        },
        Case {
            json: r#"[{"headers": {"x-a": {"regex": "*"}}}]"#,
            takes: &[&[("x-a", b"")]],
            refuses: &[&[]],
        },
        Case {
            json: r#"[{"headers": {"x-a": {"present": false}}}]"#,
            takes: &[&[]],
            refuses: &[&[("x-a", b"")]],
        },
        Case {
            json: r#"[{"headers": {"x-a": {"exact": ""}}}]"#,
            takes: &[&[("x-a", b"")]],
            refuses: &[&[], &[("x-a", b"1")]],
        },
        Case {
            json: r#"[{"headers": {"x-a": {"regex": "v.*"}}}]"#,
            takes: &[
                &[("x-a", b"v")],
                &[("x-a", "vé".as_bytes())],
                &[("x-a", b"v\xff")],
                &[("x-a", &[b'v'; 20_000])],
            ],
            refuses: &[&[], &[("x-a", b"\xffv")], &[("x-a", b"v\n")]],
        },
        Case {
            json: r#"[{"headers": {"x-a": {"prefix": "v"}}}]"#,
            takes: &[&[("x-a", b"v\xff")], &[("x-a", &[b'v'; 20_000])]],
            refuses: &[&[("x-a", b"\xff")]],
        },
        Case {
            json: r#"[{"headers": {"user-agent": {"contains": "mobile", "ignoreCase": true}}}]"#,
            takes: &[&[("user-agent", b"Mozilla (Mobile)")], &[("user-agent", b"MOBILE")]],
            refuses: &[&[], &[("user-agent", b"mobil")]],
        },
        Case {
            json: r#"[{"headers": {"x-app": {"semver": ">=2.4, <3"}}}]"#,
            takes: &[&[("x-app", b"2.4.0")], &[("x-app", b"v2.10")]],
            refuses: &[
                &[],
                &[("x-app", b"3.0.0")],
                &[("x-app", b"2")],
                &[("x-app", b"2.5.0-rc.1")],
                &[("x-app", b"\xff")],
            ],
        },
        Case {
            json: r#"[{"headers": {"x-region": {"in": ["eu", "us"]}, "x-tier": {"exact": "gold"}}}]"#,
            takes: &[&[("x-region", b"us"), ("x-tier", b"gold")]],
            refuses: &[
                &[("x-region", b"us")],
                &[("x-tier", b"gold")],
                &[("x-region", b"asia"), ("x-tier", b"gold")],
            ],
        },
    ]);
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn without_headers_takes_a_missing_header_for_an_empty_one() {
    check(&[
        Case {
            json: r#"[{"withoutHeaders": {"x-a": {}}}]"#,
            takes: &[&[]],
            refuses: &[&[("x-a", b"")], &[("x-a", b"1")]],
        },
        Case {
            json: r#"[{"withoutHeaders": {"x-a": {"regex": "*"}}}]"#,
            takes: &[&[]],
            refuses: &[&[("x-a", b"1")]],
        },
        Case {
            json: r#"[{"withoutHeaders": {"x-a": {"exact": "1"}}}]"#,
            takes: &[&[], &[("x-a", b"")], &[("x-a", b"2")], &[("x-a", b"2"), ("x-a", b"3")]],
            refuses: &[&[("x-a", b"1")], &[("x-a", b"2"), ("x-a", b"1")]],
        },
        // Both of these pass an empty text, so an absent header is refused too.
        Case {
            json: r#"[{"withoutHeaders": {"x-a": {"regex": ".*"}}}]"#,
            takes: &[],
            refuses: &[&[], &[("x-a", b"1")], &[("x-a", b"\xff")]],
        },
        Case {
            json: r#"[{"withoutHeaders": {"x-a": {"exact": ""}}}]"#,
            takes: &[&[("x-a", b"1")]],
            refuses: &[&[]],
        },
        Case {
            json: r#"[{"withoutHeaders": {"x-a": {"present": false}}}]"#,
            takes: &[&[("x-a", b"")]],
            refuses: &[&[]],
        },
    ]);
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn query_parameters_are_compared_as_they_were_sent() {
    check(&[
        Case {
            json: r#"[{"queryParams": {"q": {"exact": "a%20b"}}}]"#,
            takes: &[&[(":path", b"/x?z=1&q=a%20b")], &[(":path", b"/x?q=a%20b&q=other#q=")]],
            refuses: &[
                &[(":path", b"/x?q=other&q=a%20b")],
                &[(":path", b"/x?%71=a%20b")],
                &[(":path", b"/x?Q=a%20b")],
            ],
        },
        Case {
            json: r#"[{"queryParams": {"debug": {}}}]"#,
            takes: &[&[(":path", b"/?debug")], &[(":path", b"/?a&debug=")], &[(":path", b"/?debug=1")]],
            refuses: &[
                &[],
                &[(":path", b"/?")],
                &[(":path", b"/?debugs")],
                &[(":path", b"/debug")],
                &[(":path", b"/#?debug")],
            ],
        },
        Case {
            json: r#"[{"queryParams": {"v": {"prefix": "2"}}}]"#,
            takes: &[&[(":path", b"/?v=2\xff")], &[(":path", b"/?v=2=3")]],
            refuses: &[&[(":path", b"/?v=3&v=2")], &[(":path", b"/?v")]],
        },
        Case {
            json: r#"[{"queryParams": {"v": {"present": false}}}]"#,
            takes: &[&[], &[(":path", b"/?w=v")]],
            refuses: &[&[(":path", b"/?v")]],
        },
    ]);
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn cookies_are_found_in_all_lines() {
    check(&[
        Case {
            json: r#"[{"cookies": {"user": {"exact": "jason"}}}]"#,
            takes: &[
                &[("cookie", b"user=jason")],
                &[("cookie", b"a=b; user=jason;c")],
                &[("cookie", b"a=b"), ("cookie", b"user=\"jason\"")],
                &[("cookie", b"user=jason; user=other")],
            ],
            refuses: &[
                &[],
                &[("cookie", b"user=other; user=jason")],
                &[("cookie", b"xuser=jason")],
                &[("cookie", b"User=jason")],
                &[("cookie", b"user=jason\xff")],
                &[("cookie", b"user")],
                &[("cookie", b";;;=;")],
            ],
        },
        Case {
            json: r#"[{"cookies": {"beta": {}}}]"#,
            takes: &[&[("cookie", b"beta=")], &[("cookie", b"beta=1")]],
            refuses: &[&[], &[("cookie", b"beta")]],
        },
    ]);
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn one_entry_of_several_is_enough() {
    check(&[
        Case {
            json: r#"[{"uri": {"prefix": "/a"}, "method": {"exact": "GET"}}, {"headers": {"x-all": {}}}]"#,
            takes: &[
                &[(":path", b"/a")],
                &[("x-all", b"")],
                &[(":path", b"/a"), (":method", b"PUT"), ("x-all", b"1")],
            ],
            refuses: &[&[], &[(":path", b"/a"), (":method", b"PUT")]],
        },
        Case { json: r#"[{"name": "all"}]"#, takes: &[&[]], refuses: &[] },
    ]);
    assert!(Matcher::new("[]").unwrap().holds(&[], &Services::default()), "no match at all takes everything");
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn claims_are_texts_or_lists_of_texts() {
    let groups = encode_pairs(&[("dev", ""), ("admin", "")]);
    let object = encode_pairs(&[("admin", "1")]);
    let number = 42f64.to_le_bytes();
    for (json, name, value, expected) in [
        (r#"[{"claims": {"group": {"exact": "admin"}}}]"#, "group", Some(&b"admin"[..]), true),
        (r#"[{"claims": {"group": {"exact": "admin"}}}]"#, "group", Some(b"Admin"), false),
        (r#"[{"claims": {"group": {"exact": "admin"}}}]"#, "group", None, false),
        (r#"[{"claims": {"group": {"exact": "admin"}}}]"#, "group", Some(&groups), true),
        (r#"[{"claims": {"group": {"prefix": "adm"}}}]"#, "group", Some(&groups), true),
        (r#"[{"claims": {"group": {"exact": "ops"}}}]"#, "group", Some(&groups), false),
        (r#"[{"claims": {"group": {"exact": "admin"}}}]"#, "group", Some(&object), false),
        (r#"[{"claims": {"group": {"exact": "*"}}}]"#, "group", Some(&number), false),
        (r#"[{"claims": {"group": {}}}]"#, "group", Some(&number), true),
        (r#"[{"claims": {"group": {}}}]"#, "group", Some(b""), true),
        (r#"[{"claims": {"group": {}}}]"#, "group", None, false),
        (r#"[{"claims": {"group": {"present": false}}}]"#, "group", None, true),
        (r#"[{"claims": {"group": {"present": false}}}]"#, "group", Some(b"x"), false),
        (
            r#"[{"claims": {"https://example.com/plan": {"exact": "pro"}}}]"#,
            "https://example.com/plan",
            Some(b"pro"),
            true,
        ),
        (
            r#"[{"headers": {"@request.auth.claims.group": {"exact": "admin"}}}]"#,
            "group",
            Some(&groups),
            true,
        ),
        (r#"[{"headers": {"@Request.Auth.Claims.a.b": {"exact": "1"}}}]"#, "a.b", Some(b"1"), true),
        (r#"[{"headers": {"@request.auth.claims[a.b][c]": {"exact": "1"}}}]"#, "a.b.c", Some(b"1"), true),
        (
            r#"[{"headers": {"@request.auth.claims[sub]": {"regex": "(\\W|^)sub-\\d(\\W|$)"}}}]"#,
            "sub",
            Some(b"sub-1"),
            true,
        ),
        (
            r#"[{"withoutHeaders": {"@request.auth.claims.group": {"exact": "admin"}}}]"#,
            "group",
            Some(&groups),
            false,
        ),
        (
            r#"[{"withoutHeaders": {"@request.auth.claims.group": {"exact": "admin"}}}]"#,
            "group",
            Some(b"dev"),
            true,
        ),
        (r#"[{"withoutHeaders": {"@request.auth.claims.group": {"exact": "admin"}}}]"#, "group", None, true),
        (r#"[{"withoutHeaders": {"@request.auth.claims.group": {"regex": ".*"}}}]"#, "group", None, true),
        (r#"[{"withoutHeaders": {"@request.auth.claims.group": {}}}]"#, "group", None, true),
        (r#"[{"withoutHeaders": {"@request.auth.claims.group": {}}}]"#, "group", Some(b""), false),
    ] {
        let path = claim(name);
        let properties: Vec<(&str, &[u8])> = value.iter().map(|value| (path.as_str(), *value)).collect();
        let host = Services::with(&properties);
        assert_eq!(Matcher::new(json).unwrap().holds(&request(&[]), &host), expected, "{json} {value:?}");
        assert_eq!(host.asked(), [path], "{json}");
    }
    // A header of that name is no claim.
    let forged = request(&[("@request.auth.claims.group", b"admin")]);
    let matcher =
        Matcher::new(r#"[{"headers": {"@request.auth.claims.group": {"exact": "admin"}}}]"#).unwrap();
    assert!(!matcher.holds(&forged, &Services::default()));
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn the_connection_decides() {
    let port = |n: i64| n.to_le_bytes().to_vec();
    let uri = "connection.uri_san_peer_certificate";
    for (json, path, value, expected) in [
        (r#"[{"port": 8443}]"#, "destination.port", port(8443), true),
        (r#"[{"port": 8443}]"#, "destination.port", port(8444), false),
        (r#"[{"port": 8443}]"#, "destination.port", port(-1), false),
        (r#"[{"port": 8443}]"#, "destination.port", vec![], false),
        (r#"[{"port": 8443}]"#, "other", port(8443), false),
        (r#"[{"sourcePrincipals": ["td/ns/a/sa/b"]}]"#, uri, b"spiffe://td/ns/a/sa/b".to_vec(), true),
        (r#"[{"sourcePrincipals": ["td/ns/a/sa/b"]}]"#, uri, b"spiffe://td/ns/a/sa/bc".to_vec(), false),
        (r#"[{"sourcePrincipals": ["td/ns/a/sa/b"]}]"#, uri, b"td/ns/a/sa/b".to_vec(), false),
        (
            r#"[{"sourcePrincipals": ["spiffe://td/ns/a/sa/b"]}]"#,
            uri,
            b"spiffe://td/ns/a/sa/b".to_vec(),
            true,
        ),
        (r#"[{"sourcePrincipals": "td/ns/a/*"}]"#, uri, b"spiffe://td/ns/a/sa/b".to_vec(), true),
        (r#"[{"sourcePrincipals": ["td/ns/a/*"]}]"#, uri, b"spiffe://td/ns/ab/sa/b".to_vec(), false),
        (r#"[{"sourcePrincipals": ["*/sa/b"]}]"#, uri, b"spiffe://td/ns/a/sa/b".to_vec(), true),
        (r#"[{"sourcePrincipals": ["*/sa/b"]}]"#, uri, b"https://td/ns/a/sa/b".to_vec(), false),
        (r#"[{"sourcePrincipals": ["x", "*"]}]"#, uri, b"spiffe://td/ns/a/sa/b".to_vec(), true),
        (r#"[{"sourcePrincipals": ["*"]}]"#, uri, b"".to_vec(), false),
        (r#"[{"sourcePrincipals": ["*"]}]"#, "other", b"spiffe://td".to_vec(), false),
        (
            r#"[{"remoteIp": ["10.0.0.0/8", "2001:db8::/32"]}]"#,
            "source.address",
            b"10.1.2.3:4567".to_vec(),
            true,
        ),
        (
            r#"[{"remoteIp": ["10.0.0.0/8", "2001:db8::/32"]}]"#,
            "source.address",
            b"[2001:db8::1]:4567".to_vec(),
            true,
        ),
        (r#"[{"remoteIp": "10.0.0.0/8"}]"#, "source.address", b"[::ffff:10.1.2.3]:4567".to_vec(), true),
        (r#"[{"remoteIp": ["10.0.0.0/8"]}]"#, "source.address", b"11.1.2.3:4567".to_vec(), false),
        (r#"[{"remoteIp": ["10.0.0.0/8"]}]"#, "other", b"10.1.2.3:4567".to_vec(), false),
    ] {
        let host = Services::with(&[(path, &value)]);
        assert_eq!(
            Matcher::new(json).unwrap().holds(&request(&[]), &host),
            expected,
            "{json} {path} {value:?}"
        );
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn the_host_is_asked_last_and_once() {
    let json = r#"[
        {"claims": {"group": {"exact": "admin"}}, "sourcePrincipals": ["a", "b"], "headers": {"x-a": {"regex": "1|2"}}},
        {"claims": {"group": {"exact": "dev"}}, "uri": {"exact": "/"}}
    ]"#;
    let matcher = Matcher::new(json).unwrap();
    let group = claim("group");
    let host = Services::with(&[(&group, b"admin"), ("connection.uri_san_peer_certificate", b"spiffe://c")]);
    assert!(!matcher.holds(&request(&[(":path", b"/x")]), &host));
    assert!(host.asked().is_empty(), "the cheap tests have failed already");
    assert!(!matcher.holds(&request(&[("x-a", b"1")]), &host));
    assert_eq!(host.asked(), [group.as_str(), "connection.uri_san_peer_certificate"]);
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn hostile_requests_are_decided_too() {
    let matcher = Matcher::new(
        r#"[{"headers": {"x-a": {"regex": "(a|aa)*b(.*c){3}"}}}, {"cookies": {"c": {"exact": "1"}}},
            {"queryParams": {"q": {"exact": "1"}}}, {"uri": {"contains": "aaaaaaaab"}}]"#,
    )
    .unwrap();
    let host = Services::default();
    let long = vec![b'a'; 64 * 1024];
    let many: Vec<Header<'_>> = (0..100).map(|_| ("x-a", &b"a"[..])).collect();
    let crumbs = "c;=c;c ".repeat(9000).into_bytes();
    let pairs = [b"/?".as_slice(), &b"q&=q&%&%q=%4&".repeat(5000)].concat();
    assert_eq!(matcher.judge(&request(&[("x-a", &long)]), &host), Truth::False);
    // Whether an expression matches so long a text is not found out.
    let endless = vec![b'a'; weir_core::regex::WORK_OF_A_REQUEST + 1];
    assert_eq!(matcher.judge(&request(&[("x-a", &endless)]), &host), Truth::Unknown);
    for headers in [
        request(&many),
        request(&[("cookie", &crumbs)]),
        request(&[(":path", &long)]),
        request(&[(":path", b"")]),
        request(&[(":path", b"?")]),
        request(&[("", b"")]),
        vec![],
        vec![("x-a", b"\0\xff\r\n"), (":path", b"\xff?\xff=\xff&&&"), ("cookie", b"\"=\";\"")],
    ] {
        assert!(!matcher.holds(&headers, &host));
    }
    // The name is there, but without a value.
    assert!(!matcher.holds(&request(&[(":path", &pairs)]), &host));
    assert!(matcher.holds(&request(&[("cookie", &[crumbs.as_slice(), b";c=1"].concat())]), &host));
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn hosts_are_compared_as_routers_compare_them() {
    let host = Services::default();
    for test in [
        r#""authority": {"exact": "admin.example.com"}"#,
        r#""authority": {"exact": "Admin.Example.com"}"#,
        r#""authority": {"in": ["x", "ADMIN.example.com"]}"#,
        r#""authority": {"suffix": "n.example.com"}"#,
        r#""authority": {"regex": "(admin|root)\\.example\\.com"}"#,
        r#""authority": {"regex": "Admin\\.example\\.com"}"#,
        r#""headers": {"host": {"exact": "admin.example.com"}}"#,
        r#""headers": {":authority": {"exact": "admin.example.com"}}"#,
    ] {
        let matcher = Matcher::new(&format!("[{{{test}}}]")).unwrap();
        for (authority, expected) in [
            ("admin.example.com", Truth::True),
            ("ADMIN.example.COM", Truth::True),
            ("admin.example.com:443", Truth::Unknown),
            ("Admin.example.com.", Truth::Unknown),
            ("admin.example.com.:8080", Truth::Unknown),
            ("example.com", Truth::False),
            ("other.example.org:443", Truth::False),
        ] {
            let headers = request(&[(":authority", authority.as_bytes())]);
            assert_eq!(matcher.judge(&headers, &host), expected, "{test} {authority}");
        }
    }
    // What is certain with the port stays certain.
    let with_port = Matcher::new(r#"[{"authority": {"exact": "a.example:8080"}}]"#).unwrap();
    let without = Matcher::new(r#"[{"withoutHeaders": {"host": {"exact": "a.example"}}}]"#).unwrap();
    for (authority, certain, negated) in [
        ("A.example:8080", Truth::True, Truth::Unknown),
        ("a.example", Truth::False, Truth::False),
        ("b.example", Truth::False, Truth::True),
    ] {
        let headers = request(&[(":authority", authority.as_bytes())]);
        assert_eq!(with_port.judge(&headers, &host), certain, "{authority}");
        assert_eq!(without.judge(&headers, &host), negated, "{authority}");
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn what_cannot_be_judged_is_neither_yes_nor_no() {
    let long = vec![b'a'; weir_core::regex::WORK_OF_A_REQUEST + 1];
    let path = [b"/admin/", long.as_slice()].concat();
    let query = [b"/?q=", long.as_slice()].concat();
    let cookie = [b"c=", long.as_slice()].concat();
    let cases: [(&str, &str, &[u8]); 6] = [
        (r#""uri": {"regex": "/adm(in)?(/.*)?"}"#, ":path", &path),
        (r#""queryParams": {"q": {"regex": "[^b]*"}}"#, ":path", &query),
        (r#""cookies": {"c": {"regex": "[^b]*"}}"#, "cookie", &cookie),
        (r#""headers": {"x-a": {"regex": "[^b]*"}}"#, "x-a", &long),
        (r#""headers": {"x-a": {"semver": "*"}}"#, "x-a", &long),
        (r#""withoutHeaders": {"x-a": {"regex": "[^b]*"}}"#, "x-a", &long),
    ];
    let host = Services::default();
    let judge =
        |json: String, headers: &[Header<'_>]| Matcher::new(&json).unwrap().judge(&request(headers), &host);
    for (test, header, value) in cases {
        let headers = [(header, value)];
        assert_eq!(judge(format!("[{{{test}}}]"), &headers), Truth::Unknown, "{test}");
        // What decides all the same, decides.
        let other = r#""method": {"exact": "PUT"}"#;
        assert_eq!(judge(format!("[{{{test}, {other}}}]"), &headers), Truth::False, "{test}");
        let entries = format!(r#"[{{{test}}}, {{"method": {{"exact": "GET"}}}}]"#);
        assert_eq!(judge(entries, &headers), Truth::True, "{test}");
    }
    // Of several lines one that passes is enough, whatever the others are.
    let lines = r#"[{"headers": {"x-a": {"regex": "[^b]*c"}}}]"#;
    assert_eq!(judge(lines.into(), &[("x-a", b"ac"), ("x-a", &long)]), Truth::True);
    assert_eq!(judge(lines.into(), &[("x-a", &long), ("x-a", b"ab")]), Truth::Unknown);
    // An address that is none, such as a Unix socket's.
    for address in [&b"/run/x.sock"[..], b"\xff10.0.0.1"] {
        let host = Services::with(&[("source.address", address)]);
        let matcher = Matcher::new(r#"[{"remoteIp": ["10.0.0.0/8"]}]"#).unwrap();
        assert_eq!(matcher.judge(&request(&[]), &host), Truth::Unknown);
    }
}
