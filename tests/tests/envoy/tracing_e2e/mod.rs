//! `envoy-configs/tracing.yaml` with a collector: spans continue the client's trace, and have the variant that the
//! service sees and the metrics count.

pub(crate) mod collector;
mod jaeger;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use collector::{Collector, Span};
use weir_tests::client::{Client, Request};
use weir_tests::envoy::{Bootstrap, Envoy};
use weir_tests::exposition::Page;
use weir_tests::paths;

const USERS: usize = 1_000;
/// The last users' requests go to the fault.
const SLOW: usize = 10;
const PARENT: &str = "00f067aa0ba902b7";

fn trace(user: usize) -> String {
    format!("4bf92f3577b34da6{user:016x}")
}

#[test]
fn spans_have_the_variant_of_the_header_and_of_the_metrics() {
    let collector = Collector::start();
    let text = std::fs::read_to_string(paths::root().join("envoy-configs/tracing.yaml")).unwrap();
    let bootstrap = Bootstrap::shipped(serde_saphyr::from_str(&text).unwrap()).port(4318, collector.port());
    let envoy = Envoy::start(bootstrap).unwrap();
    let client = Client::http1();
    let mut seen = Vec::new();
    for user in 0..USERS {
        let path = if user < USERS - SLOW { "/" } else { "/slow" };
        let request = Request::get(path)
            .header("x-user-id", format!("user-{user}"))
            .header("traceparent", format!("00-{}-{PARENT}-01", trace(user)))
            .header("x-weir-experiment-button", "forged")
            .header("x-weir-route", "forged");
        let response = client.send(envoy.listener(0), &request).unwrap().seen().unwrap();
        let variant = String::from_utf8(response.header_bytes("x-weir-experiment-button").concat()).unwrap();
        assert!(["blue", "green"].contains(&variant.as_str()), "{variant}");
        seen.push(variant);
    }
    let arrived = envoy.wait_for(Duration::from_secs(30), |_| collector.spans().len() >= USERS);
    let spans = collector.spans();
    assert!(arrived, "{} spans", spans.len());
    let by_trace: HashMap<&str, &Span> = spans.iter().map(|span| (span.trace.as_str(), span)).collect();
    for (user, variant) in seen.iter().enumerate() {
        let span = by_trace.get(trace(user).as_str()).unwrap_or_else(|| panic!("user-{user} has no span"));
        let attribute = |name: &str| span.attributes.get(name).map(String::as_str);
        assert_eq!(span.parent, PARENT);
        assert_eq!(attribute("weir.button"), Some(variant.as_str()), "{span:?}");
        let route = attribute("weir.route").filter(|route| *route == "v2");
        assert_eq!(route.is_some(), variant == "green", "{span:?}");
        let slow = attribute("weir.fault").is_some_and(|fault| fault.contains("slow"));
        assert_eq!(slow, user >= USERS - SLOW, "{span:?}");
        assert!(span.attributes.values().all(|value| value != "forged"), "{span:?}");
    }
    let mut counts = BTreeMap::from([("blue", 0.0), ("green", 0.0)]);
    seen.iter().for_each(|variant| *counts.get_mut(variant.as_str()).unwrap() += 1.0);
    let page = || Page::parse(&envoy.prometheus().unwrap()).unwrap();
    let counted = |variant: &str| {
        page().value("weir_assignments_total", &[("experiment", "button"), ("variant", variant)])
    };
    let equal = |_: &Envoy| counts.iter().all(|(variant, count)| counted(variant) == Some(*count));
    assert!(
        envoy.wait_for(weir_tests::PATIENCE, equal),
        "{counts:?}: {:?}",
        page().of("weir_assignments_total").collect::<Vec<_>>()
    );
    // Log lines name the trace.
    let line = format!("\"trace_id\":\"{}\"", trace(0));
    assert!(
        envoy.wait_for(weir_tests::PATIENCE, |envoy| envoy.output().contains(&line)),
        "{}",
        envoy.output()
    );
    println!("{USERS} spans: {counts:?}");
}
