//! Exposures in filter state: for each that is counted three texts, and none otherwise.

use super::support::{Decided, Lab};

const TWO: &str = r#""list": [
    {"key": "checkout", "variants": [{"key": "a", "weight": 1}, {"key": "b", "weight": 1}]},
    {"key": "search", "unit": ["query:team"], "match": {"headers": {"x-search": {}}}, "variants": [{"key": "c"}]}]"#;

fn lab(more: &str) -> Lab {
    let cookies = r#""secret": {"env": "WEIR_SECRET"}, "mintCookie": {"name": "id"}"#;
    Lab::new(&format!(
        r#"{{"unit": ["header:x-user-id", {{"cookie": "account"}}], {cookies}, "output": {{"exposures": true}}{more}, {TWO}}}"#
    ))
    .unwrap()
}

const REMEMBERED: &str = r#", "assignmentCookie": {"name": "w"}"#;

/// Of an experiment: variant, unit, source.
fn exposure(decided: &Decided, key: &str) -> Option<[String; 3]> {
    let of = |start: &str| {
        let name = format!("weir.{start}.{key}");
        decided.states.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    };
    Some([of("exposure")?, of("exposure-unit")?, of("exposure-source")?])
}

/// How many texts are about exposures. A cookie that is set is in filter state too.
fn texts(decided: &Decided) -> usize {
    decided
        .states
        .iter()
        .filter(|(name, _)| name.starts_with("weir.exposure.") || name.starts_with("weir.exposure-"))
        .count()
}

tests! {
    fn each_exposure_that_is_counted_has_one_and_no_other() {
        let lab = lab(REMEMBERED);
        let first = lab.decide(&[("x-user-id", "ada")]);
        let [variant, unit, source] = exposure(&first, "checkout").unwrap();
        assert_eq!(Some(&*variant), first.variant("checkout"));
        assert_eq!((&*unit, &*source), ("ada", "header:x-user-id"));
        assert_eq!((texts(&first), first.counts.len()), (3, 1));
        let cookie = format!("w={}", first.cookie("w").unwrap());
        let again = lab.decide(&[("x-user-id", "ada"), ("cookie", &cookie)]);
        assert_eq!((texts(&again), again.counts.len()), (0, 0), "it is remembered");
    }

    fn units_have_the_source_that_identified_them() {
        let lab = lab(REMEMBERED);
        let account = lab.decide(&[("cookie", "account=7"), ("x-search", "1"), (":path", "/?team=red")]);
        assert_eq!(exposure(&account, "checkout").unwrap()[1..], ["7", "cookie:account"]);
        assert_eq!(exposure(&account, "search").unwrap(), ["c", "red", "query:team"]);
        let anonymous = lab.decide(&[]);
        let [_, unit, source] = exposure(&anonymous, "checkout").unwrap();
        let id = anonymous.cookie("id").unwrap();
        assert_eq!((&*unit, &*source), (id.split('.').next().unwrap(), "cookie:id"));
    }

    fn a_unit_cannot_write_into_a_log() {
        let lab = lab(REMEMBERED);
        let decided = lab.decide_bytes(&[("x-user-id", b"a\nb\xff")]);
        assert_eq!(exposure(&decided, "checkout").unwrap()[1], "a%0Ab%FF");
    }

    fn a_request_without_a_unit_is_no_exposure() {
        let section = r#"{"secret": {"env": "WEIR_SECRET"}, "assignmentCookie": {"name": "w"}, "output": {"exposures": EXPOSURES},
            "list": [{"key": "banner", "variants": [{"key": "on"}]}]}"#;
        let counted = |exposures: &str| {
            let decided = Lab::new(&section.replace("EXPOSURES", exposures)).unwrap().decide(&[]);
            (texts(&decided), decided.counts)
        };
        let (rows, counts) = counted("true");
        assert!(rows == 0 && !counts.iter().any(|name| name.contains("weir_exposures_total")), "{counts:?}");
        assert_eq!(counts.len(), 1, "it is counted as a request");
        let (_, counts) = counted("false");
        assert!(counts.iter().any(|name| name.contains("weir_exposures_total")), "{counts:?}");
    }

    fn without_a_cookie_each_visit_is_one() {
        let lab = lab("");
        for _ in 0..2 {
            let decided = lab.decide(&[("x-user-id", "ada")]);
            assert_eq!((texts(&decided), decided.counts.len()), (3, 1));
            assert!(decided.states.iter().any(|(name, _)| name == "weir.exposed.checkout"), "for the next pass");
        }
        let preflight = [(":method", "OPTIONS"), ("origin", "https://a.test"), ("access-control-request-method", "PUT")];
        let decided = lab.decide(&[&preflight[..], &[("x-user-id", "ada")]].concat());
        assert_eq!(texts(&decided), 0, "nobody's visit");
    }

    fn testers_and_those_without_consent_have_none() {
        for more in ["", REMEMBERED] {
            let more = format!(r#"{more}, "consent": {{"source": "cookie:consent"}}, "overrides": {{"header": "x-choose", "allow": {{"match": {{"headers": {{"x-tester": {{}}}}}}}}}}"#);
            let lab = lab(&more);
            let consent = ("cookie", "consent=yes");
            assert_eq!(texts(&lab.decide(&[("x-user-id", "ada"), consent])), 3);
            assert_eq!(texts(&lab.decide(&[("x-user-id", "ada")])), 0);
            let tester = [("x-user-id", "ada"), consent, ("x-tester", "1"), ("x-choose", "checkout=b")];
            let decided = lab.decide(&tester);
            assert_eq!((decided.variant("checkout"), texts(&decided)), (Some("b"), 0));
        }
    }
}
