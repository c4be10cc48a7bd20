//! Invalid sections: each error is found, with its path, and all at once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop where they fail")]

use crate::support::Lab;

/// The problems of a section, which must be exactly these lines, in any order.
fn refused(section: &str, expected: &[&str]) {
    let problems = Lab::new(section).err().unwrap_or_else(|| panic!("accepted: {section}")).to_string();
    for line in expected {
        let line = format!("faults{line}");
        assert!(problems.lines().any(|found| found == line), "{line}\nis not in\n{problems}");
    }
    assert_eq!(problems.lines().count(), expected.len(), "{problems}");
}

tests! {
    fn empty_faults() {
        refused("[]", &[": specify at least one fault"]);
        refused("[{}]", &["[0]: does nothing: needs delay, abort, responseRateLimit, response or headerControl"]);
        refused(r#"[{"delay": {}, "abort": {}, "responseRateLimit": {}, "response": {}}]"#, &[
            "[0].delay.percentage: is required, such as \"0.1%\"",
            "[0].abort.percentage: is required, such as \"0.1%\"",
            "[0].responseRateLimit.percentage: is required, such as \"0.1%\"",
            "[0].responseRateLimit.limitKbps: needs a whole number of KiB/s, 1 or more",
            "[0].response.percentage: is required, such as \"0.1%\"",
        ]);
        refused(r#"[{"delay": {"percent": 1}, "abort": {"percent": 1}, "response": {"percentage": "1%"}}]"#, &[
            "[0].delay: needs exactly one of fixedDelay, uniform, normal, lognormal, exponential, pareto",
            "[0].abort: needs httpStatus or grpcStatus",
            "[0].response: changes nothing: needs status, setHeaders, removeHeaders or body",
        ]);
    }

    fn names() {
        let one = r#""abort": {"httpStatus": 500, "percent": 1}"#;
        refused(&format!(r#"[{{"name": "a b", {one}}}, {{"name": "twice", {one}}}, {{"name": "twice", {one}}}, {{"name": "", {one}}}, {{"name": "fault-5", {one}}}, {{{one}}}]"#), &[
            "[0].name: \"a b\" is not a valid name: use up to 128 letters, digits, `-`, `_` and `.`",
            "[2].name: \"twice\" is already the name of an earlier fault",
            "[3].name: expected a name: headers, logs and metrics show it",
            "[5].name: \"fault-5\" is already the name of an earlier fault",
        ]);
    }

    fn percentages() {
        let abort = |percentage: &str| format!(r#"[{{"abort": {{"httpStatus": 500, {percentage}}}}}]"#);
        refused(&abort(r#""percentage": 50"#), &["[0].abort.percentage: 50 is not a percentage such as \"12.5%\" or {value: 12.5}"]);
        refused(&abort(r#""percentage": "0.5""#), &["[0].abort.percentage: \"0.5\" is not a percentage such as \"12.5%\" or {value: 12.5}"]);
        refused(&abort(r#""percentage": "101%""#), &["[0].abort.percentage: 101% is not between 0% and 100%"]);
        refused(&abort(r#""percentage": {"value": 0.00001}"#), &["[0].abort.percentage: 0.00001% is finer than the smallest step of 0.0001%"]);
        refused(&abort(r#""percentage": {"value": -1}"#), &["[0].abort.percentage: -1% is not between 0% and 100%"]);
        refused(&abort(r#""percentage": {}"#), &["[0].abort.percentage: needs either `value`, or `numerator` and `denominator`"]);
        refused(&abort(r#""percentage": {"numerator": 101}"#), &["[0].abort.percentage: 1010000 millionths is not between 0% and 100%"]);
        refused(&abort(r#""percentage": {"numerator": 1, "denominator": "THOUSAND"}"#), &["[0].abort.percentage.denominator: unknown word `THOUSAND` (known: HUNDRED, TEN_THOUSAND, MILLION)"]);
        refused(&abort(r#""percent": 100.5"#), &["[0].abort.percent: 100.5% is not between 0% and 100%"]);
        refused(&abort(r#""percent": 1, "percentage": "1%""#), &["[0].abort.percent: only one of percentage and percent is possible"]);
        for good in [r#""percent": "0.5""#, r#""percentage": {"value": "0.1"}"#, r#""percentage": {"numerator": 1, "denominator": "MILLION"}"#, r#""percentage": "0.0001%""#] {
            assert!(Lab::new(&abort(good)).is_ok(), "{good}");
        }
    }

    fn delays() {
        refused(r#"[
            {"name": "a", "delay": {"percent": 1, "fixedDelay": "0s"}},
            {"name": "b", "delay": {"percent": 1, "fixedDelay": "5"}},
            {"name": "c", "delay": {"percent": 1, "fixedDelay": "5s", "uniform": {"min": "1s", "max": "2s"}}},
            {"name": "d", "delay": {"percent": 1, "uniform": {"min": "3s", "max": "2s"}}},
            {"name": "e", "delay": {"percent": 1, "normal": {"mean": "1s", "stddev": "0s"}}},
            {"name": "f", "delay": {"percent": 1, "lognormal": {"median": "1s", "p50": "1s"}}},
            {"name": "g", "delay": {"percent": 1, "lognormal": {"median": "1s"}}},
            {"name": "h", "delay": {"percent": 1, "lognormal": {"p50": "1s", "p99": "1s"}}},
            {"name": "i", "delay": {"percent": 1, "lognormal": {"p50": "1s", "sigma": 0}}},
            {"name": "j", "delay": {"percent": 1, "exponential": {}}},
            {"name": "k", "delay": {"percent": 1, "pareto": {"min": "1s", "alpha": 0.01}, "max": "soon"}},
            {"name": "l", "delay": {"percent": 1, "fixed_delay": "5s"}}]"#, &[
            "[0].delay.fixedDelay: \"0s\" is not longer than 0s",
            "[1].delay.fixedDelay: \"5\" is not a duration such as 5s, 250ms, 1.5h or 30d",
            "[2].delay: needs exactly one of fixedDelay, uniform, normal, lognormal, exponential, pareto",
            "[3].delay.uniform.max: \"2s\" is less than the min \"3s\"",
            "[4].delay.normal.stddev: \"0s\" is not longer than 0s",
            "[5].delay.lognormal: needs exactly one of median and p50, which are the same",
            "[6].delay.lognormal: needs exactly one of sigma and p99",
            "[7].delay.lognormal.p99: \"1s\" is not longer than the median \"1s\"",
            "[8].delay.lognormal.sigma: 0.0 is not a number above 0 and up to 10",
            "[9].delay.exponential.mean: \"\" is not a duration such as 5s, 250ms, 1.5h or 30d",
            "[10].delay.max: \"soon\" is not a duration such as 5s, 250ms, 1.5h or 30d",
            "[10].delay.pareto.alpha: 0.01 is not a number from 0.1 to 100",
            "[11].delay.fixed_delay: unknown field `fixed_delay`, did you mean `fixedDelay`?",
        ]);
    }

    fn answers() {
        refused(r#"[
            {"name": "a", "abort": {"percent": 1, "httpStatus": 600}},
            {"name": "b", "abort": {"percent": 1, "grpcStatus": "UNAVAILABEL"}},
            {"name": "c", "abort": {"percent": 1, "grpcStatus": 17}},
            {"name": "d", "abort": {"percent": 1, "httpStatus": 500, "headers": {":status": "1", "x-a": "1", "X-A": "2", "x-b": "a\nb"}, "contentType": "a\nb"}},
            {"name": "e", "response": {"percentage": "1%", "status": 99, "setHeaders": {"Content-Length": "1"}, "removeHeaders": ["a", "b c"], "body": {}}}]"#, &[
            "[0].abort.httpStatus: 600 is not an HTTP status from 200 to 599",
            "[1].abort.grpcStatus: unknown gRPC status \"UNAVAILABEL\", did you mean `UNAVAILABLE`?",
            "[2].abort.grpcStatus: 17 is not a gRPC status: a name such as `UNAVAILABLE`, or a number from 0 to 16",
            "[3].abort.headers[\":status\"]: \":status\" is not a header name (letters, digits and !#$%&'*+-.^_`|~)",
            "[3].abort.headers.x-a: \"x-a\" is set already",
            "[3].abort.headers.x-b: \"a\\nb\" has control characters, which no header value may have",
            "[3].abort.contentType: \"a\\nb\" has control characters, which no header value may have",
            "[4].response.status: 99 is not an HTTP status from 200 to 599",
            "[4].response.setHeaders.Content-Length: `content-length` belongs to the connection and cannot be written (to change the host, use `rewrite.authority`)",
            "[4].response.removeHeaders[1]: \"b c\" is not a header name (letters, digits and !#$%&'*+-.^_`|~)",
            "[4].response.body: needs exactly one of replace and truncate",
        ]);
    }

    fn gates() {
        let one = r#""abort": {"httpStatus": 500, "percent": 1}"#;
        refused(&format!(r#"[
            {{"name": "a", {one}, "window": {{}}}},
            {{"name": "b", {one}, "window": {{"start": "2026-03-02T00:00:00Z", "end": "2026-03-01T00:00:00Z"}}}},
            {{"name": "c", {one}, "window": {{"start": "noon"}}}},
            {{"name": "d", {one}, "ramp": {{"over": "1m"}}}},
            {{"name": "e", {one}, "window": {{"start": "2026-03-02T00:00:00Z"}}, "ramp": {{"over": "0s"}}}},
            {{"name": "f", {one}, "killSwitch": {{}}}},
            {{"name": "g", {one}, "killSwitch": {{"header": "x-off"}}}},
            {{"name": "h", {one}, "killSwitch": {{"env": "X", "allow": {{"match": {{"uri": {{"prefix": "/"}}}}}}}}}},
            {{"name": "i", "headerControl": {{}}}},
            {{"name": "j", "headerControl": {{"allow": {{}}}}}},
            {{"name": "k", {one}, "routeMetadata": "a..b", "killSwitch": {{"routeMetadata": "c..d"}}}},
            {{"name": "l", {one}, "sampling": {{"sticky": {{}}}}}},
            {{"name": "m", {one}, "sampling": "often"}},
            {{"name": "n", {one}, "sampling": {{"sticky": {{"unit": ["path", "cokie:a"]}}}}}}]"#), &[
            "[0].window: needs start, end or both",
            "[1].window.end: \"2026-03-01T00:00:00Z\" is not after the start",
            "[2].window.start: \"noon\" is not a time such as 2026-03-01T00:00:00Z (RFC 3339, from 1970)",
            "[3].ramp: needs `window` with a start, from which it counts",
            "[4].ramp.over: \"0s\" is not longer than 0s",
            "[5].killSwitch: needs env, header or routeMetadata",
            "[6].killSwitch.allow: specify match, condition or cel: otherwise any client could trigger it",
            "[7].killSwitch.allow: has no effect without `header`",
            "[8].headerControl.allow: specify match, condition or cel: otherwise any client could trigger it",
            "[9].headerControl.allow: specify match, condition or cel",
            "[10].routeMetadata: a path must not have empty segments (\"a.b.c\", or [\"a\", \"b.c\"])",
            "[10].killSwitch.routeMetadata: a path must not have empty segments (\"a.b.c\", or [\"a\", \"b.c\"])",
            "[11].sampling.sticky.unit: specify the source of the unit, such as \"header:x-user-id\"",
            "[12].sampling: \"often\" is not `random`, or an object such as {sticky: {unit: \"header:x-user-id\"}}",
            "[13].sampling.sticky.unit[1]: \"cokie:a\" is neither an attribute nor a source (header:NAME, cookie:NAME, query:NAME, claim:NAME, property:PATH, routeMetadata:PATH, env:NAME, path, method, host, scheme, isBot), did you mean `cookie:`?",
        ]);
    }

    fn exclusive_percentages() {
        let section = |delay| format!(r#"[{{"rolls": "exclusive", "delay": {{"fixedDelay": "1s", "percent": {delay}}}, "abort": {{"httpStatus": 500, "percent": 60}}}}]"#);
        refused(&section(41), &["[0].rolls: the sum of the percentages is more than 100%, so they cannot exclude each other"]);
        assert!(Lab::new(&section(40)).is_ok());
    }

    /// All forms of a killed rule are checked nevertheless.
    fn a_rule_that_is_off_is_checked() {
        let problems = Lab::with_env(r#"[{"killSwitch": {"env": "OFF"}, "abort": {"httpStatus": 1, "percent": 1}}]"#, &|_| Some("1".into()));
        assert_eq!(problems.err().map(|problems| problems.to_string()).as_deref(), Some("faults[0].abort.httpStatus: 1 is not an HTTP status from 200 to 599"));
    }
}
