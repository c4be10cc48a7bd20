//! Conditions over typed attributes, the way they come in a request: as text in headers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop where they fail"
)]

use crate::condition_support::{Compiled, attributes};
use serde_json::{Value as Json, json};
use weir_core::{AttributeMap, Truth};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test;

fn declared() -> AttributeMap {
    attributes(json!({
        "plan": "header:x-plan",
        "country": {"header": "x-country", "lower": true},
        "age": {"header": "x-age", "type": "number"},
        "beta": {"header": "x-beta", "type": "boolean"},
        "tags": {"header": "x-tags", "type": "list"},
        "groups": {"header": "x-groups", "type": "list", "separator": "|"},
        "version": {"header": "x-version", "type": "version"},
        "user": {"header": "x-user", "type": "json"},
        "user.id": "header:x-user-id",
        "tier": {"header": "x-tier", "default": "basic"},
    }))
}

/// Asserts what a condition says about a request with one header.
fn expect(condition: Json, header: &str, value: impl AsRef<[u8]>, expected: impl Into<Truth>) {
    let compiled = Compiled::new(&declared(), &condition).unwrap();
    let value = value.as_ref();
    let truth = compiled.judge(&[(header.to_owned(), value.to_owned())]);
    assert_eq!(truth, expected.into(), "{condition} of {header}: {}", String::from_utf8_lossy(value));
}

/// The problems of a condition, one a line.
fn problems(condition: Json) -> String {
    Compiled::new(&declared(), &condition).err().unwrap_or_default().to_string()
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn text() {
    expect(json!({"plan": "pro"}), "x-plan", "pro", true);
    expect(json!({"plan": "pro"}), "x-plan", "Pro", false);
    expect(json!({"plan": {"$ini": ["PRO", "enterprise"]}}), "x-plan", "Pro", true);
    expect(json!({"country": {"$in": ["de", "at"]}}), "x-country", "DE", true);
    expect(json!({"plan": {"$regex": "^(pro|team)-\\d+$"}}), "x-plan", "team-12", true);
    // A header is text, whatever it looks like: only the operators that convert see a number.
    expect(json!({"plan": 5}), "x-plan", "5", true);
    expect(json!({"plan": {"$eq": 5}}), "x-plan", "5", false);
    expect(json!({"plan": {"$in": [5]}}), "x-plan", "5", false);
    expect(json!({"plan": {"$gt": 5}}), "x-plan", "10", true);
    expect(json!({"plan": {"$gt": "5"}}), "x-plan", "10", false);
    expect(json!({"plan": {"$type": "string"}}), "x-plan", "5", true);
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn absent_and_default() {
    expect(json!({"plan": null}), "x-other", "", true);
    expect(json!({"plan": {"$exists": false}}), "x-other", "", true);
    expect(json!({"plan": {"$ne": "pro"}}), "x-other", "", true);
    expect(json!({"plan": null}), "x-plan", "", false);
    expect(json!({"tier": "basic"}), "x-other", "", true);
    expect(json!({"tier": "basic"}), "x-tier", "gold", false);
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn numbers_and_booleans() {
    expect(json!({"age": {"$gte": 18, "$lt": 65}}), "x-age", "18", true);
    expect(json!({"age": {"$gte": 18}}), "x-age", "9", false);
    expect(json!({"age": {"$eq": 18}}), "x-age", " 18.0 ", true);
    expect(json!({"age": {"$in": [17, 18]}}), "x-age", "18", true);
    expect(json!({"age": {"$in": [0]}}), "x-age", "-0", true);
    expect(json!({"age": "1e+21"}), "x-age", "1000000000000000000000", true);
    expect(json!({"beta": true}), "x-beta", "1", true);
    expect(json!({"beta": {"$eq": false}}), "x-beta", "false", true);
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn lists() {
    expect(json!({"tags": {"$in": ["vip"]}}), "x-tags", "beta, vip", true);
    expect(json!({"tags": {"$nin": ["vip"]}}), "x-tags", "beta,vip", false);
    expect(json!({"groups": {"$all": ["a", "b,c"]}}), "x-groups", "b,c|a", true);
    expect(json!({"tags": {"$alli": ["VIP", {"$regex": "^b"}]}}), "x-tags", "beta, vip", true);
    expect(json!({"tags": {"$alli": ["VIP", {"$regex": "^B"}]}}), "x-tags", "beta, vip", false);
    expect(json!({"tags": {"$elemMatch": {"$regex": "^be"}}}), "x-tags", "x, beta", true);
    expect(json!({"tags": {"$elemMatch": {"length": null}}}), "x-tags", "x", true);
    expect(json!({"tags": {"$size": 2}}), "x-tags", "a,b", true);
    expect(json!({"tags": {"$size": 0}}), "x-tags", " ", true);
    expect(json!({"tags": ["a", "b"]}), "x-tags", "a , b", true);
    expect(json!({"tags": ["a", "b"]}), "x-tags", "a", false);
    expect(json!({"tags.1": "b", "tags.length": 2, "tags.2": null}), "x-tags", "a,b", true);
    expect(json!({"tags": {"$type": "array"}}), "x-tags", "a", true);
    expect(json!({"tags": {"$exists": false}}), "x-other", "", true);
    // As in JavaScript, an array is its elements with commas where a text is asked for.
    expect(json!({"groups": "a,b"}), "x-groups", "a|b", true);
    expect(json!({"groups": {"$regex": "^a,b$"}}), "x-groups", "a|b", true);
    expect(json!({"groups": {"$gt": "a,a"}}), "x-groups", "a|b", true);
    expect(json!({"tags": 5}), "x-tags", "5", true);
    expect(json!({"tags": 5}), "x-tags", "5,5", false);
    expect(json!({"tags": 0}), "x-tags", "", true);
    expect(json!({"tags": true}), "x-tags", "", true);
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn versions() {
    expect(json!({"version": {"$vgte": "2.9.0", "$vlt": "3.0.0"}}), "x-version", "v2.10.1", true);
    expect(json!({"version": {"$vgt": "2.9.0"}}), "x-version", "2.9.0-rc.1", false);
    expect(json!({"version": {"$veq": "1.2.3"}}), "x-version", "1.2.3+build.7", true);
    expect(json!({"version": {"$vlt": "0.0.1"}}), "x-other", "", true);
    expect(json!({"version": {"$veq": 2}}), "x-version", "2", true);
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn fields_and_paths() {
    let user = r#"{"plan": "pro", "id": 1, "roles": [{"name": "admin"}]}"#;
    expect(json!({"user.plan": "pro", "user.roles.0.name": "admin"}), "x-user", user, true);
    expect(json!({"user.roles": {"$elemMatch": {"name": "admin"}}}), "x-user", user, true);
    // The longest attribute wins over the path.
    expect(json!({"user.id": "7"}), "x-user-id", "7", true);
    expect(json!({"user.id": 1}), "x-user", user, false);
    // A short source needs no attribute, and its dots are not a path.
    expect(json!({"header:x.y": "1"}), "x.y", "1", true);
    expect(json!({"cookie:uid": "7"}), "cookie", "a=b; uid=7", true);
    expect(json!({"query:debug": "1", "path": {"$regex": "^/shop/"}}), ":path", "/shop/a?debug=1", true);
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn bytes_that_are_no_utf8() {
    expect(json!({"plan": "\u{fffd}"}), "x-plan", b"\xff", false);
    expect(json!({"plan": {"$in": ["\u{fffd}"]}}), "x-plan", b"\xff", false);
    expect(json!({"plan": {"$ini": ["\u{fffd}"]}}), "x-plan", b"\xff", false);
    expect(json!({"plan": {"$regex": ""}}), "x-plan", b"\xff", true);
    expect(json!({"plan": {"$exists": true, "$type": "string"}}), "x-plan", b"\xff", true);
    expect(json!({"plan": {"$lt": 5}}), "x-plan", b"\xff", false);
    expect(json!({"plan": {"$vgt": "1.0.0"}}), "x-plan", b"\xff", true);
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn no_byte_turns_a_pattern_off() {
    for byte in 0x80..=0xff {
        for (pattern, text) in [
            ("^/admin", &b"/admin/"[..]),
            ("[Bb]ot", b"GoogleBot"),
            ("^/(de|en)/gr\u{f6}\u{df}e", "/de/gr\u{f6}\u{df}e".as_bytes()),
            ("bot$|.$", b"x"),
        ] {
            for regex in ["$regex", "$regexi"] {
                expect(json!({"plan": {regex: pattern}}), "x-plan", [text, &[byte]].concat(), true);
                expect(
                    json!({"plan": {"$not": {regex: pattern}}}),
                    "x-plan",
                    [text, &[byte]].concat(),
                    false,
                );
            }
        }
    }
    // A byte that is no UTF-8 is its Latin-1 character, and no more than one.
    expect(json!({"plan": {"$regex": "^gr[\u{f6}\u{fc}]n$"}}), "x-plan", b"gr\xfcn", true);
    expect(json!({"plan": {"$regex": "^gr.n$"}}), "x-plan", b"gr\xfcn", true);
    for plain in ["^gr\u{fc}n$", "^gr\u{fc}", "r\u{fc}n$", "r\u{fc}"] {
        expect(json!({"plan": {"$regex": plain}}), "x-plan", b"gr\xfcn", true);
    }
    expect(json!({"plan": {"$regex": "^gr.n$"}}), "x-plan", b"gr\xf0\x9fn", false);
    expect(json!({"plan": {"$regexi": "^GR\u{dc}N$"}}), "x-plan", b"gr\xfcn", true);
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn of_long_texts_nobody_can_tell() {
    let longest = weir_core::regex::WORK_OF_A_REQUEST;
    for (pattern, long) in [("^a", Truth::True), ("^a+$", Truth::Unknown), ("b", Truth::False)] {
        let condition = json!({"plan": {"$regex": pattern}});
        expect(condition.clone(), "x-plan", "a".repeat(64 * 1024), pattern != "b");
        expect(condition.clone(), "x-plan", "a".repeat(longest + 1), long);
        expect(json!({"$not": condition}), "x-plan", "a".repeat(longest + 1), !long);
    }
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn what_is_there_and_cannot_be_read_is_unknown() {
    let deep = "[".repeat(1000);
    let long = format!("[\"{}\"]", "a".repeat(16 * 1024));
    for (header, field, value) in [
        ("x-age", "age", "old"),
        ("x-age", "age", "0x10"),
        ("x-beta", "beta", "maybe"),
        ("x-user", "user", "{broken"),
        ("x-user", "user.plan", "{broken"),
        ("x-user", "user", deep.as_str()),
        ("x-user", "user.0", long.as_str()),
    ] {
        for asked in [
            json!(null),
            json!(1),
            json!("a"),
            json!(true),
            json!([]),
            json!({"$eq": null}),
            json!({"$ne": 1}),
            json!({"$lt": 1}),
            json!({"$nin": [1]}),
            json!({"$ini": ["a"]}),
            json!({"$exists": true}),
            json!({"$exists": false}),
            json!({"$type": "number"}),
            json!({"$size": 0}),
            json!({"$all": []}),
            json!({"$elemMatch": {"$eq": 1}}),
            json!({"$regex": "^a"}),
            json!({"$vlt": "1.0.0"}),
            json!({"$not": {"$gt": 5}}),
        ] {
            let condition = json!({field: asked});
            expect(condition.clone(), header, value, Truth::Unknown);
            expect(json!({"$not": condition}), header, value, Truth::Unknown);
            // What decides all the same, decides.
            expect(json!({"$or": [condition, {"plan": null}]}), header, value, true);
            expect(json!({"$and": [condition, {"plan": "pro"}]}), header, value, false);
            expect(json!({"$nor": [condition, {"plan": null}]}), header, value, false);
            expect(json!({"$and": [condition, {"plan": null}]}), header, value, Truth::Unknown);
        }
        // An empty value is none.
        expect(json!({field: null}), header, " ", true);
    }
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn all_problems_are_told_with_their_places() {
    let condition = json!({
        "plan": {"$in": "pro", "$regx": "a"},
        "plam": "pro",
        "$or": [{"age": {"$gt": [1]}}, {"tags": {"$elemMatch": {"$or": []}}}, {"user.plan": {"$regex": "(?=a)"}}],
        "country": {"$inGroup": "dach"},
        "$eq": 5
    });
    let told = problems(condition);
    let expected = [
        "condition.$eq: `$eq` belongs inside a field",
        "condition.$or[0].age.$gt: needs a text, number, Boolean or null",
        "condition.$or[1].tags.$elemMatch.$or: `$or` combines conditions on fields",
        "condition.$or[2][\"user.plan\"].$regex: the pattern \"(?=a)\" is refused: patterns must match in time linear",
        "condition.country.$inGroup: saved groups",
        "condition.plam: \"plam\" is neither an attribute",
        "condition.plan.$in: needs a list such as [\"a\", \"b\"], not \"pro\"",
        "condition.plan.$regx: `$regx` is not an operator here",
    ];
    for line in expected {
        assert!(told.lines().any(|l| l.starts_with(line)), "{line}\nis not in\n{told}");
    }
    assert_eq!(told.lines().count(), expected.len(), "{told}");
    assert!(told.contains("did you mean `plan`?") && told.contains("did you mean `$regex`?"), "{told}");
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn mistakes_of_form() {
    assert!(problems(json!("plan")).starts_with("condition: expected a condition, an object"));
    assert!(problems(json!([])).starts_with("condition: expected a condition, an object"));
    assert!(problems(json!({"": 1})).contains("neither an attribute"));
    assert!(problems(json!({"usr.plan": 1})).contains("neither an attribute"));
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn paths_that_lead_nowhere_are_refused() {
    for (field, told) in [
        ("plan.tier", "`plan` is an attribute of type string, which has no parts; only the type `json` has"),
        ("plan.length", "type string"),
        ("version.0", "type string"),
        ("age.years", "type number"),
        ("beta.x", "type boolean"),
        ("path.x", "`path` is an attribute of type string"),
        ("tags.first", "`tags` is a list of texts: it has elements (`tags.0`)"),
        ("tags.0.x", "a list of texts"),
        ("tags.00", "a list of texts"),
    ] {
        let problems = problems(json!({field: "gold"}));
        assert!(problems.contains(told), "{field}: {problems}");
        assert!(problems.starts_with("condition"), "{field}: {problems}");
    }
    for field in ["user.tier", "user.a.b.0", "user.id", "tags.0", "tags.length", "header:x-plan.tier"] {
        assert_eq!(problems(json!({field: "gold"})), "", "{field}");
    }
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn hosts_are_compared_as_routers_compare_them() {
    for condition in [
        json!({"host": "admin.example.com"}),
        json!({"host": {"$eq": "admin.example.com"}}),
        json!({"host": {"$in": ["x", "admin.example.com"]}}),
        json!({"host": {"$regex": "^admin\\.example\\.com$"}}),
        json!({"header:host": "admin.example.com"}),
    ] {
        for (host, truth) in [
            ("admin.example.com", Truth::True),
            ("ADMIN.example.com", Truth::True),
            ("admin.example.com:443", Truth::Unknown),
            ("admin.example.com.", Truth::Unknown),
            ("www.example.com:443", Truth::False),
        ] {
            expect(condition.clone(), ":authority", host, truth);
            expect(json!({"$not": condition}), ":authority", host, !truth);
        }
    }
    expect(
        json!({"host": {"$ne": "admin.example.com"}}),
        ":authority",
        "admin.example.com:80",
        Truth::Unknown,
    );
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn literals_that_nothing_is_ever_equal_to() {
    for (condition, place, told) in [
        (json!({"path": "/gr\u{f6}\u{df}e"}), "condition.path", "write \"/gr%C3%B6%C3%9Fe\""),
        (json!({"path": {"$in": ["/a", "/my files"]}}), "condition.path.$in[1]", "write \"/my%20files\""),
        (json!({"path": {"$regex": "^/gr\u{f6}"}}), "condition.path.$regex", "percent-encoded"),
        (json!({"path": {"$ne": "admin"}}), "condition.path.$ne", "write \"/admin\""),
        (
            json!({"host": {"$nin": ["Admin.example.com"]}}),
            "condition.host.$nin[0]",
            "write \"admin.example.com\"",
        ),
        (json!({"country": {"$eq": "DE"}}), "condition.country.$eq", "write \"de\""),
        (json!({"country": {"$not": {"$regex": "^D"}}}), "condition.country.$not.$regex", "lower case"),
        (json!({"method": "get"}), "condition.method", "write \"GET\""),
        (json!({"scheme": "HTTPS"}), "condition.scheme", "`http` or `https`"),
        (json!({"plan": " pro"}), "condition.plan", "white space"),
        (json!({"property:response.code": "200"}), "condition[\"property:response.code\"]", "not known yet"),
        (
            json!({"property:upstream.address": "x"}),
            "condition[\"property:upstream.address\"]",
            "not known yet",
        ),
        (json!({"claim:a.b": "x"}), "condition[\"claim:a.b\"]", "write \"[a][b]\""),
    ] {
        let problems = problems(condition);
        assert!(
            problems.starts_with(&format!("{place}: ")) && problems.contains(told),
            "{place}: {problems}"
        );
        assert_eq!(problems.lines().count(), 1, "{problems}");
    }
    for condition in [
        json!({"path": {"$regex": "^/a[^ ]*"}}),
        json!({"country": {"$ini": ["DE"]}}),
        json!({"country": {"$regexi": "^D"}}),
        json!({"path": "*"}),
        json!({"property:request.size": 5}),
        json!({"claim:[a][b]": "x"}),
    ] {
        assert_eq!(problems(condition.clone()), "", "{condition}");
    }
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn depth_and_size_are_limited() {
    let nested = |levels: usize| (0..levels).fold(json!({"plan": "pro"}), |inner, _| json!({"$not": inner}));
    let literal = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    let value = |levels: usize| (0..levels).fold(json!("pro"), |inner, _| json!({"$not": inner}));
    assert_eq!(problems(nested(31)), "");
    assert!(problems(nested(32)).contains("nested deeper than 32 levels"));
    assert!(problems(nested(100)).contains("nested deeper than 32 levels"));
    assert_eq!(problems(json!({"user": literal(31)})), "");
    assert!(problems(json!({"user": literal(32)})).contains("nested deeper"));
    assert_eq!(problems(json!({"plan": value(31)})), "");
    assert!(problems(json!({"plan": value(32)})).contains("nested deeper"));
    let many = |n: usize| json!({"$or": vec![json!({"plan": "pro"}); n]});
    assert_eq!(problems(many(4_999)), "");
    assert!(problems(many(5_000)).contains("more than 10000 clauses"));
    let ids = |n: usize| json!({"plan": {"$in": (0..n).map(|i| i.to_string()).collect::<Vec<_>>()}});
    assert_eq!(problems(ids(100_000)), "");
    assert!(problems(ids(100_001)).contains("more than 100000 entries"));
    expect(ids(50_000), "x-plan", "49999", true);
    expect(ids(50_000), "x-plan", "50000", false);
}
