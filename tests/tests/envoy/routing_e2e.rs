//! A/B routing in the real Envoy: who goes where, always the same, and what a change of weights moves.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use weir_allocation::{Allocation, Bucket, Salt, Weights, anchored, changes, moved_share, purpose};
use weir_tests::client::{Client, Request};
use weir_tests::envoy::{Bootstrap, Envoy, Filter, Listener, Plugin};

const PATIENCE: Duration = weir_tests::PATIENCE;
const USERS: usize = 10_000;
/// Requests under way at any time: as many connections, on all workers.
const AT_ONCE: usize = 32;

fn plugin(routing: &Value) -> Plugin {
    Plugin::new("ab_routing").unwrap().config(&json!({ "routing": routing }))
}

/// Users by `x-user-id`: the first side is v1, the second v2, the third the canary.
fn split(name: &str, weights: &[f64]) -> Value {
    let sides = ["v1", "v2", "canary"].iter().zip(weights);
    let targets = sides
        .map(|(side, weight)| json!({"name": side, "weight": weight, "setHeaders": {"x-weir-route": side}}));
    json!({"rules": [{"name": name, "split": {"stickyBy": "header:x-user-id", "targets": targets.collect::<Vec<_>>()}}]})
}

fn allocation(weights: &[f64]) -> Allocation {
    anchored(&Weights::from_relative(weights).unwrap())
}

fn user(number: usize) -> String {
    format!("user-{number}")
}

/// The side of each user by the library, without any proxy.
fn expected(name: &str, weights: &[f64]) -> Vec<String> {
    let (salt, allocation) = (Salt::derived(name, purpose::SPLIT), allocation(weights));
    let side = |bucket: Bucket| ["v1", "v2", "canary"][allocation.pick(bucket).unwrap()].to_owned();
    (0..USERS).map(|number| side(salt.bucket(user(number).as_bytes()))).collect()
}

/// The side of each user as the upstreams saw it.
fn asked(envoy: &Envoy, listener: usize, client: &Client) -> Vec<String> {
    let requests = (0..USERS).map(|number| Request::get("/").header("x-user-id", user(number))).collect();
    let answers = client.send_all(envoy.listener(listener), requests, AT_ONCE);
    answers.into_iter().map(|answer| upstream(&answer.unwrap())).collect()
}

fn upstream(response: &weir_tests::client::Response) -> String {
    let name = response.header("x-upstream").map(String::from_utf8_lossy);
    name.map_or_else(|| format!("status {}", response.status), |name| name.into_owned())
}

/// How many users are on each side.
fn shares(sides: &[String]) -> BTreeMap<&str, usize> {
    sides.iter().fold(BTreeMap::new(), |mut counts, side| {
        *counts.entry(side.as_str()).or_default() += 1;
        counts
    })
}

fn within_four_sigma(count: usize, share: f64) -> bool {
    let (users, mean) = (USERS as f64, USERS as f64 * share);
    (count as f64 - mean).abs() <= 4.0 * (users * share * (1.0 - share)).sqrt()
}

#[test]
fn a_header_of_ours_selects_another_route_than_the_request_alone() {
    let routing = json!({"rules": [{
        "name": "beta", "match": {"headers": {"x-user-group": {"exact": "beta-testers"}}}, "setHeaders": {"x-weir-route": "v2"},
    }]});
    // The Lua filter in front asks for the route, so that it is chosen and kept before ours runs.
    let choose = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
        "default_source_code": {"inline_string":
            "function envoy_on_request(h) h:headers():add('x-first-route', h:streamInfo():routeName()) end"},
    });
    let listener = Listener::new()
        .filter(Filter::Native("envoy.filters.http.lua".to_owned(), choose))
        .plugin(plugin(&routing));
    let envoy = Envoy::start(Bootstrap::default().listener(listener)).unwrap();
    let client = Client::http1();
    let beta =
        client.send(envoy.listener(0), &Request::get("/").header("x-user-group", "beta-testers")).unwrap();
    let seen = beta.seen().unwrap();
    assert_eq!(seen.header_bytes("x-first-route"), [b"default".to_vec()]);
    assert_eq!((upstream(&beta).as_str(), seen.header_bytes("x-weir-route")), ("v2", vec![b"v2".to_vec()]));
    let other = client.send(envoy.listener(0), &Request::get("/").header("x-user-group", "staff")).unwrap();
    assert_eq!(upstream(&other), "v1");
    // A forged header had already selected a route; without it there is another one.
    let forged = client.send(envoy.listener(0), &Request::get("/").header("x-weir-route", "canary")).unwrap();
    assert_eq!(forged.seen().unwrap().header_bytes("x-first-route"), [b"canary".to_vec()]);
    assert_eq!(upstream(&forged), "v1");
}

#[test]
fn ten_thousand_users_stay_where_the_library_puts_them_on_any_worker() {
    let weights = [70.0, 20.0, 10.0];
    let expected = expected("checkout", &weights);
    for workers in [1, 4] {
        let listener = Listener::new().plugin(plugin(&split("checkout", &weights)));
        let envoy = Envoy::start(Bootstrap::default().concurrency(workers).listener(listener)).unwrap();
        let first = asked(&envoy, 0, &Client::http1());
        assert_eq!(first, expected, "{workers} workers");
        if workers > 1 {
            // New connections: another worker may serve the same user.
            assert_eq!(asked(&envoy, 0, &Client::http1()), expected, "{workers} workers, second round");
        }
        let shares = shares(&first);
        for (side, share) in [("v1", 0.7), ("v2", 0.2), ("canary", 0.1)] {
            assert!(within_four_sigma(shares[side], share), "{side}: {shares:?}");
        }
    }
}

#[test]
fn a_change_of_weights_moves_exactly_the_expected_users() {
    let (before, after) = ([90.0, 10.0], [75.0, 25.0]);
    let initial = Box::new(plugin(&split("ramp", &before)));
    let filter = Filter::Discovered { name: "weir".to_owned(), initial };
    let envoy =
        Envoy::start(Bootstrap::default().concurrency(2).listener(Listener::new().filter(filter))).unwrap();
    let client = Client::http1();
    let old = asked(&envoy, 0, &client);
    assert_eq!(old, expected("ramp", &before));

    envoy.update("weir", &plugin(&split("ramp", &after))).unwrap();
    let new = expected("ramp", &after);
    // All workers have the new one once a user who moves is on the new side many times in a row.
    let mover = (0..USERS).find(|i| old[*i] != new[*i]).unwrap();
    let moved_everywhere = |envoy: &Envoy| {
        let requests = vec![Request::get("/").header("x-user-id", user(mover)); 100];
        let answers = Client::http1().send_all(envoy.listener(0), requests, AT_ONCE);
        answers.into_iter().all(|answer| upstream(&answer.unwrap()) == new[mover])
    };
    assert!(envoy.wait_for(PATIENCE, moved_everywhere), "{}", envoy.log());
    assert_eq!(asked(&envoy, 0, &client), new);

    // Nobody moved but those in the ranges that changed hands, all of them from the first to the second side.
    let (was, is) = (allocation(&before), allocation(&after));
    let ranges = changes(&was, &is);
    assert!(ranges.iter().all(|change| (change.from, change.to) == (Some(0), Some(1))), "{ranges:?}");
    assert_eq!(moved_share(&was, &is).millionths(), 150_000);
    let salt = Salt::derived("ramp", purpose::SPLIT);
    for number in 0..USERS {
        let bucket = salt.bucket(user(number).as_bytes());
        let moves = was.pick(bucket) != is.pick(bucket);
        assert_eq!(old[number] != new[number], moves, "{}", user(number));
    }
    let moved = (0..USERS).filter(|i| old[*i] != new[*i]).count();
    assert!(within_four_sigma(moved, 0.15), "{moved} moved");
}

#[test]
fn a_minted_cookie_keeps_its_side_from_the_first_request_on() {
    let target = |side: &str| json!({"name": side, "weight": 1, "setHeaders": {"x-weir-route": side}});
    let routing = json!({"rules": [{"name": "site", "split": {
        "mintCookie": {"name": "weir_id"}, "targets": [target("v1"), target("v2")],
    }}]});
    let listener = Listener::new().plugin(plugin(&routing));
    let envoy = Envoy::start(Bootstrap::default().concurrency(2).listener(listener)).unwrap();
    let visits = Client::http1().send_all(envoy.listener(0), vec![Request::get("/"); 400], AT_ONCE);
    let visits: Vec<_> = visits
        .into_iter()
        .map(|visit| {
            let visit = visit.unwrap();
            let cookie = String::from_utf8_lossy(visit.header("set-cookie").expect("a cookie")).into_owned();
            (upstream(&visit), cookie.split(';').next().unwrap().to_owned())
        })
        .collect();
    let ids: std::collections::BTreeSet<_> = visits.iter().map(|(_, cookie)| cookie).collect();
    assert_eq!(ids.len(), visits.len(), "ids must never repeat, on no worker");
    let returns = visits
        .iter()
        .map(|(_, cookie)| Request::get("/").header("cookie", format!("a=b; {cookie}")))
        .collect();
    let (salt, allocation) = (Salt::derived("site", purpose::SPLIT), allocation(&[1.0, 1.0]));
    for ((side, cookie), again) in
        visits.iter().zip(Client::http1().send_all(envoy.listener(0), returns, AT_ONCE))
    {
        let again = again.unwrap();
        assert_eq!(&upstream(&again), side, "{cookie}");
        assert_eq!(again.header("set-cookie"), None);
        let id = cookie.strip_prefix("weir_id=").unwrap();
        assert_eq!(["v1", "v2"][allocation.pick(salt.bucket(id.as_bytes())).unwrap()], side);
    }
    let on_v2 = visits.iter().filter(|(side, _)| side == "v2").count();
    assert!((160..=240).contains(&on_v2), "{on_v2} of 400");
}

#[test]
fn plugins_in_one_vm_keep_their_own_configurations() {
    let by_group = |group: &str, header: &str| {
        let rule = json!({"name": "r", "match": {"headers": {"x-user-group": {"exact": group}}}, "setHeaders": {header: group}});
        plugin(&json!({"rules": [rule]})).vm_id("shared")
    };
    let both =
        Listener::new().plugin(by_group("a", "x-of-a").name("a")).plugin(by_group("b", "x-of-b").name("b"));
    let only_b = Listener::new().plugin(by_group("b", "x-of-b").name("c"));
    let envoy = Envoy::start(Bootstrap::default().concurrency(2).listener(both).listener(only_b)).unwrap();
    let set = |listener: usize, group: &str| {
        let request = Request::get("/").header("x-user-group", group).header("x-of-a", "forged");
        let answers = Client::http1().send_all(envoy.listener(listener), vec![request; 50], 8);
        let set: std::collections::BTreeSet<_> = answers
            .into_iter()
            .map(|answer| {
                let seen = answer.unwrap().seen().unwrap();
                ["x-of-a", "x-of-b"].map(|name| String::from_utf8(seen.header_bytes(name).concat()).unwrap())
            })
            .collect();
        assert_eq!(set.len(), 1, "{set:?}");
        set.into_iter().next().unwrap()
    };
    assert_eq!(set(0, "a"), ["a", ""]);
    assert_eq!(set(0, "b"), ["", "b"]);
    // The second listener's plugin owns x-of-b only: x-of-a is none of its business.
    assert_eq!(set(1, "a"), ["forged", ""]);
    assert_eq!(set(1, "b"), ["forged", "b"]);
    // One VM a worker, one on the main thread, and the base that they are cloned from.
    assert!(envoy.stat("wasm.envoy.wasm.runtime.v8.active").unwrap() <= 4);
}

#[test]
fn a_configuration_can_be_a_protobuf_struct() {
    let config = json!({
        "attributes": {"age": {"header": "x-age", "type": "number"}},
        "routing": {"rules": [
            {"name": "adult", "condition": {"age": {"$gte": 18}}, "setHeaders": {"x-weir-route": "v2"}},
            {"name": "rest", "split": {"withoutKey": "random", "targets": [
                {"name": "none", "weight": 0}, {"name": "all", "weight": 2.5, "setHeaders": {"x-weir-route": "canary"}},
            ]}},
        ]},
    });
    let plugin = Plugin::new("ab_routing").unwrap().config_structure(config);
    let envoy = Envoy::start(Bootstrap::default().listener(Listener::new().plugin(plugin))).unwrap();
    let client = Client::http1();
    let adult = client.send(envoy.listener(0), &Request::get("/").header("x-age", "40")).unwrap();
    let child = client.send(envoy.listener(0), &Request::get("/").header("x-age", "4")).unwrap();
    assert_eq!((upstream(&adult).as_str(), upstream(&child).as_str()), ("v2", "canary"));
}

/// HS256 with the key `0123456789abcdef0123456789abcdef`: sub ada, groups [dev, admins], age 61.
const TOKEN: &str = "eyJhbGciOiAiSFMyNTYiLCAia2lkIjogImsiLCAidHlwIjogIkpXVCJ9.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIuZXhhbXBsZSIsICJzdWIiOiAiYWRhIiwgImdyb3VwcyI6IFsiZGV2IiwgImFkbWlucyJdLCAiYWdlIjogNjEsICJpYXQiOiAxNzAwMDAwMDAwfQ.emNjyxES1M88iAtk0egkT6DEqUsZqVAzgQRaTeqyqHw";

#[test]
fn claims_that_jwt_authn_verified_choose_the_side() {
    let jwt = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        "providers": {"test": {
            "issuer": "https://issuer.example",
            "local_jwks": {"inline_string": json!({"keys": [
                {"kty": "oct", "alg": "HS256", "kid": "k", "k": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"},
            ]}).to_string()},
            "payload_in_metadata": "payload",
        }},
        "rules": [{"match": {"prefix": "/"}, "requires": {"requires_any": {"requirements": [
            {"provider_name": "test"}, {"allow_missing": {}},
        ]}}}],
    });
    let routing = json!({"rules": [
        {"name": "sub", "match": {"uri": {"prefix": "/sub"}, "claims": {"sub": {"exact": "ada"}}}, "setHeaders": {"x-weir-route": "v2"}},
        {"name": "list", "match": {"uri": {"prefix": "/list"}, "headers": {"@request.auth.claims.groups": {"exact": "admins"}}},
         "setHeaders": {"x-weir-route": "v2"}},
        {"name": "age", "match": {"uri": {"prefix": "/age"}}, "condition": {"age": {"$gt": 60}}, "setHeaders": {"x-weir-route": "v2"}},
    ]});
    let config = json!({"attributes": {"age": {"claim": "age", "type": "number"}}, "routing": routing});
    let weir = Plugin::new("ab_routing").unwrap().config(&config);
    let listener =
        Listener::new().filter(Filter::Native("envoy.filters.http.jwt_authn".to_owned(), jwt)).plugin(weir);
    let envoy = Envoy::start(Bootstrap::default().listener(listener)).unwrap();
    let client = Client::http1();
    for path in ["/sub", "/list", "/age"] {
        let with = Request::get(path).header("authorization", format!("Bearer {TOKEN}"));
        assert_eq!(upstream(&client.send(envoy.listener(0), &with).unwrap()), "v2", "{path} {}", envoy.log());
        assert_eq!(
            upstream(&client.send(envoy.listener(0), &Request::get(path)).unwrap()),
            "v1",
            "{path}, no token"
        );
    }
}

/// Weights of a ramp are those of its moment, on all workers.
#[test]
fn a_ramp_has_the_weights_of_now() {
    // Steps of 25 years: the first was taken in 2026.
    let ramp = json!({"start": "2001-01-01T00:00:00Z", "over": "36525d", "steps": 4});
    let mut routing = split("ramp", &[60.0, 40.0]);
    routing["rules"][0]["split"]["ramp"] = ramp;
    let listener = Listener::new().plugin(plugin(&routing));
    let envoy = Envoy::start(Bootstrap::default().concurrency(2).listener(listener)).unwrap();
    assert_eq!(asked(&envoy, 0, &Client::http1()), expected("ramp", &[90.0, 10.0]));
}
