//! Who has no identity gets one in a cookie: signed, good for the very first request, and only with consent.

use std::collections::BTreeSet;

use super::*;

const HALVES: &[(&str, f64)] = &[("a", 50.0), ("b", 50.0)];

fn section() -> Value {
    json!({
        "mintCookie": {"name": "aid"},
        "secret": {"value": SECRET},
        "list": [{"key": "checkout", "variants": variants(HALVES)}],
    })
}

/// The id in `aid=ID.SIGNATURE`.
fn id(pair: &str) -> &str {
    pair.strip_prefix("aid=").unwrap().split('.').next().unwrap()
}

fn with(cookie: &str) -> Request {
    Request::get("/").header("cookie", format!("a=b; {cookie}; c=d"))
}

#[test]
fn a_first_visit_has_the_variant_of_its_new_id_and_so_have_all_others() {
    let envoy = envoy(2, &[section()]);
    let law = Law::new("checkout", 100.0, HALVES);
    let visits = ask(&envoy, 0, vec![Request::get("/"); 400]);
    let cookies: Vec<String> = visits.iter().map(|visit| set_cookie(visit, "aid").unwrap()).collect();
    assert_eq!(cookies.iter().collect::<BTreeSet<_>>().len(), 400, "ids must never repeat, on no worker");
    for (visit, cookie) in visits.iter().zip(&cookies) {
        assert_eq!(cookie.len(), "aid=".len() + 32 + 1 + 32, "{cookie}");
        assert_eq!(checkout(visit).as_deref(), law.variant(id(cookie)), "{cookie}");
    }
    let again = ask(&envoy, 0, cookies.iter().map(|cookie| with(cookie)).collect());
    for (visit, (again, cookie)) in visits.iter().zip(again.iter().zip(&cookies)) {
        assert_eq!(checkout(again), checkout(visit), "{cookie}");
        assert_eq!(set_cookie(again, "aid"), None, "{cookie}");
    }
    let b = visits.iter().filter(|visit| checkout(visit).as_deref() == Some("b")).count();
    println!("400 first visits: {b} got b; the same on the second visit");
    assert!(within_four_sigma(b, 400, 0.5), "{b}");
}

#[test]
fn a_cookie_that_was_tampered_with_is_replaced() {
    let envoy = envoy(1, &[section()]);
    let law = Law::new("checkout", 100.0, HALVES);
    let cookie = set_cookie(&ask_one(&envoy, 0, Request::get("/")), "aid").unwrap();
    let other = set_cookie(&ask_one(&envoy, 0, Request::get("/")), "aid").unwrap();
    let flip = |at: usize| {
        let mut bytes = cookie.clone().into_bytes();
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        String::from_utf8(bytes).unwrap()
    };
    let forged = [
        flip(4),
        flip(cookie.len() - 1),
        format!("aid={}", id(&cookie)),
        format!("aid={}.", id(&cookie)),
        format!("aid={}.{}", id(&cookie), other.split('.').nth(1).unwrap()),
        format!("{cookie}0"),
        "aid=".to_owned(),
        "aid=ada".to_owned(),
    ];
    for sent in &forged {
        let answer = ask_one(&envoy, 0, with(sent));
        let fresh = set_cookie(&answer, "aid").unwrap_or_else(|| panic!("{sent} was taken"));
        assert_ne!(id(&fresh), id(&cookie));
        assert_eq!(checkout(&answer).as_deref(), law.variant(id(&fresh)), "{sent}");
        assert_eq!(set_cookie(&ask_one(&envoy, 0, with(&fresh)), "aid"), None);
    }
    println!("{} forged cookies refused and replaced", forged.len());
}

#[test]
fn nothing_is_set_or_read_without_consent() {
    let mut section = section();
    section["consent"] = json!({"source": "cookie:consent", "equals": ["yes"]});
    let envoy = envoy(1, &[section]);
    let law = Law::new("checkout", 100.0, HALVES);
    for sent in ["x=y", "consent=no", "consent="] {
        let answer = ask_one(&envoy, 0, with(sent));
        assert_eq!((checkout(&answer), answer.header("set-cookie")), (None, None), "{sent}");
    }
    assert_eq!(envoy.stat("wasmcustom.weir_experiments_without_unit_total").unwrap(), 3);
    let welcome = ask_one(&envoy, 0, with("consent=yes"));
    let cookie = set_cookie(&welcome, "aid").unwrap();
    assert_eq!(checkout(&welcome).as_deref(), law.variant(id(&cookie)));
    let revoked = ask_one(&envoy, 0, with(&format!("consent=no; {cookie}")));
    assert_eq!((checkout(&revoked), revoked.header("set-cookie")), (None, None), "consent was taken back");
    let back = ask_one(&envoy, 0, with(&format!("{cookie}; consent=yes")));
    assert_eq!((checkout(&back), set_cookie(&back, "aid")), (checkout(&welcome), None));
}
