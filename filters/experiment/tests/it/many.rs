//! Many experiments are decided as each of them alone: what an index leaves out makes no difference. Held against the
//! decision with a trace, which is told of each experiment and so leaves out none, on random sections and requests.

use crate::support::Lab;
use serde_json::{Value, json};
use weir_core::header::encode_pairs;
use weir_core::{Effects, Request, Scratch};
use weir_experiment::Note;
use weir_testkit::Chance;

const TEXTS: [&str; 5] = ["v1", "v2", "v3", "v", ""];

/// What chooses requests.
fn targeting(chance: &mut Chance, it: &mut Value) {
    let text = *chance.one(&TEXTS[..4]);
    match chance.below(12) {
        0..4 => it["match"] = json!({"headers": {"x-a": {"exact": text}}}),
        4 => it["match"] = json!({"uri": {"prefix": format!("/{text}")}}),
        5 => {
            it["match"] =
                json!([{"headers": {"x-a": {"exact": text}}}, {"headers": {"x-b": {"exact": text}}}])
        }
        6 => it["match"] = json!({"headers": {"x-b": {"in": [text, *chance.one(&TEXTS)]}}}),
        7 => it["condition"] = json!({"header:x-b": text}),
        // What cannot be judged.
        8 => it["condition"] = json!({"$or": [{"header:x-a": text}, {"cookie:c": {"$regex": "((a+)+)+$"}}]}),
        9 => it["cel"] = json!("true"),
        10 => it["match"] = json!({"headers": {"x-a": {"suffix": "1"}}}),
        _ => {}
    }
}

fn experiment(chance: &mut Chance, index: usize, sticky: bool) -> Value {
    let mut it = json!({"key": format!("e{index}"), "variants": [{"key": "a", "weight": 50}, {"key": "b", "weight": 50}]});
    targeting(chance, &mut it);
    match chance.below(12) {
        0 => it["status"] = json!("draft"),
        1 => it["status"] = json!("paused"),
        2 => it["status"] = json!("ended"),
        3 => {
            it["status"] = json!("ended");
            it["winner"] = json!("b");
        }
        _ => {}
    }
    if chance.below(8) == 0 {
        let [start, end] = *chance.one(&[
            ["2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"],
            ["2020-01-01T00:00:00Z", "2090-01-01T00:00:00Z"],
            ["2080-01-01T00:00:00Z", "2090-01-01T00:00:00Z"],
        ]);
        it["start"] = json!(start);
        it["end"] = json!(end);
        if chance.below(3) == 0 {
            it["winner"] = json!("a");
        }
    }
    if chance.below(5) == 0 {
        // Those of a layer share no units.
        let part = index % 5 * 20;
        it["layer"] = json!({
            "name": format!("layer-{}", index / 5),
            "ranges": [[format!("{part}%"), format!("{}%", part + 20)]],
            "unit": (if (index / 5).is_multiple_of(2) { "cookie:c" } else { "header:x-user" }),
        });
    }
    if chance.below(6) == 0 {
        it["holdout"] = json!("all");
    }
    if chance.below(6) == 0 {
        it["unit"] = json!(*chance.one(&["header:x-b", "cookie:c"]));
    }
    if chance.below(6) == 0 {
        it["coverage"] = json!("50%");
    }
    if index > 0 && chance.below(6) == 0 {
        let other = format!("e{}", chance.below(index));
        it["prerequisites"] = json!([{"experiment": other, "variants": ["a"], "not": chance.below(2) == 0}]);
    }
    if chance.below(8) == 0 {
        it["flag"] = json!(format!("f{}", chance.below(3)));
    }
    if sticky && chance.below(3) == 0 {
        it["sticky"] = json!(true);
    }
    it
}

fn section(chance: &mut Chance) -> Value {
    let sticky = chance.below(2) == 0;
    let count = 10 + chance.below(60);
    let list: Vec<Value> = (0..count).map(|index| experiment(chance, index, sticky)).collect();
    let mut section =
        json!({"unit": "header:x-user", "list": list, "holdouts": [{"name": "all", "share": 0.2}]});
    if sticky {
        section["assignmentCookie"] = json!({"name": "w", "secure": chance.below(2) == 0});
    }
    if chance.below(3) == 0 {
        section["mintCookie"] = json!({"name": "id"});
        section["visitsOnly"] = json!(chance.below(2) == 0);
    }
    if section.get("mintCookie").or(section.get("assignmentCookie")).is_some() {
        section["secret"] = json!({"env": "WEIR_SECRET"});
    }
    if chance.below(3) == 0 {
        section["consent"] = json!({"source": "header:x-consent", "equals": "yes"});
    }
    if chance.below(3) == 0 {
        section["overrides"] = json!({"header": "x-try", "responseHeader": "x-tried", "session": {"name": "s"}, "query": "try",
            "allow": {"match": {"headers": {"x-peer": {"exact": "ops"}}}}});
        section["overrides"]["secret"] = json!({"env": "WEIR_SECRET"});
    }
    if chance.below(4) == 0 {
        section["trust"] = json!({"match": {"headers": {"x-peer": {"exact": "gateway"}}}});
        // The variants of a flag must differ then.
        section["list"].as_array_mut().unwrap().iter_mut().for_each(|it| it["flag"] = Value::Null);
    }
    let output = [
        ("combinedHeader", json!("x-all")),
        ("baggage", json!(true)),
        ("filterState", json!(true)),
        ("exposures", json!(true)),
        ("responseHeader", json!("x-told")),
        ("responseCookie", json!({"name": "told"})),
    ];
    section["output"] = json!({});
    for (name, value) in output {
        if chance.below(3) == 0 {
            section["output"][name] = value;
        }
    }
    section
}

type Headers = Vec<(&'static str, Vec<u8>)>;

fn headers(chance: &mut Chance, cookie: Option<&str>) -> Headers {
    let path = format!("/{}?x=1", chance.one(&TEXTS));
    let mut headers =
        vec![(":path", path.into_bytes()), (":scheme", b"http".to_vec()), (":method", b"GET".to_vec())];
    let mut add = |chance: &mut Chance, times, name, value: &[u8]| {
        if chance.below(times) == 0 {
            headers.push((name, value.to_vec()));
        }
    };
    let user = format!("user-{}", chance.below(500));
    if chance.below(4) != 0 {
        add(chance, 1, "x-user", user.as_bytes());
    }
    for name in ["x-a", "x-b"] {
        let text = *chance.one(&TEXTS);
        add(chance, 2, name, text.as_bytes());
        add(chance, 12, name, b"v1\xff");
    }
    let consent = *chance.one(&["yes", "no"]);
    add(chance, 2, "x-consent", consent.as_bytes());
    let peer = *chance.one(&["ops", "gateway"]);
    add(chance, 6, "x-peer", peer.as_bytes());
    let choice = *chance.one(&["e1=b", "e1=b,e2=a", "f0=b", "e3=z", "nobody=a"]);
    add(chance, 6, "x-try", choice.as_bytes());
    add(chance, 6, "x-all", b"e0=a,e1=b,other=c");
    add(chance, 6, "x-weir-experiment-e2", b"a");
    add(chance, 6, "x-weir-decided", b"e1=override");
    add(chance, 6, "baggage", b"weir.e1=a,own=b,weir.other=c");
    let mut cookies = String::new();
    if chance.below(2) == 0 {
        cookies.push_str(chance.one(&["c=unit; ", "c=", "c=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!; "]));
    }
    cookies.extend(cookie);
    add(chance, 1, "cookie", cookies.as_bytes());
    headers
}

/// All that is decided about a request, and the cookie with its assignments.
fn decide(lab: &Lab, headers: &Headers, each: bool) -> (String, Option<String>) {
    let headers: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (*name, value.as_slice())).collect();
    let (raw, mut scratch, mut effects) = (encode_pairs(&headers), Scratch::default(), Effects::default());
    scratch.read(&lab.access_plan, &raw);
    let request = Request::new(&lab.access_plan, &raw, &scratch, &lab.host);
    effects.reset(&lab.access_plan);
    if each {
        lab.plan.decide_traced(&request, &mut effects, &mut |_: Note<'_>| {});
    } else {
        lab.plan.decide(&request, &mut effects);
    }
    let assigned: Vec<_> = lab.plan.experiments().iter().map(|it| request.assigned(it.id())).collect();
    let set = effects.response.iter().filter(|header| &*header.name == "set-cookie");
    let mut pairs =
        set.filter_map(|header| Some(str::from_utf8(&header.value).ok()?.split(';').next()?.to_owned()));
    let cookie = pairs.find(|pair| pair.starts_with("w="));
    (format!("{effects:?} {assigned:?}"), cookie)
}

tests! {
    fn what_an_index_leaves_out_makes_no_difference() {
        let mut chance = Chance(20_261_130);
        let (mut indexed, mut different, mut remembered) = (0, std::collections::BTreeSet::new(), 0);
        for round in 0..200 {
            let section = section(&mut chance);
            let lab = Lab::new(&section.to_string()).unwrap_or_else(|problems| panic!("{section:#}: {problems}"));
            lab.host.random.set(Some(7));
            lab.host.cel.set(*chance.one(&[None, Some(false), Some(true)]));
            indexed += usize::from(lab.plan.has_index());
            let mut cookie = None;
            for _ in 0..40 {
                let returns = chance.below(3) != 0;
                let headers = headers(&mut chance, cookie.as_deref().filter(|_| returns));
                let (expected, set) = decide(&lab, &headers, true);
                let (found, _) = decide(&lab, &headers, false);
                assert_eq!(found, expected, "round {round}: {section:#} with {headers:?}");
                remembered += usize::from(set.is_some());
                cookie = set.or(cookie);
                different.insert(expected);
            }
        }
        // The test is of something.
        assert!(indexed > 100 && different.len() > 3_000 && remembered > 500, "{indexed} {} {remembered}", different.len());
    }
    /// A trace asks each experiment. Those that an index leaves out take nothing of the work that regular expressions
    /// of a request may be: otherwise an experiment after them would be judged otherwise than in a proxy.
    fn explaining_takes_no_work_of_a_request() {
        // A hundred look at 16 KiB each, in a trace, which is more than the bound.
        let variants = json!([{"key": "a", "weight": 50}, {"key": "b", "weight": 50}]);
        let one = |key: String, regex: &str| {
            json!({"key": key, "match": {"headers": {"x-long": {"regex": regex}}}, "variants": variants})
        };
        let mut list: Vec<Value> = (0..100).map(|i| one(format!("e{i}"), "x*z")).collect();
        for (i, one) in list.iter_mut().enumerate() {
            one["condition"] = json!({"header:x-a": format!("a{i}")});
        }
        list.push(one("last".into(), "x*y"));
        let lab = Lab::new(&json!({"unit": "header:x-user", "list": list}).to_string()).unwrap();
        assert!(lab.plan.has_index());
        let long = ["x".repeat(16 * 1024), "y".into()].concat();
        let headers = vec![("x-user", b"one".to_vec()), ("x-long", long.into_bytes()), ("x-a", b"another".to_vec())];
        let decided = decide(&lab, &headers, false);
        assert!(decided.0.contains("Some(Assigned"), "{decided:?}");
        assert_eq!(decide(&lab, &headers, true), decided);
    }
}
