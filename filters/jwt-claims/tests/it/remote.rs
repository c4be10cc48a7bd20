//! Keys from a server: the first fetch, rotation, failures, and waiting requests.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests stop where they fail")]

use crate::support::{Decided, Lab, NOW, SECOND, key_set, token_by};

/// A provider with a server, and these members of it.
fn remote(members: &str) -> Lab {
    let section = format!(
        r#"{{"providers": {{"corp": {{"jwks": {{"remote": {{"cluster": "idp", "uri": "https://id.example.com/jwks?v=1" {members}}}}}}}}}}}"#
    );
    Lab::new(&section).unwrap()
}

fn ask(lab: &Lab, kid: &str) -> Decided {
    lab.decide(&[("authorization", &format!("Bearer {}", token_by(kid, r#"{"sub": "u"}"#)))])
}

fn way(lab: &Lab, kid: &str) -> String {
    ask(lab, kid).way()
}

/// Brings an answer; whether requests are released, and what is counted.
fn answer(lab: &Lab, status: u16, body: &str) -> (bool, String) {
    let fetched = lab.plan.on_fetched(0, lab.now(), Ok((status, body.as_bytes()))).unwrap();
    (fetched.release, lab.access_plan.counters[fetched.count.index()].clone())
}

/// Whether something is to be fetched now.
fn polls(lab: &Lab) -> bool {
    lab.plan.poll(lab.now()).is_some()
}

/// A lab whose keys have come.
fn with_keys(members: &str, kids: &[&str]) -> Lab {
    let lab = remote(members);
    assert!(polls(&lab));
    answer(&lab, 200, &key_set(kids));
    lab
}

tests! {
    fn what_is_fetched() {
        let lab = remote(r#", "timeout": "250ms""#);
        assert_eq!(lab.plan.next_wake(lab.now()), Some(0));
        let fetch = lab.plan.poll(lab.now()).unwrap();
        assert_eq!((fetch.provider, fetch.cluster, fetch.scheme, fetch.authority), (0, "idp", "https", "id.example.com"));
        assert_eq!((fetch.path, fetch.timeout_ms), ("/jwks?v=1", 250));
        assert!(!polls(&lab), "it runs already");
        assert!(lab.plan.on_fetched(1, lab.now(), Err(())).is_none());
    }

    fn requests_before_the_first_key_wait_for_it() {
        let lab = remote("");
        let held = ask(&lab, "one");
        assert_eq!(held.way(), "hold");
        assert_eq!(held.counts, ["weir_jwt_waiting_total"]);
        assert!(polls(&lab));
        let counted = "provider=.=corp;.;result=.=ok;.;weir_jwt_jwks_fetches_total";
        assert_eq!(answer(&lab, 200, &key_set(&["one"])), (true, counted.to_owned()));
        assert_eq!(way(&lab, "one"), "on");
        assert_eq!(lab.plan.next_wake(lab.now()), Some(600 * SECOND));
        // Nothing of this costs a request without a token that may be ours.
        assert_eq!(remote("").decide(&[]).way(), "401 missing");
        assert_eq!(remote("").decide(&[("authorization", "Bearer a.b.c")]).way(), "401 header_base64");
    }

    fn who_waits_too_long_gets_503() {
        let lab = remote(r#", "wait": "2s", "timeout": "10s""#);
        assert!(polls(&lab));
        assert_eq!(way(&lab, "one"), "hold");
        assert!(!lab.at(NOW + 1).plan.expired(lab.now()));
        assert_eq!(way(&lab, "one"), "hold");
        assert_eq!(lab.plan.next_wake(lab.now()), Some(SECOND));
        assert!(lab.at(NOW + 2).plan.expired(lab.now()));
        let refused = ask(&lab, "one");
        assert_eq!(refused.way(), "503 keys_unavailable");
        assert_eq!(refused.reply.as_ref().unwrap().grpc_status, Some(14));
        assert!(refused.reply_header("retry-after").unwrap().parse::<u32>().unwrap() >= 1);
        assert!(refused.reply_header("www-authenticate").is_none());
        // Nobody else waits either, until keys come.
        assert_eq!(way(lab.at(NOW + 3), "one"), "503 keys_unavailable");
        answer(&lab, 200, &key_set(&["one"]));
        assert_eq!(way(&lab, "one"), "on");
    }

    fn only_so_many_wait() {
        let lab = remote(r#", "maxWaiting": 3"#);
        let ways: Vec<String> = (0..5).map(|_| way(&lab, "one")).collect();
        assert_eq!(ways, ["hold", "hold", "hold", "503 keys_unavailable", "503 keys_unavailable"]);
        assert_eq!(way(&remote(r#", "maxWaiting": 0"#), "one"), "503 keys_unavailable");
        assert_eq!(way(&remote(r#", "wait": "0s""#), "one"), "503 keys_unavailable");
    }

    fn an_optional_token_waits_too_and_then_passes_without() {
        let lab = Lab::new(r#"{"providers": {"corp": {"jwks": {"remote": {"cluster": "idp", "uri": "https://i/", "wait": "1s"}}}},
            "rules": [{"requires": {"optionalOrFailed": "corp"}}]}"#).unwrap();
        assert_eq!(way(&lab, "one"), "hold");
        assert!(lab.at(NOW + 1).plan.expired(lab.now()));
        let passed = ask(&lab, "one");
        assert_eq!((passed.way().as_str(), passed.header("x-auth-user-id")), ("on", None));
        assert_eq!(passed.counts[0], "reason=.=keys_unavailable;.;weir_jwt_ignored_total");
    }

    fn failures_are_tried_again_more_and_more_slowly() {
        let lab = remote(r#", "retry": "1s", "retryMax": "5s""#);
        let mut now = NOW;
        for pause in [1, 2, 4, 5, 5] {
            assert!(polls(&lab), "{pause}");
            assert_eq!(answer(&lab, 500, "").1, "provider=.=corp;.;result=.=failed;.;weir_jwt_jwks_fetches_total");
            assert_eq!(lab.plan.next_wake(lab.now()), Some(pause * SECOND));
            lab.at(now + pause - 1);
            assert!(!polls(&lab), "{pause}");
            now += pause;
            lab.at(now);
        }
        assert!(polls(&lab));
        answer(&lab, 200, &key_set(&["one"]));
        assert_eq!(lab.plan.next_wake(lab.now()), Some(600 * SECOND));
    }

    fn answers_of_no_use_leave_the_keys_that_there_are() {
        let lab = with_keys(r#", "refresh": "1m""#, &["one"]);
        let huge = " ".repeat(1024 * 1024 + 1);
        for (i, (status, body)) in [
            (404, "{}"), (500, ""), (200, ""), (200, "<html>"), (200, "{}"), (200, r#"{"keys": []}"#),
            (200, r#"{"keys": [{"kty": "RSA"}]}"#), (200, r#"{"keys": [], "keys": []}"#), (200, huge.as_str()), (204, ""), (301, ""),
        ].into_iter().enumerate() {
            lab.at(NOW + 100 * (i as u64 + 1));
            assert!(polls(&lab), "{body:.20}");
            let fetched = lab.plan.on_fetched(0, lab.now(), Ok((status, body.as_bytes()))).unwrap();
            assert!(fetched.notes[0].starts_with("jwt: corp: keys are not available: "), "{:?}", fetched.notes);
            assert_eq!(way(&lab, "one"), "on", "{body:.20}");
        }
        lab.at(NOW + 5000);
        assert!(polls(&lab) && lab.plan.on_fetched(0, lab.now(), Err(())).is_some());
        assert_eq!(way(&lab, "one"), "on");
    }

    fn answers_that_are_something_else_say_what_to_do() {
        let lab = remote("");
        assert!(polls(&lab));
        for (status, body, message) in [
            (200, r#"{"issuer": "https://id", "jwks_uri": "https://id/keys"}"#,
                "this is an OpenID discovery document, not a key set: use the address in its `jwks_uri`, https://id/keys"),
            (200, "<!doctype html>", "this is HTML or XML, not a key set: the address is that of a page, or a login is needed for it"),
            (200, r#"{"kty": "RSA"}"#, "this is a key without a set around it: write {\"keys\": [KEY]}"),
            (200, "", "the key set is empty"),
            (302, "", "the answer's status is 302, and redirects are not followed: use the address that it leads to"),
            (404, "", "the answer's status is 404"),
        ] {
            let fetched = lab.plan.on_fetched(0, lab.now(), Ok((status, body.as_bytes()))).unwrap();
            assert_eq!(fetched.notes, [format!("jwt: corp: keys are not available: {message}")]);
        }
        // A byte order mark is no reason.
        assert_eq!(answer(&lab, 200, &format!("\u{feff}{}", key_set(&["one"]))).1, "provider=.=corp;.;result=.=ok;.;weir_jwt_jwks_fetches_total");
        assert_eq!(way(&lab, "one"), "on");
    }

    fn old_keys_are_used_while_new_ones_are_fetched_but_not_for_ever() {
        let lab = with_keys(r#", "refresh": "1m", "maxStale": "1h""#, &["one"]);
        assert!(!polls(lab.at(NOW + 59)));
        assert!(polls(lab.at(NOW + 60)));
        assert_eq!(way(&lab, "one"), "on", "nobody waits for it");
        answer(&lab, 503, "");
        assert_eq!(way(lab.at(NOW + 3660), "one"), "on");
        // A token that is remembered is unusable then either.
        assert_eq!(way(lab.at(NOW + 3661), "one"), "hold");
        assert!(polls(&lab));
        answer(&lab, 200, &key_set(&["one"]));
        assert_eq!(way(&lab, "one"), "on");
    }

    fn rotation_refuses_nobody() {
        let lab = with_keys("", &["one"]);
        assert_eq!(way(&lab, "one"), "on");
        lab.at(NOW + 5);
        assert_eq!(way(&lab, "two"), "hold");
        assert_eq!(way(&lab, "one"), "on", "the others go on");
        assert_eq!(lab.plan.next_wake(lab.now()), Some(0));
        assert!(polls(&lab));
        assert_eq!(way(&lab, "two"), "hold", "it still runs");
        assert!(answer(&lab, 200, &key_set(&["one", "two"])).0);
        assert_eq!((way(&lab, "two"), way(&lab, "one")), ("on".into(), "on".into()));
        // Without the old key, what it has signed is worth nothing, although it was remembered.
        assert!(polls(lab.at(NOW + 700)));
        answer(&lab, 200, &key_set(&["two"]));
        assert_eq!(way(&lab, "two"), "on");
        assert_eq!(way(&lab, "one"), "hold");
        assert!(polls(&lab));
        answer(&lab, 200, &key_set(&["two"]));
        assert_eq!(way(&lab, "one"), "401 unknown_key");
    }

    fn the_same_answer_forgets_nothing() {
        let lab = with_keys("", &["one"]);
        assert_eq!(ask(&lab, "one").counts, ["token=.=verified;.;weir_jwt_allowed_total"]);
        assert!(polls(lab.at(NOW + 600)));
        answer(&lab, 200, &key_set(&["one"]));
        assert_eq!(ask(&lab, "one").counts, ["token=.=remembered;.;weir_jwt_allowed_total"]);
        assert!(polls(lab.at(NOW + 1200)));
        answer(&lab, 200, &key_set(&["one", "two"]));
        assert_eq!(ask(&lab, "one").counts, ["token=.=verified;.;weir_jwt_allowed_total"]);
    }

    fn unknown_keys_do_not_flood_the_server() {
        let lab = with_keys(r#", "unknownKeyInterval": "20s""#, &["one"]);
        let mut fetches = 0;
        for second in 0..100 {
            lab.at(NOW + second);
            for i in 0..10 {
                let way = way(&lab, &format!("made-up-{second}-{i}"));
                assert!(way == "hold" || way == "401 unknown_key", "{way}");
                if polls(&lab) {
                    fetches += 1;
                }
            }
            if fetches > 0 && lab.plan.next_wake(lab.now()).is_some() {
                answer(&lab, 200, &key_set(&["one"]));
            }
        }
        assert_eq!(fetches, 25, "five in each interval");
        assert_eq!(way(&lab, "one"), "on");
    }

    fn a_made_up_key_takes_nothing_from_a_new_one() {
        let lab = with_keys("", &["one"]);
        assert_eq!(way(&lab, "made-up"), "hold");
        assert!(polls(&lab));
        answer(&lab, 200, &key_set(&["one"]));
        assert_eq!(way(&lab, "made-up"), "401 unknown_key");
        // The keys are rotated now.
        lab.at(NOW + 1);
        assert_eq!(way(&lab, "two"), "hold", "it was never looked for");
        assert!(!polls(&lab), "but others were, a second ago");
        assert_eq!(lab.plan.next_wake(lab.now()), Some(SECOND));
        lab.at(NOW + 2);
        assert_eq!(way(&lab, "three"), "hold");
        assert!(polls(&lab), "one fetch for both");
        answer(&lab, 200, &key_set(&["one", "two", "three"]));
        assert_eq!((way(&lab, "two"), way(&lab, "three")), ("on".into(), "on".into()));
        // What was looked for is refused at once, and fetches nothing.
        lab.at(NOW + 9);
        assert_eq!(way(&lab, "made-up"), "401 unknown_key");
        assert!(!polls(&lab) && !lab.plan.wants_fetch());
        lab.at(NOW + 10);
        assert_eq!(way(&lab, "made-up"), "hold");
    }

    fn a_key_is_looked_for_by_a_fetch_that_starts_afterwards() {
        let lab = with_keys(r#", "refresh": "1m""#, &["one"]);
        assert!(polls(lab.at(NOW + 60)));
        // The answer that comes may have been made before the key.
        lab.at(NOW + 61);
        assert_eq!(way(&lab, "two"), "hold");
        answer(&lab, 200, &key_set(&["one"]));
        assert_eq!(way(&lab, "two"), "hold");
        assert!(polls(&lab));
        answer(&lab, 200, &key_set(&["one", "two"]));
        assert_eq!(way(&lab, "two"), "on");
    }

    fn who_cannot_wait_for_the_next_fetch_is_told_when_it_comes() {
        let lab = with_keys(r#", "unknownKeyInterval": "100s""#, &["one"]);
        assert_eq!(way(&lab, "made-up"), "hold");
        assert!(polls(&lab));
        answer(&lab, 200, &key_set(&["one"]));
        lab.at(NOW + 1);
        let later = ask(&lab, "two");
        assert_eq!((later.way().as_str(), later.reply_header("retry-after")), ("503 keys_unavailable", Some("19".into())));
        assert!(lab.plan.wants_fetch(), "nobody waits, but it is worth a fetch");
        assert!(!polls(lab.at(NOW + 19)) && polls(lab.at(NOW + 20)));
        answer(&lab, 200, &key_set(&["one", "two"]));
        assert_eq!(way(&lab, "two"), "on");
    }

    fn key_names_that_are_remembered_are_bounded() {
        let lab = with_keys("", &["one"]);
        for i in 0..10_000 {
            let _ = way(&lab, &format!("made-up-{i}"));
        }
        let long = "x".repeat(4000);
        let _ = way(&lab, &long);
        assert!(polls(&lab));
        answer(&lab, 200, &key_set(&["one"]));
        assert_eq!(way(&lab, &long), "401 unknown_key");
        assert_eq!(way(&lab, "made-up-9999"), "401 unknown_key");
        assert_ne!(way(&lab, "made-up-0"), "401 unknown_key", "it was forgotten");
    }

    fn who_leaves_makes_room() {
        let lab = remote(r#", "maxWaiting": 2"#);
        assert_eq!([way(&lab, "one"), way(&lab, "one"), way(&lab, "one")], ["hold", "hold", "503 keys_unavailable"]);
        lab.plan.hold_over(0);
        assert_eq!([way(&lab, "one"), way(&lab, "one")], ["hold", "503 keys_unavailable"]);
        // More than ever waited makes no more room than there is.
        (0..10).for_each(|_| lab.plan.hold_over(0));
        lab.plan.hold_over(9);
        assert_eq!([way(&lab, "one"), way(&lab, "one"), way(&lab, "one")], ["hold", "hold", "503 keys_unavailable"]);
    }

    fn each_provider_has_places_of_its_own() {
        let server = |issuer: &str| format!(r#"{{"issuer": "{issuer}", "jwks": {{"remote": {{"cluster": "idp", "uri": "https://{issuer}/", "maxWaiting": 1}}}}}}"#);
        let lab = Lab::new(&format!(r#"{{"providers": {{"a": {}, "b": {}}}}}"#, server("a"), server("b"))).unwrap();
        let way = |issuer: &str| lab.decide(&[("authorization", &format!("Bearer {}", token_by("one", &format!(r#"{{"iss": "{issuer}"}}"#))))]).way();
        assert_eq!([way("a"), way("a"), way("b"), way("b")], ["hold", "503 keys_unavailable", "hold", "503 keys_unavailable"]);
        lab.plan.hold_over(1);
        assert_eq!([way("a"), way("b")], ["503 keys_unavailable", "hold"]);
    }

    fn a_forged_token_is_verified_once() {
        let lab = with_keys("", &["one"]);
        // The signature of another token.
        let (token, other) = (token_by("one", r#"{"sub": "u"}"#), token_by("one", r#"{"sub": "v"}"#));
        let wrong = [token.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().1].join(".");
        let ask = || lab.decide(&[("authorization", &format!("Bearer {wrong}"))]);
        let denied = "reason=.=bad_signature;.;weir_jwt_denied_total";
        assert_eq!(ask().counts, [denied]);
        assert_eq!(ask().counts, [denied, "weir_jwt_denied_remembered_total"]);
        assert_eq!(ask().way(), "401 bad_signature");
        assert_eq!(way(&lab, "one"), "on", "the good one has nothing to do with it");
        // Other keys may verify it, and a minute later it is looked at again.
        assert!(polls(lab.at(NOW + 600)));
        assert_eq!(ask().counts, [denied]);
        answer(&lab, 200, &key_set(&["one", "two"]));
        assert_eq!(ask().counts, [denied]);
        assert_eq!(ask().counts.len(), 2);
    }

    fn who_waits_for_an_unknown_key_waits_no_longer_than_that() {
        let lab = with_keys(r#", "wait": "1s", "timeout": "30s""#, &["one"]);
        assert_eq!(way(&lab, "two"), "hold");
        assert!(polls(&lab));
        assert!(lab.at(NOW + 1).plan.expired(lab.now()));
        assert_eq!(way(&lab, "two"), "503 keys_unavailable", "nobody knows yet whether there is such a key");
        assert_eq!(way(&lab, "one"), "on");
    }

    fn an_answer_that_never_comes_is_given_up() {
        let lab = remote(r#", "timeout": "3s", "retry": "1s", "wait": "1m""#);
        assert!(polls(&lab));
        assert_eq!(way(&lab, "one"), "hold");
        assert_eq!(lab.plan.next_wake(lab.now()), Some(5 * SECOND));
        assert!(!polls(lab.at(NOW + 4)));
        assert!(!polls(lab.at(NOW + 5)), "a failure, so not at once");
        assert!(polls(lab.at(NOW + 6)));
        answer(&lab, 200, &key_set(&["one"]));
        assert_eq!(way(&lab, "one"), "on");
    }

    fn a_clock_that_jumps_does_no_harm() {
        let lab = with_keys(r#", "refresh": "1m""#, &["one"]);
        assert_eq!(way(lab.at(NOW - 100_000), "one"), "on");
        assert!(polls(&lab), "what was set for a later time is not waited for");
        answer(&lab, 200, &key_set(&["one"]));
        assert!(!polls(&lab));
        assert_eq!(lab.plan.next_wake(lab.now()), Some(60 * SECOND));
        lab.at(NOW + 10_000_000);
        assert!(polls(&lab));
        assert_eq!(way(&lab, "one"), "hold", "the keys are older than they may be");
        lab.host.now.set(u64::MAX);
        assert!(lab.plan.next_wake(lab.now()).is_some());
        lab.host.now.set(0);
        assert!(lab.plan.next_wake(lab.now()).is_some());
        assert!(matches!(way(&lab, "one").as_str(), "hold" | "503 keys_unavailable" | "on"));
    }
}
