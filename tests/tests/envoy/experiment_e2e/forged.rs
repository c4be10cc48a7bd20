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
                        Some(format!("k=v;p=1, other=2{own}"))
                    }
                };
                for name in names {
                    let expected = match name {
                        // It is of our namespace, also where nothing is written to it.
                        "x-weir-experiment-checkout" if name != own_name => None,
                        // The other listener's header is none of this one's business.
                        "x-all" if name != own_name => continue,
                        name => ours(name),
                    };
                    assert_eq!(seen(&answer, name), expected, "{name}, {variant:?}, listener {listener}");
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

/// Lines that make our value when they are joined are not our line: the real proxy holds them apart.
#[test]
fn a_client_cannot_cut_our_value_into_lines() {
    let section = json!({"output": {"combinedHeader": "x-all"}, "list": [
        {"key": "one", "variants": [{"key": "a", "headers": {"x-color": "red,green"}}]},
        {"key": "two", "variants": [{"key": "b"}]},
    ]});
    let envoy = envoy(1, &[section]);
    for client in [Client::http1(), Client::http2()] {
        for (all, color) in [
            (&["one=a", "two=b"][..], &["red", "green"][..]),
            (&["one=a,two=b", ""], &["", "red,green"]),
            (&["one=a,two=b", "one=a,two=b"], &["red,green", "red,green"]),
            (&["one=a,two=b"], &["red,green"]),
            (&["two=b", "one=a", "x"], &[]),
        ] {
            let mut request = Request::get("/");
            for (name, lines) in [("x-all", all), ("x-color", color)] {
                request = lines.iter().fold(request, |request, line| request.header(name, line));
            }
            let got = client.send(envoy.listener(0), &request).unwrap().seen().unwrap();
            assert_eq!(got.header_bytes("x-all"), [b"one=a,two=b".to_vec()], "{all:?}");
            assert_eq!(got.header_bytes("x-color"), [b"red,green".to_vec()], "{color:?}");
        }
    }
}

/// Two plugins in one chain that own the same header.
#[test]
fn plugins_that_share_names_leave_each_other_what_they_wrote() {
    let rule = |name: &str| json!([{"name": name, "match": {"headers": {format!("x-{name}"): {}}}, "setHeaders": {"x-team": name}}]);
    let plugin = |name: &str, shared: bool| {
        let list = json!([{"key": name, "variants": [{"key": "a"}]}]);
        Plugin::new("weir").unwrap().config(&json!({
            "ownership": {"shared": shared},
            "experiments": {"output": {"baggage": true}, "list": list},
            "routing": {"rules": rule(name)},
        }))
    };
    let chain = |shared| Listener::new().plugin(plugin("one", shared)).plugin(plugin("two", shared));
    let envoy = Envoy::start(Bootstrap::default().listener(chain(true)).listener(chain(false))).unwrap();
    let ask = |listener: usize, by: &[&str]| {
        let request =
            by.iter().fold(Request::get("/"), |request, name| request.header(&format!("x-{name}"), "1"));
        let request = ["x-team", "x-weir-experiment-one", "x-weir-experiment-three"]
            .iter()
            .fold(request, |request, name| request.header(name, "forged"))
            .header("baggage", "weir.one=forged,k=v");
        let answer = Client::http1().send(envoy.listener(listener), &request).unwrap();
        ["x-team", "x-weir-experiment-one", "x-weir-experiment-two", "x-weir-experiment-three", "baggage"]
            .map(|name| seen(&answer, name).unwrap_or_default())
    };
    let both = "k=v,weir.one=a,weir.two=a";
    assert_eq!(ask(0, &["one"]), ["one", "a", "a", "", both]);
    assert_eq!(ask(0, &["two"]), ["two", "a", "a", "", both]);
    assert_eq!(ask(0, &["one", "two"]), ["two", "a", "a", "", both], "the later one's counts");
    assert_eq!(ask(0, &[]), ["", "a", "a", "", both]);
    assert_eq!(ask(1, &["one"]), ["", "", "a", "", "k=v,weir.two=a"], "as docs/security.md says");
}
