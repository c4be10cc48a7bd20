//! Exposures and conversions, user by user.

use super::*;

const USERS: usize = 300;
const SECRET: &str = "for-tests-only-a-secret";

/// Whether a user orders in the end; the others' orders are refused.
fn converts(number: usize) -> bool {
    number.is_multiple_of(3)
}

#[test]
fn every_user_converts_in_the_right_variant() {
    let users: Vec<String> = (0..USERS).map(user).collect();
    let order = json!({"method": {"exact": "POST"}, "uri": {"exact": "/orders"}});
    let by_user = json!({"user": {"source": "header:x-user-id", "values": &users}});
    let config = json!({
        "experiments": {
            "unit": "header:x-user-id", "secret": {"value": SECRET}, "assignmentCookie": {"name": "seen"},
            "list": [{"key": "checkout", "variants": [{"key": "a", "weight": 70}, {"key": "b", "weight": 30}]}],
        },
        "metrics": {"list": [
            {"name": "orders_total", "experiments": "*", "match": &order, "response": {"status": "2xx"}},
            {"name": "user_orders_total", "experiments": "*", "match": &order, "response": {"status": "2xx"}, "labels": by_user},
        ]},
    });
    let listener = Listener::new().plugin(Plugin::new("weir").unwrap().config(&config));
    let bootstrap =
        Bootstrap::default().concurrency(2).stats_config(stats_tags(&["experiment", "user", "variant"]));
    let envoy = Envoy::start(bootstrap.listener(listener)).unwrap();

    let visits = ask(&envoy, users.iter().map(|user| Request::get("/").header("x-user-id", user)).collect());
    let cookie = |answer: &Response| {
        let cookie = String::from_utf8(answer.header("set-cookie").expect("a cookie").to_vec()).unwrap();
        cookie.split(';').next().unwrap().to_owned()
    };
    let cookies: Vec<String> = visits.iter().map(cookie).collect();
    let request = |number: usize| {
        let status = if converts(number) { "201" } else { "402" };
        post("/orders")
            .header("x-user-id", &users[number])
            .header("cookie", &cookies[number])
            .header("x-answer-status", status)
    };
    ask(&envoy, (0..USERS).map(request).collect());

    let law = Law::new("checkout", &[70.0, 30.0]);
    let expected = |variant: usize, all: bool| {
        let fits = |number: &usize| law.variant(&users[*number]) == variant && (all || converts(*number));
        (0..USERS).filter(fits).count() as f64
    };
    let labels = |variant| [("experiment", "checkout"), ("variant", variant)];
    let all =
        |page: &weir_tests::exposition::Page| page.sum("user_orders_total", &[]) == USERS.div_ceil(3) as f64;
    let page = page_with(&envoy, all);
    for (position, variant) in ["a", "b"].into_iter().enumerate() {
        let exposed = page.value("weir_exposures_total", &labels(variant));
        let ordered = page.value("orders_total", &labels(variant));
        println!("{variant}: {exposed:?} units exposed, {ordered:?} orders");
        assert_eq!(exposed, Some(expected(position, true)));
        assert_eq!(ordered, Some(expected(position, false)));
    }
    for (number, user) in users.iter().enumerate() {
        for (position, variant) in ["a", "b"].into_iter().enumerate() {
            let [experiment, variant] = labels(variant);
            let count =
                page.value("user_orders_total", &[experiment, ("user", user), variant]).unwrap_or(0.0);
            let right = converts(number) && law.variant(user) == position;
            assert_eq!(count, f64::from(u8::from(right)), "{user} in {variant:?}");
        }
    }
    assert_quiet(&envoy);
}
