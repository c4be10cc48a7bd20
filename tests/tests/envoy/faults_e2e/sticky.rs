//! Sticky faults hit the same users on every proxy, whenever it was started.

use super::*;
use weir_allocation::{Fraction, Salt, purpose};

const USERS: usize = 2_000;

fn user(number: usize) -> String {
    format!("user-{number}")
}

/// A tenth of the users is delayed by nothing worth mentioning, another part aborted.
fn faults(percentage: &str) -> Value {
    json!([{"name": "same", "sampling": {"sticky": {"unit": "header:x-user-id", "seed": "gameday-7"}},
        "abort": {"httpStatus": 503, "percentage": percentage}}])
}

/// Who is hit; each user comes twice.
fn hit(envoy: &Envoy, listener: usize) -> Vec<usize> {
    let request = |number: usize| Request::get("/").header("x-user-id", user(number % USERS));
    let answers = ask_listener(envoy, listener, (0..2 * USERS).map(request).collect());
    let failed = |number: &usize| answers[*number].status == 503;
    let first: Vec<usize> = (0..USERS).filter(failed).collect();
    let second: Vec<usize> = (USERS..2 * USERS).filter(failed).map(|number| number - USERS).collect();
    assert_eq!(first, second, "a retry does not help");
    first
}

#[test]
fn the_same_users_after_a_restart_and_on_another_proxy() {
    let law = |percent| -> Vec<usize> {
        let (salt, share) = (
            Salt::derived("gameday-7", &format!("{}/abort", purpose::FAULT)),
            Fraction::from_percent(percent).unwrap(),
        );
        (0..USERS).filter(|n| salt.bucket(user(*n).as_bytes()).index() < share.millionths()).collect()
    };
    let first = hit(&envoy(1, &faults("10%")), 0);
    println!("{} of {USERS} users", first.len());
    assert_eq!(first, law(10.0), "as the library computes it");
    assert!(within_four_sigma(first.len(), USERS, 0.1), "{}", first.len());
    // The first has ended: this one is a new process, with other workers, and more of them.
    let listeners = ["10%", "20%"].map(|percentage| listener(&faults(percentage)));
    let other =
        Envoy::start(listeners.into_iter().fold(Bootstrap::default().concurrency(2), Bootstrap::listener));
    let other = other.unwrap();
    assert_eq!(first, hit(&other, 0));
    let more = hit(&other, 1);
    assert_eq!(more, law(20.0));
    assert!(first.iter().all(|number| more.contains(number)), "a higher percentage only adds users");
}
