//! A configuration that changes under load: counters go on counting, and what was active comes down.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use weir_tests::envoy::Filter;

use super::*;

const LOADING: usize = 8;
const UPDATES: usize = 5;

/// The same metrics, distinguished by a constant of the generation in one of them.
fn generation(number: usize) -> Plugin {
    plugin(&json!({"red": {"route": false}, "list": [
        {"name": "requests_active", "type": "gauge"},
        {"name": "hits_total", "labels": {"generation": {"constant": number.to_string()}}},
    ]}))
}

#[test]
fn counters_go_on_over_updates() {
    let filter = Filter::Discovered { name: "weir".to_owned(), initial: Box::new(generation(0)) };
    let bootstrap = Bootstrap::default()
        .concurrency(2)
        .stats_config(stats_tags(&["code_class", "generation"]))
        .listener(Listener::new().filter(filter));
    let envoy = Envoy::start(bootstrap).unwrap();
    let (answers, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..LOADING {
            scope.spawn(|| {
                let client = Client::http1();
                while !over.load(SeqCst) {
                    // Under way for a moment, so that some are when an update comes.
                    let request = Request::get("/").header("x-answer-delay-ms", "40");
                    assert_eq!(client.send(envoy.listener(0), &request).unwrap().status, 200);
                    answers.fetch_add(1, SeqCst);
                }
            });
        }
        for number in 1..=UPDATES {
            // One that is refused changes nothing.
            let wrong = plugin(&json!({"list": [{"name": format!("wrong-{number}")}]}));
            envoy.update("weir", &wrong).unwrap();
            let refused = |envoy: &Envoy| envoy.log().contains(&format!("wrong-{number}"));
            assert!(envoy.wait_for(PATIENCE, refused), "{}", envoy.log());
            envoy.update("weir", &generation(number)).unwrap();
            let generation = number.to_string();
            let counts = |envoy: &Envoy| page(envoy).sum("hits_total", &[("generation", &generation)]) > 20.0;
            assert!(envoy.wait_for(PATIENCE, counts), "{number}: {}", envoy.log());
        }
        over.store(true, SeqCst);
    });
    let answers = answers.load(SeqCst) as f64;
    let page = page_with(&envoy, |page| page.sum("weir_requests_total", &[]) == answers);
    assert_eq!(page.value("weir_requests_total", &[("code_class", "2xx")]), Some(answers));
    assert_eq!(page.sum("hits_total", &[]), answers, "{:?}", page.of("hits_total").collect::<Vec<_>>());
    assert_eq!(page.of("hits_total").count(), UPDATES + 1);
    assert_eq!(page.value("requests_active", &[]), Some(0.0));
    println!("{answers} requests over {UPDATES} updates: all counted");
}
