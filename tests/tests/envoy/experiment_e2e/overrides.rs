//! Testers choose their variant with the secret only, and are never counted.

use super::*;

const HALVES: &[(&str, f64)] = &[("a", 50.0), ("b", 50.0)];

fn section(cookie: bool) -> Value {
    let mut section = json!({
        "unit": "header:x-user-id",
        "overrides": {"header": "x-force", "query": "force", "cookie": "force", "secret": {"value": SECRET}},
        "list": [{"key": "checkout", "variants": variants(HALVES)}],
    });
    if cookie {
        section["secret"] = json!({"value": "for-tests-only-another-secret"});
        section["assignmentCookie"] = json!({"name": "seen"});
    }
    section
}

#[test]
fn overrides_need_the_secret_and_count_as_nothing() {
    let envoy = envoy(1, &[section(false)]);
    let user = Law::new("checkout", 100.0, HALVES).user_with(Some("a"));
    let in_header = |value: &str| by(&user).header("x-force", value);
    let in_query = |value: &str| Request { path: format!("/p?x=1&force={value}"), ..by(&user) };
    let in_cookie = |value: &str| by(&user).header("cookie", format!("force={value}"));
    let count = |variant| counted(&envoy, "checkout", variant, "weir_assignments_total");

    let wrong = [
        "checkout=b",
        "checkout=b~",
        "checkout=b~for-tests-only-a-secre",
        "checkout=b~for-tests-only-another-secret",
    ];
    for value in wrong {
        for request in [in_header(value), in_query(value), in_cookie(value)] {
            let answer = ask_one(&envoy, 0, request);
            assert_eq!(checkout(&answer).as_deref(), Some("a"), "{value}");
            assert_eq!(seen(&answer, "x-force"), None, "may hold a secret: it does not go on");
        }
    }
    let refused = 3 * wrong.len() as i64;
    assert_eq!((count("a"), count("b")), (refused, 0), "who is refused is a unit like any other");
    assert_eq!(envoy.stat("wasmcustom.weir_overrides_refused_total").unwrap(), refused);

    let right = format!("checkout=b~{SECRET}");
    for request in [in_header(&right), in_query(&right), in_cookie(&right)] {
        let answer = ask_one(&envoy, 0, request);
        assert_eq!(checkout(&answer).as_deref(), Some("b"));
        assert_eq!(seen(&answer, "x-force"), None);
    }
    assert_eq!((count("a"), count("b")), (refused, 0), "an override was counted");
    // A variant that there is not leaves the decision to the hash.
    let answer = ask_one(&envoy, 0, in_header(&format!("checkout=z~{SECRET}")));
    assert_eq!(checkout(&answer).as_deref(), Some("a"));
}

#[test]
fn overrides_leave_no_exposure_and_no_memory() {
    let envoy = envoy(1, &[section(true)]);
    let user = Law::new("checkout", 100.0, HALVES).user_with(Some("a"));
    let forced = ask_one(&envoy, 0, by(&user).header("x-force", format!("checkout=b~{SECRET}")));
    assert_eq!((checkout(&forced).as_deref(), set_cookie(&forced, "seen")), (Some("b"), None));
    let count = |variant, what| counted(&envoy, "checkout", variant, what);
    for variant in ["a", "b"] {
        let both = ["weir_exposures_total", "weir_assignments_total"].map(|what| count(variant, what));
        assert_eq!(both, [0, 0], "{variant}");
    }
    let plain = ask_one(&envoy, 0, by(&user));
    assert_eq!(checkout(&plain).as_deref(), Some("a"));
    assert!(set_cookie(&plain, "seen").is_some());
    assert_eq!((count("a", "weir_exposures_total"), count("b", "weir_exposures_total")), (1, 0));
}
