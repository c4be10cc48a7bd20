//! What the vendors' SDKs assign, asked of the built module: every vector of `tests/vectors`, in the mini host.
//!
//! All configurations of a file are experiments of one plugin with a combined header, so that a unit is one request.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Instant;

use serde_json::{Value, json};
use weir_tests::driver::minihost::Modules;
use weir_tests::minihost::{Options, Plugin, Request, Response};
use weir_tests::vectors::{self, NOBODY, REFUSED, Vectors};

static MODULES: LazyLock<Modules> = LazyLock::new(Modules::default);
static UNITS: LazyLock<Vec<String>> = LazyLock::new(|| vectors::units().unwrap());

/// What is asked in one piece. A unit of 40 KiB is hashed for each experiment in one call, which has its fuel.
const EXPERIMENTS: usize = 25;

macro_rules! vectors {
    ($($name:ident: $path:literal;)+) => {$(
        #[test]
        fn $name() {
            every_vector_agrees($path);
        }
    )+};
}

vectors! {
    growthbook_1: "growthbook/growthbook-1.json";
    growthbook_2: "growthbook/growthbook-2.json";
    unleash: "unleash/unleash.json";
    optimizely: "optimizely/optimizely.json";
    launchdarkly: "launchdarkly/launchdarkly.json";
    statsig: "statsig/statsig.json";
    planout: "planout/planout.json";
    planout_beyond_ascii: "planout/planout-js.json";
    flagd_1: "flagd/flagd-1.json";
    flagd_2: "flagd/flagd-2.json";
    envoy_xxh64: "envoy/envoy-xxh64.json";
    split: "split/split.json";
    flagsmith: "flagsmith/flagsmith.json";
    configcat: "configcat/configcat.json";
}

fn plugin(experiments: &[Value]) -> Plugin {
    let config = json!({"experiments": {
        "unit": "header:x-unit",
        "output": {"combinedHeader": "x-all", "counters": false},
        "list": experiments,
    }});
    let module = MODULES.get("experiment").unwrap();
    module.start(&Options::default()).unwrap().configure(&config.to_string()).unwrap()
}

/// The combined header of a unit, as variants by experiment.
fn asked(plugin: &Plugin, unit: &str) -> BTreeMap<String, char> {
    let request = Request::get("/").header("x-unit", unit);
    let upstream = plugin.exchange(request, Response::status(200)).unwrap().upstream.unwrap();
    let pairs = String::from_utf8(upstream.headers.first(b"x-all").unwrap_or_default().to_vec()).unwrap();
    let pair = |pair: &str| {
        let (key, variant) = pair.split_once('=').unwrap();
        (key.to_owned(), variant.chars().next().unwrap())
    };
    pairs.split(',').filter(|pair| !pair.is_empty()).map(pair).collect()
}

fn every_vector_agrees(path: &str) {
    let start = Instant::now();
    let Vectors { experiments, assigned } = vectors::file(path).unwrap();
    assert!(assigned.iter().all(|answers| answers.chars().count() == UNITS.len()));
    let (mut agreed, mut refused, mut left_out, mut wrong) = (0, 0, 0, Vec::new());
    for (experiments, assigned) in experiments.chunks(EXPERIMENTS).zip(assigned.chunks(EXPERIMENTS)) {
        let plugin = plugin(experiments);
        let mut answers: Vec<_> = assigned.iter().map(|answers| answers.chars()).collect();
        for unit in &*UNITS {
            let given = asked(&plugin, unit);
            for (experiment, answers) in experiments.iter().zip(&mut answers) {
                let expected = answers.next().unwrap();
                let key = experiment["key"].as_str().unwrap();
                let actual = given.get(key).copied().unwrap_or(NOBODY);
                match expected {
                    REFUSED => refused += 1,
                    // An empty header is no unit to the filter, whatever an SDK makes of an empty id.
                    _ if unit.is_empty() && expected != NOBODY => left_out += 1,
                    _ if expected == actual => agreed += 1,
                    _ => wrong.push(format!(
                        "{experiment} {:?}: {expected} by the SDK, {actual} here",
                        unit.chars().take(40).collect::<String>()
                    )),
                }
            }
        }
    }
    println!(
        "{path}: {agreed} of {} agree ({} experiments, {} units; {refused} that the SDK refuses; {left_out} left out: \
         variants of the empty unit) in {:.1} s",
        agreed + wrong.len(),
        experiments.len(),
        UNITS.len(),
        start.elapsed().as_secs_f64()
    );
    assert!(agreed > 2 * UNITS.len(), "too few answers to prove anything");
    assert!(wrong.is_empty(), "{} differ, such as\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
}
