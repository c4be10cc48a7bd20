//! Many faults hit as each of them alone: what an index leaves out makes no difference. Held against a look at each
//! fault, on random sections and requests.

use crate::{Config, Plan};
use serde_json::{Value, json};
use weir_core::header::encode_pairs;
use weir_core::{
    AccessPlan, At, AttributeMap, Compiler, Effects, OrderedMap, Problems, Request, Scratch, load,
};
use weir_testkit::{Chance, Services};

const TEXTS: [&str; 5] = ["v1", "v2", "v3", "v", ""];

fn targeting(chance: &mut Chance) -> Value {
    let text = *chance.one(&TEXTS[..4]);
    match chance.below(9) {
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
        if fault["headerControl"]["allow"].get("downstreamNodes").is_some() {
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

fn compile(section: &Value) -> (AccessPlan, Plan) {
    let mut problems = Problems::default();
    let document: OrderedMap<Config> = load(json!({"faults": section}).to_string().as_bytes(), &mut problems);
    let (named, env) = (AttributeMap::default(), |_: &str| None);
    let mut compiler = Compiler::new(&named, &env, problems);
    let plan = Plan::compile(document.get("faults").unwrap(), &mut compiler, &At::root().field("faults"));
    (compiler.finish().map_err(|problems| format!("{section:#}: {problems}")).unwrap(), plan)
}

#[test]
fn what_an_index_leaves_out_makes_no_difference() {
    let mut chance = Chance(20_261_130);
    let (mut indexed, mut hit, mut undecided) = (0, 0, 0);
    for round in 0..100 {
        let section: Value = (0..8 + chance.below(120)).map(|_| fault(&mut chance)).collect();
        let (shape, plan) = compile(&section);
        let (_, mut each) = compile(&section);
        indexed += usize::from(each.index.take().is_some());
        for _ in 0..40 {
            let headers = headers(&mut chance);
            let headers: Vec<(&str, &[u8])> = headers.iter().map(|(n, v)| (*n, v.as_slice())).collect();
            let host = Services::default();
            host.random.set(Some(1));
            host.cel.set(*chance.one(&[None, Some(false), Some(true)]));
            let property = *chance.one(&[None, Some(&b"v1"[..]), Some(b"v3"), Some(b"\xff")]);
            property.into_iter().for_each(|value| host.set_property("p", value));
            let [found, expected] = [&plan, &each].map(|plan| {
                let (raw, mut scratch, mut effects) =
                    (encode_pairs(&headers), Scratch::default(), Effects::default());
                scratch.read(&shape, &raw);
                effects.reset(&shape);
                plan.decide(&Request::new(&shape, &raw, &scratch, &host), &mut effects);
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
