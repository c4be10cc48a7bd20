//! Decisions, one by one.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests stop where they fail")]

use crate::support::{Lab, NOW, SECOND};
use weir_fault_injection::BodyChange;

fn lab(section: &str) -> Lab {
    Lab::new(section).unwrap_or_else(|problems| panic!("{problems}"))
}

tests! {
    fn istios_fault_works_as_it_stands() {
        let lab = lab(r#"[{"delay": {"percentage": {"value": 100}, "fixedDelay": "5s"}, "abort": {"httpStatus": 500, "percentage": {"value": 100.0}}}]"#);
        let decided = lab.decide(&[]);
        assert_eq!((decided.delay, decided.mark, decided.status()), (Some(5 * SECOND), Some(0), Some(500)));
        let reply = decided.abort.unwrap();
        assert_eq!((&*reply.body, &*reply.details, reply.grpc_status), (&b"fault filter abort"[..], "weir_fault_abort{fault-0}", None));
        assert_eq!(decided.reason.as_deref(), Some("rule=fault-0;delay=5000ms;abort=500"));
        assert_eq!(decided.counts, ["fault-0:weir_fault_delays_total", "fault-0:weir_fault_aborts_total"]);
    }

    fn grpc_statuses_by_name_and_number() {
        for (status, http, grpc) in [("\"UNAVAILABLE\"", 503, 14), ("14", 503, 14), ("\"14\"", 503, 14), ("\"ABORTED\"", 409, 10), ("0", 200, 0)] {
            let lab = lab(&format!(r#"[{{"abort": {{"grpcStatus": {status}, "percent": 100}}}}]"#));
            let decided = lab.decide(&[]);
            let reply = decided.abort.unwrap();
            assert_eq!((reply.status, reply.grpc_status), (http, Some(grpc)));
            assert_eq!(decided.reason, Some(format!("rule=fault-0;abort=grpc-{grpc}")));
        }
        let both = lab(r#"[{"abort": {"grpcStatus": "NOT_FOUND", "httpStatus": 418, "percent": 100}}]"#).decide(&[]).abort.unwrap();
        assert_eq!((both.status, both.grpc_status), (418, Some(5)));
    }

    fn aborts_have_headers_body_and_type() {
        let lab = lab(r#"[{"name": "a", "abort": {"httpStatus": 429, "percentage": "100%", "headers": {"Retry-After": "7"}, "body": "{}", "contentType": "application/json"}}]"#);
        let reply = lab.decide(&[]).abort.unwrap();
        let headers: Vec<(&str, &[u8])> = reply.headers.iter().map(|(n, v)| (&**n, &**v)).collect();
        assert_eq!(headers, [("retry-after", &b"7"[..]), ("content-type", b"application/json")]);
        assert_eq!(&*reply.body, b"{}");
    }

    /// What shapes the cost of a quiet filter.
    fn a_quiet_rule_asks_the_host_for_a_seed_once_and_for_nothing_else() {
        let lab = lab(r#"[{"delay": {"percentage": "0.0001%", "fixedDelay": "5s"}, "abort": {"httpStatus": 500, "percentage": "0.0001%"},
            "upstreamCluster": "x", "cel": "true", "window": {"end": "2030-01-01T00:00:00Z"}, "killSwitch": {"routeMetadata": "weir.off"}, "routeMetadata": "weir.faults"}]"#);
        assert!(lab.access_plan.headers.is_empty() && lab.access_plan.owned.is_empty());
        for _ in 0..1000 {
            assert!(lab.decide(&[]).is_quiet());
        }
        assert_eq!(lab.asked(), ["random"]);
    }

    fn zero_percent_asks_for_nothing() {
        let lab = lab(r#"[{"delay": {"percentage": {}, "fixedDelay": "5s"}}]"#.replace("{}", "\"0%\"").as_str());
        assert!(lab.decide(&[]).is_quiet());
        assert!(lab.asked().is_empty());
    }

    fn requests_are_matched() {
        let lab = lab(r#"[{"name": "a", "match": {"headers": {"x-user": {"exact": "u"}}}, "condition": {"header:x-plan": "gold"}, "downstreamNodes": ["n1", "n2"],
            "upstreamCluster": ["c1", "c2"], "abort": {"httpStatus": 500, "percent": 100}}]"#);
        let all = [("x-user", "u"), ("x-plan", "gold"), ("x-envoy-downstream-service-node", "n2")];
        assert!(lab.decide(&all).is_quiet(), "another cluster");
        assert_eq!(lab.asked(), ["random", "xds.cluster_name"]);
        lab.host.set_property("xds.cluster_name", b"c2");
        assert_eq!(lab.decide(&all).status(), Some(500));
        lab.asked();
        for without in 0..3 {
            let mut some = all.to_vec();
            some.remove(without);
            assert!(lab.decide(&some).is_quiet());
        }
        assert!(lab.asked().is_empty(), "the proxy is asked last");
    }

    fn the_first_of_each_kind_counts() {
        let lab = lab(r#"[
            {"name": "none", "delay": {"fixedDelay": "9s", "percent": 0}},
            {"name": "a", "delay": {"fixedDelay": "1s", "percent": 100}},
            {"name": "b", "delay": {"fixedDelay": "2s", "percent": 100}, "abort": {"httpStatus": 503, "percent": 100}},
            {"name": "c", "abort": {"httpStatus": 504, "percent": 100}, "responseRateLimit": {"limitKbps": 1, "percentage": "100%"}}]"#);
        let decided = lab.decide(&[]);
        assert_eq!((decided.delay, decided.mark, decided.status()), (Some(SECOND), Some(1), Some(503)));
        assert_eq!(decided.reason.as_deref(), Some("rule=a;delay=1000ms,rule=b;abort=503"));
        assert_eq!(decided.counts, ["a:weir_fault_delays_total", "b:weir_fault_aborts_total"]);
        assert_eq!(decided.response, None, "an abort is not slowed");
    }

    fn responses_are_changed_and_slowed() {
        let lab = lab(r#"[
            {"name": "slow", "match": {"headers": {"x-slow": {}}}, "responseRateLimit": {"limitKbps": 2, "percentage": "100%"}},
            {"name": "bad", "response": {"percentage": "100%", "status": 500, "setHeaders": {"X-Bad": "1"}, "removeHeaders": ["ETag"], "body": {"truncate": 10}}}]"#);
        let bad = lab.decide(&[]);
        let fault = lab.plan.response(bad.response.unwrap()).unwrap();
        assert_eq!((fault.status, fault.body.clone()), (Some(500), Some(BodyChange::Truncate(10))));
        assert_eq!((&*fault.set[0].0, &*fault.set[0].1, &*fault.remove[0]), ("x-bad", "1", "etag"));
        assert_eq!(lab.plan.rate(bad.response.unwrap()), None);
        assert_eq!(bad.reason.as_deref(), Some("rule=bad;response=500"));
        assert_eq!((bad.delay, bad.abort), (None, None));
        let both = lab.decide(&[("x-slow", "")]);
        assert_eq!(lab.plan.rate(both.response.unwrap()), Some(2048));
        assert!(lab.plan.response(both.response.unwrap()).is_some());
        assert_eq!(both.counts, ["slow:weir_fault_rate_limits_total", "bad:weir_fault_responses_total"]);
        assert_eq!(both.reason.as_deref(), Some("rule=slow;rate=2KiB/s,rule=bad;response=500"));
        assert_eq!((lab.plan.rate(99), lab.plan.response(99)), (None, None));
        assert!(lab.plan.touches_responses());
    }

    fn max_active_bounds_delays() {
        let lab = lab(r#"[{"name": "a", "maxActive": 2, "delay": {"fixedDelay": "1s", "percent": 100}, "abort": {"httpStatus": 503, "percent": 100}}]"#);
        assert_eq!(lab.access_plan.gauges, ["fault=.=a;.;weir_faults_active"]);
        assert_eq!(lab.plan.gauge(0).map(|gauge| gauge.index()), Some(0));
        assert!(lab.decide(&[]).delay.is_some() && lab.decide(&[]).delay.is_some());
        assert_eq!(lab.plan.active(), 2);
        let third = lab.decide(&[]);
        assert_eq!((third.delay, third.status(), third.reason), (None, None, None));
        assert_eq!(third.counts, ["a:weir_fault_overflows_total"; 2]);
        lab.plan.delay_over(0);
        assert_eq!(lab.plan.active(), 1);
        assert!(lab.decide(&[]).delay.is_some());
        for _ in 0..5 {
            lab.plan.delay_over(0);
            lab.plan.delay_over(7);
        }
        assert_eq!(lab.plan.active(), 0);
        let none = Lab::new(r#"[{"maxActive": 0, "abort": {"httpStatus": 503, "percent": 100}}]"#).unwrap();
        assert_eq!(none.decide(&[]).counts, ["fault-0:weir_fault_overflows_total"]);
    }

    fn windows_are_half_open() {
        let lab = lab(r#"[{"window": {"start": "2026-03-01T00:00:00Z", "end": "2026-03-01T00:00:10Z"}, "abort": {"httpStatus": 503, "percent": 100}}]"#);
        for (now, on) in [(NOW - 1, false), (NOW, true), (NOW + 10 * SECOND - 1, true), (NOW + 10 * SECOND, false)] {
            lab.host.now.set(now);
            assert_eq!(!lab.decide(&[]).is_quiet(), on, "{now}");
        }
    }

    fn ramps_go_in_a_straight_line_and_stay() {
        let lab = lab(r#"[{"window": {"start": "2026-03-01T00:00:00Z"}, "ramp": {"from": "10%", "to": "50%", "over": "100s"}, "abort": {"httpStatus": 503, "percent": 100}}]"#);
        for (seconds, percent) in [(0, 10.0_f64), (25, 20.0), (50, 30.0), (100, 50.0), (100_000, 50.0)] {
            lab.host.now.set(NOW + seconds * SECOND);
            let hit = (0..20_000).filter(|_| !lab.decide(&[]).is_quiet()).count() as f64;
            let (expected, sigma) = (200.0 * percent, (200.0 * percent * (1.0 - percent / 100.0)).sqrt());
            assert!((hit - expected).abs() < 4.0 * sigma, "{seconds} s: {hit}");
        }
        let off = Lab::new(r#"[{"window": {"start": "2026-03-01T00:00:00Z"}, "ramp": {"over": "100s"}, "abort": {"httpStatus": 503, "percent": 100}}]"#).unwrap();
        assert!(off.decide(&[]).is_quiet(), "from nothing");
        off.host.now.set(NOW + 100 * SECOND);
        assert!((0..1000).all(|_| !off.decide(&[]).is_quiet()), "to everything, exactly");
    }

    fn kill_switches() {
        let section = r#"[{"abort": {"httpStatus": 503, "percent": 100}, "killSwitch": {"env": "NO_CHAOS", "header": "X-No-Faults", "allow": {"match": {"headers": {"x-peer": {"exact": "ops"}}}}, "routeMetadata": "weir.off"}}]"#;
        let lab = lab(section);
        assert!(!lab.decide(&[]).is_quiet());
        assert_eq!(lab.asked(), ["random", "xds.route_metadata.filter_metadata.weir.off"]);
        assert!(!lab.decide(&[("x-no-faults", "1")]).is_quiet(), "not allowed");
        assert!(lab.decide(&[("x-no-faults", "1"), ("x-peer", "ops")]).is_quiet());
        assert!(lab.decide(&[("x-no-faults", "1"), ("x-peer", "ops")]).kept.is_empty(), "it does not go on");
        lab.host.set_property("xds.route_metadata.filter_metadata.weir.off", &[1]);
        assert!(lab.decide(&[]).is_quiet());
        for (variable, value, on) in [("NO_CHAOS", "1", false), ("NO_CHAOS", "off", true), ("NO_CHAOS", "", true), ("WEIR_FAULTS_OFF", "true", false), ("WEIR_FAULTS_OFF", "0", true), ("OTHER", "1", true)] {
            let env = |name: &str| (name == variable).then(|| value.to_owned());
            let lab = Lab::with_env(section, &env).unwrap();
            assert_eq!(!lab.decide(&[]).is_quiet(), on, "{variable}={value}");
        }
    }

    fn variants_of_another_plugin_are_read_from_filter_state() {
        let lab = lab(
            r#"[{"variant": {"checkout": ["b", "c"]}, "abort": {"httpStatus": 503, "percent": 100}}]"#,
        );
        for (variant, on) in [("a", false), ("b", true), ("c", true), ("", false)] {
            lab.host.set_property("filter_state.wasm.weir.checkout", variant.as_bytes());
            assert_eq!(!lab.decide(&[]).is_quiet(), on, "{variant:?}");
        }
    }

    fn routes_can_choose_their_faults() {
        let lab = lab(r#"[{"name": "a", "routeMetadata": "weir.faults", "abort": {"httpStatus": 503, "percent": 100}}]"#);
        assert!(lab.decide(&[]).is_quiet());
        for (value, on) in [("a", true), ("b, a", true), ("*", true), ("b", false), ("aa", false), ("", false)] {
            lab.host.set_property("xds.route_metadata.filter_metadata.weir.faults", value.as_bytes());
            assert_eq!(!lab.decide(&[]).is_quiet(), on, "{value:?}");
        }
    }

    fn times_are_drawn_within_their_bounds() {
        let lab = lab(r#"[{"delay": {"normal": {"mean": "10ms", "stddev": "10ms"}, "max": "15ms", "percent": 100}}]"#);
        let mut seen = [0; 3];
        for _ in 0..2000 {
            let decided = lab.decide(&[]);
            assert_eq!(decided.counts.len(), 1);
            match decided.delay {
                None => seen[0] += 1,
                Some(15_000_000) => seen[1] += 1,
                Some(time) => { assert!(time < 15_000_000); seen[2] += 1; }
            }
        }
        // 15.9 % are below zero, 30.9 % above 15 ms.
        assert!((250..390).contains(&seen[0]) && (530..700).contains(&seen[1]), "{seen:?}");
        assert_eq!(lab.plan.active(), seen[1] + seen[2]);
    }
}
