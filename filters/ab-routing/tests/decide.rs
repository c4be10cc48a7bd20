//! The whole decision without a proxy: configuration in, request in, effects out. Natively and, with
//! the same answers, as WebAssembly under Node.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop where they fail")]

use weir_ab_routing::{Config, Note, Plan, Trace};
use weir_allocation::{Salt, Weights, anchored, purpose};
use weir_core::effect::HeaderValue;
use weir_core::header::encode_pairs;
use weir_core::{AccessPlan, At, AttributeMap, Compiler, Effects, Problems, Request, Scratch, load};
use weir_testkit::Services;

struct Router {
    access_plan: AccessPlan,
    plan: Plan,
    host: Services,
}

/// What was decided, in texts.
#[derive(Debug, Default, PartialEq)]
struct Decided {
    headers: Vec<(String, String)>,
    path: Option<String>,
    authority: Option<String>,
    response: Vec<(String, String)>,
    counted: usize,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Router {
    fn new(routing: &str) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let config: Config = load(routing.as_bytes(), &mut problems);
        let (named, env) = (AttributeMap::default(), |_: &str| None);
        let mut compiler = Compiler::new(&named, &env, problems);
        let plan = Plan::compile(&config, &mut compiler, &At::root().field("routing"));
        let access_plan = compiler.finish()?;
        Ok(Self { access_plan, plan, host: Services::default() })
    }

    fn decide(&self, headers: &[(&str, &str)]) -> Decided {
        self.decide_traced(headers, &mut ())
    }

    fn decide_traced(&self, headers: &[(&str, &str)], trace: &mut impl Trace) -> Decided {
        let (raw, mut scratch) = (encode_pairs(headers), Scratch::default());
        scratch.read(&self.access_plan, &raw);
        let request = Request::new(&self.access_plan, &raw, &scratch, &self.host);
        let mut effects = Effects::default();
        effects.reset(&self.access_plan);
        self.plan.decide_traced(&request, &mut effects, trace);
        let given = |given: HeaderValue| effects.bytes(given, &self.access_plan).map(text);
        let set = self.access_plan.owned.iter().zip(&effects.headers);
        Decided {
            headers: set.filter_map(|(owned, value)| Some((owned.name.clone(), given(*value)?))).collect(),
            path: given(effects.path),
            authority: given(effects.authority),
            response: effects.response.iter().map(|h| (h.name.to_string(), text(&h.value))).collect(),
            counted: effects.counts.len(),
        }
    }

    /// The value of the only header that is set.
    fn side(&self, headers: &[(&str, &str)]) -> String {
        self.decide(headers).headers.pop().map(|(_, value)| value).unwrap_or_default()
    }
}

/// A trace that is told of each rule, so that each is looked at.
struct Looks(usize);

impl Trace for Looks {
    fn routing_step(&mut self, note: Note<'_>) {
        self.0 += usize::from(matches!(note, Note::Rule { .. }));
    }
}

macro_rules! tests {
    ($($(#[$doc:meta])* fn $name:ident() $body:block)*) => {$(
        $(#[$doc])*
        #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
        #[cfg_attr(not(target_arch = "wasm32"), test)]
        fn $name() $body
    )*};
}

const SPLIT: &str = r#"{"rules": [{"name": "canary", "split": {"stickyBy": ["header:x-user-id", "cookie:uid"], "targets": [
    {"name": "stable", "weight": 90, "setHeaders": {"x-to": "stable"}},
    {"name": "canary", "weight": 10, "setHeaders": {"x-to": "canary"}}]}}]}"#;

tests! {
    fn the_first_rule_that_matches_decides() {
        let router = Router::new(r#"{"rules": [
            {"name": "a", "match": {"headers": {"x-a": {"exact": "1"}}}, "setHeaders": {"x-to": "a"}},
            {"name": "b", "match": [{"headers": {"x-a": {"prefix": "1"}}}, {"method": {"exact": "PUT"}}], "setHeaders": {"x-to": "b"}}],
            "default": {"setHeaders": {"x-to": "default"}}}"#).unwrap();
        assert_eq!(router.side(&[("x-a", "1")]), "a");
        assert_eq!(router.side(&[("x-a", "12")]), "b");
        assert_eq!(router.side(&[(":method", "PUT")]), "b");
        assert_eq!(router.side(&[("x-a", "2"), (":method", "GET")]), "default");
    }

    fn each_unit_goes_where_its_bucket_is() {
        let router = Router::new(SPLIT).unwrap();
        let (salt, allocation) = (Salt::derived("canary", purpose::SPLIT), anchored(&Weights::from_relative(&[90.0, 10.0]).unwrap()));
        let mut canaries = 0;
        for i in 0..2000 {
            let unit = format!("user-{i}");
            let expected = allocation.pick(salt.bucket(unit.as_bytes())).unwrap();
            assert_eq!(router.side(&[("x-user-id", &unit)]), ["stable", "canary"][expected]);
            assert_eq!(router.side(&[("cookie", &format!("a=b; uid={unit}"))]), ["stable", "canary"][expected]);
            canaries += expected;
        }
        // 2000 × 10 %: 200 ± 4 standard deviations of 13.4.
        assert!((146..=254).contains(&canaries), "{canaries}");
    }

    fn the_first_key_that_is_there_and_not_empty_counts() {
        let router = Router::new(SPLIT).unwrap();
        for i in 0..100 {
            let (first, second) = (format!("user-{i}"), format!("uid=user-{}", i + 1000));
            let by_header = router.side(&[("x-user-id", &first)]);
            assert_eq!(router.side(&[("x-user-id", &first), ("cookie", &second)]), by_header);
            assert_eq!(router.side(&[("x-user-id", ""), ("cookie", &second)]), router.side(&[("cookie", &second)]));
        }
    }

    fn without_a_key_the_first_target_serves_and_it_is_counted() {
        let decided = Router::new(SPLIT).unwrap().decide(&[]);
        assert_eq!(decided.headers, [("x-to".to_owned(), "stable".to_owned())]);
        assert_eq!(decided.counted, 1);
    }

    fn without_a_key_at_random_follows_the_weights() {
        let router = Router::new(&SPLIT.replace("\"targets\"", "\"withoutKey\": \"random\", \"targets\"")).unwrap();
        let canaries = (0..10_000).filter(|_| router.side(&[]) == "canary").count();
        // 10,000 × 10 %: 1000 ± 4 standard deviations of 30.
        assert!((880..=1120).contains(&canaries), "{canaries}");
    }

    fn zero_and_all_are_exact() {
        for (stable, canary, side) in [("0", "100", "canary"), ("100", "0", "stable")] {
            let split = SPLIT.replace("\"weight\": 90", &format!("\"weight\": {stable}"));
            let router = Router::new(&split.replace("\"weight\": 10,", &format!("\"weight\": {canary},"))).unwrap();
            assert!((0..5000).all(|i| router.side(&[("x-user-id", &i.to_string())]) == side));
        }
    }

    fn a_higher_weight_moves_nobody_between_others() {
        let three = |a: u32, b: u32, c: u32| Router::new(&format!(r#"{{"rules": [{{"name": "r", "split": {{"stickyBy": "header:x-user-id", "targets": [
            {{"name": "a", "weight": {a}, "setHeaders": {{"x-to": "a"}}}}, {{"name": "b", "weight": {b}, "setHeaders": {{"x-to": "b"}}}},
            {{"name": "c", "weight": {c}, "setHeaders": {{"x-to": "c"}}}}]}}}}]}}"#)).unwrap();
        let (before, after) = (three(80, 10, 10), three(60, 10, 30));
        let mut moved = 0;
        for i in 0..5000 {
            let unit = format!("user-{i}");
            let (from, to) = (before.side(&[("x-user-id", &unit)]), after.side(&[("x-user-id", &unit)]));
            if from != to {
                assert_eq!((from.as_str(), to.as_str()), ("a", "c"), "{unit}");
                moved += 1;
            }
        }
        // 5000 × 20 %: 1000 ± 4 standard deviations of 28.
        assert!((887..=1113).contains(&moved), "{moved}");
    }

    fn a_ramp_raises_the_others_and_takes_from_the_first_alone() {
        const HOUR: u64 = 3_600_000_000_000;
        let split = |weights: [f64; 3], ramp: &str| {
            let target = |(name, weight): (&str, f64)| format!(r#"{{"name": "{name}", "weight": {weight}, "setHeaders": {{"x-to": "{name}"}}}}"#);
            let targets: Vec<String> = ["a", "b", "c"].into_iter().zip(weights).map(target).collect();
            format!(r#"{{"rules": [{{"name": "r", "split": {{"stickyBy": "header:x-user-id", "targets": [{}]{ramp}}}}}]}}"#, targets.join(","))
        };
        let sides = |router: &Router| -> Vec<String> { (0..1000).map(|i| router.side(&[("x-user-id", &i.to_string())])).collect() };
        let ramp = r#", "ramp": {"start": "1970-01-02T00:00:00Z", "over": "4h", "steps": 4}"#;
        let router = Router::new(&split([50.0, 40.0, 10.0], ramp)).unwrap();
        let mut before: Option<Vec<String>> = None;
        for (hours, weights) in [(0.0, [100.0, 0.0, 0.0]), (24.5, [100.0, 0.0, 0.0]), (25.0, [87.5, 10.0, 2.5]),
            (26.9, [75.0, 20.0, 5.0]), (27.0, [62.5, 30.0, 7.5]), (28.0, [50.0, 40.0, 10.0]), (1e6, [50.0, 40.0, 10.0])] {
            router.host.now.set((hours * HOUR as f64) as u64);
            let now = sides(&router);
            assert_eq!(now, sides(&Router::new(&split(weights, "")).unwrap()), "after {hours} h");
            for (before, now) in before.iter().flatten().zip(&now) {
                assert!(before == now || before == "a", "{before} -> {now} after {hours} h");
            }
            before = Some(now);
        }
        let timeless = Router::new(SPLIT).unwrap();
        timeless.host.asked();
        timeless.side(&[("x-user-id", "ada")]);
        assert!(timeless.host.asked().is_empty());
    }

    fn a_ramp_that_would_take_from_others_is_refused() {
        let split = |weights: &[f64]| {
            let targets: Vec<String> = weights.iter().enumerate()
                .map(|(i, weight)| format!(r#"{{"name": "t{i}", "weight": {weight}, "setHeaders": {{"x-to": "{i}"}}}}"#)).collect();
            format!(r#"{{"rules": [{{"name": "r", "split": {{"stickyBy": "path", "targets": [{}],
                "ramp": {{"start": "2026-03-01T00:00:00Z", "over": "4h"}}}}}}]}}"#, targets.join(","))
        };
        assert!(Router::new(&split(&[40.0, 20.0, 20.0, 20.0])).is_ok());
        // The first of the others grows past the middle, where the third one's place is.
        let refused = Router::new(&split(&[0.0, 60.0, 10.0, 30.0])).err().unwrap().to_string();
        assert!(refused.contains("routing.rules[0].split.ramp: step ") && refused.contains("would take keys from \"t3\""), "{refused}");
        let steps = split(&[50.0, 50.0]).replace("\"4h\"", "\"4h\", \"steps\": 0").replace("2026-03-01T", "yesterday");
        let refused = Router::new(&steps).err().unwrap().to_string();
        assert!(refused.contains("split.ramp.steps") && refused.contains("split.ramp.start"), "{refused}");
        let tiny = Router::new(&split(&[100.0, 0.0001])).err().unwrap().to_string();
        assert!(tiny.contains("split.ramp: step 1: "), "{tiny}");
    }

    fn a_minted_id_counts_on_its_own_request() {
        let split = SPLIT.replace("\"stickyBy\": [\"header:x-user-id\", \"cookie:uid\"]", "\"mintCookie\": {\"name\": \"uid\"}");
        let router = Router::new(&split).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let first = router.decide(&[]);
            let [(name, cookie)] = first.response.as_slice() else { panic!("{first:?}") };
            assert_eq!(name, "set-cookie");
            let (pair, attributes) = cookie.split_once(';').unwrap();
            assert_eq!(attributes, " Path=/; Max-Age=31536000; Secure; HttpOnly; SameSite=Lax");
            let id = pair.strip_prefix("uid=").unwrap();
            assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
            assert!(seen.insert(id.to_owned()), "minted twice: {id}");
            let later = router.decide(&[("cookie", pair)]);
            assert_eq!(later.headers, first.headers);
            assert!(later.response.is_empty(), "a cookie that is there is not set again");
        }
    }

    fn a_rewrite_keeps_the_query_and_replaces_only_a_prefix_that_matched() {
        let router = Router::new(r#"{"rules": [
            {"name": "prefix", "match": [{"uri": {"prefix": "/api/"}}, {"uri": {"exact": "/old"}}], "rewrite": {"uri": "/v2/", "authority": "v2.internal"}},
            {"name": "rest", "rewrite": {"uri": "/gone"}}]}"#).unwrap();
        let rewritten = |path: &str| router.decide(&[(":path", path)]).path.unwrap();
        assert_eq!(rewritten("/api/items?id=1"), "/v2/items?id=1");
        assert_eq!(rewritten("/old?x"), "/v2/?x");
        assert_eq!(rewritten("/other?a=/api/"), "/gone?a=/api/");
        assert_eq!(router.decide(&[(":path", "/api/")]).authority.as_deref(), Some("v2.internal"));
    }

    /// Many rules have an index. It finds the rule that a look at each of them finds, with the prefix that it matched
    /// by and with the count of those that cannot be judged.
    fn an_index_changes_no_decision() {
        let rule = |i: usize| {
            let found_by = match i % 5 {
                0 => format!(r#""match": [{{"uri": {{"prefix": "/p{}/"}}}}, {{"uri": {{"exact": "/old/{i}"}}}}]"#, i % 40),
                1 => format!(r#""match": {{"authority": {{"exact": "h{}.example"}}}}"#, i % 30),
                2 => format!(r#""match": {{"headers": {{"x-a": {{"exact": "a{}"}}}}, "queryParams": {{"q": {{"exact": "1"}}}}}}"#, i % 20),
                3 => format!(r#""condition": {{"header:x-a": {{"$in": ["a{}", "b{i}"]}}}}"#, i % 50),
                _ => format!(r#""match": {{"uri": {{"regex": "/p{}/[xyz]+"}}, "withoutHeaders": {{"x-a": {{"exact": "a3"}}}}}}"#, i % 40),
            };
            format!(r#"{{"name": "r{i}", {found_by}, "rewrite": {{"uri": "/to/{i}/"}}, "cluster": "c{i}"}}"#)
        };
        let rules = (0..200).map(rule).collect::<Vec<_>>().join(",");
        let router = Router::new(&format!(r#"{{"rules": [{rules}], "default": {{"cluster": "default"}}}}"#)).unwrap();
        let (mut matched, mut undecided, mut looked) = (0, 0, 0);
        for i in 0..2000usize {
            let path = match i % 7 {
                0 => format!("/old/{}", i % 220),
                1 => format!("/p{}/x?q=1", i % 45),
                2 => "/".to_owned(),
                3 => format!("/p{}/yz", i % 45),
                _ => format!("/p{}?q=1", i % 45),
            };
            let host = format!("h{}.example{}", i % 33, ["", ":80", "."][i % 3]);
            let (a, b) = (format!("a{}", i % 55), format!("b{}", i % 210));
            let all = [(":path", path.as_str()), (":authority", &host), ("x-a", &a), ("x-a", &b)];
            let headers = &all[..1 + i % 4];
            let mut looks = Looks(0);
            let expected = router.decide_traced(headers, &mut looks);
            assert_eq!(router.decide(headers), expected, "{headers:?}");
            matched += usize::from(expected.path.is_some());
            undecided += expected.counted;
            looked += looks.0;
        }
        assert!(matched > 300 && undecided > 100 && looked > 100_000, "{matched} {undecided} {looked}");
    }

    /// A trace asks each rule. Those that an index leaves out take nothing of the work that regular expressions of a
    /// request may be: otherwise a rule after them would be judged otherwise than in a proxy.
    fn explaining_takes_no_work_of_a_request() {
        // A hundred look at 16 KiB each, in a trace, which is more than the bound.
        let rule = |i| format!(r#"{{"name": "r{i}", "match": {{"headers": {{"x-long": {{"regex": "x*z"}}}}}}, "condition": {{"header:x-a": "a{i}"}}, "cluster": "no"}}"#);
        let rules = (0..100).map(rule).collect::<Vec<_>>().join(",");
        let last = r#"{"name": "last", "match": {"headers": {"x-long": {"regex": "x*y"}}}, "setHeaders": {"x-to": "last"}}"#;
        let router = Router::new(&format!(r#"{{"rules": [{rules}, {last}]}}"#)).unwrap();
        let long = ["x".repeat(16 * 1024), "y".into()].concat();
        let headers = [("x-long", long.as_str()), ("x-a", "another")];
        let decided = router.decide(&headers);
        assert_eq!(decided.headers, [("x-to".to_owned(), "last".to_owned())]);
        let mut looks = Looks(0);
        assert_eq!(router.decide_traced(&headers, &mut looks), decided);
        assert_eq!(looks.0, 101);
    }

    fn responses_tell_only_what_was_asked_for() {
        let rules = r#""rules": [{"name": "beta", "match": {"headers": {"x-group": {}}}, "setHeaders": {"x-to": "v2"}}]"#;
        let router = Router::new(&format!(r#"{{{rules}, "response": {{"debugHeader": "x-rule", "vary": true}}}}"#)).unwrap();
        let told = |headers: &[(&str, &str)]| router.decide(headers).response;
        let vary = ("vary".to_owned(), "x-group".to_owned());
        assert_eq!(told(&[("x-group", "")]), [vary.clone(), ("x-rule".to_owned(), "beta".to_owned())]);
        assert_eq!(told(&[]), [vary, ("x-rule".to_owned(), "none".to_owned())]);
        assert!(Router::new(&format!("{{{rules}}}")).unwrap().decide(&[("x-group", "")]).response.is_empty());
    }

    fn every_problem_is_reported_at_its_place() {
        let problems = Router::new(r#"{"rules": [
            {"name": "a b", "setHeaders": {":path": "x", "x-a": "1\n2"}},
            {"name": "twice", "cluster": ""}, {"name": "twice", "rewrite": {"uri": "no"}},
            {"name": "split", "setHeaders": {"x-b": "1"}, "split": {"targets": [{"name": "only", "weight": -1}],
             "mintCookie": {"name": "c", "ttl": "soon", "domain": "a;b", "sameSite": "none", "secure": false}}},
            {"name": "empty"}], "response": {"debugHeader": "a b"}}"#).err().unwrap().to_string();
        for expected in [
            "routing.rules[0].name: ", "routing.rules[0].setHeaders[\":path\"]: ", "routing.rules[0].setHeaders.x-a: ",
            "routing.rules[1].cluster: ", "routing.rules[2].name: ", "routing.rules[2].rewrite.uri: ",
            "routing.rules[3]: ", "routing.rules[3].split.targets: ", "routing.rules[3].split.targets[0].weight: ",
            "routing.rules[3].split.mintCookie.ttl: ", "routing.rules[3].split.mintCookie.domain: ",
            "routing.rules[3].split.mintCookie.sameSite: ", "routing.rules[4]: ", "routing.response.debugHeader: ",
        ] {
            assert!(problems.lines().any(|line| line.starts_with(expected)), "{expected}\nis not in\n{problems}");
        }
    }
}
