//! Requests that come before the first key: held, bounded, never lost.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use weir_tests::client::{Client, send_at_once};
use weir_tests::jwks_server::JwksServer;
use weir_tests::origin::Answer;

use super::{Lab, PATIENCE, bearer, sign, statuses};

/// A server that has no keys yet.
fn not_ready() -> JwksServer {
    let keys = JwksServer::start("").unwrap();
    keys.answer(Answer::new(503, "starting"));
    keys
}

#[test]
fn hundreds_wait_for_the_first_key_and_none_is_lost() {
    let lab = Lab::start(not_ready(), json!({"retry": "200ms", "retryMax": "200ms", "wait": "20s"}), 2);
    let requests = (0..600).map(|n| bearer("k", &format!(r#"{{"sub":"user-{n}"}}"#))).collect();
    let answers = thread::scope(|scope| {
        let clients = scope.spawn(|| send_at_once(lab.envoy.listener(0), requests, 6));
        let held = |_: &_| lab.under_way() == 600;
        assert!(lab.envoy.wait_for(PATIENCE, held), "{}", lab.under_way());
        // They stay held while the server fails again and again.
        thread::sleep(Duration::from_millis(500));
        assert_eq!(lab.under_way(), 600);
        lab.keys.publish(&sign::key_set(&["k"]));
        clients.join().unwrap()
    });
    assert_eq!(statuses(&answers), [(200, 600)]);
    // Each is itself: nobody got another's claims.
    for (number, answer) in answers.into_iter().enumerate() {
        let seen = answer.unwrap().seen().unwrap();
        assert_eq!(seen.header_bytes("x-auth-user-id"), [format!("user-{number}").into_bytes()]);
    }
}

#[test]
fn no_more_wait_than_may_and_the_others_are_told_at_once() {
    let remote = json!({"retry": "1s", "retryMax": "1s", "wait": "20s", "maxWaiting": 100, "timeout": "30s"});
    let keys = not_ready();
    keys.answer(Answer::new(200, sign::key_set(&["k"])).after(Duration::from_secs(6)));
    let lab = Lab::start(keys, remote, 1);
    let requests = (0..300).map(|n| bearer("k", &format!(r#"{{"n":{n}}}"#))).collect();
    let answers = send_at_once(lab.envoy.listener(0), requests, 3);
    assert_eq!(statuses(&answers), [(200, 100), (503, 200)]);
    let slowest = answers.iter().flatten().filter(|answer| answer.status == 503).map(|answer| answer.elapsed);
    assert!(slowest.max().unwrap() < Duration::from_secs(3));
}

#[test]
fn waiting_ends_when_its_time_is_over_and_starts_anew_with_keys() {
    let keys = not_ready();
    keys.answer(Answer::new(200, "{}").after(Duration::from_secs(3600)));
    let remote = json!({"retry": "200ms", "retryMax": "200ms", "wait": "3s", "timeout": "5s"});
    let lab = Lab::start(keys, remote, 1);
    let start = Instant::now();
    let answers = send_at_once(lab.envoy.listener(0), vec![bearer("k", "{}"); 200], 2);
    assert_eq!(statuses(&answers), [(503, 200)]);
    assert!(start.elapsed() >= Duration::from_secs(3), "{:?}", start.elapsed());
    // Who comes later does not wait for nothing.
    assert!(lab.send(&bearer("k", "{}")).elapsed < Duration::from_millis(2500));
    lab.keys.publish(&sign::key_set(&["k"]));
    lab.until_accepted("k");
}

#[test]
fn clients_that_leave_while_they_are_held_harm_nobody() {
    let lab = Lab::start(not_ready(), json!({"retry": "200ms", "retryMax": "200ms", "wait": "20s"}), 1);
    let impatient = Client::http1().patience(Duration::from_millis(700));
    let left = impatient.send_all(lab.envoy.listener(0), vec![bearer("k", r#"{"sub":"left"}"#); 100], 100);
    assert_eq!(statuses(&left), [(0, 100)]);
    let stayed = thread::scope(|scope| {
        let requests = vec![bearer("k", r#"{"sub":"stayed"}"#); 100];
        let clients = scope.spawn(|| send_at_once(lab.envoy.listener(0), requests, 2));
        thread::sleep(Duration::from_millis(500));
        lab.keys.publish(&sign::key_set(&["k"]));
        clients.join().unwrap()
    });
    assert_eq!(statuses(&stayed), [(200, 100)]);
    assert_eq!(lab.send(&bearer("k", "{}")).status, 200);
    let idle = |_: &_| lab.under_way() == 0;
    assert!(lab.envoy.wait_for(PATIENCE, idle), "streams of clients that left are still there");
}

#[test]
fn requests_that_need_no_keys_pass_while_others_wait() {
    let lab = Lab::start(not_ready(), json!({"retry": "200ms", "retryMax": "200ms", "wait": "20s"}), 1);
    thread::scope(|scope| {
        let held = scope.spawn(|| lab.send(&bearer("k", "{}")));
        thread::sleep(Duration::from_millis(300));
        let refused = lab.send(&weir_tests::client::Request::get("/"));
        // A busy machine takes its time; those that wait would take twenty seconds.
        assert_eq!((refused.status, refused.elapsed < Duration::from_secs(10)), (401, true));
        lab.keys.publish(&sign::key_set(&["k"]));
        assert_eq!(held.join().unwrap().status, 200);
    });
}
