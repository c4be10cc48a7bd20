//! What the vendors' SDKs assign, in the real Envoy: the sample. The mini host is asked all of it.

use std::collections::{BTreeMap, BTreeSet};

use weir_tests::vectors::{self, NOBODY, Sample};

use super::*;

/// Whether a client can send it as it is: no control characters, and no blanks at its ends, which HTTP drops.
fn can_be_sent(unit: &str) -> bool {
    !unit.is_empty() && unit.trim_matches([' ', '\t']) == unit && !unit.bytes().any(|b| b < 32 || b == 127)
}

#[test]
fn the_sample_of_every_sdk_agrees() {
    let sample = vectors::sample().unwrap();
    let list: Vec<&Value> = sample.iter().map(|sample| &sample.experiment).collect();
    let algorithms: BTreeSet<_> = list.iter().map(|experiment| experiment["hash"].to_string()).collect();
    let section = json!({"unit": "header:x-unit", "output": {"combinedHeader": "x-all"}, "list": list});
    let envoy = envoy(2, &[section]);

    let all: BTreeSet<&String> =
        sample.iter().flat_map(|Sample { answers, .. }| answers.iter().map(|(unit, _)| unit)).collect();
    let units: Vec<&String> = all.iter().copied().filter(|unit| can_be_sent(unit)).collect();
    let answers = ask(&envoy, 0, units.iter().map(|unit| Request::get("/").header("x-unit", unit)).collect());
    let pairs = |answer: &Response| seen(answer, "x-all").unwrap_or_default();
    let given: BTreeMap<&String, String> = units.into_iter().zip(answers.iter().map(pairs)).collect();

    let mut agreed = 0;
    for Sample { experiment, answers } in &sample {
        let start = format!("{}=", experiment["key"].as_str().unwrap());
        for (unit, expected) in answers {
            let Some(given) = given.get(unit) else { continue };
            let variant = given.split(',').find_map(|pair| pair.strip_prefix(&start)?.chars().next());
            assert_eq!(variant.unwrap_or(NOBODY), *expected, "{experiment} {unit:?}");
            agreed += 1;
        }
    }
    println!(
        "{agreed} answers of {} algorithms agree, for {} units; {} cannot be sent",
        algorithms.len(),
        given.len(),
        all.len() - given.len()
    );
    assert!(algorithms.len() >= 13 && agreed >= 1_000, "too few to prove anything");
    assert!(all.len() - given.len() <= all.len() / 50, "too many cannot be sent");
}
