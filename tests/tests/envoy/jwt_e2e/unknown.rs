//! Tokens that name keys which nobody knows.

use std::time::Duration;

use serde_json::json;
use weir_tests::client::send_at_once;
use weir_tests::jwks_server::JwksServer;

use super::{Lab, bearer, sign, statuses};

/// One of Envoy's workers and its main thread each have a VM with keys of its own.
const VMS: usize = 2;

#[test]
fn made_up_keys_cost_the_server_one_request_in_each_interval() {
    let keys = JwksServer::start(&sign::key_set(&["real"])).unwrap();
    let lab = Lab::start(keys, json!({"unknownKeyInterval": "1m"}), 1);
    lab.until_accepted("real");
    let before = lab.keys.requests();
    for round in 0..2 {
        let requests = (0..300).map(|n| bearer(&format!("forged-{round}-{n}"), "{}")).collect();
        let answers = send_at_once(lab.envoy.listener(0), requests, 4);
        assert_eq!(statuses(&answers), [(401, 300)]);
    }
    let asked = lab.keys.requests() - before;
    assert_eq!(asked, 1, "600 made-up keys made the server answer {asked} times");
    assert_eq!(lab.send(&bearer("real", "{}")).status, 200);
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
