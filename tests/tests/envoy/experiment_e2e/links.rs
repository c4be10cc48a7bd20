//! Links that `weir link` has made, in the real Envoy: they give their variant, last a session, and are seen neither
//! upstream nor in access logs.

use std::time::Duration;

use super::*;
use weir_tests::program;

const HALVES: &[(&str, f64)] = &[("a", 50.0), ("b", 50.0)];
const KEYS: &str =
    r#"{"keys":[{"kty":"oct","kid":"one","k":"YSBzZWNyZXQgb2YgdGhpcnR5LXR3byBieXRlcywgb2s"}]}"#;

fn section() -> Value {
    json!({
        "unit": "header:x-user-id",
        "overrides": {
            "query": "weir",
            "session": {"name": "weir-tester"},
            "responseHeader": "x-told",
            "secret": {"value": SECRET},
        },
        "list": [{"key": "checkout", "variants": variants(HALVES)}],
    })
}

/// The path of a link as the program prints it.
fn link(arguments: &[&str]) -> String {
    let configuration = json!({"experiments": section()}).to_string();
    let link = program::link(&configuration, arguments);
    assert!(!link.contains(SECRET), "{link}");
    link
}

fn told(answer: &Response) -> Option<String> {
    let mut named = answer.headers.iter().filter(|(name, _)| name == "x-told");
    named.next().map(|(_, value)| String::from_utf8_lossy(value).into_owned())
}

#[test]
fn a_link_of_the_program_lasts_a_session() {
    let envoy = envoy(2, &[section()]);
    let user = Law::new("checkout", 100.0, HALVES).user_with(Some("a"));
    let path = link(&["checkout=b", "--url", "/cart?lang=de&weir=old#top"]);
    let path = path.strip_suffix("#top").unwrap();
    assert!(path.starts_with("/cart?lang=de&weir=checkout=b~"), "{path}");
    let first = ask_one(&envoy, 0, Request { path: path.to_owned(), ..by(&user) });
    assert_eq!((checkout(&first).as_deref(), told(&first).as_deref()), (Some("b"), Some("applied")));
    assert_eq!(first.seen().unwrap().path, "/cart?lang=de");
    let cookie = set_cookie(&first, "weir-tester").unwrap();
    let later: Vec<Request> = (0..20).map(|_| by(&user).header("cookie", &cookie)).collect();
    for answer in ask(&envoy, 0, later) {
        assert_eq!(checkout(&answer).as_deref(), Some("b"));
        assert_eq!(set_cookie(&answer, "weir-tester"), None);
    }
    let end =
        ask_one(&envoy, 0, Request { path: "/?weir=end".into(), ..by(&user) }.header("cookie", &cookie));
    assert_eq!((checkout(&end).as_deref(), told(&end).as_deref()), (Some("a"), Some("ended")));
    assert_eq!(set_cookie(&end, "weir-tester").as_deref(), Some("weir-tester="));
    let count = |variant| counted(&envoy, "checkout", variant, "weir_assignments_total");
    assert_eq!((count("a"), count("b")), (1, 0), "only the request after the session counts");
}

#[test]
fn a_link_that_is_over_or_changed_does_nothing_and_is_counted() {
    let envoy = envoy(1, &[section()]);
    let user = Law::new("checkout", 100.0, HALVES).user_with(Some("a"));
    let short = link(&["checkout=b", "--expires", "2s"]);
    let changed = link(&["checkout=b"]).replace("checkout=b", "checkout=a");
    let ask = |link: &str| ask_one(&envoy, 0, Request { path: format!("/{link}"), ..by(&user) });
    assert_eq!(told(&ask(&short)).as_deref(), Some("applied"));
    assert_eq!(told(&ask(&changed)).as_deref(), Some("refused"));
    std::thread::sleep(Duration::from_secs(3));
    let over = ask(&short);
    assert_eq!((checkout(&over).as_deref(), told(&over).as_deref()), (Some("a"), Some("expired")));
    for (counter, expected) in [("expired", 1), ("refused", 1), ("unknown", 0)] {
        assert_eq!(
            envoy.stat(&format!("wasmcustom.weir_overrides_{counter}_total")).unwrap(),
            expected,
            "{counter}"
        );
    }
}

#[test]
fn access_logs_do_not_show_links_whoever_answers() {
    let jwt = json!({
        "providers": {"corp": {"jwks": {"inline": KEYS}}},
        "rules": [{"match": {"uri": {"prefix": "/private"}}, "requires": "corp"}],
    });
    let faults = json!([{"name": "broken", "match": {"uri": {"prefix": "/broken"}}, "abort": {"httpStatus": 503, "percentage": "100%"}}]);
    let all = json!({"experiments": section(), "jwt": jwt, "faults": faults});
    let listener = Listener::new()
        .plugin(Plugin::new("weir").unwrap().config(&all))
        .access_log("%RESPONSE_CODE% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%");
    let envoy = Envoy::start(Bootstrap::default().concurrency(1).listener(listener)).unwrap();
    let link = link(&["checkout=b"]);
    let paths = ["/shop", "/private", "/broken"].map(|page| format!("{page}{link}&x=1"));
    let requests = paths.map(|path| Request { path, ..by("ann") }).to_vec();
    for answer in Client::http1().send_all(envoy.listener(0), requests, 1) {
        answer.unwrap();
    }
    let lines = |envoy: &Envoy| envoy.output().lines().map(str::to_owned).collect::<Vec<_>>();
    envoy.wait_for(weir_tests::PATIENCE, |envoy| lines(envoy).len() >= 3);
    assert_eq!(lines(&envoy), ["200 /shop?x=1", "401 /private?x=1", "503 /broken?x=1"]);
}
