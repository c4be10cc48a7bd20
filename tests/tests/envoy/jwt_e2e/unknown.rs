//! Tokens that name keys which nobody knows.

use std::time::{Duration, Instant};

use serde_json::json;
use weir_tests::client::send_at_once;
use weir_tests::jwks_server::JwksServer;

use super::{Lab, bearer, sign, statuses};

/// One of Envoy's workers and its main thread each have a VM with keys of its own.
const VMS: usize = 2;

/// The first of them is fetched for; whether the others are keys is not known before the next fetch, a fifth of the
/// interval later: 503 with `retry-after` for those that would have to wait longer than `wait`.
#[test]
fn made_up_keys_cost_the_server_five_requests_in_each_interval() {
    let keys = JwksServer::start(&sign::key_set(&["real"])).unwrap();
    let lab = Lab::start(keys, json!({"unknownKeyInterval": "1m"}), 1);
    lab.until_accepted("real");
    let (before, start) = (lab.keys.requests(), Instant::now());
    for round in 0..2 {
        let requests = (0..300).map(|n| bearer(&format!("forged-{round}-{n}"), "{}")).collect();
        let answers = statuses(&send_at_once(lab.envoy.listener(0), requests, 4));
        assert!(answers.iter().all(|(status, _)| matches!(status, 401 | 503)), "{answers:?}");
        assert_eq!(lab.send(&bearer("real", "{}")).status, 200);
    }
    let asked = lab.keys.requests() - before;
    let most = 1 + start.elapsed().as_secs() as usize / 12;
    assert!((1..=most).contains(&asked), "600 made-up keys made the server answer {asked} times, not {most}");
}

/// Forged names do not keep the token of a new key out: it waits for the next fetch.
#[test]
fn a_new_key_is_found_among_made_up_ones() {
    let keys = JwksServer::start(&sign::key_set(&["one"])).unwrap();
    let lab = Lab::start(keys, json!({"unknownKeyInterval": "5s"}), 1);
    lab.until_accepted("one");
    let forged = |round: usize| (0..50).map(|n| bearer(&format!("forged-{round}-{n}"), "{}")).collect();
    send_at_once(lab.envoy.listener(0), forged(0), 4);
    lab.keys.publish(&sign::key_set(&["one", "two"]));
    let mut requests: Vec<_> = forged(1);
    requests.push(bearer("two", "{}"));
    let answers = send_at_once(lab.envoy.listener(0), requests, 4);
    assert_eq!(answers.last().unwrap().as_ref().unwrap().status, 200);
}

#[test]
fn a_new_key_is_there_for_the_first_request_that_names_it() {
    let keys = JwksServer::start(&sign::key_set(&["one"])).unwrap();
    let lab = Lab::start(keys, json!({"unknownKeyInterval": "200ms"}), 1);
    lab.until_accepted("one");
    for kid in ["two", "three", "four"] {
        lab.keys.publish(&sign::key_set(&["one", kid]));
        assert_eq!(lab.send(&bearer(kid, "{}")).status, 200, "{kid}");
        std::thread::sleep(Duration::from_millis(250));
    }
    assert!(lab.keys.requests() <= 3 + VMS, "{}", lab.keys.requests());
}
