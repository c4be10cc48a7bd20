//! Faults that callers ask for by header.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests stop where they fail")]

use crate::support::{Decided, Lab, SECOND};

/// A caller who may ask for faults, and the headers that it sends.
fn ask(lab: &Lab, headers: &[(&str, &str)]) -> Decided {
    let mut all: Vec<(String, &str)> =
        headers.iter().map(|(name, value)| (format!("x-envoy-fault-{name}"), *value)).collect();
    all.push(("x-peer".to_owned(), "ops"));
    let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    lab.decide(&all)
}

/// A rule with these options beside `allow`, and these members beside `headerControl`.
fn lab(control: &str, more: &str) -> Lab {
    let allow = r#""allow": {"match": {"headers": {"x-peer": {"exact": "ops"}}}}"#;
    let section = format!(r#"[{{"name": "h", "headerControl": {{{allow}{control}}}{more}}}]"#);
    Lab::new(&section).unwrap_or_else(|problems| panic!("{problems}"))
}

/// How many of 10,000 requests are hit.
fn count(lab: &Lab, headers: &[(&str, &str)]) -> u32 {
    (0..10_000).map(|_| u32::from(!ask(lab, headers).is_quiet())).sum()
}

tests! {
    fn headers_are_read_as_envoy_reads_them() {
        let lab = lab("", "");
        assert_eq!(ask(&lab, &[("delay-request", "50")]).delay, Some(SECOND / 20));
        for (status, read) in [("200", Some(200)), ("599", Some(599)), ("199", None), ("600", None), ("abc", None), ("", None), ("+503", None), ("70000", None)] {
            assert_eq!(ask(&lab, &[("abort-request", status)]).status(), read, "{status}");
        }
        for (delay, read) in [("0", None), ("abc", None), ("-5", None), ("1.5", None), ("7", Some(7_000_000))] {
            assert_eq!(ask(&lab, &[("delay-request", delay)]).delay, read, "{delay}");
        }
        for (status, read) in [("14", Some(14)), ("0", Some(0)), ("17", None), ("x", None)] {
            let abort = ask(&lab, &[("abort-grpc-request", status)]).abort;
            assert_eq!(abort.and_then(|reply| reply.grpc_status), read, "{status}");
        }
        let slow = ask(&lab, &[("throughput-response", "3")]);
        assert_eq!(lab.plan.rate(slow.response.unwrap()), Some(3072));
        assert_eq!(ask(&lab, &[("throughput-response", "0")]).response, None);
        assert!(lab.plan.touches_responses());
    }

    fn http_wins_over_grpc_unless_it_is_invalid() {
        let lab = lab("", "");
        assert_eq!(ask(&lab, &[("abort-request", "503"), ("abort-grpc-request", "5")]).abort.unwrap().grpc_status, None);
        assert_eq!(ask(&lab, &[("abort-request", "9"), ("abort-grpc-request", "5")]).abort.unwrap().grpc_status, Some(5));
    }

    fn everything_together() {
        let decided = ask(&lab("", ""), &[("delay-request", "10"), ("abort-request", "503"), ("throughput-response", "1")]);
        assert_eq!((decided.delay, decided.status(), decided.response), (Some(10_000_000), Some(503), None));
        assert_eq!(decided.reason.as_deref(), Some("rule=h;delay=10ms;abort=503"));
        assert_eq!(&*decided.abort.unwrap().details, "weir_fault_abort{h}");
    }

    fn only_those_who_are_allowed_are_heard() {
        let lab = lab(r#", "forward": true"#, "");
        let decided = lab.decide(&[("x-envoy-fault-abort-request", "503")]);
        assert!(decided.is_quiet() && decided.kept.is_empty());
        assert_eq!(lab.access_plan.owned.len(), 7, "all are removed");
        let allowed = ask(&lab, &[("abort-request", "503")]);
        assert_eq!((allowed.status(), allowed.kept.len()), (Some(503), 7), "forwarded on purpose");
    }

    fn headers_do_not_go_on() {
        assert!(ask(&lab("", ""), &[("delay-request", "5")]).kept.is_empty());
    }

    fn a_header_can_only_lower_the_percentage() {
        let half = lab(r#", "abort": "50%""#, "");
        for (asked, low, high) in [("100", 4800, 5200), ("150", 4800, 5200), ("20", 1840, 2160), ("0", 0, 0), ("-1", 4800, 5200), ("x", 4800, 5200), ("0.5", 20, 80)] {
            let hit = count(&half, &[("abort-request", "503"), ("abort-request-percentage", asked)]);
            assert!((low..=high).contains(&hit), "{asked}: {hit}");
        }
        assert_eq!(count(&lab(r#", "abort": "0%""#, ""), &[("abort-request", "503")]), 0);
        assert_eq!(count(&lab("", ""), &[("delay-request", "1")]), 10_000);
        assert!((800..1200).contains(&count(&lab("", ""), &[("delay-request", "1"), ("delay-request-percentage", "10")])));
    }

    fn the_percentage_of_the_rule_is_the_limit() {
        let lab = lab("", r#", "delay": {"fixedDelay": "2s", "percent": 10}"#);
        let hit = count(&lab, &[("delay-request", "1"), ("delay-request-percentage", "100")]);
        assert!((880..1120).contains(&hit), "{hit}");
        // Without the header the rule does what it does for all.
        assert!((880..1120).contains(&count(&lab, &[])));
        let others = (0..10_000).filter(|_| lab.decide(&[]).delay == Some(2 * SECOND)).count();
        assert!((880..1120).contains(&others), "{others}");
        let given = (0..10_000).filter_map(|_| ask(&lab, &[("delay-request", "1")]).delay);
        assert!(given.into_iter().all(|delay| delay == 1_000_000), "the header's, not the rule's");
    }

    fn delays_are_bounded() {
        let asked = [("delay-request", "99999999999999999999"), ("delay-request", "18446744073709551615"), ("delay-request", "3000")];
        let lab = lab(r#", "maxDelay": "2s""#, "");
        let delays = asked.map(|header| ask(&lab, &[header]).delay);
        assert_eq!(delays, [None, Some(2 * SECOND), Some(2 * SECOND)], "the first is no number that Envoy could read");
        let default = Lab::new(r#"[{"headerControl": {"allow": {"match": {"uri": {"prefix": "/"}}}}}]"#).unwrap();
        assert_eq!(default.decide(&[(":path", "/"), ("x-envoy-fault-delay-request", "999999")]).delay, Some(300 * SECOND));
    }

    fn rates_by_header_do_not_fill_the_memory() {
        let lab = lab("", "");
        let marks = (1..5000).filter(|rate| ask(&lab, &[("throughput-response", &rate.to_string())]).response.is_some());
        assert_eq!(marks.count(), 1024);
        assert!(ask(&lab, &[("throughput-response", "7")]).response.is_some(), "known ones go on");
        assert!(ask(&lab, &[("throughput-response", "70000")]).is_quiet());
    }

    fn the_match_of_the_rule_holds_for_headers_too() {
        let lab = lab("", r#", "match": {"uri": {"prefix": "/shop"}}"#);
        let headers = |path| [(":path", path), ("x-peer", "ops"), ("x-envoy-fault-abort-request", "503")];
        assert_eq!(lab.decide(&headers("/shop")).status(), Some(503));
        assert_eq!(lab.decide(&headers("/")).status(), None);
    }
}
