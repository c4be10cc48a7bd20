//! Many faults hit as each of them alone: what an index leaves out makes no difference. Held against a look at each
//! fault, on random sections and requests.

use crate::explain::Verdict;
use crate::{Config, Plan};
use serde_json::{Value, json};
use weir_core::header::encode_pairs;
use weir_core::ids::ExperimentId;
use weir_core::{
    AccessPlan, At, AttributeMap, Compiler, Disposition, Effects, OrderedMap, Problems, Request, Scratch,
    load,
};
use weir_testkit::{Chance, Services};

const TEXTS: [&str; 5] = ["v1", "v2", "v3", "v", ""];

fn targeting(chance: &mut Chance) -> Value {
    let text = *chance.one(&TEXTS[..4]);
    match chance.below(11) {
        9 => json!({"variant": {"e1": *chance.one(&["a", "b"])}}),
        10 => json!({"variant": {"e2": ["a", "b"]}, "match": {"headers": {"x-a": {"prefix": "v"}}}}),
        0..4 => json!({"match": {"headers": {"x-a": {"exact": text}}}}),
        4 => json!({"match": {"uri": {"prefix": format!("/{text}")}}}),
        5 => json!({"condition": {"header:x-b": {"$in": [text, *chance.one(&TEXTS)]}}}),
        6 => json!({"condition": {"property:p": text}}),
        7 => json!({"downstreamNodes": [text, "node"]}),
        _ => json!({"match": {"headers": {"x-a": {"suffix": "1"}}}}),
    }
}

fn fault(chance: &mut Chance) -> Value {
    let mut fault = targeting(chance);
    // Whether a request is drawn must be the same both times.
    let part = *chance.one(&["100%", "50%"]);
    fault["sampling"] = json!({"sticky": {"unit": "header:x-user"}});
    match chance.below(4) {
        0 => fault["delay"] = json!({"fixedDelay": format!("{}ms", 1 + chance.below(9)), "percentage": part}),
        1 => fault["abort"] = json!({"httpStatus": 500 + chance.below(9), "percentage": part}),
        2 => fault["responseRateLimit"] = json!({"limitKbps": 1 + chance.below(9), "percentage": part}),
        _ => fault["response"] = json!({"status": 500 + chance.below(9), "percentage": part}),
    }
    if chance.below(20) == 0 {
        fault["headerControl"] = json!({"forward": true, "allow": {"condition": {"json:x-b": "v1"}}});
        fault["headerControl"]["allow"] = targeting(chance);
        let allow = &fault["headerControl"]["allow"];
        if allow.get("downstreamNodes").or(allow.get("variant")).is_some() {
            fault["headerControl"]["allow"] = json!({"cel": "true"});
        }
    }
    fault
}

fn headers(chance: &mut Chance) -> Vec<(&'static str, Vec<u8>)> {
    let path = format!("/{}?x=1", chance.one(&TEXTS));
    let user = format!("user-{}", chance.below(50));
    let mut headers = vec![(":path", path.into_bytes()), ("x-user", user.into_bytes())];
    for name in ["x-a", "x-b", "x-envoy-downstream-service-node"] {
        for _ in 0..chance.below(3) {
            headers.push((name, chance.one(&TEXTS).as_bytes().to_vec()));
        }
    }
    if chance.below(4) == 0 {
        headers.push(("x-envoy-fault-abort-request", b"418".to_vec()));
    }
    headers
}

/// The experiments that faults ask for.
struct Experiments([ExperimentId; 2]);

fn compile(section: &Value) -> (AccessPlan, Plan, Experiments) {
    let mut problems = Problems::default();
    let document: OrderedMap<Config> = load(json!({"faults": section}).to_string().as_bytes(), &mut problems);
    let (named, env) = (AttributeMap::default(), |_: &str| None);
    let mut compiler = Compiler::new(&named, &env, problems);
    let experiments =
        ["e1", "e2"].map(|key| compiler.experiment(key, ["a", "b", "c"].map(str::to_owned).to_vec()));
    let plan = Plan::compile(document.get("faults").unwrap(), &mut compiler, &At::root().field("faults"));
    let access_plan = compiler.finish().map_err(|problems| format!("{section:#}: {problems}")).unwrap();
    (access_plan, plan, Experiments(experiments))
}

#[test]
fn what_an_index_leaves_out_makes_no_difference() {
    let mut chance = Chance(20_261_130);
    let (mut indexed, mut hit, mut undecided) = (0, 0, 0);
    for round in 0..100 {
        let section: Value = (0..8 + chance.below(120)).map(|_| fault(&mut chance)).collect();
        let (access_plan, plan, experiments) = compile(&section);
        let (_, mut each, _) = compile(&section);
        indexed += usize::from(each.index.take().is_some());
        for _ in 0..40 {
            let headers = headers(&mut chance);
            let headers: Vec<(&str, &[u8])> = headers.iter().map(|(n, v)| (*n, v.as_slice())).collect();
            let host = Services::default();
            host.random.set(Some(1));
            host.cel.set(*chance.one(&[None, Some(false), Some(true)]));
            let property = *chance.one(&[None, Some(&b"v1"[..]), Some(b"v3"), Some(b"\xff")]);
            let variants = [(); 2].map(|()| *chance.one(&[None, Some(0), Some(1), Some(2)]));
            property.into_iter().for_each(|value| host.set_property("p", value));
            let [found, expected] = [&plan, &each].map(|plan| {
                let (raw, mut scratch, mut effects) =
                    (encode_pairs(&headers), Scratch::default(), Effects::default());
                scratch.read(&access_plan, &raw);
                effects.reset(&access_plan);
                let request = Request::new(&access_plan, &raw, &scratch, &host);
                for (experiment, variant) in experiments.0.iter().zip(variants) {
                    variant.into_iter().for_each(|variant| request.assign(*experiment, variant));
                }
                plan.decide(&request, &mut effects);
                hit += usize::from(!effects.states.is_empty());
                undecided += effects.counts.iter().filter(|counter| **counter == plan.undecided).count();
                format!("{effects:?}")
            });
            assert_eq!(found, expected, "round {round}: {section:#} with {headers:?}");
        }
    }
    // The test is of something.
    assert!(indexed > 80 && hit > 4_000 && undecided > 100, "{indexed} {hit} {undecided}");
}

/// An explanation looks at each fault. Those that an index leaves out take nothing of the work that regular expressions
/// of a request may be: otherwise a fault after them would be explained otherwise than a proxy judges it.
#[test]
fn explaining_takes_no_work_of_a_request() {
    // A hundred look at 16 KiB each, which is more than the bound.
    let one = |regex: &str| json!({"match": {"headers": {"x-long": {"regex": regex}}}, "abort": {"httpStatus": 503, "percentage": "100%"}});
    let mut section: Vec<Value> = vec![one("x*z"); 100];
    for (i, one) in section.iter_mut().enumerate() {
        one["condition"] = json!({"header:x-a": format!("a{i}")});
    }
    section.push(one("x*y"));
    let (access_plan, plan, _) = compile(&section.into());
    let long = ["x".repeat(16 * 1024), "y".into()].concat();
    let headers: [(&str, &[u8]); 2] = [("x-long", long.as_bytes()), ("x-a", b"another")];
    let (raw, host) = (encode_pairs(&headers), Services::default());
    let (mut scratch, mut effects) = (Scratch::default(), Effects::default());
    scratch.read(&access_plan, &raw);
    effects.reset(&access_plan);
    let mut verdicts = Vec::new();
    let request = Request::new(&access_plan, &raw, &scratch, &host);
    plan.explain(&request, &mut effects, &mut |explained| verdicts.push(explained.verdict));
    let (last, others) = verdicts.split_last().unwrap();
    assert_eq!(*last, Verdict::Meant);
    assert!(others.iter().all(|verdict| *verdict == Verdict::NotMeant) && others.len() == 100);
    // As it is decided.
    plan.decide(&Request::new(&access_plan, &raw, &scratch, &host), &mut effects);
    assert!(matches!(effects.disposition, Disposition::Reply(_)), "{:?}", effects.disposition);
}
