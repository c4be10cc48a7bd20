//! Routes that follow variants, in one plugin and across two.

use super::*;

const USERS: usize = 500;
const HALVES: &[(&str, f64)] = &[("a", 50.0), ("b", 50.0)];

fn experiments() -> Value {
    json!({
        "unit": "header:x-user-id",
        "output": {"filterState": true},
        "list": [
            {"key": "checkout", "coverage": "80%", "variants": variants(HALVES)},
            {"key": "search", "variants": [{"key": "a", "weight": 50}, {"key": "b", "weight": 40}, {"key": "c", "weight": 10}]},
        ],
    })
}

fn routing() -> Value {
    json!({"rules": [
        {"name": "both", "variant": {"checkout": "b", "search": ["b", "c"]}, "setHeaders": {"x-weir-route": "canary"}},
        {"name": "checkout-b", "variant": {"checkout": "b"}, "setHeaders": {"x-weir-route": "v2"}},
    ]})
}

fn upstream(user: &str) -> &'static str {
    let checkout = Law::new("checkout", 80.0, HALVES).variant(user);
    let search = Law::new("search", 100.0, &[("a", 50.0), ("b", 40.0), ("c", 10.0)]).variant(user);
    match (checkout, search) {
        (Some("b"), Some("b" | "c")) => "canary",
        (Some("b"), _) => "v2",
        _ => "v1",
    }
}

#[test]
fn routes_follow_variants_in_one_plugin_and_in_the_next() {
    let one =
        Plugin::new("weir").unwrap().config(&json!({"experiments": experiments(), "routing": routing()}));
    let first = plugin(&experiments()).name("experiments");
    let second = Plugin::new("ab_routing").unwrap().name("routes").config(&json!({"routing": routing()}));
    // The same module twice is one VM with two plugins.
    let halves = [json!({"experiments": experiments()}), json!({"routing": routing()})]
        .map(|config| Plugin::new("weir").unwrap().vm_id("both").config(&config));
    let [first_half, second_half] = halves;
    let listeners = [
        Listener::new().plugin(one),
        Listener::new().plugin(first).plugin(second),
        Listener::new().plugin(first_half.name("first-half")).plugin(second_half.name("second-half")),
        // Without the first plugin nobody has a variant.
        Listener::new().plugin(Plugin::new("ab_routing").unwrap().config(&json!({"routing": routing()}))),
    ];
    let bootstrap = listeners.into_iter().fold(Bootstrap::default().concurrency(2), Bootstrap::listener);
    let envoy = Envoy::start(bootstrap).unwrap();
    let requests: Vec<Request> =
        (0..USERS).map(|number| by(user(number)).header("x-weir-route", "canary")).collect();
    for listener in 0..4 {
        let answers = ask(&envoy, listener, requests.clone());
        let mut reached = std::collections::BTreeMap::<&str, usize>::new();
        for (number, answer) in answers.iter().enumerate() {
            let expected = if listener == 3 { "v1" } else { upstream(&user(number)) };
            assert_eq!(answer.seen().unwrap().name, expected, "{} at listener {listener}", user(number));
            *reached.entry(expected).or_default() += 1;
        }
        println!("listener {listener}: {reached:?}");
    }
}
