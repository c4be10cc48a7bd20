//! The values that are sent to the proxy, option by option.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop where they fail")]

use crate::support::{Lab, Response, request, status};

/// Request headers.
type Headers<'h> = Vec<(&'h str, &'h [u8])>;

/// What a section with this list shows after some requests.
fn shown(list: &str, requests: &[(Headers<'_>, Response<'_>)]) -> Vec<String> {
    let lab = Lab::new(&format!(r#"{{"list": [{list}]}}"#)).unwrap();
    for (headers, end) in requests {
        lab.serve(headers, &[], end);
    }
    lab.proxy.shown()
}

#[test]
fn a_counter_costs_nothing_but_its_increment() {
    let lab = Lab::new(r#"{"list": [{"name": "hits_total"}]}"#).unwrap();
    assert!(lab.access_plan.headers.iter().all(|name| **name == *b"x-weir-route"), "no header is read");
    lab.plan.define_all(&lab.proxy);
    assert_eq!(lab.proxy.calls.replace(0), 1);
    let end = Response::default();
    lab.serve(&[], &[], &end);
    assert_eq!((lab.proxy.calls.get(), lab.clock_calls.get()), (1, 0));
    assert!(end.asked().is_empty());
    assert_eq!(lab.proxy.shown(), ["hits_total 1"]);
}

#[test]
fn at_the_request_nothing_is_left_for_the_end() {
    let lab = Lab::new(r#"{"list": [{"name": "hits_total", "when": "request"}]}"#).unwrap();
    assert!(lab.start(&[], &[]).is_none());
    assert_eq!(lab.proxy.shown(), ["hits_total 1"]);
}

#[test]
fn class_and_latency_ask_for_a_status_and_two_clocks() {
    let lab = Lab::new(
        r#"{"list": [{"name": "requests_total", "labels": {"code_class": "codeClass"}},
                     {"name": "duration_ms", "type": "histogram", "value": {"duration": "milliseconds"}}]}"#,
    )
    .unwrap();
    lab.host.now.set(5_000_000);
    let end = Response { status: Some(503), now: 47_600_000, ..Response::default() };
    lab.serve(&[], &[], &end);
    assert_eq!(end.asked(), ["status", "now"]);
    assert_eq!(lab.clock_calls.get(), 1);
    assert_eq!(lab.proxy.shown(), ["code_class=.=5xx;.;requests_total 1", "duration_ms [43]"]);
    lab.proxy.calls.set(0);
    lab.serve(&[], &[], &Response { status: Some(503), ..Response::default() });
    assert_eq!(lab.proxy.calls.get(), 2, "ids are known");
    assert!(lab.proxy.shown().contains(&"duration_ms [43, 0]".to_owned()), "a clock that was set back");
}

#[test]
fn every_source_of_a_label() {
    let labels = r#""labels": {
        "cls": "codeClass", "code": "code", "method": "method", "route": "route", "grpc": "grpcStatus",
        "plan": {"source": "plan", "values": ["gold", "free"]}"#;
    let ended = || Response {
        status: Some(201),
        headers: vec![("x-kind", "Fresh"), ("grpc-status", "14")],
        properties: vec![
            ("xds.route_name", b"shop".to_vec()),
            ("response.code_details", b"via_upstream".to_vec()),
        ],
        ..Response::default()
    };
    let mut headers = request("POST", "/users/7?x=1");
    headers.extend([
        ("x-plan", &b"gold"[..]),
        ("x-items", b"3"),
        ("x-beta", b"1"),
        ("user-agent", b"Mobile x"),
    ]);
    let all = shown(&format!(r#"{{"name": "a_total", {labels} }} }}"#), &[(headers.clone(), ended())]);
    assert_eq!(
        all,
        ["cls=.=2xx;.;code=.=201;.;grpc=.=14;.;method=.=POST;.;plan=.=gold;.;route=.=shop;.;a_total 1"]
    );
    let all = shown(
        r#"{"name": "b_total", "labels": {
            "agent": {"source": "header:user-agent", "classes": [{"class": "bot", "match": {"contains": "bot"}},
                      {"class": "mobile", "match": {"prefix": "Mobile"}}]},
            "beta": "beta", "items": "items", "fixed": {"constant": "x"},
            "details": {"endProperty": "response.code_details"}, "kind": {"responseHeader": "X-Kind"},
            "path": {"source": "path", "templates": ["/users", "/users/{id}"]},
            "sent": {"givenHeader": "X-Weir-Route"}}}"#,
        &[(headers, ended())],
    );
    assert_eq!(
        all,
        ["agent=.=mobile;.;beta=.=true;.;details=.=via_upstream;.;fixed=.=x;.;items=.=3;.;kind=.=Fresh;.;\
          path=.=/users/{id};.;sent=.=v2;.;b_total 1"]
    );
}

#[test]
fn what_is_absent_is_none_and_what_is_unknown_is_other_and_counted() {
    let all = shown(
        r#"{"name": "a_total", "labels": {"cls": "codeClass", "method": "method"}}"#,
        &[
            (request("GET", "/"), Response::default()),
            (request("BREW", "/"), status(418)),
            (request("BREW", "/"), status(999)),
        ],
    );
    assert_eq!(
        all,
        [
            "cls=.=4xx;.;method=.=other;.;a_total 1",
            "cls=.=none;.;method=.=GET;.;a_total 1",
            "cls=.=other;.;method=.=other;.;a_total 1",
            "label=.=cls;.;metric=.=a_total;.;weir_metrics_overflow_total 1",
            "label=.=method;.;metric=.=a_total;.;weir_metrics_overflow_total 2",
        ]
    );
}

#[test]
fn experiments_have_series_of_their_own() {
    let section = r#"{"list": [
        {"name": "orders_total", "experiments": "*", "match": {"method": {"exact": "POST"}, "uri": {"exact": "/orders"}},
         "response": {"status": "2xx"}},
        {"name": "by_total", "labels": {"variant": {"variant": "first"}}}]}"#;
    let lab = Lab::with(section, &["first", "se.cond"]).unwrap();
    let order = request("POST", "/orders");
    lab.serve(&order, &[Some(0), Some(1)], &status(201));
    lab.serve(&order, &[Some(1), None], &status(200));
    lab.serve(&order, &[Some(0), None], &status(500));
    lab.serve(&request("GET", "/orders"), &[None, Some(1)], &status(200));
    assert_eq!(
        lab.proxy.shown(),
        [
            "experiment=.=first;.;variant=.=a;.;orders_total 1",
            "experiment=.=first;.;variant=.=b_1;.;orders_total 1",
            "experiment=.=se_cond;.;variant=.=b_1;.;orders_total 1",
            "variant=.=a;.;by_total 2",
            "variant=.=b_1;.;by_total 1",
            "variant=.=none;.;by_total 1",
        ]
    );
}

#[test]
fn variants_of_another_plugin_are_read_from_filter_state() {
    let lab = Lab::new(r#"{"list": [{"name": "a_total", "experiments": "remote"}]}"#).unwrap();
    lab.serve(&[], &[], &Response::default());
    assert_eq!(lab.proxy.shown(), ["experiment=.=remote;.;variant=.=b;.;a_total 1"]);
}

#[test]
fn red_is_one_line() {
    let lab = Lab::with(r#"{"red": {}}"#, &["checkout"]).unwrap();
    lab.host.now.set(1_000_000);
    let route = || vec![("xds.route_name", b"shop".to_vec())];
    let end = Response { status: Some(200), now: 4_000_000, properties: route(), ..Response::default() };
    lab.serve(&[], &[Some(1)], &end);
    assert_eq!(
        lab.proxy.shown(),
        [
            "code_class=.=2xx;.;experiment=.=checkout;.;variant=.=b_1;.;weir_experiment_requests_total 1",
            "code_class=.=2xx;.;route=.=shop;.;weir_requests_total 1",
            "experiment=.=checkout;.;variant=.=b_1;.;weir_experiment_request_duration_milliseconds [3]",
            "route=.=shop;.;weir_request_duration_milliseconds [3]",
        ]
    );
    let lab =
        Lab::with(r#"{"red": {"route": false, "duration": false, "experiments": false}}"#, &["x"]).unwrap();
    let end = status(404);
    lab.serve(&[], &[Some(1)], &end);
    assert_eq!(lab.proxy.shown(), ["code_class=.=4xx;.;weir_requests_total 1"]);
    assert_eq!(end.asked(), ["status"]);
}

#[test]
fn a_gauge_of_active_requests_is_never_below_zero() {
    let lab = Lab::new(
        r#"{"list": [{"name": "active", "type": "gauge", "labels": {"plan": {"source": "plan", "atMost": 2}}, "maxSeries": 2}]}"#,
    )
    .unwrap();
    let plans = [&b"a"[..], b"b", b"c", b"d"];
    let mut all = Vec::new();
    for plan in plans.iter().cycle().take(100) {
        all.extend(lab.start(&[("x-plan", plan)], &[]));
    }
    assert_eq!(all.len(), 100);
    let sum = |lab: &Lab| -> i64 {
        let values = lab.proxy.values.borrow();
        values.iter().filter(|(name, _)| name.ends_with(";active")).map(|(_, value)| value).sum()
    };
    assert_eq!(sum(&lab), 100);
    // The fake refuses to go below zero.
    for measured in all {
        lab.plan.end(measured, &Response::default(), &lab.proxy);
    }
    assert_eq!(sum(&lab), 0);
}

#[test]
fn every_value() {
    let integer = |number: i64| number.to_le_bytes().to_vec();
    let end = || Response {
        status: Some(200),
        now: 7_000_000_400,
        headers: vec![("x-total", "12.6"), ("x-bad", "many"), ("x-negative", "-3")],
        properties: vec![
            ("response.size", integer(2048)),
            ("request.size", integer(-1)),
            ("response.backend_latency", integer(2_600_000)),
        ],
        ..Response::default()
    };
    let headers = || vec![("x-items", &b"5"[..]), ("x-cents", b"250"), ("x-none", b"x")];
    for (value, expected) in [
        (r#"{"constant": 3}"#, Some(3)),
        (r#"{"constant": 0}"#, None),
        (r#"{"duration": "seconds"}"#, Some(7)),
        (r#"{"duration": "microseconds"}"#, Some(7_000_000)),
        (r#"{"size": "response"}"#, Some(2048)),
        (r#"{"size": "response", "divideBy": 1000}"#, Some(2)),
        (r#"{"size": "request"}"#, None),
        (r#"{"source": "items"}"#, Some(5)),
        (r#"{"source": "header:x-cents", "divideBy": 100}"#, Some(3)),
        (r#"{"source": "header:x-none"}"#, None),
        (r#"{"responseHeader": "x-total"}"#, Some(13)),
        (r#"{"responseHeader": "x-bad"}"#, None),
        (r#"{"responseHeader": "x-negative"}"#, None),
        (r#"{"endProperty": "response.backend_latency", "divideBy": 1000000}"#, Some(3)),
        (r#"{"endProperty": "response.nothing"}"#, None),
    ] {
        let metric = |kind: &str| format!(r#"{{"name": "m", "type": "{kind}", "value": {value}}}"#);
        let one = |kind: &str| shown(&metric(kind), &[(headers(), end())]);
        let counted: Vec<String> = expected.iter().map(|value| format!("m {value}")).collect();
        assert_eq!(one("counter"), counted, "{value}");
        assert_eq!(one("gauge"), counted, "{value}");
        let recorded = match expected {
            Some(value) => vec![format!("m [{value}]")],
            None if value.contains("constant") => vec!["m [0]".to_owned()],
            None => vec![],
        };
        assert_eq!(one("histogram"), recorded, "{value}");
    }
}

#[test]
fn what_a_client_says_cannot_make_a_counter_go_round() {
    let list = r#"{"name": "m", "value": {"source": "items"}, "when": "request"}"#;
    let huge = vec![("x-items", &b"1e300"[..])];
    let requests: Vec<_> = (0..1000).map(|_| (huge.clone(), Response::default())).collect();
    assert_eq!(shown(list, &requests), [format!("m {}", 1000 * (1i64 << 50))]);
}

#[test]
fn which_responses() {
    let counts = |response: &str, end: Response<'_>| {
        !shown(&format!(r#"{{"name": "m", "response": {response}}}"#), &[(vec![], end)]).is_empty()
    };
    assert!(counts(r#"{"status": 201}"#, status(201)) && !counts(r#"{"status": 201}"#, status(200)));
    assert!(counts(r#"{"status": ["5xx", 404]}"#, status(404)));
    assert!(!counts(r#"{"status": "2xx"}"#, Response::default()), "no response");
    let with = |headers| Response { status: Some(200), headers, ..Response::default() };
    let header = r#"{"status": "2xx", "headers": {"X-Order-Id": {}}}"#;
    assert!(counts(header, with(vec![("x-order-id", "1")])) && !counts(header, with(vec![])));
    assert!(counts(r#"{"headers": {"x-cache": {"present": false}}}"#, with(vec![])));
    let grpc = r#"{"grpcStatus": ["1-16"]}"#;
    assert!(counts(grpc, Response { trailers: vec![("grpc-status", "5")], ..status(200) }));
    assert!(counts(grpc, with(vec![("grpc-status", "5")])));
    assert!(!counts(grpc, Response { trailers: vec![("grpc-status", "0")], ..status(200) }));
    assert!(!counts(grpc, with(vec![])));
}

#[test]
fn the_same_question_is_asked_once_for_all_metrics() {
    let lab = Lab::new(
        r#"{"list": [
            {"name": "a_total", "labels": {"cls": "codeClass", "kind": {"responseHeader": "x-kind"}}, "response": {"status": "2xx", "headers": {"x-kind": {}}}},
            {"name": "b_total", "labels": {"code": "code", "other_kind": {"responseHeader": "x-kind", "values": ["a"]}}},
            {"name": "c_ms", "type": "histogram", "value": {"duration": "milliseconds"}, "labels": {"route": "route"}},
            {"name": "d_ms", "type": "histogram", "value": {"duration": "milliseconds"}, "labels": {"way": {"source": "route", "values": ["x"]}}}],
            "accessLog": {}}"#,
    );
    // `kind` is the end of `other_kind`.
    assert!(lab.is_err());
    let lab = Lab::new(
        r#"{"list": [
            {"name": "a_total", "labels": {"cls": "codeClass", "kind": {"responseHeader": "x-kind"}}, "response": {"status": "2xx", "headers": {"x-kind": {}}}},
            {"name": "b_total", "labels": {"code": "code", "sort": {"responseHeader": "x-kind", "values": ["a"]}}},
            {"name": "c_ms", "type": "histogram", "value": {"duration": "milliseconds"}, "labels": {"route": "route"}},
            {"name": "d_ms", "type": "histogram", "value": {"duration": "milliseconds"}, "labels": {"way": {"source": "route", "values": ["x"]}}}],
            "accessLog": {}}"#,
    )
    .unwrap();
    let end = Response { headers: vec![("x-kind", "a")], ..status(200) };
    // The fake refuses to be asked twice.
    lab.serve(&request("GET", "/"), &[], &end);
    assert_eq!(end.asked(), ["status", "header x-kind", "now", "property xds.route_name"]);
}

#[test]
fn sub_buckets_are_even_and_sticky() {
    let lab = Lab::new(
        r#"{"list": [{"name": "m", "labels": {"part": {"subBucket": {"unit": ["header:x-user", "cookie:id"], "buckets": 10}}}}]}"#,
    )
    .unwrap();
    for user in 0..10_000 {
        let user = format!("user-{user}");
        lab.serve(&[("x-user", user.as_bytes())], &[], &Response::default());
    }
    let before = lab.proxy.shown();
    assert_eq!(before.len(), 10);
    for line in &before {
        let count: i64 = line.rsplit(' ').next().unwrap().parse().unwrap();
        // Four standard deviations of a binomial with 10 000 and 0.1.
        assert!((880..=1120).contains(&count), "{line}");
    }
    lab.serve(&[("x-user", b"")], &[], &Response::default());
    assert!(lab.proxy.shown().contains(&"part=.=none;.;m 1".to_owned()));
    let lab = Lab::new(r#"{"list": [{"name": "m", "labels": {"part": {"subBucket": {"unit": "header:x-user", "buckets": 100}}}}]}"#).unwrap();
    (0..50).for_each(|_| lab.serve(&[("x-user", b"ada")], &[], &Response::default()));
    assert_eq!(lab.proxy.shown().len(), 1);
}

#[test]
fn a_proxy_that_refuses_is_asked_once() {
    let lab = Lab::new(r#"{"list": [{"name": "a_total"}, {"name": "g", "type": "gauge"}]}"#).unwrap();
    lab.proxy.refuses.set(true);
    lab.plan.define_all(&lab.proxy);
    for _ in 0..10 {
        lab.serve(&[], &[], &Response::default());
    }
    assert_eq!(lab.proxy.calls.get(), 2);
}

#[test]
fn many_labels_have_room() {
    let metrics: Vec<String> = (0..30)
        .map(|i| {
            format!(
                r#"{{"name": "m{i}", "labels": {{"a": "header:x-{i}", "b": {{"responseHeader": "y-{i}"}}}}}}"#
            )
        })
        .collect();
    let headers: Vec<(String, String)> = (0..30).map(|i| (format!("x-{i}"), format!("v{i}"))).collect();
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let answers: Vec<(String, String)> = (0..30).map(|i| (format!("y-{i}"), format!("w{i}"))).collect();
    let answers = answers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut all =
        shown(&metrics.join(","), &[(headers, Response { headers: answers, ..Response::default() })]);
    let mut expected: Vec<String> = (0..30).map(|i| format!("a=.=v{i};.;b=.=w{i};.;m{i} 1")).collect();
    all.sort();
    expected.sort();
    assert_eq!(all, expected);
}
