//! `weir report`, against a server that answers as Prometheus does. The real one is asked in `tests/tests/envoy`.

use crate::registry::{Answer, Registry, Request};
use crate::shop::{Arm, CONFIG, Series, Shop, Truth};
use crate::support::{Folder, Run, weir};
use serde_json::{Value, json};

/// 2026-03-01T00:00:00Z
const START: u64 = 1_772_323_200;
const SINCE: &str = "2026-03-01T00:00:00Z";
const UNTIL: &str = "2026-03-03T00:00:00Z";

/// What the two functions give over the ranges of a query, as Prometheus 2 does.
fn answer(stored: &[Series], request: &Request) -> Answer {
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/prom/api/v1/query_range"));
    let form = String::from_utf8(request.body.clone()).unwrap();
    let field = |name: &str| {
        let value = form.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}="))).unwrap();
        decoded(value)
    };
    let query = field("query");
    let number = |name: &str| field(name).parse::<u64>().unwrap();
    let (start, end, step) = (number("start"), number("end"), number("step"));
    let (function, rest) = query.split_once('(').unwrap();
    let (metric, rest) = rest.split_once('{').unwrap();
    let goal = if metric == "weir_conversions_total" { ",goal=\"order\"" } else { "" };
    // What there was at the start may be an hour old.
    let back = if rest.ends_with("[1h])") { 3600 } else { step };
    let window = if back == 3600 && step != 3600 { "1h".to_owned() } else { format!("{step}s") };
    assert_eq!(rest, format!("experiment=\"check_out\"{goal}}}[{window}])"), "{query}");
    let result: Vec<Value> = stored
        .iter()
        .filter(|series| series.name == metric)
        .map(|series| {
            assert!(series.samples.is_sorted_by_key(|(time, _)| *time));
            let values: Vec<Value> = (0..=(end - start) / step)
                .filter_map(|place| {
                    let at = start + place * step;
                    let until = series.samples.partition_point(|(time, _)| *time <= at);
                    let from = series.samples[..until].partition_point(|(time, _)| time + back < at);
                    let values: Vec<f64> =
                        series.samples[from..until].iter().map(|(_, value)| *value).collect();
                    let value = match function {
                        "last_over_time" => *values.last()?,
                        "max_over_time" => values.iter().copied().reduce(f64::max)?,
                        other => panic!("{other}"),
                    };
                    Some(json!([at, value.to_string()]))
                })
                .collect();
            let labels: serde_json::Map<String, Value> =
                series.labels.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            json!({"metric": labels, "values": values})
        })
        .collect();
    Answer::body(json!({"status": "success", "data": {"resultType": "matrix", "result": result}}).to_string())
}

fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).unwrap()
}

fn report_of(shop: &Shop, more: &[&str]) -> (Run, Truth) {
    let (stored, truth) = shop.scraped();
    let server = Registry::answering(move |request| answer(&stored, request));
    (report(&format!("http://{}/prom", server.host), more), truth)
}

fn report(url: &str, more: &[&str]) -> Run {
    let folder = Folder::new();
    let file = folder.write("shop.yaml", CONFIG);
    let base = [
        "report",
        &file,
        "--prometheus",
        url,
        "--experiment",
        "check.out",
        "--since",
        SINCE,
        "--until",
        UNTIL,
    ];
    weir(&[&base[..], more].concat())
}

/// What was reported is what happened.
fn same(report: &Value, truth: &Truth) {
    for arm in 0..2 {
        let own = &report["arms"][arm];
        assert_eq!(own["units"], truth.units[arm], "{own}");
        assert_eq!(own["requests"], truth.requests[arm], "{own}");
        let goal = |name: &str| {
            let goals = report["goals"].as_array().unwrap();
            goals.iter().find(|goal| goal["metric"] == name).unwrap()["arms"][arm]["total"].as_f64()
        };
        assert_eq!(goal("orders_total"), Some(truth.orders[arm] as f64));
        assert_eq!(goal("clicks_total"), Some(truth.clicks[arm] as f64));
        assert_eq!(goal("weir_conversions_total{goal=\"order\"}"), Some(truth.orders[arm] as f64));
        let errors = truth.errors[arm] as f64 / truth.requests[arm] as f64;
        let guardrail = &report["guardrails"][0];
        let reported = if arm == 0 { &guardrail["control"] } else { &guardrail["comparisons"][0]["value"] };
        assert!((reported.as_f64().unwrap() - errors).abs() < 1e-12, "{guardrail}");
    }
}

#[test]
fn a_healthy_experiment_is_reported_as_it_is() {
    let (run, truth) = report_of(&Shop::healthy(START), &["--output", "json"]);
    assert_eq!(run.code, 0, "{run:?}");
    let report = run.json();
    same(&report, &truth);
    assert_eq!(
        (&report["since"], &report["until"], &report["proxies"]),
        (&json!(SINCE), &json!(UNTIL), &json!(1))
    );
    assert!(report["srm"]["mismatch"] == false && report["ok"] == true, "{report}");
    assert!(report["periods"].as_array().unwrap().len() >= 24);
    for goal in report["goals"].as_array().unwrap() {
        let compared = &goal["comparisons"][0];
        assert_eq!(compared["significant"], false, "{goal}");
        let (once, any) = (&compared["interval"], &compared["sequence"]);
        assert!(
            any["low"].as_f64() < once["low"].as_f64() && once["high"].as_f64() < any["high"].as_f64(),
            "{goal}"
        );
    }
    let methods: Vec<&Value> =
        report["goals"].as_array().unwrap().iter().map(|goal| &goal["method"]).collect();
    assert_eq!(methods, ["units", "batch_means", "one_request_a_unit"], "units come first");
    // Each unit orders at most once here, so that both say the same.
    assert_eq!(report["goals"][0]["comparisons"], report["goals"][2]["comparisons"]);
}

#[test]
fn resets_gaps_and_several_proxies_change_nothing() {
    for (proxies, restart, late) in [(1, true, false), (3, false, false), (3, true, true)] {
        let shop = Shop { proxies, restart, late, ..Shop::healthy(START) };
        let (run, truth) = report_of(&shop, &["--output", "json"]);
        assert_eq!(run.code, 0, "{run:?}");
        let report = run.json();
        assert_eq!(report["proxies"], proxies);
        same(&report, &truth);
    }
}

#[test]
fn a_better_variant_is_found() {
    let mut shop = Shop::healthy(START);
    shop.arms[1].orders = 0.07;
    let (run, _) = report_of(&shop, &[]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.contains("orders_total: one-page has more than the control, +"), "{run:?}");
    assert!(run.out.contains("clicks_total: no difference of one-page is shown yet"), "{run:?}");
    assert!(run.out.contains("The split is as configured") && run.out.contains('█'), "{run:?}");
    let (run, _) = report_of(&shop, &["--goal", "orders_total", "--control", "one-page", "--output", "json"]);
    let goals = run.json()["goals"].clone();
    assert_eq!(goals.as_array().unwrap().len(), 1);
    assert_eq!(goals[0]["comparisons"][0]["arm"], "control");
    assert!(goals[0]["comparisons"][0]["lift"]["value"].as_f64().unwrap() < -0.1, "{goals}");
}

#[test]
fn a_mismatch_fails() {
    let (run, _) = report_of(&Shop { control: 0.48, ..Shop::healthy(START) }, &[]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.out.contains("Sample ratio mismatch: "), "{run:?}");
    assert!(run.out.contains("none of the comparisons can be believed"), "{run:?}");
}

#[test]
fn a_guardrail_fails() {
    let bad = |errors, milliseconds| {
        let mut shop = Shop::healthy(START);
        shop.arms[1] = Arm { errors, milliseconds, ..shop.arms[1] };
        shop
    };
    let (run, _) = report_of(&bad(0.03, 40.0), &[]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(
        run.out.contains("Guardrail 5xx fails: one-page") && run.out.contains("Guardrail latency holds"),
        "{run:?}"
    );
    let (run, _) = report_of(&bad(0.005, 60.0), &[]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.out.contains("Guardrail latency fails: one-page"), "{run:?}");
    let (run, _) = report_of(&bad(0.03, 60.0), &["--tolerate-5xx", "5%", "--tolerate-latency", "80%"]);
    assert_eq!(run.code, 0, "tolerated: {run:?}");
}

#[test]
fn the_page_needs_nothing_else() {
    let folder = Folder::new();
    let page = folder.path("report.html");
    let mut shop = Shop::healthy(START);
    shop.arms[1].orders = 0.07;
    let (run, _) = report_of(&shop, &["--html", &page]);
    assert_eq!(run.code, 0, "{run:?}");
    let html = std::fs::read_to_string(&page).unwrap();
    for id in ["plot-exposures", "plot-srm", "plot-lift-0", "plot-lift-1", "verdict", "guardrails", "goal-0"]
    {
        assert!(html.contains(&format!("id=\"{id}\"")), "{id}");
    }
    for part in
        ["prefers-color-scheme: dark", "class=\"band c1\"", "Experiment check.out", "default-src 'none'"]
    {
        assert!(html.contains(part), "{part}");
    }
    for part in ["<script", "src=", "href=", "url(", "@import", "http://", "https://", "NaN"] {
        assert!(!html.contains(part), "{part}");
    }
    balanced(&html);
}

/// Each tag is closed where it was opened.
fn balanced(html: &str) {
    let mut open: Vec<&str> = Vec::new();
    for part in html.split('<').skip(1) {
        let tag = part.split('>').next().unwrap();
        let name = tag.trim_start_matches('/').split([' ', '\n']).next().unwrap();
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed));
        } else if !tag.ends_with('/') && !["!doctype", "meta"].contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn what_the_server_says_is_passed_on_and_bounded() {
    let server = |answer: fn(&Request) -> Answer| format!("http://{}/prom", Registry::answering(answer).host);
    let answering = Registry::answering(|_| Answer {
        status: 422,
        ..Answer::body(r#"{"status":"error","errorType":"bad_data","error":"no \u001b[1m such thing"}"#)
    });
    for (url, message) in [
        (format!("http://{}", answering.host), "no \\u001b[1m such thing"),
        (server(|_| Answer::status(503)), "answered with status 503"),
        (server(|_| Answer::status(302).with("location", "/elsewhere")), "answered with status 302"),
        (server(|_| Answer::body("<html>")), "not an answer of Prometheus"),
        (server(|_| Answer::endless("{")), "more than 128 MiB"),
        (
            server(|_| Answer::body(r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#)),
            "Prometheus has no weir_exposures_total",
        ),
        ("http://127.0.0.1:1".to_owned(), "Prometheus at 127.0.0.1:1"),
        ("localhost:9090".to_owned(), "--prometheus: invalid URL"),
        ("http://user:secret-word@127.0.0.1:1".to_owned(), "Prometheus at 127.0.0.1:1"),
    ] {
        let run = report(&url, &[]);
        assert_eq!(run.code, 2, "{message}: {run:?}");
        assert!(run.err.contains(message) && !run.err.contains("secret-word"), "{message}: {run:?}");
    }
}

#[test]
fn options_that_do_not_fit_are_refused_before_anything_is_asked() {
    let folder = Folder::new();
    let file = folder.write("shop.yaml", CONFIG);
    let secret = "  secret: {value: for-tests-only-a-secret}\n  assignmentCookie: {name: seen}\n";
    let without = folder.write("without.yaml", &CONFIG.replace(secret, ""));
    let istio = folder.write(
        "istio.yaml",
        &CONFIG.replace(CONFIG.split_once("  red: {}\n").unwrap().1, "  style: istio\n"),
    );
    let run = |file: &str, more: &[&str]| {
        weir(&[&["report", file, "--prometheus", "http://127.0.0.1:1", "--experiment"][..], more].concat())
    };
    for (file, more, message) in [
        (&file, &["checkout"][..], "unknown experiment \"checkout\" (known: check.out)"),
        (&file, &["check.out", "--control", "b"], "unknown variant \"b\" (known: control, one-page)"),
        (&file, &["check.out", "--goal", "order_total"], "unknown goal \"order_total\""),
        (&file, &["check.out", "--since", "yesterday"], "--since: invalid time \"yesterday\""),
        (&file, &["check.out", "--since", "1d", "--until", "2d"], "nothing to report"),
        (&file, &["check.out", "--matcher", "namespace"], "--matcher: invalid matcher"),
        (&file, &["check.out", "--alpha", "2"], "--alpha"),
        (&file, &["check.out", "--tuning", "0"], "--tuning"),
        (&file, &["check.out", "--tolerate-5xx=-1%"], "--tolerate-5xx"),
        (&file, &["check.out", "--bearer-token-file", "/does/not/exist"], "--bearer-token-file"),
        (&without, &["check.out"], "set experiments.assignmentCookie"),
        (&istio, &["check.out"], "metrics.style is istio"),
    ] {
        let run = run(file, more);
        assert_eq!(run.code, 2, "{message}: {run:?}");
        assert!(run.err.contains(message), "{message}: {run:?}");
    }
}

#[test]
fn a_token_is_sent_and_matchers_are_added() {
    let (stored, _) = Shop::healthy(START).scraped();
    let server = Registry::answering(move |request| {
        if request.authorization != "Bearer abc" {
            return Answer::status(401);
        }
        let body = String::from_utf8(request.body.clone()).unwrap();
        assert!(body.contains("namespace%3D%22shop%22"), "{body}");
        let plain = body.replace("%2Cnamespace%3D%22shop%22", "");
        let authorization = request.authorization.clone();
        let (method, path) = (request.method.clone(), request.path.clone());
        answer(&stored, &Request { method, path, authorization, body: plain.into_bytes() })
    });
    let folder = Folder::new();
    let token = folder.write("token", "abc\n");
    let url = format!("http://{}/prom", server.host);
    let run = report(&url, &["--bearer-token-file", &token, "--matcher", "namespace=\"shop\""]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(report(&url, &[]).err.contains("status 401"));
}
