//! `weir status` without a proxy: how it is called, and what is said of proxies that do not answer. With real ones:
//! tests/tests/envoy/status_e2e.

use crate::support::{Folder, weir};

#[test]
fn it_needs_somewhere_to_ask() {
    let run = weir(&["status"]);
    assert!(run.code == 2 && run.err.contains("--prometheus"), "{run:?}");
    for (arguments, expected) in [
        (vec!["--admin", "localhost:9901"], "--admin: invalid URL"),
        (vec!["--prometheus", "localhost"], "--prometheus: invalid URL"),
        (vec!["--prometheus", "http://127.0.0.1:1"], "Prometheus at 127.0.0.1:1"),
        (vec!["--prometheus", "http://127.0.0.1:1", "--matcher", "shop"], "--matcher: invalid matcher"),
        (vec!["--admin", "http://127.0.0.1:1", "--matcher", "a=\"b\""], "--prometheus"),
        (vec!["--admin", "http://127.0.0.1:1", "--ca-file", "/absent"], "--ca-file /absent"),
    ] {
        let run = weir(&[vec!["status"], arguments.clone()].concat());
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.err.contains(expected), "{arguments:?}: {run:?}");
    }
}

#[test]
fn a_proxy_that_does_not_answer_is_not_well() {
    let folder = Folder::new();
    let config = folder.write("weir.yaml", "routing: {default: {setHeaders: {x-a: b}}}\n");
    let run = weir(&["status", &config, "--admin", "http://127.0.0.1:1", "--output", "json"]);
    assert_eq!(run.code, 1, "{run:?}");
    let json = run.json();
    assert_eq!((&json["ok"], &json["proxies"][0]["state"]), (&false.into(), &"unknown".into()), "{json}");
    let hash: u64 = weir(&["rollout", "hash", &config]).out.trim().parse().unwrap();
    assert_eq!(json["hash"], hash);
    let run = weir(&["status", &config, "--admin", "http://127.0.0.1:1"]);
    assert!(run.out.contains("127.0.0.1:1") && run.out.contains("of 1 proxy: 1 do not answer"), "{run:?}");
    let absent = weir(&["status", &folder.path("absent"), "--admin", "http://127.0.0.1:1"]);
    assert_eq!(absent.code, 2);
}
