//! An index leaves out a rule only if its predicate is false: held against a look at each rule, on random rules and
//! requests.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop where they fail")]

use crate::http_match_support::{Services, claim};
use serde_json::{Value, json};
use weir_core::header::encode_pairs;
use weir_core::ids::ExperimentId;
use weir_core::targeting::has_variants;
use weir_core::{
    AccessPlan, AnyVariant, At, AttributeMap, Compiler, OrderedMap, Predicate, Problems, Request, RuleCost,
    RuleIndex, Scratch, Targeting, Truth, load,
};
use weir_testkit::Chance;

/// How many experiments rules can ask for; each has the variants `a`, `b` and `c`.
const EXPERIMENTS: usize = 5;

/// Rules that are compiled and ready for requests.
struct Rules {
    access_plan: AccessPlan,
    experiments: Vec<ExperimentId>,
    rules: Vec<Predicate>,
    index: Option<Box<RuleIndex>>,
}

impl Rules {
    fn new(rules: &[Value]) -> Self {
        Self::with_cost(rules, RuleCost::PREDICATE)
    }

    fn with_cost(rules: &[Value], cost: RuleCost) -> Self {
        let attributes: AttributeMap = load(
            br#"{"a": "header:x-a", "lower": {"header": "x-a", "lower": true}, "cookie": "cookie:c", "query": "query:q",
                "json": {"header": "x-b", "type": "json"}, "number": {"header": "x-b", "type": "number"},
                "list": {"header": "x-b", "type": "list"}, "tier": {"claim": "tier", "type": "string"},
                "default": {"header": "x-c", "default": "v1"}, "domain": "host", "place": "path"}"#,
            &mut Problems::default(),
        );
        let (env, mut problems) = (|_: &str| None, Problems::default());
        let targetings: Vec<(Targeting, OrderedMap<AnyVariant>)> = rules
            .iter()
            .map(|rule| {
                let mut rule = rule.clone();
                let variants = rule.as_object_mut().unwrap().remove("variant").unwrap_or_else(|| json!({}));
                let targeting = load(rule.to_string().as_bytes(), &mut problems);
                (targeting, load(variants.to_string().as_bytes(), &mut problems))
            })
            .collect();
        let mut compiler = Compiler::new(&attributes, &env, problems);
        let variants = || ["a", "b", "c"].map(str::to_owned).to_vec();
        let experiments =
            (0..EXPERIMENTS).map(|i| compiler.experiment(&format!("e{i}"), variants())).collect();
        let rules: Vec<Predicate> = targetings
            .iter()
            .map(|(targeting, variants)| {
                let mut all = has_variants(variants, &mut compiler, &At::root());
                all.push(targeting.compile(&mut compiler, &At::root()));
                Predicate::all(all)
            })
            .collect();
        let index = RuleIndex::new(&rules.iter().map(Some).collect::<Vec<_>>(), cost, &compiler);
        let access_plan = compiler.finish().map_err(|problems| problems.to_string()).unwrap();
        Self { access_plan, experiments, rules, index }
    }

    /// What each rule says of a request with these variants, and the rules that the index finds for it.
    fn judge(
        &self,
        headers: &[(&str, &[u8])],
        variants: [Option<u16>; EXPERIMENTS],
        host: &Services,
    ) -> (Vec<Truth>, Vec<usize>) {
        let (raw, mut scratch) = (encode_pairs(headers), Scratch::default());
        scratch.read(&self.access_plan, &raw);
        let request = Request::new(&self.access_plan, &raw, &scratch, host);
        for (experiment, variant) in self.experiments.iter().zip(variants) {
            variant.into_iter().for_each(|variant| request.assign(*experiment, variant));
        }
        let all = || (0..self.rules.len()).collect();
        let found = self.index.as_ref().map_or_else(all, |index| index.find(&request).iter().collect());
        (self.rules.iter().map(|rule| rule.judge(&request)).collect(), found)
    }
}

const PATHS: [&str; 12] =
    ["/", "/a", "/a/", "/a/b", "/a/b/c", "/A", "/ab", "/b", "/a%2Fb", "/a%2fb", "/null", "/v1"];
const TEXTS: [&str; 9] = ["v1", "v2", "V1", "v", "v10", "", "null", "a,v1", "1"];
const HOSTS: [&str; 6] = ["a.example", "A.example", "b.example", "a.example:80", "b.example.", "c.example"];

/// A test of a text.
fn test(chance: &mut Chance, texts: &[&str]) -> Value {
    let full: Vec<&str> = texts.iter().copied().filter(|text| !text.is_empty()).collect();
    let text = *chance.one(&full);
    match chance.below(12) {
        0..4 => json!({"exact": *chance.one(texts)}),
        4..6 => json!({"prefix": text}),
        6 => json!({"in": [*chance.one(texts), *chance.one(texts)]}),
        7 => json!({"exact": text, "ignoreCase": true}),
        8 => json!({"suffix": text}),
        9 => json!({"regex": format!("{text}[0-9]*")}),
        10 => json!({"regex": format!("{text}|{}.*", chance.one(&full))}),
        _ => json!({"present": chance.below(2) == 0}),
    }
}

fn http_match(chance: &mut Chance) -> Value {
    let mut parts = serde_json::Map::new();
    for _ in 0..=chance.below(2) {
        match chance.below(8) {
            0 | 1 => {
                let path = *chance.one(&PATHS);
                let uri = match chance.below(5) {
                    0 | 1 => json!({"exact": path}),
                    2 => json!({"prefix": path}),
                    3 => json!({"in": [path, *chance.one(&PATHS)]}),
                    _ => json!({"regex": format!("{path}(/.*)?")}),
                };
                parts.insert("uri".into(), uri);
                if chance.below(6) == 0 {
                    parts.insert("ignoreUriCase".into(), json!(true));
                }
            }
            2 => {
                let host = chance.one(&["a.example", "b.example", "a.example:80", "c.example"]);
                let kind = chance.one(&["exact", "prefix"]);
                parts.insert("authority".into(), json!({*kind: host}));
            }
            3 => drop(parts.insert("queryParams".into(), json!({"q": test(chance, &TEXTS)}))),
            4 => drop(parts.insert("cookies".into(), json!({"c": test(chance, &TEXTS)}))),
            5 => drop(parts.insert("claims".into(), json!({"tier": test(chance, &TEXTS)}))),
            6 => drop(parts.insert("withoutHeaders".into(), json!({"x-a": test(chance, &TEXTS)}))),
            _ => {
                let name = *chance.one(&["x-a", "x-b"]);
                parts.insert("headers".into(), json!({name: test(chance, &TEXTS)}));
            }
        }
    }
    Value::Object(parts)
}

fn condition(chance: &mut Chance, depth: usize) -> Value {
    let one = |chance: &mut Chance, attribute: &str| {
        // What a value in lower case can never be is refused.
        let texts: &[&str] = if attribute == "lower" { &["v1", "v2", "null"] } else { &TEXTS };
        let text = *chance.one(texts);
        let check = match chance.below(7) {
            0 | 1 => json!(text),
            2 => json!({"$eq": text}),
            3 => json!({"$in": [text, *chance.one(texts)]}),
            4 => json!({"$ne": text}),
            // Of nothing: what cannot be read is unknown all the same.
            5 => json!({"$in": []}),
            _ => json!({"$in": [text, null]}),
        };
        json!({ attribute: check })
    };
    match chance.below(if depth == 0 { 6 } else { 8 }) {
        0..4 => {
            let attribute =
                *chance.one(&["a", "lower", "cookie", "query", "json", "number", "list", "tier", "default"]);
            one(chance, attribute)
        }
        4 => json!({"domain": *chance.one(&["a.example", "b.example", "a.example:80"])}),
        5 => json!({"place": *chance.one(&PATHS)}),
        6 => json!({"$or": [condition(chance, depth - 1), condition(chance, depth - 1)]}),
        _ => {
            json!({"$and": [condition(chance, depth - 1), {"$not": condition(chance, depth - 1)}]})
        }
    }
}

/// One or two experiments, each with a variant or several.
fn variant(chance: &mut Chance) -> Value {
    let one = |chance: &mut Chance| {
        let variants = json!([*chance.one(&["a", "b", "c"]), *chance.one(&["a", "b", "c"])]);
        if chance.below(3) == 0 { variants } else { variants[0].clone() }
    };
    (0..=chance.below(3) / 2).map(|_| (format!("e{}", chance.below(EXPERIMENTS)), one(chance))).collect()
}

fn rule(chance: &mut Chance) -> Value {
    let mut rule = serde_json::Map::new();
    let kind = chance.below(20);
    if kind < 12 {
        rule.insert("match".into(), (0..=chance.below(3) / 2).map(|_| http_match(chance)).collect());
    }
    if kind >= 8 {
        rule.insert("condition".into(), condition(chance, 2));
    }
    if kind == 19 {
        rule.insert("cel".into(), json!("true"));
    }
    if chance.below(4) == 0 {
        rule.insert("variant".into(), variant(chance));
        if chance.below(2) == 0 {
            rule.retain(|name, _| name == "variant");
        }
    }
    Value::Object(rule)
}

/// Headers with names and values that rules ask for, each any number of times.
fn headers(chance: &mut Chance) -> Vec<(&'static str, Vec<u8>)> {
    let mut headers = Vec::new();
    for _ in 0..chance.below(9) {
        headers.push(match chance.below(8) {
            0 | 1 => {
                let query = *chance.one(&["", "?q=v1", "?q=v%31&q=v2", "?q", "?Q=v1", "#x", "?q=%ff"]);
                (":path", format!("{}{query}", chance.one(&PATHS)).into_bytes())
            }
            2 => (":authority", chance.one(&HOSTS).as_bytes().to_vec()),
            3 => ("cookie", format!("c={}; d=v1", chance.one(&TEXTS)).into_bytes()),
            4 => {
                let odd: [&[u8]; 7] = [b"\xff", b"[\"v1\"]", b"\"v1\"", b"{", b"1.0", b"v1 , v2", b"v1\xff"];
                (*chance.one(&["x-a", "x-b"]), chance.one(&odd).to_vec())
            }
            5 if chance.below(20) == 0 => ("x-b", vec![b'['; 20_000]),
            _ => (*chance.one(&["x-a", "x-b", "x-c"]), chance.one(&TEXTS).as_bytes().to_vec()),
        });
    }
    headers
}

fn services(chance: &mut Chance) -> Services {
    let host = Services::default();
    let list = encode_pairs(&[("v1", ""), ("v2", "")]);
    let values: [&[u8]; 6] = [b"v1", b"v2", b"", b"\xff", &list, b"null"];
    if chance.below(3) > 0 {
        host.set_property(&claim("tier"), chance.one(&values));
    }
    host.cel.set(*chance.one(&[None, Some(false), Some(true)]));
    host
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn only_rules_that_are_false_are_left_out() {
    let mut chance = Chance(20_261_129);
    let (mut asked, mut of, mut unknown) = (0, 0, 0);
    for round in 0..60 {
        let rules: Vec<Value> = (0..40 + chance.below(100)).map(|_| rule(&mut chance)).collect();
        let costs = [
            RuleCost::PREDICATE,
            RuleCost { before: 4, judged: true },
            RuleCost { before: 4, judged: false },
        ];
        let compiled = Rules::with_cost(&rules, *chance.one(&costs));
        for _ in 0..30 {
            let (headers, host) = (headers(&mut chance), services(&mut chance));
            let headers: Vec<(&str, &[u8])> = headers.iter().map(|(n, v)| (*n, v.as_slice())).collect();
            let variants = [(); EXPERIMENTS].map(|()| *chance.one(&[None, Some(0), Some(1), Some(2)]));
            let (truths, found) = compiled.judge(&headers, variants, &host);
            assert!(found.is_sorted_by(|a, b| a < b), "{found:?}");
            for (position, truth) in truths.iter().enumerate() {
                assert!(
                    *truth == Truth::False || found.binary_search(&position).is_ok(),
                    "round {round}: {} is {truth:?} and was left out of a request with {headers:?} {variants:?}",
                    rules[position]
                );
            }
            asked += found.len();
            of += rules.len();
            unknown += truths.iter().filter(|truth| **truth == Truth::Unknown).count();
        }
    }
    // The test is of something: rules are left out, and there are unknown ones.
    assert!(asked * 3 < of * 2 && unknown > 1_000, "{asked} of {of} asked, {unknown} unknown");
}

/// The rule of a number.
type Rule = fn(usize) -> Value;

/// Of a thousand rules that ask for one text each, a request is asked about those of its own.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn few_of_many_rules_are_asked() {
    let kinds: [(&str, Rule); 9] = [
        ("path", |i| json!({"match": {"method": {"exact": "GET"}, "uri": {"exact": format!("/p{i}")}}})),
        ("prefix", |i| json!({"match": {"uri": {"prefix": format!("/p{i}/")}}})),
        ("regex", |i| json!({"match": {"uri": {"regex": format!("/p{i}/[a-z]+/.*|/p{i}")}}})),
        ("regex prefix", |i| json!({"match": {"uri": {"regex": format!("/p{i}/(x|y)+z?")}}})),
        ("header", |i| json!({"match": {"headers": {"x-a": {"exact": format!("p{i}")}}}})),
        ("list", |i| json!({"match": {"headers": {"x-a": {"in": [format!("p{i}"), format!("q{i}")]}}}})),
        ("host", |i| json!({"match": {"authority": {"exact": format!("p{i}.example")}}})),
        ("condition", |i| json!({"condition": {"$or": [{"default": format!("p{i}")}, {"cookie": "x"}]}})),
        ("claim", |i| json!({"match": {"claims": {"tier": {"exact": format!("p{i}")}}}})),
    ];
    for (kind, rule) in kinds {
        let rules = Rules::new(&(0..1000).map(rule).collect::<Vec<_>>());
        let host = Services::with(&[(&claim("tier"), b"p7")]);
        let request = |path: &'static str| {
            let headers: [(&str, &[u8]); 6] = [
                (":path", path.as_bytes()),
                (":method", b"GET"),
                (":authority", b"p7.example:80"),
                ("x-a", b"p7"),
                ("x-a", b"q8"),
                ("x-c", b"p7"),
            ];
            rules.judge(&headers, [None; EXPERIMENTS], &host).1
        };
        let found = match kind {
            "path" => request("/p7?x"),
            _ => request("/p7/x"),
        };
        let expected: &[usize] = match kind {
            // Alternatives start differently.
            "regex" => &(0..1000).collect::<Vec<_>>(),
            "list" => &[7, 8],
            _ => &[7],
        };
        assert_eq!(found, expected, "{kind}");
    }
}

/// Rules that ask for variants are those of the request's own variants.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn rules_are_found_by_variants() {
    let rule = |i: usize| match i {
        17 => json!({"match": {"headers": {"x-a": {"present": false}}}}),
        18 => json!({"variant": {"e1": ["a", "c"]}}),
        19 => json!({"variant": {"e2": "b"}, "match": {"headers": {"x-a": {"exact": "v1"}}}}),
        _ => json!({"variant": {format!("e{}", i % 3): (["a", "b"][i % 2])}}),
    };
    let rules = Rules::new(&(0..20).map(rule).collect::<Vec<_>>());
    let found = |variants| rules.judge(&[], variants, &Services::default()).1;
    assert_eq!(found([None; EXPERIMENTS]), [17]);
    assert_eq!(found([None, Some(1), None, Some(0), Some(0)]), [1, 7, 13, 17]);
    assert_eq!(found([Some(2), Some(2), Some(1), None, None]), [5, 11, 17, 18, 19]);
}

/// A look at each of a few rules costs less than an index.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_few_rules_have_no_index() {
    let rule = |i| json!({"match": {"headers": {"x-a": {"exact": format!("p{i}")}}}});
    assert!(Rules::new(&(0..20).map(rule).collect::<Vec<_>>()).index.is_none());
    assert!(Rules::new(&(0..40).map(rule).collect::<Vec<_>>()).index.is_some());
    // Neither have many that ask for no text.
    let rule = |i| json!({"match": {"headers": {format!("x-{i}"): {"present": true}}}});
    assert!(Rules::new(&(0..100).map(rule).collect::<Vec<_>>()).index.is_none());
}

/// What comes before a look at a rule makes an index worth it with fewer rules, and with those that no request is for.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn rules_that_cost_more_have_an_index_sooner() {
    let costly = RuleCost { before: 4, judged: false };
    let rule = |i| json!({"match": {"headers": {"x-a": {"exact": format!("p{i}")}}}});
    let rules: Vec<Value> = (0..10).map(rule).collect();
    assert!(Rules::new(&rules).index.is_none());
    assert!(Rules::with_cost(&rules, costly).index.is_some());
    // A rule with a predicate that is never true.
    let (attributes, env) = (AttributeMap::default(), |_: &str| None);
    let compiler = Compiler::new(&attributes, &env, Problems::default());
    let nobody = [const { &Predicate::Const(false) }; 10].map(Some);
    assert!(RuleIndex::new(&nobody, RuleCost::PREDICATE, &compiler).is_none());
    let index = RuleIndex::new(&nobody, costly, &compiler).unwrap();
    let (access_plan, scratch, host) =
        (compiler.finish().ok().unwrap(), Scratch::default(), Services::default());
    let request = Request::new(&access_plan, &[], &scratch, &host);
    assert_eq!(index.find(&request).iter().count(), 0);
    // And one that all requests are asked about.
    let compiler = Compiler::new(&attributes, &env, Problems::default());
    let mut some = nobody;
    some[7] = None;
    let index = RuleIndex::new(&some, costly, &compiler).unwrap();
    assert_eq!(index.find(&request).iter().collect::<Vec<_>>(), [7]);
}
