//! Requests that are nobody's visit: forty browsers of a page of another origin, each with a preflight before each
//! request, who typed the bare address before they came.

use super::*;

const BROWSERS: usize = 40;
const HALVES: &[(&str, f64)] = &[("a", 50.0), ("b", 50.0)];

/// Of paths below `/bare` the proxy redirects plain HTTP itself, as Istio's `httpsRedirect` has it.
fn visited() -> Envoy {
    let section = json!({
        "mintCookie": {"name": "id"},
        "secret": {"value": SECRET},
        "assignmentCookie": {"name": "seen"},
        "list": [{"key": "checkout", "variants": variants(HALVES)}],
    });
    let routes = json!([
        {"match": {"prefix": "/bare"}, "redirect": {"https_redirect": true}},
        {"match": {"prefix": "/"}, "route": {"cluster": "v1"}},
    ]);
    let listener = Listener::new().plugin(plugin(&section)).routes(routes);
    Envoy::start(Bootstrap::default().concurrency(2).listener(listener)).unwrap()
}

fn exposures(envoy: &Envoy) -> i64 {
    ["a", "b"].map(|variant| counted(envoy, "checkout", variant, "weir_exposures_total")).iter().sum()
}

/// All cookies that a response sets, as the browser sends them back.
fn cookies(response: &Response) -> String {
    let pairs = ["id", "seen"].map(|name| set_cookie(response, name).expect("a cookie"));
    pairs.join("; ")
}

#[test]
fn forty_browsers_are_forty_units() {
    let envoy = visited();
    let send = |request: &Request| Client::http1().send(envoy.listener(0), request).unwrap();
    let request = |method: &str, path: &str| Request { method: method.to_owned(), ..Request::get(path) };
    for _ in 0..BROWSERS {
        let redirected = send(&Request::get("/bare"));
        assert_eq!(redirected.status, 301);
        assert!(redirected.header("location").unwrap().starts_with(b"https://"));
        assert_eq!(redirected.header("set-cookie"), None);
    }
    assert_eq!(exposures(&envoy), 0, "they have seen nothing yet");
    for _ in 0..BROWSERS {
        let mut known: Option<String> = None;
        for _ in 0..2 {
            let preflight = request("OPTIONS", "/api")
                .header("origin", "https://app.example")
                .header("access-control-request-method", "PUT");
            let answer = send(&preflight);
            assert_eq!((answer.status, answer.header("set-cookie"), checkout(&answer)), (200, None, None));
            let put = request("PUT", "/api").header("origin", "https://app.example");
            let put = match &known {
                Some(cookies) => put.header("cookie", cookies),
                None => put,
            };
            let answer = send(&put);
            assert_eq!(answer.status, 200);
            match &known {
                Some(_) => assert_eq!(answer.header("set-cookie"), None),
                None => known = Some(cookies(&answer)),
            }
        }
        let prefetch = Request::get("/next").header("sec-purpose", "prefetch;prerender");
        assert_eq!(send(&prefetch).header("set-cookie"), None);
    }
    assert_eq!(exposures(&envoy), BROWSERS as i64);
}
