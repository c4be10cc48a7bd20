//! Keys change while requests are under way, and nobody notices.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;
use weir_tests::client::Client;
use weir_tests::jwks_server::JwksServer;

use super::{Lab, bearer, sign};

const ROTATIONS: usize = 6;
const CLIENTS: usize = 8;

/// The issuer publishes a new key and signs with it at once; a moment later it takes the old one away.
#[test]
fn keys_rotate_under_load_without_a_failed_request() {
    let name = |number: usize| format!("key-{number}");
    let keys = JwksServer::start(&sign::key_set(&[&name(0)])).unwrap();
    let lab = Lab::start(keys, json!({"unknownKeyInterval": "50ms"}), 2);
    lab.until_accepted(&name(0));
    let (current, done, sent) = (AtomicUsize::new(0), AtomicBool::new(false), AtomicUsize::new(0));
    let failed = thread::scope(|scope| {
        let load = |client: usize| {
            let (lab, current, done, sent) = (&lab, &current, &done, &sent);
            move || {
                let (connection, mut failed) = (Client::http1(), Vec::new());
                while !done.load(Ordering::SeqCst) {
                    let kid = name(current.load(Ordering::SeqCst));
                    let number = sent.fetch_add(1, Ordering::SeqCst);
                    // Some tokens come again and again, some once only.
                    let claims = format!(r#"{{"sub":"{client}","n":{}}}"#, number % 2 * number);
                    let answer = connection.send(lab.envoy.listener(0), &bearer(&kid, &claims)).unwrap();
                    if answer.status != 200 {
                        failed.push((kid, answer.status, String::from_utf8_lossy(&answer.body).into_owned()));
                    }
                }
                failed
            }
        };
        let clients: Vec<_> = (0..CLIENTS).map(|client| scope.spawn(load(client))).collect();
        for number in 1..=ROTATIONS {
            lab.keys.publish(&sign::key_set(&[&name(number - 1), &name(number)]));
            current.store(number, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(300));
            lab.keys.publish(&sign::key_set(&[&name(number)]));
            thread::sleep(Duration::from_millis(100));
        }
        done.store(true, Ordering::SeqCst);
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect::<Vec<_>>()
    });
    let sent = sent.into_inner();
    assert!(failed.is_empty(), "{} of {sent} failed: {:?}", failed.len(), &failed[..failed.len().min(5)]);
    assert!(sent > 200, "{sent} requests are no load");
    println!("{sent} requests, {ROTATIONS} rotations, {} fetches", lab.keys.requests());
}

/// What was verified with a key that is gone is not remembered any longer.
#[test]
fn a_token_of_a_key_that_was_taken_away_is_refused_though_it_was_remembered() {
    let keys = JwksServer::start(&sign::key_set(&["old", "kept"])).unwrap();
    let lab = Lab::start(keys, json!({"refresh": "300ms"}), 1);
    lab.until_accepted("old");
    lab.keys.publish(&sign::key_set(&["kept"]));
    let gone = lab.envoy.wait_for(super::PATIENCE, |_| lab.send(&bearer("old", "{}")).status == 401);
    assert!(gone, "a key that is not published any more still opens");
    assert_eq!(lab.send(&bearer("kept", "{}")).status, 200);
}
