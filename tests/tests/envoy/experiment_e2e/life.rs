//! An experiment's life: what becomes of units with and without a memory when its configuration changes.

use super::*;

const USERS: usize = 300;
/// Before and after the restart: the hash alone would move most users.
const BEFORE: &[(&str, f64)] = &[("a", 90.0), ("b", 10.0)];
const AFTER: &[(&str, f64)] = &[("a", 10.0), ("b", 90.0)];

/// The section with this in its experiment. Cookies are as good as before: same name, same secret.
fn section(weights: &[(&str, f64)], rest: Value) -> Value {
    let mut experiment = json!({"key": "checkout", "sticky": true, "variants": variants(weights)});
    experiment.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    json!({
        "unit": "header:x-user-id",
        "secret": {"value": SECRET},
        "assignmentCookie": {"name": "memory"},
        "list": [experiment],
    })
}

/// Two requests of a user: with the cookie of before, and without any.
struct Visits {
    returning: Vec<Response>,
    new: Vec<Response>,
}

fn visits(envoy: &Envoy, listener: usize, cookies: &[String]) -> Visits {
    let returning =
        cookies.iter().enumerate().map(|(n, cookie)| by(user(n)).header("cookie", cookie)).collect();
    let new = (0..cookies.len()).map(|n| by(user(n))).collect();
    Visits { returning: ask(envoy, listener, returning), new: ask(envoy, listener, new) }
}

fn all(answers: &[Response], expected: impl Fn(usize) -> Option<&'static str>) {
    for (number, answer) in answers.iter().enumerate() {
        assert_eq!(checkout(answer).as_deref(), expected(number), "{}", user(number));
    }
}

fn none_set(answers: &[Response]) {
    assert!(answers.iter().all(|answer| set_cookie(answer, "memory").is_none()));
}

#[test]
fn a_restart_with_a_new_configuration_keeps_what_is_remembered() {
    let old = Law::new("checkout", 100.0, BEFORE);
    let new = Law::new("checkout", 100.0, AFTER);
    let (old, new) = (|n: usize| old.variant(user(n)), |n: usize| new.variant(user(n)));
    let cookies: Vec<String> = {
        let envoy = envoy(2, &[section(BEFORE, json!({}))]);
        let answers = ask(&envoy, 0, (0..USERS).map(|n| by(user(n))).collect());
        all(&answers, old);
        answers.iter().map(|answer| set_cookie(answer, "memory").unwrap()).collect()
    };
    let moved = (0..USERS).filter(|n| old(*n) != new(*n)).count();
    println!("{USERS} users, {moved} of them would move with the new weights");
    assert!(moved > USERS / 2);

    let sections = [
        section(AFTER, json!({})),
        section(AFTER, json!({"sticky": false})),
        section(AFTER, json!({"status": "paused"})),
        section(AFTER, json!({"status": "ended", "winner": "b"})),
        section(AFTER, json!({"status": "ended"})),
        section(AFTER, json!({"status": "draft"})),
        section(AFTER, json!({"bucketVersion": 1})),
        section(AFTER, json!({"bucketVersion": 1, "minBucketVersion": 1})),
    ];
    let envoy = envoy(2, &sections);
    let of = |listener| visits(&envoy, listener, &cookies);

    let sticky = of(0);
    all(&sticky.returning, old);
    none_set(&sticky.returning);
    all(&sticky.new, new);
    assert!(sticky.new.iter().all(|answer| set_cookie(answer, "memory").is_some()));

    let forgetful = of(1);
    all(&forgetful.returning, new);
    all(&forgetful.new, new);

    let paused = of(2);
    all(&paused.returning, old);
    all(&paused.new, |_| None);
    none_set(&paused.new);

    for (listener, winner) in [(3, Some("b")), (4, None), (5, None)] {
        let over = of(listener);
        all(&over.returning, |_| winner);
        all(&over.new, |_| winner);
        none_set(&over.returning);
        none_set(&over.new);
    }

    // A new version: assigned again, and remembered again.
    let anew = of(6);
    all(&anew.returning, new);
    all(&anew.new, new);
    let renewed: Vec<String> = anew.returning.iter().map(|a| set_cookie(a, "memory").unwrap()).collect();
    let later = visits(&envoy, 6, &renewed);
    all(&later.returning, new);
    none_set(&later.returning);

    // Whoever took part under an older version is out for good; the others take part.
    let excluding = of(7);
    all(&excluding.returning, |_| None);
    all(&excluding.new, new);
}

#[test]
fn a_memory_that_was_tampered_with_counts_for_nothing() {
    let weights: &[(&str, f64)] = &[("a", 100.0), ("b", 0.0)];
    let envoy = envoy(1, &[section(weights, json!({})), section(BEFORE, json!({}))]);
    let user = Law::new("checkout", 100.0, BEFORE).user_with(Some("b"));
    let b = set_cookie(&ask_one(&envoy, 1, by(&user)), "memory").unwrap();
    let with = |cookie: String| ask_one(&envoy, 0, by("ada").header("cookie", cookie));
    assert_eq!(checkout(&with(b.clone())).as_deref(), Some("b"), "our own word: {b}");
    let a = set_cookie(&ask_one(&envoy, 0, by("ada")), "memory").unwrap();
    for forged in [
        a.replace("checkout:a", "checkout:b"),
        b.replace(":0~", ":00~"),
        format!("{b}0"),
        b.replace("1~", "1~9"),
    ] {
        assert_ne!(forged, b);
        assert_eq!(checkout(&with(forged.clone())).as_deref(), Some("a"), "{forged}");
    }
}
