//! The whole decision without a proxy: configuration in, request in, effects out. Natively and, with the same
//! answers, as WebAssembly under Node.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop where they fail")]

use crate::support::{Lab, NOW};
use weir_allocation::sdk::{Algorithm, Assigner, Assignment, Definition, Layout};
use weir_allocation::{Fraction, Salt, Weights, contiguous};
use weir_experiment::Verdict;

/// A section with one experiment `checkout` of two halves, and more in it and in the section.
fn section(experiment: &str, rest: &str) -> String {
    format!(
        r#"{{"unit": "header:x-user-id"{rest}, "list": [{{"key": "checkout", "variants": [
            {{"key": "a", "weight": 50}}, {{"key": "b", "weight": 50}}]{experiment}}}]}}"#
    )
}

const COOKIE: &str = r#", "secret": {"env": "WEIR_SECRET"}, "assignmentCookie": {"name": "w"}"#;

fn lab(experiment: &str, rest: &str) -> Lab {
    Lab::new(&section(experiment, rest)).unwrap()
}

/// The first of many users who gets this variant.
fn user_with(lab: &Lab, variant: Option<&str>) -> String {
    let mut users = (0..1000).map(|i| format!("user-{i}"));
    users.find(|user| lab.user(user, "checkout").as_deref() == variant).unwrap()
}

tests! {
    fn each_unit_gets_what_weir_1_gives_it() {
        let lab = lab(r#", "coverage": "40%""#, "");
        let half = Weights::from_relative(&[50.0, 50.0]).unwrap();
        let allocation = contiguous(&half, Fraction::from_percent(40.0).unwrap()).unwrap();
        let salt = Salt::new("checkout");
        for i in 0..2000 {
            let user = format!("user-{i}");
            let expected = allocation.pick(salt.bucket(user.as_bytes())).map(|v| ["a", "b"][v]);
            assert_eq!(lab.user(&user, "checkout").as_deref(), expected, "{user}");
        }
    }

    fn every_algorithm_gives_what_its_assigner_gives() {
        for algorithm in Algorithm::ALL {
            let definition = |seed| Definition {
                key: "checkout",
                seed,
                coverage_seed: None,
                coverage: 1.0,
                layout: Layout::Weights(&[50.0, 50.0]),
            };
            // What some vendors ask of a seed, one of these will do.
            let seeds = [None, Some("7"), Some("7,")].into_iter();
            let prepared = |seed| Some((seed, Assigner::new(*algorithm, &definition(seed)).ok()?));
            let (seed, assigner) = seeds.filter_map(prepared).next().unwrap();
            let seed = seed.map_or(String::new(), |seed| format!(r#", "seed": {seed:?}"#));
            let lab = lab(&format!(r#", "hash": {:?}{seed}"#, algorithm.name()), "");
            for i in 0..300 {
                let user = format!("użytkownik-{i}");
                let expected = match assigner.assign(user.as_bytes()) {
                    Assignment::Variant(v) => Some(["a", "b"][v]),
                    Assignment::NotCovered => None,
                };
                assert_eq!(lab.user(&user, "checkout").as_deref(), expected, "{algorithm:?} {user}");
            }
        }
    }

    fn status_decides_first() {
        let a = |lab: &Lab| lab.decide(&[("x-user-id", "ada")]);
        assert_eq!(a(&lab(r#", "status": "draft""#, "")).last("checkout"), Some(("status", Verdict::Out)));
        assert_eq!(a(&lab(r#", "status": "ended""#, "")).last("checkout"), Some(("status", Verdict::Out)));
        let ended = lab(r#", "status": "ended", "winner": "b""#, "");
        for i in 0..50 {
            let decided = ended.decide(&[("x-user-id", &i.to_string())]);
            assert_eq!((decided.variant("checkout"), decided.counts.len()), (Some("b"), 0));
        }
        assert_eq!(ended.decide(&[]).variant("checkout"), Some("b"), "without a unit too");
        assert_eq!(a(&lab(r#", "status": "paused""#, "")).last("checkout"), Some(("sticky", Verdict::Out)));
    }

    fn time_decides_and_is_asked_once() {
        let day = 86_400_000_000_000;
        let lab = lab(r#", "start": "2026-03-01T00:00:00Z", "end": "2026-03-08T00:00:00Z", "winner": "b""#, "");
        let user = user_with(&lab, Some("a"));
        let at = |now| {
            lab.host.now.set(now);
            lab.host.asked();
            let variant = lab.user(&user, "checkout");
            assert_eq!(lab.host.asked(), ["now"]);
            variant
        };
        assert_eq!(at(NOW - 1), None);
        assert_eq!(at(NOW).as_deref(), Some("a"));
        assert_eq!(at(NOW + 7 * day - 1).as_deref(), Some("a"));
        assert_eq!(at(NOW + 7 * day).as_deref(), Some("b"));
        let timeless = Lab::new(&section("", "")).unwrap();
        timeless.user("ada", "checkout");
        assert!(timeless.host.asked().is_empty(), "an experiment without times does not read the clock");
    }

    fn the_first_unit_that_is_there_counts() {
        let lab = lab(r#", "unit": ["header:x-user-id", "cookie:uid"]"#, "");
        for i in 0..50 {
            let (a, b) = (format!("user-{i}"), format!("uid=user-{}", i + 100));
            let by_header = lab.decide(&[("x-user-id", &a)]).headers;
            assert_eq!(lab.decide(&[("x-user-id", &a), ("cookie", &b)]).headers, by_header);
            let by_cookie = lab.decide(&[("cookie", &b)]).headers;
            assert_eq!(lab.decide(&[("x-user-id", ""), ("cookie", &b)]).headers, by_cookie);
        }
        let nobody = lab.decide(&[]);
        assert_eq!((nobody.headers.len(), nobody.counts), (0, vec!["weir_experiments_without_unit_total".to_owned()]));
    }

    fn a_minted_id_counts_on_its_own_request_and_only_ours_is_taken() {
        let lab = lab("", r#", "secret": {"env": "WEIR_SECRET"}, "mintCookie": {"name": "id"}"#);
        for _ in 0..20 {
            let first = lab.decide(&[]);
            let id = first.cookie("id").unwrap().to_owned();
            let later = lab.decide(&[("cookie", &format!("id={id}"))]);
            assert_eq!((later.headers, later.response), (first.headers, vec![]));
            let (plain, _) = id.split_once('.').unwrap();
            for forged in [plain.to_owned(), format!("{id}0"), id.replace('.', "_"), format!("{plain}.{plain}"), "x".repeat(5000)] {
                let fresh = lab.decide(&[("cookie", &format!("id={forged}"))]);
                assert!(fresh.cookie("id").is_some_and(|new| new != id), "{forged}");
            }
        }
        let known = lab.decide(&[("x-user-id", "ada")]);
        assert!(known.response.is_empty(), "who has an identity gets no other");
    }

    fn nobody_gets_a_cookie_for_an_experiment_that_is_not_for_them() {
        let rest = r#", "mintCookie": {"name": "id"}"#;
        let lab = lab(r#", "match": {"headers": {"x-beta": {}}}"#, rest);
        assert_eq!(lab.decide(&[]).last("checkout"), Some(("targeting", Verdict::Out)));
        assert!(lab.decide(&[]).response.is_empty());
        assert!(lab.decide(&[("x-beta", "1")]).cookie("id").is_some());
    }

    fn cookies_need_consent() {
        let consent = r#", "consent": {"source": "cookie:ok", "equals": ["yes", "1"]}, "mintCookie": {"name": "id"}"#;
        let lab = lab("", &format!("{COOKIE}{consent}"));
        for cookie in ["", "ok=no", "ok=", "other=yes"] {
            let decided = lab.decide(&[("cookie", cookie)]);
            assert!(decided.response.is_empty() && decided.headers.is_empty(), "{cookie}");
            let known = lab.decide(&[("cookie", cookie), ("x-user-id", "ada")]);
            // It has a variant, and is in no result.
            assert!(known.response.is_empty() && known.variant("checkout").is_some(), "{known:?}");
            assert_eq!(known.counts, ["weir_experiments_without_consent_total"]);
        }
        for cookie in ["ok=yes", "ok=1"] {
            let decided = lab.decide(&[("cookie", cookie)]);
            assert!(decided.cookie("id").is_some() && decided.cookie("w").is_some(), "{cookie}");
        }
        let cookies = format!("id={}", lab.decide(&[("cookie", "ok=1")]).cookie("id").unwrap());
        assert!(lab.decide(&[("cookie", &cookies)]).headers.is_empty(), "consent withdrawn: not read either");
    }

    fn exposures_count_units_once() {
        let lab = lab("", COOKIE);
        let first = lab.decide(&[("x-user-id", "ada")]);
        let variant = first.variant("checkout").unwrap();
        let counter = format!("experiment=.=checkout;.;variant=.={variant};.;weir_exposures_total");
        assert_eq!(first.counts, [counter]);
        let cookie = format!("w={}", first.cookie("w").unwrap());
        let again = lab.decide(&[("x-user-id", "ada"), ("cookie", &cookie)]);
        assert_eq!((again.counts.len(), again.response.len()), (0, 0));
        let without = Lab::new(&section("", "")).unwrap().decide(&[("x-user-id", "ada")]);
        assert_eq!(without.counts, [format!("experiment=.=checkout;.;variant=.={variant};.;weir_assignments_total")]);
    }

    fn sticky_units_keep_their_variant_and_paused_ones_too() {
        let old = lab(r#", "sticky": true"#, COOKIE);
        let user = user_with(&old, Some("a"));
        let cookie = format!("w={}", old.decide(&[("x-user-id", &user)]).cookie("w").unwrap());
        let weights = |a: u32, more: &str| {
            let text = section(&format!(r#", "sticky": true{more}"#), COOKIE);
            Lab::new(&text.replacen("50", &a.to_string(), 1)).unwrap()
        };
        let request = [("x-user-id", user.as_str()), ("cookie", cookie.as_str())];
        let moved = weights(0, "");
        assert_eq!(moved.user(&user, "checkout").as_deref(), Some("b"));
        assert_eq!(moved.decide(&request).variant("checkout"), Some("a"));
        let paused = weights(0, r#", "status": "paused""#);
        assert_eq!(paused.decide(&request).variant("checkout"), Some("a"));
        assert_eq!(paused.user(&user, "checkout"), None);
        let free = Lab::new(&section("", COOKIE).replacen("50", "0", 1)).unwrap().decide(&request);
        assert_eq!((free.variant("checkout"), free.counts.len()), (Some("b"), 1), "not sticky: moves, counted anew");
    }

    fn versions_work_as_in_growthbook() {
        let at = |version: u32, least: u32| {
            lab(&format!(r#", "sticky": true, "bucketVersion": {version}, "minBucketVersion": {least}"#), COOKIE)
        };
        let user = user_with(&at(0, 0), Some("a"));
        let cookie = |lab: &Lab, before: &str| {
            let decided = lab.decide(&[("x-user-id", &user), ("cookie", before)]);
            format!("w={}", decided.cookie("w").unwrap())
        };
        let zero = cookie(&at(0, 0), "");
        let last = |lab: &Lab, cookie: &str| lab.decide(&[("x-user-id", &user), ("cookie", cookie)]).last("checkout").unwrap();
        assert_eq!(last(&at(0, 0), &zero), ("sticky", Verdict::Variant(0)));
        assert_eq!(last(&at(1, 0), &zero), ("variant", Verdict::Variant(0)), "another version is assigned anew");
        assert_eq!(last(&at(1, 1), &zero), ("sticky", Verdict::Out), "too old a version takes no part");
        let both = cookie(&at(1, 0), &zero);
        assert!(both.contains("checkout:a:0/checkout:a:1~"), "{both}");
        assert_eq!(last(&at(1, 0), &both), ("sticky", Verdict::Variant(0)));
        assert_eq!(last(&at(1, 1), &both), ("sticky", Verdict::Out), "also beside a newer one");
        let one = cookie(&at(1, 0), "");
        assert_eq!(last(&at(1, 1), &one), ("sticky", Verdict::Variant(0)));
    }

    fn only_our_own_cookies_are_believed() {
        let lab = lab(r#", "sticky": true"#, COOKIE);
        let (a, b) = (user_with(&lab, Some("a")), user_with(&lab, Some("b")));
        let good = lab.decide(&[("x-user-id", &a)]).cookie("w").unwrap().to_owned();
        let sticky = |value: &str| {
            let decided = lab.decide(&[("x-user-id", &b), ("cookie", &format!("w={value}"))]);
            decided.variant("checkout") == Some("a")
        };
        assert!(sticky(&good), "a good cookie is believed, whoever shows it");
        for at in 0..good.len() {
            let mut bytes = good.clone().into_bytes();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            assert!(!sticky(&String::from_utf8(bytes).unwrap()), "byte {at} changed");
            assert!(!sticky(&good[..at]), "cut at {at}");
        }
        let other = Lab::new(&section(r#", "sticky": true"#, &COOKIE.replace(r#"{"env": "WEIR_SECRET"}"#, r#"{"value": "another secret of ours"}"#))).unwrap();
        assert!(!sticky(other.decide(&[("x-user-id", &a)]).cookie("w").unwrap()), "a foreign secret");
        let renamed = Lab::new(&section(r#", "sticky": true"#, &COOKIE.replace("\"w\"", "\"v\""))).unwrap();
        assert!(!sticky(renamed.decide(&[("x-user-id", &a)]).cookie("v").unwrap()), "another cookie's signature");
        lab.host.now.set(NOW + 365 * 86_400_000_000_000 - 1_000_000_000);
        assert!(sticky(&good), "the last second");
        lab.host.now.set(NOW + 365 * 86_400_000_000_000);
        assert!(!sticky(&good), "expired");
    }

    fn secrets_can_be_exchanged() {
        let with = |secrets: &str| lab(r#", "sticky": true"#, &format!(r#", "secret": {secrets}, "assignmentCookie": {{"name": "w"}}"#));
        let (old, new) = (r#"{"value": "the secret of last year"}"#, r#"{"value": "the secret of this year"}"#);
        let cookie = format!("w={}", with(old).decide(&[("x-user-id", "ada")]).cookie("w").unwrap());
        let last = |lab: &Lab| lab.decide(&[("x-user-id", "ada"), ("cookie", &cookie)]).last("checkout").unwrap().0;
        assert_eq!(last(&with(&format!("[{new}, {old}]"))), "sticky");
        assert_eq!(last(&with(new)), "variant");
    }

    fn a_cookie_that_would_be_too_long_leaves_the_rest_out() {
        let long = "k".repeat(100);
        let list: Vec<String> = (0..60).map(|i| format!(r#"{{"key": "{long}{i}", "sticky": true, "variants": [{{"key": "a"}}]}}"#)).collect();
        let lab = Lab::new(&format!(r#"{{"unit": "header:x-user-id"{COOKIE}, "list": [{}]}}"#, list.join(","))).unwrap();
        let decided = lab.decide(&[("x-user-id", "ada")]);
        let cookie = decided.cookie("w").unwrap().to_owned();
        assert!(cookie.len() <= 3800 && decided.headers.len() == 60);
        let exposures = decided.counts.iter().filter(|name| name.ends_with("weir_exposures_total")).count();
        assert_eq!(exposures, cookie.matches('/').count() + 1, "what is not remembered is not counted as a unit");
        let again = lab.decide(&[("x-user-id", "ada"), ("cookie", &format!("w={cookie}"))]);
        assert!(again.counts.iter().all(|name| name.ends_with("weir_assignments_total")));
        assert_eq!(again.counts.len() + exposures, 60);
    }

    fn holdouts_keep_units_out_of_everything_that_names_them() {
        let lab = Lab::new(r#"{"unit": "header:x-user-id", "holdouts": [{"name": "all", "share": "10%"}], "list": [
            {"key": "one", "holdout": "all", "variants": [{"key": "a"}]}, {"key": "two", "holdout": "all", "variants": [{"key": "a"}]},
            {"key": "free", "variants": [{"key": "a"}]}]}"#).unwrap();
        let salt = Salt::new("all/holdout");
        let mut held = 0;
        for i in 0..2000 {
            let user = format!("user-{i}");
            let out = salt.bucket(user.as_bytes()).index() < 100_000;
            let decided = lab.decide(&[("x-user-id", &user)]);
            assert_eq!((decided.variant("one").is_none(), decided.variant("two").is_none()), (out, out), "{user}");
            assert!(decided.variant("free").is_some());
            held += usize::from(out);
        }
        // 2000 × 10 %: 200 ± 4 standard deviations of 13.4.
        assert!((146..=254).contains(&held), "{held}");
    }

    fn experiments_in_a_layer_exclude_each_other() {
        let lab = Lab::new(r#"{"unit": "header:x-user-id", "list": [
            {"key": "one", "layer": {"name": "page", "ranges": [[0, 0.3], [0.9, 1]]}, "variants": [{"key": "a"}]},
            {"key": "two", "layer": {"name": "page", "ranges": [["30%", "80%"]]}, "variants": [{"key": "a"}]}]}"#).unwrap();
        let salt = Salt::new("page/layer");
        for i in 0..2000 {
            let user = format!("user-{i}");
            let bucket = salt.bucket(user.as_bytes()).index();
            let decided = lab.decide(&[("x-user-id", &user)]);
            assert_eq!(decided.variant("one").is_some(), !(300_000..900_000).contains(&bucket), "{user}");
            assert_eq!(decided.variant("two").is_some(), (300_000..800_000).contains(&bucket), "{user}");
        }
    }

    fn prerequisites_are_decided_first() {
        let lab = Lab::new(r#"{"unit": "header:x-user-id", "list": [
            {"key": "last", "prerequisites": [{"experiment": "middle", "variants": ["b"]}], "variants": [{"key": "x"}]},
            {"key": "rest", "prerequisites": [{"experiment": "first", "not": true}], "variants": [{"key": "x"}]},
            {"key": "middle", "prerequisites": [{"experiment": "first"}], "variants": [{"key": "a", "weight": 1}, {"key": "b", "weight": 1}]},
            {"key": "first", "coverage": 0.5, "variants": [{"key": "x"}]}]}"#).unwrap();
        let order: Vec<&str> = lab.plan.experiments().iter().map(|e| e.key()).collect();
        assert_eq!(order, ["first", "rest", "middle", "last"]);
        let mut seen = [0; 3];
        for i in 0..500 {
            let decided = lab.decide(&[("x-user-id", &i.to_string())]);
            let (first, middle) = (decided.variant("first"), decided.variant("middle"));
            assert_eq!(middle.is_some(), first.is_some());
            assert_eq!(decided.variant("rest").is_some(), first.is_none());
            assert_eq!(decided.variant("last").is_some(), middle == Some("b"));
            seen[usize::from(first.is_some()) + usize::from(middle == Some("b"))] += 1;
        }
        assert!(seen.iter().all(|n| *n > 80), "{seen:?}");
    }

    fn the_first_rule_of_a_flag_decides() {
        let lab = Lab::new(r#"{"unit": "header:x-user-id",
            "overrides": {"header": "x-force", "allow": {"match": {"headers": {"x-friend": {}}}}}, "list": [
            {"key": "f.1", "flag": "f", "match": {"headers": {"x-pro": {}}}, "variants": [{"key": "x", "payload": 1}]},
            {"key": "f.2", "flag": "f", "coverage": 0.5, "variants": [{"key": "a", "weight": 1, "payload": 2}, {"key": "x", "weight": 1, "payload": 3}]},
            {"key": "f.3", "flag": "f", "match": {"headers": {"x-rest": {}}}, "variants": [{"key": "z"}]},
            {"key": "of-flag", "prerequisites": [{"experiment": "f", "variants": "x"}], "variants": [{"key": "y"}]},
            {"key": "of-some", "prerequisites": [{"anyOf": [{"experiment": "f.1"}, {"experiment": "f.2", "variants": "a"}]}], "variants": [{"key": "y"}]},
            {"key": "of-none", "prerequisites": [{"anyOf": [{"experiment": "f.1"}, {"experiment": "f.2"}], "not": true}], "variants": [{"key": "y"}]}]}"#).unwrap();
        let mut seen = [0; 3];
        for i in 0..300 {
            let user = i.to_string();
            let pro = lab.decide(&[("x-user-id", &user), ("x-pro", "")]);
            assert_eq!((pro.variant("f"), pro.header("x-weir-payload-f")), (Some("x"), Some("1")));
            assert_eq!((pro.steps_of("f.2"), pro.steps_of("f.3")), (vec!["flag"], vec!["flag"]));
            let plain = lab.decide(&[("x-user-id", &user), ("x-rest", "")]);
            let (variant, payload) = (plain.variant("f"), plain.header("x-weir-payload-f"));
            let expected = match variant { Some("a") => Some("2"), Some("x") => Some("3"), _ => None };
            assert_eq!(payload, expected);
            assert_eq!(plain.variant("of-flag").is_some(), variant == Some("x"));
            assert_eq!(plain.variant("of-some").is_some(), variant == Some("a"));
            assert_eq!(plain.variant("of-none").is_some(), variant == Some("z"));
            seen[["a", "x", "z"].iter().position(|it| Some(*it) == variant).unwrap()] += 1;
            // A tester's choice is of the flag, whatever rule has the variant.
            let forced = lab.decide(&[("x-user-id", &user), ("x-pro", ""), ("x-friend", ""), ("x-force", "f=z")]);
            assert_eq!(forced.variant("f"), Some("z"));
            let other = lab.decide(&[("x-user-id", &user), ("x-pro", ""), ("x-friend", ""), ("x-force", "f=typo")]);
            assert_eq!(other.variant("f"), Some("x"));
        }
        assert!(seen.iter().all(|n| *n > 40), "{seen:?}");
    }

    fn overrides_need_a_secret_or_a_friend() {
        let rest = r#", "overrides": {"header": "x-force", "query": "force", "cookie": "force",
            "secret": {"env": "WEIR_SECRET"}, "allow": {"match": {"headers": {"x-friend": {}}}}}"#;
        let lab = lab("", &format!("{rest}{COOKIE}"));
        let user = user_with(&lab, Some("a"));
        let with = |headers: &[(&str, &str)]| {
            let decided = lab.decide(&[&[("x-user-id", user.as_str())], headers].concat());
            (decided.variant("checkout").unwrap().to_owned(), decided.counts)
        };
        let good = format!("other=x, checkout=b~{}", crate::support::SECRET);
        let unknown = vec!["weir_overrides_unknown_total".to_owned()];
        assert_eq!(with(&[("x-force", &good)]), ("b".to_owned(), unknown), "and the assignment is not counted");
        assert_eq!(with(&[("cookie", "force=checkout=b~a secret for tests only")]).0, "b");
        assert_eq!(with(&[(":path", "/?force=checkout%3Db~a+secret+for+tests+only")]).0, "b");
        assert_eq!(with(&[("x-force", "checkout=b"), ("x-friend", "1")]).0, "b");
        for bad in ["checkout=b", "checkout=b~", "checkout=b~wrong", "checkout=b~a secret for tests onl", "~a secret for tests only checkout=b"] {
            let (variant, counts) = with(&[("x-force", bad)]);
            assert_eq!(variant, "a", "{bad}");
            assert!(counts.contains(&"weir_overrides_refused_total".to_owned()) , "{bad} {counts:?}");
        }
        assert_eq!(with(&[("x-force", "checkout=none~a secret for tests only")]).0, "a", "an unknown variant");
        assert!(lab.decide(&[("x-force", &good)]).header("x-force").is_none(), "the secret does not go on");
        assert!(lab.decide(&[("x-force", &good)]).cookie("w").is_none(), "and nothing is remembered");
    }

    fn a_signature_will_do_for_an_override() {
        let lab = lab("", r#", "overrides": {"query": "force", "secret": {"env": "WEIR_SECRET"}}"#);
        // python3 -c "import hmac; print(hmac.new(b'a secret for tests only', b'override\0checkout=a', 'sha256').hexdigest()[:32])"
        let signed = |variant: &str| lab.decide(&[(":path", &format!("/?force=checkout={variant}~b9541296e960c6d16af23bfe3e967b92"))]);
        assert_eq!(signed("a").variant("checkout"), Some("a"));
        assert_eq!(signed("b").variant("checkout"), None, "it is for this choice only");
    }

    fn a_link_lasts_a_session_as_long_as_it_is_good() {
        let lab = lab("", r#", "overrides": {"query": "force", "session": {"name": "t", "ttl": "1h"}, "responseHeader": "x-told", "secret": {"env": "WEIR_SECRET"}}"#);
        let signer = weir_experiment::Signer::new(crate::support::SECRET.as_bytes()).unwrap();
        let seconds = crate::support::NOW / 1_000_000_000;
        let told = |decided: &crate::support::Decided| {
            decided.response.iter().find(|(name, _)| name == "x-told").map(|(_, value)| value.clone()).unwrap_or_default()
        };
        for (expiry, lasts) in [(None, 3600), (Some(seconds + 60), 60), (Some(seconds + 90_000), 3600)] {
            lab.host.now.set(crate::support::NOW);
            let link = weir_experiment::link::signed("checkout=b", expiry, &signer);
            let first = lab.decide(&[(":path", &format!("/?force={link}"))]);
            assert_eq!((first.variant("checkout"), told(&first).as_str()), (Some("b"), "applied"));
            let cookie = format!("t={}", first.cookie("t").unwrap());
            assert!(cookie.starts_with(&format!("t=checkout:b~{}~", seconds + lasts)), "{cookie}");
            for (later, variant, outcome) in [(lasts - 1, Some("b"), "applied"), (lasts, None, "expired")] {
                lab.host.now.set((seconds + later) * 1_000_000_000);
                let next = lab.decide(&[("cookie", &cookie)]);
                assert_eq!((next.variant("checkout"), told(&next).as_str()), (variant, outcome), "{later}");
                assert_eq!(next.cookie("t"), (variant.is_none()).then_some(""), "it ends with its time");
            }
        }
    }

    fn strangers_cost_no_look_at_the_clock() {
        let lab = lab("", r#", "overrides": {"query": "force", "session": {"name": "t"}, "secret": {"env": "WEIR_SECRET"}}"#);
        for text in ["checkout=b~4102358400~00000000000000000000000000000000", "checkout=b", "~~", "end"] {
            let _ = lab.decide(&[(":path", &format!("/?force={text}")), ("cookie", &format!("t={text}"))]);
        }
        assert_eq!(lab.host.asked(), [""; 0]);
    }

    fn trusted_peers_have_the_last_word() {
        let lab = lab("", r#", "trust": {"match": {"headers": {"x-friend": {}}}}"#);
        let (a, b) = (user_with(&lab, Some("a")), user_with(&lab, Some("b")));
        for (user, own) in [(a, "a"), (b, "b")] {
            for sent in ["a", "b"] {
                let request = [("x-user-id", user.as_str()), ("x-weir-experiment-checkout", sent)];
                assert_eq!(lab.decide(&request).variant("checkout"), Some(own), "forged");
                let trusted = lab.decide(&[&request[..], &[("x-friend", "1")]].concat());
                assert_eq!((trusted.variant("checkout"), trusted.counts.len()), (Some(sent), 0));
            }
        }
        let kept = lab.decide(&[("x-friend", "1"), ("x-weir-experiment-checkout", "unknown")]);
        assert_eq!((kept.headers.len(), kept.kept), (0, vec!["x-weir-experiment-checkout".to_owned()]));
    }

    fn all_outputs_say_the_same() {
        let lab = Lab::new(r#"{"unit": "header:x-user-id",
            "output": {"combinedHeader": "x-all", "baggage": true, "filterState": true, "responseHeader": "x-told", "responseCookie": {"name": "told"}},
            "list": [{"key": "one", "variants": [{"key": "a", "headers": {"x-extra": "1"}, "payload": {"n": [1, "ü"]}}]},
                     {"key": "none", "coverage": 0, "variants": [{"key": "a"}]},
                     {"key": "two", "header": "x-two", "variants": [{"key": "b"}]}]}"#).unwrap();
        let decided = lab.decide(&[("x-user-id", "ada")]);
        let header = |name| decided.header(name).unwrap_or_default();
        assert_eq!(header("x-all"), "one=a,two=b");
        assert_eq!((header("x-two"), header("x-extra"), header("x-weir-payload-one")), ("b", "1", r#"{"n":[1,"ü"]}"#));
        assert_eq!(decided.header("x-weir-experiment-one"), None, "the combined header is in place of it");
        assert_eq!(header("baggage"), "weir.one=a,weir.two=b");
        assert_eq!(decided.states, [("weir.one".to_owned(), "a".to_owned()), ("weir.two".to_owned(), "b".to_owned())]);
        assert_eq!(decided.response[1], ("x-told".to_owned(), "one=a,two=b".to_owned()));
        assert_eq!(decided.cookie("told"), Some("one:a/two:b"));
        let again = lab.decide(&[("x-user-id", "ada"), ("cookie", "told=one:a/two:b")]);
        assert_eq!(again.cookie("told"), None, "a cookie that is right is not set again");
    }

    fn baggage_of_others_stays_and_ours_is_replaced() {
        let lab = lab("", r#", "output": {"baggage": true}, "trust": {"match": {"headers": {"x-friend": {}}}}"#);
        let user = user_with(&lab, Some("a"));
        let with = |sent: &str| lab.decide(&[("x-user-id", &user), ("baggage", sent)]).header("baggage").unwrap().to_owned();
        assert_eq!(with(""), "weir.checkout=a");
        assert_eq!(with("k=v;p=1, o=ther"), "k=v;p=1, o=ther,weir.checkout=a");
        assert_eq!(with("k=v;p=1, other"), "k=v;p=1,weir.checkout=a", "malformed");
        assert_eq!(with("weir.checkout=b, k=v, weir.checkout = c;x"), " k=v,weir.checkout=a");
        assert_eq!(with("weir.other=1,,=,;"), "weir.checkout=a");
        for forged in ["weir%2Echeckout=b", "%77EIR.checkout =b", "+weir.c=b", "%C2%A0weir.c=b", "\tweir.=b", "weir.c"] {
            assert_eq!(with(&format!("k=v,{forged}")), "k=v,weir.checkout=a", "{forged}");
        }
        for theirs in ["weird=1", "a.weir.c=1", "weir%252Ec=1", "weir=1", "k=v;weir.c=1"] {
            assert_eq!(with(theirs), format!("{theirs},weir.checkout=a"));
        }
        let members: Vec<String> = (0..64).map(|i| format!("k{i}=v")).collect();
        assert_eq!(with(&members[..63].join(",")), format!("{},weir.checkout=a", members[..63].join(",")));
        let long = |len| format!("k={}", "v".repeat(len));
        for (full, left) in [
            (members.join(","), members[..63].join(",") + ","),
            (long(8180), String::new()),
            (long(65_000), String::new()),
            (format!("a=1,{},b=2", long(8180)), "a=1,b=2,".to_owned()),
            // Readers that count texts as UTF-8 take nothing at all of more than 8192 bytes.
            (format!("a=1,k={}", "é".repeat(2100)), "a=1,".to_owned()),
        ] {
            let decided = lab.decide(&[("x-user-id", &user), ("baggage", &full)]);
            assert_eq!(decided.header("baggage").unwrap(), left + "weir.checkout=a", "ours is not lost");
            assert!(decided.counts.contains(&"weir_baggage_dropped_total".to_owned()));
        }
        assert_eq!(lab.decide(&[("baggage", "weir.checkout=b")]).header("baggage"), None, "forged, and nothing else");
        let friend = lab.decide(&[("x-friend", "1"), ("baggage", "weir.checkout=b")]);
        assert!(friend.kept.contains(&"baggage".to_owned()));
        let friend = |sent: &str| lab.decide(&[("x-friend", "1"), ("x-user-id", &user), ("baggage", sent)]);
        let sent = "weir%2Echeckout=b,weir.other=b,WEIR.Checkout=c";
        assert_eq!(friend(sent).header("baggage").unwrap(), "weir.other=b,weir.checkout=a");
    }

    fn every_step_is_told_in_its_order() {
        let rest = r#", "holdouts": [{"name": "h", "share": 0}], "overrides": {"cookie": "f", "secret": {"env": "WEIR_SECRET"}},
            "trust": {"match": {"headers": {"x-friend": {}}}}"#;
        let lab = lab(r#", "sticky": true, "holdout": "h", "layer": {"name": "l", "ranges": [[0, 1]]}"#, &format!("{rest}{COOKIE}"));
        let decided = lab.decide(&[("x-user-id", "ada"), ("x-friend", "1")]);
        assert_eq!(decided.steps_of("checkout"), [
            "trust", "status", "override", "sticky", "holdout", "layer", "targeting", "prerequisites", "coverage", "variant",
        ]);
    }

    fn one_variant_for_everyone_needs_no_unit() {
        let lab = Lab::new(r#"{"list": [{"key": "flag", "match": {"headers": {"x-beta": {}}}, "variants": [{"key": "on"}]}]}"#).unwrap();
        assert_eq!(lab.decide(&[("x-beta", "")]).variant("flag"), Some("on"));
        assert_eq!(lab.decide(&[]).variant("flag"), None);
    }

    fn units_of_any_bytes_are_assigned() {
        let lab = lab("", "");
        for unit in [&b"\xff\xfe\x80"[..], b"a\x00b", &[b'u'; 65_000], b" "] {
            let decided = lab.decide_bytes(&[("x-user-id", unit)]);
            let expected = ["a", "b"][usize::from(Salt::new("checkout").bucket(unit).index() >= 500_000)];
            assert_eq!(decided.variant("checkout"), Some(expected));
        }
    }

    fn a_hundred_experiments_are_all_remembered_and_found_again() {
        let list: Vec<String> = (0..100).map(|i| format!(r#"{{"key": "e{i}", "sticky": true, "variants": [{{"key": "a", "weight": 1}}, {{"key": "b", "weight": 1}}]}}"#)).collect();
        let lab = Lab::new(&format!(r#"{{"unit": "header:x-user-id"{COOKIE}, "list": [{}]}}"#, list.join(","))).unwrap();
        let first = lab.decide(&[("x-user-id", "ada")]);
        let cookie = format!("w={}", first.cookie("w").unwrap());
        let other = lab.decide(&[("x-user-id", "grace"), ("cookie", &cookie)]);
        assert_eq!((other.headers, other.counts.len(), other.response.len()), (first.headers, 0, 0));
    }
}
