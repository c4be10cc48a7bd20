//! Headers that clients send under our names do not get through; those of others do.

use super::*;

const HALVES: &[(&str, f64)] = &[("a", 50.0), ("b", 50.0)];

fn sections() -> [Value; 2] {
    let list = json!([{"key": "checkout", "variants": [
        {"key": "a", "weight": 50, "headers": {"x-color": "green"}, "payload": {"size": 2}},
        {"key": "b", "weight": 50},
    ]}]);
    let section = |output| json!({"unit": "header:x-user-id", "output": output, "list": list});
    [section(json!({"baggage": true})), section(json!({"baggage": true, "combinedHeader": "x-all"}))]
}

/// All that a client could pretend.
fn pretending(request: Request) -> Request {
    request
        .header("x-weir-experiment-checkout", "forged")
        .header("x-weir-experiment-checkout", b"\xff")
        .header("x-all", "checkout=forged")
        .header("x-all", "checkout=b,other=c")
        .header("x-color", "forged")
        .header("x-weir-payload-checkout", "forged")
        .header("baggage", "k=v;p=1,weir.checkout=forged")
        .header("baggage", "weir.checkout = forged;p , other=2,weir.theirs=3")
}

#[test]
fn forged_headers_are_replaced_or_removed_and_other_baggage_stays() {
    let envoy = envoy(1, &sections());
    let law = Law::new("checkout", 100.0, HALVES);
    let users =
        [Some("a"), Some("b"), None].map(|variant| (variant, variant.map(|v| law.user_with(Some(v)))));
    let names = ["x-weir-experiment-checkout", "x-all", "x-color", "x-weir-payload-checkout", "baggage"];
    for client in [Client::http1(), Client::http2()] {
        for (listener, own_name) in [(0, "x-weir-experiment-checkout"), (1, "x-all")] {
            for (variant, user) in &users {
                let request = user.as_ref().map_or_else(|| Request::get("/"), by);
                let answer = client.send(envoy.listener(listener), &pretending(request)).unwrap();
                let is_a = *variant == Some("a");
                let ours = |name: &str| match name {
                    "x-weir-experiment-checkout" => variant.map(str::to_owned),
                    "x-all" => variant.map(|v| format!("checkout={v}")),
                    "x-color" => is_a.then(|| "green".to_owned()),
                    "x-weir-payload-checkout" => is_a.then(|| r#"{"size":2}"#.to_owned()),
                    _ => {
                        let own = variant.map(|v| format!(",weir.checkout={v}")).unwrap_or_default();
                        Some(format!("k=v;p=1, other=2,weir.theirs=3{own}"))
                    }
                };
                // The other listener's header is none of this one's business.
                for name in names.iter().filter(|name| {
                    !["x-weir-experiment-checkout", "x-all"].contains(name) || **name == own_name
                }) {
                    assert_eq!(seen(&answer, name), ours(name), "{name}, {variant:?}, listener {listener}");
                }
            }
        }
    }
}

#[test]
fn a_trusted_peer_keeps_what_it_has_decided() {
    let mut section = sections()[0].clone();
    section["trust"] = json!({"match": {"headers": {"x-gateway": {"exact": "ours"}}}});
    let envoy = envoy(1, &[section]);
    let user = Law::new("checkout", 100.0, HALVES).user_with(Some("a"));
    let request = by(&user).header("x-weir-experiment-checkout", "b");
    assert_eq!(checkout(&ask_one(&envoy, 0, request.clone())).as_deref(), Some("a"));
    let trusted = ask_one(&envoy, 0, request.header("x-gateway", "ours"));
    assert_eq!(checkout(&trusted).as_deref(), Some("b"));
    assert_eq!(seen(&trusted, "baggage").as_deref(), Some("weir.checkout=b"));
}
