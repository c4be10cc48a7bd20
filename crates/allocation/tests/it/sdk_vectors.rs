//! Compares with the vendors' own SDKs (tests/vectors/<vendor>), for every unit of tests/vectors/units.
//!
//! The same tests run natively and, as WebAssembly, under Node.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
#![cfg(feature = "sdk")]

use std::fmt::Write;

use serde_json::Value;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test;
use weir_allocation::sdk::{Algorithm, Assigner, Assignment, Definition, Layout, Span, growthbook_rollout};

const UNITS: &str = include_str!("../../../../tests/vectors/units/units.json");
const SAMPLE: &str = include_str!("../../../../tests/vectors/units/sample.json");
const LETTERS: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
/// Stands for a unit that the SDK refuses.
const NO_ANSWER: char = '!';

/// One test for each file of vectors.
macro_rules! vectors {
    ($($name:ident: $path:literal, $algorithm:literal;)+) => {
        $(
            #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
            #[cfg_attr(not(target_arch = "wasm32"), test)]
            fn $name() {
                let text = include_str!(concat!("../../../../tests/vectors/", $path));
                agrees_with_every_vector($algorithm, &serde_json::from_str(text).unwrap());
            }
        )+

        #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
        #[cfg_attr(not(target_arch = "wasm32"), test)]
        fn every_algorithm_has_vectors() {
            let tested = ["weir-1", $($algorithm),+];
            for algorithm in Algorithm::ALL {
                assert!(tested.contains(&algorithm.name()), "{} has no vectors", algorithm.name());
            }
        }
    };
}

vectors! {
    growthbook_1: "growthbook/growthbook-1.json", "growthbook-1";
    growthbook_2: "growthbook/growthbook-2.json", "growthbook-2";
    unleash: "unleash/unleash.json", "unleash";
    optimizely: "optimizely/optimizely.json", "optimizely";
    launchdarkly: "launchdarkly/launchdarkly.json", "launchdarkly";
    statsig: "statsig/statsig.json", "statsig";
    statsig_gate: "statsig/statsig-gate.json", "statsig-gate";
    planout: "planout/planout.json", "planout";
    planout_beyond_ascii: "planout/planout-js.json", "planout";
    flagd_1: "flagd/flagd-1.json", "flagd-1";
    flagd_2: "flagd/flagd-2.json", "flagd-2";
    envoy_xxh64: "envoy/envoy-xxh64.json", "envoy-xxh64";
    split: "split/split.json", "split";
    flagsmith: "flagsmith/flagsmith.json", "flagsmith";
    configcat: "configcat/configcat.json", "configcat";
}

/// The units in the order of the file; long ones are written as a text and how often it is repeated.
fn units() -> Vec<String> {
    let units: Vec<Value> = serde_json::from_str(UNITS).unwrap();
    units
        .iter()
        .map(|unit| match unit {
            Value::String(text) => text.clone(),
            other => other[0].as_str().unwrap().repeat(usize::try_from(other[1].as_u64().unwrap()).unwrap()),
        })
        .collect()
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn spans(list: &Value) -> Vec<Span> {
    list.as_array().unwrap().iter().map(numbers).map(|it| Span::new(it[0], it[1])).collect()
}

fn assigner(algorithm: Algorithm, configuration: &Value) -> Assigner {
    let text = |name: &str| configuration.get(name).and_then(Value::as_str);
    let weights = configuration.get("weights").map(numbers);
    let ranges = match configuration.get("rollout") {
        Some(rollout) => vec![growthbook_rollout(algorithm, rollout.as_f64().unwrap()).into_iter().collect()],
        None => configuration
            .get("ranges")
            .map(|it| it.as_array().unwrap().iter().map(spans).collect())
            .unwrap_or_default(),
    };
    let definition = Definition {
        key: text("key").unwrap(),
        seed: text("seed"),
        coverage_seed: text("coverage_seed"),
        coverage: configuration.get("coverage").map_or(1.0, |coverage| coverage.as_f64().unwrap()),
        layout: weights.as_deref().map_or(Layout::Ranges(&ranges), Layout::Weights),
    };
    Assigner::new(algorithm, &definition).unwrap_or_else(|refused| panic!("{configuration}: {refused}"))
}

fn letter(assignment: Assignment) -> char {
    match assignment {
        Assignment::NotCovered => '-',
        Assignment::Variant(index) => char::from(LETTERS.as_bytes()[index]),
    }
}

fn agrees_with_every_vector(algorithm: &str, file: &Value) {
    assert_eq!(file["algorithm"], algorithm);
    let algorithm = Algorithm::from_name(algorithm).unwrap();
    let units = units();
    assert!(units.len() >= 2000);
    let mut wrong = String::new();
    let (mut answers, mut differences) = (0, 0);
    for configuration in file["configurations"].as_array().unwrap() {
        let mut definition = configuration.clone();
        let assigned = definition.as_object_mut().unwrap().remove("assigned").unwrap();
        let assigner = assigner(algorithm, configuration);
        let expected = assigned.as_str().unwrap();
        assert_eq!(expected.len(), units.len());
        for (unit, expected) in units.iter().zip(expected.chars()) {
            answers += usize::from(expected != NO_ANSWER);
            let explained = assigner.explain(unit.as_bytes());
            let actual = letter(assigner.assign(unit.as_bytes()));
            assert_eq!(letter(explained.assignment), actual, "explaining changes nothing");
            if expected != NO_ANSWER && actual != expected {
                differences += 1;
                if differences <= 20 {
                    let unit: String = unit.chars().take(40).collect();
                    writeln!(
                        wrong,
                        "{definition} {unit:?}: {expected} by the SDK, {actual} here ({explained:?})"
                    )
                    .unwrap();
                }
            }
        }
    }
    assert!(answers > units.len() * 2, "too few answers of the SDK to prove anything");
    assert_eq!(differences, 0, "of {answers} answers:\n{wrong}");
}

/// The sample that tests of built modules use: every algorithm is in it, with both kinds of answers.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn agrees_with_the_sample() {
    let sample: Vec<Value> = serde_json::from_str(SAMPLE).unwrap();
    for row in &sample {
        let algorithm = Algorithm::from_name(row["algorithm"].as_str().unwrap()).unwrap();
        let assigner = assigner(algorithm, row);
        let units = row["units"].as_array().unwrap();
        assert_eq!(units.len(), 80);
        for answer in units {
            let variant = answer[1].as_u64().map(|index| usize::try_from(index).unwrap());
            let unit = answer[0].as_str().unwrap();
            assert_eq!(assigner.assign(unit.as_bytes()), variant.into(), "{} {unit:?}", algorithm.name());
        }
    }
    for algorithm in Algorithm::ALL.iter().filter(|it| **it != Algorithm::Weir1) {
        assert!(sample.iter().any(|row| row["algorithm"] == algorithm.name()), "{}", algorithm.name());
    }
}
